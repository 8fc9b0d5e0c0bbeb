import { describe, expect, it } from 'vitest';
import { createRateLimit } from '../../../lib/app/rate-limit.ts';
import { minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { LAUNCH } from '../../support/builders.ts';
import { aClock } from '../../support/doubles.ts';

const threeEachTenSeconds = () => {
  const clock = aClock(LAUNCH);
  const limit = createRateLimit(clock, { burst: 3, every: seconds(10) });
  const taken = (times: number, subject = 'ann') =>
    Array.from({ length: times }, () => limit.take(subject)).filter(Boolean).length;
  return { clock, taken };
};

describe('a rate limit', () => {
  it('lets a subject do it as often as its burst at once, and each subject by itself', () => {
    const { taken } = threeEachTenSeconds();
    expect([taken(1_000), taken(1_000), taken(2, 'bob')]).toEqual([3, 0, 2]);
  });

  it('then gives one more each ten seconds, and never more than the burst', () => {
    const { clock, taken } = threeEachTenSeconds();
    taken(3);
    clock.set(plus(LAUNCH, seconds(9)));
    expect(taken(1)).toBe(0);
    clock.set(plus(LAUNCH, seconds(10)));
    expect(taken(5)).toBe(1);
    clock.set(plus(LAUNCH, seconds(31)));
    expect(taken(5)).toBe(2);
    clock.set(plus(LAUNCH, minutes(60)));
    expect(taken(5)).toBe(3);
  });

  it('is whole again after a clock that is set back', () => {
    const { clock, taken } = threeEachTenSeconds();
    taken(3);
    clock.set(plus(LAUNCH, minutes(-60)));
    expect(taken(5)).toBe(3);
  });

  it('remembers ten thousand subjects, and forgets the one that came first', () => {
    const { taken } = threeEachTenSeconds();
    taken(3, 'first');
    for (let index = 0; index < 9_999; index += 1) taken(1, `subject ${index}`);
    expect(taken(1, 'first')).toBe(0);
    taken(1, 'one more');
    expect(taken(5, 'first')).toBe(3);
  });
});
