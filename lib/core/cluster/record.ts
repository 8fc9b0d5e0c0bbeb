import type { MicroUsd } from '../base/money.ts';
import {
  type ClusterId,
  clusterOfLabel,
  type NodeLabel,
  type ScheduleId,
  type Tag,
} from '../base/names.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  earliest,
  hours,
  minutes,
  seconds,
} from '../base/units.ts';
import type { MonthName } from '../billing/bill.ts';
import type { Price } from '../billing/price.ts';
import type { TransferTerms } from '../billing/transfer.ts';
import type { JobOutcome } from '../job/progress.ts';
import type { RoomNetwork } from '../room/network.ts';
import type { Advice } from './advice.ts';
import type { Linode, LinodeStatus } from './linode.ts';
import type { Spec } from './spec.ts';

/**
 * The record of a cluster: one item of the table, always written whole. A phase has only the fields
 * that make sense in it. `dueAt`, the instant at which the next pass is due, is present if and only
 * if the cluster is live.
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
  /** The number of writes. A write succeeds only over the revision that was read. */
  readonly revision: number;
  readonly createdAt: EpochMs;
  /** `openedAt` of the cluster's entry in the ledger of the caps. */
  readonly reservedAt: EpochMs;
  /** The stage whose ownership tag the nodes bear. */
  readonly stage: string;
  /** The schedule that launched the cluster; null: a request did. */
  readonly scheduleId: ScheduleId | null;
  readonly spec: Spec;
  /**
   * SHA-256 of the spec as the client sent it. The same idempotency key with another spec is
   * refused.
   */
  readonly requestHash: string;
  /** What the launch found for the spec. Its prices stay as they were then. */
  readonly bought: Bought;
  /** The advice of the launch, kept so that a repeated request gets the same answer. */
  readonly advice: Advice;
  /**
   * What the launch forecast for each calendar month (UTC), up to its teardown time; absent: an earlier
   * version launched the cluster.
   */
  readonly forecast?: Readonly<Record<MonthName, MicroUsd>>;
  readonly budget: MicroUsd;
  readonly maxHours: number | null;
  /**
   * A further limit of the life: when the teardown begins at the latest, because the job has failed
   * or is to stop. A change of the other limits takes it away.
   */
  readonly endBy?: EpochMs;
  /** When somebody asked that the job stops, so that its agents end it. */
  readonly jobStopAt?: EpochMs;
  /** How the job ended; absent: it has not, or there is none. */
  readonly jobEnd?: JobEnd;
  /** The private network of the nodes; absent: they have none. */
  readonly network?: RoomNetwork;
  /** The safety margin between the teardown time and the last affordable hour mark. */
  readonly marginMs: DurationMs;
  /**
   * When the cluster has its turn to create its nodes, because clusters that were launched before
   * it take up Linode's rate limit; absent: at once.
   */
  readonly createFrom?: EpochMs;
  /** Its nodes have an agent, which says when they are ready; absent: they have none. */
  readonly agent?: true;
  /**
   * Its nodes are created with a limit of what they may send; absent: they have none, as an earlier
   * version launched them, they have no agent, or their transfer does not count.
   */
  readonly limited?: true;
  /** The end of the time to come up: nodes that do not run by this instant have failed. */
  readonly provisionBy: EpochMs;
  readonly nodes: readonly NodeRecord[];
  /** Every `reap` tag that a node bears or may have borne. In the account, tags outlive Linodes. */
  readonly reapTags: readonly Tag[];
  /**
   * Passes leave the nodes' tags alone until this instant, because Linode refused a change of them.
   */
  readonly retagAfter?: EpochMs;
  /** The Linodes of the cluster that are none of its nodes, and whose deletion had no effect yet. */
  readonly strays?: readonly Stray[];
  /** Why the last pass could not do all that was due; absent: it could. */
  readonly trouble?: Trouble;
  /** When a list last showed every node, before the teardown. */
  readonly lookedAt?: EpochMs;
  /** When a pass last began to put tags on nodes. */
  readonly retaggedAt?: EpochMs;
  /** The prices of the kinds of nodes that people made of those bought. */
  readonly kindPrices?: readonly KindPrice[];
  /** When Linode's prices were last read for this cluster; absent: at its launch. */
  readonly pricesReadAt?: EpochMs;
  /** How Linode has raised the prices of these nodes since, in order. */
  readonly priceRises?: readonly PriceRise[];
  /**
   * The outbound transfer that the cluster is planned to need, in GB; absent: what its nodes bring.
   */
  readonly transferGb?: number;
  /** What the budget holds back for transfer that is planned and not measured; absent: nothing. */
  readonly transferReserved?: MicroUsd;
  /** What the nodes have sent to the internet; absent: nothing is known, measured or granted. */
  readonly sent?: Sent;
  /** The price of a GB of transfer, where Linode has raised it since the launch. */
  readonly gbPrice?: MicroUsd;
  /** When Linode was first seen to manage the account, at a price that no list has. */
  readonly managedAt?: EpochMs;
  /** How often all nodes lost the ownership tag at once; absent: never. */
  readonly tagLosses?: number;
  /** When a pass first found the bill of the nodes that exist over the budget. */
  readonly overBudgetAt?: EpochMs;
  /** The notices that were sent, or that are superseded by a later one. */
  readonly notified?: readonly NoticeKey[];
  /**
   * For each kind of warning, the latest teardown time of which it was sent or superseded. A later
   * teardown time brings the warnings back that lie ahead then.
   */
  readonly warnedOf?: Readonly<Partial<Record<WarningKind, EpochMs>>>;
  readonly history: readonly HistoryEntry[];
}

