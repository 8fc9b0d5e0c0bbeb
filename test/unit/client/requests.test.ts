import { describe, expect, it } from 'vitest';
import type { Cluster, ClusterNode } from '../../../client/answers.ts';
import { type Api, type Path, type Request, refusalOf } from '../../../client/api.ts';
import {
  getAgain,
  isComing,
  isLive,
  listClusters,
  listLive,
  nodesReady,
  nodesUp,
  readySentence,
  unreadableSentence,
  unreadyNodes,
} from '../../../client/clusters.ts';
import { getReport } from '../../../client/report.ts';
import { deleteSchedule, listSchedules, retryWords, runWords } from '../../../client/schedules.ts';
import { aCluster } from './builders.ts';

/** An API whose answers the function gives, and the requests that the API got. */
function anApi(answer: (path: Path, request: Request) => unknown) {
  const requests: { readonly path: Path; readonly request: Request }[] = [];
  const ask = async (path: Path, request: Request = {}) => {
    requests.push({ path, request });
    return answer(path, request);
  };
  return { requests, api: { json: ask, text: ask } as Api };
}

const named = (id: string, createdAt = '2026-11-10T10:00:00.000Z') => aCluster({ id, createdAt });

describe('a list of clusters', () => {
  it('is read page by page, with the same filter for each page', async () => {
    const pages: Record<string, unknown> = {
      undefined: { clusters: [named('a')], nextCursor: 'two', unreadable: ['c'] },
      two: { clusters: [named('b')], unreadable: ['d'] },
    };
    const { api, requests } = anApi((_, { query }) => pages[`${query?.cursor}`]);
    const found = await listClusters(api, { month: '2026-11' });
    expect(found.clusters.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(found.unreadable).toEqual(['c', 'd']);
    expect(requests.map(({ request }) => request.query)).toEqual([
      { month: '2026-11', limit: 100, cursor: undefined },
      { month: '2026-11', limit: 100, cursor: 'two' },
    ]);
  });

  it('ends after 20 pages', async () => {
    const { api, requests } = anApi(() => ({ clusters: [], nextCursor: 'more' }));
    await listClusters(api, {});
    expect(requests).toHaveLength(20);
  });

  it('of live clusters has all of 30 pages, in one list of the status live', async () => {
    const { api, requests } = anApi((_, { query }) => {
      const page = Number(query?.cursor ?? 0);
      const nextCursor = page < 29 ? { nextCursor: `${page + 1}` } : {};
      return { clusters: [named(`c${page}`)], ...nextCursor };
    });
    const ids = Array.from({ length: 30 }, (_, page) => `c${page}`);
    expect((await listLive(api)).clusters.map(({ id }) => id)).toEqual(ids);
    expect(requests.map(({ request }) => request.query?.status)).toEqual(ids.map(() => 'live'));
  });
});

it('clusters are got again, one whose record has become unreadable as it was known', async () => {
  const { api } = anApi((path) => {
    if (path.endsWith('/a')) return named('a', 'later');
    throw refusalOf('https://x', 500, '{"code":"unreadable","detail":"its field is damaged"}');
  });
  const known = [named('a'), named('b')];
  expect(await getAgain(api, known)).toEqual([named('a', 'later'), named('b')]);
  const { api: failing } = anApi(() => {
    throw refusalOf('https://x', 500, '{"code":"internal","detail":"no"}');
  });
  await expect(getAgain(failing, known)).rejects.toThrow('no');
});

it('unreadableSentence names what a list lacks', () => {
  expect(unreadableSentence([])).toBeNull();
  expect(unreadableSentence(['c1', 'c2'])).toMatch(
    /^Left out, as the record is unreadable: c1, c2/,
  );
});

it('a list of schedules has all pages', async () => {
  const { api } = anApi((_, { query }) =>
    query?.cursor === undefined
      ? { schedules: [{ id: 's1' }], nextCursor: 'two' }
      : { schedules: [{ id: 's2' }] },
  );
  expect((await listSchedules(api)).schedules.map(({ id }) => id)).toEqual(['s1', 's2']);
});

it('a report adds up its parts, also by owner, the highest bill first', async () => {
  const totals = (clusters: number, usd: number) => ({
    ...{ clusters, nodeHours: 2 * clusters, billedUsd: usd, savedUsd: 0.1, overspentUsd: 0 },
  });
  const head = { month: '2026-11', at: '', monthlyCapUsd: null };
  const bill = (id: string, invoicedUsd: number, forecastUsd: number | null) => ({
    ...{ forecastUsd, invoicedUsd, taxUsd: 0.1, byCluster: [{ id }] },
  });
  const learnt = [{ rule: 'monthEndHour', reading: 'startMonth', seen: 3, invoiceIds: [7] }];
  const apart = { differences: [{ kind: 'transfer' }], learnt };
  const first = {
    ...{ ...head, ...totals(2, 0.3), nextCursor: 'two', unreadable: ['c1'] },
    ...{ ...bill('c1', 0.1, 0.3), ...apart },
    owners: [{ owner: 'ann', ...totals(2, 0.3) }],
  };
  const second = {
    ...{ ...head, ...totals(3, 0.8), unreadable: ['c2'] },
    ...{ ...bill('c2', -0.3, null), differences: [] },
    owners: [
      { owner: 'bob', ...totals(1, 0.5) },
      { owner: 'ann', ...totals(2, 0.3) },
    ],
  };
  const { api, requests } = anApi((_, { query }) => (query?.cursor ? second : first));
  expect(await getReport(api)).toEqual({
    ...{ ...head, ...totals(5, 1.1), savedUsd: 0.2, unreadable: ['c1', 'c2'] },
    ...{ ...bill('c1', -0.2, null), taxUsd: 0.2, ...apart },
    byCluster: [{ id: 'c1' }, { id: 'c2' }],
    owners: [
      { owner: 'ann', ...totals(4, 0.6), savedUsd: 0.2 },
      { owner: 'bob', ...totals(1, 0.5) },
    ],
  });
  const months = [undefined, '2026-11'];
  expect(requests.map(({ request }) => request.query?.month)).toEqual(months);
});

it.each([
  ['provisioning', true],
  ['running', true],
  ['deleting', true],
  ['deleted', false],
  ['failed', false],
] as const)('isLive of a cluster that is %s is %s', (status, expected) => {
  expect(isLive({ status })).toBe(expected);
});

it('nodesUp says how many nodes are up', () => {
  const [first, second, third] = aCluster().nodes as [ClusterNode, ClusterNode, ClusterNode];
  const nodes = [first, second, { ...third, status: 'booting' } as const];
  expect(nodesUp({ nodes })).toBe('2 of 3 nodes up');
});

describe('the nodes of a cluster', () => {
  const [node, silent, third] = aCluster().nodes as [ClusterNode, ClusterNode, ClusterNode];
  const first = { ...node, readyAt: '2026-11-10T10:02:00.000Z' };
  const failed = { ...silent, agentReason: 'cloud-init: error' };
  const booting = { ...third, status: 'booting' } as const;

  it.each<[string, Partial<Cluster>, string]>([
    ['all ready', { nodes: [first] }, '1 of 1 node up, 1 ready'],
    ['one of them silent', { nodes: [first, silent, booting] }, '2 of 3 nodes up, 1 ready'],
    ['none up', { nodes: [booting] }, '0 of 1 node up'],
    ['none that says so', { agent: false, nodes: [silent] }, '1 of 1 node up'],
  ])('are, with %s, up and ready', (_, overrides, words) => {
    expect(nodesReady(aCluster(overrides))).toBe(words);
  });

  it.each<[string, Partial<Cluster>, string | null]>([
    ['all ready', { nodes: [first], readyAt: first.readyAt }, 'Ready since 10:02.'],
    ['one silent', { nodes: [first, silent, booting] }, 'Running, not yet ready: 1 of 2 nodes.'],
    [
      'one failed',
      { nodes: [first, silent, failed] },
      'Running, not yet ready: 2 of 3 nodes. 1 node failed to get ready.',
    ],
    ['none that says so', { agent: false, nodes: [silent] }, null],
    ['a teardown', { status: 'deleting', nodes: [silent] }, null],
  ])('are told of, with %s, in a sentence', (_, overrides, sentence) => {
    const when = (at: string) => at.slice(11, 16);
    expect(readySentence(aCluster(overrides), when)).toBe(sentence);
  });

  it.each<[string, Partial<Cluster>, boolean]>([
    ['of one that comes up', { status: 'provisioning', nodes: [booting] }, true],
    ['of one with a node that has said nothing', { nodes: [first, silent] }, true],
    ['of one with a node that has failed', { nodes: [first, failed] }, false],
    ['of one that is ready', { nodes: [first] }, false],
    ['of one whose nodes say nothing', { agent: false, nodes: [silent] }, false],
    ['of one that is being destroyed', { status: 'deleting', nodes: [silent] }, false],
  ])('are waited for: %s', (_, overrides, comes) => {
    expect(isComing(aCluster(overrides))).toBe(comes);
  });

  it('are unready if they run and have not said that they are', () => {
    expect(unreadyNodes(aCluster({ nodes: [first, failed, { ...silent, index: 2 }] }))).toEqual([
      { index: 1, why: 'cloud-init: error' },
      { index: 2, why: null },
    ]);
  });
});

it.each([
  [{ result: 'launched', clusterId: 'caaaaaaaaaa' }, 'launched caaaaaaaaaa'],
  [
    { result: 'launched', clusterId: 'caaaaaaaaaa', tries: 2 },
    'launched caaaaaaaaaa, at the 2nd try',
  ],
  [
    { result: 'failed', clusterId: 'caaaaaaaaaa', reason: 'no capacity', tries: 13 },
    'cluster caaaaaaaaaa failed, at the 13th try: no capacity',
  ],
  [{ result: 'refused', reason: 'a cap', tries: 21 }, 'refused, at the 21st try: a cap'],
  [
    { result: 'missed', from: '', count: 3 },
    '3 runs missed, as Onebuck could not launch within an hour',
  ],
  [{ result: 'skipped', reason: 'the last lives' }, 'skipped: the last lives'],
] as const)('runWords says the result of a run: %o', (run, words) => {
  expect(runWords({ ...run, at: '2026-11-10T10:00:00.000Z' })).toBe(words);
});

it('retryWords says how often and for how long a run is tried again', () => {
  expect(retryWords({ retry: { forMinutes: 60, everyMinutes: 15 } })).toBe(
    'every 15 minutes for 60 minutes',
  );
  expect(retryWords({ retry: null })).toBe('never');
});

describe('the deletion of a schedule', () => {
  const failing = (status: number) =>
    anApi(() => {
      throw refusalOf('https://x', status, '{"detail":"no"}');
    });

  it('succeeds where the schedule does not exist', async () => {
    const { api, requests } = failing(404);
    await deleteSchedule(api, 'saaaaaaaaaa');
    expect(requests).toHaveLength(1);
  });

  it('fails where the API refuses it', async () => {
    await expect(deleteSchedule(failing(401).api, 'saaaaaaaaaa')).rejects.toThrow('no');
  });
});
