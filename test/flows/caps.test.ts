import { describe, expect, it } from 'vitest';
import { type MicroUsd, sum } from '../../lib/core/base/money.ts';
import type { ClusterId, ScheduleId } from '../../lib/core/base/names.ts';
import { type EpochMs, hours, minutes, plus, seconds, toIso } from '../../lib/core/base/units.ts';
import { type ClusterRecord, isLive } from '../../lib/core/cluster/record.ts';
import type { AppError } from '../../lib/errors.ts';
import type { Settings } from '../../lib/settings.ts';
import {
  ALL_CLUSTERS,
  anEnded,
  aSettings,
  at,
  ID,
  NO_RECORDS,
  OUR_TAG,
  SCHEDULE_ID,
  usd,
} from '../support/builders.ts';
import { aCapsKeeper } from '../support/deps.ts';
import { aWorld, createStranger, START, type World } from '../support/flow-world.ts';

let world: World;

const ONE_NODE = { nodes: 1, budgetUsd: 1 };

const openBudget = async () =>
  sum([...(await world.ledger.read()).open.values()].map(({ budget }) => budget));
const spentOf = async (scope: `owner:${string}` | `schedule:${ScheduleId}`) =>
  (await world.ledger.read()).spent.get(scope) ?? {};
const drifts = () => world.logDetails('caps drifted');

/** Awaits all launches; returns the records of those that succeeded and the errors of the rest. */
async function outcomesOf(launches: readonly Promise<ClusterRecord>[]) {
  const outcomes = await Promise.allSettled(launches);
  return {
    launched: outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    ),
    refusals: outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as AppError] : [],
    ),
  };
}

async function endAll(records: readonly ClusterRecord[]) {
  for (const { id } of records) await world.destroy(id);
  await world.reapUntil(plus(world.clock.now(), minutes(10)));
  for (const { id } of records) expect(isLive(await world.record(id))).toBe(false);
}

/** The keeper of the caps in the process of another function, over the same ledger. */
const anotherKeeper = (settings: Partial<Settings> = {}) =>
  aCapsKeeper({ ...world, settings: aSettings(settings) });

const aClaim = (id: ClusterId, budget: MicroUsd = usd(1)) => ({
  ...{ id, budget, owner: 'ann', scheduleId: null, nodes: 1, subnetBits: null },
  scheduleCaps: null,
});
const idAt = (index: number): ClusterId => `c${String(index).padStart(10, 'a')}`;
const requestDeadline = (): EpochMs => plus(world.clock.now(), seconds(25));

describe('a hundred launches at once through a cap that fits ten', () => {
  it('are ten clusters and ninety refusals, and no open budget after their end', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(10) } });
    const { launched, refusals } = await outcomesOf(
      Array.from({ length: 100 }, () => world.launch(ONE_NODE)),
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
    await world.tickAndPass();
    await endAll(launched);
    expect(await openBudget()).toBe(0);
    expect(await spentOf('owner:ann')).toEqual({ '2026-03': 10 * 7_500 });
    const overCap = world.launch({ ...ONE_NODE, budgetUsd: 10.000001 });
    await expect(overCap).rejects.toMatchObject({ code: 'refused' });
    await world.launch({ ...ONE_NODE, budgetUsd: 10 });
    expect(drifts()).toEqual([]);
  });

  it('are ten reservations where a hundred processes write the ledger at once', async () => {
    world = await aWorld();
    // Each wait moves this clock, so the waits of a hundred processes add up: allow an hour.
    const by = plus(START, hours(1));
    const reserving = Array.from({ length: 100 }, (_, index) =>
      anotherKeeper({ openBudgetMax: usd(10) }).reserve(aClaim(idAt(index)), by),
    );
    const outcomes = await Promise.allSettled(reserving);
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 90 }, () => 'refused'));
    expect(await openBudget()).toBe(usd(10));
    // The ledger was written once for each granted reservation, and not for a refusal.
    expect((await world.ledger.read()).revision).toBe(10);
  });
});

