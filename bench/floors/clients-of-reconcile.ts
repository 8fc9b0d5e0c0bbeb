import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Builds the AWS clients that `reconcile` has at once (that of SNS is for who has mail), and calls none. */
export const handler = async () =>
  [new DynamoDBClient({}), new SecretsManagerClient({})].map(({ config }) => config.serviceId);
