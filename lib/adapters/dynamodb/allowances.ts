import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { MONTH_NAME } from '../../core/billing/bill.ts';
import type { Allowances } from '../../ports.ts';
import { IS_NEW, isAt, itemAt, putIf } from './clusters.ts';
import { fieldsOf } from './readable.ts';

/** The id of the item with the allowances of a cluster's nodes. */
const PREFIX = 'allowance-';

/**
 * What a cluster's nodes were granted, in one item beside the record. The item has no keys of the
 * indexes, so no list shows it. `expiresAt` makes DynamoDB delete it as it deletes the record. 500
 * nodes take less than 20 KB.
 */
export function createAllowances(client: DynamoDBClient, TableName: string): Allowances {
  return {
    async read(id) {
      const item = await itemAt(client, TableName, `${PREFIX}${id}`);
      if (item === null) return null;
      const found = grantedSchema.safeParse(fieldsOf(item));
      // Without what was granted, more could be granted than the budget pays.
      if (!found.success) throw new Error(`the allowances of ${id} are damaged`);
      const { revision: version, ...granted } = found.data;
      return { version, ...granted };
    },

    async grant(id, { version, ...granted }, keptUntil) {
      const content = { ...granted, expiresAt: Math.ceil(keptUntil / 1_000) };
      const Item = marshall({ id: `${PREFIX}${id}`, revision: version, ...content });
      const unchanged = version === 1 ? IS_NEW : isAt(version - 1);
      return (await putIf(client, { TableName, Item, ...unchanged })) ? 'granted' : 'conflict';
    },
  };
}

const count = z.int().check(z.gte(0));
const month = z.string().check(z.regex(MONTH_NAME));

const grantedSchema = z.object({
  revision: count,
  month,
  bytes: z.array(count),
  countedSince: z.optional(z.array(count)),
  counted: z.optional(z.array(count)),
  uncounted: z.optional(z.array(count)),
  earlier: z.record(month, count),
});
