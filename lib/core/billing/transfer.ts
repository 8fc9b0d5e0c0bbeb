import { type MicroUsd, microUsd, sum, times } from '../base/money.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  earliest,
  epochMs,
  minus,
} from '../base/units.ts';
import {
  type BilledNode,
  type Limits,
  lastAffordable,
  type Month,
  type MonthName,
  monthName,
  monthOf,
  monthsOf,
  spend,
} from './bill.ts';

/** What nodes may send to the internet, and what a GB beyond costs: docs/linode.md#transfer. */
export interface TransferTerms {
  /** What a node adds to the pool of its account in a whole calendar month. */
  readonly gb: number;
  readonly gbPrice: MicroUsd;
}

/** The part of a node's life in which it adds to the pool. */
export type Bringer = Pick<BilledNode, 'billedFrom' | 'billedUntil'>;

/** What is known of the bytes that a cluster's nodes have sent, and are expected to send. */
export interface Sending {
  /** The bytes of each calendar month up to `at`. */
  readonly byMonth: Readonly<Record<MonthName, number>>;
  readonly at: EpochMs;
  /** Bytes an hour, from `at` until `peakUntil`. */
  readonly peak: number;
  readonly peakUntil: EpochMs;
  /** Bytes an hour after that. */
  readonly mean: number;
  /** When the last node stopped to send; null: some send on. */
  readonly until: EpochMs | null;
  /** null: the nodes have no limit of their own, or do not keep to it. */
  readonly limit: SendingLimit | null;
}

/** What the nodes of a cluster let themselves send, in bytes as Linode may count them. */
export interface SendingLimit {
  /** The most that they may have sent in the month of `at` by then. */
  readonly allowed: number;
  /** The most that they may have sent in each month that was over when it was reckoned. */
  readonly earlier: Readonly<Record<MonthName, number>>;
  /** What they may send at once in each later month: their slices. */
  readonly slices: number;
  /** Bytes an hour: what they send beyond all this. */
  readonly slow: number;
}

/** A cluster's transfer, as it counts by itself: what others of the account leave does not help. */
export interface Transfer {
  readonly terms: TransferTerms;
  readonly bringers: readonly Bringer[];
  /** null: nothing has been measured. */
  readonly sending: Sending | null;
  /** What the budget holds back for transfer that has not been measured yet. */
  readonly reserved: MicroUsd;
}

/** As Linode counts them, by the dearest reading. */
export const BYTES_PER_GB = 1e9;
const HOUR = 3_600_000;

/**
 * What the nodes have added to the pool by `at`, in whole GB, rounded down in each calendar month
 * (UTC). Only whole hours count, from a node's creation on, that lie within one month and were over
 * before `at`: so that a reading by which Linode counts less is no reading.
 */
export function broughtByMonth(
  bringers: readonly Bringer[],
  { gb }: TransferTerms,
  at: EpochMs,
): Readonly<Record<MonthName, number>> {
  const lived = new Map<MonthName, { readonly month: Month; hours: number }>();
  for (const bringer of bringers) {
    for (const [index, { month, hoursBilled }] of monthsOf(bringer, at).entries()) {
      const total = lived.get(month.name) ?? { month, hours: 0 };
      lived.set(month.name, total);
      // The last started hour is not over, and the first one of a later month began before the month.
      total.hours += Math.max(0, hoursBilled - (index === 0 ? 1 : 2));
    }
  }
  const brought: Record<MonthName, number> = {};
  for (const [name, { month, hours }] of lived) {
    brought[name] = Math.floor((gb * hours) / hoursOf(month));
  }
  return brought;
}

const hoursOf = ({ start, end }: Month): number => (end - start) / HOUR;

type BytesByMonth = Readonly<Record<MonthName, number>>;

/**
 * The bytes that the nodes have sent, or are expected to have sent, by `at` in each month: no more
 * than their own limit lets them.
 */
