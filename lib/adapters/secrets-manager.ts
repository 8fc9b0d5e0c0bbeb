import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod/mini';
import { minutes, plus } from '../core/units.ts';
import { AppError } from '../errors.ts';
import type { Clock, Secrets } from '../ports.ts';

/** So that a rotated secret is taken up without a deploy. */
const AGE_MAX = minutes(5);

const secretSchema = z.object({
  linodeToken: z.string().check(z.minLength(1)),
  apiTokens: z._default(z.record(z.string(), z.string().check(z.regex(/^[0-9a-f]{64}$/))), {}),
  passwordKey: z._default(z.nullable(z.string().check(z.minLength(16))), null),
});

type Secret = z.infer<typeof secretSchema>;

/**
 * The deployment's secret: JSON with `linodeToken`, `apiTokens` and `passwordKey`, or a plain
 * string, which is the Linode token alone. Errors say what is wrong with it, never what it holds.
 */
export function createSecrets(
  client: SecretsManagerClient,
  options: { readonly secretId: string; readonly clock: Clock },
): Secrets {
  const { secretId, clock } = options;
  let last: { readonly readAt: number; readonly secret: Promise<Secret> } | null = null;

  async function read(): Promise<Secret> {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return parseSecret(SecretString ?? '', secretId);
  }

  function current(fresh: boolean): Promise<Secret> {
    const now = clock.now();
    const usable =
      last !== null && now >= last.readAt && now < plus(last.readAt as typeof now, AGE_MAX);
    if (last === null || fresh || !usable) {
      const entry = { readAt: now, secret: read() };
      last = entry;
      entry.secret.catch(() => {
        if (last === entry) last = null;
      });
    }
    return last.secret;
  }

  return {
    linodeToken: async ({ fresh }) => (await current(fresh)).linodeToken,
    apiTokens: async () => (await current(false)).apiTokens,
    passwordKey: async () => (await current(false)).passwordKey,
  };
}

function parseSecret(text: string, secretId: string): Secret {
  const plain = text.trim();
  if (plain !== '' && !plain.startsWith('{')) {
    return { linodeToken: plain, apiTokens: {}, passwordKey: null };
  }
  const parsed = secretSchema.safeParse(parseJson(plain));
  if (parsed.success) return parsed.data;
  // Not the owners under apiTokens: put the wrong way round, those would be the tokens.
  const fields = new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'the whole')));
  throw new AppError(
    'misconfigured',
    `The secret ${secretId} must be JSON: {"linodeToken": "…", "apiTokens": {"<owner>": "<SHA-256 of the ` +
      `token in hex>"}, "passwordKey": "<16 characters or more>"}. At fault: ${[...fields].join(', ')}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the parser's message would quote the secret
  }
}
