import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../../../../lib/core/base/units.ts';
import {
  capMonthOf,
  lastEnded,
  monthPeriod,
} from '../../../../../lib/core/notices/digest/period.ts';
import { at } from '../../../../support/builders.ts';

describe('the last period that had ended', () => {
  it.each([
    ['on a Thursday', '2026-11-26T11:00:00Z', '2026-W47', '2026-11-16', '2026-11-23'],
    ['a moment before Monday', '2026-11-22T23:59:59.999Z', '2026-W46', '2026-11-09', '2026-11-16'],
    ['as Monday begins', '2026-11-23T00:00:00Z', '2026-W47', '2026-11-16', '2026-11-23'],
    ['across a new year', '2027-01-05T00:00:00Z', '2026-W53', '2026-12-28', '2027-01-04'],
    ['in a year that begins late', '2025-01-07T00:00:00Z', '2025-W01', '2024-12-30', '2025-01-06'],
  ])('is %s the week from Monday to Sunday', (_, now, name, from, to) => {
    const [start, end] = [at(`${from}T00:00:00Z`), at(`${to}T00:00:00Z`)];
    expect(lastEnded('weekly', at(now))).toEqual({ kind: 'week', name, start, end });
  });

  it('is by month the calendar month before', () => {
    expect(lastEnded('monthly', at('2026-12-01T00:00:00Z'))).toEqual(monthPeriod('2026-11'));
    expect(lastEnded('monthly', at('2026-12-31T23:00:00Z'))).toEqual(monthPeriod('2026-11'));
    expect(lastEnded('monthly', at('2027-01-01T00:00:00Z')).name).toBe('2026-12');
  });

  it('has ended, less than its own length ago, and has the name of no other', () => {
    const instant = fc.integer({ min: 1e10, max: 4e12 }).map(epochMs);
    fc.assert(
      fc.property(instant, instant, fc.constantFrom('weekly', 'monthly'), (a, b, every) => {
        const [one, other] = [lastEnded(every, a), lastEnded(every, b)];
        expect(one.end).toBeLessThanOrEqual(a);
        expect(a - one.end).toBeLessThan(31 * 86_400_000);
        if (every === 'weekly') expect(a - one.end).toBeLessThan(7 * 86_400_000);
        expect(one.name === other.name).toBe(one.start === other.start);
      }),
    );
  });

  it('shows the cap of the month in which it ended', () => {
    expect(capMonthOf(lastEnded('weekly', at('2026-11-02T08:00:00Z')))).toBe('2026-11');
    expect(capMonthOf(lastEnded('weekly', at('2026-06-01T08:00:00Z')))).toBe('2026-05');
    expect(capMonthOf(monthPeriod('2026-11'))).toBe('2026-11');
  });
});
