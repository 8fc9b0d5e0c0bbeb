import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';

/** Builds the AWS clients of `reap`, and reads once from the index `due`, as `reap` does. */
export const handler = async () => {
  const [dynamoDb] = [new DynamoDBClient({}), new LambdaClient({})];
  const query = new QueryCommand({
    TableName: process.env.TABLE_NAME,
    IndexName: 'due',
    KeyConditionExpression: 'live = :live AND dueAt <= :until',
    ExpressionAttributeValues: { ':live': { S: 'live' }, ':until': { N: '1' } },
  });
  return (await dynamoDb.send(query)).Count;
};
