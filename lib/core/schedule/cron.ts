import { Cron, CronDate, CronPattern } from 'croner';
import { type EpochMs, epochMs, hours, minutes } from '../base/units.ts';
import type { ScheduleRecord } from './schedule.ts';

/*
 * The occurrences of a cron expression in a time zone. On a day on which the zone's clock changes:
 * 1. An expression that names all 24 hours follows elapsed time. It occurs in both hours that the
 *    clock shows twice, and does not occur for an hour that the clock leaves out.
 * 2. Any other expression names times on the clock, and each occurs once. A time that the clock
 *    leaves out occurs at the first instant after the jump; a time that the clock shows twice
 *    occurs the first time. Times that fall on one instant in this way make one occurrence.
 * croner follows the second rule for a single time that is not near midnight, and not for a list.
 */

const MODE = { mode: '5-part' } as const;
const DAY = hours(24);

/** The fault of an expression, which reads on from its field's name; null: it has none. */
export function faultOfCron(cron: string): string | null {
  if (cron.split(/\s+/).length !== 5) {
    return 'must have five fields: minute, hour, day, month, day of the week, as in "30 2 * * 1-5"';
  }
  try {
    new CronPattern(cron, undefined, MODE);
  } catch (error) {
    // Leave out the number in croner's message, since croner counts days and months from 0.
    const { message } = error as Error;
    const reason = message.replace(/^CronPattern: |: \d+$/g, '');
    return `must be a cron expression: ${reason}`;
  }
  const ever = clockTimesOf(cron)(epochMs(0));
  return ever === null ? 'must name a day that exists: this one never comes' : null;
}

/** Whether `name` is the name of an IANA time zone. */
export function isTimeZone(name: string): boolean {
  // Newer versions of Node also take offsets such as +02:00.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The first occurrence strictly after an instant; null: there is none. */
export function occurrenceAfter(cron: string, timezone: string, after: EpochMs): EpochMs | null {
  const { hour } = new CronPattern(cron, undefined, MODE);
  if (hour.every((named) => named === 1)) return nextByCroner(cron, timezone, after);
  const following = clockTimesOf(cron);
  // Times that the clock has shown by `after` have occurred already.
  let shown = following(clockAt(after, timezone));
  while (shown !== null) {
    const instant = whenClockReaches(shown, timezone);
    if (instant > after) return instant;
    shown = following(shown);
  }
  return null;
}

/**
 * The next occurrences, soonest first: `count` of them, or fewer if the expression has no more;
 * none if the schedule is paused.
 */
export function nextRuns(
  { cron, timezone, nextAt }: Pick<ScheduleRecord, 'cron' | 'timezone' | 'nextAt'>,
  count: number,
): EpochMs[] {
  const occurrences: EpochMs[] = [];
  for (let at = nextAt; at !== null && occurrences.length < count; ) {
    occurrences.push(at);
    at = occurrenceAfter(cron, timezone, at);
  }
  return occurrences;
}

function nextByCroner(cron: string, timezone: string, after: EpochMs): EpochMs | null {
  const next = new Cron(cron, { ...MODE, timezone, paused: true }).nextRun(new Date(after));
  return next === null ? null : epochMs(next.getTime());
}

/** What a clock shows, as the instant at which a clock in UTC shows the same. */
type Shown = EpochMs;

/**
 * The next time on the clock that an expression names, computed in UTC, where the clock leaves out
 * no time.
 */
const clockTimesOf = (cron: string) => (after: Shown) => nextByCroner(cron, 'UTC', after);

function clockAt(instant: EpochMs, timezone: string): Shown {
  const { year, month, day, hour, minute, second } = new CronDate(new Date(instant), timezone);
  return epochMs(Date.UTC(year, month, day, hour, minute, second));
}

/** The first instant at which the zone's clock shows `shown` or a later time. */
function whenClockReaches(shown: Shown, timezone: string): EpochMs {
  const offsetAt = (instant: number) => clockAt(epochMs(instant), timezone) - instant;
  // No zone is more than 14 hours from UTC, so a change near `shown` lies between these two.
  const asBefore = epochMs(shown - offsetAt(shown - DAY));
  const asAfter = epochMs(shown - offsetAt(shown + DAY));
  if (clockAt(asBefore, timezone) === shown) return asBefore;
  if (clockAt(asAfter, timezone) === shown) return asAfter;
  // The clock jumps over `shown`, after `asAfter` and not after `asBefore`. Clocks change on the
  // minute.
  let [low, high]: [number, number] = [asAfter, asBefore];
  while (high - low > minutes(1)) {
    const middle = low + Math.floor((high - low) / minutes(2)) * minutes(1);
    if (clockAt(epochMs(middle), timezone) >= shown) high = middle;
    else low = middle;
  }
  return epochMs(high);
}
