import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Builds the AWS clients that `reconcile` has at once, and calls none: that of SNS is built by who has mail. */
export const handler = async () =>
  [new DynamoDBClient({}), new SecretsManagerClient({})].map(({ config }) => config.serviceId);
