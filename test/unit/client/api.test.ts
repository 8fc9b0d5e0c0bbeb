import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createApi,
  mayPass,
  NoContact,
  Refusal,
  refusalOf,
  type Server,
} from '../../../client/api.ts';
import { createIdempotencyKey } from '../../../client/idempotency-key.ts';
import { faultsOf } from '../../../client/problem.ts';
import { freePort, listen } from '../../../simulators/listen.ts';

const PROBLEM = JSON.stringify({ title: 'T', status: 503, code: 'internal', detail: 'Not now.' });

type Answer =
  | readonly [status: number, body: string, headers?: Record<string, string>]
  /** The server closes the connection. */
  | 'cut'
  /** The server never answers. */
  | 'none';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Starts a server that gives the answers in turn, then the last of them for ever. */
async function serving(...answers: readonly Answer[]) {
  /** What the server got so far. */
  const requests: {
    method?: string;
    url?: string;
    headers: IncomingMessage['headers'];
    body: string;
  }[] = [];
  const server = createServer(async (incoming, outgoing: ServerResponse) => {
    const chunks: string[] = [];
    for await (const chunk of incoming.setEncoding('utf8')) chunks.push(chunk);
    const { method = '', url = '', headers } = incoming;
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? 'cut';
    requests.push({ method, url, headers, body: chunks.join('') });
    if (answer === 'none') return;
    if (answer === 'cut') return void outgoing.destroy();
    outgoing.writeHead(answer[0], answer[2]).end(answer[1]);
  });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = await listen(server, 0);
  const api = (more: Partial<Server> = {}) => createApi({ url, token: 'secret', ...more });
  return { url, requests, api };
}

/** The error of a promise that must fail. */
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('no error'),
    (error: unknown) => error,
  );

describe('a request', () => {
  it('has the token, the query without blank values, and the body as JSON', async () => {
    const { requests, api } = await serving([200, '{"a":1}']);
    const query = { month: '2026-11', limit: 100, cursor: undefined, status: '' };
    const request = { method: 'POST', query, headers: { 'idempotency-key': 'k' }, body: { b: 2 } };
    expect(await api().json('/clusters', request as never)).toEqual({ a: 1 });
    expect(requests).toMatchObject([
      {
        ...{ method: 'POST', url: '/clusters?month=2026-11&limit=100', body: '{"b":2}' },
        headers: {
          ...{ authorization: 'Bearer secret', 'content-type': 'application/json' },
          'idempotency-key': 'k',
        },
      },
    ]);
  });

  it('returns null for an empty answer, and a text as the server sent it', async () => {
    const { api } = await serving([204, ''], [200, '# ssh\n']);
    expect(await api().json('/schedules/s', { method: 'DELETE' })).toBeNull();
    expect(await api().text('/clusters/c/inventory')).toBe('# ssh\n');
  });

  it('does not follow a redirect, so that the token goes to no other server', async () => {
    const target = await serving([200, '{}']);
    const { api } = await serving([302, '', { location: target.url }]);
    expect(await failure(api().json('/clusters'))).toBeInstanceOf(NoContact);
    expect(target.requests).toEqual([]);
  });
});

