import { describe, expect, it } from 'vitest';
import { countdown, hoursWords, roughly, spoken } from '../../../client/durations.ts';
import { memoryMbIn, sizeIn } from '../../../client/memory.ts';
import { dollars, hoursFor, plusUsd } from '../../../client/money.ts';
import {
  clockTime,
  datedTime,
  fullTime,
  monthYear,
  nearTime,
  readableTimes,
} from '../../../client/times.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-23T14:00:00Z');

describe('money', () => {
  it.each([
    [0.975, '$0.975'],
    [1, '$1.00'],
    [0.1 + 0.2, '$0.30'],
    [-0.5, '$0.00'],
  ])('of %s is written %s', (usd, text) => expect(dollars(usd)).toBe(text));

  it('is added exactly, as micro-dollars', () => {
    expect([plusUsd(0.1, 0.2), plusUsd(), plusUsd(0.1, 0.1, 0.1)]).toEqual([0.3, 0, 0.3]);
  });

  it('lasts the whole hours that it pays', () => {
    const hours = [hoursFor(1, 0.075), hoursFor(0.3, 0.1), hoursFor(0.07, 0.075), hoursFor(1, 0)];
    expect(hours).toEqual([13, 3, 0, 0]);
  });
});

describe('a size that people typed', () => {
  it.each([
    ['4GB', 4_096],
    ['4GiB', 4_096],
    ['4 g', 4_096],
    ['1.5GB', 1_536],
    ['1,5 gb', 1_536],
    ['1.3GB', 1_332],
    ['4096', 4_096],
    ['512', 512],
    ['512MB', 512],
    ['1TB', 1_048_576],
  ])('of %s is %i MB', (text, mb) => expect(sizeIn(text)).toEqual({ mb, isGuess: false }));

  it.each([
    ['4', 4_096],
    ['511', 523_264],
    ['0.5', 512],
  ])('of %s, without a unit, is taken for gigabytes: %i MB', (text, mb) =>
    expect(sizeIn(text)).toEqual({ mb, isGuess: true }),
  );

  it.each(['lots', '', 'GB', '4 bytes', '-4GB', '4GB4', '4constructor'])(
    'of "%s" is none',
    (text) => {
      expect(sizeIn(text)).toBeNull();
      expect(memoryMbIn(text)).toBe(text);
    },
  );
});

describe('a duration', () => {
  it.each([
    [0, '00:00:00'],
    [-5, '00:00:00'],
    [999, '00:00:00'],
    [12 * HOUR + 41 * MINUTE + 9_999, '12:41:09'],
    [DAY, '1 d 00:00:00'],
    [51 * HOUR, '2 d 03:00:00'],
  ])('of %d ms counts down as %s', (ms, text) => expect(countdown(ms)).toBe(text));

  it.each([
    [-4_000, '0 s'],
    [4_000, '4 s'],
    [150_000, '2 min'],
    [3 * HOUR + 12 * MINUTE, '3 h 12 min'],
    [51 * HOUR, '2 d 3 h'],
  ])('of %d ms is roughly %s', (ms, text) => expect(roughly(ms)).toBe(text));

  it.each([
    [59_000, 'less than a minute'],
    [MINUTE, '1 minute'],
    [HOUR, '1 hour'],
    [2 * HOUR + MINUTE, '2 hours and 1 minute'],
  ])('of %d ms is spoken as %s', (ms, text) => expect(spoken(ms)).toBe(text));
});

describe('an instant', () => {
  it.each([
    ['2026-11-24T03:12:00Z', 'Tue 03:12'],
    ['2026-12-01T03:12:00Z', 'Tue 1 Dec 03:12'],
    ['2026-11-16T00:00:00Z', 'Mon 16 Nov 00:00'],
    ['2026-09-01T00:00:00Z', 'Tue 1 Sep 00:00'],
    ['2025-11-23T14:00:00Z', 'Sun 23 Nov 2025 14:00'],
  ])('%s is %s on a screen, by nearTime', (iso, text) => {
    expect(nearTime(iso, NOW, 'UTC')).toBe(text);
    expect(nearTime(Date.parse(iso), NOW, 'UTC')).toBe(text);
  });

  it.each([
    ['2026-11-24T03:12:00Z', 'Tue 24 Nov 04:12 CET'],
    ['2026-06-01T03:12:00Z', 'Mon 1 Jun 05:12 CEST'],
    ['2025-12-31T22:30:00Z', 'Wed 31 Dec 2025 23:30 CET'],
    // On New Year's night, the year is the year of the time zone, not of UTC.
    ['2025-12-31T23:30:00Z', 'Thu 1 Jan 00:30 CET'],
  ])('%s is %s in a text that may be kept, by fullTime', (iso, text) => {
    expect(fullTime(iso, NOW, 'Europe/Berlin')).toBe(text);
  });

  it('has the time of the time zone, even if the zone has another day', () => {
    expect(clockTime('2026-11-23T23:30:00Z', 'Europe/Berlin')).toBe('00:30');
  });

  it('in a sentence of the API is written in the time zone', () => {
    const sentence = 'lasts until 2026-11-24T03:12:00.000Z, not 2026-11-24T04:12Z (c2026-11-24)';
    expect(readableTimes(sentence, NOW, 'Europe/Berlin')).toBe(
      'lasts until Tue 24 Nov 04:12 CET, not Tue 24 Nov 05:12 CET (c2026-11-24)',
    );
  });
});

describe('a time that is kept', () => {
  it('has its day and month, however near, and its year if not this one', () => {
    const times = ['2026-11-23T12:00:00Z', '2027-01-02T03:04:00Z'];
    expect(times.map((iso) => datedTime(iso, NOW, 'UTC'))).toEqual([
      ...['Mon 23 Nov 12:00', 'Sat 2 Jan 2027 03:04'],
    ]);
    expect(monthYear('2031-03-31T23:30:00Z', 'UTC')).toBe('Mar 2031');
  });
});

it('hours of more than a year are written in years, rounded down', () => {
  expect([1, 8_760, 8_761, 43_799].map(hoursWords)).toEqual([
    ...['1 hour', '8760 hours', '1.0 years', '4.9 years'],
  ]);
});
