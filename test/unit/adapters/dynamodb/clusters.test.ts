import { randomBytes, randomInt } from 'node:crypto';
import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../../../../lib/adapters/dynamodb/schedules.ts';
import { reapTag } from '../../../../lib/core/base/names.ts';
import { type EpochMs, hours, minus, plus } from '../../../../lib/core/base/units.ts';
import { spentByMonthOf } from '../../../../lib/core/cluster/bills.ts';
import type { ClusterRecord, LiveRecord, NodeRecord } from '../../../../lib/core/cluster/record.ts';
import {
  ALL_CLUSTERS,
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  aSchedule,
  aSpec,
  created,
  creating,
  deleting,
  gone,
  ID,
  LAUNCH,
  neverCreated,
  planned,
} from '../../../support/builders.ts';
import {
  clusterStoreContract,
  collect,
  id,
  idsDue,
} from '../../../support/cluster-store-contract.ts';
import { anEmptyTable, poisonIn, startTable, TABLE } from '../../../support/table.ts';
import itemOfVersion1 from './item-of-version-1.json' with { type: 'json' };

// Fake timers replace the global timers, but not those of node:timers/promises.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise((resolve) => globalThis.setTimeout(resolve, ms)),
}));

const TableName = TABLE.TableName;

clusterStoreContract('the store on DynamoDB', async () => {
  const client = await anEmptyTable();
  return { store: createClusterStore(client, TableName), poison: poisonIn(client, TableName) };
});

describe('items in the table', () => {
  it('expire 400 days after the end of their cluster', async () => {
    const client = await anEmptyTable();
    const store = createClusterStore(client, TableName);
    await store.insert(aCluster({ id: id(1) }));
    await store.insert(anEnded({ id: id(2), endedAt: LAUNCH }));
    const itemOf = async (key: string) =>
      (await client.send(new GetItemCommand({ TableName, Key: marshall({ id: key }) }))).Item;
    expect(await itemOf(id(1))).not.toHaveProperty('expiresAt');
    expect(await itemOf(id(2))).toMatchObject({
      expiresAt: { N: `${LAUNCH / 1000 + 400 * 86_400}` },
    });
  });

  it('hold a large record deflated, in a tenth of the bytes, and a small one as a map', async () => {
    const client = await anEmptyTable();
    const store = createClusterStore(client, TableName);
    const nodes = Array.from({ length: 100 }, (_, index) => created(index));
    await store.insert(aRunning({ id: id(1), nodes }));
    await store.insert(aRunning({ id: id(2) }));
    const itemOf = async (key: string) =>
      (await client.send(new GetItemCommand({ TableName, Key: marshall({ id: key }) }))).Item;
    const large = await itemOf(id(1));
    expect(large).toMatchObject({ version: { N: '3' } });
    expect(large).not.toHaveProperty('record');
    expect(large?.deflated?.B?.length).toBeLessThan(2_500);
    expect(await itemOf(id(2))).toMatchObject({ version: { N: '2' }, record: { M: {} } });
    expect(await store.get(id(1))).toEqual(aRunning({ id: id(1), nodes }));
  });

  it('of a large record from before records were deflated are read, also by livedIn', async () => {
    const client = await anEmptyTable();
    const store = createClusterStore(client, TableName);
    const nodes = Array.from({ length: 100 }, (_, index) => gone(index));
    const old = [LAUNCH, minus(LAUNCH, hours(2))].map((endedAt, n) =>
      anEnded({ id: id(n), nodes, endedAt, createdAt: minus(LAUNCH, hours(3)) }),
    );
    for (const record of old) {
      const { id, owner, phase, revision, createdAt } = record;
      const keys = { id, owner, phase, revision, createdAt, kind: 'cluster', version: 2 };
      await client.send(new PutItemCommand({ TableName, Item: marshall({ ...keys, record }) }));
    }
    const [first, second] = old as [ClusterRecord, ClusterRecord];
    expect([await store.get(id(0)), await store.get(id(1))]).toEqual([first, second]);
    const lived = async (from: EpochMs) => {
      const query = { owner: null, from, to: plus(LAUNCH, hours(1)), cursor: null };
      return (await collect(store.livedIn(query))).flatMap(({ records }) => records);
    };
    expect(await lived(minus(LAUNCH, hours(1)))).toEqual([first]);
    expect(await lived(minus(LAUNCH, hours(2)))).toHaveLength(2);
  });

  it('of version 1 are read with the present names of the states of nodes', async () => {
    const client = await anEmptyTable();
    await client.send(new PutItemCommand({ TableName, Item: marshall(itemOfVersion1) }));
    const store = createClusterStore(client, TableName);
    const read = (await store.get(ID)) as LiveRecord;
    const nodes = [planned(0), creating(1), created(2), deleting(3), gone(4), neverCreated(5)];
    const fields = { retagAfter: LAUNCH, notified: ['launched' as const] };
    expect(read).toEqual(aRunning({ nodes, ...fields }));
    const saved = await store.save(read);
    expect(await store.get(ID)).toEqual(saved);
    expect(saved).toMatchObject({ revision: 2, nodes });
  });
});