describe('a request that fails', () => {
  it.each<[string, Answer, number]>([
    ['by a lost answer', 'cut', 3],
    ['by the rate limit', [429, '{"message":"Too Many Requests"}'], 3],
    ['by a gateway’s 502', [502, '<html>'], 3],
    ['by a gateway’s 503', [503, '{"message":"Service Unavailable"}'], 3],
    ['by a gateway’s 504', [504, '{"message":"Endpoint request timed out"}'], 3],
    ['by Onebuck’s own 503', [503, PROBLEM], 1],
    ['by an internal error', [500, PROBLEM], 1],
  ])(
    '%s may succeed later: its answer is %j, and it is sent %d times',
    async (_, answer, times) => {
      const { requests, api } = await serving(answer);
      expect(mayPass(await failure(api().json('/clusters')))).toBe(true);
      expect(requests).toHaveLength(times);
    },
  );

  it('twice is sent a third time, and then succeeds', async () => {
    const { requests, api } = await serving('cut', [503, '{}'], [200, '{"a":1}']);
    expect(await api().json('/clusters', { method: 'POST', body: {} })).toEqual({ a: 1 });
    expect(requests.map(({ body }) => body)).toEqual(['{}', '{}', '{}']);
  });

  it.each([
    [400, PROBLEM],
    [404, '{"message":"Not Found"}'],
    [422, PROBLEM],
  ])('with status %d will not succeed later, and is sent once', async (status, body) => {
    const { requests, api } = await serving([status, body]);
    expect(mayPass(await failure(api().json('/clusters')))).toBe(false);
    expect(requests).toHaveLength(1);
  });

  it.each([401, 403])('with status %d calls onDenied, for the token is refused', async (status) => {
    const { api } = await serving([status, '{"message":"Forbidden"}']);
    const denials: number[] = [];
    const denied = api({ onDenied: () => void denials.push(status) }).json('/clusters');
    expect(await failure(denied)).toMatchObject({ status, isDenied: true });
    expect(denials).toEqual([status]);
  });

  it('that the token may not send does not call onDenied', async () => {
    const body = '{"code":"notAllowed","detail":"The token may only read."}';
    const { api } = await serving([403, body]);
    const denials: number[] = [];
    const refused = api({ onDenied: () => void denials.push(403) }).json('/clusters');
    expect(await failure(refused)).toMatchObject({ status: 403, isDenied: false });
    expect(denials).toEqual([]);
  });

  it('without an answer says how long the client waited, and is not sent again', async () => {
    const { url, requests, api } = await serving('none');
    const error = await failure(api({ timeoutMs: 100 }).json('/clusters'));
    expect(error).toMatchObject({ message: `${url} cannot be reached: no answer within 0.1 s.` });
    expect(requests).toHaveLength(1);
  });

  it('without a server has the error of the network as its cause', async () => {
    const api = createApi({ url: `http://127.0.0.1:${await freePort()}`, token: 't' });
    const error = await failure(api.json('/clusters'));
    expect(error).toBeInstanceOf(NoContact);
    expect(error).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it('with the page of another server is a NoContact', async () => {
    const { api } = await serving([200, '<html>']);
    expect(await failure(api().json('/clusters'))).toBeInstanceOf(NoContact);
  });
});

it('an aborted request throws the reason, even between two attempts', async () => {
  const { requests, api } = await serving('none', 'cut');
  for (const requestsSent of [1, 2]) {
    const abort = new AbortController();
    const thrown = failure(api().json('/quotes', { signal: abort.signal }));
    await expect.poll(() => requests.length).toBe(requestsSent);
    const reason = new Error('typed on');
    abort.abort(reason);
    expect(await thrown).toBe(reason);
  }
  expect(requests).toHaveLength(2);
});

describe('a refusal', () => {
  it('has the problem of the API’s answer', () => {
    const refusal = refusalOf('https://x', 503, PROBLEM);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({
      status: 503,
      message: 'Not now.',
      problem: JSON.parse(PROBLEM),
    });
  });

  it.each([
    ['{"message":"Service Unavailable"}', 'https://x answers 503: Service Unavailable.'],
    ['<html>', 'https://x answers 503, and not as Onebuck does.'],
    ['null', 'https://x answers 503, and not as Onebuck does.'],
  ])('by another server than Onebuck has no problem: %s', (text, message) => {
    expect(refusalOf('https://x', 503, text)).toMatchObject({ message, problem: null });
  });

  it('names the faults of its problem, without those that its detail has already', () => {
    const errors = [
      { path: 'nodes', message: 'must be less' },
      { path: 'region', message: 'region is required' },
      { path: '', message: 'a spec must be a JSON object' },
    ];
    const problem = { title: 'T', status: 400, code: 'invalid', errors } as const;
    expect(faultsOf({ ...problem, detail: 'Wrong: a spec must be a JSON object.' })).toEqual([
      ...['nodes must be less', 'region is required'],
    ]);
  });
});

it('createIdempotencyKey returns a new key each time', () => {
  const keys = [createIdempotencyKey(), createIdempotencyKey()];
  expect(keys.every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true);
  expect(new Set(keys).size).toBe(2);
});
