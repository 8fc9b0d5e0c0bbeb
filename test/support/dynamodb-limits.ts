import {
  BatchGetItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { ledgerOf } from './ledger-store-contract.ts';

export interface DynamoDbLimits {
  readonly itemBytesMax: number;
  /**
   * The most that an answer to BatchGetItem has; where one partition has more than 1 MB of it, AWS may
   * answer with less. null: the engine has no such limit.
   */
  readonly batchBytesMax: number | null;
}

/**
 * As AWS documents them: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 * and https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 */
export const AWS_LIMITS: DynamoDbLimits = {
  itemBytesMax: 400 * 1024,
  batchBytesMax: 16 * 1024 * 1024,
};

/**
 * Tests that an engine has these limits, and that the stores keep to them. `aTable` returns an empty
 * table.
 */
export function testDynamoDbLimits(
  name: string,
  { itemBytesMax, batchBytesMax }: DynamoDbLimits,
  aTable: () => Promise<{ client: DynamoDBClient; TableName: string }>,
): void {
  describe(`the limits of ${name}`, () => {
    let client: DynamoDBClient;
    let TableName: string;
    const put = (item: Record<string, string | number>) =>
      client.send(new PutItemCommand({ TableName, Item: marshall(item) }));

    beforeEach(async () => {
      ({ client, TableName } = await aTable());
    });

    it(`an item has at most ${itemBytesMax} bytes, with the names of its attributes`, async () => {
      const item = (bytes: number) => ({ id: 'x', text: 't'.repeat(bytes - 'idxtext'.length) });
      await put(item(itemBytesMax));
      await expect(put(item(itemBytesMax + 1))).rejects.toThrow('Item size has exceeded');
    });

    // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    it('a page of a query reads at most 1 MB, whatever its filter leaves of it', async () => {
      for (const n of [1, 2, 3, 4, 5, 6]) {
        await put({ id: `${n}`, kind: 'k', createdAt: n, n, text: 't'.repeat(300_000) });
      }
      const query = {
        TableName,
        IndexName: 'byTime',
        KeyConditionExpression: 'kind = :kind',
        FilterExpression: 'n = :last',
        ExpressionAttributeValues: marshall({ ':kind': 'k', ':last': 6 }),
      };
      const counts: (number | undefined)[] = [];
      for await (const { Count } of paginateQuery({ client }, query)) counts.push(Count);
      expect(counts.length).toBeGreaterThan(1);
      expect(counts).toEqual([...Array(counts.length - 1).fill(0), 1]);
    });

    it(`a batch gives at most ${batchBytesMax ?? 'any number of'} bytes, and names the other keys`, async () => {
      const bytes = 400_000;
      const ids = Array.from({ length: 50 }, (_, n) => `${n}`);
      for (const key of ids) await put({ id: key, text: 't'.repeat(bytes) });
      const Keys = ids.map((key) => marshall({ id: key }));
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } }),
      );
      const given = Responses?.[TableName]?.length ?? 0;
      const others = UnprocessedKeys?.[TableName]?.Keys?.length ?? 0;
      expect(given + others).toBe(ids.length);
      if (batchBytesMax === null) expect(others).toBe(0);
      else expect(given * bytes).toBeLessThanOrEqual(batchBytesMax);
    });

    it('the ledger holds 20 000 live clusters; a larger one throws, the saved one stays', async () => {
      const store = createLedgerStore(client, TableName);
      const full = ledgerOf(20_000);
      expect(await store.save(full)).toBe('saved');
      const more = { ...ledgerOf(60_000), revision: 1 };
      await expect(store.save(more)).rejects.toThrow('Item size has exceeded');
      expect((await store.read()).open.size).toBe(20_000);
    });
  });
}
