import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, it, onTestFinished } from 'vitest';
import { createSecrets } from '../../lib/adapters/secrets-manager.ts';
import { startSecrets } from '../../local/secrets.ts';
import { createTestClock } from '../adapters/linode-server.ts';

const SECRET = {
  linodeToken: 'linode-token-0123456789',
  apiTokens: { admin: '0'.repeat(64) },
  passwordKey: 'sixteen-or-more-characters',
};

async function localSecrets(secretId: string) {
  const local = await startSecrets('onebuck/local', JSON.stringify(SECRET));
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SecretsManagerClient({
    endpoint: local.url,
    region: 'us-east-1',
    credentials,
  });
  onTestFinished(() => {
    client.destroy();
    local.close();
  });
  return { local, secrets: createSecrets(client, { secretId, clock: createTestClock() }) };
}

it('gives the secret to the client that the functions use', async () => {
  const { secrets } = await localSecrets('onebuck/local');
  expect(await secrets.linodeToken({ fresh: false })).toBe(SECRET.linodeToken);
  expect(await secrets.apiTokens()).toEqual({ admin: ['0'.repeat(64)] });
  expect(await secrets.passwordKey()).toBe(SECRET.passwordKey);
});

it('has no other secret', async () => {
  const { secrets } = await localSecrets('onebuck/other');
  await expect(secrets.apiTokens()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

it('says 501 to any other call', async () => {
  const { local } = await localSecrets('onebuck/local');
  const headers = { 'x-amz-target': 'secretsmanager.PutSecretValue' };
  const response = await fetch(local.url, { method: 'POST', headers, body: '{}' });
  expect(response.status).toBe(501);
  expect(await response.text()).not.toContain(SECRET.linodeToken);
});
