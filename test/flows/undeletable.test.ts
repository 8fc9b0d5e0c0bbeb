import { describe, expect, it } from 'vitest';
import { type DurationMs, type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { renderCluster } from '../../lib/http/render.ts';
import type { FaultRule } from '../../simulators/linode/simulator.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const timeOf = (length: DurationMs): EpochMs => plus(START, length);
const in2HoursAnd = (length: DurationMs): EpochMs => plus(timeOf(hours(2)), length);
const LOCK = 'This Linode has a lock that prevents its deletion.';

/** A cluster of one nanode for two hours, which Linode does not delete until `until`. */
async function aStubbornCluster(kind: 'ignored' | 'locked', until: DurationMs) {
  world = await aWorld({ inMemory: true });
  const { id } = await world.launch({ nodes: 1, budgetUsd: 0.02 });
  const fault: FaultRule = { kind };
  world.linode.setFaults([fault]);
  world.clock.alarm(timeOf(until), () => world.linode.setFaults([]));
  return id;
}

const countOf = (call: string) => world.linode.requests()[call]?.total ?? 0;
const overspends = () => world.emitted.flatMap(({ Overspend }) => Overspend ?? []);

describe.each([
  ['ignored', 'Linode accepts its deletion, and still lists it'],
  ['locked', LOCK],
] as const)('a node whose deletion is %s', (kind, reason) => {
  it('counts as alive, is over its budget at once, and everybody hears of it', async () => {
    const id = await aStubbornCluster(kind, hours(5));
    const now = in2HoursAnd(minutes(30));
    await world.reapUntil(now);
    const shown = renderCluster(await world.record(id), now);
    expect(shown).toMatchObject({
      status: 'deleting',
      spentUsd: 0.0225,
      overspentUsd: 0.0025,
      next: { why: `waits for Linode: node 0: ${reason}` },
    });
    expect(world.billed(id)).toBe(22_500);
    expect(shown.nodes).toMatchObject([
      { status: 'running', reason: `can not be deleted: ${reason}` },
    ]);
    expect(shown.history.slice(-2).map(({ event }) => event)).toEqual([
      `can't delete node 0: ${reason}`,
      'has passed its budget of $0.02, and Linode bills on',
    ]);
    const [undeletable, overBudget] = world.notices.slice(-2);
    expect(undeletable).toMatchObject({ kind: 'undeletable', overspent: 0 });
    expect(undeletable?.at).toBeLessThan(in2HoursAnd(minutes(-2)));
    expect(overBudget).toMatchObject({
      kind: 'overBudget',
      overspent: 2_500,
      detail: expect.stringContaining(`node 0: ${reason}`),
    });
    expect(overBudget?.at).toBeGreaterThan(in2HoursAnd(minutes(0)));
    expect(overBudget?.at).toBeLessThan(in2HoursAnd(minutes(1)));
    expect(overspends()[0]).toBe(0.0025);
    expect(world.logDetails('cluster is over its budget, and lives')).toHaveLength(1);
  });

  it('is asked for at an ever slower pace, and gone soon after Linode deletes it', async () => {
    const id = await aStubbornCluster(kind, hours(4));
    await world.reapUntil(timeOf(minutes(117)));
    const [lists, deletions] = [countOf('GET /linode/instances'), () => countOf(DELETE)];
    await world.reapUntil(timeOf(minutes(127)));
    // After 0, 10, 20, 40, 80 and 160 seconds, and then every 5 minutes.
    expect(deletions()).toBeGreaterThanOrEqual(6);
    expect(deletions()).toBeLessThanOrEqual(8);
    expect(countOf('GET /linode/instances') - lists).toBeLessThan(30);
    await world.reapUntil(timeOf(minutes(250)));
    const ended = await world.record(id);
    expect(ended).toMatchObject({ phase: 'deleted', overspent: world.billed(id) - 20_000 });
    expect(ended.nodes).toMatchObject([{ state: 'gone' }]);
    expect(world.linodeCount(id)).toBe(0);
  });
});

const DELETE = 'DELETE /linode/instances/{}';

it('a list that lags behind the deletions is no reason to call a node undeletable', async () => {
  world = await aWorld({ inMemory: true });
  const { id } = await world.launch({ budgetUsd: 0.15 });
  world.linode.setFaults([{ kind: 'staleList', seconds: 20 }]);
  await world.reapUntil(timeOf(minutes(119)));
  const record = await world.record(id);
  expect(record).toMatchObject({ phase: 'deleted', spent: 150_000, overspent: 0 });
  expect(world.notices.map(({ kind }) => kind)).not.toContain('undeletable');
});

it('a copy of a node that Linode does not delete is asked for at a slower pace, too', async () => {
  world = await aWorld({ inMemory: true });
  const { id } = await world.launch({ nodes: 1, budgetUsd: 0.05 });
  await world.reapUntil(timeOf(minutes(5)));
  const [{ tags } = { tags: [] }] = world.linode.instances(`onebuck=${id}`);
  const body = { label: 'a-copy', type: 'g6-nanode-1', region: 'us-east', tags };
  await world.callByHand('POST', '/linode/instances', body);
  world.linode.setFaults([{ kind: 'ignored' }]);
  await world.reapUntil(timeOf(minutes(50)));
  expect(countOf(DELETE)).toBeGreaterThan(6);
  expect(countOf(DELETE)).toBeLessThan(16);
  const events = (await world.record(id)).history.map(({ event }) => event);
  expect(events.filter((event) => event.startsWith('destroyed a Linode'))).toHaveLength(1);
});

it('nodes whose transfer has passed the budget already are asked for at the same pace', async () => {
  const sends = { label: '.', fromSeconds: 3_600, untilSeconds: null, bytesPerSecond: 5_555_556 };
  world = await aWorld({
    inMemory: true,
    linode: { sends: [sends] },
    settings: { publicUrl: null },
  });
  const { id } = await world.launch({ budgetUsd: 1 });
  world.linode.setFaults([{ kind: 'locked' }]);
  await world.reapUntil(timeOf(hours(3)));
  const stuck = await world.record(id);
  expect(stuck).toMatchObject({ phase: 'deleting', overBudgetAt: expect.any(Number) });
  const [lists, deletions] = [countOf('GET /linode/instances'), countOf(DELETE)];
  await world.reapUntil(plus(timeOf(hours(3)), minutes(30)));
  // Ten nodes every five minutes, and a list for each time.
  expect(countOf(DELETE) - deletions).toBeLessThanOrEqual(70);
  expect(countOf('GET /linode/instances') - lists).toBeLessThan(30);
  expect((await world.record(id)).revision - stuck.revision).toBeLessThan(30);
});
