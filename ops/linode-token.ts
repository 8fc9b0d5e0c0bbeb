import { describe } from '../lib/adapters/linode/answer.ts';
import type { Exchange, LinodeHttp } from '../lib/adapters/linode/http.ts';
import { decodeSettings } from '../lib/adapters/linode/wire.ts';

/** What Linode says of a token that it takes, and with which clusters can be run. */
export interface TokenCheck {
  /** What goes less well than it could, and why. */
  readonly warnings: readonly string[];
  /** Of whom Linode takes it for; null: it did not say. */
  readonly account: string | null;
}

/** Another token is the remedy, not another try. */
export class UnfitToken extends Error {}

export type AskLinode = LinodeHttp['sendOnce'];

const PROFILE = { method: 'GET', path: '/profile' } as const;
const SETTINGS = { method: 'GET', path: '/account/settings' } as const;

/** Throws, saying what to do, where Linode refuses the token or it lacks what Onebuck can't do without. */
export async function checkToken(ask: AskLinode, token: string): Promise<TokenCheck> {
  // Takes any token that is valid, and tells of its scopes in a header.
  const { verdict, header } = await ask(PROFILE, token);
  if (verdict.kind === 'invalidToken') {
    throw new UnfitToken(
      `Linode does not take the token: it is mistyped, expired or revoked.\n${MAKE_ONE}`,
    );
  }
  if (verdict.kind !== 'ok') {
    throw new Error(`Linode could not be asked about the token: ${describe(PROFILE, verdict)}`);
  }
  const scopes = scopesIn(header('x-oauth-scopes'));
  if (scopes !== null && !scopes.has('linodes:read_write')) {
    throw new UnfitToken(
      `The token lacks the scope linodes:read_write, without which no Linode can be created or ` +
        `destroyed; it has: ${scopes.named}.\n${MAKE_ONE}`,
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

/** The account's by the token; null: Linode does not say, or not for this token. */
export async function accountOf(ask: AskLinode, token: string): Promise<string | null> {
  const { verdict, header } = await ask(PROFILE, token);
  return verdict.kind === 'ok' ? header('x-customer-uuid') : null;
}

const MAKE_ONE =
  'Make one at https://cloud.linode.com/profile/tokens: "Create a Personal Access Token", no ' +
  'access to all,\nbut Read/Write for Linodes and Account, and an expiry as late as you can have: ' +
  'once it has expired,\nnothing can be destroyed.';

const RESTRICTED =
  "The token's user is restricted. It must be allowed to create, change and delete Linodes, and " +
  'to use tags,\n  or launches fail: see its permissions in https://cloud.linode.com.';

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
    return ['Linode did not say which scopes the token has. linodes:read_write is a must.'];
  }
  if (scopes.has('account:read_write')) return [];
  const lacking =
    'The token lacks the scope account:read_write: tags of ended clusters stay behind';
  return scopes.has('account:read_only')
    ? [`${lacking}.`]
    : [`${lacking},\n  and prices are quoted with backups, the dearer.`];
}

const isRestricted = (profile: unknown): boolean =>
  (profile as { readonly restricted?: unknown } | null)?.restricted === true;

/** Where they can't be read for now, the functions can as soon as Linode answers again. */
function settingsWarnings({ verdict }: Exchange): string[] {
  if (verdict.kind === 'denied') {
    return [
      "The token's user may not read the account's settings: prices are quoted with backups.",
    ];
  }
  const settings = verdict.kind === 'ok' ? decodeSettings(verdict.body) : null;
  return settings?.ok && settings.value
    ? ['The account adds backups to each new Linode: their price is part of each quote and budget.']
    : [];
}
