import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { CliError } from './errors.ts';
import { wrapped } from './format.ts';
import { asciiLook, blockLook, type Look } from './fuse.ts';

type Env = Readonly<Record<string, string | undefined>>;

const COLUMNS = 80;
/** What a bar leaves to the name before it. */
const LABEL_COLUMNS = 14;

/**
 * What the program writes to and asks. Answers go to stdout, all that is said about them to stderr:
 * with `isJson` as a line of JSON, {"note": …}.
 */
export interface Terminal {
  out(lines: string | readonly string[]): void;
  note(line: string): void;
  /** Whether stdout shows colours. */
  readonly hasColour: boolean;
  /** Emphasis where stdout shows colours. */
  dim(line: string): string;
  /** Lines in place of those drawn before, where the stream is a terminal that can. */
  readonly canRedraw: boolean;
  redraw(lines: readonly string[]): void;
  /** Where the drawn lines are left as they are. */
  settle(): void;
  look(): Look;
  /** How wide a line of stdout may be; Infinity where stdout is no terminal and COLUMNS not set. */
  columns(): number;
  readonly canAsk: boolean;
  /** Throws a CliError `interrupted` on Ctrl-C and at the input's end. */
  ask(question: string): Promise<string>;
  askHidden(question: string): Promise<string>;
  inputToEnd(): Promise<string>;
}

export function createTerminal(env: Env, { isJson }: { readonly isJson: boolean }): Terminal {
  const { stdin, stdout, stderr } = process;
  const isDumb = env.TERM === 'dumb';
  const isTerminal = stdout.isTTY === true;
  const hasColour = isTerminal && !env.NO_COLOR && !isDumb;
  const hasBlocks = /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
  let drawn = 0;
  const columns = () =>
    stdout.columns || Number(env.COLUMNS) || (isTerminal ? COLUMNS : Number.POSITIVE_INFINITY);
  const forget = () => {
    drawn = 0;
  };
  return {
    out(lines) {
      for (const line of [lines].flat()) stdout.write(`${line}\n`);
    },
    note: (line) => void stderr.write(`${isJson ? JSON.stringify({ note: line }) : line}\n`),
    hasColour,
    dim: (line) => (hasColour ? `\x1b[2m${line}\x1b[22m` : line),
    canRedraw: isTerminal && !isDumb,
    redraw(lines) {
      const fitting = lines.flatMap((line) => wrapped(line, columns() - 1));
      const back = drawn === 0 ? '' : `\x1b[${drawn}A`;
      stdout.write(`${back}\r\x1b[J${fitting.join('\n')}\n`);
      drawn = fitting.length;
    },
    settle: forget,
    look: () => {
      const width = Math.max(20, Math.min(columns(), COLUMNS) - LABEL_COLUMNS);
      return isTerminal && hasBlocks && !isDumb ? blockLook(width) : asciiLook(width);
    },
    columns,
    canAsk: stdin.isTTY === true,
    async ask(question) {
      const lines = createInterface({ input: stdin, output: stderr });
      const gone = new Promise<never>((_, reject) => {
        lines.once('SIGINT', () => reject(new CliError('interrupted', '')));
        lines.once('close', () => reject(new CliError('interrupted', '')));
      });
      gone.catch(() => {});
      try {
        return (await Promise.race([lines.question(question), gone])).trim();
      } finally {
        lines.close();
      }
    },
    askHidden: (question) => askHidden(question, { input: stdin, output: stderr }),
    inputToEnd: () => text(stdin),
  };
}

const CTRL_C = '\x03';
const CTRL_D = '\x04';

/** Shows nothing of what is typed from when the question is there. */
export function askHidden(
  question: string,
  { input, output }: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WritableStream },
): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = '';
    const done = (finish: () => void) => {
      input.off('data', onData);
      input.setRawMode(false);
      input.pause();
      output.write('\n');
      finish();
    };
    const onData = (chunk: string) => {
      for (const key of chunk) {
        if (key === '\r' || key === '\n') return done(() => resolve(typed.trim()));
        if (key === CTRL_C || key === CTRL_D) {
          return done(() => reject(new CliError('interrupted', '')));
        }
        typed = key === '\x7f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      }
    };
    input.setRawMode(true);
    input.setEncoding('utf8');
    input.on('data', onData);
    input.resume();
    // Only now, when the terminal no longer echoes: some answer as soon as they are asked.
    output.write(question);
  });
}
