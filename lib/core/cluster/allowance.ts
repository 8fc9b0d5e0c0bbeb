import { type MicroUsd, microUsd } from '../base/money.ts';
import { type EpochMs, earliest, latest, plus } from '../base/units.ts';
import { type MonthName, monthName } from '../billing/bill.ts';
import {
  BYTES_PER_GB,
  backgroundOf,
  COUNTED_SHARE,
  mayBeSentByMonth,
  type Sending,
  sendableBytes as sendableIn,
  transferCost,
} from '../billing/transfer.ts';
import { nodesOf } from './life.ts';
import {
  allowanceIn,
  type Granted,
  keepsToLimit,
  mayComeToSend,
  possibleBefore,
  possibleBytes,
  sliceOf,
  slicesOf,
  slowRate,
} from './limited.ts';
import type { LiveRecord } from './record.ts';
import { mayLag } from './sent.ts';
import { hoursEnd, slowUnseenMax, total, transferIn } from './transfer.ts';

/** The most bytes that a node may send in a calendar month (UTC) before it slows itself down. */
export interface Allowance {
  readonly month: MonthName;
  readonly bytes: number;
}

/** A smaller grant is not worth a write. */
const GRANT_BYTES_MIN = 1_000_000;
/** However many nodes share what is left, a node gets so much of it at once. */
const SHARE_BYTES_MIN = BYTES_PER_GB / 10;
/**
 * A grant adds at most so many times what the node has sent, since what is granted counts as sent,
 * and would be lost to the hours of a cluster whose node sends no more.
 */
const GROWTH_MAX = 2;

/** A node that asks how much it may send. */
export interface Asking {
  readonly rank: number;
  /** What its counter says of the month, in bytes. */
  readonly sentBytes: number;
  /** Since when that has counted, in seconds of the epoch, by the node's clock. */
  readonly countedSince: number;
}

/**
 * The allowance that the node hears of, by its own counter: no more than its slice, or than was measured
 * of what it counts, while the budget does not pay what all nodes were granted. It may have been lowered
 * just before a grant was kept.
 */
export function toldAllowance(
  record: LiveRecord,
  granted: Granted | null,
  asking: Asking,
  now: EpochMs,
  sendable: SendableOf = sendableBytes,
): Allowance {
  const month = monthOf(granted, now);
  const { allowed, uncounted } = knownOf(record, granted, asking, month);
  const certain = Math.max(sliceOf(record), measuredOf(record, asking.rank, month) - uncounted);
  const told = Math.max(sliceOf(record), allowed - uncounted);
  if (told <= certain || isPaid(record, granted, now, sendable)) return { month, bytes: told };
  return { month, bytes: certain };
}

interface Known {
  /** What the node was allowed of the month, since its beginning. */
  readonly allowed: number;
  /** What it may have sent of the month and does not count. */
  readonly uncounted: number;
  /** Since when it counted as it was last heard. */
  readonly since: number;
}

/**
 * What is known of the node.
 *
 * 1. A counter with another beginning than before began anew: the node was rebuilt. It may have sent
 *    before all that it was allowed.
 * 2. A counter that has fallen is that of a disk that was restored, and leaves out the difference.
 * 3. A counter leaves out what was measured beyond it, too. In the first hour of a month, Linode's
 *    figure may still be that of the month before.
 */
function knownOf(
  record: LiveRecord,
  granted: Granted | null,
  { rank, sentBytes, countedSince }: Asking,
  month: MonthName,
): Known {
  const ofMonth = granted?.month === month ? granted : null;
  const allowed = allowanceIn(record, granted, rank, month);
  const since = granted?.countedSince?.[rank] || countedSince;
  const fallen = Math.max(0, (ofMonth?.counted?.[rank] ?? 0) - sentBytes);
  const before = (ofMonth?.uncounted?.[rank] ?? 0) + fallen;
  const isSure = record.sent !== undefined && !mayLag(record.sent.at);
  const beyond = isSure ? measuredOf(record, rank, month) - sentBytes : 0;
  return { allowed, uncounted: Math.max(since === countedSince ? before : allowed, beyond), since };
}

/** Whether the budget pays all that was granted, as far as that is exactly known. */
function isPaid(
  record: LiveRecord,
  granted: Granted | null,
  now: EpochMs,
  sendable: SendableOf,
): boolean {
  const inexact = possibleBytes(record, granted, now) * INEXACT_SHARE;
  return leftBytes(record, granted, now, sendable) >= -Math.max(ROUNDING_BYTES, inexact);
}

/** By this part, `sendableBytes` may be less at a later instant. */
const INEXACT_SHARE = 0.02;

/** The month of the grants; another function's clock may be ahead at a month's turn. */
const monthOf = (granted: Granted | null, now: EpochMs): MonthName =>
  granted !== null && granted.month > monthName(now) ? granted.month : monthName(now);

/**
 * The grants with a larger allowance for the node, or with what its counter has left out; null: it keeps
 * what it has, as it has not used half of it, nothing is left, or a call of before it was rebuilt came
 * late. A node lets its slice through without asking, also one that was rebuilt: that counts as far as
 * something is left, and beyond that in the next measure.
 */
