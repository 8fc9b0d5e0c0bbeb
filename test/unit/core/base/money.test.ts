import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatUsd,
  microUsd,
  parseUsd,
  priceToMicroUsd,
  split,
  sum,
  times,
  toUsd,
} from '../../../../lib/core/base/money.ts';

const parsed = (value: number) => ({ ok: true, value });
const refused = (fault: string) => ({ ok: false, fault });
const NO_AMOUNT = refused('must be an amount in US dollars, such as 2.5');

describe('microUsd', () => {
  it('takes whole micro-dollars of at least 0', () => {
    expect(microUsd(0)).toBe(0);
    expect(microUsd(7_500)).toBe(7_500);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('throws on %d', (value) => {
    expect(() => microUsd(value)).toThrow(RangeError);
    expect(() => microUsd(value)).toThrow(`${value}`);
  });
});

describe('parseUsd', () => {
  it.each([
    [1, 1_000_000],
    [0, 0],
    [-0, 0],
    [0.1, 100_000],
    [0.0075, 7_500],
    [1.1, 1_100_000],
    [4.35, 4_350_000],
    [0.000001, 1],
    [1_000_000_000, 1_000_000_000_000_000],
    [999_999_999.999999, 999_999_999_999_999],
    ['1', 1_000_000],
    ['2.50', 2_500_000],
    ['0.000001', 1],
    ['007', 7_000_000],
    ['1000000000.000000', 1_000_000_000_000_000],
  ])('reads %j', (value, micro) => {
    expect(parseUsd(value)).toEqual(parsed(micro));
  });

  it.each([
    -1,
    -0.5,
    -5e-7,
    -1e21,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    ' 1',
    '1 ',
    '1\n',
    '-1',
    '+1',
    '.5',
    '1.',
    '1e3',
    '1,5',
    '$1',
    '0x10',
    '١',
    'NaN',
    null,
    undefined,
    true,
    [1],
    { valueOf: () => 1 },
    1n,
  ])('refuses %s as no amount', (value) => {
    expect(parseUsd(value)).toEqual(NO_AMOUNT);
  });

  it.each([0.0000001, 1.0000001, 0.1 + 0.2, 5e-7, 1e-300, '1.0000000'])(
    'refuses %s for its decimals, instead of rounding',
    (value) => {
      expect(parseUsd(value)).toEqual(refused('must have at most 6 decimals'));
    },
  );

  it.each([1_000_000_001, 1_000_000_000.000001, 1e21, 1e300, '1000000000.000001', '9'.repeat(400)])(
    'refuses %s as too large',
    (value) => {
      expect(parseUsd(value)).toEqual(refused('must be at most 1000000000 US dollars'));
    },
  );

  it('reads back every amount that toUsd writes, through JSON as a number or a string', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (value) => {
        const json = JSON.stringify(toUsd(microUsd(value)));
        expect(parseUsd(JSON.parse(json))).toEqual(parsed(value));
        expect(parseUsd(json)).toEqual(parsed(value));
        expect(parseUsd(formatUsd(microUsd(value)).slice(1))).toEqual(parsed(value));
      }),
    );
  });

  it('returns an amount or a fault for any value', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const result = parseUsd(value);
        if (result.ok) expect(['number', 'string']).toContain(typeof value);
        else expect(result.fault).toMatch(/^must /);
      }),
    );
  });
});

