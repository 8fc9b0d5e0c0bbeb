import { type MicroUsd, microUsd, sum } from '../../base/money.ts';
import { type EpochMs, earliest } from '../../base/units.ts';
import { type BilledNode, FAR_FUTURE, hoursByMonth, monthName, spend } from '../../billing/bill.ts';
import { billedNodes } from '../../cluster/bills.ts';
import { type MonthTotals, savedOn, totalsOf } from '../../cluster/month-totals.ts';
import { type ClusterRecord, isLive } from '../../cluster/record.ts';
import { transferOf } from '../../cluster/transfer.ts';
import type { Period } from './period.ts';

/**
 * One cluster's share of a period, as known at `now`, after its end. Of a month it is the share in the
 * month's report. Of a week it is what the bill, the hours and the overspend have grown by in the
 * week: an hour counts in the week in which it started, and all transfer in that in which the cluster
 * ended, so that the weeks add up to the cluster's bill. A saving counts in the week in which the node
 * ended, up to the end of that calendar month, so that the savings of weeks add up to those of months.
 */
export function totalsIn(record: ClusterRecord, period: Period, now: EpochMs): MonthTotals {
  if (period.kind === 'month') return totalsOf(record, period.name, now);
  const { start, end } = period;
  const nodes = billedNodes(record);
  const endedAt = isLive(record) ? FAR_FUTURE : record.endedAt;
  const growth = (amountAt: (nodes: readonly BilledNode[], at: EpochMs) => number): number => {
    const upTo = (at: EpochMs) =>
      amountAt(
        nodes.filter(({ billedFrom }) => billedFrom < at),
        earliest(at, endedAt),
      );
    return upTo(end) - upTo(start);
  };
  const transfer = isLive(record) ? 0 : Math.max(0, record.spent - spend(nodes, endedAt));
  const billAt = (some: readonly BilledNode[], at: EpochMs) =>
    spend(some, at) + (at === endedAt ? transfer : 0);
  const nodeHours = growth(hoursOf);
  const billed = microUsd(growth(billAt));
  const saved = nodes.flatMap((node) => {
    const until = earliest(node.billedUntil ?? FAR_FUTURE, endedAt);
    return until >= start && until < end ? [savedOn(node, monthName(until), until)] : [];
  });
  return {
    // A cluster that ended in an hour of the week before may have only its transfer in this one.
    clusters: nodeHours > 0 || billed > 0 ? 1 : 0,
    nodeHours,
    billed,
    saved: sum(saved),
    overspent: microUsd(growth((some, at) => Math.max(0, billAt(some, at) - record.budget))),
  };
}

/** What the cluster had been billed by `at`, an instant before which it was launched. */
export const billedBy = (record: ClusterRecord, at: EpochMs): MicroUsd => {
  const nodes = billedNodes(record).filter(({ billedFrom }) => billedFrom < at);
  return sum([spend(nodes, at), transferOf(record, at)?.cost ?? microUsd(0)]);
};

const hoursOf = (nodes: readonly BilledNode[], at: EpochMs): number =>
  Object.values(hoursByMonth(nodes, at)).reduce((total, count) => total + count, 0);
