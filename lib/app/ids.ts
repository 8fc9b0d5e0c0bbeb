import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';

/** `c` for a cluster, `s` for a schedule, `u` for an upload, `r` for an archive of results. */
type Kind = 'c' | 's' | 'u' | 'r';
/** An id: its kind, then 50 bits in base 32. */
type Id<Prefix extends Kind> = `${Prefix}${string}`;

export const newId = <Prefix extends Kind>(prefix: Prefix): Id<Prefix> =>
  idOfBytes(prefix, randomBytes(7));

/**
 * The same parts give the same id, so that a repeated request finds the result of the first one.
 */
export const idOfKey = <Prefix extends Kind>(
  prefix: Prefix,
  parts: readonly string[],
): Id<Prefix> => idOfBytes(prefix, createHash('sha256').update(JSON.stringify(parts)).digest());

/** The refusal of a request whose idempotency key another request has used for something else. */
export const keyUsedOtherwise = (result: 'cluster' | 'schedule'): AppError =>
  new AppError(
    'conflict',
    `This Idempotency-Key was used with another body. Use a new key for a new ${result}.`,
  );

/** The SHA-256 of JSON in lower-case hex. The order of fields does not matter. */
export function hashOf(input: unknown): string {
  const sorted = (_: string, value: unknown): unknown =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256')
    .update(JSON.stringify(input, sorted) ?? '')
    .digest('hex');
}

/** The first 50 bits in base 32 (RFC 4648, lower case). */
function idOfBytes<Prefix extends Kind>(prefix: Prefix, bytes: Uint8Array): Id<Prefix> {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const bits = [...bytes.slice(0, 7)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = bits.slice(0, 50).match(/.{5}/g) ?? [];
  const id = letters.map((five) => alphabet[Number.parseInt(five, 2)]).join('');
  return `${prefix}${id}`;
}
