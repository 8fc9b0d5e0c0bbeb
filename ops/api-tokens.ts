import { ADMIN } from '../lib/app/read-clusters.ts';

/*
 * What tokens do to the text of the deployment's secret. Errors say what to do, and never quote the
 * secret; all fields but `apiTokens` stay as they are, also those that nobody here knows.
 */

/** SHA-256 of each token in lower-case hex, by owner. */
export type Hashes = ReadonlyMap<string, readonly string[]>;

const OWNER = /^[a-z0-9][a-z0-9._-]{0,39}$/;
const HASH = /^[0-9a-f]{64}$/;
/** As many as `list` shows. */
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
    `${JSON.stringify(owner)} can't be an owner: take up to 40 of a-z, 0-9 and . _ -, of which ` +
      'the first is a letter or digit.',
  );
}

export interface Revocation {
  readonly owner: string;
  /** Of the hash of the one to revoke, as many as tell it apart; null: all of the owner's. */
  readonly digits: string | null;
  /** Even if the admin has none then. */
  readonly force: boolean;
}

export function withoutTokens(text: string, { owner, digits, force }: Revocation): string {
  const { fields, hashes } = parseSecret(text);
  const theirs = hashes.get(owner) ?? [];
  if (theirs.length === 0) {
    throw new Error(`${JSON.stringify(owner)} has no tokens. "list" shows who has.`);
  }
  const revoked = digits === null ? theirs : [theOneOf(theirs, digits)];
  const rest = theirs.filter((hash) => !revoked.includes(hash));
  if (owner === ADMIN && rest.length === 0 && !force) {
    throw new Error(
      `That is the last token of ${ADMIN}, and nobody else sees everybody's clusters. ` +
        `Add another first, or give --force.`,
    );
  }
  return format(fields, new Map(hashes).set(owner, rest));
}

function theOneOf(hashes: readonly string[], digits: string): string {
  if (!/^[0-9a-f]{8,64}$/i.test(digits)) {
    throw new Error(`Give at least ${DIGITS_SHOWN} hex digits of the hash, as "list" shows them.`);
  }
  const [found, ...more] = hashes.filter((hash) => hash.startsWith(digits.toLowerCase()));
  if (found === undefined) throw new Error(`No token of theirs has a hash that begins so.`);
  if (more.length > 0) throw new Error('More than one hash begins so: give more of its digits.');
  return found;
}

export type Fields = Readonly<Record<string, unknown>>;

/** JSON, or a plain string, which is the Linode token alone, as the functions take it. */
export function fieldsOf(text: string): Fields {
  const plain = text.trim();
  if (plain === '') throw new Error('The secret is empty or binary: put your Linode token in it.');
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
    throw new Error('The secret begins with { but is not JSON. Mend it in Secrets Manager first.');
  }
}

function hashList(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const isHash = (one: unknown): one is string => typeof one === 'string' && HASH.test(one);
  if (!list.every(isHash)) throw malformed();
  return list;
}

const malformed = () =>
  new Error(
    'apiTokens in the secret must be {"<owner>": "<SHA-256 of the token in hex, or a list of ' +
      'them>"}, but is not. Mend it in Secrets Manager first.',
  );

/** A single hash is no list: so a secret that was made by hand stays as it was. */
function format(fields: Fields, hashes: Hashes): string {
  const apiTokens = [...hashes].flatMap(([owner, theirs]) =>
    theirs.length === 0 ? [] : [[owner, theirs.length === 1 ? theirs[0] : theirs]],
  );
  return JSON.stringify({ ...fields, apiTokens: Object.fromEntries(apiTokens) });
}
