import {
  CreateSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { authorize } from '../../../lib/app/authorize.ts';
import { parseSetup } from '../../../ops/setup-command.ts';
import { sha256 } from '../../support/aws.ts';
import { FULL, OTHER, READER, SECRET_ID, startSetup } from './setup-world.ts';

const WHOLE = {
  linodeToken: FULL,
  passwordKey: 'sixteen-or-more-characters',
  webhookKey: 'sixteen-or-more-characters-too',
  apiTokens: { ann: 'a'.repeat(64) },
  note: 'kept',
};

/** What somebody else does just before a call of this kind, once. */
function meddle(client: SecretsManagerClient, before: string, act: () => Promise<unknown>): void {
  let done = false;
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === before && !done) {
          done = true;
          await act();
        }
        return next(args);
      },
    { step: 'initialize' },
  );
}

describe('without a secret', () => {
  it('makes one with which the functions work, and shows the first API token once', async () => {
    const { run, fields, secrets, told } = await startSetup();
    const printed = await run(FULL);
    expect(printed).toEqual([expect.stringMatching(/^onebuck_[\w-]{43}$/)]);
    const [token = ''] = printed;
    expect(await authorize({ secrets: secrets() }, `Bearer ${token}`)).toBe('admin');
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
      expect(told.join('\n')).not.toContain(secret);
    }
    expect(told[0]).toBe(
      `Created the secret ${SECRET_ID} in us-east-1, with linodeToken, passwordKey, webhookKey and ` +
        'an API token of admin.',
    );
    expect(told.join('\n')).toContain('serverless deploy --stage prod --region us-east-1');
  });

  it('gives the API token to the owner who is named', async () => {
    const { run, fields } = await startSetup();
    const [token = ''] = await run(FULL, '--owner', 'ann');
    expect((await fields()).apiTokens).toEqual({ ann: sha256(token) });
  });

  it.each([
    ['garbage', 'mistyped, expired or revoked'],
    [READER, 'lacks the scope linodes:read_write'],
  ])('makes none with the token %s', async (token, fault) => {
    const { run, changes } = await startSetup();
    await expect(run(token)).rejects.toThrow(fault);
    expect(changes).toEqual([]);
  });

  it('leaves alone what somebody else has made meanwhile, and adds what that lacks', async () => {
    const { client, run, fields, told } = await startSetup();
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
    expect(told[0]).toContain('Added to the secret');
  });
});

