import { durationMs, type EpochMs, earliest, hours, latest, minus } from '../base/units.ts';
import { type MonthName, monthName, monthNamed } from '../billing/bill.ts';
import { COUNTED_SHARE, SLOW_BYTES_PER_SECOND, sliceFor } from '../billing/transfer.ts';
import { type Common, isSender, type NodeRecord } from './record.ts';

/** What Onebuck has let the nodes of a cluster send, beyond their slices. */
export interface Granted {
  /** The number of writes; 1: the first. */
  readonly version: number;
  /** The calendar month (UTC) of `bytes`. */
  readonly month: MonthName;
  /** The allowance of each node by its index, in bytes; 0: its slice. */
  readonly bytes: readonly number[];
  /** Since when the counter of each node counted, as it said last; 0: it was granted nothing yet. */
  readonly countedSince?: readonly number[] | undefined;
  /** What each node had counted when it was last granted more, in bytes. */
  readonly counted?: readonly number[] | undefined;
  /** What each node may have sent of the month and does not count, in bytes: lib/core/cluster/allowance.ts. */
  readonly uncounted?: readonly number[] | undefined;
  /** What all nodes may have sent in each earlier month with grants, as Linode may count it. */
  readonly earlier: Readonly<Record<MonthName, number>>;
}

/** Whether the nodes are created with a limit of what they may send. */
export const isLimited = ({ limited, bought }: Common): boolean =>
  limited === true && bought.transfer !== undefined;

/** Whether the nodes have a limit, and the last measures leave no doubt that they keep to it. */
export const keepsToLimit = (record: Common): boolean =>
  isLimited(record) && record.sent?.unlimited !== true && record.sent?.inDoubt === undefined;

/** The bytes that each node of the cluster may send in a calendar month (UTC) without asking. */
export const sliceOf = ({ bought, nodes }: Pick<Common, 'bought' | 'nodes'>): number =>
  sliceFor(bought.transfer ?? NO_TRANSFER, nodes.length);

const NO_TRANSFER = { gb: 0 };

/** The most that Linode may count where nodes count so many bytes. */
export const asCounted = (bytes: number): number => Math.ceil(bytes / COUNTED_SHARE);

const SLOW_PER_HOUR = asCounted(SLOW_BYTES_PER_SECOND * 3_600);

/** Bytes an hour, as Linode may count them: what the nodes send together beyond their allowances. */
export const slowRate = ({ nodes }: Common): number =>
  nodes.filter(mayComeToSend).length * SLOW_PER_HOUR;

export const mayComeToSend = (node: NodeRecord): boolean =>
  node.state === 'planned' || node.state === 'creating' || isSender(node);

const hasNeverSent = (node: NodeRecord): boolean => node.state === 'neverCreated';

/** The slices of all nodes together, as Linode may count them. */
export const slicesOf = (record: Common): number =>
  record.nodes.filter(mayComeToSend).length * asCounted(sliceOf(record));

/** The allowance of the node in the month, in bytes: its slice, or what it was granted. */
export const allowanceIn = (
  record: Common,
  granted: Granted | null,
  index: number,
  month: MonthName,
): number => Math.max(sliceOf(record), granted?.month === month ? (granted.bytes[index] ?? 0) : 0);

/**
 * The most that all nodes may have sent in each month with grants before `month`, as Linode may
 * count it.
 */
export function possibleBefore(
  record: Common,
  granted: Granted | null,
  month: MonthName,
): Readonly<Record<MonthName, number>> {
  if (granted === null) return {};
  const { earlier, month: last } = granted;
  if (last >= month) return earlier;
  const end = minus(monthNamed(last).end, A_MOMENT);
  const isOver = record.sent !== undefined && record.sent.month > last;
  const known = isOver ? 0 : possibleBytes(record, granted, end);
  return { ...earlier, [last]: Math.max(known, asCounted(allowancesIn(record, granted, last))) };
}

const A_MOMENT = durationMs(1);

/** What all nodes are allowed in the month, in bytes. */
export const allowancesIn = (record: Common, granted: Granted | null, month: MonthName): number =>
  record.nodes
    .filter((node) => !hasNeverSent(node))
    .reduce((sum, { index }) => sum + allowanceIn(record, granted, index, month), 0);

/**
 * The most that the nodes may have sent in the month of `at` by then, as Linode may count it: of each
 * node, its allowance, or what was measured of it if that is more, and what it may have sent slowly
 * since its last measure.
 */
export function possibleBytes(record: Common, granted: Granted | null, at: EpochMs): number {
  const month = monthName(at);
  const sent = record.sent?.month === month ? record.sent : undefined;
  const ofNode = (node: NodeRecord): number => {
    if (hasNeverSent(node)) return 0;
    const { index } = node;
    const allowed = asCounted(allowanceIn(record, granted, index, month));
    const slow = slowBytes(node, sent?.measuredAt[index] ?? null, at);
    return Math.max(allowed, sent?.bytes[index] ?? 0) + slow;
  };
  const known = record.nodes.reduce((sum, node) => sum + ofNode(node), 0);
  return Math.max(known, granted?.earlier[month] ?? 0);
}

/** What the node may have sent slowly in the month of `at` by then. */
export const slowSinceBegin = (node: NodeRecord, at: EpochMs): number => slowBytes(node, null, at);

/** What the node may have sent slowly from `since`, or from its begin in the month of `at`, to `at`. */
function slowBytes(node: NodeRecord, since: EpochMs | null, at: EpochMs): number {
  if (!('billedFrom' in node || node.state === 'creating')) return 0;
  const born = 'billedFrom' in node ? node.billedFrom : node.sentAt;
  const from = since ?? latest(monthNamed(monthName(at)).start, born);
  const until = 'billedUntil' in node && !isSender(node) ? earliest(at, node.billedUntil) : at;
  return Math.ceil((SLOW_PER_HOUR * Math.max(0, until - from)) / HOUR);
}

const HOUR = hours(1);
