import { createHash, randomBytes } from 'node:crypto';
import { OWNER_NAME } from '../core/base/names.ts';

/**
 * A new token of the owner, of which the table keeps only the hash. It names its owner, so that it is
 * found by one read. By the prefix people, and tools that search files for secrets, recognize it.
 */
export function newOwnerToken(owner: string): { readonly token: string; readonly sha256: string } {
  const token = `${PREFIX}${owner}.${randomBytes(32).toString('base64url')}`;
  return { token, sha256: createHash('sha256').update(token).digest('hex') };
}

/** The owner whose name is in the token; null: the token has another form. */
export function ownerNamedBy(token: string): string | null {
  const [, owner = ''] = FORM.exec(token) ?? [];
  return OWNER_NAME.test(owner) ? owner : null;
}

const PREFIX = 'onebuck_';
/** 32 bytes are 43 digits. Names have dots, but digits have none. */
const FORM = /^onebuck_(.+)\.[A-Za-z0-9_-]{43}$/;
