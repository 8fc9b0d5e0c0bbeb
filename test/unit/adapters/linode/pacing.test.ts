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

const take = (slots: number, until = LATER) =>
  Promise.all(Array.from({ length: slots }, () => pacer.take(until)));

const learn = (headers: Record<string, string | number>) =>
  pacer.learn((name) => (name in headers ? String(headers[name]) : null));

const resetIn = (delay: number) => (START + delay * 1_000) / 1_000;

describe('without headers, the pacer', () => {
  it('gives 20 slots at once', async () => {
    expect(await take(20)).toEqual(Array(20).fill('taken'));
    expect(clock.sleptMs).toEqual([]);
  });

  it('lets the 21st caller wait for the end of the window of 15 s', async () => {
    await take(21);
    expect(clock.now() - START).toBe(16_000);
  });

  it('answers when to come back where the wait would pass the deadline', async () => {
    await take(20);
    const until = plus(START, seconds(15));
    expect(await pacer.take(until)).toEqual({ retryAt: plus(START, seconds(16)) });
    expect(clock.now()).toBe(START);
  });

  it('gives at most 20 slots in any 15 seconds', async () => {
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

describe('with headers, the pacer', () => {
  it('gives only the slots that other clients of the account have left over', async () => {
    await take(1);
    learn({ 'x-ratelimit-limit': 20, 'x-ratelimit-remaining': 2, 'x-ratelimit-reset': resetIn(4) });
    await take(3);
    expect(clock.now() - START).toBe(5_000);
  });

  it('gives no more slots than it counts itself, though the header has more', async () => {
    await take(20);
    learn({ 'x-ratelimit-remaining': 18, 'x-ratelimit-reset': resetIn(15) });
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });

  it("ends a window 15 s after the answer to the window's first call", async () => {
    await take(20);
    clock.set(plus(START, durationMs(1_400)));
    learn({ 'x-ratelimit-remaining': 18, 'x-ratelimit-reset': resetIn(16) });
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(16) });
    learn({ 'x-ratelimit-remaining': 17, 'x-ratelimit-reset': resetIn(16) });
    await take(1);
    expect(clock.now() - START).toBe(16_400);
  });

  it('waits for the reset in the header where the reset comes later', async () => {
    await take(20);
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(16) });
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });

  it('waits for a reset that makes the window longer', async () => {
    await take(20);
    learn({ 'x-ratelimit-remaining': 19, 'x-ratelimit-reset': resetIn(30) });
    await take(1);
    expect(clock.now() - START).toBe(31_000);
  });

  it('uses a new limit for later windows', async () => {
    await take(1);
    learn({ 'x-ratelimit-limit': 3, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': resetIn(10) });
    await take(3);
    expect(clock.now() - START).toBe(11_000);
    await take(1);
    expect(clock.now() - START).toBe(27_000);
  });

  it('waits a whole window when no slot remains and the header has no reset', async () => {
    learn({ 'x-ratelimit-remaining': 0 });
    await take(1);
    expect(clock.now() - START).toBe(16_000);
  });

  it('ignores a late answer of an earlier window', async () => {
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

  it.each(['-3', 'x', '', '1.5', '12345678'])(
    'ignores a limit and a remainder of %j',
    async (text) => {
      learn({ 'x-ratelimit-limit': text, 'x-ratelimit-remaining': text });
      await take(20);
      expect(clock.sleptMs).toEqual([]);
    },
  );
});

describe('a pause of the pacer', () => {
  it('gives no slot until its end, and then a full window', async () => {
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
