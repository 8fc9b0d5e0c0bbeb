import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EpochMs, epochMs, hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { faultOfCron, isTimeZone, occurrenceAfter } from '../../../../lib/core/schedule/cron.ts';
import { at } from '../../../support/builders.ts';

const BERLIN = 'Europe/Berlin';
const LORD_HOWE = 'Australia/Lord_Howe';

/** The occurrences after `from` and up to `to`, in UTC, as `10-25T00:30`. */
function occurrences(cron: string, timezone: string, from: string, to: string): string[] {
  return allBetween(cron, timezone, at(from), at(to)).map((instant) =>
    new Date(instant).toISOString().slice(5, 16),
  );
}

function allBetween(cron: string, timezone: string, from: EpochMs, to: EpochMs): EpochMs[] {
  const found: EpochMs[] = [];
  let next = occurrenceAfter(cron, timezone, from);
  while (next !== null && next <= to) {
    found.push(next);
    next = occurrenceAfter(cron, timezone, next);
  }
  return found;
}

describe('an expression in UTC', () => {
  it.each([
    ['30 2 * * *', '2026-11-22T02:29:59.999Z', '2026-11-22T02:30:00Z'],
    ['30 2 * * *', '2026-11-22T02:30:00Z', '2026-11-23T02:30:00Z'],
    ['30 2 * * *', '2026-11-22T02:30:00.001Z', '2026-11-23T02:30:00Z'],
    ['* * * * *', '2026-11-22T02:30:00Z', '2026-11-22T02:31:00Z'],
    ['*/20 9-17/4 * * 1-5', '2026-11-20T17:40:00Z', '2026-11-23T09:00:00Z'],
    ['0 0 1 jan *', '2026-11-22T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['0 0 29 2 *', '2026-11-22T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 * * 7', '2026-11-23T00:00:00Z', '2026-11-29T00:00:00Z'],
    // With a day of the month and a weekday, either is enough, as in every cron.
    ['0 0 1 * mon', '2026-11-24T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['0 0 1 * mon', '2026-11-30T00:00:00Z', '2026-12-01T00:00:00Z'],
    ['0 0 L * *', '2026-11-22T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['0 0 * * fri#2', '2026-11-22T00:00:00Z', '2026-12-11T00:00:00Z'],
  ])('%s: the first occurrence after %s is %s', (cron, after, expected) => {
    expect(occurrenceAfter(cron, 'UTC', at(after))).toBe(at(expected));
  });

  it('has no occurrence, which is null, where its day does not exist', () => {
    expect(occurrenceAfter('0 0 30 2 *', 'UTC', at('2026-11-22T00:00:00Z'))).toBeNull();
    expect(occurrenceAfter('0 0 30 2 *', BERLIN, at('2026-11-22T00:00:00Z'))).toBeNull();
    expect(occurrenceAfter('0 * 30 2 *', BERLIN, at('2026-11-22T00:00:00Z'))).toBeNull();
  });
});

describe('in the night in which the clock of Berlin jumps from 2 to 3', () => {
  const inSpring = (cron: string) =>
    occurrences(cron, BERLIN, '2026-03-29T00:00:00Z', '2026-03-29T02:30:00Z');

  it.each([
    ['a time that the clock skips occurs at the jump', '30 2 * * *', ['03-29T01:00']],
    ['so does a skipped time of a list', '30 2,14 * * *', ['03-29T01:00']],
    ['so does a skipped time of steps', '*/40 */2 * * *', ['03-29T01:00', '03-29T02:00']],
    ['several skipped times occur once', '10,50 2 * * *', ['03-29T01:00']],
    ['a skipped time and the time of the jump occur once', '0 2,3 * * *', ['03-29T01:00']],
    ['later times occur as the clock shows', '30 2,3 * * *', ['03-29T01:00', '03-29T01:30']],
    [
      'an expression for all hours occurs each hour',
      '30 * * * *',
      ['03-29T00:30', '03-29T01:30', '03-29T02:30'],
    ],
    [
      'so does a range of all hours',
      '30 0-23 * * *',
      ['03-29T00:30', '03-29T01:30', '03-29T02:30'],
    ],
  ])('%s: %s', (_, cron, expected) => {
    expect(inSpring(cron)).toEqual(expected);
  });

  it('the same rules hold in another year', () => {
    const [from, to] = ['2027-03-28T00:00:00Z', '2027-03-28T02:00:00Z'];
    expect(occurrences('30 2 * * *', BERLIN, from, to)).toEqual(['03-28T01:00']);
    expect(occurrences('0 * * * *', BERLIN, from, to)).toEqual(['03-28T01:00', '03-28T02:00']);
  });
});

describe('in the night in which the clock of Berlin shows the hour from 2 to 3 twice', () => {
  const inAutumn = (cron: string) =>
    occurrences(cron, BERLIN, '2026-10-24T23:30:00Z', '2026-10-25T02:00:00Z');

  it.each([
    ['a time of that hour occurs the first time only', '30 2 * * *', ['10-25T00:30']],
    ['so do times of a list', '0,30 2 * * *', ['10-25T00:00', '10-25T00:30']],
    ['so do times of steps', '*/30 */2 * * *', ['10-25T00:00', '10-25T00:30']],
    ['the next hour occurs after both', '0 2,3 * * *', ['10-25T00:00', '10-25T02:00']],
    [
      'an expression for all hours occurs each hour',
      '0 * * * *',
      ['10-25T00:00', '10-25T01:00', '10-25T02:00'],
    ],
    [
      'so does a range of all hours',
      '0 0-23/1 * * *',
      ['10-25T00:00', '10-25T01:00', '10-25T02:00'],
    ],
  ])('%s: %s', (_, cron, expected) => {
    expect(inAutumn(cron)).toEqual(expected);
  });

  it('the same rules hold in another year', () => {
    const [from, to] = ['2027-10-30T23:30:00Z', '2027-10-31T02:00:00Z'];
    expect(occurrences('30 2 * * *', BERLIN, from, to)).toEqual(['10-31T00:30']);
    expect(occurrences('0 * * * *', BERLIN, from, to)).toHaveLength(3);
  });

  it('the occurrence after an instant of the second time is on the next day', () => {
    const after = at('2026-10-25T01:10:00Z');
    expect(occurrenceAfter('30 2 * * *', BERLIN, after)).toBe(at('2026-10-26T01:30:00Z'));
  });
});

describe('where the clock is changed by half an hour', () => {
  it('a skipped time occurs at the jump, and a time shown twice occurs once', () => {
    const spring = ['2026-10-03T14:00:00Z', '2026-10-04T14:00:00Z'] as const;
    expect(occurrences('15 2 * * *', LORD_HOWE, ...spring)).toEqual(['10-03T15:30']);
    const autumn = ['2026-04-04T14:00:00Z', '2026-04-05T14:00:00Z'] as const;
    expect(occurrences('45 1 * * *', LORD_HOWE, ...autumn)).toEqual(['04-04T14:45']);
  });

  it('an hourly expression follows the clock, even where the clock skips 2:00', () => {
    const spring = ['2026-10-03T14:00:00Z', '2026-10-03T17:00:00Z'] as const;
    expect(occurrences('0 * * * *', LORD_HOWE, ...spring)).toEqual([
      '10-03T14:30',
      '10-03T16:00',
      '10-03T17:00',
    ]);
    const autumn = ['2026-04-04T13:30:00Z', '2026-04-04T16:30:00Z'] as const;
    expect(occurrences('0 * * * *', LORD_HOWE, ...autumn)).toEqual([
      '04-04T14:00',
      '04-04T15:30',
      '04-04T16:30',
    ]);
  });
});

describe('where the clock is changed at midnight', () => {
  it.each([
    // The clock jumps from 23:00 to 0:00 of the next day.
    ['30 23 * * *', 'America/Nuuk', '2026-03-28', ['03-29T01:00']],
    ['30 23 * * sat', 'America/Nuuk', '2026-03-28', ['03-29T01:00']],
    // The clock jumps from 0:00 to 1:00.
    ['0 0 * * *', 'Africa/Cairo', '2026-04-23', ['04-23T22:00']],
    // The clock jumps from the end of the 29th to the start of the 31st.
    ['0 12 * * *', 'Pacific/Apia', '2011-12-30', ['12-30T10:00', '12-30T22:00']],
  ])('%s in %s occurs once for %s', (cron, timezone, day, expected) => {
    const from = plus(at(`${day}T00:00:00Z`), hours(3));
    const found = allBetween(cron, timezone, from, plus(from, hours(24)));
    expect(found.map((instant) => new Date(instant).toISOString().slice(5, 16))).toEqual(expected);
  });
});

describe('through a year of any time zone', () => {
  const zones = [
    BERLIN,
    LORD_HOWE,
    'America/Nuuk',
    'America/New_York',
    'Africa/Cairo',
    'Africa/Casablanca',
    'Asia/Kathmandu',
    'Pacific/Chatham',
    'Pacific/Kiritimati',
    'UTC',
  ];
  const NEW_YEAR = at('2026-01-01T12:00:00Z');
  const CHANGES = zones.flatMap((timezone) =>
    changesIn(timezone).map((change) => ({ timezone, change })),
  );

  it('a time of the day occurs on each day, once', () => {
    for (const timezone of zones) {
      for (const cron of ['30 2 * * *', '15 0 * * *', '45 23 * * *']) {
        const found = allBetween(cron, timezone, NEW_YEAR, plus(NEW_YEAR, hours(365 * 24)));
        expect(found, `${cron} ${timezone}`).toHaveLength(365);
        const gaps = found.slice(1).map((instant, index) => instant - (found[index] ?? 0));
        expect(Math.max(...gaps), timezone).toBeLessThanOrEqual(hours(25));
        expect(Math.min(...gaps), timezone).toBeGreaterThanOrEqual(hours(23) - minutes(45));
      }
    }
  });

  it('an expression for all hours occurs whenever the clock shows one of its minutes', () => {
    const property = fc.property(
      fc.constantFrom(...CHANGES),
      fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 4 }),
      ({ timezone, change }, minute) => {
        const [from, to] = [plus(change, hours(-5)), plus(change, hours(5))];
        const shows = minutesBetween(from, to).filter((instant) =>
          minute.includes(clockOf(instant, timezone).minute),
        );
        expect(allBetween(`${minute.join(',')} * * * *`, timezone, from, to)).toEqual(shows);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  it('any other expression occurs when the clock first shows or passes one of its times', () => {
    const property = fc.property(
      fc.constantFrom(...CHANGES),
      fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 20 }),
      ({ timezone, change }, minute, hour) => {
        const [from, to] = [plus(change, hours(-5)), plus(change, hours(5))];
        let latest = clockOf(from, timezone).shown;
        const expected = minutesBetween(from, to).filter((instant) => {
          const { shown } = clockOf(instant, timezone);
          const passed = minutesBetween(latest, epochMs(Math.max(shown, latest)));
          latest = epochMs(Math.max(shown, latest));
          return passed.some((minuteMark) => {
            const time = new Date(minuteMark);
            return hour.includes(time.getUTCHours()) && minute.includes(time.getUTCMinutes());
          });
        });
        const cron = `${minute.join(',')} ${hour.join(',')} * * *`;
        expect(allBetween(cron, timezone, from, to)).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  /** The hours of 2026 in which the clock's offset changes, and one hour without a change. */
  function changesIn(timezone: string): EpochMs[] {
    const all = Array.from({ length: 365 * 24 }, (_, hour) => plus(NEW_YEAR, hours(hour)));
    const offsets = all.map((instant) => clockOf(instant, timezone).shown - instant);
    const changed = all.filter((_, index) => offsets[index] !== offsets[Math.max(0, index - 1)]);
    return [plus(NEW_YEAR, hours(100)), ...changed];
  }
});

/** Every whole minute after `from` and up to `to`. */
function minutesBetween(from: EpochMs, to: EpochMs): EpochMs[] {
  const count = Math.max(0, Math.floor((to - from) / minutes(1)));
  return Array.from({ length: count }, (_, index) => plus(from, minutes(index + 1)));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The time that a clock in the zone shows, as if it were UTC; computed without croner. */
function clockOf(instant: EpochMs, timeZone: string): { shown: EpochMs; minute: number } {
  const fields = ['year', 'month', 'day', 'hour', 'minute'] as const;
  const options = Object.fromEntries(fields.map((field) => [field, 'numeric']));
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en', { ...options, timeZone, hourCycle: 'h23' });
  formats.set(timeZone, format);
  const parts = format.formatToParts(instant);
  const [year = 0, month = 0, day, hour, minute = 0] = fields.map((field) =>
    Number(parts.find(({ type }) => type === field)?.value),
  );
  return { shown: epochMs(Date.UTC(year, month - 1, day, hour, minute)), minute };
}

describe('an expression with a fault', () => {
  it.each([
    ['* * * * * *', 'five fields'],
    ['0 30 2 * * *', 'five fields'],
    ['30 2 * *', 'five fields'],
    ['@daily', 'five fields'],
    ['@reboot', 'five fields'],
    ['', 'five fields'],
    [' 30 2 * * *', 'five fields'],
    ['60 2 * * *', 'Invalid value for minute'],
    ['0 24 * * *', 'Invalid value for hour'],
    ['0 0 32 * *', 'Invalid value for day'],
    ['0 0 * 13 *', 'Invalid value for month'],
    ['0 0 * * 8', 'Invalid value for dayOfWeek'],
    ['0 0 * * someday', 'illegal characters'],
    ['*/0 * * * *', 'illegal stepping'],
    ['5-1 * * * *', 'From value is larger'],
    ['a b c d e', 'illegal characters'],
    ['0 0 30 2 *', 'a day that exists'],
    ['0 0 31 4,6,9,11 *', 'a day that exists'],
  ])('such as "%s" is answered with: %s', (cron, message) => {
    expect(faultOfCron(cron)).toContain(message);
  });

  it.each(['30 2 * * *', '*/15 9-17 * * mon-fri', '0 0 29 2 *', '0  0\t1 * *'])(
    'is not found in "%s"',
    (cron) => {
      expect(faultOfCron(cron)).toBeNull();
    },
  );

  it('is said in words that can follow the name of the field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 20 }), (cron) => {
        expect(faultOfCron(cron) ?? 'must be').toMatch(/^must /);
      }),
    );
  });
});

describe('a time zone', () => {
  it.each(['UTC', BERLIN, LORD_HOWE, 'America/Argentina/Buenos_Aires', 'Etc/GMT+3', 'GMT'])(
    'can be %s',
    (name) => {
      expect(isTimeZone(name)).toBe(true);
    },
  );

  it.each(['', 'Mars/Olympus_Mons', '+02:00', '-0500', 'GMT+1', ' UTC', 'local', 'Europe/Berlin '])(
    'can not be "%s"',
    (name) => {
      expect(isTimeZone(name)).toBe(false);
    },
  );
});
