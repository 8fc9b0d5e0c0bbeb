import { type MicroUsd, microUsd, sum, times } from '../base/money.ts';
import {
  between,
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  minus,
  plus,
  seconds,
} from '../base/units.ts';
import {
  type BilledNode,
  firstHourCost,
  lastAffordable,
  priceOfAll,
  spend,
} from '../billing/bill.ts';
import type { Price } from '../billing/price.ts';
import {
  type Bringer,
  broughtByMonth,
  freeGb,
  reservedUntil,
  reserveFor,
  type TransferTerms,
} from '../billing/transfer.ts';
import { newNodePrice } from './kinds.ts';
import type { Bought } from './record.ts';
import type { Spec } from './spec.ts';

/** What a cluster will cost and how long its budget lasts. */
export interface Quote {
  /** When the first nodes start. */
  readonly startsAt: EpochMs;
  /** The price of each started hour of the whole cluster. */
  readonly hourly: MicroUsd;
  readonly firstHour: MicroUsd;
  /**
   * What the first started hour costs, with the transfer that is planned. A launch refuses a smaller
   * budget.
   */
  readonly smallestBudget: MicroUsd;
  /** Whole hours; 0: the budget does not pay the first. */
  readonly affordableHours: number;
  readonly teardownAt: EpochMs;
  readonly spentAtTeardown: MicroUsd;
  readonly unspent: MicroUsd;
  /** null: transfer does not count. */
  readonly transfer: QuotedTransfer | null;
}

/** The outbound transfer of a cluster until its teardown. */
export interface QuotedTransfer {
  /** What its nodes add to the account's pool until then, in whole GB. */
  readonly broughtGb: number;
  /** What it is planned to send: as the spec says, or what costs nothing. */
  readonly limitGb: number;
  /** What the budget holds back for the part beyond. */
  readonly reserved: MicroUsd;
}

/** How many nodes Linode creates together, and how often: docs/linode.md#rate-limits. */
const TOGETHER = 20;
const TOGETHER_EVERY = seconds(15);
const HOUR = hours(1);

/** How long after a cluster's first node the node with this index is created. */
export const createdAfter = (index: number): DurationMs =>
  durationMs(Math.floor(index / TOGETHER) * TOGETHER_EVERY);

/** The nodes of a quote, in the rhythm in which Linode creates them from `from` on. */
export const quotedNodes = (price: Price, nodes: number, from: EpochMs): readonly BilledNode[] =>
  Array.from({ length: nodes }, (_, index) => ({
    billedFrom: plus(from, createdAfter(index)),
    billedUntil: null,
    price,
  }));

/** The quote of a cluster whose first nodes start at `from`, at the prices in `bought`. */
export function quoteOf(spec: Spec, bought: Bought, marginMs: DurationMs, from: EpochMs): Quote {
  const { nodes, budget, maxHours, transferGb } = spec;
  const price = newNodePrice({ bought });
  const terms = bought.transfer ?? null;
  return quote({ price, nodes, budget, maxHours, transferGb, terms, marginMs, from });
}

/** What a quote is reckoned from. */
export interface Quotable {
  readonly price: Price;
  readonly nodes: number;
  readonly budget: MicroUsd;
  readonly maxHours: number | null;
  /** null: what the nodes bring. */
  readonly transferGb: number | null;
  /** null: transfer does not count. */
  readonly terms: TransferTerms | null;
  readonly marginMs: DurationMs;
  readonly from: EpochMs;
}

export function quote(input: Quotable): Quote {
  const { price, nodes, budget, maxHours, transferGb, terms, marginMs, from } = input;
  const hourly = times(price.hourly, nodes);
  const billed = quotedNodes(price, nodes, from);
  const planned = terms && { terms, bringers: billed };
  const limits = { budget, maxHours, marginMs };
  const reserved =
    planned === null || transferGb === null
      ? microUsd(0)
      : reserveFor(transferGb, planned, billed, limits);
  const firstHour = firstHourCost(price, nodes, from);
  const wholly = planned && transferGb ? reservedUntil(transferGb, planned, from) : microUsd(0);
  const enough = sum([firstHour, wholly]);
  // Where what nodes bring is worth more than their hours, a long life may need less.
  const smallestBudget =
    reserved === null ? enough : microUsd(Math.min(enough, Math.max(budget, firstHour)));
  if (reserved === null || budget < firstHour) {
    const noHours = { affordableHours: 0, teardownAt: from, spentAtTeardown: microUsd(0) };
    const terms = { startsAt: from, hourly, firstHour, smallestBudget };
    return { ...terms, ...noHours, unspent: budget, transfer: null };
  }
  const last = lastAffordable(billed, { budget: microUsd(budget - reserved), maxHours });
  const teardownAt = minus(last, marginMs);
  const spentAtTeardown = sum([spend(billed, teardownAt), reserved]);
  return {
    startsAt: from,
    hourly,
    firstHour,
    smallestBudget,
    affordableHours: Math.floor(between(from, last) / HOUR),
    teardownAt,
    spentAtTeardown,
    unspent: microUsd(budget - spentAtTeardown),
    transfer: planned && transferUntil(teardownAt, planned, transferGb, reserved),
  };
}

/**
 * The `affordableHours` of a quote, reckoned with all nodes as one that costs and brings as much: it
 * takes no longer for more of them. Beyond 20 nodes, which Linode creates within minutes, the quote
 * may have an hour more or less, and a few with a `transferGb` that takes most of the budget.
 */
export function hoursAfforded(input: Quotable): number {
  const { price, nodes, terms } = input;
  const together = terms && { ...terms, gb: terms.gb * nodes };
  const all = { ...input, nodes: 1, price: priceOfAll(price, nodes), terms: together };
  return quote(all).affordableHours;
}

function transferUntil(
  teardownAt: EpochMs,
  { terms, bringers }: { readonly terms: TransferTerms; readonly bringers: readonly Bringer[] },
  transferGb: number | null,
  reserved: MicroUsd,
): QuotedTransfer {
  const brought = broughtByMonth(bringers, terms, teardownAt);
  const broughtGb = Object.values(brought).reduce((total, gb) => total + gb, 0);
  return { broughtGb, limitGb: transferGb ?? freeGb({ terms, bringers }, teardownAt), reserved };
}
