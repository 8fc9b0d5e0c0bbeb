import { describe, expect, it } from 'vitest';
import { NO_EFFECT, VirtualTime } from '../../../simulation/time.ts';

describe('virtual time', () => {
  it('runs events in the order of their times, and those of an instant as scheduled', async () => {
    const time = new VirtualTime(1_000);
    const seen: string[] = [];
    const times = [5, 3, 9, 3, 1, 7, 3, 9, 2, 8];
    for (const [index, at] of times.entries()) {
      time.at(1_000 + at, () => void seen.push(`${at}.${index}`));
    }
    await time.runUntil(1_008);
    expect(seen).toEqual(['1.4', '2.8', '3.1', '3.3', '3.6', '5.0', '7.5', '8.9']);
    expect(time.now()).toBe(1_008);
    await time.runUntil(2_000);
    expect(seen.slice(-2)).toEqual(['9.2', '9.7']);
  });

  it('awaits all that follows from an event before the next event', async () => {
    const time = new VirtualTime(0);
    const seen: string[] = [];
    time.at(1, async () => {
      for (let step = 1; step <= 20; step += 1) {
        await null;
        seen.push(`step ${step}`);
      }
    });
    time.at(1, () => void seen.push('next event'));
    await time.runUntil(1);
    expect(seen).toHaveLength(21);
    expect(seen.at(-1)).toBe('next event');
  });

  it('runs events that events schedule, also for a time in the past', async () => {
    const time = new VirtualTime(0);
    const seen: number[] = [];
    time.at(10, () => {
      time.at(5, () => void seen.push(time.now()));
      void time.delay(7).then(() => seen.push(time.now()));
    });
    await time.runUntil(100);
    expect(seen).toEqual([10, 17]);
  });

  it('stops when the condition to go on is false', async () => {
    const time = new VirtualTime(0);
    let events = 0;
    for (const at of [1, 2, 3]) time.at(at, () => (events += 1));
    await time.runUntil(10, () => events < 2);
    expect([events, time.now()]).toEqual([2, 2]);
  });

  it('goes on after an event that did nothing', async () => {
    const time = new VirtualTime(0);
    time.at(4, () => NO_EFFECT);
    await time.runUntil(4);
    expect(time.now()).toBe(4);
  });
});
