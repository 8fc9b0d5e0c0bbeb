import { type MicroUsd, microUsd, sum } from '../base/money.ts';
import { durationMs, type EpochMs, earliest, minus, plus } from '../base/units.ts';
import { type BilledNode, type Limits, lastAffordable, spend } from '../billing/bill.ts';
import {
  lastAffordableWith,
  type Transfer,
  transferCost,
  transferCostMax,
} from '../billing/transfer.ts';
import { billedNodes } from './bills.ts';
import { newNodePrice } from './kinds.ts';
import type { Common } from './record.ts';
import { transferIn } from './transfer.ts';

/**
 * How long a live cluster's limits let it live, and its bill at the end, as seen at one instant.
 */
export interface Life {
  /** The nodes that Linode bills or may bill. Planned nodes count as if created now. */
  readonly nodes: readonly BilledNode[];
  /**
   * The last instant at which the bill is within the budget and no node has begun an hour beyond
   * `maxHours`; not later than the margin after `endBy`.
   */
  readonly lastAffordable: EpochMs;
  /** The teardown time: the safety margin before `lastAffordable`. */
  readonly teardownAt: EpochMs;
  /** The limit that sets the teardown time. */
  readonly limit: Limit;
  /**
   * What Linode will have billed if all nodes are deleted at `teardownAt`, with what is reserved for
   * transfer.
   */
  readonly bill: MicroUsd;
}

/** The limit that sets a teardown time; `done`: the end of the cluster's job. */
export type Limit = 'budget' | 'maxHours' | 'done';

const A_MOMENT = durationMs(1);

/**
 * The life of a cluster, as seen at `now`. Compute it once for an instant and pass it on: it adds
 * up the bills of all nodes, month by month.
 */
export function lifeOf(record: Common, now: EpochMs): Life {
  const { budget, maxHours, marginMs, endBy } = record;
  const nodes = nodesOf(record, now);
  const transfer = transferIn(record, now);
  const affordable = affordableUntil(transfer, nodes, { budget, maxHours }, now);
  const last = endBy === undefined ? affordable : earliest(affordable, plus(endBy, marginMs));
  const teardownAt = minus(last, marginMs);
  const billAt = (at: EpochMs) => sum([spend(nodes, at), transferCount(transfer, at)]);
  const next = plus(last, A_MOMENT);
  const mostNext =
    transfer === null ? 0 : Math.max(transfer.reserved, transferCostMax(transfer, next));
  const isBudgetLeft = spend(nodes, next) + mostNext <= budget;
  return {
    nodes,
    lastAffordable: last,
    teardownAt,
    limit: last < affordable ? 'done' : maxHours !== null && isBudgetLeft ? 'maxHours' : 'budget',
    bill: billAt(teardownAt),
  };
}

const affordableUntil = (
  transfer: Transfer | null,
  nodes: readonly BilledNode[],
  limits: Limits,
  now: EpochMs,
): EpochMs =>
  transfer === null
    ? lastAffordable(nodes, limits)
    : lastAffordableWith(transfer, nodes, limits, now);

/** What transfer takes of the budget by `at`: what is reserved for it, or more. */
const transferCount = (transfer: Transfer | null, at: EpochMs): MicroUsd =>
  transfer === null
    ? microUsd(0)
    : microUsd(Math.max(transfer.reserved, transferCost(transfer, at)));

/** The nodes that Linode bills or may bill. Planned nodes count as if created at `now`. */
export function nodesOf(record: Common, now: EpochMs): BilledNode[] {
  const price = newNodePrice(record);
  const planned = record.nodes.filter((node) => node.state === 'planned');
  return [
    ...billedNodes(record),
    ...planned.map(() => ({ billedFrom: now, billedUntil: null, price })),
  ];
}
