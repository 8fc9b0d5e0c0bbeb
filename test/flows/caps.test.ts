import { describe, expect, it } from 'vitest';
import { type MicroUsd, sum } from '../../lib/core/base/money.ts';
import type { ClusterId, ScheduleId } from '../../lib/core/base/names.ts';
import { type EpochMs, hours, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import { type ClusterRecord, isLive } from '../../lib/core/cluster/record.ts';
import type { AppError } from '../../lib/errors.ts';
import type { Settings } from '../../lib/settings.ts';
import {
  anEnded,
  aSettings,
  at,
  EVERY,
  ID,
  OUR_TAG,
  SCHEDULE_ID,
  usd,
} from '../support/builders.ts';
import { aKeeper } from '../support/deps.ts';
import { aWorld, createStranger, START, type World } from '../support/flow-world.ts';

let world: World;

const ONE = { nodes: 1, budgetUsd: 1 };

const openBudget = async () =>
  sum([...(await world.ledger.read()).open.values()].map(({ budget }) => budget));
const spentOf = async (scope: `owner:${string}` | `schedule:${ScheduleId}`) =>
  (await world.ledger.read()).spent.get(scope) ?? {};
const drifts = () => world.logged('caps drifted');

/** What the launches came to: the records, and what the refused ones were told. */
async function outcomesOf(launches: readonly Promise<ClusterRecord>[]) {
  const outcomes = await Promise.allSettled(launches);
  return {
    launched: outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    refusals: outcomes.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as AppError] : [],
    ),
  };
}

async function endAll(records: readonly ClusterRecord[]) {
  for (const { id } of records) await world.destroy(id);
  await world.reapUntil(plus(world.clock.now(), minutes(10)));
  for (const { id } of records) expect(isLive(await world.record(id))).toBe(false);
}

/** Another function's process. */
const anotherKeeper = (settings: Partial<Settings> = {}) =>
  aKeeper({ ...world, settings: aSettings(settings) });

const aClaim = (id: ClusterId, budget: MicroUsd = usd(1)) => ({
  ...{ id, budget, owner: 'ann', scheduleId: null, scheduleCap: null },
});
const idAt = (index: number): ClusterId => `c${String(index).padStart(10, 'a')}`;
const soon = (): EpochMs => plus(world.clock.now(), seconds(25));

describe('a hundred launches at once through a cap that fits ten', () => {
  it('are ten clusters and ninety refusals, and all is free again when they have ended', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(10) } });
    const { launched, refusals } = await outcomesOf(
      Array.from({ length: 100 }, () => world.launch(ONE)),
    );
    expect([launched.length, refusals.length, await openBudget()]).toEqual([10, 90, usd(10)]);
    const members = { cap: 'openBudget', capUsd: 10, openUsd: 10, largestBudgetUsd: 0 };
    for (const { code, message, details } of refusals) {
      expect({ code, details }).toEqual({ code: 'refused', details: { members } });
      expect(message).toBe(
        'All live clusters together may have budgets of $10.00, of which $10.00 is taken by the ' +
          'budgets of live clusters. No further budget would fit; you gave $1.00. Wait for a cluster to end, lower ' +
          'the budget, or ask the operator to raise MAX_OPEN_BUDGET_USD.',
      );
    }
    await world.reap();
    await endAll(launched);
    expect(await openBudget()).toBe(0);
    expect(await spentOf('owner:ann')).toEqual({ '2026-03': 10 * 7_500 });
    const over = world.launch({ ...ONE, budgetUsd: 10.000001 });
    await expect(over).rejects.toMatchObject({ code: 'refused' });
    await world.launch({ ...ONE, budgetUsd: 10 });
    expect(drifts()).toEqual([]);
  });

  it('are ten in a hundred processes as well, which all write the ledger', async () => {
    world = await aWorld();
    // On this clock a hundred who wait at once wait one after the other.
    const by = plus(START, hours(1));
    const reserving = Array.from({ length: 100 }, (_, index) =>
      anotherKeeper({ openBudgetMax: usd(10) }).reserve(aClaim(idAt(index)), by),
    );
    const outcomes = await Promise.allSettled(reserving);
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 90 }, () => 'refused'));
    expect(await openBudget()).toBe(usd(10));
    // One write for each that was granted, and none for the others.
    expect((await world.ledger.read()).revision).toBe(10);
  });
});

