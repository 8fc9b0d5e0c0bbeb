import {
  attempt,
  type Finding,
  findingsOf,
  ok,
  skipped,
  warning,
  wrong,
} from './doctor-findings.ts';
import {
  type AskLinode,
  checkAccount,
  checkScopes,
  type ScopesCheck,
  UnfitToken,
} from './linode-token.ts';

/* The doctor's checks of Linode. They only read. */

export const TOKEN = 'Linode token';
export const ACCOUNT = 'Linode account';

export interface TokenToCheck {
  readonly token: string;
  /** Where the token is, for people to read. */
  readonly source: string;
  /** What to do about a token that can't be used. */
  readonly remedy: string;
}

/** The token: is it valid, and what may it do? And the account: can Onebuck launch there? */
export async function checkLinode(
  ask: AskLinode,
  { token, source, remedy }: TokenToCheck,
): Promise<readonly Finding[]> {
  const checked = await attempt(TOKEN, () => scopesOf(ask, token));
  if (!checked.ok) return [checked.finding, skipped(ACCOUNT, NEEDS_TOKEN)];
  if (checked.value instanceof UnfitToken) {
    const text = `that of ${source} can't be used. ${checked.value.message} ${remedy}`;
    return [wrong(TOKEN, text.trim()), skipped(ACCOUNT, NEEDS_TOKEN)];
  }
  const { warnings, readsAccount } = checked.value;
  const ofToken =
    warnings.length === 0
      ? [ok(TOKEN, `that of ${source} is valid, and has all scopes that Onebuck needs`)]
      : warnings.map((text) => warning(TOKEN, text));
  const ofAccount = readsAccount
    ? await findingsOf(ACCOUNT, () => settingsOf(ask, token))
    : [skipped(ACCOUNT, 'not checked, as the Linode token may not read its settings')];
  return [...ofToken, ...ofAccount];
}

const NEEDS_TOKEN = 'not checked, for want of a Linode token that works';

const scopesOf = (ask: AskLinode, token: string): Promise<ScopesCheck | UnfitToken> =>
  checkScopes(ask, token).catch((error: unknown) => {
    if (error instanceof UnfitToken) return error;
    throw error;
  });

async function settingsOf(ask: AskLinode, token: string): Promise<Finding[]> {
  const { faults, warnings } = await checkAccount(ask, token);
  const findings = [
    ...faults.map((text) => wrong(ACCOUNT, text)),
    ...warnings.map((text) => warning(ACCOUNT, text)),
  ];
  if (findings.length > 0) return findings;
  const text = 'interfaces and Network Helper suit, backups are not forced, and it is not managed';
  return [ok(ACCOUNT, text)];
}
