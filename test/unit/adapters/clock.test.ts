import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../lib/adapters/clock.ts';
import { epochMs, hours, minutes, plus, seconds } from '../../../lib/core/base/units.ts';

// Fake timers replace the global timers, but not those of node:timers/promises.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise((resolve) => globalThis.setTimeout(resolve, ms)),
}));

const REAL_NOW = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: REAL_NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Expects the promise to resolve after exactly `realMs` real milliseconds. */
async function resolvesAfter(promise: Promise<void>, realMs: number): Promise<void> {
  let isResolved = false;
  void promise.then(() => {
    isResolved = true;
  });
  await vi.advanceTimersByTimeAsync(realMs - 1);
  expect(isResolved, `resolved before ${realMs} ms`).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isResolved, `resolved after ${realMs} ms`).toBe(true);
}

describe('now', () => {
  it('is the time of the machine at rate 1, for any origin', () => {
    for (const originMs of [0, REAL_NOW, REAL_NOW + HOUR_MS]) {
      expect(createClock({ originMs, rate: 1 }).now()).toBe(REAL_NOW);
    }
  });

  it('runs at the rate from the origin on', () => {
    const clock = createClock({ originMs: REAL_NOW, rate: 600 });
    expect(clock.now()).toBe(REAL_NOW);
    vi.setSystemTime(REAL_NOW + 1_000);
    expect(clock.now()).toBe(REAL_NOW + 600_000);
  });

  it('is a whole number of milliseconds at every rate', () => {
    for (const rate of [0.3, 1.7, 99.9]) {
      const clock = createClock({ originMs: REAL_NOW - 12_345, rate });
      expect(Number.isSafeInteger(clock.now())).toBe(true);
      expect(Number.isSafeInteger(clock.inRealMs(1 / 3))).toBe(true);
    }
  });

  it('goes back where the time of the machine is set back', () => {
    const clock = createClock({ originMs: REAL_NOW, rate: 2 });
    vi.setSystemTime(REAL_NOW - 1_000);
    expect(clock.now()).toBe(REAL_NOW - 2_000);
  });
});

describe('inRealMs', () => {
  it('is the time that the clock shows after the real milliseconds', () => {
    const clock = createClock({ originMs: REAL_NOW, rate: 60 });
    const then = clock.inRealMs(5_000);
    vi.setSystemTime(REAL_NOW + 5_000);
    expect(clock.now()).toBe(then);
  });
});

describe('sleep', () => {
  it('ends at once, without a timer, for an instant that is not in the future', async () => {
    const clock = createClock({ originMs: 0, rate: 1 });
    await clock.sleep(epochMs(REAL_NOW - HOUR_MS));
    await clock.sleep(clock.now());
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes real time at rate 1', async () => {
    const real = createClock({ originMs: 0, rate: 1 });
    await resolvesAfter(real.sleep(plus(real.now(), minutes(3))), 180_000);
  });

  it('takes less real time by the rate', async () => {
    const fast = createClock({ originMs: REAL_NOW, rate: 3_600 });
    await resolvesAfter(fast.sleep(plus(fast.now(), hours(1))), 1_000);
  });

  it('never ends before the instant, however fast the clock is', async () => {
    const clock = createClock({ originMs: REAL_NOW, rate: 7.3 });
    const until = plus(clock.now(), seconds(10));
    const slept = clock.sleep(until).then(() => clock.now());
    await vi.runAllTimersAsync();
    expect(await slept).toBeGreaterThanOrEqual(until);
  });

  it('may be longer than the 24 days of the longest timer', async () => {
    const clock = createClock({ originMs: 0, rate: 1 });
    await resolvesAfter(clock.sleep(plus(clock.now(), hours(24 * 60))), 60 * 24 * HOUR_MS);
  });
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a clock can not run at rate %s', (rate) => {
  expect(() => createClock({ originMs: 0, rate })).toThrow(RangeError);
});
