import { describe } from '../lib/adapters/linode/answer.ts';
import type { Exchange, LinodeHttp } from '../lib/adapters/linode/http.ts';
import { decodeSettings } from '../lib/adapters/linode/wire.ts';

/** The result of a check of a token by which Onebuck can run clusters. */
export interface TokenCheck {
  /** Sentences about scopes or settings that make Onebuck work less well. */
  readonly warnings: readonly string[];
  /** The id of the token's account; null: Linode did not send it. */
  readonly account: string | null;
}

/** The token can't be used: the person must use another token, rather than try again. */
export class UnfitToken extends Error {}

export type AskLinode = LinodeHttp['sendOnce'];

const PROFILE = { method: 'GET', path: '/profile' } as const;
const SETTINGS = { method: 'GET', path: '/account/settings' } as const;

/**
 * Throws UnfitToken, which says what to do, if Linode refuses the token or the token lacks the
 * scope `linodes:read_write`; throws another error if Linode is not available.
 */
export async function checkToken(ask: AskLinode, token: string): Promise<TokenCheck> {
  // The call accepts any valid token, and its answer has the token's scopes in a header.
  const { verdict, header } = await ask(PROFILE, token);
  if (verdict.kind === 'invalidToken') {
    throw new UnfitToken(
      `Linode refuses the token: it is mistyped, expired or revoked.\n${CREATE_TOKEN}`,
    );
  }
  if (verdict.kind !== 'ok') {
    throw new Error(`Linode could not be asked about the token: ${describe(PROFILE, verdict)}`);
  }
  const scopes = scopesIn(header('x-oauth-scopes'));
  if (scopes !== null && !scopes.has('linodes:read_write')) {
    throw new UnfitToken(
      'The token lacks the scope linodes:read_write, without which Onebuck can neither create ' +
        `nor destroy Linodes; it has: ${scopes.named}.\n${CREATE_TOKEN}`,
    );
  }
  return {
    account: header('x-customer-uuid'),
    warnings: [
      ...scopeWarnings(scopes),
      ...(isRestricted(verdict.body) ? [RESTRICTED] : []),
      ...(scopes?.has('account:read_only') === false
        ? []
        : settingsWarnings(await ask(SETTINGS, token))),
    ],
  };
}

/** The id of the token's account; null: Linode refuses the token, or did not send the id. */
export async function accountOf(ask: AskLinode, token: string): Promise<string | null> {
  const { verdict, header } = await ask(PROFILE, token);
  return verdict.kind === 'ok' ? header('x-customer-uuid') : null;
}

const CREATE_TOKEN =
  'Create a token at https://cloud.linode.com/profile/tokens: "Create a Personal Access Token", ' +
  'no access to all,\nbut Read/Write for Linodes and Account, and the latest expiry that Linode ' +
  'offers: once the token has expired,\nOnebuck can destroy nothing.';

const RESTRICTED =
  "The token's user is restricted. Launches fail unless the user may create, change and delete " +
  "Linodes, and use tags:\n  see the user's permissions in https://cloud.linode.com.";

interface Scopes {
  readonly has: (scope: string) => boolean;
  readonly named: string;
}

function scopesIn(header: string | null): Scopes | null {
  if (header === null || header.trim() === 'unknown') return null;
  const given = header.split(/[\s,]+/).filter((scope) => scope !== '');
  return {
    named: given.join(' ') || 'none',
    has: (scope) =>
      given.includes('*') ||
      given.includes(scope) ||
      given.includes(scope.replace(/:read_only$/, ':read_write')),
  };
}

function scopeWarnings(scopes: Scopes | null): string[] {
  if (scopes === null) {
    return ['Linode did not say which scopes the token has. It must have linodes:read_write.'];
  }
  if (scopes.has('account:read_write')) return [];
  const lacking =
    'The token lacks the scope account:read_write: Onebuck can not remove the tags of ended ' +
    'clusters';
  return scopes.has('account:read_only')
    ? [`${lacking}.`]
    : [`${lacking},\n  and quotes prices with backups, the dearer case.`];
}

const isRestricted = (profile: unknown): boolean =>
  (profile as { readonly restricted?: unknown } | null)?.restricted === true;

/** No warning if Linode is not available just now: the functions will read the settings later. */
function settingsWarnings({ verdict }: Exchange): string[] {
  if (verdict.kind === 'denied') {
    return [
      "The token's user may not read the account's settings: Onebuck quotes prices with backups.",
    ];
  }
  const settings = verdict.kind === 'ok' ? decodeSettings(verdict.body) : null;
  if (!settings?.ok) return [];
  const { backupsForced, managed } = settings.value;
  return [
    ...(backupsForced
      ? ['The account adds backups to each new Linode: each quote and each spend includes them.']
      : []),
    ...(managed
      ? ['Linode manages the account, at about $100 a month for each Linode: launches are refused.']
      : []),
  ];
}
