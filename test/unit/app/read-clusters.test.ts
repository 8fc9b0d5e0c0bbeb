import { expect, it } from 'vitest';
import {
  getCluster,
  getCredentials,
  ownerSeen,
  waitForAddresses,
} from '../../../lib/app/read-clusters.ts';
import { minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aRunning, creating, ID } from '../../support/builders.ts';
import { aRunningWorld } from './running-world.ts';

it("an owner sees their own clusters, and the admin everybody's or one owner's", () => {
  expect(ownerSeen('ann', null)).toBe('ann');
  expect(ownerSeen('ann', 'ann')).toBe('ann');
  expect(ownerSeen('admin', null)).toBeNull();
  expect(ownerSeen('admin', 'ann')).toBe('ann');
  expect(ownerSeen('admin', 'admin')).toBe('admin');
});

it.each(['bob', 'admin', 'nobody'])("ann may not list %s's clusters", (asked) => {
  expect(() => ownerSeen('ann', asked)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      details: { faults: [{ path: 'owner', message: expect.stringContaining('must be ann') }] },
    }),
  );
});

it('a cluster is shown to its owner and to the admin, and not to another owner', async () => {
  const { deps, record } = await aRunningWorld();
  expect(await getCluster(deps, 'ann', ID)).toEqual(await record());
  expect(await getCluster(deps, 'admin', ID)).toEqual(await record());
  await expect(getCluster(deps, 'bob', ID)).rejects.toMatchObject({ code: 'notFound' });
});

it('an unreadable record is shown as such to its owner and to the admin, and to nobody else', async () => {
  const { clusters: store, poison } = createMemoryTable();
  await store.insert(aRunning());
  poison(ID);
  for (const owner of ['ann', 'admin']) {
    await expect(getCluster({ store }, owner, ID)).rejects.toMatchObject({ code: 'unreadable' });
  }
  await expect(getCluster({ store }, 'bob', ID)).rejects.toMatchObject({ code: 'notFound' });
});

it('a request waits for addresses until its deadline and no longer', async () => {
  const { clock, store } = (await aRunningWorld()).deps;
  const until = plus(clock.now(), seconds(15));
  const pending = aRunning({ nodes: [creating(0)] });
  const get = async () => {
    if (clock.now() > plus(until, minutes(1)))
      throw new Error('the wait goes on after the deadline');
    return pending;
  };
  const waiting = waitForAddresses({ clock, store: { ...store, get } }, pending, until);
  expect((await waiting).nodes).toEqual([creating(0)]);
  expect(clock.now()).toBe(until);
});

it("root passwords are shown to the cluster's owner, and not even to the admin", async () => {
  const { deps } = await aRunningWorld();
  const [first] = await getCredentials(deps, 'ann', ID);
  expect(first).toMatchObject({ user: 'root', rootPassword: expect.any(String) });
  await expect(getCredentials(deps, 'admin', ID)).rejects.toMatchObject({ code: 'notFound' });
});
