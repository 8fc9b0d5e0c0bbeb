import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forEachAtMost } from '../../../lib/app/at-most.ts';

/** A worker whose work on an item ends when the test calls `end` or `fail` for the item. */
function controlledWork() {
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
      await nextTurn();
    },
    async fail(item: number) {
      ends.get(item)?.reject(new Error(`no ${item}`));
      await nextTurn();
    },
  };
}

async function* oneByOne(items: readonly number[], thenThrows?: Error) {
  yield* items;
  if (thenThrows !== undefined) throw thenThrows;
}

/** Keeps up to date whether the loop has ended, without awaiting it. */
function stateOf(loop: Promise<void>) {
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
])('over %s', (_, asIterable) => {
  it('begins as many items as allowed, in order, and the next when one has ended', async () => {
    const { began, work, end } = controlledWork();
    const loop = forEachAtMost(2, asIterable([1, 2, 3, 4]), work);
    const state = stateOf(loop);
    await nextTurn();
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

  it('ends at once where there are no items', async () => {
    await forEachAtMost(2, asIterable([]), () => Promise.reject(new Error('there is no item')));
  });
});

describe('an error', () => {
  it('of the work begins no more items, and is thrown when all begun work has ended', async () => {
    const { began, work, end, fail } = controlledWork();
    const loop = forEachAtMost(3, [1, 2, 3, 4, 5], work);
    const state = stateOf(loop);
    await nextTurn();
    await fail(2);
    await end(1);
    expect(began).toEqual([1, 2, 3]);
    expect(state.hasEnded).toBe(false);
    await end(3);
    await expect(loop).rejects.toThrow('no 2');
  });

  it('of the iterator is thrown when all begun work has ended', async () => {
    const { began, work, end } = controlledWork();
    const loop = forEachAtMost(3, oneByOne([1, 2], new Error('no more can be read')), work);
    const state = stateOf(loop);
    await nextTurn();
    await end(1);
    expect([began, state.hasEnded]).toEqual([[1, 2], false]);
    await end(2);
    await expect(loop).rejects.toThrow('no more can be read');
  });
});
