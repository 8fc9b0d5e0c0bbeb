import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MicroUsd, sum, toUsd } from '../../../../lib/core/base/money.ts';
import type { ClusterId, ScheduleId } from '../../../../lib/core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  hours,
  minutes,
  plus,
  seconds,
} from '../../../../lib/core/base/units.ts';
import { type Period, spanAt } from '../../../../lib/core/billing/periods.ts';
import {
  adjust,
  audit as auditAll,
  type Caps,
  type Claim,
  type Decision,
  drained,
  EMPTY_LEDGER,
  type Ledger,
  nextTurn,
  raise,
  release,
  reserve,
  soonestEnds,
  underWay,
  undrained,
} from '../../../../lib/core/caps/ledger.ts';
import { spentByMonthOf } from '../../../../lib/core/cluster/bills.ts';
import {
  type ClusterRecord,
  type EndedRecord,
  isLive,
  type LiveRecord,
} from '../../../../lib/core/cluster/record.ts';
import { overlap, type RoomNetwork, type Subnet } from '../../../../lib/core/room/network.ts';
import {
  anEnded,
  aRunning,
  at,
  created,
  gone,
  ID,
  LAUNCH,
  neverCreated,
  OTHER_ID,
  usd,
} from '../../../support/builders.ts';

const SCHEDULE: ScheduleId = 'sabcdefg234';
const NO_CAPS: Caps = {
  openBudget: null,
  ownerOpenBudget: null,
  ownerDailySpend: null,
  ownerWeeklySpend: null,
  ownerMonthlySpend: null,
  scheduleDailySpend: null,
  scheduleWeeklySpend: null,
  scheduleMonthlySpend: null,
  tokenMonthlySpend: null,
  hourlyPrice: null,
};
const IN_FLIGHT = minutes(2);
const LATER = plus(LAUNCH, minutes(3));

const aClaim = (overrides: Partial<Claim> = {}): Claim => ({
  id: ID,
  owner: 'ann',
  scheduleId: null,
  budget: usd(1),
  nodes: 1,
  subnetBits: null,
  /** Of the two nanodes of `aRunning`. */
  hourly: usd(0.015),
  ...overrides,
});

const aNetwork = (subnet: Subnet): RoomNetwork => ({
  kind: 'private',
  vlan: 'onebuck-test',
  subnet,
});

const audit = (ledger: Ledger, records: readonly ClusterRecord[], now: EpochMs) =>
  auditAll(ledger, { records, unreadable: [], listed: new Set() }, now);

function granted(decision: Decision | 'missing'): Ledger {
  if (decision !== 'missing' && decision.ok) return decision.next;
  throw new Error(`not granted: ${JSON.stringify(decision)}`);
}

/** The ledger in which these claims, with the defaults of `aClaim`, were reserved at LAUNCH. */
const ledgerOf = (...claims: Partial<Claim>[]) =>
  claims.reduce<Ledger>(
    (ledger, claim) => granted(reserve(ledger, aClaim(claim), NO_CAPS, LAUNCH)),
    EMPTY_LEDGER,
  );
const openOf = ({ open }: Ledger) => sum([...open.values()].map(({ budget }) => budget));
const budgetOf = ({ open }: Ledger, id: ClusterId = ID) => open.get(id)?.budget;

/** An ended cluster, whose only node was billed for `hoursBilled` at $0.0075 an hour. */
const endedAfter = (hoursBilled: number, overrides: Partial<EndedRecord> = {}) => {
  const billedFrom = overrides.createdAt ?? LAUNCH;
  const billedUntil = plus(billedFrom, hours(hoursBilled));
  const nodes = [gone(0, { billedFrom, billedUntil })];
  return anEnded({ nodes, endedAt: billedUntil, reservedAt: billedFrom, ...overrides });
};

describe('reserve', () => {
  it('enters the budget of the claim in the ledger', () => {
    const ledger = ledgerOf({ budget: usd(1) }, { id: OTHER_ID, owner: 'bob', budget: usd(2) });
    expect(ledger.open.get(ID)).toEqual({
      owner: 'ann',
      scheduleId: null,
      budget: usd(1),
      openedAt: LAUNCH,
      changedAt: LAUNCH,
      createFrom: LAUNCH,
      hourly: usd(0.015),
    });
    expect(openOf(ledger)).toBe(usd(3));
  });

  it('grants a repeated claim without counting its budget twice, even if the cap is full', () => {
    const caps = { ...NO_CAPS, openBudget: usd(1) };
    const reserved = ledgerOf({});
    const repeated = granted(reserve(reserved, aClaim(), caps, LATER));
    expect(openOf(repeated)).toBe(usd(1));
    expect(repeated.open.get(ID)).toMatchObject({ openedAt: LAUNCH, changedAt: LATER });
  });

  it('grants a repeated claim although the cap was lowered meanwhile', () => {
    const caps = { ...NO_CAPS, openBudget: usd(0.5) };
    expect(openOf(granted(reserve(ledgerOf({}), aClaim(), caps, LATER)))).toBe(usd(1));
  });

  it('keeps the larger budget of two claims with the same id, in either order', () => {
    const [small, large] = [aClaim({ budget: usd(1) }), aClaim({ budget: usd(5) })];
    for (const [first, second] of [
      [small, large],
      [large, small],
    ] as const) {
      expect(budgetOf(granted(reserve(ledgerOf(first), second, NO_CAPS, LATER)))).toBe(usd(5));
    }
  });

  it('grants budgets up to the cap, and refuses one more micro-dollar', () => {
    const ledger = ledgerOf({ id: OTHER_ID, owner: 'bob', budget: usd(4) });
    const caps = { ...NO_CAPS, openBudget: usd(5) };
    expect(openOf(granted(reserve(ledger, aClaim({ budget: usd(1) }), caps, LAUNCH)))).toBe(usd(5));
    const claim = aClaim({ budget: usd(1.000001) });
    expect(reserve(ledger, claim, caps, LAUNCH)).toEqual({
      ok: false,
      refusal: {
        ...{ cap: 'openBudget', claim, limit: usd(5), taken: usd(4), largest: usd(1) },
        span: null,
      },
    });
  });

  it('counts a budget against the cap of its own owner only', () => {
    const ledger = ledgerOf({ id: OTHER_ID, owner: 'bob', budget: usd(4) });
    const caps = { ...NO_CAPS, ownerOpenBudget: usd(5) };
    const budget = usd(2);
    expect(reserve(ledger, aClaim({ budget, owner: 'ann' }), caps, LAUNCH).ok).toBe(true);
    expect(reserve(ledger, aClaim({ budget, owner: 'bob' }), caps, LAUNCH)).toMatchObject({
      refusal: { cap: 'ownerOpenBudget', taken: usd(4), largest: usd(1) },
    });
  });

  it('names the cap that leaves the smallest budget, which then fits all caps', () => {
    const ledger = ledgerOf({ id: OTHER_ID, budget: usd(4) });
    const caps = { ...NO_CAPS, openBudget: usd(6), ownerOpenBudget: usd(5) };
    const refused = reserve(ledger, aClaim({ budget: usd(3) }), caps, LAUNCH);
    expect(refused).toMatchObject({ refusal: { cap: 'ownerOpenBudget', largest: usd(1) } });
    expect(reserve(ledger, aClaim({ budget: usd(1) }), caps, LAUNCH).ok).toBe(true);
  });

  it('names 0 as the largest budget where a cap is below the open budgets', () => {
    const caps = { ...NO_CAPS, openBudget: usd(3) };
    const refused = reserve(ledgerOf({ id: OTHER_ID, budget: usd(4) }), aClaim(), caps, LAUNCH);
    expect(refused).toMatchObject({ refusal: { taken: usd(4), largest: 0 } });
  });
});