describe('with a secret', () => {
  it('that has all, changes nothing, asks nothing, and says what is there', async () => {
    const { run, changes, current, questions, told } = await startSetup(WHOLE);
    expect(await run(OTHER)).toEqual([]);
    expect(changes).toEqual([]);
    expect(await current()).toBe(JSON.stringify(WHOLE));
    expect(questions).toEqual([]);
    expect(told.slice(0, 2)).toEqual([
      `The secret ${SECRET_ID} in us-east-1 has all it needs. Nothing was changed.`,
      'Unchanged: linodeToken, passwordKey, webhookKey and API tokens of ann.',
    ]);
  });

  it('that it made itself, changes nothing the second time', async () => {
    const { run, changes } = await startSetup();
    await run(FULL);
    expect(await run(FULL)).toEqual([]);
    expect(changes).toHaveLength(1);
  });

  it.each(['linodeToken', 'passwordKey', 'webhookKey'] as const)(
    'that lacks %s alone, adds it and keeps the rest',
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

  it('that is the Linode token as it is, makes JSON of it', async () => {
    const { run, fields } = await startSetup(`${FULL}\n`);
    const [token = ''] = await run(OTHER);
    expect(await fields()).toMatchObject({
      linodeToken: FULL,
      passwordKey: expect.any(String),
      apiTokens: { admin: sha256(token) },
    });
  });

  it('whose Linode token is no longer taken, changes nothing and says how to replace it', async () => {
    const { run, changes } = await startSetup({ linodeToken: 'revoked' });
    await expect(run(FULL)).rejects.toThrow('--rotate-linode-token');
    expect(changes).toEqual([]);
  });

  it('whose Linode token can not be checked for now, does not say to replace it', async () => {
    const { run, changes, simulator } = await startSetup({ linodeToken: FULL });
    simulator.setFaults([{ kind: 'status500' }]);
    await expect(run(FULL)).rejects.toThrow(/^Linode could not be asked .*$/);
    expect(changes).toEqual([]);
  });

  it.each([
    ['{"linodeToken": "secret', 'is not JSON'],
    ['{"linodeToken": 5}', 'no string'],
  ])('that reads %s, changes nothing and does not quote it', async (text, fault) => {
    const { run, changes } = await startSetup(text);
    await expect(run(FULL)).rejects.toThrow(fault);
    expect(changes).toEqual([]);
  });
});

describe('--rotate-linode-token', () => {
  const ROTATE = '--rotate-linode-token';

  it('replaces the Linode token and nothing else', async () => {
    const { run, fields, told, questions } = await startSetup(WHOLE);
    expect(await run(OTHER, ROTATE)).toEqual([]);
    expect(await fields()).toEqual({ ...WHOLE, linodeToken: OTHER });
    expect(told.join()).not.toContain(OTHER);
    expect(questions).toEqual(['The new Linode token (not shown): ']);
  });

  it.each([
    { linodeToken: 'revoked', note: 'kept' },
    { linodeToken: 5, note: 'kept' },
    { apiTokens: 'at fault', note: 'kept' },
  ])('mends %j', async (secret) => {
    const { run, fields } = await startSetup(secret);
    await run(OTHER, ROTATE);
    expect(await fields()).toEqual({ ...secret, linodeToken: OTHER });
  });

  it.each(['garbage', READER])('keeps the old one where Linode says no to %s', async (token) => {
    const { run, changes } = await startSetup(WHOLE);
    await expect(run(token, ROTATE)).rejects.toThrow('cloud.linode.com/profile/tokens');
    expect(changes).toEqual([]);
  });

  it('keeps the old one where Linode does not answer', async () => {
    const { run, changes, simulator } = await startSetup(WHOLE);
    simulator.setFaults([{ kind: 'status500' }]);
    await expect(run(OTHER, ROTATE)).rejects.toThrow('could not be asked');
    expect(changes).toEqual([]);
  });

  it('writes nothing where it is that very token', async () => {
    const { run, changes, told } = await startSetup(WHOLE);
    await run(FULL, ROTATE);
    expect(changes).toEqual([]);
    expect(told).toEqual([`${SECRET_ID} already has this Linode token. Nothing was changed.`]);
  });

  it('loses nothing that somebody else writes meanwhile', async () => {
    const { client, run, fields } = await startSetup(WHOLE);
    const SecretString = JSON.stringify({ ...WHOLE, note: 'theirs' });
    meddle(client, 'UpdateSecretVersionStageCommand', () =>
      client.send(new PutSecretValueCommand({ SecretId: SECRET_ID, SecretString })),
    );
    await run(OTHER, ROTATE);
    expect(await fields()).toEqual({ ...WHOLE, note: 'theirs', linodeToken: OTHER });
  });

  it('takes a token of another account only if told to', async () => {
    const { run, changes, fields } = await startSetup(WHOLE, { [OTHER]: 'another' });
    await expect(run(OTHER, ROTATE)).rejects.toThrow('another Linode account');
    expect(changes).toEqual([]);
    await run(OTHER, ROTATE, '--other-account');
    expect((await fields()).linodeToken).toBe(OTHER);
  });

  it('makes no secret', async () => {
    const { run } = await startSetup();
    await expect(run(FULL, ROTATE)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('a request', () => {
  it('is of the stage that it names', () => {
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
    [['--stage', 'Prod'], "'Prod' is invalid. Take up to 20 of a-z"],
    [['--stage', 'local'], 'npm start makes'],
    [['--stage', 'prod', '--owner', 'Ann'], "can't be an owner"],
    [['--stage', 'prod', '--linode-token', 'x'], "unknown option '--linode-token'"],
  ])('%j is refused: %s', (args, fault) => {
    expect(() => parseSetup(args)).toThrow(fault);
  });

  it.each([
    ['as an argument', ['--stage', 'prod', FULL]],
    ['as the value of an option', ['--stage', 'prod', `--linode-token=${FULL}`]],
    ['as the value of a flag', ['--stage', 'prod', `--rotate-linode-token=${FULL}`]],
  ])('with a token %s is refused, and does not show it again', (_, args) => {
    expect(() => parseSetup(args)).toThrow('Usage');
    expect(() => parseSetup(args)).not.toThrow(FULL);
  });
});
