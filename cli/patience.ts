import { throughOutages } from '../client/patience.ts';
import { cliErrorOf } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** Asks until there is an answer, as `throughOutages` does, and says so in an outage. */
export const patiently = <Answer>(
  { terminal }: { readonly terminal: Pick<Terminal, 'note' | 'settle'> },
  ask: () => Promise<Answer>,
  mostMs?: number,
): Promise<Answer> => {
  const tell = (error: unknown) => {
    terminal.settle();
    terminal.note(`${cliErrorOf(error)?.message} Trying again.`);
  };
  return throughOutages(ask, tell, mostMs);
};