/** What passes have measured of the bytes that a cluster's nodes have sent to the internet. */
export interface Sent {
  /**
   * The last measure, of some nodes or all; if none was had in the month, the begin of the month or of
   * the first node.
   */
  readonly at: EpochMs;
  /** The calendar month (UTC) of `bytes`, `measuredAt` and `expected`. */
  readonly month: MonthName;
  /** By the index of the node; 0 of nodes that have not been measured. */
  readonly bytes: readonly number[];
  /** The last measure of each node, by its index; null: it has not been measured. */
  readonly measuredAt: readonly (EpochMs | null)[];
  /** By the index of the node: the bytes that it is expected to have sent from its last measure to `at`. */
  readonly expected: readonly number[];
  /** The bytes of earlier months, all nodes together. */
  readonly before: Readonly<Record<MonthName, number>>;
  /** Bytes an hour: the highest rate of the last measures, which counts half after each. */
  readonly rate: number;
  /**
   * Of a cluster whose nodes have a limit: the most that they may have sent by `at` in its month, as
   * Linode may count it.
   */
  readonly granted?: number;
  /** The same of each earlier month. */
  readonly grantedBefore?: Readonly<Record<MonthName, number>>;
  /** The nodes, by their index, that had sent far more than they are allowed at their last measure. */
  readonly inDoubt?: readonly number[];
  /** Two measures in a row of a node have shown so: the nodes do not keep to their limit. */
  readonly unlimited?: true;
}

/** The end of a job, with what its cluster would have cost without it. */
export interface JobEnd extends JobOutcome {
  readonly at: EpochMs;
  /** The teardown time that the cluster had then. */
  readonly teardownAt: EpochMs;
  /** The bill if it had lived until then. */
  readonly billThen: MicroUsd;
}

/** Why Onebuck can't do what is due, in Linode's own words if Linode answered. */
export interface Trouble {
  /** When a pass first met this reason. */
  readonly since: EpochMs;
  /** At most 300 characters. */
  readonly reason: string;
}

/** A Linode that bears a cluster's tags and is none of its nodes, such as a copy made by hand. */
export interface Stray {
  readonly linodeId: number;
  /** How many deletions in a row had no effect. */
  readonly tries: number;
  /** When the last of these deletions was answered. */
  readonly triedAt: EpochMs;
}

/** Why a node can't be deleted. */
export interface NodeTrouble extends Trouble {
  /** How many deletions in a row had no effect. */
  readonly tries: number;
  /** When the last of these deletions was answered. */
  readonly triedAt: EpochMs;
  /** When a list last showed a Linode whose deletion Linode had accepted. */
  readonly seenAt?: EpochMs;
}

