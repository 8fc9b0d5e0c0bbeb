import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface TokenSources {
  /** Of LINODE_TOKEN in the environment; empty is none. */
  readonly fromEnvironment: string;
  readonly input: NodeJS.ReadStream;
  /** Where the question is asked. */
  readonly output: NodeJS.WritableStream;
}

/** Ctrl-C, or Ctrl-D: there is nothing to say about it. */
export class Interrupted extends Error {}

/** The Linode token, from the first there is: the environment, what is piped in, who sits there. */
export async function readLinodeToken(
  question: string,
  { fromEnvironment, input, output }: TokenSources,
): Promise<string> {
  if (fromEnvironment !== '') return tokenIn(fromEnvironment);
  return tokenIn(input.isTTY ? await askHidden(question, input, output) : await text(input));
}

/** Throws without a word of what it was given: that may be another secret. */
function tokenIn(given: string): string {
  const token = given.trim();
  if (token === '') {
    throw new Error(
      'No Linode token was given. Run this on a terminal, which asks for it, or have it in ' +
        'LINODE_TOKEN\nor on standard input.',
    );
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Error('That is no Linode token: those are one line of letters, digits and signs.');
}

/** Readline does the keys and the pastes; what it echoes goes nowhere. */
function askHidden(
  question: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
    let line: string | null = null;
    lines.once('line', (given) => {
      line = given;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      output.write('\n');
      if (line === null) reject(new Interrupted('Interrupted.'));
      else resolve(line);
    });
    // Only now, when the terminal no longer echoes.
    output.write(question);
  });
}
