import { plural } from './plural.ts';

/*
 * Durations in words. Each function takes milliseconds, if it does not say hours; a negative duration
 * counts as none.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_HOURS = 8_760;

/** To the second, rounded down: `12:41:09`, and `3 d 12:41:09` from a day on. */
export function countdown(ms: number): string {
  const left = Math.max(0, ms);
  const clock = new Date(left % DAY_MS).toISOString().slice(11, 19);
  return left < DAY_MS ? clock : `${Math.floor(left / DAY_MS)} d ${clock}`;
}

/** In the two largest units, for a table: `2 d 3 h`, `3 h 12 min`, `12 min`, `5 s`. */
export function roughly(ms: number): string {
  const left = Math.max(0, ms);
  const hours = Math.floor((left % DAY_MS) / HOUR_MS);
  if (left >= DAY_MS) return `${Math.floor(left / DAY_MS)} d ${hours} h`;
  const minutes = Math.floor((left % HOUR_MS) / MINUTE_MS);
  if (left >= HOUR_MS) return `${hours} h ${minutes} min`;
  return left >= MINUTE_MS ? `${minutes} min` : `${Math.floor(left / SECOND_MS)} s`;
}

/** For a screen reader: `12 hours and 41 minutes`, `less than a minute`. */
export function spoken(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE_MS));
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return 'less than a minute';
  if (hours === 0) return plural(minutes, 'minute');
  return minutes % 60 === 0
    ? plural(hours, 'hour')
    : `${plural(hours, 'hour')} and ${plural(minutes % 60, 'minute')}`;
}

/** Whether hours are more than a year of 365 days: a date says more than their number. */
export const isLong = (hours: number): boolean => hours > YEAR_HOURS;

/** Whole hours: `13 hours`; above a year in years, rounded down to a tenth: `5.0 years`. */
export const hoursWords = (hours: number): string =>
  isLong(hours)
    ? `${(Math.floor((hours / YEAR_HOURS) * 10) / 10).toFixed(1)} years`
    : plural(hours, 'hour');