export interface Bought {
  readonly type: string;
  readonly typeLabel: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  /** The disk that the image needs, if a cheaper type was passed over for want of it. */
  readonly imageMb?: number;
  readonly region: string;
  readonly image: string;
  /** The generation of the nodes' network interfaces; absent: that of configuration profiles. */
  readonly interfaces?: 'linode';
  readonly price: Price;
  /** The price of backups for a node; null: no price is known. */
  readonly backupsPrice: Price | null;
  /** Whether to count backups for nodes whose Linode has not been seen yet. */
  readonly backupsAssumed: boolean;
  /** Absent: transfer does not count, as the server or the version of the launch knew none. */
  readonly transfer?: TransferTerms;
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
  /** The part of `spent` that is over the budget: 0 if Onebuck keeps its promise. */
  readonly overspent: MicroUsd;
}

export interface Deleted extends Ended {
  readonly phase: 'deleted';
}

export interface Failed extends Ended {
  readonly phase: 'failed';
}

export type EndReason =
  | 'budget'
  | 'maxHours'
  | 'done'
  | 'requested'
  | 'failed'
  | 'lost'
  | 'takenOver'
  | 'unpriced';

/** A node, with what is known of its Linode. The label is fixed before the Linode exists. */
export type NodeRecord =
  /** No create was ever sent, or Linode did nothing; `createTrouble` says why. */
  | (NodeOf<'planned'> & { readonly createTrouble?: Trouble })
  /**
   * A create may have left: the Linode may exist, and counts as billed from `sentAt`, the time of
   * the first create. `triedAt`: the time of the last create. `refused`: why Linode refused the
   * last create; an earlier create may still take effect. `createTrouble`: why no create has had a
   * known effect.
   */
  | (NodeOf<'creating'> & {
      readonly sentAt: EpochMs;
      readonly triedAt: EpochMs;
      readonly refused?: string;
      readonly createTrouble?: Trouble;
    })
  /** `trouble`: why the Linode can't be deleted. */
  | (NodeOf<'created'> & Machine & Sighting & { readonly trouble?: NodeTrouble })
  /**
   * Linode accepted the deletion at `billedUntil`; its list may still show the Linode. `accepted`:
   * how many deletions Linode has accepted; absent: one. `trouble`: they had no effect, and Linode
   * bills the node on.
   */
  | (NodeOf<'deleting'> &
      Machine &
      Sighting & {
        readonly billedUntil: EpochMs;
        readonly accepted?: number;
        readonly trouble?: NodeTrouble;
      })
  /**
   * Linode's list does not show the Linode any more. `takenOver`: it lives on, but a person has
   * taken the ownership tag off, so that it is none of this deployment's any more.
   */
  | (NodeOf<'gone'> & Machine & { readonly billedUntil: EpochMs; readonly takenOver?: true })
  /** No Linode of the node ever existed; `reason` says why. */
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
  /** The label that somebody gave the Linode; absent: it has the label of its node. */
  readonly knownAs?: string;
  /** What people made of the Linode, in order; absent: it is of the type and region bought. */
  readonly changes?: readonly KindChange[];
}

/** The type and the region of a Linode, which decide its price. */
export interface Kind {
  readonly type: string;
  readonly region: string;
}

/** Somebody has resized a Linode, or migrated it to another region, at some time in between. */
export interface KindChange extends Kind {
  /** The last look that showed what the Linode was before. */
  readonly from: EpochMs;
  /** The first look that showed what it is now. */
  readonly to: EpochMs;
}

/** The prices of a kind of node that was not bought. */
export interface KindPrice extends Kind {
  /** null: Linode lists no price that Onebuck can use. */
  readonly price: Price | null;
  readonly backupsPrice: Price | null;
}

/** Linode has raised the price of a kind of node, at some time in between. */
export interface PriceRise extends Kind {
  readonly price: Price;
  readonly backupsPrice: Price | null;
  /** The last reading that showed the price before. */
  readonly from: EpochMs;
  /** The first reading that showed this price. */
  readonly to: EpochMs;
}

