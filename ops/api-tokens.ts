import { ADMIN } from '../lib/app/read-clusters.ts';

/*
 * Changes of API tokens in the text of the deployment's secret. Errors say what to do, and never
 * quote the secret. All fields but `apiTokens` stay as they are, also fields that are unknown here.
 */

/** SHA-256 of each token in lower-case hex, by owner. */
export type Hashes = ReadonlyMap<string, readonly string[]>;

const OWNER = /^[a-z0-9][a-z0-9._-]{0,39}$/;
const HASH = /^[0-9a-f]{64}$/;
/** How many digits of each hash `list` shows. */
export const DIGITS_SHOWN = 8;

export const hashesOf = (text: string): Hashes => parseSecret(text).hashes;

export function withToken(text: string, owner: string, hash: string): string {
  assertOwner(owner);
  const { fields, hashes } = parseSecret(text);
  return format(fields, new Map(hashes).set(owner, [...(hashes.get(owner) ?? []), hash]));
}

export function assertOwner(owner: string): void {
  if (OWNER.test(owner)) return;
  throw new Error(
    `${JSON.stringify(owner)} can't be an owner: use up to 40 of a-z, 0-9 and . _ -, beginning ` +
      'with a letter or a digit.',
  );
}

export interface Revocation {
  readonly owner: string;
  /** The first digits of the hash of the token to revoke; null: all tokens of the owner. */
  readonly digits: string | null;
  /** Allows to revoke the last token of `admin`. */
  readonly force: boolean;
}

export function withoutTokens(text: string, { owner, digits, force }: Revocation): string {
  const { fields, hashes } = parseSecret(text);
  const theirs = hashes.get(owner) ?? [];
  if (theirs.length === 0) {
    throw new Error(`${JSON.stringify(owner)} has no tokens. "list" shows all owners with tokens.`);
  }
  const revoked = digits === null ? theirs : [hashBeginning(theirs, digits)];
  const rest = theirs.filter((hash) => !revoked.includes(hash));
  if (owner === ADMIN && rest.length === 0 && !force) {
    throw new Error(
      `That is the last token of ${ADMIN}, the only owner who sees everybody's clusters. ` +
        `Add another token of ${ADMIN} first, or give --force.`,
    );
  }
  return format(fields, new Map(hashes).set(owner, rest));
}

function hashBeginning(hashes: readonly string[], digits: string): string {
  if (!/^[0-9a-f]{8,64}$/i.test(digits)) {
    throw new Error(`Give at least ${DIGITS_SHOWN} hex digits of the hash, as "list" shows them.`);
  }
  const [found, ...more] = hashes.filter((hash) => hash.startsWith(digits.toLowerCase()));
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

function parseSecret(text: string): { readonly fields: Fields; readonly hashes: Hashes } {
  const fields = fieldsOf(text);
  const { apiTokens = {} } = fields;
  if (apiTokens === null || typeof apiTokens !== 'object' || Array.isArray(apiTokens)) {
    throw malformed();
  }
  const entries = Object.entries(apiTokens).map(([owner, theirs]): [string, readonly string[]] => [
    owner,
    hashList(theirs),
  ]);
  return { fields, hashes: new Map(entries) };
}

function parseJson(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    // The parser's message would quote the secret.
    throw new Error('The secret begins with { but is not JSON. Fix it in Secrets Manager first.');
  }
}

function hashList(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const isHash = (item: unknown): item is string => typeof item === 'string' && HASH.test(item);
  if (!list.every(isHash)) throw malformed();
  return list;
}

const malformed = () =>
  new Error(
    'apiTokens in the secret must be {"<owner>": "<SHA-256 of a token in hex>"}, or have a list ' +
      'of hashes for an owner. Fix it in Secrets Manager first.',
  );

/** Writes a single hash without a list, so that a secret written by a person keeps its form. */
function format(fields: Fields, hashes: Hashes): string {
  const apiTokens = [...hashes].flatMap(([owner, theirs]) =>
    theirs.length === 0 ? [] : [[owner, theirs.length === 1 ? theirs[0] : theirs]],
  );
  return JSON.stringify({ ...fields, apiTokens: Object.fromEntries(apiTokens) });
}
