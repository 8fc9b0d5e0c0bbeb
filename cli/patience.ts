import { setTimeout as delay } from 'node:timers/promises';
import { mayPass } from '../client/api.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import type { Context } from './context.ts';
import { cliErrorOf } from './errors.ts';

/** An outage may be shorter than a cluster's life. */
const OUTAGE_MS_MAX = 5 * 60_000;

/** Asks until there is an answer, through outages of up to 5 minutes. */
export async function patiently<Answer>(
  { terminal }: Pick<Context, 'terminal'>,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const since = Date.now();
  for (let failed = 1; ; failed += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || Date.now() - since > OUTAGE_MS_MAX) throw error;
      if (failed === 1) {
        terminal.settle();
        terminal.note(`${cliErrorOf(error)?.message} Trying again.`);
      }
      await delay(pauseMs({ ...whileBusy, failed }));
    }
  }
}
