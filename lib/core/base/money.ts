import { safeInteger } from './units.ts';

declare const brand: unique symbol;

/** Millionths of a US dollar, never negative. 0.0075 USD is 7 500. Floats never hold money. */
export type MicroUsd = number & { readonly [brand]: 'MicroUsd' };

export type ParsedUsd =
  | { readonly ok: true; readonly value: MicroUsd }
  /** What is wrong, to be read after the name of what was parsed: "must be …". */
  | { readonly ok: false; readonly fault: string };

const MICRO_PER_USD = 1_000_000;
const DECIMALS_MAX = 6;
/** 1e9 USD: far above any budget, and low enough that 15 digits hold it to the last decimal. */
const PARSED_USD_MAX = 1_000_000_000;

/** Throws on anything but a safe integer of at least 0: another amount would be a bug of ours. */
export function microUsd(value: number): MicroUsd {
  if (safeInteger(value) < 0) throw new RangeError(`${value} micro-dollars are less than none`);
  return value as MicroUsd;
}

/**
 * Reads an amount from outside: a JSON number, or a string of digits with at most one point.
 * From 0 to 1e9 USD with at most 6 decimals, taken as written: nothing is ever rounded.
 */
export function parseUsd(value: unknown): ParsedUsd {
  const text = typeof value === 'number' ? asWritten(value) : value;
  const match = typeof text === 'string' ? /^(\d+)(?:\.(\d+))?$/.exec(text) : null;
  if (match === null) return fault('must be an amount in US dollars, such as 2.5 or "2.50"');
  const [, whole = '', decimals = ''] = match;
  if (decimals.length > DECIMALS_MAX) return fault(`must have at most ${DECIMALS_MAX} decimals`);
  // Number() of digits alone is exact below 2^53, and too large where it is not.
  const dollars = Number(whole);
  const micro = Number(decimals.padEnd(DECIMALS_MAX, '0'));
  if (dollars > PARSED_USD_MAX || (dollars === PARSED_USD_MAX && micro > 0)) {
    return fault(`must be at most ${PARSED_USD_MAX} US dollars`);
  }
  return { ok: true, value: microUsd(dollars * MICRO_PER_USD + micro) };
}

/**
 * A price as Linode gives it, in USD. What lies beyond 6 decimals is rounded up, the dearer way.
 * A rest of less than a trillionth of the price is a float's noise, and dropped. Throws on a price
 * that is negative or no number.
 */
export function priceToMicroUsd(dollars: number): MicroUsd {
  if (!(dollars >= 0)) throw new RangeError(`${dollars} USD is no price`);
  const micro = dollars * MICRO_PER_USD;
  const nearest = Math.round(micro);
  const isNoise = Math.abs(micro - nearest) <= nearest * 1e-12;
  return microUsd(isNoise ? nearest : Math.ceil(micro));
}

/**
 * For JSON. Rounds to the nearest float, which JSON prints with at most 6 decimals, and which
 * `parseUsd` reads back as the same amount, up to its own bound.
 */
export const toUsd = (amount: MicroUsd): number => amount / MICRO_PER_USD;

/** `$0.975`: exact, with 2 to 6 decimals, of which those beyond the second end in no 0. */
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

const fault = (message: string): ParsedUsd => ({ ok: false, fault: message });

/** The shortest decimal that reads back as the number: for one from JSON, what stood there. */
function asWritten(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  // JavaScript writes exponents below 1e-6 and from 1e21 on: too many decimals, and too much.
  return value < 1 ? value.toFixed(20) : String(BigInt(value));
}
