import { safeInteger } from '../base/units.ts';

declare const brand: unique symbol;

/**
 * Millionths of a US dollar on an invoice, of either sign: credits are negative. Floats never hold
 * an amount.
 */
export type Amount = number & { readonly [brand]: 'Amount' };

export interface ReadAmount {
  readonly value: Amount;
  /** false: the text has decimals beyond the sixth; `value` is the next one away from zero. */
  readonly isExact: boolean;
}

const DECIMALS = 6;
/** Digits that a float keeps. Linode's own sums may have noise beyond them. */
const FLOAT_DIGITS = 15;
const WHOLE_DIGITS_MAX = 9;

/** Throws a RangeError on anything but a safe integer. */
export const amount = (value: number): Amount => safeInteger(value) as Amount;

export const NO_AMOUNT = amount(0);

export const sumOf = (amounts: readonly number[]): Amount =>
  amount(amounts.reduce((total, one) => total + one, 0));

/**
 * Reads an amount of an invoice: a JSON number, or a decimal in a string as any locale writes it,
 * with a sign of the currency or without. null: it is no amount below a billion dollars, or it is
 * not clear whether `1,234` means a thousand.
 */
export function readAmount(value: unknown): ReadAmount | null {
  const text = typeof value === 'number' ? numberText(value) : value;
  if (typeof text !== 'string') return null;
  const plain = text
    .normalize('NFKC')
    .replaceAll(/usd|us|[$\s'’]/gi, '')
    .replace(/^[−–]/, '-');
  const match = /^([+-]?)([\d.,]+)$/.exec(plain);
  const digits = match?.[2] === undefined ? null : decimalIn(match[2]);
  if (match === null || digits === null) return null;
  const { whole, decimals } = digits;
  if (whole.length > WHOLE_DIGITS_MAX) return null;
  const micro =
    Number(whole) * 10 ** DECIMALS + Number(decimals.slice(0, DECIMALS).padEnd(DECIMALS, '0'));
  const isExact = /^0*$/.test(decimals.slice(DECIMALS));
  const size = isExact ? micro : micro + 1;
  return { value: amount(match[1] === '-' && size !== 0 ? -size : size), isExact };
}

/** The digits of the JSON, without an exponent; null: no finite number. */
function numberText(value: number): string | null {
  if (!Number.isFinite(value)) return null;
  const text = String(value);
  const digits = text.replace(/e.*$/, '').replaceAll(/[^\d]/g, '').replace(/^0+/, '').length;
  if (!text.includes('e') && digits <= FLOAT_DIGITS) return text;
  // An exponent means less than a millionth of a dollar, or more than any invoice.
  return Math.abs(value) < 1
    ? value.toFixed(FLOAT_DIGITS)
    : `${Number(value.toPrecision(FLOAT_DIGITS))}`;
}

interface Digits {
  readonly whole: string;
  readonly decimals: string;
}

/** The last separator is that of decimals, unless it stands more than once. */
function decimalIn(text: string): Digits | null {
  const last = Math.max(text.lastIndexOf('.'), text.lastIndexOf(','));
  if (last < 0) return { whole: text, decimals: '' };
  const [separator] = text.slice(last);
  const isOnce = text.indexOf(separator ?? '') === last;
  const [head, tail] = [text.slice(0, last), text.slice(last + 1)];
  const isGrouped = /^[1-9]\d{0,2}([.,]\d{3})*$/.test(head) && tail.length === 3;
  if (!isOnce) return isGrouped ? { whole: plainDigits(text), decimals: '' } : null;
  // A point is what the API writes; of a comma after 1 to 999 it is not clear.
  if (separator === ',' && isGrouped && !head.includes('.')) return null;
  if (!/^(\d+|\d{1,3}([.,]\d{3})*)?$/.test(head) || tail === '') return null;
  return { whole: plainDigits(head) || '0', decimals: tail };
}

const plainDigits = (text: string): string => text.replaceAll(/[.,]/g, '');
