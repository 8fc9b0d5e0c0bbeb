import { type MicroUsd, microUsd, times } from '../base/money.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  epochMs,
  hours,
  latest,
  minus,
  plus,
} from '../base/units.ts';
import type { Price } from './price.ts';

/**
 * Linode's bill. A Linode is billed from creation to deletion, powered on or off, at its hourly
 * price, every started hour in full and at least one, up to its monthly price in a calendar month
 * (UTC): docs/linode.md#billing. Linode does not say in which month an hour across the month's end
 * counts, so such an hour is counted in both, and the bill here is at least that of every reading.
 * An hour that the deletion ends before the month does counts in the first only.
 */
export interface BilledNode {
  readonly billedFrom: EpochMs;
  /** null: still billed. */
  readonly billedUntil: EpochMs | null;
  readonly price: Price;
}

export interface Limits {
  readonly budget: MicroUsd;
  /** The most hours that a node may be billed, whole and at least 1; null: no such limit. */
  readonly maxHours: number | null;
}

const HOUR = hours(1);

/**
 * How far the last affordable instant is looked for: 10 years of 365 days after the youngest
 * node's creation, where nothing ends the cluster earlier.
 */
const HORIZON = hours(87_600);

/** 9999-12-31T23:59:59.999Z: the last affordable instant where there is nothing to pay for. */
export const FAR_FUTURE = epochMs(253_402_300_799_999);

/**
 * The bill, if all nodes that are still billed were deleted at `at`. Never falls as `at` grows. At
 * an hour mark, the hour that starts there is not billed yet. A node is billed for one hour even
 * where `at` lies before its creation.
 */
export function spend(nodes: readonly BilledNode[], at: EpochMs): MicroUsd {
  return microUsd(nodes.reduce((total, node) => total + billOf(node, at), 0));
}

/**
 * `spend`, by the calendar month (UTC, such as `2026-11`) that bears it: what a month's invoice
 * shows. An hour that touches two months is in both, as it is in the sum.
 */
export function spendByMonth(
  nodes: readonly BilledNode[],
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> {
  const bills: Record<MonthName, MicroUsd> = {};
  for (const node of nodes) {
    for (const { month, hoursBilled } of monthsOf(node, at)) {
      const name = monthName(month.start);
      bills[name] = microUsd((bills[name] ?? 0) + capped(node.price, hoursBilled));
    }
  }
  return bills;
}

/** The started hours of all nodes by the month that bears them, also those beyond a cap. */
export function hoursByMonth(
  nodes: readonly BilledNode[],
  at: EpochMs,
): Readonly<Record<MonthName, number>> {
  const total: Record<MonthName, number> = {};
  for (const node of nodes) {
    for (const { month, hoursBilled } of monthsOf(node, at)) {
      const name = monthName(month.start);
      total[name] = (total[name] ?? 0) + hoursBilled;
    }
  }
  return total;
}

/** A calendar month, UTC: `2026-11`. */
export type MonthName = string;

export const monthName = (at: EpochMs): MonthName => new Date(at).toISOString().slice(0, 7);

/** From 1970 to 9999, as far as instants in ISO 8601 have years of four digits. */
export const MONTH_NAME = /^(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])$/;

export const isMonthName = (text: string): boolean => MONTH_NAME.test(text);

/** The month of that name; throws on what is no name of one. */
export function monthNamed(name: MonthName): Month {
  if (!isMonthName(name)) throw new RangeError(`${name} is no month`);
  return monthOf(epochMs(Date.parse(`${name}-01T00:00:00Z`)));
}

/**
 * The last instant at which the bill is within the budget and no node that is still billed has
 * begun an hour beyond `maxHours`; at most 10 years after the youngest node's creation. Where even
 * the first hours are over the budget: the oldest node's creation, so that it is due at once.
 * `FAR_FUTURE` for no nodes.
 */
export function lastAffordable(nodes: readonly BilledNode[], limits: Limits): EpochMs {
  const [first, ...rest] = nodes.map((node) => node.billedFrom);
  if (first === undefined) return FAR_FUTURE;
  const oldest = earliest(first, ...rest);
  const horizon = plus(latest(first, ...rest), HORIZON);
  const bound = Math.min(horizon, hoursEnd(nodes, limits.maxHours));
  let bill = billFrom(nodes, oldest);
  if (bill.at(oldest) > limits.budget) return oldest;
  // 1. The month in which the bill passes the budget.
  while (bill.month.end < bound && bill.at(bill.month.end) <= limits.budget) bill = bill.next();
  // 2. The last affordable instant in it. The bill never falls, so halving finds its edge: `from` is
  //    affordable, all after `to` is not.
  let from: number = latest(oldest, bill.month.start);
  let to = Math.min(bill.month.end, bound);
  while (from < to) {
    const middle = to - Math.floor((to - from) / 2);
    if (bill.at(middle) <= limits.budget) from = middle;
    else to = middle - 1;
  }
  return epochMs(from);
}

