import type { MicroUsd } from '../base/money.ts';
import type { ClusterId, NodeLabel, ScheduleId, Tag } from '../base/names.ts';
import {
  between,
  type DurationMs,
  durationMs,
  type EpochMs,
  earliest,
  hours,
  plus,
} from '../base/units.ts';
import {
  type BilledNode,
  lastAffordable,
  type MonthName,
  spend,
  spendByMonth,
  teardownTime,
} from '../billing/bill.ts';
import type { Price } from '../billing/price.ts';
import { combinedPrice } from '../billing/price.ts';
import type { Advice } from './advice.ts';
import type { Linode, LinodeStatus } from './linode.ts';
import type { Spec } from './spec.ts';

/**
 * The record of a cluster: one item, written whole. A phase has the fields that make sense in it;
 * `dueAt`, when a pass is next wanted, is there exactly while the cluster is live.
 */
export type ClusterRecord = Provisioning | Running | Deleting | Deleted | Failed;
export type LiveRecord = Provisioning | Running | Deleting;
export type EndedRecord = Deleted | Failed;
export type Phase = ClusterRecord['phase'];
/** Every phase, in the order in which a cluster goes through them. */
export const phases = [
  'provisioning',
  'running',
  'deleting',
  'deleted',
  'failed',
] as const satisfies Phase[];

export interface Common {
  readonly id: ClusterId;
  readonly owner: string;
  /** Counts the writes; a write is made only over the revision that was read. */
  readonly revision: number;
  readonly createdAt: EpochMs;
  /** `openedAt` of its entry in the ledger of the caps; null: written before that was kept. */
  readonly reservedAt: EpochMs | null;
  /** The deployment, whose tag makes a Linode ours. */
  readonly stage: string;
  /** The schedule that launched it; null: a request did. */
  readonly scheduleId: ScheduleId | null;
  readonly spec: Spec;
  /** SHA-256 of the request that made it: the same idempotency key with another is refused. */
  readonly requestHash: string;
  /** What the spec came to at launch, prices included: they are frozen. */
  readonly bought: Bought;
  /** What was said to the spec then, so that the launch's answer can be given again. */
  readonly advice: Advice;
  readonly budget: MicroUsd;
  readonly maxHours: number | null;
  /** How long before the last hour mark that the budget affords the teardown begins. */
  readonly marginMs: DurationMs;
  /** Nodes that are not running by then have failed to come up. */
  readonly provisionBy: EpochMs;
  readonly nodes: readonly NodeRecord[];
  /** Every `reap` tag that its nodes may bear; they outlive the nodes. */
  readonly reapTags: readonly Tag[];
  /** Until when to leave its nodes' tags alone, as Linode would not take them. */
  readonly retagAfter?: EpochMs;
  /** What people were told of it, or need not be told any more. */
  readonly notified?: readonly NoticeKind[];
  readonly history: readonly HistoryEntry[];
}

export interface Bought {
  readonly type: string;
  readonly typeLabel: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly region: string;
  readonly image: string;
  readonly price: Price;
  /** What backups add where the account forces them; null: no price is known. */
  readonly backupsPrice: Price | null;
  /** Count backups for nodes that are not there to show whether they have them. */
  readonly backupsAssumed: boolean;
}

export interface Provisioning extends Common {
  readonly phase: 'provisioning';
  readonly dueAt: EpochMs;
}

export interface Running extends Common {
  readonly phase: 'running';
  readonly dueAt: EpochMs;
  readonly startedAt: EpochMs;
}

export interface Deleting extends Common {
  readonly phase: 'deleting';
  readonly dueAt: EpochMs;
  readonly startedAt: EpochMs | null;
  readonly deletingSince: EpochMs;
  readonly endReason: EndReason;
  /** Why the launch failed; null unless `endReason` is `failed`. */
  readonly failure: string | null;
  readonly tagsRemoved: boolean;
}

