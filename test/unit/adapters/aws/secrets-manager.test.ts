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
const OLD = { fresh: false };
const FRESH = { fresh: true };

/** Secrets whose secret holds `texts`, one after the other; an Error is thrown instead. */
function secretsOf(...texts: (string | Error | undefined)[]) {
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  const mock = mockClient(client);
  const answers = mock.on(GetSecretValueCommand, { SecretId: SECRET_ID });
  for (const text of texts) {
    if (text instanceof Error) answers.rejectsOnce(text);
    else answers.resolvesOnce(text === undefined ? {} : { SecretString: text });
  }
  const clock = aClock();
  return {
    secrets: createSecrets(client, { secretId: SECRET_ID, clock }),
    reads: () => mock.commandCalls(GetSecretValueCommand).length,
    pass: (time: DurationMs) => clock.set(plus(clock.now(), time)),
    setBack: (time: DurationMs) => clock.set(minus(clock.now(), time)),
  };
}

const json = (secret: object) => JSON.stringify(secret);

const notThere = new ResourceNotFoundException({ message: 'none', $metadata: {} });

describe('what a secret holds', () => {
  it('reads all four from JSON', async () => {
    const passwordKey = 'sixteen-or-more-characters';
    const webhookKey = 'sixteen-or-more-others';
    const { secrets } = secretsOf(
      json({ linodeToken: TOKEN, apiTokens: { ann: HASH }, passwordKey, webhookKey }),
    );
    expect(await secrets.webhookKey()).toBe(webhookKey);
    expect(await secrets.linodeToken(OLD)).toBe(TOKEN);
    expect(await secrets.apiTokens()).toEqual({ ann: [HASH] });
    expect(await secrets.passwordKey()).toBe(passwordKey);
  });

  it('takes a list of tokens for an owner, which may be empty', async () => {
    const apiTokens = { ann: [HASH, 'cd'.repeat(32)], bob: [] };
    const { secrets } = secretsOf(json({ linodeToken: TOKEN, apiTokens }));
    expect(await secrets.apiTokens()).toEqual(apiTokens);
  });

  it('has no API tokens and no keys where JSON names none', async () => {
    const { secrets } = secretsOf(json({ linodeToken: TOKEN }));
    expect(await secrets.webhookKey()).toBeNull();
    expect(await secrets.apiTokens()).toEqual({});
    expect(await secrets.passwordKey()).toBeNull();
  });

  it('takes a plain string for the Linode token, without the newline at its end', async () => {
    const { secrets } = secretsOf(`${TOKEN}\n`);
    expect(await secrets.linodeToken(OLD)).toBe(TOKEN);
    expect(await secrets.apiTokens()).toEqual({});
    expect(await secrets.passwordKey()).toBeNull();
  });
});

describe('how long a secret is remembered', () => {
  it('reads once for all callers within five minutes, also those at the same time', async () => {
    const { secrets, reads, pass } = secretsOf(json({ linodeToken: TOKEN }));
    await Promise.all([secrets.linodeToken(OLD), secrets.apiTokens(), secrets.passwordKey()]);
    pass((minutes(5) - 1) as DurationMs);
    await secrets.linodeToken(OLD);
    expect(reads()).toBe(1);
  });

  it('takes up a rotated secret after five minutes', async () => {
    const { secrets, pass } = secretsOf('the-old-one', 'the-new-one');
    expect(await secrets.linodeToken(OLD)).toBe('the-old-one');
    pass(minutes(5));
    expect(await secrets.linodeToken(OLD)).toBe('the-new-one');
  });

  it('reads again at once where a fresh one is asked for, and remembers that', async () => {
    const { secrets, reads, pass } = secretsOf('the-old-one', 'the-new-one');
    await secrets.linodeToken(OLD);
    pass(seconds(1));
    expect(await secrets.linodeToken(FRESH)).toBe('the-new-one');
    expect(await secrets.linodeToken(OLD)).toBe('the-new-one');
    expect(reads()).toBe(2);
  });

  it('does not remember it for longer where the clock is set back', async () => {
    const { secrets, setBack } = secretsOf('the-old-one', 'the-new-one');
    await secrets.linodeToken(OLD);
    setBack(minutes(60));
    expect(await secrets.linodeToken(OLD)).toBe('the-new-one');
  });

  it.each([
    ['that failed', notThere],
    ['of a malformed secret', '{}'],
  ])('does not remember a read %s', async (_, first) => {
    const { secrets, reads } = secretsOf(first, TOKEN);
    await expect(secrets.linodeToken(OLD)).rejects.toThrow();
    expect(await secrets.linodeToken(OLD)).toBe(TOKEN);
    expect(reads()).toBe(2);
  });

  it('lets the error of a failed read out as it is', async () => {
    const { secrets } = secretsOf(notThere);
    await expect(secrets.apiTokens()).rejects.toBe(notThere);
  });

  it('gives the remembered one again after a fresh read that failed was read anew', async () => {
    const { secrets } = secretsOf('the-old-one', notThere, 'the-new-one');
    await secrets.linodeToken(OLD);
    await expect(secrets.linodeToken(FRESH)).rejects.toBe(notThere);
    expect(await secrets.linodeToken(OLD)).toBe('the-new-one');
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
  ])('%s is refused by the name of what is at fault, and is not shown', async (_, text, fields) => {
    const { secrets } = secretsOf(text);
    const read = async () => [
      await secrets.linodeToken(OLD),
      await secrets.apiTokens(),
      await secrets.passwordKey(),
    ];
    const error = await read().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'misconfigured' });
    const { message, stack } = error as Error;
    expect(message).toContain(`The secret ${SECRET_ID} must be JSON`);
    expect(message).toContain(`At fault: ${fields}.`);
    expect(`${message}${stack}`).not.toContain('do-not');
  });

  it('still gives the Linode token to those who must destroy', async () => {
    const text = json({ linodeToken: TOKEN, apiTokens: { ann: 'plain' }, passwordKey: 'short' });
    const { secrets } = secretsOf(text);
    expect(await secrets.linodeToken(OLD)).toBe(TOKEN);
  });
});

describe('a secret that can not be read again', () => {
  it('is used as it was last, but not where a fresh one is asked for', async () => {
    const { secrets, pass } = secretsOf(json({ linodeToken: TOKEN }), notThere, notThere);
    await secrets.linodeToken(OLD);
    pass(minutes(6));
    expect(await secrets.linodeToken(OLD)).toBe(TOKEN);
    await expect(secrets.linodeToken(FRESH)).rejects.toBe(notThere);
  });
});
