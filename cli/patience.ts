import { throughOutages } from '../client/patience.ts';
import type { Context } from './context.ts';
import { cliErrorOf } from './errors.ts';

/** Asks until there is an answer, as `throughOutages` does, and says so in an outage. */
export const patiently = <Answer>(
  { terminal }: Pick<Context, 'terminal'>,
  ask: () => Promise<Answer>,
  mostMs?: number,
): Promise<Answer> => {
  const tell = (error: unknown) => {
    terminal.settle();
    terminal.note(`${cliErrorOf(error)?.message} Trying again.`);
  };
  return throughOutages(ask, tell, mostMs);
};