describe('fifty launches at once with one key', () => {
  it('launch one cluster, whose budget the ledger counts once', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(1) } });
    const launches = Array.from({ length: 50 }, () => world.launch(ONE_NODE, 'one key'));
    const { launched, refusals } = await outcomesOf(launches);
    expect(refusals).toEqual([]);
    expect(new Set(launched.map(({ id }) => id)).size).toBe(1);
    expect(await openBudget()).toBe(usd(1));
    await endAll(launched.slice(0, 1));
    expect(await openBudget()).toBe(0);
    expect(drifts()).toEqual([]);
  });

  it('leave the ledger as it is where a request arrives after the cluster has ended', async () => {
    let isRequestLate = false;
    world = await aWorld({
      replaceStore: (store) => ({
        // The late request looked for the cluster before the first request had written it.
        get: (id) => {
          const isMissed = isRequestLate;
          isRequestLate = false;
          return isMissed ? Promise.resolve('notFound') : store.get(id);
        },
      }),
    });
    const first = await world.launch(ONE_NODE, 'one key');
    await world.tickAndPass();
    await endAll([first]);
    const before = await spentOf('owner:ann');
    isRequestLate = true;
    expect((await world.launch(ONE_NODE, 'one key')).id).toBe(first.id);
    expect(await openBudget()).toBe(0);
    expect(await spentOf('owner:ann')).toEqual(before);
  });
});

