import type { Problem } from '../../client/answers.ts';
import type { Sample } from './clock.ts';

/** The API answered, and said no. */
export class Refusal extends Error {
  readonly status: number;
  readonly problem: Problem;
  constructor(status: number, problem: Problem) {
    super(problem.detail);
    this.status = status;
    this.problem = problem;
  }
}

/** There was no answer. Whether a request was carried out is not known. */
export class NoContact extends Error {}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Api {
  readonly token: string;
  json<T>(path: string, request?: Request): Promise<T>;
  text(path: string): Promise<string>;
}

const ANSWER_MS_MAX = 35_000;

export function createApi(token: string, onDenied: (refusal: Refusal) => void): Api {
  async function send(path: string, request: Request = {}): Promise<Response> {
    const { method = 'GET', body, headers = {}, signal } = request;
    const timeout = AbortSignal.timeout(ANSWER_MS_MAX);
    const answer = await fetch(urlOf(path), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw new NoContact('Onebuck does not answer.');
    });
    if (answer.ok) return answer;
    const refusal = new Refusal(answer.status, await problemIn(answer));
    if (answer.status === 401 || answer.status === 403) onDenied(refusal);
    throw refusal;
  }
  return {
    token,
    async json<T>(path: string, request?: Request) {
      const answer = await send(path, request);
      return (answer.status === 204 ? null : await answer.json()) as T;
    },
    text: async (path) => (await send(path)).text(),
  };
}

/** Relative to the page, wherever a deployment puts it. */
const urlOf = (path: string) => new URL(path, document.baseURI);

async function problemIn(answer: Response): Promise<Problem> {
  const { status } = answer;
  const said = await answer.json().catch(() => ({}));
  // API Gateway answers by itself with a message, and no detail.
  const detail = said.detail ?? said.message ?? `Onebuck answered with ${status}.`;
  return { title: 'Problem', code: 'internal', ...said, status, detail };
}

/** The API's own time, which it tells anybody. */
export async function sampleTime(): Promise<Sample> {
  const before = Date.now();
  const answer = await fetch(urlOf('health'), { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const { time } = (await answer.json()) as { time: string };
  return { local: (before + Date.now()) / 2, server: Date.parse(time) };
}

/** For an Idempotency-Key. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
