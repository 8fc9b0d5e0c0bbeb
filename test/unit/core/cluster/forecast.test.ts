import { expect, it } from 'vitest';
import { minutes } from '../../../../lib/core/base/units.ts';
import { forecastOf } from '../../../../lib/core/cluster/forecast.ts';
import { quoteOf } from '../../../../lib/core/cluster/quote.ts';
import { aBought, aSpec, at, usd } from '../../../support/builders.ts';

const forecast = (from: string, { transferGb = null as number | null } = {}) => {
  const spec = aSpec({ nodes: 2, budget: usd(1), transferGb });
  const bought = aBought({ transfer: { gb: 100, gbPrice: usd(0.005) } });
  const quote = quoteOf(spec, bought, minutes(3), at(from));
  return { quote, forecast: forecastOf(spec, bought, quote) };
};

it('is what the quote says is billed by the teardown', () => {
  const { quote, forecast: byMonth } = forecast('2026-11-10T15:00:00Z');
  expect(byMonth).toEqual({ '2026-11': quote.spentAtTeardown });
  expect(quote.spentAtTeardown).toBe(usd(0.99));
});

it('is split where the life crosses the end of a month, with the hour across it in both', () => {
  const { quote, forecast: byMonth } = forecast('2026-11-30T20:30:00Z');
  expect(byMonth).toEqual({ '2026-11': usd(4 * 0.015), '2026-12': usd(62 * 0.015) });
  expect(quote.spentAtTeardown).toBe(usd(66 * 0.015));
});

it('has what the budget holds back for transfer, split as the hours', () => {
  const { quote, forecast: byMonth } = forecast('2026-11-30T20:30:00Z', { transferGb: 40 });
  expect(quote.transfer?.reserved).toBeGreaterThan(0);
  expect(Object.values(byMonth).reduce((all, one) => all + one, 0)).toBe(quote.spentAtTeardown);
  const share = (byMonth['2026-11'] ?? 0) / quote.spentAtTeardown;
  const hours = quote.spentAtTeardown - (quote.transfer?.reserved ?? 0);
  expect(share).toBeCloseTo((4 * 15_000) / hours, 5);
});
