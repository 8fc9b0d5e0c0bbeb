import { setImmediate as soon } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forEachAtMost } from '../../../lib/app/at-most.ts';

/** Work that ends when the test says so, and notes the order in which it began. */
function someWork() {
  const began: number[] = [];
  const ends = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  return {
    began,
    work: (item: number) => {
      began.push(item);
      return new Promise<void>((resolve, reject) => ends.set(item, { resolve, reject }));
    },
    async end(item: number) {
      ends.get(item)?.resolve();
      await soon();
    },
    async fail(item: number) {
      ends.get(item)?.reject(new Error(`no ${item}`));
      await soon();
    },
  };
}

async function* oneByOne(items: readonly number[], thenThrows?: Error) {
  yield* items;
  if (thenThrows !== undefined) throw thenThrows;
}

/** Whether it has ended by now, without waiting for it. */
function watched(loop: Promise<void>) {
  const state = { hasEnded: false };
  const ended = () => {
    state.hasEnded = true;
  };
  loop.then(ended, ended);
  return state;
}

describe.each([
  ['an array', (items: number[]) => items],
  ['an iterator', (items: number[]) => items.values()],
  ['a generator of promises', (items: number[]) => oneByOne(items)],
])('over %s', (_, of) => {
  it('begins as many as may be at once, in order, and each next one when one has ended', async () => {
    const { began, work, end } = someWork();
    const loop = forEachAtMost(2, of([1, 2, 3, 4]), work);
    const state = watched(loop);
    await soon();
    expect(began).toEqual([1, 2]);
    await end(2);
    expect(began).toEqual([1, 2, 3]);
    await end(3);
    await end(4);
    expect(began).toEqual([1, 2, 3, 4]);
    expect(state.hasEnded).toBe(false);
    await end(1);
    expect(state.hasEnded).toBe(true);
    await loop;
  });

  it('ends at once where there is nothing', async () => {
    await forEachAtMost(2, of([]), () => Promise.reject(new Error('of what?')));
  });
});

describe('an error', () => {
  it('of work begins nothing more, and comes out when all that began has ended', async () => {
    const { began, work, end, fail } = someWork();
    const loop = forEachAtMost(3, [1, 2, 3, 4, 5], work);
    const state = watched(loop);
    await soon();
    await fail(2);
    await end(1);
    expect(began).toEqual([1, 2, 3]);
    expect(state.hasEnded).toBe(false);
    await end(3);
    await expect(loop).rejects.toThrow('no 2');
  });

  it('of the items comes out when all that began has ended', async () => {
    const { began, work, end } = someWork();
    const loop = forEachAtMost(3, oneByOne([1, 2], new Error('no more can be read')), work);
    const state = watched(loop);
    await soon();
    await end(1);
    expect([began, state.hasEnded]).toEqual([[1, 2], false]);
    await end(2);
    await expect(loop).rejects.toThrow('no more can be read');
  });
});