/** When destruction starts: `marginMs` before the last affordable instant. */
export function teardownTime(
  nodes: readonly BilledNode[],
  limits: Limits & { readonly marginMs: DurationMs },
): EpochMs {
  return minus(lastAffordable(nodes, limits), limits.marginMs);
}

/**
 * Whole hours, rounded down, from `from` to the last affordable instant of `nodes` nodes that all
 * start at `from`. 0: not even the first.
 */
export function hoursAfforded(price: Price, nodes: number, from: EpochMs, limits: Limits): number {
  return Math.floor((lastAffordable(allFrom(price, nodes, from), limits) - from) / HOUR);
}

/** The bill of `nodes` nodes after one hour; two hours' worth where that crosses a month's end. */
export function firstHourCost(price: Price, nodes: number, from: EpochMs): MicroUsd {
  return spend(allFrom(price, nodes, from), plus(from, HOUR));
}

/** A calendar month, UTC. */
export interface Month {
  readonly start: EpochMs;
  /** The start of the next. */
  readonly end: EpochMs;
}

const billOf = (node: BilledNode, at: EpochMs): number =>
  monthsOf(node, at).reduce((total, { hoursBilled }) => total + capped(node.price, hoursBilled), 0);

/** The months that a node touches, and its hours in each: at the least one, in its first. */
function monthsOf(node: BilledNode, at: EpochMs): { month: Month; hoursBilled: number }[] {
  const first = monthOf(node.billedFrom);
  const end = endOf(node, at);
  const months = [{ month: first, hoursBilled: Math.max(hoursIn(first, node, at), 1) }];
  for (let month = monthOf(first.end); month.start < end; month = monthOf(month.end)) {
    months.push({ month, hoursBilled: hoursIn(month, node, at) });
  }
  return months;
}

/** What the node is billed in that month up to `at`, but for the hour that is the least of all. */
const nodesBillIn = (month: Month, node: BilledNode, at: number): number =>
  capped(node.price, hoursIn(month, node, at));

/** The node's hours that touch the month up to `at`, begun and not begun there. */
function hoursIn(month: Month, node: BilledNode, at: number): number {
  const end = Math.min(endOf(node, at), month.end);
  if (end <= month.start) return 0;
  // From the one that the month's start cuts or begins, to the one that `end` cuts or ends.
  const first = Math.max(0, Math.floor((month.start - node.billedFrom) / HOUR));
  const next = Math.ceil((end - node.billedFrom) / HOUR);
  return Math.max(0, next - first);
}

const firstHour = (node: BilledNode): number => capped(node.price, 1);

const capped = ({ hourly, monthly }: Price, hoursBilled: number): number =>
  Math.min(hoursBilled * hourly, monthly ?? Number.POSITIVE_INFINITY);

const endOf = (node: BilledNode, at: number): number => Math.min(at, node.billedUntil ?? at);

function monthOf(at: EpochMs): Month {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { start: epochMs(Date.UTC(year, month)), end: epochMs(Date.UTC(year, month + 1)) };
}

/** The bill in the course of a month, what the months before bore included. */
interface MonthsBill {
  readonly month: Month;
  /**
   * `spend` at an instant of the month, from its start to its end. Sums beyond 2^53 may be rounded,
   * but not to one that a budget can pay.
   */
  at(instant: number): number;
  /** The bill in the course of the month after it. */
  next(): MonthsBill;
}

/** In the month of `from`, before which no node is billed. */
const billFrom = (nodes: readonly BilledNode[], from: EpochMs): MonthsBill =>
  billIn(
    monthOf(from),
    nodes.map((node) => ({ node, before: 0 })),
  );

/** `before`: what the months before bore of the node. */
function billIn(
  month: Month,
  rows: readonly { readonly node: BilledNode; readonly before: number }[],
): MonthsBill {
  return {
    month,
    at: (instant) =>
      rows.reduce(
        (total, { node, before }) =>
          total + Math.max(before + nodesBillIn(month, node, instant), firstHour(node)),
        0,
      ),
    next: () =>
      billIn(
        monthOf(month.end),
        rows.map(({ node, before }) => ({
          node,
          before: before + nodesBillIn(month, node, month.end),
        })),
      ),
  };
}

function hoursEnd(nodes: readonly BilledNode[], maxHours: number | null): number {
  if (maxHours === null) return Number.POSITIVE_INFINITY;
  const open = nodes.filter((node) => node.billedUntil === null);
  return Math.min(...open.map((node) => node.billedFrom + maxHours * HOUR));
}

/** Nodes that start together are billed as one at the price of them all, cap and all. */
function allFrom(price: Price, nodes: number, billedFrom: EpochMs): readonly BilledNode[] {
  const { hourly, monthly } = price;
  const all = {
    hourly: times(hourly, nodes),
    monthly: monthly === null ? null : times(monthly, nodes),
  };
  return [{ billedFrom, billedUntil: null, price: all }];
}
