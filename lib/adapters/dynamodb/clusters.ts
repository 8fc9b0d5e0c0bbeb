import { setTimeout as delay } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  paginateQuery,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ClusterId } from '../../core/base/names.ts';
import type { DurationMs } from '../../core/base/units.ts';
import { withinBytes } from '../../core/cluster/bounds.ts';
import { type ClusterRecord, ENDED_KEPT, isLive, livePhases } from '../../core/cluster/record.ts';
import {
  byReadability,
  type ClusterStore,
  isUnreadable,
  type ListQuery,
  type LivedQuery,
  type Unreadable,
} from '../../ports.ts';
import { createdIn, cursorOf, pageOf, positionOf } from './pages.ts';
import { clusterIn, type Item } from './readable.ts';
import { unreadableError } from './unreadable.ts';
import { DEFLATED_VERSION, VERSION } from './upgrade.ts';

/** DynamoDB takes at most 100 keys in a BatchGetItem. */
const BATCH_KEYS_MAX = 100;
const BATCH_TRIES_MAX = 8;
/**
 * The most bytes of a record as JSON, as long as its texts can be cut. DynamoDB takes items of
 * 400 KiB, and 1 000 write units a second for all clusters together (docs/performance.md).
 */
const RECORD_BYTES_MAX = 250_000;

/**
 * The records of clusters, one item each; schedules.ts has the items of schedules. Beside the
 * record, an item has the keys of four indexes: `due` and `live` (sparse: live clusters by `dueAt`
 * and by `createdAt`), `byOwner` and `byTime` (all clusters by `createdAt`). `expiresAt` makes DynamoDB delete an ended
 * cluster `endedKept` after its end.
 */
export function createClusterStore(
  client: DynamoDBClient,
  TableName: string,
  endedKept: DurationMs = ENDED_KEPT,
): ClusterStore {
  const toItem = itemOf(endedKept);

  const getBatch = async (ids: readonly ClusterId[]): Promise<(ClusterRecord | Unreadable)[]> =>
    (await itemsAt(client, TableName, ids)).map(clusterIn);

  return {
    ...recordsIn(client, TableName, {
      toItem,
      fromItem: clusterIn,
      fitting: (record) => withinBytes(record, RECORD_BYTES_MAX),
    }),

    async getMany(ids) {
      return byReadability<ClusterRecord>(await getBatch(ids));
    },

    async *due(until) {
      const query: QueryCommandInput = {
        TableName,
        IndexName: 'due',
        KeyConditionExpression: 'live = :live AND dueAt <= :until',
        ExpressionAttributeValues: marshall({ ':live': LIVE, ':until': until }),
      };
      for await (const item of itemsOf(client, query)) {
        const { id, dueAt } = unmarshall(item);
        yield { id, dueAt };
      }
    },

    async list(query) {
      const { status } = query;
      if (status !== 'live' && (status === null || !livePhases.includes(status))) {
        return list(client, TableName, query);
      }
      try {
        return await listLive(client, TableName, query, getBatch);
      } catch (error) {
        // An upgrade adds the index, and fills it for some minutes; a local table may lack it.
        if (!isWithoutIndex(error)) throw error;
        return list(client, TableName, query);
      }
    },

    async *livedIn(query) {
      const input = livedInput(TableName, query);
      for await (const { Items = [], LastEvaluatedKey } of paginateQuery({ client }, input)) {
        const nextCursor = LastEvaluatedKey === undefined ? null : cursorAt(LastEvaluatedKey);
        yield { ...byReadability<ClusterRecord>(Items.map(clusterIn)), nextCursor };
      }
    },
  };
}

interface Form<Id extends string, Kept> {
  readonly toItem: (record: Kept) => Item;
  readonly fromItem: (item: Item) => Kept | Unreadable<Id>;
  /** The record, shortened if an item has no room for it. */
  readonly fitting: (record: Kept) => Kept;
}

/**
 * The methods that the stores of clusters and of schedules share, with one item for each record.
 */
export function recordsIn<Id extends string, Kept extends { id: Id; revision: number }>(
  client: DynamoDBClient,
  TableName: string,
  { toItem, fromItem, fitting }: Form<Id, Kept>,
) {
  return {
    async insert(record: Kept) {
      const put = { TableName, Item: toItem(fitting(record)), ...IS_NEW };
      return (await putIf(client, put)) ? ('inserted' as const) : ('exists' as const);
    },
    async get(id: Id) {
      const item = await itemAt(client, TableName, id);
      if (item === null) return 'notFound' as const;
      const found = fromItem(item);
      if ('unreadable' in found) throw unreadableError(found);
      return found as Kept;
    },
    async save(record: Kept) {
      const next = { ...fitting(record), revision: record.revision + 1 };
      const put = { TableName, Item: toItem(next), ...isAt(record.revision) };
      return (await putIf(client, put)) ? next : ('conflict' as const);
    },
  };
}

