import { describe, expect, it } from 'vitest';
import { destroyCluster } from '../../../lib/app/destroy-cluster.ts';
import { ID } from '../../support/builders.ts';
import { aRunningWorld } from './running-world.ts';

describe('a DELETE', () => {
  it('begins the teardown, and asks for the pass', async () => {
    const { deps, record, nudged } = await aRunningWorld();
    await destroyCluster(deps, 'ann', ID);
    expect(await record()).toMatchObject({ phase: 'deleting', endReason: 'requested' });
    expect(nudged).toEqual([ID]);
  });

  it('that meets a pass begins it all the same, over what the pass has saved', async () => {
    const { deps, record, passInBetween } = await aRunningWorld();
    passInBetween();
    await destroyCluster(deps, 'ann', ID);
    expect(await record()).toMatchObject({ phase: 'deleting', reapTags: ['reap=x'] });
  });

  it('holds though the nudge is lost: the cluster is due', async () => {
    const { deps } = await aRunningWorld({ isNudgeLost: true });
    const deleting = await destroyCluster(deps, 'ann', ID);
    expect(deleting).toMatchObject({ phase: 'deleting', dueAt: deps.clock.now() });
  });

  it("of somebody else's cluster finds none, and the admin's may end it", async () => {
    const { deps, record } = await aRunningWorld();
    const notFound = { code: 'notFound' };
    await expect(destroyCluster(deps, 'bob', ID)).rejects.toMatchObject(notFound);
    expect(await record()).toMatchObject({ phase: 'running' });
    await destroyCluster(deps, 'admin', ID);
    expect(await record()).toMatchObject({ phase: 'deleting' });
  });
});
