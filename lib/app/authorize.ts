import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError, reasonOf } from '../errors.ts';
import type { Secrets } from '../ports.ts';

/**
 * The owner of the token in an `Authorization: Bearer <token>` header. AppError `noToken`, without a
 * look at the secret, if the header is missing or has another form; `unknownToken` if the secret has
 * no such token. A token that is unknown may be new, so it is looked for again in a fresh secret.
 * Any other error is no AppError, so that its message, which may name the secret, is only logged:
 * whoever asks may be a stranger.
 */
export async function authorize(
  { secrets }: { readonly secrets: Pick<Secrets, 'apiTokens'> },
  authorization: string | undefined,
): Promise<string> {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    throw new AppError(
      'noToken',
      'Send a token with the request, as the header "Authorization: Bearer <token>".',
    );
  }
  const given = createHash('sha256').update(token).digest();
  const tokens = (fresh: boolean) =>
    secrets.apiTokens({ fresh }).catch((error: unknown) => {
      throw new Error(reasonOf(error));
    });
  const owner = ownerOf(given, await tokens(false)) ?? ownerOf(given, await tokens(true));
  if (owner !== null) return owner;
  throw new AppError(
    'unknownToken',
    'The token is not in the secret of this deployment. Ask its operator for a token.',
  );
}

/**
 * Compares with every hash of every owner in constant time, so that the time of the answer reveals
 * nothing about the tokens.
 */
function ownerOf(
  given: Buffer,
  tokens: Readonly<Record<string, readonly string[]>>,
): string | null {
  let owner: string | null = null;
  for (const [name, hashes] of Object.entries(tokens)) {
    for (const hash of hashes) {
      if (timingSafeEqual(given, Buffer.from(hash, 'hex'))) owner = name;
    }
  }
  return owner;
}