export function sentByMonth(sending: Sending, at: EpochMs): BytesByMonth {
  const sent = extrapolated(sending, at);
  const { limit } = sending;
  if (limit === null) return sent;
  const most = mostByMonth(sending, limit, at);
  return mapped(sent, (bytes, month) => Math.min(bytes, most[month] ?? bytes));
}

/**
 * As `sentByMonth`, but until the next measure the nodes may have sent all that their own limit lets
 * them, in one burst that nobody has seen.
 */
export function mayBeSentByMonth(sending: Sending, at: EpochMs): BytesByMonth {
  const sent = sentByMonth(sending, at);
  const { limit, peakUntil } = sending;
  if (limit === null) return sent;
  const soon = mostByMonth(sending, limit, earliest(at, peakUntil));
  const all = { ...limit.earlier, ...soon, ...sent };
  return mapped(all, (_, month) =>
    Math.max(sent[month] ?? 0, soon[month] ?? 0, limit.earlier[month] ?? 0),
  );
}

const mapped = (
  bytes: BytesByMonth,
  change: (bytes: number, month: MonthName) => number,
): BytesByMonth =>
  Object.fromEntries(Object.entries(bytes).map(([name, each]) => [name, change(each, name)]));

interface Slowly extends Pick<SendingLimit, 'slices' | 'slow'> {
  readonly from: EpochMs;
  /** What may have been sent in the month of `from` by then. */
  readonly sent: number;
}

/** What may have been sent by `to` in the month of `from` and each later one. */
function slowlyByMonth({ from, sent, slices, slow }: Slowly, to: EpochMs): BytesByMonth {
  const most: Record<MonthName, number> = { [monthName(from)]: sent };
  for (let start = from; start < to; ) {
    const { name, end: monthEnd } = monthOf(start);
    const end = earliest(to, monthEnd);
    most[name] = (most[name] ?? slices) + Math.ceil(((end - start) * slow) / HOUR);
    start = end;
  }
  return most;
}

/** The most that the limit allows by `at`, in the month of the measure and each later one. */
function mostByMonth({ byMonth, at: from, until }: Sending, limit: SendingLimit, at: EpochMs) {
  const month = monthName(from);
  const sent = Math.max(byMonth[month] ?? 0, limit.allowed);
  const most = slowlyByMonth({ ...limit, from, sent }, until === null ? at : earliest(at, until));
  const whole = limit.earlier[month];
  // It has what the nodes may have sent slowly until the month's end.
  return whole === undefined ? most : { ...most, [month]: Math.max(byMonth[month] ?? 0, whole) };
}

/** What the nodes have sent by `at` if they go on as they have. */
function extrapolated(
  { byMonth, at: measuredAt, peak, peakUntil, mean, until }: Sending,
  at: EpochMs,
): BytesByMonth {
  const sent: Record<MonthName, number> = { ...byMonth };
  const end = until === null ? at : earliest(at, until);
  for (let from = measuredAt; from < end; ) {
    const { name, end: monthEnd } = monthOf(from);
    const to = earliest(end, monthEnd);
    const fast = Math.max(0, Math.min(to, peakUntil) - from);
    const bytes = (fast * peak + (to - from - fast) * mean) / HOUR;
    sent[name] = (sent[name] ?? 0) + Math.ceil(bytes);
    from = to;
  }
  return sent;
}

/** The most bytes of a node in a month that may be background traffic, such as its updates. */
export const BACKGROUND_OF_NODE = BYTES_PER_GB / 10;
/** The part of what a node brings in a month that it brings in an hour, at least. */
const HOURS_OF_MONTH_MAX = 744;

/** Beyond its allowance, a node sends at most so many bytes a second, for all packets. */
export const SLOW_ALL_PER_SECOND = 64_000;
/** Beyond that, packets below so many bytes have a rate of their own, so that ssh goes on. */
export const SMALL_PACKET_BYTES = 256;
export const SLOW_SMALL_PER_SECOND = 32_000;
/** The most that a node sends beyond its allowance. */
export const SLOW_BYTES_PER_SECOND = SLOW_ALL_PER_SECOND + SLOW_SMALL_PER_SECOND;

