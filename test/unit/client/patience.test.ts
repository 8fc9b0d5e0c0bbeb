import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NoContact, Refusal } from '../../../client/api.ts';
import { throughOutages } from '../../../client/patience.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const outage = new NoContact('http://x', 'no net');

/** Fails until the clock shows `until`; `failing` is called for each attempt. */
const awayUntil = (until: number, failing = () => {}) => {
  return async () => {
    if (Date.now() >= until) return 'there';
    failing();
    throw outage;
  };
};

it('an answer comes through an outage of four minutes, which is told of once', async () => {
  const told = vi.fn();
  const answer = throughOutages(awayUntil(Date.now() + 4 * 60_000), told);
  await vi.advanceTimersByTimeAsync(6 * 60_000);
  expect(await answer).toBe('there');
  expect(told.mock.calls).toEqual([[outage]]);
});

it('an outage that goes on ends in its error, after what it may take', async () => {
  for (const [mostMs, minutes] of [
    [undefined, 8],
    [60 * 60_000, 63],
  ] as const) {
    const begun = Date.now();
    const failing = throughOutages(awayUntil(Number.POSITIVE_INFINITY), () => {}, mostMs);
    const failed = failing.then(
      () => 'no',
      () => Date.now() - begun,
    );
    await vi.advanceTimersByTimeAsync(minutes * 60_000);
    expect(await failed).toBeGreaterThanOrEqual(mostMs ?? 5 * 60_000);
  }
});

it('the sleep of a machine is no outage', async () => {
  const wake = Date.now() + 10 * 3_600_000;
  const sleep = () => void vi.setSystemTime(wake);
  const answer = throughOutages(awayUntil(wake + 10_000, sleep), () => {});
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await answer).toBe('there');
});

it('an error that does not pass is not waited for', async () => {
  const refusal = new Refusal('http://x', 404, null, 'no');
  await expect(
    throughOutages(
      () => Promise.reject(refusal),
      () => {},
    ),
  ).rejects.toBe(refusal);
});
