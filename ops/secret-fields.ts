import { fieldsOf, hashesOf, withToken } from './api-tokens.ts';

/* The changes of `npm run setup` in the text of the deployment's secret. Errors never quote it. */

/** Values for the fields that the secret lacks. */
export interface Fresh {
  readonly linodeToken: string;
  readonly passwordKey: string;
  readonly webhookKey: string;
  readonly owner: string;
  /** SHA-256 of the owner's first API token. */
  readonly hash: string;
}

export interface Completed {
  /** The text of the secret; unchanged if no field was missing. */
  readonly text: string;
  /** The names of the added fields, for people to read. */
  readonly added: readonly string[];
  /** The names of the fields that the secret had, for people to read. */
  readonly kept: readonly string[];
  /** Whether an API token was added. */
  readonly hasNewOwner: boolean;
}

const NAMES = ['linodeToken', 'passwordKey', 'webhookKey'] as const;

/** Adds the missing fields, and an API token if no owner has a token. */
export function completed(text: string, fresh: Fresh): Completed {
  const fields = fieldsOf(text);
  const missing = NAMES.filter((name) => isMissing(fields[name]));
  const kept = NAMES.filter((name) => !missing.includes(name));
  const owners = [...hashesOf(text)].flatMap(([owner, { length }]) => (length > 0 ? [owner] : []));
  const hasTokens = owners.length > 0;
  const added = Object.fromEntries(missing.map((name) => [name, fresh[name]]));
  const next = missing.length === 0 ? text : JSON.stringify({ ...fieldsOf(text), ...added });
  return {
    text: hasTokens ? next : withToken(next, fresh.owner, fresh.hash),
    added: [...missing, ...(hasTokens ? [] : [`an API token of ${fresh.owner}`])],
    kept: [...kept, ...(hasTokens ? [`API tokens of ${owners.join(' and ')}`] : [])],
    hasNewOwner: !hasTokens,
  };
}

/** The secret's Linode token; null: there is none. Throws if `linodeToken` is not a string. */
export function linodeTokenIn(text: string): string | null {
  const token = replaceableTokenIn(text);
  if (token !== null || isMissing(fieldsOf(text).linodeToken)) return token;
  throw new Error('linodeToken in the secret is no string: --rotate-linode-token replaces it.');
}

/** The secret's Linode token; null: there is none, or `linodeToken` is not a string. */
export function replaceableTokenIn(text: string): string | null {
  const { linodeToken } = fieldsOf(text);
  if (isMissing(linodeToken) || typeof linodeToken !== 'string') return null;
  return linodeToken.trim();
}

/** Does not check the other fields: a mistake in another field must not prevent a new token. */
export const withLinodeToken = (text: string, linodeToken: string): string =>
  JSON.stringify({ ...fieldsOf(text), linodeToken });

const isMissing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