describe('a drain', () => {
  const entry = ledgerOf({ budget: usd(1) });

  it('refuses new claims, repeated ones and raises, until it is undone', () => {
    const ledger = drained(entry, LATER);
    const refused = { ok: false, drainedSince: LATER };
    expect(reserve(ledger, aClaim({ id: OTHER_ID }), NO_CAPS, LATER)).toEqual(refused);
    expect(reserve(ledger, aClaim(), NO_CAPS, LATER)).toEqual(refused);
    expect(raise(ledger, { id: ID, budget: usd(2) }, NO_CAPS, LATER)).toEqual(refused);
    expect(reserve(undrained(ledger), aClaim({ id: OTHER_ID }), NO_CAPS, LATER).ok).toBe(true);
  });

  it('keeps its time and its ledger if it begins or is undone twice', () => {
    const ledger = drained(entry, LATER);
    expect(drained(ledger, plus(LATER, minutes(1)))).toBe(ledger);
    expect(undrained(entry)).toBe(entry);
    expect(undrained(ledger)).toEqual(entry);
  });

  it('outlasts releases, lower budgets and audits', () => {
    const ledger = drained(entry, LATER);
    const later = plus(LATER, hours(1));
    const next = audit(adjust(ledger, ID, usd(0.5), later), [], later).next;
    expect(next.open.size).toBe(0);
    expect(
      [release(ledger, endedAfter(100)), next].map(({ drainedSince }) => drainedSince),
    ).toEqual([LATER, LATER]);
  });

  it('takes a launch for under way until 2 minutes after it wrote the ledger', () => {
    const { changedAt } = entry.open.get(ID) ?? { changedAt: LAUNCH };
    expect(underWay(entry, plus(changedAt, minutes(2)))).toEqual([ID]);
    expect(underWay(entry, plus(changedAt, seconds(121)))).toEqual([]);
  });
});

describe('a monthly cap', () => {
  const caps = { ...NO_CAPS, ownerMonthlySpend: usd(2), scheduleMonthlySpend: usd(1) };
  const [november, december] = [at('2026-11-30T23:00:00Z'), at('2026-12-01T00:00:00Z')];
  /** The largest budget that the caps leave for the claim. */
  const room = (ledger: Ledger, claim: Partial<Claim>, now: EpochMs) => {
    const decision = reserve(ledger, aClaim({ budget: usd(100), ...claim }), caps, now);
    if (decision.ok) return Number.POSITIVE_INFINITY;
    if (!('refusal' in decision)) throw new Error('no cap refuses it');
    return decision.refusal.largest;
  };

  it('counts the bills of ended clusters and the budgets of live clusters', () => {
    const spent = release(ledgerOf({}), endedAfter(100)); // $0.75
    const ledger = granted(
      reserve(spent, aClaim({ id: OTHER_ID, budget: usd(1) }), NO_CAPS, LATER),
    );
    expect(room(ledger, {}, LATER)).toBe(usd(0.25));
  });

  it('counts no bills of the month before, but the budgets of all live clusters', () => {
    const spent = release(ledgerOf({}), endedAfter(100));
    expect([room(spent, {}, november), room(spent, {}, december)]).toEqual([usd(1.25), usd(2)]);
    const ledger = granted(reserve(spent, aClaim({ budget: usd(1) }), NO_CAPS, november));
    expect(room(ledger, { id: OTHER_ID }, november)).toBe(usd(0.25));
    expect(room(ledger, { id: OTHER_ID }, december)).toBe(usd(1));
  });

  it('counts the bill of a cluster in two months by the part of each month', () => {
    const createdAt = at('2026-11-30T22:30:00Z');
    const opened = granted(reserve(EMPTY_LEDGER, aClaim(), NO_CAPS, createdAt));
    const ledger = release(opened, endedAfter(10, { createdAt }));
    // Two hours touch November and nine touch December; the hour across midnight is in both.
    expect(ledger.spent.get('owner:ann')).toEqual({ '2026-11': 15_000, '2026-12': 67_500 });
  });

  it("of a token counts all of its owner's clusters, and nobody else's", () => {
    const limits = { ...NO_CAPS, tokenMonthlySpend: usd(2) };
    const spent = release(ledgerOf({}), endedAfter(100)); // $0.75
    const refused = reserve(spent, aClaim({ id: OTHER_ID, budget: usd(1.26) }), limits, LATER);
    expect(refused).toMatchObject({
      refusal: { cap: 'tokenMonthlySpend', taken: usd(0.75), largest: usd(1.25) },
    });
    const bobs = aClaim({ id: OTHER_ID, owner: 'bob', budget: usd(2) });
    expect(reserve(spent, bobs, limits, LATER)).toMatchObject({ ok: true });
  });

  it("counts a schedule's clusters against its own cap and its owner's, and no other's", () => {
    const scheduled = { scheduleId: SCHEDULE };
    const spent = release(ledgerOf(scheduled), endedAfter(100, scheduled));
    const ledger = granted(
      reserve(spent, aClaim({ id: OTHER_ID, budget: usd(0.5) }), NO_CAPS, LATER),
    );
    expect(room(ledger, scheduled, LATER)).toBe(usd(0.25));
    expect(room(ledger, { scheduleId: 'sother22222' }, LATER)).toBe(usd(0.75));
    const live = aClaim({ ...scheduled, id: OTHER_ID, budget: usd(0.2) });
    const withLive = granted(reserve(spent, live, NO_CAPS, LATER));
    expect(room(withLive, scheduled, LATER)).toBe(usd(0.05));
  });

  it('keeps the spend of a month for 13 months', () => {
    const old = release(ledgerOf({ owner: 'bob' }), endedAfter(1, { owner: 'bob' }));
    const createdAt = at('2027-12-20T00:00:00Z');
    const reopened = granted(reserve(old, aClaim({ id: OTHER_ID }), NO_CAPS, createdAt));
    const ledger = release(reopened, endedAfter(1, { id: OTHER_ID, createdAt }));
    expect(ledger.spent.get('owner:bob')).toEqual({ '2026-11': 7_500 });
  });

  it('drops the spend of a month after 13 months', () => {
    const old = release(ledgerOf({ owner: 'bob' }), endedAfter(1, { owner: 'bob' }));
    const createdAt = at('2028-01-20T00:00:00Z');
    const reopened = granted(reserve(old, aClaim({ id: OTHER_ID }), NO_CAPS, createdAt));
    const ledger = release(reopened, endedAfter(1, { id: OTHER_ID, createdAt }));
    expect([...ledger.spent]).toEqual([['owner:ann', { '2028-01': 7_500 }]]);
  });
});

