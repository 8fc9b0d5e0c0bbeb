import {
  between,
  durationMs,
  type EpochMs,
  earliest,
  latest,
  minutes,
  plus,
  seconds,
} from '../base/units.ts';
import { type MonthName, monthName, monthNamed } from '../billing/bill.ts';
import { rateOf, sentByMonth } from '../billing/transfer.ts';
import type { LiveRecord } from './record.ts';
import { isSender, transferIn } from './transfer.ts';

/** A rate is reckoned over so long at least; a measure is not repeated sooner. */
export const MEASURE_AGE_MIN = seconds(90);
/**
 * After the beginning of a month, nothing is measured for so long: a figure that lags behind would
 * count what was sent in the month before.
 */
const NEW_MONTH = minutes(10);

export const isMonthNew = (now: EpochMs): boolean =>
  now < plus(monthNamed(monthName(now)).start, NEW_MONTH);

/** The nodes whose transfer a pass measures. */
export const sendersOf = ({ nodes }: LiveRecord) => nodes.filter(isSender);

/** What a pass has measured, by the index of the node; nodes that it could not measure are missing. */
export type Measured = ReadonlyMap<number, number | 'notFound'>;

/** The record with what was measured. `at` of `sent` moves on only if every node was measured. */
export function withSent(record: LiveRecord, measured: Measured, now: EpochMs): LiveRecord {
  if (measured.size === 0) return record;
  const month = monthName(now);
  const { bytes: old, before, since, rate } = baseOf(record, month, now);
  const bytes = record.nodes.map(({ index }) => {
    const found = measured.get(index);
    return Math.max(old[index] ?? 0, typeof found === 'number' ? found : 0);
  });
  const senders = sendersOf(record);
  const isWhole = senders.every(({ index }) => measured.has(index));
  const gap = between(since, now);
  // Nodes that could not be measured count like the others.
  const sent = (total(bytes) - total(old)) * Math.max(1, senders.length / measured.size);
  const seen = rateOf(sent, durationMs(Math.max(gap, MEASURE_AGE_MIN)));
  const kept = isWhole && gap >= MEASURE_AGE_MIN ? Math.floor(rate / 2) : rate;
  const at = isWhole ? now : since;
  return { ...record, sent: { at, month, bytes, before, rate: Math.max(seen, kept) } };
}

/** What the next measure adds to: what is known of the month, and since when nothing is known. */
function baseOf(record: LiveRecord, month: MonthName, now: EpochMs) {
  const { sent } = record;
  const begins = record.nodes.flatMap((node) => ('billedFrom' in node ? node.billedFrom : []));
  const first = earliest(now, ...begins);
  if (sent === undefined) return { bytes: [], before: {}, since: first, rate: 0 };
  if (sent.month === month) return { ...sent, since: sent.at };
  const sending = transferIn(record, now)?.sending;
  const all = sending ? sentByMonth(sending, now) : {};
  const before = Object.fromEntries(Object.entries(all).filter(([name]) => name < month));
  const since = latest(monthNamed(month).start, first);
  return { bytes: [], before, since, rate: sent.rate };
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);
