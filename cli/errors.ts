import { NoContact, Refusal } from '../client/api.ts';
import { faultsOf } from '../client/problem.ts';

/** What the process ends with; the README lists them. */
export const exitCodes = {
  failed: 1,
  usage: 2,
  notLoggedIn: 3,
  notFound: 4,
  unreachable: 5,
  refused: 6,
  interrupted: 130,
} as const;

export type Failure = keyof typeof exitCodes;

/** Ends the program with a message. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly failure: Failure;
  /** The API's own answer behind the failure: a problem, a quote or a cluster; null: none. */
  readonly answer: unknown;

  constructor(failure: Failure, message: string, answer: unknown = null) {
    super(message);
    this.failure = failure;
    this.answer = answer;
  }
}

const failures: Readonly<Record<number, Failure>> = {
  400: 'usage',
  401: 'notLoggedIn',
  403: 'notLoggedIn',
  404: 'notFound',
  413: 'usage',
  415: 'usage',
  422: 'refused',
  503: 'unreachable',
  504: 'unreachable',
};

/**
 * An error as `--json` prints it, on one line. docs/cli.md has its fields, which are always the same.
 */
export const errorJson = (
  { failure, message, answer }: CliError,
  exitCode: number = exitCodes[failure],
): string => JSON.stringify({ failure, exitCode, message, answer });

const CHECK = 'See that the address is right and that Onebuck runs there.';

/** What an error of the network means, and what to do, by Node's code for it. */
function unreachableWords({ url, reason, cause }: NoContact): string {
  const { code = '' } = (cause ?? {}) as { readonly code?: string };
  if (code === 'ECONNREFUSED') return `nothing listens there. ${CHECK}`;
  if (code === 'ENOTFOUND') return `there is no such host. ${CHECK}`;
  if (url.startsWith('https:') && /^(ERR_SSL_|EPROTO)/.test(code)) {
    return `the server speaks no https there; give ${url.replace('https:', 'http:')} if it speaks http.`;
  }
  return `${reason}. ${CHECK}`;
}

/** An error of the API's client with what to do in a shell; null: the error is a bug. */
export function cliErrorOf(error: unknown): CliError | null {
  if (error instanceof CliError) return error;
  if (error instanceof NoContact) {
    return new CliError(
      'unreachable',
      `${error.url} cannot be reached: ${unreachableWords(error)}`,
    );
  }
  if (!(error instanceof Refusal)) return null;
  const { url, status, problem, message, isDenied } = error;
  const failure = failures[status] ?? 'failed';
  if (isDenied) {
    const why = problem === null ? '' : ` ${message}`;
    const denied = `${url} refuses the token.${why} Run "onebuck login" with one that it takes.`;
    return new CliError(failure, denied, problem);
  }
  if (problem === null) return new CliError(failure, `${message} See that the address is right.`);
  const others = (problem.alternatives ?? [])
    .map(({ sentence }) => sentence)
    .filter((sentence) => !message.includes(sentence));
  const lines = [...faultsOf(problem), ...others].map((line) => `  ${line}`);
  return new CliError(failure, [message, ...lines].join('\n'), problem);
}

/** The same error with a sentence more. */
export function withAdvice(error: unknown, advice: string): unknown {
  const known = cliErrorOf(error);
  if (known === null) return error;
  return new CliError(known.failure, `${known.message}\n${advice}`, known.answer);
}