describe('a daily and a weekly cap', () => {
  const MONDAY = at('2026-11-23T00:00:00Z');
  const caps = { ...NO_CAPS, ownerDailySpend: usd(1), ownerWeeklySpend: usd(2) };
  const dollarOf = (id: ClusterId) => aClaim({ id, budget: usd(1) });
  /** The ledger after clusters that each live for 100 hours from `createdAt` on: $0.75. */
  const ledgerAfter = (...lives: readonly EpochMs[]) =>
    lives.reduce<Ledger>((ledger, createdAt, index) => {
      const id: ClusterId = `cluster222${index}`;
      const opened = granted(reserve(ledger, dollarOf(id), NO_CAPS, createdAt));
      return release(opened, endedAfter(100, { id, createdAt }));
    }, EMPTY_LEDGER);
  const refusalOf = (ledger: Ledger, budget: MicroUsd, now: EpochMs, limits: Caps = caps) => {
    const decision = reserve(ledger, aClaim({ budget }), limits, now);
    return 'refusal' in decision ? decision.refusal : null;
  };

  it('count the budgets of live clusters, and start anew at midnight and on Monday, UTC', () => {
    const sunday = at('2026-11-22T23:59:59Z');
    const opened = granted(reserve(EMPTY_LEDGER, dollarOf(OTHER_ID), caps, sunday));
    expect(refusalOf(opened, usd(0.5), sunday)).toMatchObject({
      ...{ cap: 'ownerDailySpend', limit: usd(1), taken: usd(1), largest: 0 },
      span: { name: '2026-11-22', end: MONDAY },
    });
    const nodes = [gone(0, { billedFrom: sunday, billedUntil: plus(sunday, seconds(1)) })];
    const ended = { id: OTHER_ID, endedAt: plus(sunday, seconds(1)), reservedAt: sunday, nodes };
    const ledger = release(opened, anEnded(ended));
    expect(refusalOf(ledger, usd(1), sunday)).toMatchObject({ largest: usd(0.9925) });
    expect(refusalOf(ledger, usd(1), MONDAY)).toBeNull();
  });

  it('count of the bill of a cluster the hours that touch the day and the week', () => {
    const ledger = ledgerAfter(at('2026-11-20T22:30:00Z')); // from Friday to Wednesday, 02:30
    expect(ledger.recent.get('owner:ann')).toEqual({
      '2026-11-24': 25 * 7_500,
      '2026-11-25': 3 * 7_500,
      'w2026-11-23': 51 * 7_500,
    });
  });

  it('never count more of a cluster than its whole bill', () => {
    // The hour at midnight touches two weeks: both count it, and neither counts it twice.
    const createdAt = at('2026-11-22T23:30:00Z');
    const opened = granted(reserve(EMPTY_LEDGER, dollarOf(OTHER_ID), NO_CAPS, createdAt));
    const ledger = release(opened, endedAfter(1, { id: OTHER_ID, createdAt }));
    expect(ledger.recent.get('owner:ann')).toEqual({
      '2026-11-22': 7_500,
      '2026-11-23': 7_500,
      'w2026-11-16': 7_500,
      'w2026-11-23': 7_500,
    });
  });

  it('name the cap that lasts longer where two leave nothing', () => {
    const now = at('2026-11-24T12:00:00Z');
    const limits = { ...caps, ownerWeeklySpend: usd(1) };
    const opened = granted(reserve(EMPTY_LEDGER, dollarOf(OTHER_ID), NO_CAPS, now));
    expect(refusalOf(opened, usd(1), now, limits)).toMatchObject({
      cap: 'ownerWeeklySpend',
      span: { name: 'w2026-11-23', end: at('2026-11-30T00:00:00Z') },
    });
  });

  it('of a schedule count its clusters only', () => {
    const limits = { ...NO_CAPS, scheduleDailySpend: usd(1), scheduleWeeklySpend: usd(1.5) };
    const theirs = { scheduleId: SCHEDULE };
    const other = { ...dollarOf(OTHER_ID), budget: usd(0.8) };
    const ledger = granted(reserve(EMPTY_LEDGER, { ...other, ...theirs }, NO_CAPS, LAUNCH));
    const claim = aClaim({ ...theirs, budget: usd(0.5) });
    expect(reserve(ledger, claim, limits, LAUNCH)).toMatchObject({
      refusal: { cap: 'scheduleDailySpend', largest: usd(0.2) },
    });
    expect(reserve(ledger, aClaim({ budget: usd(0.5) }), limits, LAUNCH).ok).toBe(true);
  });

  it('drop days and weeks a day after their end, with the next release', () => {
    const ledger = ledgerAfter(at('2026-11-10T00:00:00Z'), at('2026-11-18T00:00:00Z'));
    expect(Object.keys(ledger.recent.get('owner:ann') ?? {}).toSorted()).toEqual([
      '2026-11-21',
      '2026-11-22',
      'w2026-11-16',
    ]);
  });

  it('count the whole months in a ledger of which nobody knows the days', () => {
    const old: Ledger = {
      ...{ ...EMPTY_LEDGER, recentSince: null },
      spent: new Map([['owner:ann', { '2026-10': usd(0.2), '2026-11': usd(0.3) }]]),
    };
    const limits = { ...NO_CAPS, ownerWeeklySpend: usd(2) };
    const sunday = at('2026-11-01T12:00:00Z');
    // Its week began in October.
    expect(refusalOf(old, usd(2), sunday, limits)).toMatchObject({ taken: usd(0.5) });
    expect(refusalOf(old, usd(2), plus(MONDAY, hours(1)), limits)).toMatchObject({
      taken: usd(0.3),
    });
    const since = granted(reserve(old, dollarOf(OTHER_ID), NO_CAPS, sunday));
    expect(since.recentSince).toBe(sunday);
    const ended = release(since, endedAfter(1, { id: OTHER_ID, createdAt: sunday }));
    expect(refusalOf(ended, usd(2), sunday, limits)).toMatchObject({ taken: usd(0.5075) });
    expect(refusalOf(ended, usd(2), at('2026-11-02T00:00:00Z'), limits)).toBeNull();
  });
});

