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
import { type MonthEndHour, type Price, readAs } from './price.ts';

/**
 * A node as Linode bills it: from creation to deletion, powered on or off, at its hourly price,
 * every started hour in full and at least one, up to its monthly price in a calendar month (UTC):
 * docs/linode.md#billing. Linode does not document in which month it bills an hour across the
 * month's end. Onebuck counts the hour in both months, so that its bill is never below Linode's,
 * unless the price says that Linode bills it in the month in which it begins. If the node is deleted
 * in that hour before the month ends, the hour counts in the first month only.
 */
export interface BilledNode {
  readonly billedFrom: EpochMs;
  /** null: the node is still billed. */
  readonly billedUntil: EpochMs | null;
  readonly price: Price;
  /** When the first hour began of a node whose earlier hours are billed as another node's. */
  readonly hoursFrom?: EpochMs;
}

/** The part of a node that its hours depend on. */
type Span = Pick<BilledNode, 'billedFrom' | 'billedUntil'>;

export interface Limits {
  readonly budget: MicroUsd;
  /** The most hours that a node may be billed, whole and at least 1; null: no limit. */
  readonly maxHours: number | null;
}

const HOUR = hours(1);

/**
 * How far ahead `lastAffordable` looks: 10 years of 365 days after the youngest node's creation.
 */
const HORIZON = hours(87_600);

/** 9999-12-31T23:59:59.999Z: the last affordable instant of a cluster without nodes. */
export const FAR_FUTURE = epochMs(253_402_300_799_999);

/**
 * The spend up to `at`: the bill if all nodes that are still billed were deleted at `at`. Never
 * falls as `at` grows. At an hour mark, the hour that starts there is not billed yet. A node is
 * billed for one hour even if `at` lies before its creation.
 */
export function spend(nodes: readonly BilledNode[], at: EpochMs): MicroUsd {
  return microUsd(nodes.reduce((total, node) => total + billOf(node, at), 0));
}

/**
 * The bill of `spend` split by calendar month (UTC, such as `2026-11`), as on Linode's monthly
 * invoices. An hour that touches two months counts in both, here and in `spend`, or in the first as
 * the price says.
 */
export function spendByMonth(
  nodes: readonly BilledNode[],
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> {
  const bills: Record<MonthName, MicroUsd> = {};
  for (const node of nodes) {
    for (const { month, hoursBilled } of monthsBilled(node, at)) {
      const bill = (bills[month.name] ?? 0) + costOfHours(node.price, hoursBilled);
      bills[month.name] = microUsd(bill);
    }
  }
  return bills;
}

/**
 * The started hours of all nodes, split by month as in `spendByMonth`. Hours that the monthly price
 * makes free count too.
 */
export function hoursByMonth(
  nodes: readonly BilledNode[],
  at: EpochMs,
): Readonly<Record<MonthName, number>> {
  const total: Record<MonthName, number> = {};
  for (const node of nodes) {
    for (const { month, hoursBilled } of monthsBilled(node, at)) {
      total[month.name] = (total[month.name] ?? 0) + hoursBilled;
    }
  }
  return total;
}

/** A calendar month, UTC: `2026-11`. */
export type MonthName = string;

export const monthName = (at: EpochMs): MonthName => monthOf(at).name;

/** The months from 1970 to 9999: `monthName` gives a year of four digits for these only. */
export const MONTH_NAME = /^(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])$/;

export const isMonthName = (text: string): boolean => MONTH_NAME.test(text);

/** The month called `name`; throws a RangeError if no month has that name. */
export function monthNamed(name: MonthName): NamedMonth {
  if (!isMonthName(name)) throw new RangeError(`${name} is no month`);
  return monthOf(epochMs(Date.parse(`${name}-01T00:00:00Z`)));
}

/**
 * The last instant at which the bill is within the budget and no node that is still billed has
 * begun an hour beyond `maxHours`; at most 10 years after the youngest node's creation. If even the
 * first hours exceed the budget: the creation of the oldest node, so that the teardown is due at
 * once. `FAR_FUTURE` for no nodes.
 */
export function lastAffordable(nodes: readonly BilledNode[], limits: Limits): EpochMs {
  const [first, ...rest] = nodes.map((node) => node.billedFrom);
  if (first === undefined) return FAR_FUTURE;
  const oldest = earliest(first, ...rest);
  const horizon = plus(latest(first, ...rest), HORIZON);
  const bound = Math.min(horizon, hoursEnd(nodes, limits.maxHours));
  let bill = billFrom(nodes, oldest);
  if (bill.at(oldest) > limits.budget) return oldest;
  // 1. Find the month in which the bill exceeds the budget.
  while (bill.month.end < bound && bill.at(bill.month.end) <= limits.budget) bill = bill.next();
  // 2. Find the last affordable instant of that month by halving. The bill never falls: `from` is
  //    affordable, and no instant after `to` is.
  let from: number = latest(oldest, bill.month.start);
  let to = Math.min(bill.month.end, bound);
  while (from < to) {
    const middle = to - Math.floor((to - from) / 2);
    if (bill.at(middle) <= limits.budget) from = middle;
    else to = middle - 1;
  }
  return epochMs(from);
}

/** The teardown time: `marginMs` before the last affordable instant. */
export function teardownTime(
  nodes: readonly BilledNode[],
  limits: Limits & { readonly marginMs: DurationMs },
): EpochMs {
  return minus(lastAffordable(nodes, limits), limits.marginMs);
}

