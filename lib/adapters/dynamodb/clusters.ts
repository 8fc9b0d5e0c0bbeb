import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ClusterId, ScheduleId } from '../../core/base/names.ts';
import type { DurationMs } from '../../core/base/units.ts';
import { type ClusterRecord, ENDED_KEPT, isLive } from '../../core/cluster/record.ts';
import type { ClusterStore, ListQuery, LivedQuery } from '../../ports.ts';
import { createdIn, pageOf, positionOf } from './pages.ts';
import { upgraded, VERSION } from './upgrade.ts';

/** DynamoDB takes 100 keys a BatchGetItem. */
const BATCH_KEYS_MAX = 100;
const BATCH_TRIES_MAX = 8;

export type Item = Record<string, AttributeValue>;

/**
 * One item per cluster; schedules.ts has those of schedules. Beside the record it has the
 * keys of three indexes: `due` (sparse: live clusters by `dueAt`), `byOwner` and `byTime` (all by
 * `createdAt`); and `expiresAt` for DynamoDB's own expiry of ended ones, `endedKept` after their end.
 */
export function createClusterStore(
  client: DynamoDBClient,
  TableName: string,
  endedKept: DurationMs = ENDED_KEPT,
): ClusterStore {
  const toItem = itemOf(endedKept);

  async function getBatch(ids: readonly ClusterId[]): Promise<ClusterRecord[]> {
    const found: ClusterRecord[] = [];
    let Keys = ids.map((id): Item => marshall({ id }));
    for (let tries = 1; Keys.length > 0; tries += 1) {
      if (tries > BATCH_TRIES_MAX) throw new Error('BatchGetItem left keys unprocessed');
      if (tries > 1) await delay(50 * 2 ** tries);
      const RequestItems = { [TableName]: { Keys, ConsistentRead: true } };
      const answer = await client.send(new BatchGetItemCommand({ RequestItems }));
      found.push(...(answer.Responses?.[TableName] ?? []).map(fromItem));
      Keys = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
    }
    return found;
  }

  return {
    ...recordsIn(client, TableName, { toItem, fromItem }),

    async getMany(ids) {
      const batches = Array.from({ length: Math.ceil(ids.length / BATCH_KEYS_MAX) }, (_, index) =>
        ids.slice(index * BATCH_KEYS_MAX, (index + 1) * BATCH_KEYS_MAX),
      );
      const found: ClusterRecord[] = [];
      for (const batch of batches) found.push(...(await getBatch(batch)));
      return found;
    },

    async *due(until) {
      const query: QueryCommandInput = {
        TableName,
        IndexName: 'due',
        KeyConditionExpression: 'live = :live AND dueAt <= :until',
        ExpressionAttributeValues: marshall({ ':live': LIVE, ':until': until }),
      };
      for await (const item of itemsOf(client, query)) {
        yield unmarshall(item).id as ClusterId | ScheduleId;
      }
    },

    list: (query) => list(client, TableName, query),

    async *livedIn(query) {
      const input = livedInput(TableName, query);
      for await (const item of itemsOf(client, input)) yield fromItem(item);
    },
  };
}

/** What the stores of clusters and of schedules do alike, with an item for each record. */
export function recordsIn<Id extends string, Kept extends { id: Id; revision: number }>(
  client: DynamoDBClient,
  TableName: string,
  { toItem, fromItem }: { toItem: (record: Kept) => Item; fromItem: (item: Item) => Kept },
) {
  return {
    async insert(record: Kept) {
      const put = { TableName, Item: toItem(record), ...IS_NEW };
      return (await putIf(client, put)) ? ('inserted' as const) : ('exists' as const);
    },
    async get(id: Id) {
      const item = await itemAt(client, TableName, id);
      return item === null ? ('notFound' as const) : fromItem(item);
    },
    async save(record: Kept) {
      const next = { ...record, revision: record.revision + 1 };
      const put = { TableName, Item: toItem(next), ...isAt(record.revision) };
      return (await putIf(client, put)) ? next : ('conflict' as const);
    },
  };
}

/** The key under which the index `due` has whatever is due some time. */
export const LIVE = 'live';
const ALL = 'cluster';

