import { expect, it } from 'vitest';
import { shareCalls } from '../../../lib/app/shared-calls.ts';
import type { Linode } from '../../../lib/core/cluster/linode.ts';
import { aLinode, LAUNCH } from '../../support/builders.ts';
import { noLinode } from '../../support/doubles.ts';

/** Lists that end when the test says so. Each has a Linode whose id is the number of the list. */
function aWorld() {
  const pending: ((failure?: Error) => void)[] = [];
  let lists = 0;
  const linode = shareCalls({
    ...noLinode,
    listByTag: () => {
      lists += 1;
      const found: Linode[] = [aLinode({ id: lists })];
      return new Promise((resolve, reject) => {
        pending.push((failure) => (failure === undefined ? resolve(found) : reject(failure)));
      });
    },
  });
  const list = async (tag = 'onebuck-test') =>
    (await linode.listByTag(tag, LAUNCH)).map(({ id }) => id);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { list, turn, countOf: () => lists, end: (failure?: Error) => pending.shift()?.(failure) };
}

it('gives all who ask while a list is under way the next list, which begins later', async () => {
  const { list, turn, countOf, end } = aWorld();
  const first = list();
  const others = [list(), list(), list()];
  await turn();
  expect(countOf()).toBe(1);
  end();
  expect(await first).toEqual([1]);
  await turn();
  end();
  expect(await Promise.all(others)).toEqual([[2], [2], [2]]);
  expect(countOf()).toBe(2);
});

it('lists again for whoever asks after a list has ended', async () => {
  const { list, turn, end } = aWorld();
  const first = list();
  end();
  await first;
  await turn();
  const second = list();
  end();
  expect(await second).toEqual([2]);
});

it('does not pass the failure of a list on to those who get the next list', async () => {
  const { list, turn, end } = aWorld();
  const first = list();
  const second = list();
  end(new Error('no answer'));
  await expect(first).rejects.toThrow('no answer');
  await turn();
  end();
  expect(await second).toEqual([2]);
});

it('shares no list between two tags', async () => {
  const { list, countOf, end } = aWorld();
  const both = [list('a'), list('b')];
  expect(countOf()).toBe(2);
  end();
  end();
  expect(await Promise.all(both)).toEqual([[1], [2]]);
});
