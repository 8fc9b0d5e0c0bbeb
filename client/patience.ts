import { mayPass } from './api.ts';
import { pauseMs, whileBusy } from './poll.ts';

/** An outage may be shorter than a cluster's life. */
const OUTAGE_MS_MAX = 5 * 60_000;

/**
 * Asks until there is an answer, through outages in which it waits for up to `mostMs` between its
 * attempts, 5 minutes unless given; the sleep of a laptop does not count. `onOutage` is called once,
 * with the first error. Throws the last error, or the first that will not pass.
 */
export async function throughOutages<Answer>(
  ask: () => Promise<Answer>,
  onOutage: (error: unknown) => void,
  mostMs = OUTAGE_MS_MAX,
): Promise<Answer> {
  let waitedMs = 0;
  for (let failed = 1; ; failed += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || waitedMs >= mostMs) throw error;
      if (failed === 1) onOutage(error);
      const pause = pauseMs({ ...whileBusy, failed });
      await new Promise((resolve) => setTimeout(resolve, pause));
      waitedMs += pause;
    }
  }
}
