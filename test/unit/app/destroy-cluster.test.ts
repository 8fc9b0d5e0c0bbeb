import { describe, expect, it } from 'vitest';
import { destroyCluster } from '../../../lib/app/destroy-cluster.ts';
import { ID } from '../../support/builders.ts';
import { aRunningWorld } from './running-world.ts';

describe('a DELETE', () => {
  it('begins the teardown, and nudges a pass', async () => {
    const { deps, record, nudged } = await aRunningWorld();
    await destroyCluster(deps, 'ann', ID);
    expect(await record()).toMatchObject({ phase: 'deleting', endReason: 'requested' });
    expect(nudged).toEqual([ID]);
  });

  it('begins the teardown on the record that a pass has saved in between', async () => {
    const { deps, record, letPassSaveInBetween } = await aRunningWorld();
    letPassSaveInBetween();
    await destroyCluster(deps, 'ann', ID);
    expect(await record()).toMatchObject({ phase: 'deleting', reapTags: ['reap=x'] });
  });

  it('leaves the cluster due at once, so that a lost nudge does not matter', async () => {
    const { deps } = await aRunningWorld({ isNudgeLost: true });
    const deleting = await destroyCluster(deps, 'ann', ID);
    expect(deleting).toMatchObject({ phase: 'deleting', dueAt: deps.clock.now() });
  });

  it("of another owner's cluster answers notFound, but the admin may end it", async () => {
    const { deps, record } = await aRunningWorld();
    const notFound = { code: 'notFound' };
    await expect(destroyCluster(deps, 'bob', ID)).rejects.toMatchObject(notFound);
    expect(await record()).toMatchObject({ phase: 'running' });
    await destroyCluster(deps, 'admin', ID);
    expect(await record()).toMatchObject({ phase: 'deleting' });
  });
});
