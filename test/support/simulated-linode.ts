import { onTestFinished } from 'vitest';
import { createTransport } from '../../lib/adapters/linode/axios-transport.ts';
import { createLinodeApi } from '../../lib/adapters/linode/client.ts';
import type { LinodeHttpOptions } from '../../lib/adapters/linode/http.ts';
import {
  type LinodeSimulator,
  type ServerOptions,
  type SimulatorOptions,
  startLinodeSimulator,
} from '../../simulators/linode/simulator.ts';
import { aClock, LINODE_TOKEN, silentLog } from './doubles.ts';
import { START } from './linode-server.ts';
import { timeoutsOn } from './timeouts.ts';

export const at = (iso: string): number => Date.parse(iso);

export const EPOCH = at('2026-11-22T12:00:00.250Z');

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is in it
  json: any;
}

/** Starts the simulated Linode until the test ends; it takes the secret's token and any others. */
export async function startSimulator(
  options: Omit<ServerOptions, 'tokens'> & Partial<ServerOptions>,
): Promise<LinodeSimulator> {
  const tokens = { [LINODE_TOKEN]: '*', ...options.tokens };
  const simulator = await startLinodeSimulator({ ...options, tokens });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A token of the simulator that may only read Linodes. */
export const READER = 'token-that-may-only-read';

/** Onebuck's client in front of the simulated Linode. */
export async function simulated({
  token = async () => LINODE_TOKEN,
  whileAsleep,
  ...options
}: Partial<SimulatorOptions> & {
  readonly token?: LinodeHttpOptions['token'];
  /** Runs during each sleep of the client. */
  readonly whileAsleep?: () => Promise<void>;
} = {}) {
  const clock = aClock(START, whileAsleep);
  const tokens = { [READER]: 'linodes:read_only' };
  const simulator = await startSimulator({ now: clock.now, tokens, ...options });
  timeoutsOn(clock);
  const transport = createTransport(simulator.url);
  const api = createLinodeApi({ transport, clock, log: silentLog, token });
  return { api, clock, simulator };
}

export interface CallOptions {
  /** null: the request bears no token. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly filter?: unknown;
  /** The API's version in the URL: `v4` by default, or for example `v4beta`. */
  readonly version?: string;
}

export async function callLinode(
  { url }: LinodeSimulator,
  method: string,
  path: string,
  { token = LINODE_TOKEN, body, filter, version = 'v4' }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(url.replace(/\/v4$/, `/${version}`) + path, {
    method,
    headers: {
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(filter === undefined ? {} : { 'X-Filter': asText(filter) }),
    },
    ...(body === undefined ? {} : { body: asText(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('Content-Type') === 'application/json';
  const json = isJson ? JSON.parse(text) : null;
  return { status: response.status, headers: response.headers, text, json };
}

/** A simulator on a clock that the test sets, and a client of it. */
export interface World {
  simulator: LinodeSimulator;
  clock: { now: number };
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  create(body?: object): Promise<Answer>;
  advanceSeconds(seconds: number): void;
}

let labels = 0;

export async function aWorld(options: Partial<SimulatorOptions> = {}): Promise<World> {
  const clock = { now: EPOCH };
  const simulator = await startSimulator({ now: () => clock.now, ...options });
  const call: World['call'] = (...args) => callLinode(simulator, ...args);
  labels += 1;
  let created = 0;
  return {
    simulator,
    clock,
    call,
    create: (body = {}) => {
      created += 1;
      const label = `node-${labels}-${created}`;
      return call('POST', '/linode/instances', { body: { ...anInstance, label, ...body } });
    },
    advanceSeconds: (seconds) => {
      clock.now += seconds * 1000;
    },
  };
}

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

export const anInstance = {
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/ubuntu24.04',
  root_pass: 'aLongPasswordIndeed1',
};

export const errors = (...faults: [reason: string, field?: string][]) => ({
  errors: faults.map(([reason, field]) => (field === undefined ? { reason } : { reason, field })),
});

export const labelsOf = (answer: { json: { data: { label: string }[] } }): string[] =>
  answer.json.data.map(({ label }) => label);