/** Consistent. null: there is none. */
export async function itemAt(
  client: DynamoDBClient,
  TableName: string,
  id: string,
): Promise<Item | null> {
  const Key = marshall({ id });
  const get = new GetItemCommand({ TableName, Key, ConsistentRead: true });
  return (await client.send(get)).Item ?? null;
}

/** false: the condition did not hold, and nothing was written. */
export async function putIf(client: DynamoDBClient, put: PutItemCommandInput): Promise<boolean> {
  try {
    await client.send(new PutItemCommand(put));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

export const IS_NEW = { ConditionExpression: 'attribute_not_exists(id)' };
export const isAt = (revision: number) => ({
  ConditionExpression: 'revision = :revision',
  ExpressionAttributeValues: marshall({ ':revision': revision }),
});

const itemOf =
  (endedKept: DurationMs) =>
  (record: ClusterRecord): Item => {
    const { id, owner, revision, phase, createdAt } = record;
    const live = isLive(record) ? { live: LIVE, dueAt: record.dueAt } : {};
    const ended = isLive(record)
      ? {}
      : { expiresAt: Math.ceil((record.endedAt + endedKept) / 1000) };
    return marshall(
      {
        id,
        owner,
        revision,
        phase,
        createdAt,
        kind: ALL,
        version: VERSION,
        ...live,
        ...ended,
        record,
      },
      { removeUndefinedValues: true },
    );
  };

function fromItem(item: Item): ClusterRecord {
  const { version, record, revision } = unmarshall(item);
  return { ...upgraded(version, record), revision };
}

/** All pages, of which any but the last may be empty. */
export async function* itemsOf(
  client: DynamoDBClient,
  input: QueryCommandInput,
): AsyncGenerator<Item> {
  for await (const { Items = [] } of paginateQuery({ client }, input)) yield* Items;
}

/**
 * From the newest back to the oldest that are kept, as one that was launched long ago may still be
 * live. Those that ended too early are left out by DynamoDB, so that they are read but not sent.
 */
function livedInput(TableName: string, { owner, from, to }: LivedQuery): QueryCommandInput {
  const index = indexOf(owner);
  return {
    TableName,
    IndexName: index.name,
    ScanIndexForward: false,
    KeyConditionExpression: '#key = :key AND createdAt < :to',
    FilterExpression: 'attribute_not_exists(#record.endedAt) OR #record.endedAt >= :from',
    ExpressionAttributeNames: { '#key': index.key, '#record': 'record' },
    ExpressionAttributeValues: marshall({ ':key': index.value, ':from': from, ':to': to }),
  };
}

/** The index by `createdAt` that has the owner's clusters, or everybody's. */
const indexOf = (owner: string | null) =>
  owner === null
    ? { name: 'byTime', key: 'kind', value: ALL }
    : { name: 'byOwner', key: 'owner', value: owner };

/** Pages until `limit` records of the status are there, as DynamoDB filters after it has counted. */
async function list(client: DynamoDBClient, TableName: string, query: ListQuery) {
  const { owner, status, month, limit, cursor } = query;
  const index = indexOf(owner);
  const created = month === null ? null : createdIn(month);
  const input: QueryCommandInput = {
    TableName,
    IndexName: index.name,
    ScanIndexForward: false,
    KeyConditionExpression: created
      ? '#key = :key AND createdAt BETWEEN :from AND :to'
      : '#key = :key',
    ExpressionAttributeNames: { '#key': index.key },
    ExpressionAttributeValues: marshall({
      ':key': index.value,
      ...(created && { ':from': created.from, ':to': created.to }),
      ...(status && { ':phase': status }),
    }),
    // A limit counts before the filter does: with both, a rare status would take many small pages.
    ...(status ? { FilterExpression: 'phase = :phase' } : { Limit: limit + 1 }),
    // With the key of the index as this query has it, whosever query gave the cursor.
    ...(cursor !== null && {
      ExclusiveStartKey: marshall({ ...positionOf(cursor, created), [index.key]: index.value }),
    }),
  };
  const records: ClusterRecord[] = [];
  for await (const { Items = [] } of paginateQuery({ client }, input)) {
    records.push(...Items.map(fromItem));
    if (records.length > limit) break;
  }
  return pageOf(records, limit);
}
