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
  expect(world.left(id)).toBe(0);
  const deleted = world.linode.instances(`onebuck=${id}`).map((one) => one.deleted ?? Number.NaN);
  expect(Math.min(...deleted)).toBeGreaterThanOrEqual(START + length - minutes(3));
  expect(Math.max(...deleted)).toBeLessThan(START + length);
}

describe('the life of a cluster', () => {
  it('is told once each, in time, with its bill at the end', async () => {
    world = await aWorld();
    const { id } = await world.launch({ budgetUsd: 0.4 });
    await world.reapUntil(plus(START, hours(6)));
    expect(kinds()).toEqual(LIFE);
    const [launched, half, mostly, soon, gone] = world.notices;
    expect(launched).toMatchObject({ clusterId: id, nodesUp: 10, addresses: 10, bill: 375_000 });
    // Five hours: the third is more than half, the fourth 80 %.
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

  it('is told once each also where every pass is made twice at the same time', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.05 });
    while (world.clock.now() < plus(START, hours(4))) {
      const tick = plus(world.clock.now(), minutes(1));
      await world.tick();
      for (const one of world.nudged) {
        await Promise.all([world.reconcile(one), world.reconcile(one)]);
      }
      if (world.clock.now() < tick) world.clock.set(tick);
    }
    expect(kinds()).toEqual(LIFE);
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', notified: LIFE });
  });

  it('that fails is told with why and what it cost, and no other end', async () => {
    world = await aWorld({ linode: { accountLimit: 5 } });
    await world.launch();
    await world.reapUntil(plus(START, minutes(10)));
    expect(world.notices).toMatchObject([
      { kind: 'failed', failure: expect.stringContaining('limit'), spent: 5 * 7_500 },
    ]);
  });

  it('that is ended by a request while it comes up is told as gone alone', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.destroy(id);
    await world.reapUntil(plus(START, minutes(10)));
    expect(world.notices).toMatchObject([{ kind: 'gone', endReason: 'requested' }]);
  });

  it('whose budget is raised is told of no share again, and of its new end', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.06 });
    await world.reapUntil(plus(START, durationOf(hours(3) + minutes(30))));
    expect(kinds()).toEqual(['launched', 'half', 'mostly']);
    await world.change(id, { budgetUsd: 0.15 });
    await world.reapUntil(plus(START, hours(11)));
    expect(kinds()).toEqual(LIFE);
    expect(world.notices[3]).toMatchObject({ bill: 150_000 });
  });
});

describe('who can not be told', () => {
  const lost = () => world.logged('notice not sent');

  it('by an error changes nothing but the log', async () => {
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
    expect(lost()).toEqual(
      LIFE.map((kind) => ({ clusterId: id, kind, reason: 'the topic is gone' })),
    );
  });

  it('by one that throws before it has begun, likewise', async () => {
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
    expect(lost()).toHaveLength(3);
  });

  it('by one that hangs is waited for for seconds, after all else is done', async () => {
    world = await aWorld({ notifier: { send: () => new Promise(() => {}) } });
    const { id } = await world.launch({ nodes: 2, budgetUsd: 0.05 });
    const began = world.clock.now();
    expect(await world.reconcile(id)).toBeUndefined();
    expect((await world.record(id)).phase).toBe('running');
    // A minute to boot and a look every 10 seconds.
    expect(world.clock.now() - began).toBeLessThanOrEqual(seconds(70 + 10 + 5));
    await world.reapUntil(plus(START, hours(4)));
    await expectGoneOnTime(id, hours(3));
    expect(lost()).toEqual(
      LIFE.map((kind) => ({ clusterId: id, kind, reason: 'no answer in time' })),
    );
  });
});

it('what a pass can not save it does not tell, and the next one tells it once', async () => {
  let fails = false;
  world = await aWorld({
    around: (store) => ({
      save: async (record) => {
        if (fails && record.notified?.includes('half')) throw new Error('the table is away');
        return store.save(record);
      },
    }),
  });
  const { id } = await world.launch({ nodes: 2, budgetUsd: 0.15 });
  await world.reapUntil(plus(START, hours(2)));
  fails = true;
  await world.reapUntil(plus(START, hours(6)));
  expect(kinds()).toEqual(['launched']);
  fails = false;
  await world.reapUntil(plus(START, durationOf(hours(6) + minutes(30))));
  expect(kinds()).toEqual(['launched', 'half']);
  expect((await world.record(id)).notified).toEqual(['launched', 'half']);
});
