import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod/mini';
import { type EpochMs, minutes, plus } from '../../core/base/units.ts';
import { AppError } from '../../errors.ts';
import type { Clock, Secrets } from '../../ports.ts';

/** How long the secret is remembered: a rotated secret takes effect without a deploy. */
const AGE_MAX = minutes(5);

const key = z._default(z.nullable(z.string().check(z.minLength(16))), null);
const tokenHash = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** One hash or a list of hashes; always a list in the result. */
const tokenHashes = z.pipe(
  z.union([tokenHash, z.array(tokenHash)]),
  z.transform((given) => (typeof given === 'string' ? [given] : given)),
);

/** One schema for each field, so that a fault in one field does not keep the others from use. */
const schemas = {
  linodeToken: z.string().check(z.minLength(1)),
  apiTokens: z._default(z.record(z.string(), tokenHashes), {}),
  passwordKey: key,
  webhookKey: key,
};

type Field = keyof typeof schemas;
type Secret = Readonly<Record<string, unknown>> & { readonly linodeToken: string };

/**
 * The deployment's secret: JSON with `linodeToken`, `apiTokens`, `passwordKey` and `webhookKey`, or
 * a plain string, which is the Linode token only. Errors name the field at fault, and never its
 * content. Passes that must destroy get the Linode token even if another field is at fault, or if
 * the secret can't be read again and the last token still works.
 */
export function createSecrets(
  client: SecretsManagerClient,
  options: { readonly secretId: string; readonly clock: Clock },
): Secrets {
  const { secretId, clock } = options;
  let last: { readonly readAt: EpochMs; readonly secret: Promise<Secret> } | null = null;
  let lastGood: Secret | null = null;

  async function read(): Promise<Secret> {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    lastGood = parseSecret(SecretString ?? '', secretId);
    return lastGood;
  }

  function current(fresh: boolean): Promise<Secret> {
    const now = clock.now();
    const usable = last !== null && now >= last.readAt && now < plus(last.readAt, AGE_MAX);
    if (last === null || fresh || !usable) {
      const entry = { readAt: now, secret: read() };
      last = entry;
      entry.secret.catch(() => {
        if (last === entry) last = null;
      });
    }
    return last.secret;
  }

  async function field<Name extends Field>(name: Name) {
    const secret = await current(false).catch((error: unknown) => {
      if (lastGood === null) throw error;
      return lastGood;
    });
    return parseField(secret, name, secretId);
  }

  return {
    linodeToken: async ({ fresh }) =>
      fresh ? (await current(true)).linodeToken : field('linodeToken'),
    apiTokens: () => field('apiTokens'),
    passwordKey: () => field('passwordKey'),
    webhookKey: () => field('webhookKey'),
  };
}

function parseSecret(text: string, secretId: string): Secret {
  const plain = text.trim();
  if (plain !== '' && !plain.startsWith('{')) return { linodeToken: plain };
  const secret = parseJson(plain);
  if (secret === null || typeof secret !== 'object') throw malformed(secretId, 'the whole');
  return { ...secret, linodeToken: parseField({ ...secret }, 'linodeToken', secretId) };
}

function parseField<Name extends Field>(
  secret: Readonly<Record<string, unknown>>,
  name: Name,
  secretId: string,
): z.output<(typeof schemas)[Name]> {
  const parsed = schemas[name].safeParse(secret[name]);
  // The error does not name the owners in apiTokens: if an operator swapped owners and tokens, it
  // would reveal tokens.
  if (!parsed.success) throw malformed(secretId, name);
  return parsed.data as z.output<(typeof schemas)[Name]>;
}

function malformed(secretId: string, field: string): AppError {
  return new AppError(
    'misconfigured',
    `The secret ${secretId} must be JSON: {"linodeToken": "…", "apiTokens": {"<owner>": ` +
      `"<SHA-256 of the token in hex, or a list of them>"}, "passwordKey": "<16 characters or ` +
      `more>", ` +
      `"webhookKey": "<16 characters or more>"}. At fault: ${field}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the parser's message would quote the secret
  }
}