export function grantFor(
  record: LiveRecord,
  granted: Granted | null,
  asking: Asking,
  now: EpochMs,
  sendable: SendableOf = sendableBytes,
): Granted | null {
  const { rank, sentBytes, countedSince } = asking;
  const node = record.nodes[rank];
  if (node === undefined || !mayComeToSend(node)) return null;
  if (!keepsToLimit(record) || record.phase === 'deleting') return null;
  const month = monthOf(granted, now);
  const { allowed, uncounted, since } = knownOf(record, granted, asking, month);
  if (month !== monthName(now) || countedSince < since) return null;
  const slice = sliceOf(record);
  if (sentBytes < Math.max(slice, allowed - uncounted) / 2) return null;
  const left = Math.max(0, leftBytes(record, granted, now, sendable));
  const possible = Math.max(allowed, measuredOf(record, rank, month));
  const unasked = Math.min(Math.max(0, uncounted + slice - possible), left);
  const rest = left - unasked;
  const step = Math.max(GROWTH_MAX * sentBytes, SHARE_BYTES_MIN);
  const fair = Math.max(Math.floor(rest / sendersOf(record)), SHARE_BYTES_MIN);
  const share = Math.min(rest, fair, step);
  const isMore = share >= GRANT_BYTES_MIN;
  if (!isMore && since === countedSince) return null;
  const next = isMore ? possible + unasked + share : allowed + unasked;
  const before = granted?.month === month ? granted : null;
  const withNode = (all: readonly number[] = [], own: number) =>
    record.nodes.map(({ index }) => (index === rank ? own : (all[index] ?? 0)));
  return {
    version: (granted?.version ?? 0) + 1,
    month,
    bytes: withNode(before?.bytes, next),
    countedSince: withNode(granted?.countedSince, countedSince),
    // A node may say anything.
    counted: withNode(before?.counted, Math.min(sentBytes, next)),
    uncounted: withNode(before?.uncounted, uncounted),
    earlier: possibleBefore(record, granted, month),
  };
}

/** What no node may have sent or been allowed yet of `sendableBytes`; negative if that has fallen. */
export function leftBytes(
  record: LiveRecord,
  granted: Granted | null,
  now: EpochMs,
  sendable: SendableOf = sendableBytes,
): number {
  const possible = possibleBytes(record, granted, now);
  return sendable(record, granted, now) - Math.ceil(possible * COUNTED_SHARE);
}

/** `sendableBytes`, or what an earlier reckoning of the same record found. */
export type SendableOf = (record: LiveRecord, granted: Granted | null, now: EpochMs) => number;

/**
 * What transfer costs if the nodes have sent all that they were granted, and the nodes were deleted
 * at `at`; 0 where they have no limit, or do not keep to it.
 */
export function possibleCost(record: LiveRecord, granted: Granted | null, at: EpochMs): MicroUsd {
  const transfer = keepsToLimit(record) ? transferIn(record, at, granted) : null;
  if (transfer === null) return microUsd(0);
  const month = monthName(at);
  const known = transfer.sending === null ? {} : mayBeSentByMonth(transfer.sending, at);
  const now = Math.max(known[month] ?? 0, possibleBytes(record, granted, at));
  const all = { ...transfer, sending: sentAll({ ...known, [month]: now }, at) };
  return transferCost(all, at);
}

const sentAll = (byMonth: Sending['byMonth'], at: EpochMs): Sending => ({
  ...{ byMonth, at, peak: 0, peakUntil: at, mean: 0, until: null, limit: null },
});

/** After a grant of all that was left, so much less than nothing may be left. */
const ROUNDING_BYTES = 1_000;

const sendersOf = ({ nodes }: LiveRecord): number => nodes.filter(mayComeToSend).length;

/** What a node counts at least of what was measured of it in the month. */
const measuredOf = ({ sent }: LiveRecord, rank: number, month: MonthName): number =>
  sent?.month === month ? Math.floor((sent.bytes[rank] ?? 0) * COUNTED_SHARE) : 0;

/**
 * The most bytes of this calendar month that the nodes together may have sent, as they count them, so
 * that the bill with transfer stays within the budget at each instant until the teardown time that
 * hours alone set, even if all of it were sent right now.
 *
 * 1. Beside it, room is left for nodes that go on slowly until that teardown time: so nodes that have
 *    used all of it are slowed, and their cluster does not end earlier for it.
 * 2. Beside what the cluster is planned to send (`transferGb`), room is left only for what nodes send
 *    slowly until a pass sees it. So, too, where nodes bring nothing: less than an hour's price may
 *    be left besides the hours, which that room would take.
 */
export function sendableBytes(record: LiveRecord, granted: Granted | null, now: EpochMs): number {
  const transfer = transferIn(record, now, granted);
  if (transfer === null) return 0;
  const nodes = nodesOf(record, now);
  const until = latest(now, hoursEnd(record, nodes));
  const limit = { slices: slicesOf(record), slow: slowRate(record) };
  const most = (slowUntil: EpochMs): number =>
    sendableIn(transfer, nodes, limit, { budget: record.budget, until, slowUntil }, now);
  const steady = most(until);
  const planned = plannedBytes(record);
  const bringsNothing = transfer.terms.gb === 0;
  const seen = earliest(until, plus(now, slowUnseenMax(record)));
  const soon = bringsNothing || planned > steady ? most(seen) : steady;
  const isAllPaid = bringsNothing && soon > backgroundOf(transfer);
  const sendable = isAllPaid ? soon : Math.max(steady, Math.min(planned, soon));
  return Math.floor(sendable * COUNTED_SHARE);
}

/** What the cluster is planned to send besides what it has sent in earlier months. */
function plannedBytes({ transferGb = 0, sent }: LiveRecord): number {
  return Math.max(0, transferGb * BYTES_PER_GB - total(Object.values(sent?.before ?? {})));
}
