import { formatUsd, type MicroUsd, microUsd } from '../lib/core/base/money.ts';

/**
 * US dollars, which the API's JSON has as a float, in whole micro-dollars, rounded to the nearest.
 * An amount below 0 counts as 0. Throws a RangeError on NaN and on more than 9 billion dollars.
 */
export const micro = (usd: number): MicroUsd => microUsd(Math.max(0, Math.round(usd * 1e6)));

/** The same of an amount that may be below 0, such as a difference. */
export const signedMicro = (usd: number): number => Math.round(usd * 1e6);

/** `+$0.01`, `−$0.01` or `$0.00`: how much more one amount is than another. */
export const difference = (usd: number): string => {
  const amount = signedMicro(usd);
  const text = formatUsd(microUsd(Math.abs(amount)));
  return amount === 0 ? text : `${amount < 0 ? '−' : '+'}${text}`;
};

/** What Linode has invoiced, which a credit may bring below 0: `$0.975` or `−$0.01`. */
export const invoiced = (usd: number): string => (usd < 0 ? difference(usd) : dollars(usd));

/** `$0.975`: exact, with 2 to 6 decimals. */
export const dollars = (usd: number): string => formatUsd(micro(usd));

/** The sum of amounts in US dollars, added as micro-dollars, since sums of floats are inexact. */
export const plusUsd = (...amounts: readonly number[]): number =>
  amounts.reduce((total, usd) => total + micro(usd), 0) / 1e6;

/**
 * How many started hours a budget pays at an hourly price, both in US dollars; 0 without a price.
 * The API's affordableHours may be one less, where an hour across a month's end is billed twice.
 */
export function hoursFor(budgetUsd: number, hourlyUsd: number): number {
  const hourly = micro(hourlyUsd);
  return hourly === 0 ? 0 : Math.floor(micro(budgetUsd) / hourly);
}

/** A large amount to read at a glance, in whole dollars from $1,000 on: `$44,640`, `$31.50`. */
export const roundDollars = (usd: number): string =>
  usd < 1_000
    ? dollars(usd)
    : new Intl.NumberFormat('en-US', {
        ...{ style: 'currency', currency: 'USD', maximumFractionDigits: 0 },
      }).format(Math.ceil(usd));
