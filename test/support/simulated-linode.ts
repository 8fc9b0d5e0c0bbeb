import { onTestFinished } from 'vitest';
import {
  type LinodeSimulator,
  type SimulatorOptions,
  startLinodeSimulator,
} from '../../simulators/linode/simulator.ts';

export const at = (iso: string): number => Date.parse(iso);

export const EPOCH = at('2026-11-22T12:00:00.250Z');

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is in it
  json: any;
}

/** A simulator on a clock that the test sets, and a client that holds the token `all`. */
export interface World {
  simulator: LinodeSimulator;
  clock: { now: number };
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  create(body?: object): Promise<Answer>;
  passSeconds(seconds: number): void;
}

export interface CallOptions {
  /** null: none. */
  token?: string | null;
  body?: unknown;
  filter?: unknown;
  /** In place of /v4. */
  version?: string;
}

let labels = 0;

export async function aWorld(options: Partial<SimulatorOptions> = {}): Promise<World> {
  const clock = { now: EPOCH };
  const simulator = await startLinodeSimulator({
    now: () => clock.now,
    tokens: { all: '*' },
    ...options,
  });
  onTestFinished(() => simulator.close());
  const call: World['call'] = async (method, path, { token = 'all', ...sent } = {}) => {
    const base = simulator.url.replace(/\/v4$/, `/${sent.version ?? 'v4'}`);
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(sent.filter === undefined ? {} : { 'X-Filter': asText(sent.filter) }),
      },
      ...(sent.body === undefined ? {} : { body: asText(sent.body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('Content-Type') === 'application/json';
    const json = isJson ? JSON.parse(text) : null;
    return { status: response.status, headers: response.headers, text, json };
  };
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
    passSeconds: (seconds) => {
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