it('the store finds the one running cluster among 60 others with two queries at most', async () => {
  const client = await anEmptyTable();
  const store = createClusterStore(client, TableName);
  const ended = Array.from({ length: 60 }, (_, index) => anEnded({ id: id(index), owner: 'ann' }));
  const running = aRunning({ id: id(99), owner: 'ann', createdAt: minus(LAUNCH, hours(1)) });
  await Promise.all([...ended, running].map((record) => store.insert(record)));
  const send = vi.spyOn(client, 'send');
  const query = { ...ALL_CLUSTERS, owner: 'ann', status: 'running', limit: 1 } as const;
  expect(await store.list(query)).toEqual({
    records: [running],
    nextCursor: null,
    unreadable: [],
  });
  expect(send.mock.calls.length).toBeLessThanOrEqual(2);
});

it.each(['live', 'running'] as const)(
  'a list of the status %s reads nothing of the clusters that have ended',
  async (status) => {
    const client = await anEmptyTable();
    const store = createClusterStore(client, TableName);
    const ended = Array.from({ length: 60 }, (_, n) => anEnded({ id: id(n), owner: 'ann' }));
    const schedules = createScheduleStore(client, TableName);
    const live = [70, 71, 72].map((n) =>
      aRunning({ id: id(n), owner: n === 71 ? 'bob' : 'ann', createdAt: minus(LAUNCH, hours(n)) }),
    );
    await Promise.all([...ended, ...live].map((record) => store.insert(record)));
    await schedules.insert(aSchedule());
    const read: unknown[] = [];
    const send = client.send.bind(client);
    vi.spyOn(client, 'send').mockImplementation(async (command) => {
      const answer = await send(command as never);
      const { ScannedCount, Responses } = answer as Partial<
        QueryCommandOutput & BatchGetItemCommandOutput
      >;
      const { IndexName = 'records' } = command.input as { IndexName?: string };
      read.push([IndexName, ScannedCount ?? Responses?.[TableName]?.length]);
      return answer;
    });
    const query = { ...ALL_CLUSTERS, owner: 'ann', status };
    expect((await store.list(query)).records.map((record) => record.id)).toEqual([id(70), id(72)]);
    expect(read).toEqual([
      ['live', 4],
      ['records', 2],
    ]);
  },
);

it.each(['live', 'running'] as const)(
  'a list of the status %s reads the history where the table does not have the index yet',
  async (status) => {
    const GlobalSecondaryIndexes = TABLE.GlobalSecondaryIndexes?.filter(
      ({ IndexName }) => IndexName !== 'live',
    );
    const { client } = await startTable({ ...TABLE, GlobalSecondaryIndexes });
    const store = createClusterStore(client, TableName);
    await store.insert(anEnded({ id: id(1) }));
    await store.insert(aRunning({ id: id(2) }));
    const { records } = await store.list({ ...ALL_CLUSTERS, status });
    expect(records).toEqual([aRunning({ id: id(2) })]);
  },
);

it('a list of live clusters leaves out a cluster that has ended since its index was read', async () => {
  const client = await anEmptyTable();
  const store = createClusterStore(client, TableName);
  const [first, second] = [1, 2].map((n) => aDeleting({ id: id(n), owner: 'ann' })) as [
    LiveRecord,
    LiveRecord,
  ];
  await store.insert(first);
  await store.insert(second);
  const send = client.send.bind(client);
  vi.spyOn(client, 'send').mockImplementation(async (command) => {
    if (command instanceof BatchGetItemCommand) {
      vi.restoreAllMocks();
      await store.save(anEnded({ id: id(1), owner: 'ann', revision: 1 }));
    }
    return send(command as never);
  });
  const { records } = await store.list({ ...ALL_CLUSTERS, status: 'live' });
  expect(records).toEqual([second]);
});

