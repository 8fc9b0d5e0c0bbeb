import * as http from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createTransport } from '../../lib/adapters/linode/axios-transport.ts';
import { createLinodeApi } from '../../lib/adapters/linode/client.ts';
import type { LinodeHttpOptions } from '../../lib/adapters/linode/http.ts';
import type { NodeLabel } from '../../lib/core/base/names.ts';
import { epochMs, plus, seconds } from '../../lib/core/base/units.ts';
import type { CreateRequest } from '../../lib/ports.ts';
import { publishExchange } from '../../simulators/linode/exchange.ts';
import { listen } from '../../simulators/listen.ts';
import { aClock } from './doubles.ts';
import { type Timeouts, timeoutsOn } from './timeouts.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly filter: unknown;
  readonly body: unknown;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  /**
   * How the answer is lost: the server closes the connection (`drop`), leaves it open without an
   * answer (`hang`), or answers byte by byte for ever (`drip`).
   */
  readonly lost?: 'drop' | 'hang' | 'drip';
}

/** Answers in order, or a function of the request. A list too short answers 418, a test's fault. */
export type Script = readonly Answer[] | ((request: SeenRequest) => Answer | Promise<Answer>);

export const START = epochMs(Date.UTC(2026, 0, 1));
export const LATER = plus(START, seconds(600));
export const LIMITS = { notAfter: plus(START, seconds(60)), by: LATER };
export const TOKEN = 'secret-token-0123456789abcdef';
export const FRESH_TOKEN = 'fresh-token-0123456789abcdef';

export type Served = Awaited<ReturnType<typeof served>>;

/** The client under test, in front of a server that gives the script's answers over real HTTP. */
export async function served(script: Script, options: Partial<LinodeHttpOptions> = {}) {
  const requests: SeenRequest[] = [];
  const clock = aClock(START);
  const timeouts = timeoutsOn(clock);
  const server = http.createServer((request, response) => {
    void serve(request, response, { script, requests, timeouts });
  });
  const url = await listen(server, 0);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const logged: unknown[] = [];
  const log = (...entry: unknown[]) => void logged.push(entry);
  /** Each call by which the client read the token, in order. */
  const tokenCalls: { fresh: boolean }[] = [];
  const api = createLinodeApi({
    transport: createTransport(`${url}/v4`),
    clock,
    log: { info: log, warn: log, error: log },
    token: async ({ fresh }) => {
      tokenCalls.push({ fresh });
      return tokenCalls.some((call) => call.fresh) ? FRESH_TOKEN : TOKEN;
    },
    ...options,
  });
  return { api, clock, requests, logged, timeouts, tokenCalls };
}

export const errors = (...reasons: string[]): { errors: { reason: string; field?: string }[] } => ({
  errors: reasons.map((text) => {
    const [reason = '', field] = text.split(' @');
    return field === undefined ? { reason } : { reason, field };
  }),
});

export const page = (data: readonly unknown[], of: Record<string, number> = {}): Answer => ({
  json: { data, page: 1, pages: 1, results: data.length, ...of },
});

export const htmlPage = (status: number, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  text: '<html><body>Sorry</body></html>',
});

export const LABEL: NodeLabel = 'onebuck-cabcdefghij-0';
export const TAGS = ['onebuck-dev', 'onebuck=cabcdefghij', 'reap=20260101T0157Z'];

/** A Linode in the JSON of Linode's answers, without most of the fields that Onebuck ignores. */
export const aRawLinode = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 101,
  label: LABEL,
  group: '',
  status: 'provisioning',
  created: '2026-01-01T00:00:00',
  updated: '2026-01-01T00:00:00',
  type: 'g6-nanode-1',
  ipv4: ['192.0.2.1'],
  ipv6: '2001:db8::1/128',
  image: 'linode/debian12',
  region: 'us-east',
  backups: { enabled: false },
  tags: TAGS,
  ...over,
});

export const aRequest = (over: Partial<CreateRequest> = {}): CreateRequest => ({
  label: LABEL,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  tags: TAGS,
  rootPassword: 'correct-horse-battery',
  authorizedKeys: [],
  authorizedUsers: [],
  userData: 'I2Nsb3VkLWNvbmZpZwo=',
  interfaces: 'legacy_config',
  vlan: null,
  ...over,
});

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  {
    script,
    requests,
    timeouts,
  }: { readonly script: Script; readonly requests: SeenRequest[]; readonly timeouts: Timeouts },
): Promise<void> {
  const { seen, body } = await read(request);
  requests.push(seen);
  const { method, path, query, headers } = seen;
  const published = { method, path, query, headers, body };
  publishExchange({ request: published, reply: 'hang', replacedBy: 'test' });
  const unscripted: Answer = { status: 418, json: errors(`no answer left for ${seen.path}`) };
  const answer =
    typeof script === 'function' ? await script(seen) : (script[requests.length - 1] ?? unscripted);
  if (answer.lost === 'drop') return void request.socket.destroy();
  if (answer.lost === 'hang') return timeouts.pass();
  if (answer.lost === 'drip') return drip(response, timeouts);
  const type = answer.json === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(answer.status ?? 200, { ...type, ...answer.headers });
  response.end(answer.json === undefined ? (answer.text ?? '') : JSON.stringify(answer.json));
}

/** Answers a byte at a time until the client hangs up; the time-out passes after 20 bytes. */
async function drip(response: http.ServerResponse, timeouts: Timeouts): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  for (let drops = 1; !response.destroyed; drops += 1) {
    response.write(' ');
    await turn();
    if (drops === 20) timeouts.pass();
  }
}

async function read(request: http.IncomingMessage): Promise<{ seen: SeenRequest; body: string }> {
  let body = '';
  for await (const chunk of request) body += chunk;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const filter = request.headers['x-filter'];
  const seen = {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    filter: filter === undefined ? undefined : JSON.parse(String(filter)),
    body: body === '' ? undefined : JSON.parse(body),
  };
  return { seen, body };
}
