import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { createSecrets } from '../../../../lib/adapters/aws/secrets-manager.ts';
import { startSecret } from '../../../support/aws.ts';
import { aClock } from '../../../support/doubles.ts';

const SECRET = {
  linodeToken: 'linode-token-0123456789',
  apiTokens: { admin: '0'.repeat(64) },
  passwordKey: 'sixteen-or-more-characters',
};

async function localSecrets(secretId: string, value: string | null = JSON.stringify(SECRET)) {
  const kept = await startSecret('onebuck/local', value);
  return {
    ...kept,
    secrets: createSecrets(kept.client, { secretId, clock: aClock(), onMalformed() {} }),
  };
}

it("the functions' client reads the secret", async () => {
  const { secrets } = await localSecrets('onebuck/local');
  expect(await secrets.linodeToken({ fresh: false })).toBe(SECRET.linodeToken);
  expect(await secrets.apiTokens({ fresh: false })).toMatchObject({
    admin: [{ sha256: '0'.repeat(64) }],
  });
  expect(await secrets.passwordKey()).toBe(SECRET.passwordKey);
});

it('the simulator has no other secret', async () => {
  const { secrets } = await localSecrets('onebuck/other');
  await expect(secrets.apiTokens({ fresh: false })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

it('the secret does not exist before its creation, which succeeds once', async () => {
  const { client, changes } = await localSecrets('onebuck/local', null);
  const get = () => client.send(new GetSecretValueCommand({ SecretId: 'onebuck/local' }));
  const put = { SecretId: 'onebuck/local', SecretString: 'first' };
  const missing = { name: 'ResourceNotFoundException' };
  await expect(get()).rejects.toMatchObject(missing);
  await expect(client.send(new PutSecretValueCommand(put))).rejects.toMatchObject(missing);
  const create = (SecretString: string) =>
    client.send(new CreateSecretCommand({ Name: 'onebuck/local', SecretString }));
  await create('first');
  await expect(create('second')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  expect((await get()).SecretString).toBe('first');
  expect(changes).toEqual(['first']);
});

describe('a changed secret', () => {
  const SecretId = 'onebuck/local';

  it('has the value that was put last, which the functions read', async () => {
    const { client, secrets, changes } = await localSecrets(SecretId);
    const SecretString = JSON.stringify({ ...SECRET, linodeToken: 'rotated' });
    await client.send(new PutSecretValueCommand({ SecretId, SecretString }));
    expect(await secrets.linodeToken({ fresh: true })).toBe('rotated');
    expect(changes).toEqual([SecretString]);
  });

  it('keeps its former version, and a version that is not yet current', async () => {
    const { client, changes } = await localSecrets(SecretId);
    const put = (SecretString: string, stages?: string[]) =>
      client.send(
        new PutSecretValueCommand({
          SecretId,
          SecretString,
          ...(stages && { VersionStages: stages }),
        }),
      );
    const valueAt = async (VersionStage: string) =>
      (await client.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString;
    await put('second');
    await put('third', ['NEXT']);
    expect(await valueAt('AWSCURRENT')).toBe('second');
    expect(await valueAt('AWSPREVIOUS')).toBe(JSON.stringify(SECRET));
    expect(await valueAt('NEXT')).toBe('third');
    expect(changes).toEqual(['second']);
  });

  it('gets another current version only in place of the present one', async () => {
    const { client, changes } = await localSecrets(SecretId);
    const first = await client.send(new GetSecretValueCommand({ SecretId }));
    const put = { SecretId, SecretString: 'second', VersionStages: ['NEXT'] };
    const second = await client.send(new PutSecretValueCommand(put));
    const makeCurrent = (RemoveFromVersionId: string | undefined) =>
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: second.VersionId,
          RemoveFromVersionId,
        }),
      );
    const refused = { name: 'InvalidParameterException' };
    await expect(makeCurrent(undefined)).rejects.toMatchObject(refused);
    await expect(makeCurrent(second.VersionId)).rejects.toMatchObject(refused);
    expect(changes).toEqual([]);
    await makeCurrent(first.VersionId);
    expect(changes).toEqual(['second']);
  });

  it('accepts the same put twice, but no other value with its request token', async () => {
    const { client } = await localSecrets(SecretId);
    const ClientRequestToken = '0'.repeat(32);
    const put = (SecretString: string) =>
      client.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken }));
    await put('second');
    await put('second');
    await expect(put('third')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });
});

it('the simulator answers 501 to any other call', async () => {
  const { url } = await localSecrets('onebuck/local');
  const headers = { 'x-amz-target': 'secretsmanager.DeleteSecret' };
  const response = await fetch(url, { method: 'POST', headers, body: '{}' });
  expect(response.status).toBe(501);
  expect(await response.text()).not.toContain(SECRET.linodeToken);
});
