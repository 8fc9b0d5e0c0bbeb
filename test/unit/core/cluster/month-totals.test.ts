import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd } from '../../../../lib/core/base/money.ts';
import { type EpochMs, epochMs, hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { monthName, spend } from '../../../../lib/core/billing/bill.ts';
import { billedNodes, spentAt } from '../../../../lib/core/cluster/bills.ts';
import {
  added,
  type MonthTotals,
  NOTHING,
  totalsOf,
} from '../../../../lib/core/cluster/month-totals.ts';
import type { ClusterRecord, NodeRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  at,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
  price,
  usd,
} from '../../../support/builders.ts';

const NOVEMBER = '2026-11';
const LATER = at('2027-02-01T00:00:00Z');
/** An ended cluster, whose spend is the bill of its nodes. */
const ended = (nodes: readonly NodeRecord[], endedAt: EpochMs, budget = usd(1)) => {
  const spent = spend(billedNodes(anEnded({ nodes })), endedAt);
  return anEnded({ nodes, endedAt, spent, budget });
};

describe('totalsOf', () => {
  it('has the bill of an ended cluster, and the saving against the rest of the month', () => {
    const until = plus(LAUNCH, hours(13));
    const nodes = [gone(0, { billedUntil: until }), gone(1, { billedUntil: until })];
    // From the launch on the 10th at 15:00 to the end of November there are 489 hours.
    expect(totalsOf(ended(nodes, until), NOVEMBER, LATER)).toEqual({
      clusters: 1,
      nodeHours: 26,
      billed: usd(2 * 13 * 0.0075),
      saved: usd(2 * (489 - 13) * 0.0075),
      overspent: 0,
    });
  });

  it('has no saving beyond the monthly price', () => {
    const first = at('2026-11-01T00:00:00Z');
    const node = gone(0, { billedFrom: first, billedUntil: plus(first, hours(1)) });
    expect(totalsOf(ended([node], plus(first, hours(1))), NOVEMBER, LATER)).toMatchObject({
      billed: usd(0.0075),
      saved: usd(5 - 0.0075),
    });
    const whole = gone(0, { billedFrom: first, billedUntil: plus(first, hours(700)) });
    expect(totalsOf(ended([whole], LATER, usd(9)), NOVEMBER, LATER)).toMatchObject({
      nodeHours: 700,
      billed: usd(5),
      saved: 0,
    });
  });

  it('has a live cluster as if it were destroyed now', () => {
    const halfPastTwo = plus(LAUNCH, minutes(150));
    expect(totalsOf(aRunning(), NOVEMBER, halfPastTwo)).toMatchObject({
      nodeHours: 6,
      billed: usd(6 * 0.0075),
      saved: usd(2 * (489 - 3) * 0.0075),
    });
  });

  it('has in each month the part of a cluster that spans several', () => {
    const billedFrom = at('2026-10-31T22:30:00Z');
    const billedUntil = at('2026-11-01T01:30:00Z');
    const record = ended([gone(0, { billedFrom, billedUntil })], billedUntil);
    const shares = ['2026-10', '2026-11', '2026-12'].map((month) => totalsOf(record, month, LATER));
    expect(shares.map(({ nodeHours, billed }) => [nodeHours, billed])).toEqual([
      [2, usd(0.015)],
      [2, usd(0.015)],
      [0, 0],
    ]);
    // The cluster ran to the end of October, and was destroyed early in November.
    expect(shares[0]?.saved).toBe(0);
    expect(shares[1]?.saved).toBe(usd(5 - 0.015));
    expect(shares[2]).toBe(NOTHING);
  });

  it('has savings only of nodes that are billed in the month', () => {
    const october = gone(0, {
      billedFrom: at('2026-10-31T10:00:00Z'),
      billedUntil: at('2026-10-31T11:00:00Z'),
    });
    const until = plus(LAUNCH, hours(1));
    const record = ended([october, gone(1, { billedUntil: until })], until);
    expect(totalsOf(record, NOVEMBER, LATER)).toMatchObject({ saved: usd(488 * 0.0075) });
  });

  it('has the overspend in the month in which the budget was passed', () => {
    const billedFrom = at('2026-10-31T21:00:00Z');
    const billedUntil = at('2026-11-01T04:00:00Z');
    const record = ended([gone(0, { billedFrom, billedUntil })], billedUntil, usd(0.03));
    expect(totalsOf(record, '2026-10', LATER).overspent).toBe(0);
    // Three hours in October and four in November are billed; the budget pays four.
    expect(totalsOf(record, NOVEMBER, LATER).overspent).toBe(usd(3 * 0.0075));
  });

  it('is NOTHING for a cluster without a create', () => {
    const nodes = [planned(0), neverCreated(1)];
    expect(totalsOf(aCluster({ nodes }), NOVEMBER, LATER)).toBe(NOTHING);
    expect(totalsOf(ended(nodes, LAUNCH), NOVEMBER, LATER)).toBe(NOTHING);
  });

  it('has a cluster whose node may exist, and one whose nodes are free', () => {
    expect(totalsOf(aCluster({ nodes: [creating(0)] }), NOVEMBER, LAUNCH)).toMatchObject({
      clusters: 1,
      nodeHours: 1,
    });
    const free = aRunning({ bought: aBought({ price: price(0) }) });
    expect(totalsOf(free, NOVEMBER, LAUNCH)).toMatchObject({ clusters: 1, billed: 0 });
  });
});

it('the sum of two totals has the sums of their fields', () => {
  const of = (factor: number): MonthTotals => ({
    clusters: factor,
    nodeHours: 20 * factor,
    billed: usd(3 * factor),
    saved: usd(4 * factor),
    overspent: usd(5 * factor),
  });
  expect(added(of(1), of(2))).toEqual(of(3));
});

/** An instant from September to January, often near the end of a month. */
const anInstant = fc
  .oneof(
    fc.integer({ min: at('2026-09-01T00:00:00Z'), max: at('2027-01-31T00:00:00Z') }),
    fc
      .tuple(fc.integer({ min: 9, max: 12 }), fc.integer({ min: -8, max: 8 }))
      .map(([month, quarters]) => Date.UTC(2026, month) + quarters * minutes(15)),
  )
  .map(epochMs);
const aNode = fc
  .tuple(
    fc.constantFrom(created, deleting, gone, creating, neverCreated, planned),
    anInstant,
    fc.nat(2_000),
  )
  .map(([kind, from, quarters]): NodeRecord => {
    const billedUntil = plus(from, minutes(15 * quarters));
    if (kind === creating) return creating(0, { sentAt: from });
    if (kind === created) return created(0, { billedFrom: from });
    if (kind === deleting) return deleting(0, { billedFrom: from, billedUntil });
    return kind === gone ? gone(0, { billedFrom: from, billedUntil }) : kind(0);
  });
const aRecord: fc.Arbitrary<ClusterRecord> = fc
  .tuple(fc.array(aNode, { maxLength: 5 }), fc.nat(20_000_000), fc.constantFrom(0, 1, 2))
  .map(([nodes, micro, kind]) => {
    const budget = microUsd(micro);
    if (kind === 0) return aRunning({ nodes, budget });
    if (kind === 1) return aDeleting({ nodes, budget });
    const endedNodes = nodes.filter(({ state }) => state === 'gone' || state === 'neverCreated');
    return ended(endedNodes, LATER, budget);
  });
const MONTHS = Array.from({ length: 9 }, (_, index) =>
  monthName(epochMs(Date.UTC(2026, 6 + index))),
);

describe('always', () => {
  it("the months add up to the clusters' spend and overspend", () => {
    fc.assert(
      fc.property(fc.array(aRecord, { maxLength: 5 }), anInstant, (records, now) => {
        const shares = MONTHS.flatMap((month) =>
          records.map((record) => totalsOf(record, month, now)),
        );
        const total = shares.reduce<MonthTotals>(added, NOTHING);
        const spent = records.map((record) => spentAt(record, now));
        const over = records.map(({ budget }, index) => Math.max(0, (spent[index] ?? 0) - budget));
        expect(total.billed).toBe(sumOf(spent));
        expect(total.overspent).toBe(sumOf(over));
      }),
    );
  });

  it('bill and saving of a month have the same sum, however long a node existed', () => {
    fc.assert(
      fc.property(anInstant, fc.nat(3_000), fc.constantFrom(...MONTHS), (from, quarters, month) => {
        const until = plus(from, minutes(15 * quarters));
        const record = ended([gone(0, { billedFrom: from, billedUntil: until })], until);
        const { clusters, billed, saved } = totalsOf(record, month, LATER);
        const leftOn = aRunning({ nodes: [created(0, { billedFrom: from })] });
        const longest = totalsOf(leftOn, month, at('2027-06-01T00:00:00Z'));
        if (clusters === 1) expect(billed + saved).toBe(longest.billed);
        expect(longest.saved).toBe(0);
      }),
    );
  });
});

const sumOf = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);
