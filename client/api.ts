import type { Problem } from './answers.ts';

/** Where Onebuck is, and who asks. */
export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** How long to wait for an answer; 35 s unless given. */
  readonly timeoutMs?: number;
  /** Called when the token is refused, before the refusal is thrown. */
  readonly onDenied?: () => void;
}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** What is undefined or empty is left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Gives up as soon as it is aborted, and throws its reason. */
  readonly signal?: AbortSignal;
}

/** From the address of the API on. */
export type Path = `/${string}`;

/**
 * The HTTP API. Throws a Refusal where Onebuck, or the gateway before it, answers with an error, and
 * NoContact where nothing answers as Onebuck does.
 */
export interface Api {
  /** The JSON of the answer, as the type that the path is known to answer with; null: it is empty. */
  json<Answer>(path: Path, request?: Request): Promise<Answer>;
  text(path: Path, request?: Request): Promise<string>;
}

/** The request was answered, and not done. */
export class Refusal extends Error {
  constructor(
    readonly url: string,
    readonly status: number,
    /** null: the answer is not Onebuck's own, but API Gateway's or another server's. */
    readonly problem: Problem | null,
    message: string,
  ) {
    super(message);
  }

  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** Nothing answered as Onebuck does. Whether the request was carried out is not known. */
export class NoContact extends Error {
  constructor(
    readonly url: string,
    reason: string,
    /** Whether the same request may be answered within a second. */
    readonly isBrief = false,
  ) {
    super(`${url} cannot be reached: ${reason}.`);
  }
}

/** Whether the same request may do in a while; it may have been carried out all the same. */
export const mayPass = (error: unknown): boolean =>
  error instanceof NoContact ||
  (error instanceof Refusal && (error.status === 429 || error.status >= 500));

/** API Gateway itself gives up after 30 s. */
const TIMEOUT_MS = 35_000;
const ATTEMPTS_MAX = 3;
const PAUSE_MS = 400;

/**
 * Sends a request up to three times, while the answer is lost or a gateway fails. None can do harm
 * when it is sent twice: requests that make something bear an idempotency key.
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

/** A gateway's own 502 or 503 passes soon. With Onebuck's own, Linode is what fails. */
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
  // Node names the cause; a browser tells nothing more than that it failed.
  const { code, message: reason = message } = (cause ?? {}) as { code?: string; message?: string };
  if (code === 'ECONNREFUSED') return new NoContact(url, 'nothing listens there');
  if (code === 'ENOTFOUND') return new NoContact(url, 'there is no such host');
  return new NoContact(url, reason, true);
}

/** Also for what is not problem+json: API Gateway's own words, or another server's. */
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
