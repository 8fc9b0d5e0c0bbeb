import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import {
  localDynamoDbClient,
  startDynamoDb,
  type TableProperties,
} from '../../simulators/aws/dynamodb.ts';

/** The table of stack/table.yml, under a name for tests. */
export const TABLE: TableProperties & { TableName: string } = {
  ...parse(readFileSync(new URL('../../stack/table.yml', import.meta.url), 'utf8')).Resources
    .ClustersTable.Properties,
  TableName: 'clusters-under-test',
};

/** A client of an embedded DynamoDB that has this table, and is gone when the test ends. */
export async function anEmptyTable() {
  const dynamodb = await startDynamoDb(null, TABLE);
  const client = localDynamoDbClient(dynamodb.url);
  onTestFinished(async () => {
    client.destroy();
    await dynamodb.close();
  });
  return client;
}
