import { safeInteger } from './units.ts';

declare const brand: unique symbol;

/** Millionths of a US dollar, never negative. 0.0075 USD is 7 500. Floats never hold money. */
export type MicroUsd = number & { readonly [brand]: 'MicroUsd' };

export type ParsedUsd =
  | { readonly ok: true; readonly value: MicroUsd }
  /** The fault, which reads on from the name of the field: "must be …". */
  | { readonly ok: false; readonly fault: string };

const MICRO_PER_USD = 1_000_000;
const DECIMALS_MAX = 6;
/** 1e9 USD: far above any budget; amounts up to it have at most 15 digits, which a float keeps. */
const PARSED_USD_MAX = 1_000_000_000;

/** Throws a RangeError on anything but a safe integer of at least 0: any other value is a bug. */
export function microUsd(value: number): MicroUsd {
  if (safeInteger(value) < 0) throw new RangeError(`${value} micro-dollars are less than none`);
  return value as MicroUsd;
}

/**
 * Parses an amount that a client or an operator wrote: a JSON number, or a string of digits with at
 * most one point. Takes 0 to 1e9 USD with at most 6 decimals, and never rounds.
 */
export function parseUsd(value: unknown): ParsedUsd {
  const text = typeof value === 'number' ? asWritten(value) : value;
  const match = typeof text === 'string' ? /^(\d+)(?:\.(\d+))?$/.exec(text) : null;
  if (match === null) return fault('must be an amount in US dollars, such as 2.5');
  const [, whole = '', decimals = ''] = match;
  if (decimals.length > DECIMALS_MAX) return fault(`must have at most ${DECIMALS_MAX} decimals`);
  // Number() of a string of digits is exact below 2^53; a larger amount fails the bound below.
  const dollars = Number(whole);
  const micro = Number(decimals.padEnd(DECIMALS_MAX, '0'));
  if (dollars > PARSED_USD_MAX || (dollars === PARSED_USD_MAX && micro > 0)) {
    return fault(`must be at most ${PARSED_USD_MAX} US dollars`);
  }
  return { ok: true, value: microUsd(dollars * MICRO_PER_USD + micro) };
}

/**
 * Converts a price of Linode's API, in USD. Decimals beyond the sixth are rounded up, so that no
 * bill is underestimated. A remainder below a trillionth of the price is float noise and is
 * dropped. Throws a RangeError on a negative price or NaN.
 */
export function priceToMicroUsd(dollars: number): MicroUsd {
  if (!(dollars >= 0)) throw new RangeError(`${dollars} USD is no price`);
  const micro = dollars * MICRO_PER_USD;
  const nearest = Math.round(micro);
  const isNoise = Math.abs(micro - nearest) <= nearest * 1e-12;
  return microUsd(isNoise ? nearest : Math.ceil(micro));
}

/**
 * The amount in US dollars, for JSON: the nearest float, which JSON prints with at most 6 decimals.
 * `parseUsd` reads it back as the same amount, up to its bound of 1e9 USD.
 */
export const toUsd = (amount: MicroUsd): number => amount / MICRO_PER_USD;

/**
 * The exact amount as text, such as `$0.975`: 2 to 6 decimals, and no trailing zeros after the
 * second.
 */
export function formatUsd(amount: MicroUsd): string {
  const decimals = String(amount % MICRO_PER_USD).padStart(DECIMALS_MAX, '0');
  const dollars = Math.floor(amount / MICRO_PER_USD);
  return `$${dollars}.${decimals.slice(0, 2)}${decimals.slice(2).replace(/0+$/, '')}`;
}

/** `count` is a whole number of at least 0. */
export const times = (amount: MicroUsd, count: number): MicroUsd =>
  microUsd(amount * safeInteger(count));

export const sum = (amounts: readonly MicroUsd[]): MicroUsd =>
  microUsd(amounts.reduce((total, amount) => total + amount, 0));

/**
 * Splits the amount by the shares of `whole`, which together are at most `whole`: each part is its
 * share of the amount to a micro-dollar, and if the shares are all of `whole`, the parts are all of
 * the amount.
 */
export function split(
  amount: MicroUsd,
  shares: readonly MicroUsd[],
  whole: MicroUsd,
): readonly MicroUsd[] {
  if (whole === 0) return shares.map(() => microUsd(0));
  let counted = 0;
  /** The products are beyond what a float holds. */
  const upTo = (share: number) => Number((BigInt(amount) * BigInt(share)) / BigInt(whole));
  return shares.map((share) => {
    const before = upTo(counted);
    counted += share;
    return microUsd(upTo(counted) - before);
  });
}

const fault = (message: string): ParsedUsd => ({ ok: false, fault: message });

/**
 * The shortest decimal that reads back as `value`, without an exponent: for a number from JSON, the
 * digits that the JSON had.
 */
function asWritten(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  // JavaScript writes an exponent below 1e-6 and from 1e21 on. `parseUsd` refuses both: too many
  // decimals, or too large.
  return value < 1 ? value.toFixed(20) : String(BigInt(value));
}
