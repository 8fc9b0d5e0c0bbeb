import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Options of a client that finds its credentials, and the region if it is null, as AWS's own tools do. */
export const awsOptions = (region: string | null) => ({
  ...(region === null ? {} : { region }),
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    throwOnRequestTimeout: true,
  },
});

export const openSecretsManager = (region: string | null): SecretsManagerClient =>
  new SecretsManagerClient(awsOptions(region));
