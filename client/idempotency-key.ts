/**
 * A key for the header Idempotency-Key, 32 hexadecimal digits: the same request with the same key
 * makes nothing twice. crypto.randomUUID would not do, as browsers have it for https only.
 */
export function createIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
