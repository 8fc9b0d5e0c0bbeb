import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { onTestFinished } from 'vitest';
import { localDynamoDbClient, startDynamoDb, tableNamed } from '../../simulators/aws/dynamodb.ts';

export const TABLE = tableNamed('clusters-under-test');

/** Starts an embedded DynamoDB with the table, and a client of it, until the test ends. */
export async function startTable(table = TABLE) {
  const dynamodb = await startDynamoDb(null, table);
  const client = localDynamoDbClient(dynamodb.url);
  onTestFinished(async () => {
    client.destroy();
    await dynamodb.close();
  });
  return { client, url: dynamodb.url };
}

export const anEmptyTable = async () => (await startTable()).client;

/** Replaces the record of an item by one of a later version. */
export const poisonIn = (client: DynamoDBClient, TableName: string) => (key: string) =>
  client.send(
    new UpdateItemCommand({
      TableName,
      Key: marshall({ id: key }),
      UpdateExpression: 'SET version = :later',
      ExpressionAttributeValues: marshall({ ':later': 99 }),
    }),
  );
