import { beforeEach, describe, expect, it } from 'vitest';
import { createPacer, type Pacer } from '../../../../lib/adapters/linode/pacing.ts';
import { durationMs, plus, seconds } from '../../../../lib/core/base/units.ts';
import { aClock, type TestClock } from '../../../support/doubles.ts';
import { LATER, START } from '../../../support/linode-server.ts';

let clock: TestClock;
let pacer: Pacer;

beforeEach(() => {
  clock = aClock(START);
  pacer = createPacer(clock);
});

const take = (count: number, until = LATER) =>
  Promise.all(Array.from({ length: count }, () => pacer.take(until)));

const learn = (headers: Record<string, string | number>) =>
  pacer.learn((name) => (name in headers ? String(headers[name]) : null));

const resetIn = (count: number) => (START + count * 1_000) / 1_000;

describe('without headers', () => {
  it('lets 20 through at once', async () => {
    expect(await take(20)).toEqual(Array(20).fill('taken'));
    expect(clock.sleptMs).toEqual([]);
  });

  it('makes the 21st wait for the window of 15 s to end', async () => {
    await take(21);
    expect(clock.now() - START).toBe(16_000);
  });

  it('says when to come back rather than wait too long', async () => {
    await take(20);
    const until = plus(START, seconds(15));
    expect(await pacer.take(until)).toEqual({ retryAt: plus(START, seconds(16)) });
    expect(clock.now()).toBe(START);
  });

  it('lets no more than 20 through in any window', async () => {
    const instants: number[] = [];
    await Promise.all(
      Array.from({ length: 65 }, async () => {
        await pacer.take(LATER);
        instants.push(clock.now());
      }),
    );
    for (const from of instants) {
      const inWindow = instants.filter((instant) => instant >= from && instant < from + 15_000);
      expect(inWindow.length).toBeLessThanOrEqual(20);
    }
  });
});

describe('with headers', () => {
  it('takes up what others have left over', async () => {
    await take(1);
    learn({ 'x-ratelimit-limit': 20, 'x-ratelimit-remaining': 2, 'x-ratelimit-reset': resetIn(4) });
    await take(3);
    expect(clock.now() - START).toBe(5_000);
  });

  it('never counts more slots than it knows of', async () => {
    await take(20);
    learn({ 'x-ratelimit-remaining': 18, 'x-ratelimit-reset': resetIn(15) });
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });

  it('waits no longer than 15 s from the answer to the call that opened the window', async () => {
    await take(20);
    clock.set(plus(START, durationMs(1_400)));
    learn({ 'x-ratelimit-remaining': 18, 'x-ratelimit-reset': resetIn(16) });
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(16) });
    learn({ 'x-ratelimit-remaining': 17, 'x-ratelimit-reset': resetIn(16) });
    await take(1);
    expect(clock.now() - START).toBe(16_400);
  });

  it('waits for the second of the reset where that comes later', async () => {
    await take(20);
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(16) });
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });

  it('believes a reset that says that the window is longer', async () => {
    await take(20);
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(30) });
    await take(1);
    expect(clock.now() - START).toBe(31_000);
  });

  it('takes up another limit for the windows to come', async () => {
    await take(1);
    learn({ 'x-ratelimit-limit': 3, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': resetIn(10) });
    await take(3);
    expect(clock.now() - START).toBe(11_000);
    await take(1);
    expect(clock.now() - START).toBe(27_000);
  });

  it('waits anew when nothing remains and no reset was told', async () => {
    learn({ 'x-ratelimit-remaining': 0 });
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });

  it('ignores an answer of an earlier window that comes late', async () => {
    await take(1);
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(15) });
    learn({ 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': resetIn(2) });
    await take(19);
    expect(clock.sleptMs).toEqual([]);
  });

  it.each([-1, 'x', '', resetIn(61), resetIn(-2), '1e3', Number.MAX_SAFE_INTEGER])(
    'ignores the reset %j',
    async (reset) => {
      await take(20);
      learn({ 'x-ratelimit-reset': reset });
      await take(1);
      expect(clock.now() - START).toBe(16_000);
    },
  );

  it.each(['-3', 'x', '', '1.5', '12345678'])('ignores a limit and a rest of %j', async (text) => {
    learn({ 'x-ratelimit-limit': text, 'x-ratelimit-remaining': text });
    await take(20);
    expect(clock.sleptMs).toEqual([]);
  });
});

describe('paused', () => {
  it('lets nothing through until then, and a full window after', async () => {
    pacer.pause(plus(START, seconds(7)));
    await take(20);
    expect(clock.now() - START).toBe(7_000);
  });

  it('does not shorten a wait', async () => {
    await take(20);
    pacer.pause(plus(START, seconds(1)));
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });
});
