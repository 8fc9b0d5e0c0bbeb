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

/** Ends the program with a message for people, and for `--json` the problem as the API has it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly failure: Failure;
  readonly problem: unknown;

  constructor(failure: Failure, message: string, problem: unknown = null) {
    super(message);
    this.failure = failure;
    this.problem = problem;
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

/** What Node's codes for errors of the network mean. */
const networkErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
};

/** An error of the API's client with what to do in a shell; null: the error is a bug. */
export function cliErrorOf(error: unknown): CliError | null {
  if (error instanceof CliError) return error;
  if (error instanceof NoContact) {
    const { code = '' } = (error.cause ?? {}) as { readonly code?: string };
    const reason = networkErrors[code] ?? error.reason;
    const message =
      `${error.url} cannot be reached: ${reason}. ` +
      'See that the address is right and that Onebuck runs there.';
    return new CliError('unreachable', message);
  }
  if (!(error instanceof Refusal)) return null;
  const { url, status, problem, message, isDenied } = error;
  const failure = failures[status] ?? 'failed';
  if (isDenied) {
    const denied = `${url} refuses the token. Run "onebuck login" with one that it takes.`;
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
  return new CliError(known.failure, `${known.message}\n${advice}`, known.problem);
}