describe('each cap', () => {
  it('of an owner refuses the owner a budget beyond it, and no other owner', async () => {
    world = await aWorld({ settings: { openBudgetPerOwnerMax: usd(1.5) } });
    await world.launch(ONE_NODE);
    await expect(world.launch(ONE_NODE)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(
        'The live clusters of ann together may have budgets of $1.50, of which $1.00 is taken by the ' +
          'budgets of live clusters. A budget of at most $0.50 would fit; you gave $1.00.',
      ),
      details: {
        members: { cap: 'ownerOpenBudget', capUsd: 1.5, openUsd: 1, largestBudgetUsd: 0.5 },
      },
    });
    await world.launch({ ...ONE_NODE, budgetUsd: 0.5 });
    await world.launch(ONE_NODE, null, { owner: 'bob' });
  });

  it('of a month counts the spend of the month, and starts anew with the next month', async () => {
    world = await aWorld({ settings: { monthlySpendPerOwnerMax: usd(1) } });
    world.clock.set(at('2026-03-31T18:30:00Z'));
    const first = await world.launch({ ...ONE_NODE, maxHours: 2 });
    await world.reapUntil(at('2026-03-31T21:00:00Z'));
    expect(isLive(await world.record(first.id))).toBe(false);
    await expect(world.launch(ONE_NODE)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(
        'The clusters of ann may cost, in 2026-03 (UTC), $1.00, of which $0.015 is taken by what was ' +
          'spent and the budgets of live clusters. A budget of at most $0.985 would fit; you gave ' +
          '$1.00. The cap resets at 2026-04-01T00:00:00.000Z: wait until then or for a cluster to end,',
      ),
      details: {
        members: {
          cap: 'ownerMonthlySpend',
          capUsd: 1,
          committedUsd: 0.015,
          resetsAt: '2026-04-01T00:00:00.000Z',
          largestBudgetUsd: 0.985,
        },
      },
    });
    world.clock.set(at('2026-04-01T00:00:00Z'));
    const second = await world.launch(ONE_NODE);
    await expect(world.launch({ ...ONE_NODE, budgetUsd: 0.01 })).rejects.toThrow('2026-04');
    await world.tickAndPass();
    await endAll([second]);
    expect(await spentOf('owner:ann')).toEqual({ '2026-03': 15_000, '2026-04': 7_500 });
  });

  it('of a day or a week says when it starts anew, and then does', async () => {
    const caps = { dailySpendPerOwnerMax: usd(1), weeklySpendPerOwnerMax: usd(1.005) };
    world = await aWorld({ settings: caps });
    world.clock.set(at('2026-03-28T12:00:00Z')); // a Saturday
    const first = await world.launch({ ...ONE_NODE, maxHours: 2 });
    await expect(world.launch(ONE_NODE)).rejects.toMatchObject({
      message: expect.stringContaining(
        'The clusters of ann may cost, on 2026-03-28 (UTC), $1.00, of which $1.00 is taken by what ' +
          'was spent and the budgets of live clusters. No further budget would fit; you gave $1.00. ' +
          'The cap resets at 2026-03-29T00:00:00.000Z: wait until then or for a cluster to end, ' +
          'lower the budget, or ask the admin to raise the daily cap of ann.',
      ),
      details: { members: { cap: 'ownerDailySpend', resetsAt: '2026-03-29T00:00:00.000Z' } },
    });
    await world.reapUntil(at('2026-03-29T00:00:00Z'));
    const second = await world.launch({ ...ONE_NODE, budgetUsd: 0.9 });
    await expect(world.launch({ ...ONE_NODE, budgetUsd: 0.2 })).rejects.toMatchObject({
      message: expect.stringContaining('in the week from 2026-03-23 on (UTC), $1.005'),
      details: {
        members: {
          ...{ cap: 'ownerWeeklySpend', capUsd: 1.005, committedUsd: 0.915 },
          ...{ resetsAt: '2026-03-30T00:00:00.000Z', largestBudgetUsd: 0.09 },
        },
      },
    });
    await world.tickAndPass();
    await endAll([first, second]);
    world.clock.set(at('2026-03-30T00:00:00Z'));
    await world.launch(ONE_NODE);
  });

  it("of a schedule counts only the clusters whose record has the schedule's id", async () => {
    world = await aWorld();
    const schedule = { id: SCHEDULE_ID, caps: { day: null, week: null, month: usd(1.5) } };
    const first = await world.launch(ONE_NODE, null, { schedule });
    expect(first.scheduleId).toBe(SCHEDULE_ID);
    await expect(world.launch(ONE_NODE, null, { schedule })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(
        /schedule sabcdefg234 .* raise the monthly cap of the schedule/,
      ),
      details: { members: { cap: 'scheduleMonthlySpend', largestBudgetUsd: 0.5 } },
    });
    const caps = { day: usd(1.2), week: usd(1.3), month: null };
    await expect(
      world.launch(ONE_NODE, null, { schedule: { id: SCHEDULE_ID, caps } }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('raise the daily cap of the schedule'),
      details: { members: { cap: 'scheduleDailySpend', largestBudgetUsd: 0.2 } },
    });
    expect((await world.launch(ONE_NODE)).scheduleId).toBeNull();
    await world.tickAndPass();
    await endAll([first]);
    expect(await spentOf(`schedule:${SCHEDULE_ID}`)).toEqual({ '2026-03': 7_500 });
  });
});

describe('the throttle', () => {
  it('refuses what would burn too fast beside all others, until one of them ends', async () => {
    world = await aWorld({ settings: { hourlyMax: usd(0.02) } });
    const first = await world.launch({ ...ONE_NODE, maxHours: 2 });
    await world.launch({ ...ONE_NODE, maxHours: 5 });
    const nextEndAt = toIso(plus(START, minutes(2 * 60 - 3)));
    await expect(world.launch(ONE_NODE, null, { owner: 'bob' })).rejects.toMatchObject({
      code: 'refused',
      message:
        'All live clusters together may cost $0.02 an hour, of which $0.015 is taken; this one would ' +
        `cost $0.0075 more. The next cluster ends at ${nextEndAt}, or before: wait until then, ask ` +
        'for fewer or smaller nodes, or ask the operator to raise MAX_HOURLY_USD.',
      details: {
        members: {
          ...{ cap: 'hourlyPrice', capUsd: 0.02, openHourlyUsd: 0.015, hourlyUsd: 0.0075 },
          nextEndAt,
        },
      },
    });
    await world.tickAndPass();
    await endAll([first]);
    await world.launch(ONE_NODE, null, { owner: 'bob' });
    expect(drifts()).toEqual([]);
  });
});

