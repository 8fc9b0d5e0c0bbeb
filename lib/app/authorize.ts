import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../ports.ts';

/**
 * The owner of the token in an `Authorization: Bearer <token>` header; null: the header has no
 * known token. A token that is unknown may be new, so it is looked for again in a fresh secret.
 */
export async function authorize(
  { secrets }: { readonly secrets: Pick<Secrets, 'apiTokens'> },
  authorization: string | undefined,
): Promise<string | null> {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return null;
  const given = createHash('sha256').update(token).digest();
  const owner = ownerOf(given, await secrets.apiTokens({ fresh: false }));
  return owner ?? ownerOf(given, await secrets.apiTokens({ fresh: true }));
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
