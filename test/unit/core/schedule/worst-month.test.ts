import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../../../lib/core/base/units.ts';
import { occurrenceAfter } from '../../../../lib/core/schedule/cron.ts';
import { faultOfNoCap, mostRunsInMonth } from '../../../../lib/core/schedule/worst-month.ts';
import { usd } from '../../../support/builders.ts';

const NOW = epochMs(Date.parse('2026-11-10T10:00:00Z'));

describe('the most runs in a month', () => {
  it.each([
    ['* * * * *', 44_640],
    ['*/15 * * * *', 2_976],
    ['30 2 * * *', 31],
    ['30 2 * * MON-FRI', 23],
    ['0 4 1 * *', 1],
    ['0,30 4,5 1,15 * *', 8],
    ['0 0 * 2 *', 29],
    ['0 0 29 2 *', 1],
  ])('of %s are %i', (cron, runs) => {
    expect(mostRunsInMonth(cron, NOW)).toBe(runs);
  });

  it('are as many as the occurrences of the fullest month', () => {
    const field = (from: number, to: number) =>
      fc.oneof(
        fc.constant('*'),
        fc
          .uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 3 })
          .map((named) => named.join(',')),
      );
    const cron = fc.tuple(
      fc.constantFrom('0', '7,50'),
      field(0, 23),
      field(1, 28),
      field(1, 12),
      fc.constant('*'),
    );
    fc.assert(
      fc.property(cron, (fields) => {
        const expression = fields.join(' ');
        const counts = new Map<string, number>();
        const end = Date.parse('2030-11-01T00:00:00Z');
        let at = occurrenceAfter(expression, 'UTC', epochMs(Date.parse('2026-10-31T23:59:00Z')));
        while (at !== null && at < end) {
          const month = new Date(at).toISOString().slice(0, 7);
          counts.set(month, (counts.get(month) ?? 0) + 1);
          at = occurrenceAfter(expression, 'UTC', at);
        }
        expect(mostRunsInMonth(expression, NOW)).toBe(Math.max(0, ...counts.values()));
      }),
      { numRuns: 5 },
    );
  });
});

it('a month that may cost more than $1,000 must have a cap', () => {
  expect(faultOfNoCap(1_000, usd(1))).toBeNull();
  expect(faultOfNoCap(44_640, usd(1))).toBe(
    '44640 runs a month at up to $1.00 may cost $44640.00: above $1000.00 a month, a schedule must ' +
      'have a monthly cap',
  );
});