describe('a change of budget', () => {
  it('is in the ledger before it is in the record, and the caps may refuse it', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(3) } });
    const { id } = await world.launch(ONE_NODE);
    await world.launch(ONE_NODE);
    expect(await world.caps.raise({ id, owner: 'ann', budget: usd(2) }, requestDeadline())).toBe(
      'raised',
    );
    expect(await openBudget()).toBe(usd(3));
    await expect(
      world.caps.raise({ id, owner: 'ann', budget: usd(2.5) }, requestDeadline()),
    ).rejects.toMatchObject({
      code: 'refused',
      details: { members: { cap: 'openBudget', openUsd: 1, largestBudgetUsd: 2 } },
    });
    // The record was not changed after all. For 3 minutes the raise must stay counted: the request
    // that raised the budget could still write the record.
    await world.caps.adjust({ id, budget: usd(1) }, requestDeadline());
    expect(await openBudget()).toBe(usd(3));
    world.clock.set(plus(world.clock.now(), minutes(3)));
    await world.caps.adjust({ id, budget: usd(1) }, requestDeadline());
    expect(await openBudget()).toBe(usd(2));
  });

  it('answers "missing" where the ledger does not count the cluster', async () => {
    world = await aWorld();
    expect(
      await world.caps.raise({ id: ID, owner: 'ann', budget: usd(2) }, requestDeadline()),
    ).toBe('missing');
    expect(await openBudget()).toBe(0);
  });
});