describe('fifty launches at once with one key', () => {
  it('are counted once, as the one cluster that they are', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(1) } });
    const launches = Array.from({ length: 50 }, () => world.launch(ONE, 'one key'));
    const { launched, refusals } = await outcomesOf(launches);
    expect(refusals).toEqual([]);
    expect(new Set(launched.map(({ id }) => id)).size).toBe(1);
    expect(await openBudget()).toBe(usd(1));
    await endAll(launched.slice(0, 1));
    expect(await openBudget()).toBe(0);
    expect(drifts()).toEqual([]);
  });

  it('are not counted again by one that comes through after the cluster has ended', async () => {
    let late = false;
    world = await aWorld({
      around: (store) => ({
        // It had looked before the first was there.
        get: (id) => {
          const missed = late;
          late = false;
          return missed ? Promise.resolve('notFound') : store.get(id);
        },
      }),
    });
    const first = await world.launch(ONE, 'one key');
    await world.reap();
    await endAll([first]);
    const before = await spentOf('owner:ann');
    late = true;
    expect((await world.launch(ONE, 'one key')).id).toBe(first.id);
    expect(await openBudget()).toBe(0);
    expect(await spentOf('owner:ann')).toEqual(before);
  });
});

describe('each cap', () => {
  it("holds an owner's clusters down, and nobody else's", async () => {
    world = await aWorld({ settings: { openBudgetPerOwnerMax: usd(1.5) } });
    await world.launch(ONE);
    await expect(world.launch(ONE)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(
        'The live clusters of ann together may have budgets of $1.50, of which $1.00 is taken by the ' +
          'budgets of live clusters. A budget of at most $0.50 would fit; you gave $1.00.',
      ),
      details: {
        members: { cap: 'ownerOpenBudget', capUsd: 1.5, openUsd: 1, largestBudgetUsd: 0.5 },
      },
    });
    await world.launch({ ...ONE, budgetUsd: 0.5 });
    await world.launch(ONE, null, { owner: 'bob' });
  });

  it('of a month counts what was spent in it, and is whole again in the next', async () => {
    world = await aWorld({ settings: { monthlySpendPerOwnerMax: usd(1) } });
    world.clock.set(at('2026-03-31T18:30:00Z'));
    const first = await world.launch({ ...ONE, maxHours: 2 });
    await world.reapUntil(at('2026-03-31T21:00:00Z'));
    expect(isLive(await world.record(first.id))).toBe(false);
    await expect(world.launch(ONE)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(
        'The clusters of ann may cost, in 2026-03 (UTC), $1.00, of which $0.015 is taken by what was ' +
          'spent and the budgets of live clusters. A budget of at most $0.985 would fit; you gave ' +
          '$1.00. Wait for the next month or for a cluster to end,',
      ),
      details: {
        members: {
          cap: 'ownerMonthlySpend',
          capUsd: 1,
          committedUsd: 0.015,
          largestBudgetUsd: 0.985,
        },
      },
    });
    world.clock.set(at('2026-04-01T00:00:00Z'));
    const second = await world.launch(ONE);
    await expect(world.launch({ ...ONE, budgetUsd: 0.01 })).rejects.toThrow('2026-04');
    await world.reap();
    await endAll([second]);
    expect(await spentOf('owner:ann')).toEqual({ '2026-03': 15_000, '2026-04': 7_500 });
  });

  it("of a schedule counts the schedule's clusters, which bear its id", async () => {
    world = await aWorld();
    const schedule = { id: SCHEDULE_ID, monthlyCap: usd(1.5) };
    const first = await world.launch(ONE, null, { schedule });
    expect(first.scheduleId).toBe(SCHEDULE_ID);
    await expect(world.launch(ONE, null, { schedule })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(
        /schedule sabcdefg234 .* raise the monthly cap of the schedule/,
      ),
      details: { members: { cap: 'scheduleMonthlySpend', largestBudgetUsd: 0.5 } },
    });
    expect((await world.launch(ONE)).scheduleId).toBeNull();
    await world.reap();
    await endAll([first]);
    expect(await spentOf(`schedule:${SCHEDULE_ID}`)).toEqual({ '2026-03': 7_500 });
  });
});

