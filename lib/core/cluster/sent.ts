import {
  between,
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  latest,
  minutes,
  plus,
  seconds,
  toIso,
} from '../base/units.ts';
import { type MonthName, monthName, monthNamed } from '../billing/bill.ts';
import { BYTES_PER_GB, mayBeSentByMonth, rateOf, sentByMonth } from '../billing/transfer.ts';
import {
  allowanceIn,
  type Granted,
  isLimited,
  keepsToLimit,
  possibleBefore,
  possibleBytes,
  slowSinceBegin,
} from './limited.ts';
import { isSender, type LiveRecord, type NodeRecord, type Sent, withHistory } from './record.ts';
import { firstBegin, isMeasured, most, total, transferIn, unmeasured } from './transfer.ts';

/** A rate is reckoned over so long at least; a measure is not repeated sooner. */
export const MEASURE_AGE_MIN = seconds(90);
/**
 * After the beginning of a month, nothing is measured for so long: a figure that lags behind would
 * count what was sent in the month before.
 */
const NEW_MONTH = minutes(10);

export const isMonthNew = (now: EpochMs): boolean =>
  now < plus(monthNamed(monthName(now)).start, NEW_MONTH);

/** The nodes whose transfer a pass measures: first those that were measured longest ago, or never. */
export const sendersOf = ({ nodes, sent }: LiveRecord) =>
  nodes
    .filter(isSender)
    .toSorted((a, b) => (sent?.measuredAt[a.index] ?? 0) - (sent?.measuredAt[b.index] ?? 0));

/** After so long without a measure of any node, the record says so: two looks have failed. */
const UNMEASURED_MAX = hours(1);

/** Since when no measure has been had of nodes that may send; null: it is not long, or does not count. */
export function unmeasuredSince(record: LiveRecord, now: EpochMs): EpochMs | null {
  const isDue = record.bought.transfer !== undefined && record.phase !== 'provisioning';
  if (!isDue || sendersOf(record).length === 0) return null;
  const since = record.sent?.at ?? record.startedAt ?? record.createdAt;
  return now >= plus(since, UNMEASURED_MAX) ? since : null;
}

/** Why the transfer of the cluster counts too little, for its `trouble`; none while it is measured. */
export const unmeasuredTexts = (record: LiveRecord, now: EpochMs): string[] => {
  const since = unmeasuredSince(record, now);
  if (since === null) return [];
  const counts = isMeasured(record.sent) ? 'is only expected' : 'counts as nothing';
  return [`what its nodes send can not be measured since ${toIso(since)}, and ${counts}`];
};

/** What a pass has measured, by the index of the node; nodes that it could not measure are missing. */
export type Measured = ReadonlyMap<number, number>;

/**
 * The record with what was measured, and with what the nodes were granted by then. A node that could
 * not be measured is expected to have sent since then as the measured ones have in the mean, or as it
 * has itself if that is more; its own next measure takes the place of what was expected.
 */
export function withSent(
  record: LiveRecord,
  measured: Measured,
  now: EpochMs,
  granted: Granted | null = null,
): LiveRecord {
  // A pass may begin before a month's turn and measure after it.
  if (measured.size === 0 || isMonthNew(now)) return withGranted(record, granted, now);
  const month = monthName(now);
  const { start } = monthNamed(month);
  const { old, before, since, rate, grantedBefore } = baseOf(record, month, now, granted);
  const beginOf = (node: NodeRecord) =>
    'billedFrom' in node ? latest(start, node.billedFrom) : now;
  const known = record.nodes.map((node) => {
    const bytes = old.bytes[node.index] ?? 0;
    const found = measured.get(node.index);
    const last = old.measuredAt[node.index] ?? null;
    const more = found === undefined ? null : Math.max(0, found - bytes);
    return { node, bytes, more, last, expected: old.expected[node.index] ?? 0 };
  });
  const seen = known.flatMap(({ node, more, last }) => {
    const gap = Math.max(MEASURE_AGE_MIN, now - (last ?? beginOf(node)));
    return more === null ? [] : rateOf(more, durationMs(gap));
  });
  const mean = Math.ceil(total(seen) / Math.max(1, seen.length));
  /** What an unmeasured node is expected to have sent between the last measure of any and this one. */
  const expectedOf = ({ node, bytes, last }: (typeof known)[number]): number => {
    const begin = beginOf(node);
    const until = isSender(node) || !('billedUntil' in node) ? now : node.billedUntil;
    const lived = last === null ? null : Math.max(MEASURE_AGE_MIN, between(begin, last));
    const own = lived === null ? 0 : rateOf(bytes, durationMs(lived));
    return bytesOf(Math.max(mean, own), between(latest(since, begin), until));
  };
  const senders = record.nodes.filter(isSender).length;
  const share = Math.min(1, seen.length / Math.max(1, senders));
  const fades = between(since, now) >= MEASURE_AGE_MIN ? share / 2 : 0;
  const sent: Sent = {
    ...{ at: now, month, before },
    bytes: known.map(({ bytes, more }) => bytes + (more ?? 0)),
    measuredAt: known.map(({ last, more }) => (more === null ? last : now)),
    expected: known.map((one) => (one.more === null ? one.expected + expectedOf(one) : 0)),
    rate: Math.max(mean * senders, Math.floor(rate * (1 - fades))),
    ...(record.sent?.unlimited && { unlimited: true }),
  };
  if (!isLimited(record)) return { ...record, sent };
  const isEarlierKnown = Object.keys(grantedBefore).length > 0;
  const limited = { ...sent, ...(isEarlierKnown && { grantedBefore }) };
  const doubted = record.sent?.month === month ? (record.sent.inDoubt ?? []) : [];
  return withTrust({ ...record, sent: limited }, { measured, granted, now }, doubted);
}

