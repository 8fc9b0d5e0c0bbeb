import { fieldsOf, hashesOf, withToken } from './api-tokens.ts';

/* What setting up does to the text of the deployment's secret. Errors never quote the secret. */

/** What a secret gets where it has none of its own. */
export interface Fresh {
  readonly linodeToken: string;
  readonly passwordKey: string;
  readonly webhookKey: string;
  readonly owner: string;
  /** SHA-256 of the owner's first API token. */
  readonly hash: string;
}

export interface Completed {
  /** As it was, to the letter, if nothing was missing. */
  readonly text: string;
  readonly added: readonly string[];
  readonly kept: readonly string[];
  /** Whether the API token is among what was added. */
  readonly hasNewOwner: boolean;
}

const NAMES = ['linodeToken', 'passwordKey', 'webhookKey'] as const;

/** Adds what is missing; an API token only if nobody has one. */
export function completed(text: string, fresh: Fresh): Completed {
  const fields = fieldsOf(text);
  const missing = NAMES.filter((name) => isMissing(fields[name]));
  const kept = NAMES.filter((name) => !missing.includes(name));
  const owners = [...hashesOf(text)].flatMap(([owner, { length }]) => (length > 0 ? [owner] : []));
  const hasTokens = owners.length > 0;
  const fresher = Object.fromEntries(missing.map((name) => [name, fresh[name]]));
  const next = missing.length === 0 ? text : JSON.stringify({ ...fieldsOf(text), ...fresher });
  return {
    text: hasTokens ? next : withToken(next, fresh.owner, fresh.hash),
    added: [...missing, ...(hasTokens ? [] : [`an API token of ${fresh.owner}`])],
    kept: [...kept, ...(hasTokens ? [`API tokens of ${owners.join(' and ')}`] : [])],
    hasNewOwner: !hasTokens,
  };
}

/** Null: it has none. Throws if it has something else in that place. */
export function linodeTokenIn(text: string): string | null {
  const token = replaceableTokenIn(text);
  if (token !== null || isMissing(fieldsOf(text).linodeToken)) return token;
  throw new Error('linodeToken in the secret is no string: --rotate-linode-token puts one there.');
}

/** Null: it has none, or none that could be one. */
export function replaceableTokenIn(text: string): string | null {
  const { linodeToken } = fieldsOf(text);
  if (isMissing(linodeToken) || typeof linodeToken !== 'string') return null;
  return linodeToken.trim();
}

/** Looks at no other field: a fault in one must not be in the way. */
export const withLinodeToken = (text: string, linodeToken: string): string =>
  JSON.stringify({ ...fieldsOf(text), linodeToken });

const isMissing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