/**
 * The bill of `nodes` nodes after one hour; twice as much if the hour crosses a month's end and is
 * billed in both months.
 */
export function firstHourCost(price: Price, nodes: number, from: EpochMs): MicroUsd {
  const all = { billedFrom: from, billedUntil: null, price: priceOfAll(price, nodes) };
  return spend([all], plus(from, HOUR));
}

/** A calendar month, UTC. */
export interface Month {
  readonly start: EpochMs;
  /** Exclusive: the start of the next month. */
  readonly end: EpochMs;
}

export interface NamedMonth extends Month {
  readonly name: MonthName;
}

const billOf = (node: BilledNode, at: EpochMs): number =>
  monthsBilled(node, at).reduce(
    (total, { hoursBilled }) => total + costOfHours(node.price, hoursBilled),
    0,
  );

const monthsBilled = (node: BilledNode, at: EpochMs) => monthsOf(node, at, node.price.monthEndHour);

/**
 * The months in which the node has hours, with its hours in each; at least one in the first month.
 */
export function monthsOf(
  node: Span,
  at: EpochMs,
  monthEndHour: MonthEndHour = 'bothMonths',
): { month: NamedMonth; hoursBilled: number }[] {
  const first = monthOf(node.billedFrom);
  const end = endOf(node, at);
  const hoursOf = (month: Month) => hoursIn(month, node, at, monthEndHour);
  const months = [{ month: first, hoursBilled: Math.max(hoursOf(first), 1) }];
  for (let month = first; month.end < end; ) {
    month = monthOf(month.end);
    const hoursBilled = hoursOf(month);
    // The last hour may only end in the month.
    if (hoursBilled > 0) months.push({ month, hoursBilled });
  }
  return months;
}

/** The node's bill in the month up to `at`. May be 0: the caller adds the minimum of one hour. */
const billOfNodeIn = (month: Month, node: BilledNode, at: number): number =>
  costOfHours(node.price, hoursIn(month, node, at, node.price.monthEndHour));

/**
 * The node's started hours that overlap the month, or another span, up to `at`, including one begun
 * before it, unless hours count in the month in which they begin.
 */
export function hoursIn(
  month: Month,
  node: Span,
  at: number,
  monthEndHour: MonthEndHour = 'bothMonths',
): number {
  const end = Math.min(endOf(node, at), month.end);
  if (end <= month.start) return 0;
  // `first` is the hour that contains the month's start, or the first one that begins in the month;
  // `next` the first hour that starts at or after `end`; hours count from the node's creation.
  const before = (month.start - node.billedFrom) / HOUR;
  const first = Math.max(0, monthEndHour === 'startMonth' ? Math.ceil(before) : Math.floor(before));
  const next = Math.ceil((end - node.billedFrom) / HOUR);
  return Math.max(0, next - first);
}

const firstHour = (node: BilledNode): number => costOfHours(node.price, 1);

const costOfHours = ({ hourly, monthly }: Price, hoursBilled: number): number =>
  Math.min(hoursBilled * hourly, monthly ?? Number.POSITIVE_INFINITY);

const endOf = (node: Span, at: number): number => Math.min(at, node.billedUntil ?? at);

/** The month that was asked for last: most instants in a row lie in one month. */
let recent = newMonth(epochMs(0));

/** The month that has the instant. */
export function monthOf(at: EpochMs): NamedMonth {
  if (at < recent.start || at >= recent.end) recent = newMonth(at);
  return recent;
}

function newMonth(at: EpochMs): NamedMonth {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    name: date.toISOString().slice(0, 7),
    start: epochMs(Date.UTC(year, month)),
    end: epochMs(Date.UTC(year, month + 1)),
  };
}

/** The bill during one month, including all months before it. */
interface MonthsBill {
  readonly month: Month;
  /**
   * `spend` at an instant of the month, its start and end included. A sum above 2^53 may be
   * rounded, but stays above every budget.
   */
  at(instant: number): number;
  /** The bill during the month after `month`. */
  next(): MonthsBill;
}

/** The bill during the month of `from`, before which no node is billed. */
const billFrom = (nodes: readonly BilledNode[], from: EpochMs): MonthsBill =>
  billIn(
    monthOf(from),
    nodes.map((node) => ({ node, before: 0 })),
  );

/** `before` of a row: the node's bill for all earlier months. */
function billIn(
  month: Month,
  rows: readonly { readonly node: BilledNode; readonly before: number }[],
): MonthsBill {
  return {
    month,
    at: (instant) =>
      rows.reduce(
        (total, { node, before }) =>
          total + Math.max(before + billOfNodeIn(month, node, instant), firstHour(node)),
        0,
      ),
    next: () =>
      billIn(
        monthOf(month.end),
        rows.map(({ node, before }) => ({
          node,
          before: before + billOfNodeIn(month, node, month.end),
        })),
      ),
  };
}

/** When the first node that is still billed has used up `maxHours`. */
function hoursEnd(nodes: readonly BilledNode[], maxHours: number | null): number {
  if (maxHours === null) return Number.POSITIVE_INFINITY;
  const open = nodes.filter((node) => node.billedUntil === null);
  return Math.min(...open.map((node) => (node.hoursFrom ?? node.billedFrom) + maxHours * HOUR));
}

/** The price of one node that costs as much as so many that start together. */
export const priceOfAll = ({ hourly, monthly, monthEndHour }: Price, nodes: number): Price =>
  readAs(
    { hourly: times(hourly, nodes), monthly: monthly === null ? null : times(monthly, nodes) },
    monthEndHour,
  );