describe('the throttle', () => {
  const caps = { ...NO_CAPS, hourlyPrice: usd(0.03) };
  const claim = (id: ClusterId, hourly: MicroUsd) => aClaim({ id, hourly, owner: id });

  it('lets clusters of all owners together cost so much an hour, and not a micro-dollar more', () => {
    const ledger = ledgerOf({ id: OTHER_ID, hourly: usd(0.02) });
    expect(reserve(ledger, claim(ID, usd(0.01)), caps, LAUNCH).ok).toBe(true);
    expect(reserve(ledger, claim(ID, usd(0.010001)), caps, LAUNCH)).toEqual({
      ok: false,
      throttled: { limit: usd(0.03), taken: usd(0.02), wanted: usd(0.010001) },
    });
    const released = release(ledger, endedAfter(1, { id: OTHER_ID }));
    expect(reserve(released, claim(ID, usd(0.03)), caps, LATER).ok).toBe(true);
  });

  it('names the clusters whose budgets last for the fewest hours first', () => {
    const ledger = ledgerOf(
      { id: 'clastsfor20', budget: usd(1), hourly: usd(0.05) },
      { id: 'clastsfor02', budget: usd(0.1), hourly: usd(0.05) },
      { id: 'clastsfor05', budget: usd(1), hourly: usd(0.2) },
    );
    expect(soonestEnds(ledger, 2)).toEqual(['clastsfor02', 'clastsfor05']);
  });

  it('lets a repeated launch and a raise of a budget pass, which cost no more an hour', () => {
    const ledger = ledgerOf({ hourly: usd(0.05) });
    expect(reserve(ledger, claim(ID, usd(0.05)), caps, LATER).ok).toBe(true);
    expect(raise(ledger, { id: ID, budget: usd(9) }, caps, LATER)).toMatchObject({ ok: true });
    expect(reserve(ledger, claim(ID, usd(0.06)), caps, LATER)).toMatchObject({ ok: false });
  });

  it('counts the dearer of two requests for the same cluster, since either may win', () => {
    const both = granted(
      reserve(ledgerOf({ hourly: usd(0.01) }), claim(ID, usd(0.02)), caps, LATER),
    );
    const again = granted(reserve(both, claim(ID, usd(0.005)), caps, LATER));
    expect(again.open.get(ID)?.hourly).toBe(usd(0.02));
  });

  it('counts the budget of a cluster whose price no version has written, until the audit', () => {
    const [entry] = ledgerOf({}).open.values();
    if (entry === undefined) throw new Error('no entry');
    const { hourly: _, ...old } = entry;
    const ledger = { ...EMPTY_LEDGER, open: new Map([[ID, old]]) };
    expect(reserve(ledger, claim(OTHER_ID, usd(0.01)), caps, LATER)).toMatchObject({
      throttled: { taken: usd(1) },
    });
    const { next, drift } = audit(ledger, [aRunning({ budget: usd(1) })], LATER);
    expect(drift).toMatchObject([{ kind: 'otherPrice' }]);
    expect(reserve(next, claim(OTHER_ID, usd(0.015)), caps, LATER).ok).toBe(true);
  });

  it('keeps a higher price than the record has, and takes a higher one', () => {
    const live = aRunning({ budget: usd(1) });
    const higher = ledgerOf({ hourly: usd(0.02) });
    expect(audit(higher, [live], LATER).next).toBe(higher);
    expect(audit(ledgerOf({ hourly: usd(0.01) }), [live], LATER).next.open.get(ID)?.hourly).toBe(
      usd(0.015),
    );
  });
});

describe('raise and adjust', () => {
  const caps = { ...NO_CAPS, openBudget: usd(5) };

  it('raise the entry to a larger budget at once, if the caps allow', () => {
    const ledger = ledgerOf({ budget: usd(1) }, { id: OTHER_ID, budget: usd(1) });
    expect(budgetOf(granted(raise(ledger, { id: ID, budget: usd(4) }, caps, LATER)))).toBe(usd(4));
    expect(raise(ledger, { id: ID, budget: usd(4.5) }, caps, LATER)).toMatchObject({
      refusal: { cap: 'openBudget', taken: usd(1), largest: usd(4) },
    });
  });

  it('lower the entry only when the record has the smaller budget', () => {
    const ledger = granted(raise(ledgerOf({}), { id: ID, budget: usd(0.4) }, caps, LAUNCH));
    expect(budgetOf(ledger)).toBe(usd(1));
    expect(budgetOf(adjust(ledger, ID, usd(0.4), LATER))).toBe(usd(0.4));
  });

  it('do not lower an entry that was just raised: its record may not be written yet', () => {
    const raised = granted(raise(ledgerOf({}), { id: ID, budget: usd(4) }, caps, LATER));
    const inFlight = plus(LATER, IN_FLIGHT);
    expect(adjust(raised, ID, usd(1), inFlight)).toBe(raised);
    expect(budgetOf(adjust(raised, ID, usd(1), plus(inFlight, seconds(1))))).toBe(usd(1));
  });

  it('allow a smaller budget where the cap is exceeded, and the present budget', () => {
    const ledger = ledgerOf({ budget: usd(7) });
    expect(raise(ledger, { id: ID, budget: usd(6) }, caps, LATER)).toMatchObject({ ok: true });
    expect(raise(ledger, { id: ID, budget: usd(8) }, caps, LATER)).toMatchObject({
      refusal: { largest: usd(7) },
    });
  });

  it('change nothing for a cluster without an entry', () => {
    expect(raise(EMPTY_LEDGER, { id: ID, budget: usd(1) }, caps, LAUNCH)).toBe('missing');
    expect(adjust(EMPTY_LEDGER, ID, usd(1), LAUNCH)).toBe(EMPTY_LEDGER);
  });
});