describe('the largest cluster', () => {
  const words = fc.constantFrom('no capacity', '\u0000"\\', 'ü', '🧮', 'a'.repeat(999));
  const longText = fc
    .tuple(words, fc.constantFrom(1, 500, 20_000))
    .map(([word, bytes]) => word.repeat(Math.ceil(bytes / word.length)));
  const ipv4 = ['203.0.113.250', '192.168.250.250', '203.0.113.251', '203.0.113.252', 'one more'];
  const machine = {
    linodeId: 999_999_999,
    billedFrom: LAUNCH,
    status: 'billing_suspension' as const,
    ipv4,
    ipv6: '2001:0db8:85a3:0000:0000:8a2e:0370:7334/128',
    backups: false,
  };
  const aNode = (index: number, reason: string): NodeRecord => {
    const states = [
      { ...planned(index), createTrouble: { since: LAUNCH, reason } },
      { ...creating(index), refused: reason },
      {
        ...created(index, machine),
        checkedAt: LAUNCH,
        trouble: { since: LAUNCH, reason, tries: 1, triedAt: LAUNCH },
      },
      deleting(index, machine),
      gone(index, machine),
      neverCreated(index, reason),
    ];
    return states[index % states.length] as NodeRecord;
  };
  /** What was measured of 500 nodes: numbers that can't be deflated to a few. */
  const sent = {
    ...{ at: LAUNCH, month: '2026-11', before: { '2026-10': 9e15 }, rate: 9e12 },
    bytes: Array.from({ length: 500 }, () => randomInt(2 ** 47)),
    measuredAt: Array.from({ length: 500 }, () => plus(LAUNCH, hours(randomInt(700)))),
    expected: Array.from({ length: 500 }, () => randomInt(2 ** 47)),
  };
  /** The parts that no life changes: the spec and the nodes' identities and bills. */
  const kept = ({ spec, nodes, ...record }: ClusterRecord) => ({
    spec,
    bill: spentByMonthOf({ spec, nodes, ...record } as ClusterRecord, plus(LAUNCH, hours(9))),
    nodes: nodes.map(({ state, index, label }) => ({ state, index, label })),
  });

  it('is stored whatever its life adds, and cut as save returns it', async () => {
    const store = createClusterStore(await anEmptyTable(), TableName);
    const keys = { authorizedKeys: Array.from({ length: 40 }, () => 'k'.repeat(2_000)) };
    const texts = { name: '🧮'.repeat(64), image: 'ü'.repeat(128), region: 'ü'.repeat(64) };
    const tags = Array.from({ length: 10 }, (_, index) => `${index}`.repeat(50));
    const spec = aSpec({ nodes: 500, userData: 'ü'.repeat(8_192), tags, ...keys, ...texts });
    const advice = { warnings: Array(10).fill('w'.repeat(300)), alternatives: [] };
    let stored = 0;
    const property = fc.asyncProperty(longText, longText, async (reason, event) => {
      // Deflating makes texts that repeat small, so that each node has a text of its own, too.
      const nodes = Array.from({ length: 500 }, (_, index) =>
        aNode(index, `${randomBytes(2_500).toString('base64')} ${reason}`),
      );
      const history = Array.from({ length: 50 }, () => ({ at: LAUNCH, event }));
      const reapTags = Array.from({ length: 3_000 }, (_, n) => reapTag(plus(LAUNCH, hours(n))));
      const trouble = { since: LAUNCH, reason };
      const endReason = 'failed' as const;
      const texts = { trouble, failure: reason, endReason };
      const grown = { spec, advice, nodes, history, reapTags, sent, ...texts };
      stored += 1;
      const record = aDeleting({ ...grown, id: id(stored) });
      expect(await store.insert(aCluster({ id: id(stored), spec }))).toBe('inserted');
      const saved = await store.save(record);
      expect(await store.get(record.id)).toEqual(saved);
      expect(kept(saved as ClusterRecord)).toEqual(kept(record));
      expect(saved).toMatchObject({ sent });
      const end = anEnded({ ...grown, id: id(stored), phase: 'failed', revision: 2 });
      expect(await store.save(end)).toEqual(await store.get(record.id));
    });
    await fc.assert(property, { numRuns: 10 });
  });
});

