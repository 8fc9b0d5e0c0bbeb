import { formatUsd, type MicroUsd, microUsd } from '../lib/core/base/money.ts';

/**
 * An amount of the API, which has US dollars as a float, in whole micro-dollars, the nearest. Sums
 * are made of these. An amount below 0 counts as 0. Throws on NaN and on more than 9 billion dollars.
 */
export const micro = (usd: number): MicroUsd => microUsd(Math.max(0, Math.round(usd * 1e6)));

/** `$0.975`: exact, with 2 to 6 decimals. */
export const dollars = (usd: number): string => formatUsd(micro(usd));

/** The sum in US dollars, without the noise of adding floats. */
export const plusUsd = (...amounts: readonly number[]): number =>
  amounts.reduce((total, usd) => total + micro(usd), 0) / 1e6;

/**
 * How many started hours a budget pays at a plain price, both in US dollars; 0 without a price. The
 * API's own affordableHours may be one less: an hour across a month's end is billed twice.
 */
export function hoursFor(budgetUsd: number, hourlyUsd: number): number {
  const hourly = micro(hourlyUsd);
  return hourly === 0 ? 0 : Math.floor(micro(budgetUsd) / hourly);
}
