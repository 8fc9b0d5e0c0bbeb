import type { Emulator } from './emulator.ts';
import { expect } from './expect.ts';
import { runNow } from './functions.ts';

/**
 * Has the function `digest` send the digest of the last week now, instead of within the hour: by the
 * topic it arrives, by the webhook, which nothing answers, it does not, and the function says so.
 */
export async function sendDigest(emulator: Emulator): Promise<void> {
  const { hasFailed, answer } = await runNow(emulator, 'digest');
  const isToldOf = hasFailed && answer.includes('the webhook');
  expect(isToldOf, `digest does not say that the webhook failed: ${answer}`);
}
