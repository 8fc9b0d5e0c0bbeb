import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../../../../lib/adapters/dynamodb/schedules.ts';
import { id, scheduleStoreContract } from '../../../support/schedule-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const TableName = TABLE.TableName;

scheduleStoreContract('the schedules on DynamoDB', async () => {
  const client = await anEmptyTable();
  return {
    schedules: createScheduleStore(client, TableName),
    store: createClusterStore(client, TableName),
  };
});

it('an item of an unknown later version throws', async () => {
  const client = await anEmptyTable();
  const Item = marshall({ id: id(1), version: 2, revision: 1, record: {} });
  await client.send(new PutItemCommand({ TableName, Item }));
  await expect(createScheduleStore(client, TableName).get(id(1))).rejects.toThrow('version 2');
});
