import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Finds the credentials, and the region if it is null, where AWS's own tools find them. */
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
