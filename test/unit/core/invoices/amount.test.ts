import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readAmount } from '../../../../lib/core/invoices/amount.ts';

it.each<[unknown, number]>([
  [5, 5_000_000],
  [0, 0],
  [-3.5, -3_500_000],
  [0.0075, 7_500],
  [0.000001, 1],
  [1e-6, 1],
  [123456789.123456, 123_456_789_123_456],
  ['0.0075', 7_500],
  ['$0.0075', 7_500],
  ['0,0075', 7_500],
  ['0.0075 USD', 7_500],
  ['US$ 1,234.56', 1_234_560_000],
  ['1.234,56', 1_234_560_000],
  ['1.234.567', 1_234_567_000_000],
  ["1'234.5", 1_234_500_000],
  ['1,5', 1_500_000],
  ['−0.02', -20_000],
  ['.5', 500_000],
])('reads %j exactly', (text, micro) => {
  expect(readAmount(text)).toEqual({ value: micro, isExact: true });
});

it.each<[unknown, number]>([
  ['0.00694444', 6_945],
  [0.0000001, 1],
  [-0.0000001, -1],
  ['-1.0000005', -1_000_001],
])('counts the millionth that %j has begun, and says so', (text, micro) => {
  expect(readAmount(text)).toEqual({ value: micro, isExact: false });
});

it.each([0.1 + 0.2, 0.1 * 3, 1.1 + 2.2])('drops the noise of a float, as in %j', (noisy) => {
  expect(readAmount(noisy)).toEqual({ value: Math.round(noisy * 1e6), isExact: true });
});

it.each([
  null,
  undefined,
  true,
  {},
  '',
  'free',
  '1,234',
  '1.2.3',
  '12e3',
  '1234567890',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e21,
  '--1',
])('takes %j for no amount', (text) => {
  expect(readAmount(text)).toBeNull();
});

it('reads every amount of micro-dollars as it is written, as a number and as a text', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e14, max: 1e14 }), (micro) => {
      const text = `${micro < 0 ? '-' : ''}${Math.floor(Math.abs(micro) / 1e6)}.${String(Math.abs(micro) % 1e6).padStart(6, '0')}`;
      const expected = { value: micro, isExact: true };
      expect(readAmount(text)).toEqual(expected);
      expect(readAmount(text.replace('.', ','))?.value ?? micro).toBe(micro);
      expect(readAmount(Number(text))).toEqual(expected);
    }),
  );
});
