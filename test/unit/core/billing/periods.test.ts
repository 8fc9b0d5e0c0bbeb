import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sum } from '../../../../lib/core/base/money.ts';
import { type EpochMs, epochMs, hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { type BilledNode, spend } from '../../../../lib/core/billing/bill.ts';
import { spanAt, spendIn } from '../../../../lib/core/billing/periods.ts';
import { at, usd } from '../../../support/builders.ts';

describe('spanAt', () => {
  it.each([
    ['day', '2026-11-26T23:59:59.999Z', '2026-11-26', '2026-11-26', '2026-11-27'],
    ['week', '2026-11-29T23:59:59.999Z', 'w2026-11-23', '2026-11-23', '2026-11-30'],
    ['week', '2026-11-30T00:00:00Z', 'w2026-11-30', '2026-11-30', '2026-12-07'],
    ['week', '2027-01-01T12:00:00Z', 'w2026-12-28', '2026-12-28', '2027-01-04'],
    ['month', '2028-02-29T12:00:00Z', '2028-02', '2028-02-01', '2028-03-01'],
  ] as const)('of a %s, %s is in %s', (period, instant, name, start, end) => {
    const days = { start: at(`${start}T00:00:00Z`), end: at(`${end}T00:00:00Z`) };
    expect(spanAt(period, at(instant))).toEqual({ name, ...days });
  });
});

describe('spendIn', () => {
  const node = (from: string, until: string | null, monthly: number | null = 5): BilledNode => ({
    billedFrom: at(from),
    billedUntil: until === null ? null : at(until),
    price: { hourly: usd(0.0075), monthly: monthly === null ? null : usd(monthly) },
  });
  const day = spanAt('day', at('2026-11-26T12:00:00Z'));

  it.each([
    ['2026-11-26T10:00:00Z', '2026-11-26T11:00:01Z', 2],
    ['2026-11-25T23:30:00Z', '2026-11-26T00:00:01Z', 1], // one hour in all, on both days
    ['2026-11-25T22:30:00Z', '2026-11-26T01:00:00Z', 2],
    ['2026-11-26T23:59:00Z', '2026-11-27T05:00:00Z', 1],
    ['2026-11-24T00:00:00Z', '2026-11-26T00:00:00Z', 0],
    ['2026-11-27T00:00:00Z', '2026-11-27T01:00:00Z', 0],
    ['2026-11-20T00:00:00Z', null, 12],
    // The clock that wrote the end was behind: still an hour.
    ['2026-11-26T10:00:00Z', '2026-11-26T09:59:00Z', 1],
  ] as const)('of a node from %s to %s counts %i hours of the day', (from, until, started) => {
    const now = at('2026-11-26T12:00:00Z');
    expect(spendIn([node(from, until)], day, now)).toBe(started * 7_500);
  });

  it('counts no more than the monthly price lets Linode bill', () => {
    const week = spanAt('week', at('2026-11-26T12:00:00Z'));
    const cheap = node('2026-11-23T00:00:00Z', null, 0.5);
    expect(spendIn([cheap], week, week.end)).toBe(usd(0.5));
  });

  it('is never more than the bill, and all days together never less', () => {
    const aNode = fc
      .tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 20_000 }))
      .map(([after, lasts]): BilledNode => {
        const billedFrom = plus(at('2026-11-20T00:00:00Z'), minutes(after));
        const price = { hourly: usd(0.0075), monthly: usd(5) };
        return { billedFrom, billedUntil: plus(billedFrom, minutes(lasts)), price };
      });
    const daysFrom = (start: EpochMs) =>
      Array.from({ length: 32 }, (_, index) => spanAt('day', plus(start, hours(24 * index))));
    fc.assert(
      fc.property(fc.array(aNode, { maxLength: 4 }), (nodes) => {
        const end = epochMs(Date.UTC(2027, 0, 1));
        const bills = daysFrom(at('2026-11-20T00:00:00Z')).map((one) => spendIn(nodes, one, end));
        const whole = spend(nodes, end);
        for (const bill of bills) expect(bill).toBeLessThanOrEqual(whole);
        // November's and December's bills count the hour between them twice, as both days do.
        expect(sum(bills)).toBeGreaterThanOrEqual(whole);
      }),
    );
  });
});
