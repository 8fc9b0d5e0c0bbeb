import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod/mini';
import { apiTokenSchema } from '../../core/base/api-token.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  minutes,
  plus,
  seconds,
} from '../../core/base/units.ts';
import { AppError } from '../../errors.ts';
import type { Clock, Secrets } from '../../ports.ts';

/** How long the secret is remembered: a rotated secret takes effect without a deploy. */
const AGE_MAX = minutes(5);
/**
 * The same for a caller with an API token that may be new: whoever tries one wrong token after the
 * other has each process read the secret once in this time, and no more often, as reads cost money.
 */
const AGE_MAX_FOR_NEW_TOKENS = seconds(5);

const key = z._default(z.nullable(z.string().check(z.minLength(16))), null);

/** One token or a list of tokens; always a list in the result. */
const apiTokens = z.pipe(
  z.union([apiTokenSchema, z.array(apiTokenSchema)]),
  z.transform((given) => (Array.isArray(given) ? given : [given])),
);

/** One schema for each field, so that a fault in one field does not keep the others from use. */
const schemas = {
  linodeToken: z.string().check(z.minLength(1)),
  apiTokens: z._default(z.record(z.string(), apiTokens), {}),
  passwordKey: key,
  webhookKey: key,
};

type Field = keyof typeof schemas;
type Fields = Readonly<Record<string, unknown>>;
type Secret = Fields & { readonly linodeToken: string };

/**
 * What can be malformed in a secret; `the whole`: it is neither JSON nor a Linode token. The alarm
 * MalformedSecret shows the place in this list, counted from 1.
 */
export const SECRET_FAULTS = [
  ...(['linodeToken', 'apiTokens', 'passwordKey', 'webhookKey'] as const),
  'the whole',
] as const;
export type SecretFault = (typeof SECRET_FAULTS)[number];

export interface SecretsOptions {
  readonly secretId: string;
  readonly clock: Clock;
  /** Called at each read of the secret with each fault of its current version. */
  readonly onMalformed: (fault: SecretFault) => void;
}

/**
 * The deployment's secret: JSON with `linodeToken`, `apiTokens`, `passwordKey` and `webhookKey`, or
 * a plain string, which is the Linode token only. Errors name the field at fault, and never its
 * content. Passes that must destroy get the Linode token even if another field is at fault, or if
 * the secret can't be read again and the last token still works. If the token itself is malformed,
 * they get the token of the secret's previous version. API tokens and keys never come from that
 * version: it may have tokens that were revoked since.
 */
export function createSecrets(client: SecretsManagerClient, options: SecretsOptions): Secrets {
  const { secretId, clock, onMalformed } = options;
  let last: { readonly readAt: EpochMs; readonly secret: Promise<Secret> } | null = null;
  let lastGood: Secret | null = null;

  async function fieldsOf(VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS'): Promise<Fields | null> {
    const command = new GetSecretValueCommand({ SecretId: secretId, VersionStage });
    return fieldsIn((await client.send(command)).SecretString ?? '');
  }

  async function read(): Promise<Secret> {
    const fields = await fieldsOf('AWSCURRENT');
    const faults = faultsOf(fields);
    for (const fault of faults) onMalformed(fault);
    const isTokenless = faults.includes('linodeToken') || faults.includes('the whole');
    lastGood = isTokenless ? await withPreviousToken(fields, faults) : (fields as Secret);
    return lastGood;
  }

  async function withPreviousToken(
    fields: Fields | null,
    [fault = 'the whole']: readonly SecretFault[],
  ): Promise<Secret> {
    const previous = await fieldsOf('AWSPREVIOUS').catch(() => null);
    const token = schemas.linodeToken.safeParse(previous?.linodeToken);
    if (!token.success) throw malformed(secretId, fault);
    // Without the JSON, every other field is at fault too: none may count as absent.
    const others = fields ?? { apiTokens: false, passwordKey: false, webhookKey: false };
    return { ...others, linodeToken: token.data };
  }

  function current(ageMax: DurationMs): Promise<Secret> {
    const now = clock.now();
    if (last === null || now < last.readAt || now >= plus(last.readAt, ageMax)) {
      const entry = { readAt: now, secret: read() };
      last = entry;
      entry.secret.catch(() => {
        if (last === entry) last = null;
      });
    }
    return last.secret;
  }

  async function field<Name extends Field>(name: Name, ageMax = AGE_MAX) {
    const secret = await current(ageMax).catch((error: unknown) => {
      if (lastGood === null) throw error;
      return lastGood;
    });
    return parseField(secret, name, secretId);
  }

  return {
    linodeToken: async ({ fresh }) =>
      fresh ? (await current(durationMs(0))).linodeToken : field('linodeToken'),
    apiTokens: ({ fresh }) => field('apiTokens', fresh ? AGE_MAX_FOR_NEW_TOKENS : AGE_MAX),
    passwordKey: () => field('passwordKey'),
    webhookKey: () => field('webhookKey'),
  };
}

/** The secret's fields, not yet checked; null: it is neither JSON nor a Linode token. */
function fieldsIn(text: string): Fields | null {
  const plain = text.trim();
  if (/^[\w.-]+$/.test(plain)) return { linodeToken: plain };
  const secret = plain.startsWith('{') ? parseJson(plain) : null;
  return typeof secret === 'object' ? (secret as Fields | null) : null;
}

/** What is malformed in the text of a secret. */
export const faultsOfSecret = (text: string): SecretFault[] => faultsOf(fieldsIn(text));

function faultsOf(fields: Fields | null): SecretFault[] {
  if (fields === null) return ['the whole'];
  const names = Object.keys(schemas) as Field[];
  return names.filter((name) => !schemas[name].safeParse(fields[name]).success);
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

function malformed(secretId: string, field: SecretFault): AppError {
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