/** The key of the index `due`; items that are never due lack it. */
export const LIVE = 'live';
const ALL = 'cluster';

/** Reads consistently. null: there is no item. */
export async function itemAt(
  client: DynamoDBClient,
  TableName: string,
  id: string,
): Promise<Item | null> {
  const Key = marshall({ id });
  const get = new GetItemCommand({ TableName, Key, ConsistentRead: true });
  return (await client.send(get)).Item ?? null;
}

/** The items that there are, in any order, read consistently in batches of 100. */
export async function itemsAt(
  client: DynamoDBClient,
  TableName: string,
  ids: readonly string[],
): Promise<Item[]> {
  const found: Item[] = [];
  for (let start = 0; start < ids.length; start += BATCH_KEYS_MAX) {
    let Keys = ids.slice(start, start + BATCH_KEYS_MAX).map((id): Item => marshall({ id }));
    for (let tries = 1; Keys.length > 0; tries += 1) {
      if (tries > BATCH_TRIES_MAX) throw new Error('BatchGetItem left keys unprocessed');
      if (tries > 1) await delay(50 * 2 ** tries);
      const RequestItems = { [TableName]: { Keys, ConsistentRead: true } };
      const answer = await client.send(new BatchGetItemCommand({ RequestItems }));
      found.push(...(answer.Responses?.[TableName] ?? []));
      Keys = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
    }
  }
  return found;
}

/** false: the condition did not hold, and nothing was written. */
export const putIf = (client: DynamoDBClient, put: PutItemCommandInput): Promise<boolean> =>
  unlessConditionFails(client.send(new PutItemCommand(put)));

/** The same of an update. */
export const updateIf = (
  client: DynamoDBClient,
  update: UpdateItemCommandInput,
): Promise<boolean> => unlessConditionFails(client.send(new UpdateItemCommand(update)));