/** The record of nodes that could not be measured: they may have sent what they were granted. */
function withGranted(record: LiveRecord, granted: Granted | null, now: EpochMs): LiveRecord {
  if (granted === null || !keepsToLimit(record)) return record;
  const month = monthName(now);
  const { before, rate, grantedBefore } = baseOf(record, month, now, granted);
  const known =
    record.sent?.month === month
      ? record.sent
      : { ...unmeasured(record, granted, now), before, rate };
  const possible = possibleBytes({ ...record, sent: known }, granted, known.at);
  return { ...record, sent: { ...known, granted: possible, grantedBefore } };
}

/** So much more than it is allowed a node may be measured to have sent, and be trusted. */
const TOLERATED_SHARE = 1.3;
const TOLERATED_BYTES = BYTES_PER_GB;
/** So long after the beginning of a month, a figure that lags far behind says nothing of a node. */
const LAGS_MAX = hours(1);

/** Whether what Linode says at the time may still be of the month before. */
export const mayLag = (at: EpochMs): boolean =>
  at < plus(monthNamed(monthName(at)).start, LAGS_MAX);

/**
 * The record with what the nodes may have sent, and with those in doubt: they were measured to have sent
 * far more than they are allowed. If that shows again in a node's next measure, somebody has taken
 * its limit off, and its cluster counts for good like one without. With a node in doubt it counts so
 * until then, and its nodes are measured as soon.
 */
function withTrust(
  record: LiveRecord,
  { measured, granted, now }: { measured: Measured; granted: Granted | null; now: EpochMs },
  doubted: readonly number[],
): LiveRecord {
  const { sent } = record;
  if (sent === undefined) return record;
  const known = { ...sent, granted: possibleBytes(record, granted, now) };
  if (sent.unlimited === true || mayLag(now)) return { ...record, sent: known };
  const allowedOf = ({ index }: NodeRecord) => allowanceIn(record, granted, index, sent.month);
  const mostOf = (node: NodeRecord): number =>
    allowedOf(node) * TOLERATED_SHARE + TOLERATED_BYTES + slowSinceBegin(node, now);
  const found = record.nodes.filter((node) => (measured.get(node.index) ?? 0) > mostOf(node));
  const again = found.find(({ index }) => doubted.includes(index));
  if (again !== undefined) {
    const event =
      `node ${again.index} has sent ${gbOf(measured.get(again.index) ?? 0)} GB this month, and was ` +
      `allowed ${gbOf(allowedOf(again))} GB: the nodes do not keep to their limit`;
    return withHistory({ ...record, sent: { ...sent, unlimited: true } }, now, event);
  }
  const open = record.nodes.filter((node) => isSender(node) && !measured.has(node.index));
  const still = open.filter(({ index }) => doubted.includes(index));
  const inDoubt = [...still, ...found].map(({ index }) => index);
  return { ...record, sent: { ...known, ...(inDoubt.length > 0 && { inDoubt }) } };
}

const gbOf = (bytes: number): number => Math.ceil(bytes / (BYTES_PER_GB / 10)) / 10;

const NOTHING: Pick<Sent, 'bytes' | 'measuredAt' | 'expected'> = {
  ...{ bytes: [], measuredAt: [], expected: [] },
};

/** What the next measure adds to: what is known of the month, and since when nothing is known. */
function baseOf(record: LiveRecord, month: MonthName, now: EpochMs, granted: Granted | null) {
  const { sent } = record;
  const first = firstBegin(record, now);
  const earlier = possibleBefore(record, granted, month);
  if (sent === undefined) {
    const { before, at: since, rate } = unmeasured(record, granted, now);
    return { old: NOTHING, before, since, rate, grantedBefore: earlier };
  }
  const { before, at, rate, grantedBefore: known = {} } = sent;
  const grantedBefore = most(known, earlier);
  if (sent.month === month) return { old: sent, before, since: at, rate, grantedBefore };
  const sending = transferIn(record, now, granted)?.sending;
  const byMonth = isMeasured(sent) ? sentByMonth : mayBeSentByMonth;
  const past = sending ? pastOf(byMonth(sending, now), month) : {};
  const possible = sending?.limit ? pastOf(mayBeSentByMonth(sending, now), month) : {};
  const since = latest(monthNamed(month).start, first);
  const all = most(grantedBefore, possible);
  return { old: NOTHING, before: past, since, rate, grantedBefore: all };
}

const pastOf = (bytes: Readonly<Record<MonthName, number>>, month: MonthName) =>
  Object.fromEntries(Object.entries(bytes).filter(([name]) => name < month));

const HOUR = hours(1);

/** What is sent at so many bytes an hour; nothing over a time that is negative. */
const bytesOf = (rate: number, over: DurationMs): number =>
  Math.ceil((rate * Math.max(0, over)) / HOUR);
