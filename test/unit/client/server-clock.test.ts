import { describe, expect, it } from 'vitest';
import type { Api } from '../../../client/api.ts';
import { clockFrom, readServerTime } from '../../../client/server-clock.ts';

const T = Date.parse('2026-11-23T12:00:00Z');
const FIRST = { localMs: 0, serverMs: T };
/** The clock by a second reading, so many milliseconds later here and on the server. */
const readAgain = (localMs: number, serverMs: number) =>
  clockFrom(FIRST, { localMs, serverMs: T + serverMs });

describe('the server’s clock', () => {
  it('shows the server’s time, even if the local clock is wrong', () => {
    const clock = clockFrom(FIRST);
    expect([clock.rate, clock.now(5_000)]).toEqual([1, T + 5_000]);
  });

  it('has the rate of two readings', () => {
    const clock = readAgain(1_500, 90_000);
    expect([clock.rate, clock.now(2_500)]).toEqual([60, T + 150_000]);
    expect(readAgain(200, 40_000).rate).toBe(200);
  });

  it.each([
    ['the time that an answer takes', 1_500, 2_900],
    ['readings too close together', 150, 9_000],
    ['a correction of the local clock', 600_000, 610_000],
    ['a server’s clock set back', 1_500, -9_000],
    ['a server’s clock that stands still', 9_000, 0],
  ])('has the rate 1 in spite of %s', (_, localMs, serverMs) => {
    const clock = readAgain(localMs, serverMs);
    expect(clock.rate).toBe(1);
    expect(clock.now(localMs + 1_000)).toBe(T + serverMs + 1_000);
  });

  it('has a rate near 1 where the readings are ten minutes apart', () => {
    expect(readAgain(600_000, 660_000).rate).toBeCloseTo(1.1);
  });

  it('is read from the API’s health, at a local time between request and answer', async () => {
    const json = async () => ({ status: 'ok', time: '2026-11-23T12:00:00.000Z' });
    const before = Date.now();
    const reading = await readServerTime({ json } as unknown as Api);
    expect(reading.serverMs).toBe(T);
    expect(reading.localMs).toBeGreaterThanOrEqual(before);
    expect(reading.localMs).toBeLessThanOrEqual(Date.now());
  });
});
