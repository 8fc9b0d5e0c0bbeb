import { formatUsd, type MicroUsd, microUsd } from '../../lib/core/base/money.ts';

/** Sums are made of whole micro-dollars, as everywhere: the API's dollars are floats. */
export const micro = (usd: number): MicroUsd => microUsd(Math.max(0, Math.round(usd * 1e6)));

export const dollars = (usd: number): string => formatUsd(micro(usd));

export const plusUsd = (one: number, other: number): number => (micro(one) + micro(other)) / 1e6;

/** How many started hours a budget pays, by the plain price: a month's end may take one away. */
export function hoursFor(budgetUsd: number, hourlyUsd: number): number {
  const hourly = micro(hourlyUsd);
  return hourly === 0 ? 0 : Math.floor(micro(budgetUsd) / hourly);
}
