import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface TokenSources {
  /** The value of LINODE_TOKEN; empty: it is not set. */
  readonly fromEnvironment: string;
  readonly input: NodeJS.ReadStream;
  /** The stream to which the question is written. */
  readonly output: NodeJS.WritableStream;
}

/** The person pressed Ctrl-C or Ctrl-D, and needs no advice. */
export class Interrupted extends Error {}

/**
 * The Linode token: from LINODE_TOKEN if it is set, else from a pipe on standard input, else from
 * the person at the terminal. Rejects if the text can't be a token.
 */
export async function readLinodeToken(
  question: string,
  { fromEnvironment, input, output }: TokenSources,
): Promise<string> {
  if (fromEnvironment !== '') return tokenIn(fromEnvironment);
  return tokenIn(input.isTTY ? await askHidden(question, input, output) : await text(input));
}

/** The errors never quote the input: it may be another secret. */
function tokenIn(text: string): string {
  const token = text.trim();
  if (token === '') {
    throw new Error(
      'No Linode token was given. Run this command in a terminal, where it asks for the token, ' +
        'or give the token\nin LINODE_TOKEN or on standard input.',
    );
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Error('That is no Linode token: a token is one line of letters, digits and signs.');
}

/** Readline handles keys and pastes; its echo is thrown away, so that the token is not shown. */
function askHidden(
  question: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
    let line: string | null = null;
    lines.once('line', (entered) => {
      line = entered;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      output.write('\n');
      if (line === null) reject(new Interrupted('Interrupted.'));
      else resolve(line);
    });
    // The question comes last, when the terminal no longer echoes.
    output.write(question);
  });
}
