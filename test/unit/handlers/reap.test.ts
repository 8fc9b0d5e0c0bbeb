import { expect, it } from 'vitest';
import event from '../../../events/reap.json' with { type: 'json' };
import { plus, seconds } from '../../../lib/core/base/units.ts';
import {
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  aSchedule,
  created,
  deleting,
} from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { startWorld } from '../../support/handler-world.ts';

async function startReap(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../../handlers/reap.ts');
  // Lambda passes the reaper the event of its schedule, which the reaper ignores.
  const reap = handler as (sent: unknown) => ReturnType<typeof handler>;
  return { ...world, reap: () => reap(event) };
}

it('the reaper nudges the clusters that are due before its next tick, and no others', async () => {
  const { reap, store, clock, nudged } = await startReap();
  const inSeconds = (delay: number) => plus(clock.now(), seconds(delay));
  await store.insert(aRunning({ id: id(1), dueAt: inSeconds(-3600) }));
  await store.insert(aDeleting({ id: id(2), dueAt: inSeconds(0) }));
  await store.insert(aCluster({ id: id(3), dueAt: inSeconds(40) }));
  await store.insert(aRunning({ id: id(4), dueAt: inSeconds(120) }));
  await store.insert(anEnded({ id: id(5) }));
  expect(await reap()).toEqual({ nudged: 3 });
  expect(nudged.toSorted()).toEqual([id(1), id(2), id(3)]);
});

it('the reaper nudges the schedules that are due before its next tick', async () => {
  const { reap, store, schedules, clock, nudged, nudgedSchedules } = await startReap();
  const inSeconds = (delay: number) => plus(clock.now(), seconds(delay));
  await store.insert(aRunning({ id: id(1), dueAt: inSeconds(0) }));
  await schedules.insert(aSchedule({ id: 'sdue2222222', nextAt: inSeconds(40) }));
  await schedules.insert(aSchedule({ id: 'slater22222', nextAt: inSeconds(120) }));
  await schedules.insert(aSchedule({ id: 'spaused2222', nextAt: null }));
  expect(await reap()).toEqual({ nudged: 2 });
  expect(nudged).toEqual([id(1)]);
  expect(nudgedSchedules).toEqual(['sdue2222222']);
});

it('the reaper does nothing where nothing is due', async () => {
  const { reap, nudged } = await startReap();
  expect(await reap()).toEqual({ nudged: 0 });
  expect(nudged).toEqual([]);
});

it('the reaper nudges 60 clusters at one tick', async () => {
  const { reap, store, clock, nudged } = await startReap();
  const many = Array.from({ length: 60 }, (_, index) => id(index));
  const dueAt = clock.now();
  await Promise.all(many.map((id) => store.insert(aCluster({ id, dueAt }))));
  expect(await reap()).toEqual({ nudged: 60 });
  expect(nudged.toSorted()).toEqual(many.toSorted());
});

it('the reaper nudges the other batches where one nudge fails, and then throws', async () => {
  const { reap, store, clock, nudged, unreachable } = await startReap();
  const dueAt = clock.now();
  await store.insert(aCluster({ id: id(1), dueAt }));
  await store.insert(aRunning({ id: id(2), dueAt, nodes: [created(0)] }));
  await store.insert(aDeleting({ id: id(3), dueAt, nodes: [deleting(0)] }));
  unreachable.add(id(1));
  await expect(reap()).rejects.toThrow('Function not found');
  expect(nudged.toSorted()).toEqual([id(2), id(3)]);
});

it('the reaper throws where the table can not be read', async () => {
  const { reap } = await startReap({ env: { TABLE_NAME: 'a-table-that-is-not-there' } });
  await expect(reap()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
