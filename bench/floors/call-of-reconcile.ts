import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Builds the AWS clients of `reconcile`, and reads one item, as `reconcile` does. */
export const handler = async () => {
  const [dynamoDb] = [new DynamoDBClient({}), new SecretsManagerClient({})];
  const get = new GetItemCommand({
    TableName: process.env.TABLE_NAME,
    Key: { id: { S: 'caaaaaaaaaa' } },
  });
  return (await dynamoDb.send(get)).Item ?? null;
};
