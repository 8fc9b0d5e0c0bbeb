import { durationMs, type EpochMs, epochMs, hours, minus, plus } from '../../base/units.ts';
import { type MonthName, monthName, monthNamed } from '../../billing/bill.ts';

/** How often digests are sent. */
export type Every = 'weekly' | 'monthly';

/** A week from Monday to Sunday (ISO 8601), or a calendar month; both in UTC. */
export interface Period {
  readonly kind: 'week' | 'month';
  /** `2026-W48` or `2026-11`. */
  readonly name: string;
  readonly start: EpochMs;
  /** Exclusive. */
  readonly end: EpochMs;
}

const DAY = hours(24);
const WEEK = durationMs(7 * DAY);
/** 1970-01-05T00:00:00Z, a Monday. */
const A_MONDAY = epochMs(4 * DAY);

/** The last period that had ended by `at`. */
export function lastEnded(every: Every, at: EpochMs): Period {
  if (every === 'monthly') return monthPeriod(monthName(minus(monthStart(at), durationMs(1))));
  const weeks = Math.floor((at - A_MONDAY) / WEEK);
  return weekFrom(plus(A_MONDAY, durationMs((weeks - 1) * WEEK)));
}

/** The month whose caps a digest of the period shows: that of the period's last instant. */
export const capMonthOf = ({ end }: Period): MonthName => monthName(minus(end, durationMs(1)));

export function monthPeriod(name: MonthName): Period {
  return { kind: 'month', ...monthNamed(name) };
}

const monthStart = (at: EpochMs): EpochMs => monthNamed(monthName(at)).start;

function weekFrom(start: EpochMs): Period {
  // By ISO 8601, the year of a week is that of its Thursday, and week 1 has the first Thursday.
  const thursday = new Date(start + 3 * DAY);
  const year = thursday.getUTCFullYear();
  const number = Math.floor((thursday.getTime() - Date.UTC(year, 0)) / WEEK) + 1;
  const name = `${year}-W${String(number).padStart(2, '0')}`;
  return { kind: 'week', name, start, end: plus(start, WEEK) };
}
