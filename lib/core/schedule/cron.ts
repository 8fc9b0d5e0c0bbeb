import { Cron, CronDate, CronPattern } from 'croner';
import { type EpochMs, epochMs, hours, minutes } from '../base/units.ts';
import type { ScheduleRecord } from './schedule.ts';

/*
 * When a cron expression comes round in a time zone. On the days on which the zone's clock is
 * changed:
 * 1. An expression that names all 24 hours follows the time that passes: it comes in each hour, be
 *    that the one that the clock shows twice, and not for one that the clock leaves out.
 * 2. Any other names times on the clock, each of which comes once: where the clock jumps over it,
 *    at the first instant after the jump; where the clock shows it twice, the first time. Times
 *    that so fall together come together, once.
 * croner keeps to the second rule for a single time that is not near midnight, and for no list.
 */

const MODE = { mode: '5-part' } as const;
const DAY = hours(24);

/** What is wrong with an expression, to be read after its name; null: nothing. */
export function faultOfCron(cron: string): string | null {
  if (cron.split(/\s+/).length !== 5) {
    return 'must have five fields: minute, hour, day, month, day of the week, as in "30 2 * * 1-5"';
  }
  try {
    new CronPattern(cron, undefined, MODE);
  } catch (error) {
    // croner counts days and months from 0 where it tells the number that is wrong.
    const { message } = error as Error;
    const reason = message.replace(/^CronPattern: |: \d+$/g, '');
    return `must be a cron expression: ${reason}`;
  }
  const ever = onTheClock(cron)(epochMs(0));
  return ever === null ? 'must name a day that comes; such as it is, it never would' : null;
}

/** Whether it is the name of an IANA time zone. */
export function isTimeZone(name: string): boolean {
  // Newer versions of Node take offsets such as +02:00 as well.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The first occurrence strictly after an instant; null: none will ever come. */
export function occurrenceAfter(cron: string, timezone: string, after: EpochMs): EpochMs | null {
  const { hour } = new CronPattern(cron, undefined, MODE);
  if (hour.every((named) => named === 1)) return nextOf(cron, timezone, after);
  const following = onTheClock(cron);
  // What the clock shows at `after` or has shown before has had its instant.
  let shown = following(clockAt(after, timezone));
  while (shown !== null) {
    const instant = whenClockReaches(shown, timezone);
    if (instant > after) return instant;
    shown = following(shown);
  }
  return null;
}

/** The next occurrences, soonest first: so many, or fewer where it is paused. */
export function nextRuns(
  { cron, timezone, nextAt }: Pick<ScheduleRecord, 'cron' | 'timezone' | 'nextAt'>,
  count: number,
): EpochMs[] {
  const runs: EpochMs[] = [];
  for (let at = nextAt; at !== null && runs.length < count; ) {
    runs.push(at);
    at = occurrenceAfter(cron, timezone, at);
  }
  return runs;
}

function nextOf(cron: string, timezone: string, after: EpochMs): EpochMs | null {
  const next = new Cron(cron, { ...MODE, timezone, paused: true }).nextRun(new Date(after));
  return next === null ? null : epochMs(next.getTime());
}

/** What a clock shows, as the instant at which a clock in UTC shows the same. */
type Shown = EpochMs;

/** The times on the clock that an expression names, each after another: in UTC none is left out. */
const onTheClock = (cron: string) => (after: Shown) => nextOf(cron, 'UTC', after);

function clockAt(instant: EpochMs, timezone: string): Shown {
  const { year, month, day, hour, minute, second } = new CronDate(new Date(instant), timezone);
  return epochMs(Date.UTC(year, month, day, hour, minute, second));
}

/** The first instant at which the zone's clock shows that time, or a later one. */
function whenClockReaches(shown: Shown, timezone: string): EpochMs {
  const offsetAt = (instant: number) => clockAt(epochMs(instant), timezone) - instant;
  // No zone is more than 14 hours from UTC, so that a change near `shown` lies between the two.
  const asBefore = epochMs(shown - offsetAt(shown - DAY));
  const asAfter = epochMs(shown - offsetAt(shown + DAY));
  if (clockAt(asBefore, timezone) === shown) return asBefore;
  if (clockAt(asAfter, timezone) === shown) return asAfter;
  // The clock jumps over it, after `asAfter` and not after `asBefore`; changes are on the minute.
  let [low, high]: [number, number] = [asAfter, asBefore];
  while (high - low > minutes(1)) {
    const middle = low + Math.floor((high - low) / minutes(2)) * minutes(1);
    if (clockAt(epochMs(middle), timezone) >= shown) high = middle;
    else low = middle;
  }
  return epochMs(high);
}
