import { expect, it } from 'vitest';
import event from '../../../events/schedule.json' with { type: 'json' };
import type { ScheduleId } from '../../../lib/core/base/names.ts';
import { minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { aSchedule } from '../../support/builders.ts';
import { aContext, startWorld } from '../../support/handler-world.ts';

const id = event.scheduleId as ScheduleId;

async function startSchedule(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../../handlers/schedule.ts');
  const schedule = (sent: unknown, remainingMs = 180_000) =>
    handler(sent as { scheduleId?: unknown }, aContext(remainingMs));
  return { ...world, schedule };
}

it('the schedule function launches the cluster of a due occurrence', async () => {
  const { schedule, schedules, listClusters, nudged, clock } = await startSchedule();
  const nextAt = clock.now();
  await schedules.insert(aSchedule({ id, nextAt }));
  await schedule(event);
  const [record] = await listClusters();
  expect(record).toMatchObject({ owner: 'ann', phase: 'provisioning', budget: 50_000 });
  expect(nudged).toEqual([record?.id]);
  expect(await schedules.get(id)).toMatchObject({
    nextAt: Date.parse('2026-11-23T02:30:00Z'),
    dueAt: plus(record?.createdAt ?? nextAt, minutes(2)),
    lastClusterId: record?.id,
    runs: [{ at: nextAt, result: 'launched', clusterId: record?.id }],
  });
});

it('the schedule function waits for an occurrence that comes within a minute', async () => {
  const { schedule, schedules, listClusters, clock } = await startSchedule();
  const nextAt = plus(clock.now(), seconds(45));
  await schedules.insert(aSchedule({ id, nextAt }));
  await schedule(event);
  const [record] = await listClusters();
  expect(record?.createdAt).toBeGreaterThanOrEqual(nextAt);
});

it('the schedule function launches once, though ten events come at once', async () => {
  const { schedule, schedules, listClusters, nudged, clock } = await startSchedule();
  await schedules.insert(aSchedule({ id, nextAt: clock.now() }));
  await Promise.all(Array.from({ length: 10 }, () => schedule(event)));
  expect(await listClusters()).toHaveLength(1);
  expect(nudged).toHaveLength(1);
});

it('the schedule function does nothing for a schedule that is not due, or is deleted', async () => {
  const { schedule, schedules, listClusters, simulator, clock } = await startSchedule();
  await schedule(event);
  await schedules.insert(aSchedule({ id, nextAt: plus(clock.now(), seconds(600)) }));
  await schedule(event);
  expect(await listClusters()).toEqual([]);
  expect(simulator.requests()).toEqual({});
});

it.each([
  ['is empty', {}],
  ['names a cluster', { scheduleId: 'caaaaaaaaaa' }],
  ['has a number for an id', { scheduleId: 7 }],
])('the schedule function throws where its event %s', async (_, malformed) => {
  const { schedule } = await startSchedule();
  await expect(schedule(malformed)).rejects.toThrow('the event must be {"scheduleId": "s…"}');
});

it('the schedule function throws where Linode is down, and the schedule is due again', async () => {
  const { schedule, schedules, listClusters, simulator, clock } = await startSchedule();
  const nextAt = clock.now();
  await schedules.insert(aSchedule({ id, nextAt }));
  await simulator.close();
  await expect(schedule(event, 5_500)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  expect(await listClusters()).toEqual([]);
  const record = await schedules.get(id);
  expect(record).toMatchObject({ nextAt, runs: [] });
  expect((record as { dueAt: number }).dueAt).toBeGreaterThan(nextAt);
});
