import type { Problem } from './answers.ts';

/** Where a deployment of Onebuck is, and the token to ask it with. */
export interface Server {
  /** The address of the API, without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** How long to wait for an answer, in milliseconds; 35 s by default. */
  readonly timeoutMs?: number;
  /** Called when the server refuses the token, before the Refusal is thrown. */
  readonly onDenied?: () => void;
}

/** A request beside its path; a GET by default. */
export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Parameters; those that are undefined or empty are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Aborting the signal ends the request, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The part of an address that follows the address of the API. */
export type Path = `/${string}`;

/**
 * The HTTP API. Every request throws a Refusal where Onebuck, or the gateway before Onebuck,
 * answers with an error, and NoContact where nothing answers as Onebuck does.
 */
export interface Api {
  /** The JSON of the answer, whose type the caller knows by the path; null: the answer is empty. */
  json<Answer>(path: Path, request?: Request): Promise<Answer>;
  /** The answer as it is. */
  text(path: Path, request?: Request): Promise<string>;
}

/** The server answered, and did not do what the request asks for. */
export class Refusal extends Error {
  readonly url: string;
  readonly status: number;
  /** null: the answer is not Onebuck's own, but API Gateway's or another server's. */
  readonly problem: Problem | null;

  constructor(url: string, status: number, problem: Problem | null, message: string) {
    super(message);
    this.url = url;
    this.status = status;
    this.problem = problem;
  }

  /** Whether the server refuses the token; false for a token that only may not do this. */
  get isDenied(): boolean {
    if (this.problem?.code === 'notAllowed') return false;
    return this.status === 401 || this.status === 403;
  }
}

/** Nothing answered as Onebuck does. Onebuck may have carried the request out all the same. */
export class NoContact extends Error {
  readonly url: string;
  readonly reason: string;
  /** Whether the same request may be answered within a second. */
  readonly isBrief: boolean;

  /** `cause` is the error of the network, where the runtime shows it. */
  constructor(url: string, reason: string, isBrief = false, cause?: unknown) {
    super(`${url} cannot be reached: ${reason}.`, { cause });
    this.url = url;
    this.reason = reason;
    this.isBrief = isBrief;
  }
}

/** Whether the same request may succeed in a while; the failed one may have been carried out. */
export const mayPass = (error: unknown): boolean =>
  error instanceof NoContact ||
  (error instanceof Refusal && (error.status === 429 || error.status >= 500));

/** API Gateway itself gives up after 30 s. */
const TIMEOUT_MS = 35_000;
const ATTEMPTS_MAX = 3;
const PAUSE_MS = 400;

/**
 * A client of one server. It sends a request up to three times, while answers are lost or a gateway
 * fails. No request does harm when it is sent twice: a POST that makes something bears an
 * idempotency key.
 */
export function createApi(server: Server): Api {
  async function send(path: Path, request: Request = {}): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendOnce(server, path, request);
      } catch (error) {
        if (error instanceof Refusal && error.isDenied) server.onDenied?.();
        if (attempt === ATTEMPTS_MAX || !isBrief(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
      request.signal?.throwIfAborted();
    }
  }
  return {
    async json<Answer>(path: Path, request?: Request) {
      const text = await send(path, request);
      if (text === '') return null as Answer;
      const answer = parseOrNull(text);
      if (answer === null) throw new NoContact(server.url, 'another server than Onebuck answers');
      return answer as Answer;
    },
    text: send,
  };
}

/** A gateway's own 502 or 503 passes soon; in a 502 or 503 of Onebuck's own, Linode is at fault. */
function isBrief(error: unknown): boolean {
  if (error instanceof NoContact) return error.isBrief;
  if (!(error instanceof Refusal)) return false;
  const { status, problem } = error;
  return status === 429 || status === 504 || (status >= 502 && problem === null);
}

async function sendOnce(
  { url, token, timeoutMs = TIMEOUT_MS }: Server,
  path: Path,
  { method = 'GET', query = {}, headers = {}, body, signal }: Request,
): Promise<string> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}${path}${searchOf(query)}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'error', // the token is for this server only
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    text = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw noContact(url, error, timeoutMs);
  }
  if (response.ok) return text;
  throw refusalOf(url, response.status, text);
}

function searchOf(query: NonNullable<Request['query']>): string {
  const given = Object.entries(query).flatMap(([name, value = '']) =>
    value === '' ? [] : [[name, `${value}`]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function noContact(url: string, error: unknown, timeoutMs: number): NoContact {
  const { name, message, cause } = error as Error;
  if (name === 'TimeoutError') return new NoContact(url, `no answer within ${timeoutMs / 1000} s`);
  // Node has the cause in the error; a browser says no more than that the request failed.
  return new NoContact(url, (cause as Error | undefined)?.message ?? message, true, cause);
}

/** Reads an answer with an error: a problem of Onebuck's, API Gateway's words, or another text. */
export function refusalOf(url: string, status: number, text: string): Refusal {
  const said = (parseOrNull(text) ?? {}) as Partial<Problem> & { readonly message?: unknown };
  if (typeof said.detail === 'string') {
    return new Refusal(url, status, said as Problem, said.detail);
  }
  const reason =
    typeof said.message === 'string' ? `: ${said.message}` : ', and not as Onebuck does';
  return new Refusal(url, status, null, `${url} answers ${status}${reason}.`);
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