describe('a change of budget', () => {
  it('is counted before the record is changed, against the same caps', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(3) } });
    const { id } = await world.launch(ONE);
    await world.launch(ONE);
    expect(await world.caps.raise({ id, budget: usd(2) }, soon())).toBe('raised');
    expect(await openBudget()).toBe(usd(3));
    await expect(world.caps.raise({ id, budget: usd(2.5) }, soon())).rejects.toMatchObject({
      code: 'refused',
      details: { members: { cap: 'openBudget', openUsd: 1, largestBudgetUsd: 2 } },
    });
    // The record was left alone after all; nobody may take the raise back while it is young.
    await world.caps.adjust({ id, budget: usd(1) }, soon());
    expect(await openBudget()).toBe(usd(3));
    world.clock.set(plus(world.clock.now(), minutes(3)));
    await world.caps.adjust({ id, budget: usd(1) }, soon());
    expect(await openBudget()).toBe(usd(2));
  });

  it('says so where the cluster is not counted', async () => {
    world = await aWorld();
    expect(await world.caps.raise({ id: ID, budget: usd(2) }, soon())).toBe('missing');
    expect(await openBudget()).toBe(0);
  });
});

describe('what a crash leaves in the ledger', () => {
  it('between ledger and record, the sweeper tells and frees once no record can come', async () => {
    let crash = true;
    world = await aWorld({
      around: (store) => ({
        insert: async (record) => {
          if (crash) throw new Error('the function was killed');
          return store.insert(record);
        },
      }),
      settings: { openBudgetMax: usd(1) },
    });
    await expect(world.launch(ONE, 'a key')).rejects.toThrow('killed');
    crash = false;
    expect(await openBudget()).toBe(usd(1));
    await expect(world.launch(ONE)).rejects.toMatchObject({ code: 'refused' });
    world.clock.set(plus(START, minutes(2)));
    expect(await world.sweep()).toEqual({ destroyed: 0 });
    expect(drifts()).toEqual([]);

    world.clock.set(plus(START, minutes(5)));
    expect(await world.sweep()).toEqual({ destroyed: 0 });
    const amounts = { counted: '$1.00', actual: '$0.00' };
    expect(drifts()).toMatchObject([{ kind: 'withoutRecord', ...amounts }]);
    expect(await openBudget()).toBe(0);
    await world.launch(ONE);
  });

  it('is right at once where the request is repeated with its key', async () => {
    let lost = true;
    world = await aWorld({
      around: (store) => ({
        insert: async (record) => {
          const answer = await store.insert(record);
          if (lost) throw new Error('the answer was lost');
          return answer;
        },
      }),
      settings: { openBudgetMax: usd(1) },
    });
    await expect(world.launch(ONE, 'a key')).rejects.toThrow('lost');
    lost = false;
    const { id } = await world.launch(ONE, 'a key');
    expect([...(await world.ledger.read()).open.keys()]).toEqual([id]);
    world.clock.set(plus(START, minutes(5)));
    await world.sweep();
    expect(drifts()).toEqual([]);
  });

  it('between record and ledger at the end, the sweeper tells and releases', async () => {
    let dead = false;
    world = await aWorld({
      aroundLedger: (ledger) => ({
        save: async (next) => {
          if (dead) throw new Error('the ledger does not answer');
          return ledger.save(next);
        },
      }),
    });
    const { id } = await world.launch(ONE);
    await world.reap();
    dead = true;
    await endAll([await world.record(id)]);
    dead = false;
    expect(world.logged('budget not released')).toEqual([
      { clusterId: id, reason: 'the ledger does not answer' },
    ]);
    expect(await openBudget()).toBe(usd(1));
    await world.sweep();
    expect(drifts()).toEqual([
      { clusterId: id, kind: 'notReleased', counted: '$1.00', actual: '$0.00' },
    ]);
    expect(await openBudget()).toBe(0);
    expect(await spentOf('owner:ann')).toEqual({ '2026-03': 7_500 });
  });

  it('counts live clusters that it does not name, as one that was restored may not', async () => {
    world = await aWorld();
    const { id } = await world.launch(ONE);
    await world.reap();
    await world.ledger.save({ ...(await world.ledger.read()), open: new Map() });
    expect(await world.sweep()).toEqual({ destroyed: 0 });
    expect(drifts()).toEqual([
      { clusterId: id, kind: 'notCounted', counted: '$0.00', actual: '$1.00' },
    ]);
    expect(await openBudget()).toBe(usd(1));
    await endAll([await world.record(id)]);
    expect(await openBudget()).toBe(0);
    expect([...(await world.ledger.read()).spent.keys()]).toEqual(['owner:ann']);
  });
});

