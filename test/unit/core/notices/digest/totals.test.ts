import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd } from '../../../../../lib/core/base/money.ts';
import {
  durationMs,
  type EpochMs,
  epochMs,
  hours,
  minutes,
  plus,
} from '../../../../../lib/core/base/units.ts';
import { spend } from '../../../../../lib/core/billing/bill.ts';
import { billedNodes } from '../../../../../lib/core/cluster/bills.ts';
import {
  added,
  type MonthTotals,
  NOTHING,
  totalsOf,
} from '../../../../../lib/core/cluster/month-totals.ts';
import type { ClusterRecord, NodeRecord } from '../../../../../lib/core/cluster/record.ts';
import {
  lastEnded,
  monthPeriod,
  type Period,
} from '../../../../../lib/core/notices/digest/period.ts';
import { totalsIn } from '../../../../../lib/core/notices/digest/totals.ts';
import { anEnded, aRunning, at, created, gone, usd } from '../../../../support/builders.ts';

const WEEK = hours(7 * 24);
const week = (monday: string) => lastEnded('weekly', plus(at(`${monday}T00:00:00Z`), WEEK));
const FIRST = week('2026-09-28');
/** The weeks from 28 September 2026 to 7 February 2027. */
const WEEKS = Array.from({ length: 19 }, (_, n) =>
  lastEnded('weekly', plus(FIRST.end, durationMs(n * WEEK))),
);
const END = WEEKS.at(-1)?.end as EpochMs;

const ended = (nodes: readonly NodeRecord[], endedAt: EpochMs, budget = usd(1)) => {
  const spent = spend(billedNodes(anEnded({ nodes })), endedAt);
  return anEnded({ nodes, endedAt, spent, budget });
};
/** Long after every period of these tests. */
const LATER = at('2027-06-01T00:00:00Z');
const shareIn = (record: ClusterRecord, period: Period) => totalsIn(record, period, LATER);
const oneNode = (from: string, until: string) =>
  ended([gone(0, { billedFrom: at(from), billedUntil: at(until) })], at(until));

describe('the share of a week', () => {
  it('has each hour in the week in which it started', () => {
    // The hour from 23:30 on Sunday is in the first week, the two hours after it in the second.
    const record = oneNode('2026-11-08T22:30:00Z', '2026-11-09T01:31:00Z');
    const [first, second] = [week('2026-11-02'), week('2026-11-09')].map((one) =>
      shareIn(record, one),
    );
    expect([first?.nodeHours, first?.billed]).toEqual([2, usd(0.015)]);
    expect([second?.nodeHours, second?.billed]).toEqual([2, usd(0.015)]);
    expect([first?.clusters, second?.clusters]).toEqual([1, 1]);
  });

  it('has the saving where the node ended, up to the end of that month', () => {
    const record = oneNode('2026-11-08T22:30:00Z', '2026-11-09T01:30:00Z');
    expect(shareIn(record, week('2026-11-02')).saved).toBe(0);
    // From 1:30 on the 9th to the end of November there are 526.5 hours, or 527 started ones.
    expect(shareIn(record, week('2026-11-09')).saved).toBe(usd(527 * 0.0075));
  });

  it('has of a cluster that lives on what was billed by the end of the week', () => {
    const record = aRunning({ nodes: [created(0, { billedFrom: at('2026-11-08T12:00:00Z') })] });
    expect(shareIn(record, week('2026-11-02'))).toMatchObject({ nodeHours: 12, saved: 0 });
    expect(shareIn(record, week('2026-11-09'))).toMatchObject({ clusters: 1, nodeHours: 168 });
    expect(shareIn(record, week('2026-10-26'))).toEqual(NOTHING);
  });

  it('has all transfer in the week in which the cluster ended', () => {
    const record = oneNode('2026-11-08T22:30:00Z', '2026-11-09T01:30:00Z');
    const sent = { ...record, spent: usd(0.0225 + 0.5), budget: usd(0.4) };
    expect(shareIn(sent, week('2026-11-02'))).toMatchObject({ billed: usd(0.015), overspent: 0 });
    expect(shareIn(sent, week('2026-11-09'))).toMatchObject({
      billed: usd(0.0075 + 0.5),
      overspent: usd(0.1225),
    });
    expect(shareIn(sent, week('2026-11-16'))).toEqual(NOTHING);
  });

  it('has the overspend of the week in which the budget was passed', () => {
    const until = at('2026-11-09T02:00:00Z');
    const node = gone(0, { billedFrom: at('2026-11-08T22:00:00Z'), billedUntil: until });
    const record = ended([node], until, usd(0.0225));
    expect(shareIn(record, week('2026-11-02')).overspent).toBe(0);
    expect(shareIn(record, week('2026-11-09')).overspent).toBe(usd(0.0075));
  });
});

/** An instant from October to January, often near the end of a week or a month. */
const anInstant = fc
  .oneof(
    fc.integer({ min: FIRST.start, max: at('2027-01-31T00:00:00Z') }),
    fc
      .tuple(fc.constantFrom(...WEEKS.slice(0, -1)), fc.integer({ min: -8, max: 8 }))
      .map(([{ end }, quarters]) => end + quarters * minutes(15)),
    fc
      .tuple(fc.constantFrom(9, 10, 11), fc.integer({ min: 0, max: 8 }))
      .map(([month, quarters]) => Date.UTC(2026, month) + quarters * minutes(15)),
  )
  .map(epochMs);
const aNode = fc.tuple(fc.boolean(), anInstant, fc.nat(400)).map(([isGone, from, quarters]) => {
  const billedUntil = epochMs(Math.min(plus(from, minutes(15 * quarters)), END - 1));
  return isGone ? gone(0, { billedFrom: from, billedUntil }) : created(0, { billedFrom: from });
});
const aRecord: fc.Arbitrary<ClusterRecord> = fc
  .tuple(fc.array(aNode, { minLength: 1, maxLength: 4 }), fc.nat(2_000_000))
  .map(([nodes, micro]) =>
    nodes.every(({ state }) => state === 'gone')
      ? ended(nodes, epochMs(END - 1), microUsd(micro))
      : aRunning({ nodes, budget: microUsd(micro) }),
  );
const sharesOf = (record: ClusterRecord) => WEEKS.map((one) => shareIn(record, one));
const MONTHS = ['2026-09', '2026-10', '2026-11', '2026-12', '2027-01', '2027-02'];

describe('always', () => {
  it('the weeks add up to the months, for what is billed, overspent and saved', () => {
    fc.assert(
      fc.property(aRecord, (record) => {
        const weeks = sharesOf(record).reduce<MonthTotals>(added, NOTHING);
        const shares = MONTHS.map((month) => totalsOf(record, month, END));
        const months = shares.reduce<MonthTotals>(added, NOTHING);
        const { billed, overspent, nodeHours } = months;
        expect(weeks).toMatchObject({ billed, overspent, nodeHours });
        // Of a live cluster, the report counts what is to come of a month that is not over.
        if (record.phase === 'deleted') expect(weeks.saved).toBe(months.saved);
      }),
    );
  });

  it('a month has the same share as a period of its length that goes by weeks', () => {
    fc.assert(
      fc.property(aRecord, fc.constantFrom('2026-10', '2026-11', '2026-12'), (record, month) => {
        const asWeek = shareIn(record, { ...monthPeriod(month), kind: 'week' });
        expect(asWeek).toEqual(shareIn(record, monthPeriod(month)));
        expect(asWeek).toEqual(totalsOf(record, month, LATER));
      }),
    );
  });
});
