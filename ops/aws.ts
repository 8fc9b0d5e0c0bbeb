import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Region (unless given) and credentials are found as AWS's tools do. */
export const openSecretsManager = (region: string | null): SecretsManagerClient =>
  new SecretsManagerClient({
    ...(region === null ? {} : { region }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  });