export interface Ended extends Common {
  readonly startedAt: EpochMs | null;
  readonly endedAt: EpochMs;
  readonly endReason: EndReason;
  readonly failure: string | null;
  /** The bill, as far as it can be known; never less than what Linode bills. */
  readonly spent: MicroUsd;
  /** By how much it is over the budget; 0 as the promise has it. */
  readonly overspent: MicroUsd;
}

export interface Deleted extends Ended {
  readonly phase: 'deleted';
}

export interface Failed extends Ended {
  readonly phase: 'failed';
}

export type EndReason = 'budget' | 'maxHours' | 'requested' | 'failed' | 'lost';

/** A node by what is known of its Linode. Its label is fixed before the Linode exists. */
export type NodeRecord =
  /** No create was ever sent. */
  | NodeOf<'planned'>
  /**
   * A create may have left: it may exist, and is billed from the first `sentAt`. `refused`: why the
   * last try made nothing, which says nothing of those before.
   */
  | (NodeOf<'sent'> & {
      readonly sentAt: EpochMs;
      readonly triedAt: EpochMs;
      readonly refused?: string;
    })
  /** `checkedAt`: when it was found by its id, if the last list did not show it. */
  | (NodeOf<'made'> & Machine & { readonly checkedAt?: EpochMs })
  /** Linode took its deletion; its list may still show it. */
  | (NodeOf<'deleted'> & Machine & { readonly billedUntil: EpochMs })
  /** Linode shows it no more. */
  | (NodeOf<'gone'> & Machine & { readonly billedUntil: EpochMs })
  /** It is known that it never existed. */
  | (NodeOf<'never'> & { readonly reason: string });

interface NodeOf<State extends string> {
  readonly state: State;
  readonly index: number;
  readonly label: NodeLabel;
}

export interface Machine {
  readonly linodeId: number;
  readonly billedFrom: EpochMs;
  readonly status: LinodeStatus;
  readonly ipv4: readonly string[];
  readonly ipv6: string | null;
  readonly backups: boolean;
}

export type NodeIn<State extends NodeRecord['state']> = Extract<NodeRecord, { state: State }>;

/** What people are told of a cluster, each once in its life. */
export type NoticeKind = 'launched' | 'half' | 'mostly' | 'teardownSoon' | 'gone' | 'failed';

export interface HistoryEntry {
  readonly at: EpochMs;
  readonly event: string;
}

/** The most entries that a record keeps: the first, which tells of the launch, and the newest. */
const HISTORY_ENTRIES_MAX = 50;

/** How long the record of an ended cluster is kept by default: a year and more, for its reports. */
export const ENDED_KEPT = hours(400 * 24);

export const isLive = (record: ClusterRecord): record is LiveRecord => 'dueAt' in record;

export function withHistory<R extends Common>(record: R, at: EpochMs, event: string): R {
  const [first, ...rest] = [...record.history, { at, event }];
  if (first === undefined) return record;
  return { ...record, history: [first, ...rest.slice(-(HISTORY_ENTRIES_MAX - 1))] };
}

/**
 * The machine of a Linode seen at `seenAt`. Linode's `created` is the bill's truth; where it lies
 * after the instant at which we saw it, our clock is behind and the earlier is the dearer.
 */
export function machineOf(linode: Linode, seenAt: EpochMs): Machine {
  return {
    linodeId: linode.id,
    billedFrom: earliest(linode.created, seenAt),
    status: linode.status,
    ipv4: linode.ipv4,
    ipv6: linode.ipv6,
    backups: linode.backupsEnabled,
  };
}

/**
 * A machine seen again: as it is now, billed from the earliest instant that was ever told, and for
 * backups even where they have been cancelled since: the hours before that bear them.
 */
export function machineSeenAgain(known: Machine, linode: Linode, seenAt: EpochMs): Machine {
  const machine = machineOf(linode, seenAt);
  const billedFrom = earliest(machine.billedFrom, known.billedFrom);
  return { ...machine, billedFrom, backups: machine.backups || known.backups };
}

