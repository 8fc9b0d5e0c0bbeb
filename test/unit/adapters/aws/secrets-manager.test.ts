import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createSecrets } from '../../../../lib/adapters/aws/secrets-manager.ts';
import { type DurationMs, minus, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { aClock } from '../../../support/doubles.ts';

const SECRET_ID = 'onebuck/test';
const TOKEN = 'linode-token-0123456789';
const HASH = 'ab'.repeat(32);
const CACHED = { fresh: false };
const FRESH = { fresh: true };

/** The adapter over a secret whose reads return `texts` in turn; a read throws an Error. */
const secretsOf = (...texts: (string | Error | undefined)[]) => secretsAfter(notThere, ...texts);

/** The same for a secret whose previous version is `previous`; an Error: it has none. */
function secretsAfter(previous: string | Error, ...texts: (string | Error | undefined)[]) {
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  const mock = mockClient(client);
  const before = { SecretId: SECRET_ID, VersionStage: 'AWSPREVIOUS' };
  if (previous instanceof Error) mock.on(GetSecretValueCommand, before).rejects(previous);
  else mock.on(GetSecretValueCommand, before).resolves({ SecretString: previous });
  const current = { SecretId: SECRET_ID, VersionStage: 'AWSCURRENT' };
  const answers = mock.on(GetSecretValueCommand, current);
  const faults: string[] = [];
  const onMalformed = (fault: string) => void faults.push(fault);
  for (const text of texts) {
    if (text instanceof Error) answers.rejectsOnce(text);
    else answers.resolvesOnce(text === undefined ? {} : { SecretString: text });
  }
  const clock = aClock();
  return {
    secrets: createSecrets(client, { secretId: SECRET_ID, clock, onMalformed }),
    faults,
    reads: () => mock.commandCalls(GetSecretValueCommand, current).length,
    advance: (time: DurationMs) => clock.set(plus(clock.now(), time)),
    setBack: (time: DurationMs) => clock.set(minus(clock.now(), time)),
  };
}

const json = (secret: object) => JSON.stringify(secret);

const notThere = new ResourceNotFoundException({ message: 'none', $metadata: {} });

/** A token without limits, as the secret of the tests has it. */
const aToken = (sha256: string) => ({
  sha256,
  expiresAt: null,
  right: 'manage',
  monthlyMax: null,
});

describe('a secret', () => {
  it('of JSON has the Linode token, API tokens, password key and webhook key', async () => {
    const passwordKey = 'sixteen-or-more-characters';
    const webhookKey = 'sixteen-or-more-others';
    const { secrets } = secretsOf(
      json({ linodeToken: TOKEN, apiTokens: { ann: HASH }, passwordKey, webhookKey }),
    );
    expect(await secrets.webhookKey()).toBe(webhookKey);
    expect(await secrets.linodeToken(CACHED)).toBe(TOKEN);
    expect(await secrets.apiTokens(CACHED)).toEqual({ ann: [aToken(HASH)] });
    expect(await secrets.passwordKey()).toBe(passwordKey);
  });

  it('may have a list of API tokens for an owner, also an empty list', async () => {
    const apiTokens = { ann: [HASH, 'cd'.repeat(32)], bob: [] };
    const { secrets } = secretsOf(json({ linodeToken: TOKEN, apiTokens }));
    expect(await secrets.apiTokens(CACHED)).toEqual({ ann: apiTokens.ann.map(aToken), bob: [] });
  });

  it('has no API tokens and no keys where its JSON lacks them', async () => {
    const { secrets } = secretsOf(json({ linodeToken: TOKEN }));
    expect(await secrets.webhookKey()).toBeNull();
    expect(await secrets.apiTokens(CACHED)).toEqual({});
    expect(await secrets.passwordKey()).toBeNull();
  });

  it('of plain text is the Linode token, without the newline at its end', async () => {
    const { secrets } = secretsOf(`${TOKEN}\n`);
    expect(await secrets.linodeToken(CACHED)).toBe(TOKEN);
    expect(await secrets.apiTokens(CACHED)).toEqual({});
    expect(await secrets.passwordKey()).toBeNull();
  });
});

describe('the cache of a secret', () => {
  it('needs one read for all callers within five minutes', async () => {
    const { secrets, reads, advance } = secretsOf(json({ linodeToken: TOKEN }));
    await Promise.all([
      secrets.linodeToken(CACHED),
      secrets.apiTokens(CACHED),
      secrets.passwordKey(),
    ]);
    advance((minutes(5) - 1) as DurationMs);
    await secrets.linodeToken(CACHED);
    expect(reads()).toBe(1);
  });

  it('has a rotated secret after five minutes', async () => {
    const { secrets, advance } = secretsOf('the-old-one', 'the-new-one');
    expect(await secrets.linodeToken(CACHED)).toBe('the-old-one');
    advance(minutes(5));
    expect(await secrets.linodeToken(CACHED)).toBe('the-new-one');
  });

  it('is read anew for a caller who wants a fresh secret, and keeps that', async () => {
    const { secrets, reads, advance } = secretsOf('the-old-one', 'the-new-one');
    await secrets.linodeToken(CACHED);
    advance(seconds(1));
    expect(await secrets.linodeToken(FRESH)).toBe('the-new-one');
    expect(await secrets.linodeToken(CACHED)).toBe('the-new-one');
    expect(reads()).toBe(2);
  });

  it('is read anew for an API token that may be new, at most once in five seconds', async () => {
    const added = json({ linodeToken: TOKEN, apiTokens: { ann: HASH } });
    const { secrets, reads, advance } = secretsOf(json({ linodeToken: TOKEN }), added);
    expect(await secrets.apiTokens(FRESH)).toEqual({});
    advance((seconds(5) - 1) as DurationMs);
    expect(await secrets.apiTokens(FRESH)).toEqual({});
    expect(reads()).toBe(1);
    advance(1 as DurationMs);
    expect(await secrets.apiTokens(FRESH)).toEqual({ ann: [aToken(HASH)] });
    expect(await secrets.apiTokens(FRESH)).toEqual({ ann: [aToken(HASH)] });
    expect(reads()).toBe(2);
  });

  it('is read anew where the clock is set back', async () => {
    const { secrets, setBack } = secretsOf('the-old-one', 'the-new-one');
    await secrets.linodeToken(CACHED);
    setBack(minutes(60));
    expect(await secrets.linodeToken(CACHED)).toBe('the-new-one');
  });

  it.each([
    ['that failed', notThere],
    ['of a malformed secret', '{}'],
  ])('does not keep a read %s', async (_, first) => {
    const { secrets, reads } = secretsOf(first, TOKEN);
    await expect(secrets.linodeToken(CACHED)).rejects.toThrow();
    expect(await secrets.linodeToken(CACHED)).toBe(TOKEN);
    expect(reads()).toBe(2);
  });

  it('throws the error of a failed read as it is', async () => {
    const { secrets } = secretsOf(notThere);
    await expect(secrets.apiTokens(CACHED)).rejects.toBe(notThere);
  });

  it('is read again after a fresh read has failed', async () => {
    const { secrets } = secretsOf('the-old-one', notThere, 'the-new-one');
    await secrets.linodeToken(CACHED);
    await expect(secrets.linodeToken(FRESH)).rejects.toBe(notThere);
    expect(await secrets.linodeToken(CACHED)).toBe('the-new-one');
  });
});

describe('a malformed secret', () => {
  const hidden = 'do-not-show-this';
  it.each([
    ['that is empty', '', 'the whole'],
    ['that is binary', undefined, 'the whole'],
    ['that is cut off', `{"linodeToken": "${hidden}`, 'the whole'],
    ['without a Linode token', json({ apiTokens: { ann: HASH } }), 'linodeToken'],
    ['with an empty Linode token', json({ linodeToken: '' }), 'linodeToken'],
    [
      'with a plain API token',
      json({ linodeToken: hidden, apiTokens: { ann: hidden } }),
      'apiTokens',
    ],
    [
      'with a plain API token in a list',
      json({ linodeToken: hidden, apiTokens: { ann: [HASH, hidden] } }),
      'apiTokens',
    ],
    [
      'whose API tokens are the wrong way round',
      json({ linodeToken: hidden, apiTokens: { [hidden]: 'ann' } }),
      'apiTokens',
    ],
    [
      'with a short password key',
      json({ linodeToken: hidden, passwordKey: 'do-not' }),
      'passwordKey',
    ],
  ])('%s is refused with the names of its wrong fields, and not shown', async (_, text, fields) => {
    const { secrets } = secretsOf(text);
    const read = async () => [
      await secrets.linodeToken(CACHED),
      await secrets.apiTokens(CACHED),
      await secrets.passwordKey(),
    ];
    const error = await read().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'misconfigured' });
    const { message, stack } = error as Error;
    expect(message).toContain(`The secret ${SECRET_ID} must be JSON`);
    expect(message).toContain(`At fault: ${fields}.`);
    expect(`${message}${stack}`).not.toContain('do-not');
  });

  it('with a valid Linode token still has the token, to destroy Linodes with', async () => {
    const text = json({ linodeToken: TOKEN, apiTokens: { ann: 'plain' }, passwordKey: 'short' });
    const { secrets } = secretsOf(text);
    expect(await secrets.linodeToken(CACHED)).toBe(TOKEN);
  });
});

