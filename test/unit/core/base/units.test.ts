import { describe, expect, it } from 'vitest';
import { durationMs, earliest, epochMs, latest } from '../../../../lib/core/base/units.ts';

describe('instants and lengths of time', () => {
  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('are never %s', (value) => {
    expect(() => epochMs(value)).toThrow(RangeError);
    expect(() => durationMs(-value)).toThrow(`${-value} is not a safe integer`);
  });

  it('have an earliest and a latest of one or of several', () => {
    const [first, second, third] = [epochMs(-1), epochMs(0), epochMs(7)];
    expect([earliest(second), latest(second)]).toEqual([second, second]);
    expect([earliest(third, first, second), latest(second, third, first)]).toEqual([first, third]);
  });
});