/** What was seen of a Linode that no list shows with its tags. */
export interface Sighting {
  /** When the Linode was found by its id although the last list did not show it. */
  readonly checkedAt?: EpochMs;
  /**
   * When the Linode was first seen without the ownership tag. Whether a person has taken it over
   * depends on the other nodes.
   */
  readonly untaggedAt?: EpochMs;
  /**
   * When all nodes of the cluster were found without the ownership tag. The Linode is still the
   * node's, as its id and its label are those in the record.
   */
  readonly tagLostAt?: EpochMs;
}

export type NodeIn<State extends NodeRecord['state']> = Extract<NodeRecord, { state: State }>;

/** A node whose Linode exists, or may exist although Linode has accepted its deletion. */
export type Existing = NodeIn<'created'> | NodeIn<'deleting'>;

export const isExisting = (node: NodeRecord): node is Existing =>
  node.state === 'created' || node.state === 'deleting';

/** A node that exists and may send, as far as is known. */
export const isSender = (
  node: NodeRecord,
): node is NodeIn<'created'> | (NodeIn<'deleting'> & { readonly trouble: NodeTrouble }) =>
  node.state === 'created' || (node.state === 'deleting' && node.trouble !== undefined);

/** The kinds of notices. */
export type NoticeKind = 'launched' | WarningKind | 'gone' | 'failed' | EventKind;
export type WarningKind = 'half' | 'mostly' | 'teardownSoon';
/** The kinds of notices about what nobody planned. */
export type EventKind =
  | 'undeletable'
  | 'overBudget'
  | 'takenOver'
  | 'tagLost'
  | 'repriced'
  | 'transfer'
  | 'unmeasured';
/**
 * What is sent at most once in a cluster's life: a kind of notice, or a kind with the count of
 * nodes that the notice is about. A warning is sent at most once for each teardown time.
 */
export type NoticeKey = NoticeKind | `${EventKind}/${number}`;

export interface HistoryEntry {
  readonly at: EpochMs;
  readonly event: string;
}

/** The most entries that a record keeps: the first, about the launch, and the newest. */
const HISTORY_ENTRIES_MAX = 50;

/** How long records of ended clusters are kept by default: a year of reports, and some days. */
export const ENDED_KEPT = hours(400 * 24);

/** The phases of live clusters. */
export const livePhases: readonly Phase[] = ['provisioning', 'running', 'deleting'];

export const isLive = (record: ClusterRecord): record is LiveRecord => 'dueAt' in record;

export function withHistory<R extends Common>(record: R, at: EpochMs, event: string): R {
  const [first, ...rest] = [...record.history, { at, event }];
  if (first === undefined) return record;
  return { ...record, history: [first, ...rest.slice(-(HISTORY_ENTRIES_MAX - 1))] };
}

const TROUBLE_CHARACTERS_MAX = 300;
/** Shorter, since up to 500 nodes may each have a reason, and an item of the table has 400 KB. */
const NODE_TROUBLE_CHARACTERS_MAX = 160;

/** How long to wait before the next deletion, after so many deletions without effect. */
export const deletionPause = (tries: number): DurationMs =>
  durationMs(Math.min(seconds(10) * 2 ** (tries - 1), minutes(5)));

/** The indexes of the nodes that people have taken over: Linode bills them on. */
export const takenOverIn = ({ nodes }: Common): number[] =>
  nodes.flatMap((node) => (node.state === 'gone' && node.takenOver ? [node.index] : []));

/** The nodes that can't be deleted, each with the reason. */
export const troublesOf = ({ nodes }: Common): { index: number; trouble: NodeTrouble }[] =>
  nodes.flatMap((node) =>
    'trouble' in node && node.trouble !== undefined
      ? [{ index: node.index, trouble: node.trouble }]
      : [],
  );

/** Text such as `nodes 0, 2: 400: it is locked`, for each reason why nodes can't be deleted. */
export function troubleTexts(troubles: ReturnType<typeof troublesOf>): string[] {
  const byReason = new Map<string, number[]>();
  for (const { index, trouble } of troubles) {
    byReason.set(trouble.reason, [...(byReason.get(trouble.reason) ?? []), index]);
  }
  return [...byReason].map(([reason, indexes]) => `${nodesText(indexes)}: ${reason}`);
}

const NODES_NAMED_MAX = 10;

