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
  | 'cut'
  | 'none';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that gives these answers in turn, the last again and again, and what it was asked. */
async function serving(...answers: readonly Answer[]) {
  const asked: {
    method?: string;
    url?: string;
    headers: IncomingMessage['headers'];
    body: string;
  }[] = [];
  const server = createServer(async (incoming, outgoing: ServerResponse) => {
    const chunks: string[] = [];
    for await (const chunk of incoming.setEncoding('utf8')) chunks.push(chunk);
    const { method = '', url = '', headers } = incoming;
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? 'cut';
    asked.push({ method, url, headers, body: chunks.join('') });
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
  return { url, asked, api };
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('no error'),
    (error: unknown) => error,
  );

describe('a request', () => {
  it('bears the token, the query without what is empty, and the body as JSON', async () => {
    const { asked, api } = await serving([200, '{"a":1}']);
    const query = { month: '2026-11', limit: 100, cursor: undefined, status: '' };
    const request = { method: 'POST', query, headers: { 'idempotency-key': 'k' }, body: { b: 2 } };
    expect(await api().json('/clusters', request as never)).toEqual({ a: 1 });
    expect(asked).toMatchObject([
      {
        ...{ method: 'POST', url: '/clusters?month=2026-11&limit=100', body: '{"b":2}' },
        headers: {
          ...{ authorization: 'Bearer secret', 'content-type': 'application/json' },
          'idempotency-key': 'k',
        },
      },
    ]);
  });

  it('is answered with null where the answer is empty, and with text as it is', async () => {
    const { api } = await serving([204, ''], [200, '# ssh\n']);
    expect(await api().json('/schedules/s', { method: 'DELETE' })).toBeNull();
    expect(await api().text('/clusters/c/inventory')).toBe('# ssh\n');
  });

  it('never takes its token to where the server sends it', async () => {
    const other = await serving([200, '{}']);
    const { api } = await serving([302, '', { location: other.url }]);
    expect(await failure(api().json('/clusters'))).toBeInstanceOf(NoContact);
    expect(other.asked).toEqual([]);
  });
});

describe('a request that fails', () => {
  it.each<[string, Answer, number]>([
    ['a lost answer', 'cut', 3],
    ['the rate limit', [429, '{"message":"Too Many Requests"}'], 3],
    ['a gateway’s 502', [502, '<html>'], 3],
    ['a gateway’s 503', [503, '{"message":"Service Unavailable"}'], 3],
    ['a gateway’s 504', [504, '{"message":"Endpoint request timed out"}'], 3],
    ['Onebuck’s own 503', [503, PROBLEM], 1],
    ['an internal error', [500, PROBLEM], 1],
  ])('by %s may pass, and is sent so many times: %s %s', async (_, answer, times) => {
    const { asked, api } = await serving(answer);
    expect(mayPass(await failure(api().json('/clusters')))).toBe(true);
    expect(asked).toHaveLength(times);
  });

  it('for a short time is answered all the same', async () => {
    const { asked, api } = await serving('cut', [503, '{}'], [200, '{"a":1}']);
    expect(await api().json('/clusters', { method: 'POST', body: {} })).toEqual({ a: 1 });
    expect(asked.map(({ body }) => body)).toEqual(['{}', '{}', '{}']);
  });

  it.each([
    [400, PROBLEM],
    [404, '{"message":"Not Found"}'],
    [422, PROBLEM],
  ])('with %d will not pass, and is sent once', async (status, body) => {
    const { asked, api } = await serving([status, body]);
    expect(mayPass(await failure(api().json('/clusters')))).toBe(false);
    expect(asked).toHaveLength(1);
  });

  it.each([401, 403])('with %d tells that the token is refused', async (status) => {
    const { api } = await serving([status, '{"message":"Forbidden"}']);
    const denials: number[] = [];
    const asking = api({ onDenied: () => void denials.push(status) }).json('/clusters');
    expect(await failure(asking)).toMatchObject({ status, isDenied: true });
    expect(denials).toEqual([status]);
  });

  it('for want of an answer says how long it waited, and is not sent again', async () => {
    const { url, asked, api } = await serving('none');
    const error = await failure(api({ timeoutMs: 100 }).json('/clusters'));
    expect(error).toMatchObject({ message: `${url} cannot be reached: no answer within 0.1 s.` });
    expect(asked).toHaveLength(1);
  });

  it('for want of a server has the error of the network', async () => {
    const api = createApi({ url: `http://127.0.0.1:${await freePort()}`, token: 't' });
    const error = await failure(api.json('/clusters'));
    expect(error).toBeInstanceOf(NoContact);
    expect(error).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it('with another server’s page says so', async () => {
    const { api } = await serving([200, '<html>']);
    expect(await failure(api().json('/clusters'))).toBeInstanceOf(NoContact);
  });
});

it('a request that is given up throws the reason, also between two attempts', async () => {
  const { asked, api } = await serving('none', 'cut');
  for (const count of [1, 2]) {
    const giving = new AbortController();
    const asking = failure(api().json('/quotes', { signal: giving.signal }));
    await expect.poll(() => asked.length).toBe(count);
    const reason = new Error('typed on');
    giving.abort(reason);
    expect(await asking).toBe(reason);
  }
  expect(asked).toHaveLength(2);
});

describe('a refusal', () => {
  it('has the problem as the API has it', () => {
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
  ])('of another than Onebuck has no problem: %s', (text, message) => {
    expect(refusalOf('https://x', 503, text)).toMatchObject({ message, problem: null });
  });

  it('names its faults, but for those in its detail', () => {
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

it('an idempotency key is another one each time', () => {
  const keys = [createIdempotencyKey(), createIdempotencyKey()];
  expect(keys.every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true);
  expect(new Set(keys).size).toBe(2);
});
