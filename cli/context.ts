import { type Api, createApi } from '../client/api.ts';
import { clockFrom, readServerTime } from '../client/server-clock.ts';
import { readableTimes } from '../client/times.ts';
import { readLogin } from './config.ts';
import { CliError } from './errors.ts';
import { type Block, layOut, mapTexts } from './format.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Only the API's JSON on stdout, and only JSON on stderr. */
  readonly json: boolean;
  /** Logged in; throws a CliError where nobody is. */
  api(): Api;
  /** What Ctrl-C says until `over` is called. */
  onInterrupt(say: () => string): { over(): void };
  /** Until `over` is called, Ctrl-C is somebody else's. */
  holdInterrupts(): { over(): void };
}

/** Milliseconds, as the server's clock shows it: it may be a virtual one. */
export async function serverNow(api: Api): Promise<number> {
  return clockFrom(await readServerTime(api)).now();
}

const SECONDS_MAX = 86_400;

export function apiOf(env: Context['env']): Api {
  const text = env.ONEBUCK_TIMEOUT_SECONDS;
  if (!text) return createApi(readLogin(env));
  const seconds = Number(text);
  if (seconds > 0 && seconds <= SECONDS_MAX) {
    return createApi({ ...readLogin(env), timeoutMs: seconds * 1_000 });
  }
  const wanted = `a number of seconds above 0 and at most ${SECONDS_MAX}`;
  throw new CliError('usage', `ONEBUCK_TIMEOUT_SECONDS must be ${wanted}, not ${text}.`);
}

export function show(
  { json, terminal }: Context,
  answer: unknown,
  blocks: () => Block | readonly Block[],
): void {
  if (json) terminal.out(JSON.stringify(answer));
  else showBlocks(terminal, [blocks()].flat());
}

/** The API's sentences, such as a cluster's history, have instants in UTC: people read their own. */
export function showBlocks(terminal: Terminal, blocks: readonly Block[]): void {
  const readable = (text: string) => readableTimes(text, Date.now());
  const inWords = blocks.map((block) => mapTexts(block, readable));
  terminal.out(layOut(inWords, { columns: terminal.columns(), dim: terminal.dim }));
}

/** Asks before `what`; throws where it is not wanted, or where nobody can be asked. */
export async function confirm(
  { terminal }: Context,
  { yes, what, question }: { yes: boolean; what: string; question: string },
): Promise<void> {
  if (yes) return;
  assertCanAsk(terminal, what);
  const answer = await terminal.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer)) throw new CliError('failed', 'Nothing was done.');
}

export function assertCanAsk({ canAsk }: Terminal, what: string): void {
  if (canAsk) return;
  throw new CliError(
    'usage',
    `Give --yes to ${what} without being asked: the input is no terminal.`,
  );
}