describe('the sweeper', () => {
  it('finds no drift in a life that goes as it should', async () => {
    world = await aWorld();
    await world.launch({ ...ONE, maxHours: 1 });
    for (let tick = 0; tick < 16; tick += 1) {
      await world.sweep();
      await world.reapUntil(plus(START, minutes(5 * (tick + 1))));
    }
    expect(world.clock.now()).toBeGreaterThan(plus(START, hours(1)));
    expect(drifts()).toEqual([]);
    expect(await openBudget()).toBe(0);
  });

  it('destroys all the same where the ledger does not answer, and then throws', async () => {
    world = await aWorld({
      aroundLedger: () => ({
        read: async () => {
          throw new Error('the ledger does not answer');
        },
      }),
    });
    await createStranger(world, 'orphan', [OUR_TAG, 'reap=20200101T0000Z']);
    expect(await world.sweep()).toMatchObject({ message: 'the ledger does not answer' });
    expect(world.linode.instances().map(({ deleted }) => deleted !== null)).toEqual([true]);
    expect(world.logged('caps not audited')).toHaveLength(1);
    await expect(world.launch(ONE)).rejects.toThrow('the ledger does not answer');
    expect(world.nudged.size).toBe(0);
  });

  it('leaves a ledger that changed meanwhile to its next run', async () => {
    world = await aWorld();
    await anotherKeeper().reserve(aClaim(ID), soon());
    world.clock.set(plus(START, minutes(5)));
    const meanwhile = async () => {
      await anotherKeeper().reserve(aClaim(idAt(1)), soon());
      return [];
    };
    expect(await world.caps.audit(meanwhile, [])).toEqual([]);
    expect(await openBudget()).toBe(usd(2));
    expect(await world.caps.audit(async () => [], [])).toMatchObject([{ id: ID }]);
    expect(await openBudget()).toBe(usd(1));
  });

  it('asks for the records of the clusters that it knows and of those it is told of', async () => {
    world = await aWorld();
    await world.caps.reserve(aClaim(ID), soon());
    const asked: ClusterId[] = [];
    await world.caps.audit(
      async (ids) => {
        asked.push(...ids);
        return [anEnded({ id: ID, endedAt: world.clock.now() })];
      },
      [ID, idAt(1)],
    );
    expect(asked).toEqual([ID, idAt(1)]);
  });
});

describe('a ledger that others keep writing', () => {
  it('is tried until the time is up, and the launch then refused without a trace', async () => {
    world = await aWorld({
      aroundLedger: () => ({ save: async () => 'conflict' }),
    });
    await expect(world.launch(ONE)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.clock.now()).toBeGreaterThanOrEqual(plus(START, seconds(25)));
    expect(world.clock.now()).toBeLessThan(plus(START, seconds(30)));
    expect(world.nudged.size).toBe(0);
    expect((await world.store.list(EVERY)).records).toEqual([]);
  });

  it('keeps nobody waiting behind one that failed', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(1) } });
    const outcomes = await Promise.allSettled([
      world.caps.reserve(aClaim(idAt(1), usd(2)), soon()),
      world.caps.reserve(aClaim(idAt(2)), soon()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});
