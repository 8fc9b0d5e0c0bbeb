import { createHash, timingSafeEqual } from 'node:crypto';
import { type ApiToken, RIGHTS, type Right } from '../core/base/api-token.ts';
import type { MicroUsd } from '../core/base/money.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { Clock, OwnerStore, Secrets } from '../ports.ts';
import { ownerNamedBy } from './owner-token.ts';

export interface AuthorizeDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly secrets: Pick<Secrets, 'apiTokens'>;
  readonly owners: Pick<OwnerStore, 'get'>;
}

/** Who makes a request, by the token that the request bears. */
export interface Caller {
  readonly owner: string;
  /** As `ApiToken.monthlyMax`. */
  readonly monthlyMax: MicroUsd | null;
}

/**
 * The caller whose token is in an `Authorization: Bearer <token>` header. AppError `noToken`, without
 * a look at secret and table, if the header is missing or has another form; `unknownToken` if neither
 * has such a token, or if the token has expired; `notAllowed` if the token lacks the right `needed`.
 * A token of the table names its owner, so that one consistent read of the owner's record finds it,
 * and a revoked token is refused at once; for any other token the table is not read. A token that is
 * unknown may be new, so it is looked for again in a fresh secret. Any other error is no AppError, so
 * that its message, which may name the secret, is only logged: whoever asks may be a stranger.
 */
export async function authorize(
  { clock, secrets, owners }: AuthorizeDeps,
  authorization: string | undefined,
  needed: Right,
): Promise<Caller> {
  const token = tokenIn(authorization);
  const given = createHash('sha256').update(token).digest();
  const withoutCode = (error: unknown) => {
    throw new Error(reasonOf(error));
  };
  const inSecret = async (fresh: boolean) =>
    find(given, await secrets.apiTokens({ fresh }).catch(withoutCode));
  const inTable = async () => {
    const named = ownerNamedBy(token);
    const record = named === null ? null : await owners.get(named).catch(withoutCode);
    return record === null ? null : find(given, { [record.owner]: record.tokens });
  };
  const found = (await inSecret(false)) ?? (await inTable()) ?? (await inSecret(true));
  if (found === null) {
    throw new AppError(
      'unknownToken',
      'This deployment has no such token, or no more. Ask its operator for a token.',
    );
  }
  const { expiresAt, right, monthlyMax } = found.token;
  if (expiresAt !== null && expiresAt <= clock.now()) {
    throw new AppError('unknownToken', 'The token has expired. Ask the operator for another one.');
  }
  if (RIGHTS.indexOf(right) < RIGHTS.indexOf(needed)) {
    throw new AppError('notAllowed', `${allowed[right]} This needs a token that may ${needed}.`);
  }
  return { owner: found.owner, monthlyMax };
}

/** The token in an `Authorization: Bearer <token>` header. AppError `noToken` if there is none. */
export function tokenIn(authorization: string | undefined): string {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (token !== undefined) return token;
  throw new AppError(
    'noToken',
    'Send a token with the request, as the header "Authorization: Bearer <token>".',
  );
}

const allowed: Readonly<Record<Right, string>> = {
  read: 'The token may only read, and see no passwords.',
  launch: 'The token may only read, and launch, change and destroy clusters.',
  manage: 'The token may do everything.',
};

/**
 * Compares with the hash of every token of every owner in constant time, so that the time of the
 * answer reveals nothing about the tokens.
 */
function find(
  given: Buffer,
  tokens: Readonly<Record<string, readonly ApiToken[]>>,
): { readonly owner: string; readonly token: ApiToken } | null {
  let found: { readonly owner: string; readonly token: ApiToken } | null = null;
  for (const [owner, theirs] of Object.entries(tokens)) {
    for (const token of theirs) {
      if (timingSafeEqual(given, Buffer.from(token.sha256, 'hex'))) found = { owner, token };
    }
  }
  return found;
}
