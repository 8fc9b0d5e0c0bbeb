/**
 * A key for the header Idempotency-Key, 32 hexadecimal digits: the server makes nothing twice for
 * two requests with one key. Browsers have crypto.randomUUID on https pages only, hence this
 * function.
 */
export function createIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
