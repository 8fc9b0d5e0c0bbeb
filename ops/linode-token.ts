import { createClock } from '../lib/adapters/clock.ts';
import { describe } from '../lib/adapters/linode/answer.ts';
import { createTransport } from '../lib/adapters/linode/axios-transport.ts';
import { createLinodeHttp, type LinodeHttp } from '../lib/adapters/linode/http.ts';
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

/** The Linode API at the address. */
export const linodeAt = (url: string): AskLinode =>
  createLinodeHttp({
    transport: createTransport(url),
    clock: createClock({ originMs: 0, rate: 1 }),
    token: async () => '',
    log: { info() {}, warn() {}, error() {} },
  }).sendOnce;

const PROFILE = { method: 'GET', path: '/profile' } as const;
const SETTINGS = { method: 'GET', path: '/account/settings' } as const;

/**
 * Throws UnfitToken, which says what to do, if Linode refuses the token or the token lacks the
 * scope `linodes:read_write`; throws another error if Linode is not available.
 */
export async function checkToken(ask: AskLinode, token: string): Promise<TokenCheck> {
  const { account, warnings, readsAccount } = await checkScopes(ask, token);
  // Linode may be unavailable just now: the functions will read the settings later.
  const settings = readsAccount ? await checkAccount(ask, token).catch(() => null) : null;
  return {
    account,
    warnings: [...warnings, ...(settings?.faults ?? []), ...(settings?.warnings ?? [])],
  };
}

export interface ScopesCheck extends TokenCheck {
  /** Whether the token's scopes allow to read the account's settings. */
  readonly readsAccount: boolean;
}

/** The part of `checkToken` that does not read the account's settings. */
export async function checkScopes(ask: AskLinode, token: string): Promise<ScopesCheck> {
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
    warnings: [...scopeWarnings(scopes), ...(isRestricted(verdict.body) ? [RESTRICTED] : [])],
    readsAccount: scopes?.has('account:read_only') !== false,
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

/** What the settings of the Linode account mean for Onebuck, in sentences. */
export interface AccountCheck {
  /** By these, each launch fails. */
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Throws if Linode is not available, or answers with settings that Onebuck can't read. */
export async function checkAccount(ask: AskLinode, token: string): Promise<AccountCheck> {
  const { verdict } = await ask(SETTINGS, token);
  if (verdict.kind === 'denied') {
    const denied =
      "The token's user may not read the account's settings: Onebuck quotes prices with backups.";
    return { faults: [], warnings: [denied] };
  }
  if (verdict.kind !== 'ok') throw new Error(describe(SETTINGS, verdict));
  const settings = decodeSettings(verdict.body);
  if (!settings.ok) throw new Error(`GET /account/settings: ${settings.fault}`);
  const { backupsForced, managed, networkHelper, interfaces } = settings.value;
  // With interfaces of its own, each create asks for Network Helper by itself.
  const lacksHelper = !networkHelper && interfaces === 'legacy_config';
  return {
    faults: managed ? [MANAGED] : [],
    warnings: [...(backupsForced ? [BACKUPS_FORCED] : []), ...(lacksHelper ? [NO_HELPER] : [])],
  };
}

const MANAGED =
  'Linode manages the account, at about $100 a month for each Linode: launches are refused.';
const BACKUPS_FORCED =
  'The account adds backups to each new Linode: each quote and each spend includes them.';
const NO_HELPER =
  "Network Helper is off: a node's image must configure the network by itself, as Linode's own " +
  'images do by DHCP, and private networks need it.\n' +
  'Turn it on at https://cloud.linode.com/account/settings.';
