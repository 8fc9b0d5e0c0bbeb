import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';

/** Builds the AWS clients that `reap` has, and calls none. */
export const handler = async () =>
  [new DynamoDBClient({}), new LambdaClient({})].map(({ config }) => config.serviceId);
