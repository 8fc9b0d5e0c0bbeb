import { Cron, CronPattern } from 'croner';
import { formatUsd, type MicroUsd, microUsd, times } from '../base/money.ts';
import type { EpochMs } from '../base/units.ts';

/** A schedule whose months may cost more than this needs a monthly cap: $1,000. */
export const UNCAPPED_MONTH_MAX = microUsd(1_000_000_000);

const MODE = { mode: '5-part', timezone: 'UTC', paused: true } as const;
/** The months from one 29 February to the next, but for a century without one. */
const MONTHS = 48;
const DAYS_MAX = 1_462;

/**
 * The most runs in one of the 48 calendar months from the month of `from` on, as the clock shows
 * them: 44,640 for `* * * * *`. `cron` is an expression that `faultOfCron` finds no fault in.
 */
export function mostRunsInMonth(cron: string, from: EpochMs): number {
  const [, , ...days] = cron.trim().split(/\s+/);
  const { minute, hour } = new CronPattern(cron, undefined, { mode: '5-part' });
  const first = new Date(from);
  const start = Date.UTC(first.getUTCFullYear(), first.getUTCMonth());
  const end = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + MONTHS);
  const daily = new Cron(`0 0 ${days.join(' ')}`, MODE);
  const byMonth = new Map<string, number>();
  for (const day of daily.nextRuns(DAYS_MAX, new Date(start - 1))) {
    if (day.getTime() >= end) break;
    const month = day.toISOString().slice(0, 7);
    byMonth.set(month, (byMonth.get(month) ?? 0) + 1);
  }
  return Math.max(0, ...byMonth.values()) * countOf(minute) * countOf(hour);
}

const countOf = (named: readonly number[]): number => named.filter((one) => one === 1).length;

/** Why a schedule must have a monthly cap; null: it need not. `runs` are the most in a month. */
export function faultOfNoCap(runs: number, budget: MicroUsd): string | null {
  const month = times(budget, runs);
  if (month <= UNCAPPED_MONTH_MAX) return null;
  return (
    `${runs} runs a month at up to ${formatUsd(budget)} may cost ${formatUsd(month)}: above ` +
    `${formatUsd(UNCAPPED_MONTH_MAX)} a month, a schedule must have a monthly cap`
  );
}
