import { type ApiToken, apiTokenSchema, type Right } from '../lib/core/base/api-token.ts';
import { ADMIN, OWNER_NAME, OWNER_RULE } from '../lib/core/base/names.ts';
import type { EpochMs } from '../lib/core/base/units.ts';

/*
 * Changes of API tokens in the text of the deployment's secret. Errors say what to do, and never
 * quote the secret. All fields but `apiTokens` stay as they are, also fields that are unknown here.
 */

/** The tokens of each owner. */
export type Tokens = ReadonlyMap<string, readonly Kept[]>;

/** A token as the secret has it, word by word, and what it means. */
export interface Kept extends ApiToken {
  readonly text: unknown;
}

/** A token as the secret has it, if it has limits. */
export interface LimitedToken {
  readonly sha256: string;
  /** ISO 8601. */
  readonly expires?: string;
  readonly may?: Right;
  /** US dollars with at most 6 decimals. */
  readonly monthlyUsd?: string;
}

/** How many digits of each hash `list` shows. */
export const DIGITS_SHOWN = 8;

export const tokensIn = (text: string): Tokens => parseSecret(text).tokens;

/** The SHA-256 of each token, by owner. */
export const hashesOf = (text: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...tokensIn(text)].map(([owner, theirs]) => [owner, theirs.map(({ sha256 }) => sha256)]),
  );

/** Adds a token, which is its hash, or has limits. */
export function withToken(text: string, owner: string, token: string | LimitedToken): string {
  assertOwner(owner);
  const { fields, tokens } = parseSecret(text);
  return format(
    fields,
    new Map(tokens).set(owner, [...(tokens.get(owner) ?? []), parseToken(token)]),
  );
}

/** Takes away the tokens that have expired at `now`, whoever has them. */
export function withoutExpired(text: string, now: EpochMs): string {
  const { fields, tokens } = parseSecret(text);
  const isExpired = ({ expiresAt }: Kept) => expiresAt !== null && expiresAt <= now;
  if (![...tokens.values()].flat().some(isExpired)) return text;
  const live = [...tokens].map(([owner, theirs]): [string, Kept[]] => [
    owner,
    theirs.filter((token) => !isExpired(token)),
  ]);
  return format(fields, new Map(live));
}

export function assertOwner(owner: string): void {
  if (OWNER_NAME.test(owner)) return;
  throw new Error(`${JSON.stringify(owner)} can't be an owner: use ${OWNER_RULE}.`);
}

export interface Revocation {
  readonly owner: string;
  /** The first digits of the hash of the token to revoke; null: all tokens of the owner. */
  readonly digits: string | null;
  /** Allows to revoke the last token of `admin`. */
  readonly force: boolean;
}

export function withoutTokens(text: string, { owner, digits, force }: Revocation): string {
  const { fields, tokens } = parseSecret(text);
  const theirs = tokens.get(owner) ?? [];
  if (theirs.length === 0) {
    throw new Error(`${JSON.stringify(owner)} has no tokens. "list" shows all owners with tokens.`);
  }
  const revoked = digits === null ? theirs : [hashBeginning(theirs, digits)];
  const rest = theirs.filter((token) => !revoked.includes(token));
  if (owner === ADMIN && rest.every(isLimited) && !force) {
    throw new Error(
      `That is the last token without limits of ${ADMIN}, the only owner who sees everybody's clusters. ` +
        `Add another token of ${ADMIN} first, or give --force.`,
    );
  }
  return format(fields, new Map(tokens).set(owner, rest));
}

/** Whether the token may not do everything for ever. */
const isLimited = ({ expiresAt, right }: ApiToken): boolean =>
  expiresAt !== null || right !== 'manage';

function hashBeginning(tokens: readonly Kept[], digits: string): Kept {
  if (!/^[0-9a-f]{8,64}$/i.test(digits)) {
    throw new Error(`Give at least ${DIGITS_SHOWN} hex digits of the hash, as "list" shows them.`);
  }
  const [found, ...more] = tokens.filter(({ sha256 }) => sha256.startsWith(digits.toLowerCase()));
  if (found === undefined) {
    throw new Error(`No token of this owner has a hash that begins with ${digits}.`);
  }
  if (more.length > 0) {
    throw new Error(`More than one hash begins with ${digits}: give more of its digits.`);
  }
  return found;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of the secret: a JSON object, or plain text, which is only the Linode token. */
export function fieldsOf(text: string): Fields {
  const plain = text.trim();
  if (plain === '') {
    throw new Error('The secret is empty or binary: put your Linode token into it.');
  }
  return plain.startsWith('{') ? parseJson(plain) : { linodeToken: plain };
}

function parseSecret(text: string): { readonly fields: Fields; readonly tokens: Tokens } {
  const fields = fieldsOf(text);
  const { apiTokens = {} } = fields;
  if (apiTokens === null || typeof apiTokens !== 'object' || Array.isArray(apiTokens)) {
    throw malformed();
  }
  const entries = Object.entries(apiTokens).map(([owner, theirs]): [string, readonly Kept[]] => [
    owner,
    (Array.isArray(theirs) ? theirs : [theirs]).map(parseToken),
  ]);
  return { fields, tokens: new Map(entries) };
}

function parseJson(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    // The parser's message would quote the secret.
    throw new Error('The secret begins with { but is not JSON. Fix it in Secrets Manager first.');
  }
}

function parseToken(text: unknown): Kept {
  const parsed = apiTokenSchema.safeParse(text);
  if (!parsed.success) throw malformed();
  return { ...parsed.data, text };
}

const malformed = () =>
  new Error(
    'apiTokens in the secret must be {"<owner>": "<SHA-256 of a token in hex>"}, or have a list ' +
      'for an owner. In place of a hash there may be {"sha256", "expires", "may", "monthlyUsd"}. ' +
      'Fix it in Secrets Manager first.',
  );

/** Writes a single token without a list, so that a secret written by a person keeps its form. */
function format(fields: Fields, tokens: Tokens): string {
  const apiTokens = [...tokens].flatMap(([owner, theirs]) => {
    const texts = theirs.map(({ text }) => text);
    return texts.length === 0 ? [] : [[owner, texts.length === 1 ? texts[0] : texts]];
  });
  return JSON.stringify({ ...fields, apiTokens: Object.fromEntries(apiTokens) });
}