describe('after a crash', () => {
  it('before the record is written, the sweeper frees the budget once none can come', async () => {
    let isCrashing = true;
    world = await aWorld({
      replaceStore: (store) => ({
        insert: async (record) => {
          if (isCrashing) throw new Error('the function was killed');
          return store.insert(record);
        },
      }),
      settings: { openBudgetMax: usd(1) },
    });
    await expect(world.launch(ONE_NODE, 'a key')).rejects.toThrow('killed');
    isCrashing = false;
    expect(await openBudget()).toBe(usd(1));
    await expect(world.launch(ONE_NODE)).rejects.toMatchObject({ code: 'refused' });
    world.clock.set(plus(START, minutes(2)));
    expect(await world.sweep()).toEqual({ destroyed: 0 });
    expect(drifts()).toEqual([]);

    world.clock.set(plus(START, minutes(5)));
    expect(await world.sweep()).toEqual({ destroyed: 0 });
    const amounts = { counted: '$1.00', actual: '$0.00' };
    expect(drifts()).toMatchObject([{ kind: 'withoutRecord', ...amounts }]);
    expect(await openBudget()).toBe(0);
    await world.launch(ONE_NODE);
  });

  it('the ledger is right at once when the request is repeated with its key', async () => {
    let isAnswerLost = true;
    world = await aWorld({
      replaceStore: (store) => ({
        insert: async (record) => {
          const answer = await store.insert(record);
          if (isAnswerLost) throw new Error('the answer was lost');
          return answer;
        },
      }),
      settings: { openBudgetMax: usd(1) },
    });
    await expect(world.launch(ONE_NODE, 'a key')).rejects.toThrow('lost');
    isAnswerLost = false;
    const { id } = await world.launch(ONE_NODE, 'a key');
    expect([...(await world.ledger.read()).open.keys()]).toEqual([id]);
    world.clock.set(plus(START, minutes(5)));
    await world.sweep();
    expect(drifts()).toEqual([]);
  });

  it('before an ended cluster is released, the sweeper reports and frees its budget', async () => {
    let isLedgerDown = false;
    world = await aWorld({
      replaceLedger: (ledger) => ({
        save: async (next) => {
          if (isLedgerDown) throw new Error('the ledger does not answer');
          return ledger.save(next);
        },
      }),
    });
    const { id } = await world.launch(ONE_NODE);
    await world.tickAndPass();
    isLedgerDown = true;
    await endAll([await world.record(id)]);
    isLedgerDown = false;
    expect(world.logDetails('budget not released')).toEqual([
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

  it('the sweeper counts live clusters that a ledger restored from a backup lacks', async () => {
    world = await aWorld();
    const { id } = await world.launch(ONE_NODE);
    await world.tickAndPass();
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
  it('finds no drift in the life of a cluster without faults', async () => {
    world = await aWorld();
    await world.launch({ ...ONE_NODE, maxHours: 1 });
    for (let tick = 0; tick < 16; tick += 1) {
      await world.sweep();
      await world.reapUntil(plus(START, minutes(5 * (tick + 1))));
    }
    expect(world.clock.now()).toBeGreaterThan(plus(START, hours(1)));
    expect(drifts()).toEqual([]);
    expect(await openBudget()).toBe(0);
  });

  it('destroys orphans although the ledger does not answer, and then throws', async () => {
    world = await aWorld({
      replaceLedger: () => ({
        read: async () => {
          throw new Error('the ledger does not answer');
        },
      }),
    });
    await createStranger(world, 'orphan', [OUR_TAG, 'reap=20200101T0000Z']);
    expect(await world.sweep()).toMatchObject({ message: 'the ledger does not answer' });
    expect(world.linode.instances().map(({ deleted }) => deleted !== null)).toEqual([true]);
    expect(world.logDetails('caps not audited')).toHaveLength(1);
    await expect(world.launch(ONE_NODE)).rejects.toThrow('the ledger does not answer');
    expect(world.nudged.size).toBe(0);
  });

  it('leaves a ledger that was written during the audit to its next tick', async () => {
    world = await aWorld();
    await anotherKeeper().reserve(aClaim(ID), requestDeadline());
    world.clock.set(plus(START, minutes(5)));
    const reserveMeanwhile = async () => {
      await anotherKeeper().reserve(aClaim(idAt(1)), requestDeadline());
      return NO_RECORDS;
    };
    expect(await world.caps.audit(reserveMeanwhile, [])).toEqual([]);
    expect(await openBudget()).toBe(usd(2));
    expect(await world.caps.audit(async () => NO_RECORDS, [])).toMatchObject([{ id: ID }]);
    expect(await openBudget()).toBe(usd(1));
  });

  it('reads the records of the clusters in the ledger and in its list of Linodes', async () => {
    world = await aWorld();
    await world.caps.reserve(aClaim(ID), requestDeadline());
    const asked: ClusterId[] = [];
    await world.caps.audit(
      async (ids) => {
        asked.push(...ids);
        return { records: [anEnded({ id: ID, endedAt: world.clock.now() })], unreadable: [] };
      },
      [ID, idAt(1)],
    );
    expect(asked).toEqual([ID, idAt(1)]);
  });
});

describe('a launch', () => {
  it('retries until its deadline where others keep writing the ledger, then fails', async () => {
    world = await aWorld({
      replaceLedger: () => ({ save: async () => 'conflict' }),
    });
    await expect(world.launch(ONE_NODE)).rejects.toMatchObject({ code: 'conflict' });
    expect(world.clock.now()).toBeGreaterThanOrEqual(plus(START, seconds(25)));
    expect(world.clock.now()).toBeLessThan(plus(START, seconds(30)));
    expect(world.nudged.size).toBe(0);
    expect((await world.store.list(ALL_CLUSTERS)).records).toEqual([]);
  });

  it('that waits behind a refused launch of the same process is granted', async () => {
    world = await aWorld({ settings: { openBudgetMax: usd(1) } });
    const outcomes = await Promise.allSettled([
      world.caps.reserve(aClaim(idAt(1), usd(2)), requestDeadline()),
      world.caps.reserve(aClaim(idAt(2)), requestDeadline()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});
