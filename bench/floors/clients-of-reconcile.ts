import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/**
 * Builds the AWS clients of `reconcile`, and makes no call. `reconcile` builds its client of SNS
 * only for a pass that sends a notice.
 */
export const handler = async () =>
  [new DynamoDBClient({}), new SecretsManagerClient({})].map(({ config }) => config.serviceId);
