import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../lib/core/base/names.ts';
import {
  durationMs as durationOf,
  type EpochMs,
  hours,
  minutes,
  plus,
  seconds,
} from '../../lib/core/base/units.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const LIFE = ['launched', 'half', 'mostly', 'teardownSoon', 'gone'];
const kinds = () => world.notices.map(({ kind }) => kind);

async function expectGoneOnTime(id: ClusterId, length: number): Promise<void> {
  expect(await world.record(id)).toMatchObject({ phase: 'deleted', overspent: 0 });
  expect(world.linodeCount(id)).toBe(0);
  const deleted = world.linode.instances(`onebuck=${id}`).map((one) => one.deleted ?? Number.NaN);
  expect(Math.min(...deleted)).toBeGreaterThanOrEqual(START + length - minutes(3));
  expect(Math.max(...deleted)).toBeLessThan(START + length);
}

describe('people get', () => {
  it('each notice of the life of a cluster once and in time, and its bill at the end', async () => {
    world = await aWorld();
    const { id } = await world.launch({ budgetUsd: 0.4 });
    await world.reapUntil(plus(START, hours(6)));
    expect(kinds()).toEqual(LIFE);
    const [launched, half, mostly, soon, gone] = world.notices;
    expect(launched).toMatchObject({ clusterId: id, nodesUp: 10, addresses: 10, bill: 375_000 });
    // The budget pays five hours: with the third, more than half is billed; with the fourth, 80 %.
    const isAt = (notice: typeof half, at: EpochMs) => {
      expect(notice?.at).toBeGreaterThanOrEqual(at);
      expect(notice?.at).toBeLessThanOrEqual(at + seconds(10));
    };
    isAt(half, plus(START, hours(2)));
    isAt(mostly, plus(START, hours(3)));
    isAt(soon, plus(START, durationOf(hours(5) - minutes(13))));
    expect(soon).toMatchObject({ spent: 375_000 });
    expect(gone).toMatchObject({ spent: 375_000, budget: 400_000, endReason: 'budget' });
    await expectGoneOnTime(id, hours(5));
  });

  it('each notice once, also where each pass runs twice at the same time', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.05 });
    while (world.clock.now() < plus(START, hours(4))) {
      const tick = plus(world.clock.now(), minutes(1));
      await world.reaperTick();
      for (const nudged of world.nudged) {
        await Promise.all([world.reconcile(nudged), world.reconcile(nudged)]);
      }
      if (world.clock.now() < tick) world.clock.set(tick);
    }
    expect(kinds()).toEqual(LIFE);
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', notified: LIFE });
  });

  it('only the notice "failed" for a failed cluster, with the reason and the spend', async () => {
    world = await aWorld({ linode: { accountLimit: 5 } });
    await world.launch();
    await world.reapUntil(plus(START, minutes(10)));
    expect(world.notices).toMatchObject([
      { kind: 'failed', failure: expect.stringContaining('limit'), spent: 5 * 7_500 },
    ]);
  });

  it('for a cluster that a DELETE ends while it comes up only the notice "gone"', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.destroy(id);
    await world.reapUntil(plus(START, minutes(10)));
    expect(world.notices).toMatchObject([{ kind: 'gone', endReason: 'requested' }]);
  });

  it('the warnings that lie ahead again where the budget is raised, of the new end', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.06 });
    await world.reapUntil(plus(START, durationOf(hours(3) + minutes(50))));
    expect(kinds()).toEqual(['launched', 'half', 'mostly', 'teardownSoon']);
    await world.change(id, { budgetUsd: 0.15 });
    await world.reapUntil(plus(START, hours(11)));
    expect(kinds().slice(4)).toEqual(['half', 'mostly', 'teardownSoon', 'gone']);
    expect(world.notices.slice(4, 7)).toMatchObject([
      { bill: 150_000, spent: 75_000 },
      { bill: 150_000, spent: 120_000 },
      { bill: 150_000, teardownAt: START + hours(10) - minutes(3) },
    ]);
    await expectGoneOnTime(id, hours(10));
  });

  it('no warning again where the budget is lowered', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.15 });
    await world.reapUntil(plus(START, durationOf(hours(5) + minutes(30))));
    expect(kinds()).toEqual(['launched', 'half']);
    await world.change(id, { budgetUsd: 0.12 });
    await world.reapUntil(plus(START, hours(9)));
    expect(kinds()).toEqual(LIFE);
    await expectGoneOnTime(id, hours(8));
  });

  it('no warning again where a budget that was raised is lowered', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.15 });
    await world.reapUntil(plus(START, durationOf(hours(5) + minutes(30))));
    await world.change(id, { budgetUsd: 0.3 });
    await world.reapUntil(plus(START, durationOf(hours(6) + minutes(30))));
    // By then, more than half of the bill of 11 hours is spent.
    await world.change(id, { budgetUsd: 0.165 });
    await world.reapUntil(plus(START, hours(12)));
    expect(kinds()).toEqual(LIFE);
    await expectGoneOnTime(id, hours(11));
  });
});

describe('a notifier', () => {
  const unsent = () => world.logDetails('notice not sent');

  it('that rejects every notice changes nothing but the log', async () => {
    world = await aWorld({
      notifier: {
        send: async () => {
          throw new Error('the topic is gone');
        },
      },
    });
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.05 });
    await world.reapUntil(plus(START, hours(4)));
    await expectGoneOnTime(id, hours(3));
    expect(unsent()).toEqual(
      LIFE.map((kind) => ({ clusterId: id, kind, reason: 'the topic is gone' })),
    );
  });

  it('that throws instead of returning a promise changes nothing but the log', async () => {
    world = await aWorld({
      notifier: {
        send: () => {
          throw new Error('not even a promise');
        },
      },
    });
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.02 });
    await world.reapUntil(plus(START, hours(2)));
    await expectGoneOnTime(id, hours(1));
    expect(unsent()).toHaveLength(3);
  });

  it('that hangs delays a pass by 5 seconds, after the pass has saved the record', async () => {
    world = await aWorld({ notifier: { send: () => new Promise(() => {}) } });
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.05 });
    const began = world.clock.now();
    expect(await world.reconcile(id)).toBeUndefined();
    expect((await world.record(id)).phase).toBe('running');
    // The cluster takes a minute to boot, which the pass sees by a look every 10 seconds.
    expect(world.clock.now() - began).toBeLessThanOrEqual(seconds(70 + 10 + 5));
    await world.reapUntil(plus(START, hours(4)));
    await expectGoneOnTime(id, hours(3));
    expect(unsent()).toEqual(
      LIFE.map((kind) => ({ clusterId: id, kind, reason: 'no answer in time' })),
    );
  });
});

it('a pass sends no notice that it can not save, and the next pass sends it once', async () => {
  let isTableDown = false;
  world = await aWorld({
    replaceStore: (store) => ({
      save: async (record) => {
        if (isTableDown && record.notified?.includes('half')) throw new Error('the table is away');
        return store.save(record);
      },
    }),
  });
  const { id } = await world.launch({ nodes: 2, budgetUsd: 0.15 });
  await world.reapUntil(plus(START, hours(2)));
  isTableDown = true;
  await world.reapUntil(plus(START, hours(6)));
  expect(kinds()).toEqual(['launched']);
  isTableDown = false;
  await world.reapUntil(plus(START, durationOf(hours(6) + minutes(30))));
  expect(kinds()).toEqual(['launched', 'half']);
  expect((await world.record(id)).notified).toEqual(['launched', 'half']);
});
