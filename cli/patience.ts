import { setTimeout as delay } from 'node:timers/promises';
import { mayPass } from '../client/api.ts';
import type { Context } from './context.ts';
import { cliErrorOf } from './errors.ts';

const AGAIN_AFTER_MS = 2_000;
/** An outage may be shorter than a cluster's life. */
const OUTAGE_MS_MAX = 5 * 60_000;

/** Asks until there is an answer, through outages of up to 5 minutes. */
export async function patiently<Answer>(
  { terminal }: Pick<Context, 'terminal'>,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const since = Date.now();
  for (let isTold = false; ; isTold = true) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || Date.now() - since > OUTAGE_MS_MAX) throw error;
      if (!isTold) {
        terminal.settle();
        terminal.note(`${cliErrorOf(error)?.message} Trying again.`);
      }
      await delay(AGAIN_AFTER_MS);
    }
  }
}