/**
 * The bytes that a cluster may send in a calendar month without a cost: its background traffic.
 * 1. What its nodes bring in the hour that is not over yet, which `broughtByMonth` leaves out, but
 *    at most 0.1 GB for each node.
 * 2. At least a GB, as Linode counts whole GB of the account, and not of each cluster.
 * With more, the whole traffic of the month counts, in the dearest reading. Why: docs/decisions.md.
 */
export const backgroundOf = ({ terms, bringers }: Pick<Transfer, 'terms' | 'bringers'>): number =>
  backgroundOfNodes(terms, bringers.length);

function backgroundOfNodes({ gb }: Pick<TransferTerms, 'gb'>, nodes: number): number {
  const inAnHour = (gb * BYTES_PER_GB) / HOURS_OF_MONTH_MAX;
  return Math.max(BYTES_PER_GB, Math.floor(nodes * Math.min(BACKGROUND_OF_NODE, inAnHour)));
}

/**
 * Of so many bytes that Linode counts, nodes count so many at least. Linode may count frames, and
 * nftables counts a packet before the kernel cuts it, with one header: of IPv6 in packets of 1,280 bytes,
 * 93.4 %.
 */
export const COUNTED_SHARE = 0.93;
/**
 * So long the slices leave room for what nodes send slowly: nothing is measured for 10 minutes after
 * the beginning of a month, nor while nodes boot and for 5 minutes after, and a teardown takes its
 * time.
 */
const SLICES_SLOW_SECONDS = 1_020;

/**
 * The bytes that each of so many nodes may send in a calendar month without asking: its share of
 * the background traffic, less what it sends slowly before a pass has measured it, but at least half
 * of its share. Never more than a node's share of a smaller cluster, so that nodes that were never
 * created leave no cost behind.
 */
export function sliceFor(terms: Pick<TransferTerms, 'gb'>, nodes: number): number {
  const share = (backgroundOfNodes(terms, nodes) / nodes) * COUNTED_SHARE;
  return Math.floor(Math.max(share / 2, share - SLOW_BYTES_PER_SECOND * SLICES_SLOW_SECONDS));
}

/** What nodes may send by `at` without a cost, in whole GB: what they bring, or their background. */
export function freeGb(nodes: Pick<Transfer, 'terms' | 'bringers'>, at: EpochMs): number {
  const brought = Object.values(broughtByMonth(nodes.bringers, nodes.terms, at));
  const background = Math.floor(backgroundOf(nodes) / BYTES_PER_GB);
  return Math.max(
    background,
    brought.reduce((total, gb) => total + gb, 0),
  );
}

/**
 * The started GB that were sent beyond what the nodes brought by `at`, in each calendar month with
 * more than background traffic.
 */
export function beyondByMonth(
  transfer: Transfer,
  at: EpochMs,
): Readonly<Record<MonthName, number>> {
  const { terms, bringers, sending } = transfer;
  if (sending === null) return {};
  const brought = broughtByMonth(bringers, terms, at);
  return beyond(sentByMonth(sending, at), brought, backgroundOf(transfer));
}

/** The most that transfer may cost by `at`, with all that the nodes may have sent unseen. */
export function transferCostMax({ terms, bringers, sending }: Transfer, at: EpochMs): MicroUsd {
  if (sending === null) return microUsd(0);
  const brought = broughtByMonth(bringers, terms, at);
  const gb = beyond(mayBeSentByMonth(sending, at), brought, backgroundOf({ terms, bringers }));
  return times(terms.gbPrice, totalOf(gb));
}

const totalOf = (byMonth: Readonly<Record<MonthName, number>>): number =>
  Object.values(byMonth).reduce((total, each) => total + each, 0);

