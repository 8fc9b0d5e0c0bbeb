import { setTimeout as delay } from 'node:timers/promises';
import type { Problem } from '../client/answers.ts';
import type { Login } from './config.ts';
import { CliError, type Failure } from './errors.ts';

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Client {
  /** The JSON of an answer; throws a CliError with what to do otherwise. */
  json<Answer>(path: string, request?: Request): Promise<Answer>;
  text(path: string, request?: Request): Promise<string>;
}

/** API Gateway itself gives up after 30 s. */
const TIMEOUT_SECONDS = 35;
const ATTEMPTS = 3;
const PAUSE_MS = 400;

/**
 * Every request that it sends can be sent twice without harm: those that make something bear an
 * idempotency key. So one whose answer was lost is sent again.
 */
export function createClient(login: Login, timeoutSeconds = TIMEOUT_SECONDS): Client {
  async function send(path: string, request: Request): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const sent = await sendOnce(login, path, request, timeoutSeconds);
      if (sent.kind === 'answered') return sent.text;
      if (!sent.again || attempt === ATTEMPTS) throw sent.error;
      await delay(PAUSE_MS * attempt);
    }
  }
  return {
    async json<Answer>(path: string, request: Request = {}) {
      const text = await send(path, request);
      if (text === '') return null as Answer;
      return parse(login.url, text) as Answer;
    },
    text: (path, request = {}) => send(path, request),
  };
}

type Sent =
  | { readonly kind: 'answered'; readonly text: string }
  | { readonly kind: 'failed'; readonly error: CliError; readonly again: boolean };

async function sendOnce(
  { url, token }: Login,
  path: string,
  { method = 'GET', query = {}, headers = {}, body }: Request,
  timeoutSeconds: number,
): Promise<Sent> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}${path}${search}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error', // the token is for this server alone
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    });
    text = await response.text();
  } catch (error) {
    return unreachable(url, error, timeoutSeconds);
  }
  if (response.ok) return { kind: 'answered', text };
  const error = problemError(url, response.status, text);
  // A gateway's own 502 or 503 passes; with Onebuck's, Linode is what fails.
  const isGateways = (error.problem as Partial<Problem> | null)?.detail === undefined;
  const again = [429, 504].includes(response.status) || (isGateways && response.status >= 502);
  return { kind: 'failed', error, again };
}

function unreachable(url: string, error: unknown, timeoutSeconds: number): Sent {
  const failed = (reason: string, again: boolean): Sent => {
    const message = `${url} cannot be reached: ${reason}. See that the address is right and that Onebuck runs there.`;
    return { kind: 'failed', error: new CliError('unreachable', message, null, true), again };
  };
  if (error instanceof Error && error.name === 'TimeoutError') {
    return failed(`no answer within ${timeoutSeconds} s`, false);
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  if (code === 'ECONNREFUSED') return failed('nothing listens there', false);
  if (code === 'ENOTFOUND') return failed('there is no such host', false);
  return failed(cause instanceof Error ? cause.message : String(cause), true);
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

/** Also for what is no problem+json: API Gateway's own words, or another server's. */
export function problemError(url: string, status: number, text: string): CliError {
  const failure = failures[status] ?? 'failed';
  if (status === 401 || status === 403) {
    const refused = `${url} refuses the token. Run "onebuck login" with one that it takes.`;
    return new CliError(failure, refused, parseOrNull(text));
  }
  const problem = parseOrNull(text) as Partial<Problem> | null;
  const mayPass = status === 429 || status >= 500;
  if (typeof problem?.detail !== 'string') {
    const message = `${url} answers ${status}, and not as Onebuck does. See that the address is right.`;
    return new CliError(failure, message, problem, mayPass);
  }
  return new CliError(failure, sentencesOf(problem), problem, mayPass);
}

function sentencesOf({ detail = '', errors = [], alternatives = [] }: Partial<Problem>): string {
  const faults = errors
    .map(({ message }) => message)
    .filter((message) => !detail.includes(message));
  const others = alternatives
    .map(({ sentence }) => sentence)
    .filter((sentence) => !detail.includes(sentence));
  return [detail, ...[...faults, ...others].map((line) => `  ${line}`)].join('\n');
}

function parse(url: string, text: string): unknown {
  const parsed = parseOrNull(text);
  if (parsed !== null) return parsed;
  throw new CliError(
    'failed',
    `${url} does not answer as Onebuck does. See that the address is right.`,
    null,
    true,
  );
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
