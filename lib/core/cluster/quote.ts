import { type MicroUsd, microUsd, times } from '../base/money.ts';
import {
  between,
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  plus,
  seconds,
} from '../base/units.ts';
import { firstHourCost, lastAffordable, spend, teardownTime } from '../billing/bill.ts';
import type { Price } from '../billing/price.ts';
import { newNodePrice } from './kinds.ts';
import type { Bought } from './record.ts';
import type { Spec } from './spec.ts';

/** What a cluster will cost and how long its budget lasts. */
export interface Quote {
  /** When the first nodes start. */
  readonly startsAt: EpochMs;
  /** The price of each started hour of the whole cluster. */
  readonly hourly: MicroUsd;
  /** What the first started hour costs. A launch refuses a smaller budget. */
  readonly smallestBudget: MicroUsd;
  /** Whole hours; 0: the budget does not pay the first. */
  readonly affordableHours: number;
  readonly teardownAt: EpochMs;
  readonly spentAtTeardown: MicroUsd;
  readonly unspent: MicroUsd;
}

/** How many nodes Linode creates together, and how often: docs/linode.md#rate-limits. */
const TOGETHER = 20;
const TOGETHER_EVERY = seconds(15);
const HOUR = hours(1);

/** How long after a cluster's first node the node with this index is created. */
export const createdAfter = (index: number): DurationMs =>
  durationMs(Math.floor(index / TOGETHER) * TOGETHER_EVERY);

/** The quote of a cluster whose first nodes start at `from`, at the prices in `bought`. */
export function quoteOf(spec: Spec, bought: Bought, marginMs: DurationMs, from: EpochMs): Quote {
  const { nodes, budget, maxHours } = spec;
  const price = newNodePrice({ bought });
  return quote({ price, nodes, budget, maxHours, marginMs, from });
}

export function quote(input: {
  readonly price: Price;
  readonly nodes: number;
  readonly budget: MicroUsd;
  readonly maxHours: number | null;
  readonly marginMs: DurationMs;
  readonly from: EpochMs;
}): Quote {
  const { price, nodes, budget, maxHours, marginMs, from } = input;
  const smallestBudget = firstHourCost(price, nodes, from);
  const hourly = times(price.hourly, nodes);
  if (budget < smallestBudget) {
    const noHours = { affordableHours: 0, teardownAt: from, spentAtTeardown: microUsd(0) };
    return { startsAt: from, hourly, smallestBudget, ...noHours, unspent: budget };
  }
  const billed = Array.from({ length: nodes }, (_, index) => ({
    billedFrom: plus(from, createdAfter(index)),
    billedUntil: null,
    price,
  }));
  const teardownAt = teardownTime(billed, { budget, maxHours, marginMs });
  const spentAtTeardown = spend(billed, teardownAt);
  return {
    startsAt: from,
    hourly,
    smallestBudget,
    affordableHours: Math.floor(between(from, lastAffordable(billed, { budget, maxHours })) / HOUR),
    teardownAt,
    spentAtTeardown,
    unspent: microUsd(budget - spentAtTeardown),
  };
}
