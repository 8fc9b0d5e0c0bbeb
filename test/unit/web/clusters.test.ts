import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../client/answers.ts';
import { NoContact, Refusal } from '../../../client/api.ts';
import { countWords, extensionsOf, onEach } from '../../../web/src/bulk.ts';
import {
  choiceIn,
  chooseClusters,
  ownersOf,
  queryOf,
  sortedBy,
} from '../../../web/src/clusters-choice.ts';
import { aCluster } from '../client/builders.ts';

const named = (name: string, overrides: Partial<Cluster> = {}): Cluster =>
  aCluster({ id: `c${name}`, name, ...overrides });

describe('the table of clusters', () => {
  const clusters = [
    named('job10', { spentUsd: 3, teardownAt: '2026-11-12T00:00:00Z', owner: 'bob' }),
    named('job9', { spentUsd: 1, teardownAt: '2026-11-11T00:00:00Z', region: 'br-gru' }),
    named('job1', { spentUsd: 2, teardownAt: null, status: 'deleted' }),
  ];
  const shown = (query: Record<string, string>) =>
    chooseClusters(clusters, choiceIn(query)).map(({ name }) => name);

  it('has the soonest teardown first, and those without a teardown to come last', () => {
    expect(shown({})).toEqual(['job9', 'job10', 'job1']);
    expect(shown({ sort: '-teardown' })).toEqual(['job10', 'job9', 'job1']);
  });

  it('is sorted by spend, and by the numbers in names', () => {
    expect(shown({ sort: '-spend' })).toEqual(['job10', 'job1', 'job9']);
    expect(shown({ sort: 'name' })).toEqual(['job1', 'job9', 'job10']);
    const spend = sortedBy({ key: 'name', isDown: false }, 'spend');
    expect(spend).toEqual({ key: 'spend', isDown: true });
    expect(sortedBy(spend, 'spend')).toEqual({ key: 'spend', isDown: false });
  });

  it('has the clusters that match the search, the status and the owner', () => {
    expect(shown({ q: ' GRU' })).toEqual(['job9']);
    expect(shown({ q: '192.0.2.3' })).toHaveLength(3);
    expect(shown({ status: 'deleted' })).toEqual(['job1']);
    expect(shown({ owner: 'bob' })).toEqual(['job10']);
    expect(shown({ owner: 'bob', q: 'job9' })).toEqual([]);
    expect(ownersOf(clusters)).toEqual(['admin', 'bob']);
  });

  it('is kept in the address, of which anything odd is ignored', () => {
    const query = { q: 'a', status: 'running', owner: 'bob', sort: '-spend' };
    expect(queryOf(choiceIn(query))).toEqual(query);
    expect(queryOf(choiceIn({ status: 'odd', sort: 'odd' }))).toEqual({
      ...{ q: '', status: '', owner: '', sort: '' },
    });
  });
});

describe('one action on many clusters', () => {
  const clusters = ['a', 'b', 'c'].map((name) => named(name));
  const act = async (fails: (name: string | null, tries: number) => Error | null) => {
    const tries = new Map<string, number>();
    const done: string[] = [];
    const pauses: number[] = [];
    const failed = await onEach(
      clusters,
      async (cluster) => {
        const count = (tries.get(cluster.id) ?? 0) + 1;
        tries.set(cluster.id, count);
        const error = fails(cluster.name, count);
        if (error !== null) throw error;
        return cluster;
      },
      ({ id }) => done.push(id),
      async (ms) => void pauses.push(ms),
    );
    return { done: done.toSorted(), failed: failed.map(({ cluster }) => cluster.id), pauses };
  };

  it('is tried again where it may succeed later', async () => {
    const limit = new Refusal('', 429, null, 'Too Many Requests');
    const lost = new NoContact('', 'cut');
    const found = await act((name, tries) => {
      if (name === 'a' && tries < 3) return limit;
      return name === 'b' && tries < 2 ? lost : null;
    });
    expect(found).toMatchObject({ done: ['ca', 'cb', 'cc'], failed: [] });
    expect(found.pauses).toHaveLength(3);
  });

  it('leaves the others as they are where it is refused, and ends where nothing helps', async () => {
    const refused = new Refusal('', 409, null, 'begun');
    const found = await act((name) => (name === 'b' ? refused : null));
    expect(found).toEqual({ done: ['ca', 'cc'], failed: ['cb'], pauses: [] });
    const never = await act(() => new NoContact('', 'cut'));
    expect(never).toMatchObject({ done: [], failed: ['ca', 'cb', 'cc'] });
  });

  it('says how many clusters and nodes it is about, and what an extension costs in all', () => {
    expect(countWords(clusters)).toBe('3 clusters with 9 nodes');
    const ended = named('d', { status: 'deleted', affordableHours: null, teardownAt: null });
    const now = Date.parse('2026-11-10T11:30:00Z');
    const { changes, costUsd } = extensionsOf([...clusters, ended], 2, now);
    expect([...changes.keys()]).toEqual(['ca', 'cb', 'cc']);
    expect(costUsd).toBe(0.135);
  });
});
