import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../ports.ts';

/**
 * The owner of the token in an `Authorization: Bearer <token>` header; null: the header has no
 * known token. Compares with every hash of every owner in constant time, so that the time of the
 * answer reveals nothing about the tokens.
 */
export async function authorize(
  { secrets }: { readonly secrets: Pick<Secrets, 'apiTokens'> },
  authorization: string | undefined,
): Promise<string | null> {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return null;
  const given = createHash('sha256').update(token).digest();
  let owner: string | null = null;
  for (const [name, hashes] of Object.entries(await secrets.apiTokens())) {
    for (const hash of hashes) {
      if (timingSafeEqual(given, Buffer.from(hash, 'hex'))) owner = name;
    }
  }
  return owner;
}
