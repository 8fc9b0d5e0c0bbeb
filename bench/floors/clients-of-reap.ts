import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';

/** Builds the AWS clients of `reap`, and makes no call. */
export const handler = async () =>
  [new DynamoDBClient({}), new LambdaClient({})].map(({ config }) => config.serviceId);