/** `node 0`, or `nodes 0, 2`; beyond ten `nodes 0, …, 9 and 3 more`. */
export function nodesText(indexes: readonly number[]): string {
  const named = indexes.slice(0, NODES_NAMED_MAX).join(', ');
  const more = indexes.length - NODES_NAMED_MAX;
  return `node${indexes.length === 1 ? '' : 's'} ${named}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * The record with the reasons why a pass could not do its work, and why nodes can't be deleted;
 * without trouble if there are none.
 */
export function withTrouble<R extends Common>(
  record: R,
  reasons: readonly string[],
  at: EpochMs,
): R {
  const { trouble, ...rest } = record;
  const ofNodes = troublesOf(record);
  const isOfNode = (reason: string) => ofNodes.some((node) => node.trouble.reason === reason);
  const all = [...reasons.filter((reason) => !isOfNode(reason)), ...troubleTexts(ofNodes)];
  if (all.length === 0) return trouble === undefined ? record : (rest as R);
  const reason = joined(all);
  return trouble?.reason === reason ? record : { ...record, trouble: { since: at, reason } };
}

/** The node with the reason why its last create had no known effect. */
export function withCreateTrouble<N extends NodeIn<'planned' | 'creating'>>(
  node: N,
  { reason, at }: { readonly reason: string; readonly at: EpochMs },
): N {
  const short = reason.slice(0, NODE_TROUBLE_CHARACTERS_MAX);
  if (node.createTrouble?.reason === short) return node;
  return { ...node, createTrouble: { since: at, reason: short } };
}

/** The field `createTrouble` of the node, if the node has one, to be spread into its next state. */
export const createTroubleOf = (node: NodeRecord): { readonly createTrouble?: Trouble } =>
  'createTrouble' in node && node.createTrouble !== undefined
    ? { createTrouble: node.createTrouble }
    : {};

/** Why a node is not created yet, or never was; null: no reason is known. */
export function reasonOfNode(node: NodeRecord): string | null {
  switch (node.state) {
    case 'planned':
      return node.createTrouble?.reason ?? null;
    case 'creating':
      return node.refused ?? node.createTrouble?.reason ?? null;
    case 'neverCreated':
      return node.reason;
    case 'created':
    case 'deleting':
    case 'gone':
      return null;
  }
}

/**
 * Why Onebuck can't do what is due now: the reason of the last pass, or else, while a cluster comes
 * up, the reasons of the creates that it waits for; null: nothing is in the way.
 */
export function troubleOf(record: ClusterRecord): Trouble | null {
  if (!isLive(record)) return null;
  if (record.trouble !== undefined) return record.trouble;
  if (record.phase !== 'provisioning') return null;
  const troubles = record.nodes.flatMap((node) => createTroubleOf(node).createTrouble ?? []);
  const [first, ...rest] = troubles.map(({ since }) => since);
  if (first === undefined) return null;
  return { since: earliest(first, ...rest), reason: joined(troubles.map(({ reason }) => reason)) };
}

const joined = (reasons: readonly string[]): string =>
  [...new Set(reasons)].join('; ').slice(0, TROUBLE_CHARACTERS_MAX);

/**
 * The machine of a Linode seen at `seenAt`. Linode bills from its `created`. If that is later than
 * `seenAt`, Onebuck's clock is behind, and the earlier instant makes the bill higher, which is
 * safe.
 */
export function machineOf(linode: Linode, seenAt: EpochMs): Machine {
  return {
    linodeId: linode.id,
    billedFrom: earliest(linode.created, seenAt),
    status: linode.status,
    ipv4: linode.ipv4,
    ipv6: linode.ipv6,
    backups: linode.backupsEnabled,
    ...(clusterOfLabel(linode.label) === null ? { knownAs: linode.label } : {}),
  };
}

/**
 * The machine `known`, seen again. It is billed from the earliest instant ever seen. It counts as
 * having backups even after somebody cancelled them, since Linode has billed hours with backups.
 */
export function machineSeenAgain(known: Machine, linode: Linode, seenAt: EpochMs): Machine {
  const machine = machineOf(linode, seenAt);
  const billedFrom = earliest(machine.billedFrom, known.billedFrom);
  const { changes } = known;
  const kept = changes === undefined ? {} : { changes };
  return { ...machine, billedFrom, backups: machine.backups || known.backups, ...kept };
}
