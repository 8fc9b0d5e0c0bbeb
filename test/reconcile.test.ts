import { describe, expect, it } from 'vitest';
import { type ClusterRecord, teardownOf } from '../lib/core/cluster.ts';
import type { Linode } from '../lib/core/linode.ts';
import { reapTag, type Tag } from '../lib/core/names.ts';
import { type EpochMs, minutes, plus, seconds } from '../lib/core/units.ts';
import { AppError } from '../lib/errors.ts';
import type { LinodeApi } from '../lib/ports.ts';
import { reconcile } from '../lib/reconcile.ts';
import { aLinode, aRunning, ID, OUR_TAGS, usd } from './core/builders.ts';
import { SettableClock } from './flows/world.ts';

const untagged = [aLinode({ tags: OUR_TAGS }), aLinode({ index: 1, tags: OUR_TAGS })];

/** One record, and a Linode that lists two nodes and does as told otherwise. */
function aWorld(
  record: ClusterRecord,
  linode: Partial<LinodeApi>,
  linodes: readonly Linode[] = untagged,
) {
  const clock = new SettableClock();
  clock.set(plus(record.createdAt, minutes(30)));
  let saved = record;
  const store = {
    get: async () => saved,
    save: async (next: ClusterRecord) => {
      saved = { ...next, revision: next.revision + 1 };
      return saved;
    },
  };
  const calls: string[] = [];
  const told = (name: string, answer: (...args: never[]) => Promise<unknown>) =>
    ((...args: never[]) => {
      calls.push(name);
      return answer(...args);
    }) as never;
  const deletions: EpochMs[] = [];
  const gone = new Set<number>();
  const answers: Record<string, (...args: never[]) => Promise<unknown>> = {
    listByTag: async (tag: Tag) =>
      linodes.filter(({ id, tags }) => tags.includes(tag) && !gone.has(id)),
    get: async (id: number) => linodes.find((one) => one.id === id) ?? 'notFound',
    delete: async (id: number) => {
      gone.add(id);
      deletions.push(clock.now());
      return 'deleted';
    },
    deleteTag: async () => {},
    ...linode,
  };
  const api = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, told(name, answer)]),
  );
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const run = () =>
    reconcile(
      {
        clock,
        linode: api as unknown as LinodeApi,
        store: store as never,
        caps: { release: async () => {} } as never,
        secrets: { passwordKey: async () => null },
        log: quiet,
      },
      ID,
      { by: plus(clock.now(), minutes(5)), reserveMs: seconds(20) },
    );
  const count = (name: string) => calls.filter((call) => call === name).length;
  return { clock, run, count, deletions, record: () => saved };
}

const putTags = async (id: number, tags: readonly string[]) => aLinode({ id, tags: [...tags] });

describe('tags that do not stick', () => {
  it.each([
    ['the list lags behind', putTags],
    ['they are dropped', async () => aLinode({ tags: OUR_TAGS })],
    ['the server does not know the call', async () => 'notFound' as const],
    [
      'they are refused',
      async () => {
        throw new AppError('linodeRejected', 'no');
      },
    ],
  ])('are not put over and over where %s', async (_, setTags) => {
    const { run, count } = aWorld(aRunning(), { setTags });
    await run().catch(() => {});
    // Two nodes, and a look each 10 seconds at the most while the invocation lasts.
    expect(count('setTags')).toBeLessThanOrEqual(2 * 30);
    expect(count('listByTag')).toBeLessThanOrEqual(31);
  });

  it('put off no look at the cluster beyond its teardown time', async () => {
    const record = aRunning({ budget: usd(0.015) });
    const teardownAt = teardownOf(record, record.createdAt);
    const { clock, run, deletions } = aWorld(record, { setTags: putTags });
    clock.set(plus(teardownAt, seconds(-3)));
    await run();
    expect(deletions).toEqual([teardownAt, teardownAt]);
  });
});

it('old tags that can not be removed hold up no teardown', async () => {
  const record = aRunning({ budget: usd(0.015), reapTags: ['reap=20261101T0000Z'] });
  const teardownAt = teardownOf(record, record.createdAt);
  const tags = [...OUR_TAGS, reapTag(teardownAt)];
  const deleteTag = async (_: Tag, by: EpochMs) => {
    // As long as it may take.
    world.clock.set(by);
    throw new AppError('linodeUnavailable', 'no answer');
  };
  const world = aWorld(record, { deleteTag }, [aLinode({ tags }), aLinode({ index: 1, tags })]);
  world.clock.set(plus(teardownAt, seconds(-5)));
  await world.run();
  expect(Math.min(...world.deletions) - teardownAt).toBeLessThanOrEqual(seconds(10));
});
