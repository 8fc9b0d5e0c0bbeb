import { type MicroUsd, microUsd, sum } from '../base/money.ts';
import type { EpochMs } from '../base/units.ts';
import {
  type BilledNode,
  hoursByMonth,
  type MonthName,
  monthNamed,
  spendByMonth,
} from '../billing/bill.ts';
import { billedNodes } from './bills.ts';
import { type ClusterRecord, isLive } from './record.ts';

/** What a calendar month (UTC) bears of clusters. */
export interface MonthTotals {
  /** Those that were billed in it. */
  readonly clusters: number;
  /** Started hours, node by node; as in the bill, an hour that touches two months is in both. */
  readonly nodeHours: number;
  readonly billed: MicroUsd;
  /** What the nodes billed in it would have cost on top, had they been left on until its end. */
  readonly saved: MicroUsd;
  /** How much of `billed` is beyond the budget of its cluster: 0 as the promise has it. */
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
 * The month's share of one cluster, as if a live one were destroyed `now`; `NOTHING` where the
 * month bears none of it. The shares of all months add up to what was spent.
 */
export function totalsOf(record: ClusterRecord, month: MonthName, now: EpochMs): MonthTotals {
  const at = isLive(record) ? now : record.endedAt;
  const nodes = billedNodes(record);
  const nodeHours = hoursByMonth(nodes, at)[month] ?? 0;
  if (nodeHours === 0) return NOTHING;
  const bills = spendByMonth(nodes, at);
  return {
    clusters: 1,
    nodeHours,
    billed: bills[month] ?? microUsd(0),
    saved: sum(nodes.map((node) => savedOn(node, month, at))),
    overspent: overspentIn(month, bills, record.budget),
  };
}

export const added = (one: MonthTotals, other: MonthTotals): MonthTotals => ({
  clusters: one.clusters + other.clusters,
  nodeHours: one.nodeHours + other.nodeHours,
  billed: sum([one.billed, other.billed]),
  saved: sum([one.saved, other.saved]),
  overspent: sum([one.overspent, other.overspent]),
});

function savedOn(node: BilledNode, month: MonthName, at: EpochMs): MicroUsd {
  const billed = spendByMonth([node], at)[month];
  if (billed === undefined) return microUsd(0);
  const leftOn = spendByMonth([{ ...node, billedUntil: null }], monthNamed(month).end)[month];
  // Never less than nothing: at the price frozen for it, a month's bill does not fall.
  return microUsd((leftOn ?? 0) - billed);
}

/** A budget is used up from the first month on: what a month adds beyond it is the month's. */
function overspentIn(
  month: MonthName,
  bills: Readonly<Record<MonthName, MicroUsd>>,
  budget: MicroUsd,
): MicroUsd {
  const over = (isCounted: (name: MonthName) => boolean) => {
    const counted = Object.entries(bills).filter(([name]) => isCounted(name));
    return Math.max(0, sum(counted.map(([, bill]) => bill)) - budget);
  };
  return microUsd(over((name) => name <= month) - over((name) => name < month));
}
