import { expect, it } from 'vitest';
import event from '../../../events/reap.json' with { type: 'json' };
import { plus, seconds } from '../../../lib/core/base/units.ts';
import { aCluster, aDeleting, anEnded, aRunning, aSchedule } from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { startWorld } from '../../support/handler-world.ts';

async function startReap(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../../handlers/reap.ts');
  // A scheduled function is given its event, which this one has no use for.
  const reap = handler as (sent: unknown) => ReturnType<typeof handler>;
  return { ...world, reap: () => reap(event) };
}

it('asks for a pass over what is due before its next tick, and over nothing else', async () => {
  const { reap, store, clock, nudged } = await startReap();
  const inSeconds = (count: number) => plus(clock.now(), seconds(count));
  await store.insert(aRunning({ id: id(1), dueAt: inSeconds(-3600) }));
  await store.insert(aDeleting({ id: id(2), dueAt: inSeconds(0) }));
  await store.insert(aCluster({ id: id(3), dueAt: inSeconds(40) }));
  await store.insert(aRunning({ id: id(4), dueAt: inSeconds(120) }));
  await store.insert(anEnded({ id: id(5) }));
  expect(await reap()).toEqual({ nudged: 3 });
  expect(nudged.toSorted()).toEqual([id(1), id(2), id(3)]);
});

it('asks for a pass over a schedule that is due before its next tick, by its own function', async () => {
  const { reap, store, schedules, clock, nudged, nudgedSchedules } = await startReap();
  const inSeconds = (count: number) => plus(clock.now(), seconds(count));
  await store.insert(aRunning({ id: id(1), dueAt: inSeconds(0) }));
  await schedules.insert(aSchedule({ id: 'sdue2222222', nextAt: inSeconds(40) }));
  await schedules.insert(aSchedule({ id: 'slater22222', nextAt: inSeconds(120) }));
  await schedules.insert(aSchedule({ id: 'spaused2222', nextAt: null }));
  expect(await reap()).toEqual({ nudged: 2 });
  expect(nudged).toEqual([id(1)]);
  expect(nudgedSchedules).toEqual(['sdue2222222']);
});

it('has nothing to do where nothing is due', async () => {
  const { reap, nudged } = await startReap();
  expect(await reap()).toEqual({ nudged: 0 });
  expect(nudged).toEqual([]);
});

it('asks for passes over many at once', async () => {
  const { reap, store, clock, nudged } = await startReap();
  const many = Array.from({ length: 60 }, (_, index) => id(index));
  const dueAt = clock.now();
  await Promise.all(many.map((one) => store.insert(aCluster({ id: one, dueAt }))));
  expect(await reap()).toEqual({ nudged: 60 });
  expect(nudged.toSorted()).toEqual(many.toSorted());
});

it('does not let one that can not be nudged keep the others waiting, and then throws', async () => {
  const { reap, store, clock, nudged, unreachable } = await startReap();
  const three = [id(1), id(2), id(3)] as const;
  for (const one of three) await store.insert(aCluster({ id: one, dueAt: clock.now() }));
  unreachable.add(id(1));
  await expect(reap()).rejects.toThrow('Function not found');
  expect(nudged.toSorted()).toEqual([id(2), id(3)]);
});

it('throws where the table can not be read', async () => {
  const { reap } = await startReap({ env: { TABLE_NAME: 'a-table-that-is-not-there' } });
  await expect(reap()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