describe('the turns of creates', () => {
  const MORE = { ...aClaim(), id: OTHER_ID, owner: 'bob' };
  const turnOf = (ledger: Ledger, id: ClusterId) => ledger.open.get(id)?.createFrom;

  it('come one after the other, in the order of launches, 800 ms for each node', () => {
    const ledger = ledgerOf({ nodes: 100 }, { id: OTHER_ID, nodes: 20 });
    expect(turnOf(ledger, ID)).toBe(LAUNCH);
    expect(turnOf(ledger, OTHER_ID)).toBe(plus(LAUNCH, seconds(80)));
    expect(nextTurn(ledger, LAUNCH)).toBe(plus(LAUNCH, seconds(96)));
  });

  it('come at once when the nodes of earlier launches have been created', () => {
    const ledger = ledgerOf({ nodes: 100 });
    const later = plus(LAUNCH, seconds(81));
    expect(turnOf(granted(reserve(ledger, MORE, NO_CAPS, later)), OTHER_ID)).toBe(later);
  });

  it('are given back by a cluster that ended before its turn, as the last in line', () => {
    const ledger = ledgerOf({ nodes: 10 }, { id: OTHER_ID, nodes: 1 });
    const ended = { id: OTHER_ID, owner: 'ann', nodes: [neverCreated(0)], endedAt: LAUNCH };
    const next = release(ledger, anEnded({ ...ended, reservedAt: LAUNCH }));
    expect(nextTurn(next, LAUNCH)).toBe(plus(LAUNCH, seconds(8)));
    const used = release(ledger, anEnded({ ...ended, reservedAt: LAUNCH, nodes: [gone(0)] }));
    expect(used.createsUntil).toBe(ledger.createsUntil);
  });

  it('stay as they are where a launch is repeated or a budget is raised', () => {
    const ledger = ledgerOf({ nodes: 10 }, { id: OTHER_ID, nodes: 20 });
    const later = plus(LAUNCH, seconds(30));
    const repeated = granted(reserve(ledger, { ...MORE, nodes: 20 }, NO_CAPS, later));
    const raised = granted(raise(repeated, { id: OTHER_ID, budget: usd(3) }, NO_CAPS, later));
    expect(turnOf(raised, OTHER_ID)).toBe(plus(LAUNCH, seconds(8)));
    expect(raised.createsUntil).toBe(ledger.createsUntil);
  });
});

describe('release', () => {
  it('removes the entry and adds the bill, once', () => {
    const ledger = release(ledgerOf({}, { id: OTHER_ID }), endedAfter(13));
    expect(openOf(ledger)).toBe(usd(1));
    expect([...ledger.spent]).toEqual([['owner:ann', { '2026-11': 97_500 }]]);
    expect(release(ledger, endedAfter(13))).toBe(ledger);
  });

  it('does not add the bill again where a late request reserved the ended cluster again', () => {
    const record = endedAfter(1);
    const released = release(ledgerOf({}), record);
    const again = granted(reserve(released, aClaim(), NO_CAPS, plus(record.endedAt, seconds(1))));
    const { createsUntil } = again;
    expect(release(again, record)).toEqual({ ...released, createsUntil });
  });

  it("adds the bill of a cluster that, by another function's clock, ended before it began", () => {
    const record = { ...endedAfter(0), endedAt: plus(LAUNCH, seconds(-9)) };
    const ledger = release(ledgerOf({}), record);
    expect(openOf(ledger)).toBe(0);
    expect(ledger.spent.get('owner:ann')).toEqual(spentByMonthOf(record, record.endedAt));
    expect(record.spent).toBeGreaterThan(0);
  });

  it('adds the bill to the bills before', () => {
    const another = { id: OTHER_ID };
    const first = release(ledgerOf({}, another), endedAfter(1));
    const both = release(first, endedAfter(2, another));
    expect(both.spent.get('owner:ann')).toEqual({ '2026-11': 22_500 });
  });
});

