import { throughOutages } from '../client/patience.ts';
import type { Context } from './context.ts';
import { cliErrorOf } from './errors.ts';

/** Asks until there is an answer, through outages of up to 5 minutes. */
export const patiently = <Answer>(
  { terminal }: Pick<Context, 'terminal'>,
  ask: () => Promise<Answer>,
): Promise<Answer> =>
  throughOutages(ask, (error) => {
    terminal.settle();
    terminal.note(`${cliErrorOf(error)?.message} Trying again.`);
  });
