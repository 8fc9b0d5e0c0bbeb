process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { readFileSync } from 'node:fs';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { parse } from 'yaml';
import { listen } from '../listen.ts';

export interface LocalDynamoDb {
  readonly url: string;
  close(): Promise<void>;
}

/** The properties of CloudFormation's table that the embedded DynamoDB supports, too. */
export type TableProperties = Pick<
  CreateTableCommandInput,
  'TableName' | 'BillingMode' | 'AttributeDefinitions' | 'KeySchema' | 'GlobalSecondaryIndexes'
>;

/** The properties of the table in stack/table.yml, with another name. */
export function tableNamed(TableName: string): TableProperties & { readonly TableName: string } {
  const stack = parse(readFileSync(new URL('../../stack/table.yml', import.meta.url), 'utf8'));
  return { ...stack.Resources.ClustersTable.Properties, TableName };
}

/**
 * Starts the embedded DynamoDB and creates the table if the database lacks it. `path`: the folder
 * of a database that outlives the process; null: the database is in memory. Port 0 is any free one.
 */
export async function startDynamoDb(
  path: string | null,
  table: TableProperties,
  port = 0,
): Promise<LocalDynamoDb> {
  const server = dynalite({ createTableMs: 0, ...(path === null ? {} : { path }) });
  const url = await listen(server, port);
  const client = localDynamoDbClient(url);
  await createTable(client, table);
  client.destroy();
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A client of a DynamoDB that accepts any credentials, as the embedded one does. */
export function localDynamoDbClient(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
}

/** Creates the table if the database lacks it. */
export async function createTable(client: DynamoDBClient, table: TableProperties): Promise<void> {
  const { TableName, BillingMode, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes } = table;
  const input = { TableName, BillingMode, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes };
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}