describe('the audit', () => {
  const live = aRunning({ budget: usd(1) });
  const drift = (kind: string, counted: number, actual: number, id = ID) => [
    { id, kind, counted: usd(counted), actual: usd(actual) },
  ];

  it('finds no drift in a ledger that agrees with the records', () => {
    const ledger = ledgerOf({});
    expect(audit(ledger, [live, endedAfter(1, { id: OTHER_ID })], LATER)).toEqual({
      next: ledger,
      drift: [],
    });
  });

  it('drops an entry without a record, once no record can be about to be written', () => {
    const ledger = ledgerOf({});
    expect(audit(ledger, [], plus(LAUNCH, IN_FLIGHT)).next).toBe(ledger);
    expect(audit(ledger, [], LATER)).toEqual({
      next: { ...EMPTY_LEDGER, createsUntil: ledger.createsUntil },
      drift: drift('withoutRecord', 1, 0),
    });
  });

  it('keeps the budget of a cluster whose record is unreadable, and corrects the others', () => {
    const ledger = ledgerOf({}, { id: OTHER_ID });
    const read = { records: [], unreadable: [{ id: ID }], listed: new Set<ClusterId>() };
    expect(auditAll(ledger, read, LATER)).toEqual({
      next: { ...ledgerOf({}), createsUntil: ledger.createsUntil },
      drift: drift('withoutRecord', 1, 0, OTHER_ID),
    });
  });

  it('keeps the entry of a cluster without a record whose Linodes are listed', () => {
    const ledger = ledgerOf({ subnetBits: 24 });
    const read = { records: [], unreadable: [], listed: new Set([ID]) };
    expect(auditAll(ledger, read, LATER)).toEqual({ next: ledger, drift: [] });
  });

  it('releases an ended cluster, once its pass can not be about to release it', () => {
    const ended = endedAfter(1);
    const ledger = ledgerOf({});
    expect(audit(ledger, [ended], plus(ended.endedAt, IN_FLIGHT)).next).toBe(ledger);
    expect(audit(ledger, [ended], plus(ended.endedAt, minutes(3)))).toEqual({
      next: release(ledger, ended),
      drift: drift('notReleased', 1, 0),
    });
  });

  it('takes a larger budget from the record at once, a smaller one after raises in flight', () => {
    const cases = [
      { budget: usd(2), now: LAUNCH },
      { budget: usd(0.5), now: LATER },
    ];
    for (const { budget, now } of cases) {
      const found = audit(ledgerOf({}), [aRunning({ budget })], now);
      expect(budgetOf(found.next)).toBe(budget);
      expect(found.drift).toEqual(drift('otherBudget', 1, toUsd(budget)));
    }
    const ledger = ledgerOf({});
    expect(audit(ledger, [aRunning({ budget: usd(0.5) })], LAUNCH)).toEqual({
      next: ledger,
      drift: [],
    });
  });

  it('enters a live cluster that has no entry, opened when the cluster was reserved', () => {
    const { next, drift: found } = audit(EMPTY_LEDGER, [live], LATER);
    expect(found).toEqual(drift('notCounted', 0, 1));
    expect(next).toEqual({ ...ledgerOf({}), createsUntil: EMPTY_LEDGER.createsUntil });
    const reservedAt = plus(LAUNCH, seconds(-2));
    const earlier = audit(EMPTY_LEDGER, [{ ...live, reservedAt }], LATER).next;
    expect(earlier.open.get(ID)).toMatchObject({ openedAt: reservedAt, changedAt: LAUNCH });
    // `release` finds the entry by that instant, and adds the bill of the cluster.
    expect(release(next, endedAfter(1)).spent.get('owner:ann')).toEqual({ '2026-11': 7_500 });
  });

  it('takes the subnet of the record, where the ledger has lost it or has another one', () => {
    const network = aNetwork({ block: 7, bits: 24 });
    const restored = ledgerOf({}).open.get(ID);
    for (const ledger of [EMPTY_LEDGER, ledgerOf({}), ledgerOf({ subnetBits: 24 })]) {
      const { next } = audit(ledger, [{ ...live, network }], LAUNCH);
      expect(next.open.get(ID)).toEqual({ ...restored, subnet: network.subnet });
      expect(audit(next, [{ ...live, network }], LAUNCH).drift).toEqual([]);
    }
    const { drift: found } = audit(ledgerOf({}), [{ ...live, network }], LAUNCH);
    expect(found).toEqual(drift('otherSubnet', 1, 1));
  });

  it('frees a subnet that the record does not have', () => {
    const { next, drift: found } = audit(ledgerOf({ subnetBits: 22 }), [live], LAUNCH);
    expect(found).toEqual(drift('otherSubnet', 1, 1));
    expect(next.open.get(ID)).toEqual(ledgerOf({}).open.get(ID));
  });
});

describe('subnets', () => {
  const subnetOf = (ledger: Ledger, id: ClusterId = ID) => ledger.open.get(id)?.subnet;

  it('are the lowest free ones, and free again after the release', () => {
    const ledger = ledgerOf({ subnetBits: 24 }, { id: OTHER_ID, subnetBits: 24 });
    expect(subnetOf(ledger)).toEqual({ block: 0, bits: 24 });
    expect(subnetOf(ledger, OTHER_ID)).toEqual({ block: 1, bits: 24 });
    const third = aClaim({ id: 'cthirdone22', subnetBits: 22 });
    const released = release(ledger, endedAfter(1));
    const next = granted(reserve(released, third, NO_CAPS, LATER));
    expect(subnetOf(next, third.id)).toEqual({ block: 4, bits: 22 });
    const fourth = aClaim({ id: 'cfourthone2', subnetBits: 24 });
    expect(subnetOf(granted(reserve(next, fourth, NO_CAPS, LATER)), fourth.id)).toEqual({
      block: 0,
      bits: 24,
    });
  });

  it('stay those of the first request, whatever a repeated one asks for', () => {
    const ledger = ledgerOf({ subnetBits: 22 }, { id: OTHER_ID, subnetBits: 24 });
    for (const changes of [{}, { subnetBits: 24 as const }, { budget: usd(5) }]) {
      const repeated = granted(reserve(ledger, aClaim(changes), NO_CAPS, LATER));
      expect(subnetOf(repeated)).toEqual({ block: 0, bits: 22 });
    }
    expect(subnetOf(granted(raise(ledger, { id: ID, budget: usd(9) }, NO_CAPS, LATER)))).toEqual({
      block: 0,
      bits: 22,
    });
  });

  it('are handed out to a repeated request whose first needed none', () => {
    const repeated = reserve(ledgerOf({}), aClaim({ subnetBits: 24 }), NO_CAPS, LATER);
    expect(subnetOf(granted(repeated))).toEqual({ block: 0, bits: 24 });
  });

  it('are refused to a repeated request that needs a larger one', () => {
    const ledger = ledgerOf({ subnetBits: 24 });
    for (const budget of [usd(1), usd(5)]) {
      const claim = aClaim({ subnetBits: 22, budget });
      expect(reserve(ledger, claim, NO_CAPS, LATER)).toEqual({ ok: false, subnet: 'tooSmall' });
    }
  });

  it('are refused where none is free', () => {
    const [entry] = ledgerOf({ subnetBits: 24 }).open.values();
    if (entry === undefined) throw new Error('no entry');
    const open = new Map(
      Array.from({ length: 8_192 }, (_, index): [ClusterId, typeof entry] => [
        `c${index}`,
        { ...entry, subnet: { block: 4 * index, bits: 22 } },
      ]),
    );
    const full = { ...EMPTY_LEDGER, open };
    const claim = aClaim({ subnetBits: 24 });
    expect(reserve(full, claim, NO_CAPS, LATER)).toEqual({ ok: false, subnet: 'noneFree' });
    expect(reserve(full, aClaim(), NO_CAPS, LATER).ok).toBe(true);
  });
});

/** Few clusters, of two owners and a schedule, so that steps often meet the same cluster. */
const IDS = ['caaaaaaaaaa', 'cbbbbbbbbbb', 'ccccccccccc', 'cdddddddddd'] as const;
const claimOf = (id: ClusterId, budget: MicroUsd): Claim => ({
  id,
  nodes: 0,
  hourly: usd(0.0075),
  // Requests with the same idempotency key may ask for different networks.
  subnetBits: ([null, 24, 22, 24] as const)[(budget / 100_000) % 4] ?? null,
  owner: id < 'cc' ? 'ann' : 'bob',
  scheduleId: id === 'cbbbbbbbbbb' ? SCHEDULE : null,
  budget,
});

