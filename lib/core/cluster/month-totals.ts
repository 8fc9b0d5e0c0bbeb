import { type MicroUsd, microUsd, sum } from '../base/money.ts';
import type { EpochMs } from '../base/units.ts';
import {
  type BilledNode,
  hoursByMonth,
  type MonthName,
  monthNamed,
  spendByMonth,
} from '../billing/bill.ts';
import { billedNodes, spentByMonthOf } from './bills.ts';
import { type ClusterRecord, isLive } from './record.ts';

/** What clusters were billed in a calendar month (UTC), with what their end saved. */
export interface MonthTotals {
  /** The number of clusters that were billed in the month. */
  readonly clusters: number;
  /** Started hours of each node. As in the bill, an hour that touches two months counts in both. */
  readonly nodeHours: number;
  readonly billed: MicroUsd;
  /** What the nodes would have cost in addition, had they lived until the end of the month. */
  readonly saved: MicroUsd;
  /** The part of `billed` that is over the clusters' budgets: 0 if Onebuck keeps its promise. */
  readonly overspent: MicroUsd;
}

export const NOTHING: MonthTotals = {
  clusters: 0,
  nodeHours: 0,
  billed: microUsd(0),
  saved: microUsd(0),
  overspent: microUsd(0),
};

/**
 * One cluster's share of a month. A live cluster counts as if it were destroyed `now`. `NOTHING`:
 * the cluster was not billed in the month. The shares of all months add up to its spend.
 */
export function totalsOf(record: ClusterRecord, month: MonthName, now: EpochMs): MonthTotals {
  const at = isLive(record) ? now : record.endedAt;
  const nodes = billedNodes(record);
  const nodeHours = hoursByMonth(nodes, at)[month] ?? 0;
  if (nodeHours === 0) return NOTHING;
  const bills = spentByMonthOf(record, at);
  return {
    clusters: 1,
    nodeHours,
    billed: bills[month] ?? microUsd(0),
    saved: sum(nodes.map((node) => savedOn(node, month, at))),
    overspent: overspentIn(month, bills, record.budget),
  };
}

export const added = (a: MonthTotals, b: MonthTotals): MonthTotals => ({
  clusters: a.clusters + b.clusters,
  nodeHours: a.nodeHours + b.nodeHours,
  billed: sum([a.billed, b.billed]),
  saved: sum([a.saved, b.saved]),
  overspent: sum([a.overspent, b.overspent]),
});

/** What the node would have cost in addition in the month, had it lived until the end of the month. */
export function savedOn(node: BilledNode, month: MonthName, at: EpochMs): MicroUsd {
  const billed = spendByMonth([node], at)[month];
  if (billed === undefined) return microUsd(0);
  const stillOn = { ...node, billedUntil: null };
  const billedToEnd = spendByMonth([stillOn], monthNamed(month).end)[month];
  // Never negative: at a frozen price, the bill of a month never falls.
  return microUsd((billedToEnd ?? 0) - billed);
}

/** The overspend that the month adds: months use up the budget in their order. */
function overspentIn(
  month: MonthName,
  bills: Readonly<Record<MonthName, MicroUsd>>,
  budget: MicroUsd,
): MicroUsd {
  const excess = (isCounted: (name: MonthName) => boolean) => {
    const counted = Object.entries(bills).filter(([name]) => isCounted(name));
    return Math.max(0, sum(counted.map(([, bill]) => bill)) - budget);
  };
  return microUsd(excess((name) => name <= month) - excess((name) => name < month));
}
