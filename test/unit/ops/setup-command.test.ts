import {
  CreateSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { authorize } from '../../../lib/app/authorize.ts';
import { parseSetup } from '../../../ops/setup-command.ts';
import { createMemoryOwners } from '../../../simulators/aws/memory-owners.ts';
import { sha256 } from '../../support/aws.ts';
import { aClock } from '../../support/doubles.ts';
import { FULL, OTHER, READER, SECRET_ID, startSetup } from './setup-world.ts';

const WHOLE = {
  linodeToken: FULL,
  passwordKey: 'sixteen-or-more-characters',
  webhookKey: 'sixteen-or-more-characters-too',
  apiTokens: { ann: 'a'.repeat(64) },
  note: 'kept',
};

/** Does `act`, in the role of another writer, just before the first call of the kind `before`. */
function meddle(client: SecretsManagerClient, before: string, act: () => Promise<unknown>): void {
  let hasActed = false;
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === before && !hasActed) {
          hasActed = true;
          await act();
        }
        return next(args);
      },
    { step: 'initialize' },
  );
}

describe('setup without a secret', () => {
  it('creates a secret that the functions can use, and prints the first API token', async () => {
    const { run, fields, secrets, messages } = await startSetup();
    const printed = await run(FULL);
    expect(printed).toEqual([expect.stringMatching(/^onebuck_[\w-]{43}$/)]);
    const [token = ''] = printed;
    const deps = { clock: aClock(), secrets: secrets(), owners: createMemoryOwners() };
    expect(await authorize(deps, `Bearer ${token}`, 'manage')).toMatchObject({ owner: 'admin' });
    expect(await secrets().linodeToken({ fresh: true })).toBe(FULL);
    const { passwordKey, webhookKey, ...rest } = await fields();
    expect(rest).toEqual({ linodeToken: FULL, apiTokens: { admin: sha256(token) } });
    expect([await secrets().passwordKey(), await secrets().webhookKey()]).toEqual([
      passwordKey,
      webhookKey,
    ]);
    expect(passwordKey).toMatch(/^[\w-]{32}$/);
    expect(webhookKey).not.toBe(passwordKey);
    for (const secret of [token, FULL, passwordKey, webhookKey]) {
      expect(messages.join('\n')).not.toContain(secret);
    }
    expect(messages[0]).toBe(
      `Created the secret ${SECRET_ID} in us-east-1, with linodeToken, passwordKey, webhookKey and ` +
        'an API token of admin.',
    );
    expect(messages.join('\n')).toContain('serverless deploy --stage prod --region us-east-1');
  });

  it('creates the API token for the owner in --owner', async () => {
    const { run, fields } = await startSetup();
    const [token = ''] = await run(FULL, '--owner', 'ann');
    expect((await fields()).apiTokens).toEqual({ ann: sha256(token) });
  });

  it.each([
    ['garbage', 'mistyped, expired or revoked'],
    [READER, 'lacks the scope linodes:read_write'],
  ])('creates no secret with the token %s', async (token, fault) => {
    const { run, changes } = await startSetup();
    await expect(run(token)).rejects.toThrow(fault);
    expect(changes).toEqual([]);
  });

  it('keeps a secret that somebody else creates meanwhile, and adds missing fields', async () => {
    const { client, run, fields, messages } = await startSetup();
    const theirs = { linodeToken: OTHER, passwordKey: 'theirs-with-16-or-more' };
    const SecretString = JSON.stringify(theirs);
    meddle(client, 'CreateSecretCommand', () =>
      client.send(new CreateSecretCommand({ Name: SECRET_ID, SecretString })),
    );
    const [token = ''] = await run(FULL);
    expect(await fields()).toEqual({
      ...theirs,
      webhookKey: expect.any(String),
      apiTokens: { admin: sha256(token) },
    });
    expect(messages[0]).toContain('Added to the secret');
  });
});

describe('setup with a secret', () => {
  it('that has all fields changes nothing, asks nothing, and lists the fields', async () => {
    const { run, changes, current, questions, messages } = await startSetup(WHOLE);
    expect(await run(OTHER)).toEqual([]);
    expect(changes).toEqual([]);
    expect(await current()).toBe(JSON.stringify(WHOLE));
    expect(questions).toEqual([]);
    expect(messages.slice(0, 2)).toEqual([
      `The secret ${SECRET_ID} in us-east-1 is complete. Nothing was changed.`,
      'Unchanged: linodeToken, passwordKey, webhookKey and API tokens of ann.',
    ]);
  });

  it('that it has created itself changes nothing the second time', async () => {
    const { run, changes } = await startSetup();
    await run(FULL);
    expect(await run(FULL)).toEqual([]);
    expect(changes).toHaveLength(1);
  });

  it.each(['linodeToken', 'passwordKey', 'webhookKey'] as const)(
    'that lacks only %s adds the field and keeps the others',
    async (name) => {
      const { [name]: _, ...lacking } = WHOLE;
      const { run, fields, questions } = await startSetup(lacking);
      expect(await run(OTHER)).toEqual([]);
      const { [name]: added, ...rest } = await fields();
      expect(rest).toEqual(lacking);
      expect(added).toEqual(name === 'linodeToken' ? OTHER : expect.stringMatching(/^[\w-]{32}$/));
      expect(questions).toHaveLength(name === 'linodeToken' ? 1 : 0);
    },
  );

  it('that is a plain Linode token makes JSON with that token', async () => {
    const { run, fields } = await startSetup(`${FULL}\n`);
    const [token = ''] = await run(OTHER);
    expect(await fields()).toMatchObject({
      linodeToken: FULL,
      passwordKey: expect.any(String),
      apiTokens: { admin: sha256(token) },
    });
  });

  it('whose Linode token is invalid changes nothing and says how to replace it', async () => {
    const { run, changes } = await startSetup({ linodeToken: 'revoked' });
    await expect(run(FULL)).rejects.toThrow('--rotate-linode-token');
    expect(changes).toEqual([]);
  });

  it('whose Linode token can not be checked does not advise to replace it', async () => {
    const { run, changes, simulator } = await startSetup({ linodeToken: FULL });
    simulator.setFaults([{ kind: 'status500' }]);
    await expect(run(FULL)).rejects.toThrow(/^Linode could not be asked .*$/);
    expect(changes).toEqual([]);
  });

  it.each([
    ['{"linodeToken": "secret', 'is not JSON'],
    ['{"linodeToken": 5}', 'no string'],
  ])('that reads %s changes nothing and does not quote the secret', async (text, fault) => {
    const { run, changes } = await startSetup(text);
    await expect(run(FULL)).rejects.toThrow(fault);
    expect(changes).toEqual([]);
  });
});