/** A step of a request, a pass or the sweeper; after a crash the next step may never come. */
const aStep = fc.record({
  kind: fc.constantFrom(
    ...(['reserve', 'reserve', 'insert', 'insert', 'raise', 'save', 'lower', 'adjust'] as const),
    ...(['end', 'release', 'audit', 'wait', 'waitLong'] as const),
  ),
  id: fc.constantFrom(...IDS),
  budget: fc.integer({ min: 1, max: 40 }).map((dimes) => usd(dimes / 10)),
});
type Step = typeof aStep extends fc.Arbitrary<infer S> ? S : never;

const CAPS: Caps = { ...NO_CAPS, openBudget: usd(6), ownerOpenBudget: usd(4) };

/** A write to a record that is in flight, after its write to the ledger. */
interface Sent {
  readonly budget: MicroUsd;
  /** The last instant at which the write can still arrive. */
  readonly by: EpochMs;
  readonly openedAt: EpochMs;
  readonly network: RoomNetwork | undefined;
}

/** A deployment whose ledger and records are written in the order that launches and ends use. */
class Deployment {
  now: EpochMs = at('2026-11-29T12:00:00Z');
  ledger = EMPTY_LEDGER;
  readonly records = new Map<ClusterId, LiveRecord | EndedRecord>();
  /** The writes in flight, by the kind of write and the cluster's id. */
  readonly #sent = new Map<string, Sent>();

  live(id: ClusterId): LiveRecord | null {
    const record = this.records.get(id);
    return record !== undefined && isLive(record) ? record : null;
  }

  ended(): EndedRecord[] {
    return [...this.records.values()].flatMap((record) => (isLive(record) ? [] : [record]));
  }

  take({ kind, id, budget }: Step): void {
    this.now = plus(this.now, seconds(1));
    const { ledger, now } = this;
    const live = this.live(id);
    const steps: Record<Step['kind'], () => void> = {
      reserve: () =>
        this.#decide(
          'insert',
          claimOf(id, budget),
          reserve(ledger, claimOf(id, budget), CAPS, now),
        ),
      raise: () =>
        this.#decide('save', claimOf(id, budget), raise(ledger, { id, budget }, CAPS, now)),
      insert: () => {
        const sent = this.#arrived(`insert ${id}`);
        if (sent === null) return;
        const { openedAt: reservedAt } = sent;
        const { network } = sent;
        const times = { createdAt: now, reservedAt, ...(network && { network }) };
        if (!this.records.has(id)) this.#write(claimOf(id, sent.budget), times);
        else if (live === null) this.#release(id);
      },
      save: () => {
        const sent = this.#arrived(`save ${id}`);
        if (sent !== null && live !== null) this.#write(claimOf(id, sent.budget), live);
      },
      lower: () => {
        const isLower = live !== null && budget < live.budget;
        if (isLower) this.#write(claimOf(id, budget), live);
      },
      adjust: () => {
        if (live !== null) this.ledger = adjust(ledger, id, live.budget, now);
      },
      end: () => {
        if (live !== null) this.#end(live);
      },
      release: () => this.#release(id),
      audit: () => {
        this.ledger = audit(ledger, [...this.records.values()], now).next;
      },
      wait: () => this.#wait(minutes(1)),
      waitLong: () => this.#wait(hours(11)),
    };
    steps[kind]();
  }

  #wait(length: DurationMs): void {
    this.now = plus(this.now, length);
  }

  #decide(
    write: 'insert' | 'save',
    { id, budget, subnetBits }: Claim,
    decision: Decision | 'missing',
  ): void {
    if (decision === 'missing' || !decision.ok) return;
    this.ledger = decision.next;
    const { openedAt = this.now, subnet } = decision.next.open.get(id) ?? {};
    const network = subnet && subnetBits !== null ? aNetwork(subnet) : undefined;
    const by = plus(this.now, minutes(1));
    this.#sent.set(`${write} ${id}`, { budget, by, openedAt, network });
  }

  /** Takes the write out of flight; null: there is none, or it is too late to arrive. */
  #arrived(write: string): Sent | null {
    const sent = this.#sent.get(write);
    this.#sent.delete(write);
    return sent !== undefined && this.now <= sent.by ? sent : null;
  }

  #write(
    { id, owner, scheduleId, budget }: Claim,
    { createdAt, reservedAt, network }: Pick<LiveRecord, 'createdAt' | 'reservedAt' | 'network'>,
  ): void {
    const nodes = [created(0, { billedFrom: createdAt })];
    const kept = { createdAt, reservedAt, ...(network && { network }) };
    this.records.set(id, aRunning({ id, owner, scheduleId, budget, ...kept, nodes }));
  }

  #end({ id, owner, scheduleId, budget, createdAt, reservedAt, network }: LiveRecord): void {
    const nodes = [gone(0, { billedFrom: createdAt, billedUntil: this.now })];
    const endedAt = this.now;
    const same = { id, owner, scheduleId, budget, createdAt, reservedAt };
    const room = network && { network };
    this.records.set(id, anEnded({ ...same, ...room, nodes, endedAt }));
  }

  #release(id: ClusterId): void {
    const record = this.ended().find((ended) => ended.id === id);
    if (record !== undefined) this.ledger = release(this.ledger, record);
  }
}