/** The price of a node: with backups where it has them, or where that must be assumed. */
export function priceOf(bought: Bought, backups: boolean): Price {
  return backups ? combinedPrice(bought.price, bought.backupsPrice) : bought.price;
}

/** What Linode bills the cluster for, as far as it may exist. */
export function billedNodes(record: Common): BilledNode[] {
  return record.nodes.flatMap((node) => billedNode(node, record.bought) ?? []);
}

function billedNode(node: NodeRecord, bought: Bought): BilledNode | null {
  switch (node.state) {
    case 'planned':
    case 'never':
      return null;
    case 'sent': {
      const price = priceOf(bought, bought.backupsAssumed);
      return { billedFrom: node.sentAt, billedUntil: null, price };
    }
    case 'made': {
      const price = priceOf(bought, node.backups);
      return { billedFrom: node.billedFrom, billedUntil: null, price };
    }
    case 'deleted':
    case 'gone': {
      const price = priceOf(bought, node.backups);
      return { billedFrom: node.billedFrom, billedUntil: node.billedUntil, price };
    }
  }
}

export function spentAt(record: ClusterRecord, at: EpochMs): MicroUsd {
  return isLive(record) ? spend(billedNodes(record), at) : record.spent;
}

/** `spentAt`, by the calendar month that bears it. */
export const spentByMonthOf = (
  record: ClusterRecord,
  at: EpochMs,
): Readonly<Record<MonthName, MicroUsd>> =>
  spendByMonth(billedNodes(record), isLive(record) ? at : record.endedAt);

/**
 * The nodes as they will be billed if those not yet sent are sent at `now`: what a teardown time
 * must allow for while the cluster is coming up.
 */
function billedNodesIfSent(record: Common, now: EpochMs): BilledNode[] {
  const price = priceOf(record.bought, record.bought.backupsAssumed);
  const planned = record.nodes.filter((node) => node.state === 'planned');
  const unsent = planned.map(() => ({ billedFrom: now, billedUntil: null, price }));
  return [...billedNodes(record), ...unsent];
}

/** The teardown time of a live cluster, allowing for nodes that are yet to be created. */
export function teardownOf(record: Common, now: EpochMs): EpochMs {
  const { budget, maxHours, marginMs } = record;
  return teardownTime(billedNodesIfSent(record, now), { budget, maxHours, marginMs });
}

/** The last instant at which the bill is within the budget and no node starts an hour too many. */
export function lastAffordableOf(record: Common, now: EpochMs): EpochMs {
  const { budget, maxHours } = record;
  return lastAffordable(billedNodesIfSent(record, now), { budget, maxHours });
}

/**
 * The smallest budget that could still be kept: what Linode will have billed by the first instant
 * at which a destruction that starts just after `now` must have ended.
 */
export const smallestBudgetOf = (record: Common, now: EpochMs): MicroUsd =>
  spend(billedNodesIfSent(record, now), afterMargin(record, now));

/** The fewest hours for each node that could still be kept. */
export function smallestMaxHoursOf(record: Common, now: EpochMs): number {
  const open = billedNodesIfSent(record, now).filter(({ billedUntil }) => billedUntil === null);
  const begun = open.map(({ billedFrom }) =>
    Math.ceil(between(billedFrom, afterMargin(record, now)) / hours(1)),
  );
  return Math.max(1, ...begun);
}

const afterMargin = ({ marginMs }: Common, now: EpochMs): EpochMs =>
  plus(plus(now, marginMs), durationMs(1));

/** Which of the two limits ends the cluster. */
export function limitOf(record: Common, now: EpochMs): 'budget' | 'maxHours' {
  const nodes = billedNodesIfSent(record, now);
  const byBudget = lastAffordable(nodes, { budget: record.budget, maxHours: null });
  return lastAffordableOf(record, now) < byBudget ? 'maxHours' : 'budget';
}
