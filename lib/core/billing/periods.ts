import { type MicroUsd, microUsd } from '../base/money.ts';
import { type EpochMs, epochMs, hours, plus } from '../base/units.ts';
import { type BilledNode, hoursIn, type Month, monthOf, spend } from './bill.ts';

/** Over what a cap counts: days, weeks from Monday on (ISO 8601) and calendar months, all UTC. */
export const PERIODS = ['day', 'week', 'month'] as const;
export type Period = (typeof PERIODS)[number];

/** A day, week or month: from `start` to `end`, exclusive. */
export interface Span extends Month {
  /** `2026-11-26`; of a week the name of its Monday, `w2026-11-23`; of a month `2026-11`. */
  readonly name: string;
}

const DAY = hours(24);
/** 1970-01-01 was a Thursday, the fourth day of its week. */
const DAYS_BEFORE_EPOCH = 3;

/** The day, week or month that has the instant. */
export function spanAt(period: Period, at: EpochMs): Span {
  if (period === 'month') return monthOf(at);
  const day = Math.floor(at / DAY);
  const first = period === 'day' ? day : day - ((day + DAYS_BEFORE_EPOCH) % 7);
  const start = epochMs(first * DAY);
  const date = new Date(start).toISOString().slice(0, 10);
  if (period === 'day') return { name: date, start, end: plus(start, DAY) };
  return { name: `w${date}`, start, end: plus(start, hours(7 * 24)) };
}

/**
 * What a day or a week counts of the bill up to `at`: of each node the started hours that touch the
 * span, at its hourly price, but never more than the whole bill of the node. An hour that touches
 * two spans counts in both, whatever the price says of months: whichever of them it belongs to, none
 * counts too little. A node is billed for at least one hour, in the span of its creation.
 */
export function spendIn(nodes: readonly BilledNode[], span: Month, at: EpochMs): MicroUsd {
  const inSpan = nodes.map((node) => {
    const isFirst = node.billedFrom >= span.start && node.billedFrom < span.end;
    const started = Math.max(hoursIn(span, node, at), isFirst ? 1 : 0);
    return Math.min(started * node.price.hourly, spend([node], at));
  });
  return microUsd(inSpan.reduce((total, cost) => total + cost, 0));
}