describe('a malformed Linode token', () => {
  const previous = json({ linodeToken: TOKEN, apiTokens: { eve: HASH }, passwordKey: HASH });

  it.each([
    ['linodeToken', json({ linodeToken: 7 })],
    ['linodeToken', json({ token: TOKEN })],
    ['the whole', ''],
    ['the whole', `{"linodeToken": "${TOKEN}`],
    ['the whole', `"linodeToken": "${TOKEN}"`],
    ['the whole', '[]'],
  ])('(at fault: %s) gives way to the one of the version before', async (fault, text) => {
    const { secrets, faults } = secretsAfter(previous, text);
    expect(await secrets.linodeToken(CACHED)).toBe(TOKEN);
    expect(faults).toEqual([fault]);
  });

  it('gives way also for a caller who wants a fresh secret', async () => {
    const { secrets } = secretsAfter(previous, 'the-old-one', '{}');
    expect(await secrets.linodeToken(CACHED)).toBe('the-old-one');
    expect(await secrets.linodeToken(FRESH)).toBe(TOKEN);
  });

  it('takes no API token and no key from the version before, which may be revoked', async () => {
    const { secrets } = secretsAfter(previous, json({ apiTokens: { ann: HASH } }));
    expect(await secrets.apiTokens(CACHED)).toEqual({ ann: [aToken(HASH)] });
    expect(await secrets.passwordKey()).toBeNull();
    const whole = secretsAfter(previous, '{').secrets;
    await expect(whole.apiTokens(CACHED)).rejects.toMatchObject({ code: 'misconfigured' });
    await expect(whole.passwordKey()).rejects.toMatchObject({ code: 'misconfigured' });
  });

  it('is an error where the version before has none either', async () => {
    const { secrets } = secretsAfter('{}', json({ linodeToken: 7 }));
    await expect(secrets.linodeToken(CACHED)).rejects.toThrow('At fault: linodeToken.');
  });
});

it('each read reports every field at fault, whichever field is wanted', async () => {
  const text = json({ linodeToken: TOKEN, apiTokens: { ann: 'plain' }, passwordKey: 'short' });
  const { secrets, faults, advance } = secretsOf(text, text, TOKEN);
  await secrets.linodeToken(CACHED);
  await secrets.linodeToken(CACHED);
  expect(faults).toEqual(['apiTokens', 'passwordKey']);
  advance(minutes(5));
  await secrets.linodeToken(CACHED);
  advance(minutes(5));
  await secrets.linodeToken(CACHED);
  expect(faults).toEqual(['apiTokens', 'passwordKey', 'apiTokens', 'passwordKey']);
});

describe('a secret that can not be read any more', () => {
  it('is used as it was read last, but not for a caller who wants a fresh secret', async () => {
    const { secrets, advance } = secretsOf(json({ linodeToken: TOKEN }), notThere, notThere);
    await secrets.linodeToken(CACHED);
    advance(minutes(6));
    expect(await secrets.linodeToken(CACHED)).toBe(TOKEN);
    await expect(secrets.linodeToken(FRESH)).rejects.toBe(notThere);
  });
});
