import { mayPass } from './api.ts';
import { pauseMs, whileBusy } from './poll.ts';

/** An outage may be shorter than a cluster's life. */
const OUTAGE_MS_MAX = 5 * 60_000;

/**
 * Asks until there is an answer, through outages of up to 5 minutes. `onOutage` is called once, with
 * the first error. Throws the last error, or the first that will not pass.
 */
export async function throughOutages<Answer>(
  ask: () => Promise<Answer>,
  onOutage: (error: unknown) => void,
): Promise<Answer> {
  const since = Date.now();
  for (let failed = 1; ; failed += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || Date.now() - since > OUTAGE_MS_MAX) throw error;
      if (failed === 1) onOutage(error);
      await new Promise((resolve) => setTimeout(resolve, pauseMs({ ...whileBusy, failed })));
    }
  }
}
