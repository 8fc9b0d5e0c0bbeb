import type { MicroUsd } from '../base/money.ts';
import type { ClusterId, NodeLabel, ScheduleId, Tag } from '../base/names.ts';
import { type DurationMs, type EpochMs, earliest, hours } from '../base/units.ts';
import type { Price } from '../billing/price.ts';
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
  /** `openedAt` of its entry in the ledger of the caps. */
  readonly reservedAt: EpochMs;
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
  /** What kept the last pass from doing all that was due; absent: nothing did. */
  readonly trouble?: Trouble;
  /** What people were told of it, or need not be told any more. */
  readonly notified?: readonly NoticeKind[];
  readonly history: readonly HistoryEntry[];
}

/** Why Onebuck can't do what is due, in Linode's words as far as it answered. */
export interface Trouble {
  /** When that reason was first met. */
  readonly since: EpochMs;
  /** At most 300 characters. */
  readonly reason: string;
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
   * A create may have left: the Linode may exist, and is billed from the first `sentAt`. `triedAt`:
   * when the last create was sent. `refused`: why the last create made nothing, which says nothing of
   * those before.
   */
  | (NodeOf<'creating'> & {
      readonly sentAt: EpochMs;
      readonly triedAt: EpochMs;
      readonly refused?: string;
    })
  /** `checkedAt`: when the Linode was found by its id, if the last list did not show it. */
  | (NodeOf<'created'> & Machine & { readonly checkedAt?: EpochMs })
  /** Linode accepted its deletion at `billedUntil`; the list may still show it. */
  | (NodeOf<'deleting'> & Machine & { readonly billedUntil: EpochMs })
  /** Linode shows it no more. */
  | (NodeOf<'gone'> & Machine & { readonly billedUntil: EpochMs })
  /** It is known that it never existed, and why. */
  | (NodeOf<'neverCreated'> & { readonly reason: string });

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

const TROUBLE_CHARACTERS_MAX = 300;

/** The record with what kept a pass from its work; none: with nothing in its way. */
export function withTrouble<R extends Common>(
  record: R,
  reasons: readonly string[],
  at: EpochMs,
): R {
  const { trouble, ...rest } = record;
  if (reasons.length === 0) return trouble === undefined ? record : (rest as R);
  const reason = [...new Set(reasons)].join('; ').slice(0, TROUBLE_CHARACTERS_MAX);
  return trouble?.reason === reason ? record : { ...record, trouble: { since: at, reason } };
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