describe('priceToMicroUsd', () => {
  it.each([
    [0.0075, 7_500],
    [0.0105, 10_500],
    [0.129, 129_000],
    [0.2595, 259_500],
    [1.1, 1_100_000],
    [2_765, 2_765_000_000],
    [0, 0],
  ])('converts %d exactly', (dollars, micro) => {
    expect(priceToMicroUsd(dollars)).toBe(micro);
  });

  it('rounds up a price with more than 6 decimals', () => {
    expect(priceToMicroUsd(0.0075001)).toBe(7_501);
    expect(priceToMicroUsd(0.0000001)).toBe(1);
    expect(priceToMicroUsd(1e-12)).toBe(1);
    expect(priceToMicroUsd(30.0000000001)).toBe(30_000_001);
  });

  it('ignores the noise of floats', () => {
    expect(priceToMicroUsd(0.1 + 0.2)).toBe(300_000);
    expect(priceToMicroUsd(1.1 * 3)).toBe(3_300_000);
    expect(priceToMicroUsd(0.3 - 0.1)).toBe(200_000);
  });

  it.each([-1, -1e-9, Number.NaN, Number.POSITIVE_INFINITY])('throws on %d', (dollars) => {
    expect(() => priceToMicroUsd(dollars)).toThrow(RangeError);
    expect(() => priceToMicroUsd(dollars)).toThrow(`${dollars}`);
  });

  it('is never below the price, nor more than a micro-dollar above it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 10_000, noNaN: true }), (dollars) => {
        const micro = priceToMicroUsd(dollars);
        expect(micro).toBeGreaterThanOrEqual(dollars * 1e6 * (1 - 2e-12));
        expect(micro).toBeLessThanOrEqual(dollars * 1e6 + 1);
      }),
    );
  });

  it('is the inverse of toUsd', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e10 }), (value) => {
        expect(priceToMicroUsd(toUsd(microUsd(value)))).toBe(value);
      }),
    );
  });
});

describe('formatUsd', () => {
  it.each([
    [0, '$0.00'],
    [975_000, '$0.975'],
    [1_000_000, '$1.00'],
    [1_500_000, '$1.50'],
    [7_500, '$0.0075'],
    [1, '$0.000001'],
    [1_234_567_890_000, '$1234567.89'],
  ])('writes %d micro-dollars as %s', (micro, text) => {
    expect(formatUsd(microUsd(micro))).toBe(text);
  });
});

describe('sums and products', () => {
  it('add and multiply whole micro-dollars', () => {
    expect(sum([])).toBe(0);
    expect(sum([microUsd(1), microUsd(2)])).toBe(3);
    expect(times(microUsd(7_500), 10)).toBe(75_000);
    expect(times(microUsd(7_500), 0)).toBe(0);
  });

  it('throw where the result is no safe integer', () => {
    const most = microUsd(Number.MAX_SAFE_INTEGER);
    expect(() => times(most, 2)).toThrow(RangeError);
    expect(() => times(most, 0.5)).toThrow(RangeError);
    expect(() => sum([most, microUsd(1)])).toThrow(RangeError);
  });
});

describe('split', () => {
  const parts = (amount: number, shares: readonly number[], whole: number) =>
    split(microUsd(amount), shares.map(microUsd), microUsd(whole));

  it('gives each share its part, and all shares all of the amount', () => {
    expect(parts(10, [1, 1, 1], 3)).toEqual([3, 3, 4]);
    expect(parts(10, [1, 1], 4)).toEqual([2, 3]);
    expect(parts(10, [0, 0], 0)).toEqual([0, 0]);
    expect(parts(7, [], 7)).toEqual([]);
  });

  it('is exact for any amounts, to the micro-dollar', () => {
    const micro = fc.nat(2 ** 45);
    fc.assert(
      fc.property(micro, fc.array(micro, { minLength: 1, maxLength: 20 }), (amount, shares) => {
        const whole = shares.reduce((total, share) => total + share, 0);
        fc.pre(whole > 0);
        const split = parts(amount, shares, whole);
        expect(sum(split)).toBe(amount);
        for (const [index, share] of shares.entries()) {
          const exact = (BigInt(amount) * BigInt(share)) / BigInt(whole);
          expect(Math.abs((split[index] ?? 0) - Number(exact))).toBeLessThanOrEqual(1);
        }
        expect(parts(whole, shares, whole)).toEqual(shares);
      }),
    );
  });
});