describe('when DynamoDB is short of capacity', () => {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  const mock = mockClient(client);
  const store = createClusterStore(client, TableName);
  const keysOf = (...ids: string[]) => ({
    [TableName]: { Keys: ids.map((key) => marshall({ id: key })) },
  });
  const itemOf = (key: `c${string}`) => {
    const record = aCluster({ id: key });
    return marshall({ version: 2, revision: 1, record });
  };
  const batchGets = () => mock.commandCalls(BatchGetItemCommand);

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    mock.reset();
    vi.useRealTimers();
  });

  it('getMany repeats its request for only the unprocessed keys', async () => {
    mock
      .on(BatchGetItemCommand)
      .resolvesOnce({
        Responses: { [TableName]: [itemOf(id(1))] },
        UnprocessedKeys: keysOf(id(2), id(3)),
      })
      .resolvesOnce({
        Responses: { [TableName]: [itemOf(id(3))] },
        UnprocessedKeys: keysOf(id(2)),
      })
      .resolvesOnce({ Responses: { [TableName]: [itemOf(id(2))] }, UnprocessedKeys: {} });
    const found = store.getMany([id(1), id(2), id(3)]);
    await vi.runAllTimersAsync();
    expect((await found).records.map((record) => record.id)).toEqual([id(1), id(3), id(2)]);
    const keys = batchGets().map(({ args }) => args[0].input.RequestItems?.[TableName]);
    expect(keys.map((request) => request?.Keys)).toEqual([
      keysOf(id(1), id(2), id(3))[TableName]?.Keys,
      keysOf(id(2), id(3))[TableName]?.Keys,
      keysOf(id(2))[TableName]?.Keys,
    ]);
    expect(keys.map((request) => request?.ConsistentRead)).toEqual([true, true, true]);
  });

  it('getMany throws, and returns no part, where keys stay unprocessed', async () => {
    mock.on(BatchGetItemCommand).resolves({ UnprocessedKeys: keysOf(id(1)) });
    const found = store.getMany([id(1)]);
    const refused = expect(found).rejects.toThrow('unprocessed');
    const before = Date.now();
    await vi.runAllTimersAsync();
    await refused;
    expect(batchGets()).toHaveLength(8);
    // A sweep keeps 60 s for its deletions, and must not lose more time to this wait.
    expect(Date.now() - before).toBeLessThan(60_000);
  });

  const throttled = new ProvisionedThroughputExceededException({ message: 'slow', $metadata: {} });
  it('every method throws the error of DynamoDB', async () => {
    mock.onAnyCommand().rejects(throttled);
    await expect(store.insert(aCluster())).rejects.toBe(throttled);
    await expect(store.save(aCluster())).rejects.toBe(throttled);
    await expect(store.get(id(1))).rejects.toBe(throttled);
    await expect(store.getMany([id(1)])).rejects.toBe(throttled);
    await expect(idsDue(store, LAUNCH)).rejects.toBe(throttled);
    await expect(store.list(ALL_CLUSTERS)).rejects.toBe(throttled);
    const lived = store.livedIn({ owner: null, from: LAUNCH, to: LAUNCH, cursor: null });
    await expect(collect(lived)).rejects.toBe(throttled);
  });

  it('due reads page after page, also after an empty page', async () => {
    const LastEvaluatedKey = marshall({ id: id(1), live: 'live', dueAt: 1 });
    const pages: QueryCommandOutput[] = [
      { $metadata: {}, Items: [marshall({ id: id(1) })], LastEvaluatedKey },
      { $metadata: {}, Items: [], LastEvaluatedKey },
      { $metadata: {}, Items: [marshall({ id: id(2) })] },
    ];
    // Note each key at the time of its request: the SDK's paginator reuses one input for all pages.
    const starts: unknown[] = [];
    mock.on(QueryCommand).callsFake(({ ExclusiveStartKey }) => {
      starts.push(ExclusiveStartKey);
      return pages[starts.length - 1];
    });
    expect(await idsDue(store, LAUNCH)).toEqual([id(1), id(2)]);
    expect(starts).toEqual([undefined, LastEvaluatedKey, LastEvaluatedKey]);
  });
});
