import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { RIGHTS } from '../../core/base/api-token.ts';
import { type MicroUsd, microUsd } from '../../core/base/money.ts';
import { OWNER_NAME } from '../../core/base/names.ts';
import type { OwnerRecord } from '../../core/caps/owners.ts';
import type { OwnerStore } from '../../ports.ts';
import { IS_NEW, isAt, itemAt, itemsOf, putIf } from './clusters.ts';
import { epoch, type Item } from './readable.ts';

const PREFIX = 'owner-';
const KIND = 'owner';
const VERSION = 1;

/**
 * What the admin has decided about owners, one item each, in the table of the clusters. It has the
 * keys of the index `byTime`; the owner is in the record only, as with schedules. Caps and tokens
 * are in one item, so that one write revokes all, and one read tells what a token may do.
 */
export function createOwnerStore(client: DynamoDBClient, TableName: string): OwnerStore {
  return {
    async get(owner) {
      const item = await itemAt(client, TableName, `${PREFIX}${owner}`);
      if (item === null) return null;
      const record = fromItem(item);
      if (record !== null) return record;
      throw new Error(`the item ${PREFIX}${owner} is damaged, or a later version wrote it`);
    },

    insert: async (record) =>
      (await putIf(client, { TableName, Item: toItem(record), ...IS_NEW })) ? 'inserted' : 'exists',

    async save(record) {
      const next = { ...record, revision: record.revision + 1 };
      const put = { TableName, Item: toItem(next), ...isAt(record.revision) };
      return (await putIf(client, put)) ? next : 'conflict';
    },

    async list() {
      const records: OwnerRecord[] = [];
      const query = {
        TableName,
        IndexName: 'byTime',
        KeyConditionExpression: 'kind = :kind',
        ExpressionAttributeValues: marshall({ ':kind': KIND }),
      };
      for await (const item of itemsOf(client, query))
        records.push(...[fromItem(item)].filter(isRecord));
      return records.toSorted((a, b) => (a.owner < b.owner ? -1 : 1));
    },
  };
}

const isRecord = (record: OwnerRecord | null): record is OwnerRecord => record !== null;

const toItem = (record: OwnerRecord): Item => {
  const { owner, revision, createdAt } = record;
  return marshall({
    ...{ id: `${PREFIX}${owner}`, kind: KIND, version: VERSION, revision, createdAt },
    record,
  });
};

/** null: it can't be read. */
function fromItem(item: Item): OwnerRecord | null {
  const parsed = itemSchema.safeParse(unmarshall(item));
  return parsed.success ? { ...parsed.data.record, revision: parsed.data.revision } : null;
}

const amount = z.pipe(
  z.int().check(z.gte(0)),
  z.transform((value): MicroUsd => microUsd(value)),
);
const ownCap = z.nullable(z.union([z.literal('none'), amount]));

const itemSchema = z.object({
  version: z.literal(VERSION),
  revision: z.int(),
  record: z.object({
    owner: z.string().check(z.regex(OWNER_NAME)),
    createdAt: epoch,
    caps: z.object({ day: ownCap, week: ownCap, month: ownCap }),
    tokens: z.array(
      z.object({
        id: z.string(),
        createdAt: epoch,
        sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
        expiresAt: z.nullable(epoch),
        right: z.enum(RIGHTS),
        monthlyMax: z.nullable(amount),
      }),
    ),
    revokedAt: z.nullable(epoch),
  }),
});