async function unlessConditionFails(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
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

/** The record's item; bench/writes.ts measures it. */
export const itemOf =
  (endedKept: DurationMs) =>
  (record: ClusterRecord): Item => {
    const { id, owner, revision, phase, createdAt } = record;
    const state = isLive(record)
      ? { live: LIVE, dueAt: record.dueAt }
      : {
          endedAt: record.endedAt,
          expiresAt: Math.ceil((record.endedAt + endedKept) / 1000),
        };
    const keys = { id, owner, revision, phase, createdAt, kind: ALL };
    return marshall({ ...keys, ...state, ...contentOf(record) }, { removeUndefinedValues: true });
  };

/**
 * The most bytes of a record that is written as a map, which people can read and mend in the table:
 * below, little would be saved.
 */
const PLAIN_BYTES_MAX = 2_048;

/**
 * Two indexes hold whole items, all clusters under one key of `byTime`, and DynamoDB takes 1 000
 * write units a second for a key. A large record is deflated, to a tenth of its size, so that large
 * clusters do not throttle the writes of all others (docs/performance.md).
 */
function contentOf(record: ClusterRecord) {
  const json = JSON.stringify(record);
  return Buffer.byteLength(json) <= PLAIN_BYTES_MAX
    ? { version: VERSION, record }
    : { version: DEFLATED_VERSION, deflated: deflateRawSync(json) };
}

/** The items of all pages; any page but the last may be empty. */
export async function* itemsOf(
  client: DynamoDBClient,
  input: QueryCommandInput,
): AsyncGenerator<Item> {
  for await (const { Items = [] } of paginateQuery({ client }, input)) yield* Items;
}

/**
 * Reads from the newest record back to the oldest, since a cluster that was launched long ago may
 * still be live. DynamoDB filters out clusters that ended before `from`: it reads them, but does
 * not send them.
 */
function livedInput(TableName: string, query: LivedQuery): QueryCommandInput {
  const { owner, from, to, cursor } = query;
  const index = indexOf(owner);
  const created = { from: 0, to: to - 1 };
  return {
    TableName,
    IndexName: index.name,
    ScanIndexForward: false,
    KeyConditionExpression: '#key = :key AND createdAt < :to',
    // Items from before an item had `endedAt` have it in their record only.
    FilterExpression:
      '(attribute_not_exists(endedAt) AND attribute_not_exists(#record.endedAt)) ' +
      'OR endedAt >= :from OR #record.endedAt >= :from',
    ExpressionAttributeNames: { '#key': index.key, '#record': 'record' },
    ExpressionAttributeValues: marshall({ ':key': index.value, ':from': from, ':to': to }),
    ...(cursor !== null && {
      ExclusiveStartKey: marshall({ ...positionOf(cursor, created), [index.key]: index.value }),
    }),
  };
}

/** The cursor of DynamoDB's own position in one of our indexes. */
const cursorAt = ({ id, createdAt }: Item): string =>
  cursorOf({ id: id?.S ?? '', createdAt: Number(createdAt?.N) });

/** The index that holds the owner's clusters by `createdAt`; null: everybody's. */
const indexOf = (owner: string | null) =>
  owner === null
    ? { name: 'byTime', key: 'kind', value: ALL }
    : { name: 'byOwner', key: 'owner', value: owner };

/**
 * A page of live clusters, by the index `live`: it reads nothing of the clusters that have ended,
 * however many there are. The records are then read by their ids.
 */
async function listLive(
  client: DynamoDBClient,
  TableName: string,
  { owner, status, month, limit, cursor }: ListQuery,
  getBatch: (ids: readonly ClusterId[]) => Promise<(ClusterRecord | Unreadable)[]>,
) {
  const created = month === null ? null : createdIn(month);
  const filters = ['kind = :kind', ...(owner === null ? [] : ['#owner = :owner'])];
  const input: QueryCommandInput = {
    TableName,
    IndexName: 'live',
    ScanIndexForward: false,
    KeyConditionExpression: created
      ? '#live = :live AND createdAt BETWEEN :from AND :to'
      : '#live = :live',
    FilterExpression: filters.join(' AND '),
    ExpressionAttributeNames: { '#live': 'live', ...(owner !== null && { '#owner': 'owner' }) },
    ExpressionAttributeValues: marshall({
      ':live': LIVE,
      ':kind': ALL,
      ...(owner !== null && { ':owner': owner }),
      ...(created && { ':from': created.from, ':to': created.to }),
    }),
    ...(cursor !== null && {
      ExclusiveStartKey: marshall({ ...positionOf(cursor, created), live: LIVE }),
    }),
  };
  const found: (ClusterRecord | Unreadable)[] = [];
  const read = async (ids: readonly ClusterId[]) => {
    const byId = new Map((await getBatch(ids)).map((record) => [record.id, record]));
    const records = ids.flatMap((id) => byId.get(id) ?? []);
    // The index does not have the phase, and a cluster may have ended since the index was read.
    const isMatch = (record: ClusterRecord) =>
      status === 'live' ? isLive(record) : record.phase === status;
    found.push(...records.filter((record) => isUnreadable(record) || isMatch(record)));
  };
  let ids: ClusterId[] = [];
  for await (const item of itemsOf(client, input)) {
    ids.push(item.id?.S as ClusterId);
    if (ids.length < Math.min(limit + 1, BATCH_KEYS_MAX)) continue;
    await read(ids);
    ids = [];
    if (byReadability<ClusterRecord>(found).records.length > limit) break;
  }
  if (ids.length > 0) await read(ids);
  return pageOf<ClusterRecord>(found, limit);
}

const isWithoutIndex = (error: unknown): boolean =>
  error instanceof DynamoDBServiceException &&
  error.name === 'ValidationException' &&
  /specified index|backfilling/.test(error.message);

/** The items of live clusters, and no others, have the key `live`. */
const filterOf = (status: NonNullable<ListQuery['status']>): string =>
  status === 'live' ? 'attribute_exists(live)' : 'phase = :phase';

/** Reads pages until `limit` records have the status, since DynamoDB counts before it filters. */
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
      ...(status && status !== 'live' && { ':phase': status }),
    }),
    // DynamoDB applies Limit before the filter: with both, a rare status would take many small
    // pages.
    ...(status ? { FilterExpression: filterOf(status) } : { Limit: limit + 1 }),
    // Use this query's own index key, whichever query gave the cursor.
    ...(cursor !== null && {
      ExclusiveStartKey: marshall({ ...positionOf(cursor, created), [index.key]: index.value }),
    }),
  };
  const found: (ClusterRecord | Unreadable)[] = [];
  for await (const { Items = [] } of paginateQuery({ client }, input)) {
    found.push(...Items.map(clusterIn));
    if (byReadability<ClusterRecord>(found).records.length > limit) break;
  }
  return pageOf<ClusterRecord>(found, limit);
}
