import { createHash } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { onTestFinished } from 'vitest';
import { startSecrets } from '../../simulators/aws/secrets.ts';

/** The environment of a process that uses simulated services of AWS. */
export const LOCAL_AWS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

/** The options of an SDK client for the simulated service at the endpoint. */
export const localAws = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

/** The form in which the secret keeps an API token. */
export const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');

/**
 * Starts a Secrets Manager with one secret, and a client of it, until the test ends. `secret` is
 * written as JSON unless it is text; null: the secret does not exist yet.
 */
export async function startSecret(secretId: string, secret: unknown) {
  const text = secret === null || typeof secret === 'string' ? secret : JSON.stringify(secret);
  const changes: string[] = [];
  const local = await startSecrets(secretId, text, { onChange: (value) => changes.push(value) });
  const client = new SecretsManagerClient(localAws(local.url));
  onTestFinished(() => {
    client.destroy();
    local.close();
  });
  const current = async () =>
    (await client.send(new GetSecretValueCommand({ SecretId: secretId }))).SecretString ?? '';
  return {
    url: local.url,
    client,
    /** Each value that was written to the secret, in order. */
    changes,
    current,
    write: async (value: unknown) => {
      const SecretString = JSON.stringify(value);
      await client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
    },
    fields: async () => JSON.parse(await current()) as Record<string, unknown>,
  };
}