/** What `beyondByMonth` costs in each calendar month. */
export const transferCosts = (
  transfer: Transfer,
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> =>
  Object.fromEntries(
    Object.entries(beyondByMonth(transfer, at)).map(([month, gb]) => [
      month,
      times(transfer.terms.gbPrice, gb),
    ]),
  );

export const transferCost = (transfer: Transfer, at: EpochMs): MicroUsd =>
  sum(Object.values(transferCosts(transfer, at)));

function beyond(
  sent: Readonly<Record<MonthName, number>>,
  brought: Readonly<Record<MonthName, number>>,
  background: number,
): Readonly<Record<MonthName, number>> {
  const charged = Object.entries(sent).filter(([, bytes]) => bytes > background);
  const months = charged.map(([month, bytes]): [MonthName, number] => [
    month,
    Math.max(0, Math.ceil(bytes / BYTES_PER_GB) - (brought[month] ?? 0)),
  ]);
  return Object.fromEntries(months.filter(([, gb]) => gb > 0));
}

/** How often the bill of how many nodes is reckoned to find an instant: a tenth of a second's work. */
const WORK_MAX = 200_000;

/**
 * As `lastAffordable`, of the bill with transfer: the last instant until which, from `from` on, the
 * bill stays within the budget. With transfer a bill may fall again, since nodes bring more from
 * hour to hour; so the first instant beyond the budget counts, or an earlier one where finding it
 * would take too long. Without transfer beyond what the nodes bring, it is `lastAffordable`, less what is reserved.
 */
export function lastAffordableWith(
  transfer: Transfer,
  nodes: readonly BilledNode[],
  { budget, maxHours }: Limits,
  from: EpochMs,
): EpochMs {
  const left = microUsd(Math.max(0, budget - transfer.reserved));
  const last = lastAffordable(nodes, { budget: left, maxHours });
  const { sending, terms, bringers } = transfer;
  if (sending === null || last <= from) return last;
  const background = backgroundOf(transfer);
  let work = 0;
  /** Whether the bill stays within the budget between the two: sends grow, and so do hours. */
  const fits = (start: EpochMs, end: EpochMs): boolean => {
    work += nodes.length + bringers.length;
    const brought = broughtByMonth(bringers, terms, start);
    const gb = beyond(mayBeSentByMonth(sending, end), brought, background);
    return spend(nodes, end) + totalOf(gb) * terms.gbPrice <= budget;
  };
  const goodUntil = (start: EpochMs, end: EpochMs): EpochMs => {
    if (fits(start, end)) return end;
    if (work > WORK_MAX) return start;
    // Hours and what they bring are counted at the same instants, which no interval may contain.
    if (end - start <= 1) return fits(end, end) ? end : start;
    const middle = epochMs(Math.floor((start + end) / 2));
    const reached = goodUntil(start, middle);
    return reached < middle ? reached : goodUntil(middle, end);
  };
  return goodUntil(from, last);
}

export interface SendableUntil {
  readonly budget: MicroUsd;
  /** The bill must stay within the budget until then. */
  readonly until: EpochMs;
  /** Room is left for what the nodes go on to send slowly until then. */
  readonly slowUntil: EpochMs;
}

/** Agents wait for it: some hundredths of a second's work. */
const SENDABLE_WORK_MAX = 50_000;
/** The part of the least that is known for certain, at which the search for the least ends. */
const LEAST_EXACTNESS = 0.98;

/**
 * The most bytes, as Linode may count them, that the nodes may have sent together in the month of
 * `now`, so that the bill with transfer stays within the budget at each instant from `now` to
 * `until`, even if they have sent all of it at `now` and go on slowly. Up to 2 % less where the
 * exact figure would take long to find. `transfer.sending` says what earlier months may cost.
 */
export function sendableBytes(
  { terms, bringers, sending }: Transfer,
  nodes: readonly BilledNode[],
  limit: Pick<SendingLimit, 'slices' | 'slow'>,
  { budget, until, slowUntil }: SendableUntil,
  now: EpochMs,
): number {
  const month = monthName(now);
  const background = backgroundOf({ terms, bringers });
  const past = sending === null ? {} : mayBeSentByMonth(sending, now);
  const earlier = Object.entries(past).filter(([name]) => name < month);
  const fromNow = { ...limit, from: now, sent: 0 };
  let work = 0;
  /** What may have been sent at each instant from `start` to `end`. */
  const fits = (start: EpochMs, end: EpochMs): number => {
    work += nodes.length + bringers.length;
    const brought = broughtByMonth(bringers, terms, start);
    const { [month]: slow = 0, ...later } = slowlyByMonth(fromNow, earliest(end, slowUntil));
    const others = beyond({ ...later, ...Object.fromEntries(earlier) }, brought, background);
    const left = budget - spend(nodes, end) - totalOf(others) * terms.gbPrice;
    if (left < 0) return 0;
    const paid = terms.gbPrice === 0 ? GB_MAX : Math.floor(left / terms.gbPrice);
    const gb = Math.min(GB_MAX, (brought[month] ?? 0) + paid);
    return Math.max(0, Math.max(gb * BYTES_PER_GB, background) - slow);
  };
  let least = Math.min(fits(now, now), fits(until, until));
  let surely = least;
  const search = (start: EpochMs, end: EpochMs): void => {
    const bound = fits(start, end);
    if (bound >= least * LEAST_EXACTNESS || end - start <= 1 || work > SENDABLE_WORK_MAX) {
      surely = Math.min(surely, bound);
      return;
    }
    const middle = epochMs(Math.floor((start + end) / 2));
    least = Math.min(least, fits(middle, middle));
    search(middle, end);
    search(start, middle);
  };
  if (least > 0 && now < until) search(now, until);
  return surely;
}

/** More than any cluster sends; numbers of bytes are exact up to here. */
const GB_MAX = 1_000_000;

/**
 * What the budget must hold back so that nodes may send `plannedGb` until their teardown: the price
 * of the part beyond what they bring until then. What is held back makes the life shorter, so that
 * the nodes bring less: this is the least amount that holds. null: there is none, as the budget is
 * too small.
 */
export function reserveFor(
  plannedGb: number,
  { terms, bringers }: Pick<Transfer, 'terms' | 'bringers'>,
  nodes: readonly BilledNode[],
  { budget, maxHours, marginMs }: Limits & { readonly marginMs: DurationMs },
): MicroUsd | null {
  let reserved = microUsd(0);
  for (let tries = 0; tries < TRIES_MAX && reserved <= budget; tries += 1) {
    const left = microUsd(budget - reserved);
    const last = lastAffordable(nodes, { budget: left, maxHours });
    const needed = reservedUntil(plannedGb, { terms, bringers }, minus(last, marginMs));
    if (needed <= reserved) return spend(nodes, last) <= left ? reserved : null;
    reserved = needed;
  }
  return null;
}

/** Each try is an hour shorter, or the last; no budget pays a transfer for so many hours. */
const TRIES_MAX = 2_000;

/** The price of the part of `plannedGb` that is beyond what the nodes bring by `at`. */
export function reservedUntil(
  plannedGb: number,
  { terms, bringers }: Pick<Transfer, 'terms' | 'bringers'>,
  at: EpochMs,
): MicroUsd {
  const brought = Object.values(broughtByMonth(bringers, terms, at)).reduce((a, b) => a + b, 0);
  return times(terms.gbPrice, Math.max(0, plannedGb - brought));
}

/** The mean of bytes an hour. */
export const rateOf = (bytes: number, over: DurationMs): number =>
  over <= 0 ? 0 : Math.ceil((bytes * HOUR) / durationMs(over));