describe('--rotate-linode-token', () => {
  const ROTATE = '--rotate-linode-token';

  it('replaces only the Linode token', async () => {
    const { run, fields, messages, questions } = await startSetup(WHOLE);
    expect(await run(OTHER, ROTATE)).toEqual([]);
    expect(await fields()).toEqual({ ...WHOLE, linodeToken: OTHER });
    expect(messages.join()).not.toContain(OTHER);
    expect(questions).toEqual(['The new Linode token (not shown): ']);
  });

  it.each([
    { linodeToken: 'revoked', note: 'kept' },
    { linodeToken: 5, note: 'kept' },
    { apiTokens: 'at fault', note: 'kept' },
  ])('replaces the token in the wrong secret %j', async (secret) => {
    const { run, fields } = await startSetup(secret);
    await run(OTHER, ROTATE);
    expect(await fields()).toEqual({ ...secret, linodeToken: OTHER });
  });

  it.each(['garbage', READER])(
    'keeps the old token where Linode refuses the new token %s',
    async (token) => {
      const { run, changes } = await startSetup(WHOLE);
      await expect(run(token, ROTATE)).rejects.toThrow('cloud.linode.com/profile/tokens');
      expect(changes).toEqual([]);
    },
  );

  it('keeps the old token where Linode does not answer', async () => {
    const { run, changes, simulator } = await startSetup(WHOLE);
    simulator.setFaults([{ kind: 'status500' }]);
    await expect(run(OTHER, ROTATE)).rejects.toThrow('could not be asked');
    expect(changes).toEqual([]);
  });

  it('writes nothing where the secret has the same token', async () => {
    const { run, changes, messages } = await startSetup(WHOLE);
    await run(FULL, ROTATE);
    expect(changes).toEqual([]);
    expect(messages).toEqual([`${SECRET_ID} already has this Linode token. Nothing was changed.`]);
  });

  it('keeps what somebody else writes meanwhile', async () => {
    const { client, run, fields } = await startSetup(WHOLE);
    const SecretString = JSON.stringify({ ...WHOLE, note: 'theirs' });
    meddle(client, 'UpdateSecretVersionStageCommand', () =>
      client.send(new PutSecretValueCommand({ SecretId: SECRET_ID, SecretString })),
    );
    await run(OTHER, ROTATE);
    expect(await fields()).toEqual({ ...WHOLE, note: 'theirs', linodeToken: OTHER });
  });

  it('accepts a token of another account only with --other-account', async () => {
    const { run, changes, fields } = await startSetup(WHOLE, { [OTHER]: 'another' });
    await expect(run(OTHER, ROTATE)).rejects.toThrow('another Linode account');
    expect(changes).toEqual([]);
    await run(OTHER, ROTATE, '--other-account');
    expect((await fields()).linodeToken).toBe(OTHER);
  });

  it('creates no secret', async () => {
    const { run } = await startSetup();
    await expect(run(FULL, ROTATE)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('the command line of setup', () => {
  it('names the stage, and may name region and owner', () => {
    expect(parseSetup(['--stage', 'prod', '--region', 'eu-west-1', '--owner', 'ann'])).toEqual({
      stage: 'prod',
      region: 'eu-west-1',
      owner: 'ann',
      rotates: false,
      mayChangeAccount: false,
    });
  });

  it.each([
    [[], "'--stage <stage>' not specified"],
    [['--stage', 'Prod'], "'Prod' is invalid. Use up to 20 of a-z"],
    [['--stage', 'local'], 'npm start creates'],
    [['--stage', 'prod', '--owner', 'Ann'], "can't be an owner"],
    [['--stage', 'prod', '--linode-token', 'x'], "unknown option '--linode-token'"],
  ])('%j is refused: %s', (args, fault) => {
    expect(() => parseSetup(args)).toThrow(fault);
  });

  it.each([
    ['as an argument', ['--stage', 'prod', FULL]],
    ['as the value of an option', ['--stage', 'prod', `--linode-token=${FULL}`]],
    ['as the value of a flag', ['--stage', 'prod', `--rotate-linode-token=${FULL}`]],
  ])('with a token %s is refused without showing the token', (_, args) => {
    expect(() => parseSetup(args)).toThrow('Usage');
    expect(() => parseSetup(args)).not.toThrow(FULL);
  });
});