describe('after any launches, changes, ends and crashes, in any order', () => {
  const steps = fc.array(aStep, { maxLength: 60, size: 'max' });
  const RUNS = { numRuns: 1_000 };
  const run = (taken: readonly Step[], check: (deployment: Deployment) => void = () => {}) => {
    const deployment = new Deployment();
    for (const step of taken) {
      deployment.take(step);
      check(deployment);
    }
    return deployment;
  };
  const spentBy = ({ spent }: Ledger, scopes: 'owner:' | 'schedule:') =>
    sum(
      [...spent].flatMap(([scope, months]) =>
        scope.startsWith(scopes) ? Object.values(months) : [],
      ),
    );
  const costOf = (records: readonly EndedRecord[]) =>
    sum(records.flatMap((record) => Object.values(spentByMonthOf(record, record.endedAt))));

  it('the open budgets are within the caps, and cover the budgets of the live records', () => {
    const check = ({ ledger, records }: Deployment) => {
      expect(openOf(ledger)).toBeLessThanOrEqual(usd(6));
      const anns = [...ledger.open.values()].filter(({ owner }) => owner === 'ann');
      expect(sum(anns.map(({ budget }) => budget))).toBeLessThanOrEqual(usd(4));
      for (const record of records.values()) {
        if (isLive(record)) {
          expect(budgetOf(ledger, record.id)).toBeGreaterThanOrEqual(record.budget);
        }
      }
    };
    fc.assert(
      fc.property(steps, (taken) => void run(taken, check)),
      RUNS,
    );
  });

  it('no two live clusters share a subnet, and the ledger has that of each', () => {
    const check = ({ ledger, records }: Deployment) => {
      const live = [...records.values()].filter(isLive);
      for (const { id, network } of live) {
        if (network === undefined) continue;
        expect(ledger.open.get(id)?.subnet).toEqual(network.subnet);
        const others = live.filter((other) => other.id !== id);
        const sharing = others.filter(
          (other) => other.network && overlap(other.network.subnet, network.subnet),
        );
        expect(sharing).toEqual([]);
      }
    };
    fc.assert(
      fc.property(steps, (taken) => void run(taken, check)),
      RUNS,
    );
  });

  it('the bill of an ended cluster is never added twice', () => {
    const check = (deployment: Deployment) =>
      expect(spentBy(deployment.ledger, 'owner:')).toBeLessThanOrEqual(costOf(deployment.ended()));
    fc.assert(
      fc.property(steps, (taken) => void run(taken, check)),
      RUNS,
    );
  });

  it('an audit with no write in flight makes the ledger agree with the records', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const deployment = run(taken);
        const records = [...deployment.records.values()];
        const quiet = plus(deployment.now, minutes(3));
        const { next } = audit(deployment.ledger, records, quiet);
        const counted = new Map([...next.open].map(([id, { budget }]) => [id, budget]));
        const live = records.filter(isLive);
        expect(counted).toEqual(new Map(live.map(({ id, budget }) => [id, budget])));
        const subnets = new Map([...next.open].map(([id, { subnet }]) => [id, subnet]));
        expect(subnets).toEqual(new Map(live.map(({ id, network }) => [id, network?.subnet])));
        const ended = deployment.ended();
        expect(spentBy(next, 'owner:')).toBe(costOf(ended));
        const scheduled = ended.filter(({ scheduleId }) => scheduleId !== null);
        expect(spentBy(next, 'schedule:')).toBe(costOf(scheduled));
        expect(audit(next, records, quiet)).toEqual({ next, drift: [] });
      }),
      RUNS,
    );
  });

  it('an audit of an empty ledger makes the ledger that launches make', () => {
    const uniqueSteps = fc.uniqueArray(aStep, { selector: ({ id }) => id });
    fc.assert(
      fc.property(uniqueSteps, (wanted) => {
        const claims = wanted.map(({ id, budget }) => claimOf(id, budget));
        const ledger = ledgerOf(...claims);
        const records = claims.map(({ subnetBits: _, hourly: __, ...claim }) => {
          const subnet = ledger.open.get(claim.id)?.subnet;
          const network = subnet && { network: aNetwork(subnet) };
          return aRunning({ ...claim, ...network, createdAt: LAUNCH, nodes: [created(0)] });
        });
        const { createsUntil } = EMPTY_LEDGER;
        expect(audit(EMPTY_LEDGER, records, LATER).next).toEqual({ ...ledger, createsUntil });
      }),
    );
  });
});

describe("an owner's bill of a day, a week and a month", () => {
  it('is within the cap after any launches and ends, within their budgets', () => {
    const LIMITS: Record<Period, MicroUsd> = { day: usd(0.3), week: usd(0.6), month: usd(1) };
    const caps = {
      ...NO_CAPS,
      ownerDailySpend: LIMITS.day,
      ownerWeeklySpend: LIMITS.week,
      ownerMonthlySpend: LIMITS.month,
    };
    const aLife = fc.record({
      after: fc.integer({ min: 0, max: 120 * 60 }),
      lasts: fc.integer({ min: 1, max: 140 }),
      /** How long after its end the cluster is released, as by the audit. */
      late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 })),
    });
    fc.assert(
      fc.property(fc.array(aLife, { maxLength: 40, size: 'max' }), (lives) => {
        let now = at('2026-11-20T00:30:00Z');
        let ledger = EMPTY_LEDGER;
        const running: { readonly record: EndedRecord; readonly releasedAt: EpochMs }[] = [];
        const counted = new Map<string, { readonly limit: MicroUsd; total: number }>();
        const endUntil = (until: EpochMs) => {
          running.sort((a, b) => a.releasedAt - b.releasedAt);
          while (running[0] !== undefined && running[0].releasedAt <= until) {
            ledger = release(ledger, (running.shift() as (typeof running)[number]).record);
          }
        };
        for (const [index, { after, lasts, late }] of lives.entries()) {
          now = epochMs(now + minutes(after));
          endUntil(now);
          const id: ClusterId = `cluster${String(index).padStart(4, '2')}`;
          const record = endedAfter(lasts, { id, createdAt: now });
          // Hours across a month's end are billed in both months.
          const budget = usd(0.0075 * (lasts + 3));
          const decision = reserve(ledger, aClaim({ id, budget }), caps, now);
          if (!decision.ok) continue;
          ledger = decision.next;
          running.push({ record, releasedAt: plus(record.endedAt, hours(late)) });
          for (const period of ['day', 'week', 'month'] as const) {
            // Each whole hour of the one node, in the period in which it begins.
            for (let hour = 0; hour < lasts; hour += 1) {
              const { name } = spanAt(period, plus(now, hours(hour)));
              const sums = counted.get(name) ?? { limit: LIMITS[period], total: 0 };
              sums.total += 7_500;
              counted.set(name, sums);
            }
          }
        }
        for (const { limit, total } of counted.values()) expect(total).toBeLessThanOrEqual(limit);
        endUntil(epochMs(Number.MAX_SAFE_INTEGER));
        const bills = ledger.spent.get('owner:ann') ?? {};
        for (const bill of Object.values(bills)) expect(bill).toBeLessThanOrEqual(LIMITS.month);
        const recent = Object.entries(ledger.recent.get('owner:ann') ?? {});
        for (const [name, bill] of recent) {
          expect(bill).toBeLessThanOrEqual(LIMITS[name.startsWith('w') ? 'week' : 'day']);
        }
        expect(ledger.open.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
