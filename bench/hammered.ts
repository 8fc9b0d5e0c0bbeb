import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Operation, operations } from '../lib/http/operations.ts';
import { assumed } from './assumed.ts';
import { Counter, type Counts } from './counts.ts';
import { bytesOfAccess, bytesOfRun } from './lambda.ts';

interface Service {
  readonly provider: { readonly memorySize: number };
  readonly functions: Readonly<Record<string, { readonly events?: readonly Event[] }>>;
}

interface Event {
  readonly httpApi?: '*' | { readonly method: string; readonly path: string };
}

interface Limit {
  readonly ThrottlingRateLimit: number;
}

const read = (path: string) =>
  parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'), { logLevel: 'silent' });
const { provider, functions } = read('serverless.yml') as Service;
const { DefaultRouteSettings, RouteSettings } = read('stack/limits.yml').extensions.HttpApiStage
  .Properties as {
  readonly DefaultRouteSettings: Limit;
  readonly RouteSettings: Readonly<Record<string, Limit>>;
};

const SECONDS_OF_MONTH = assumed.hoursOfMonth * 3_600;

/** The routes that refuse a request without a token. */
const WITH_TOKEN = (Object.values(operations) as Operation[])
  .filter(({ access }) => access !== 'open')
  .map(({ method, path }) => `${method} ${path}`);

/**
 * What a month costs in which strangers send each route as many requests as its limit admits, day
 * and night. `open`: to the routes that need no token, and to those that do not exist. `refused`: to
 * all others, with wrong tokens.
 */
export function hammered(): { readonly open: Counts; readonly refused: Counts } {
  const open = new Counter();
  const refused = new Counter();
  for (const [name, { events = [] }] of Object.entries(functions)) {
    for (const { httpApi } of events) {
      if (httpApi === undefined) continue;
      const route = httpApi === '*' ? '$default' : `${httpApi.method} ${httpApi.path}`;
      const { ThrottlingRateLimit: rate } = RouteSettings[route] ?? DefaultRouteSettings;
      const requests = rate * SECONDS_OF_MONTH;
      const counter = WITH_TOKEN.includes(route) ? refused : open;
      count(counter, name, requests);
      counter.add('Data sent', 'byteOut', requests * (assumed.answerBytes[route] ?? 1_000));
    }
  }
  // Each process of the API reads the secret again once in 5 s.
  const reads = (assumed.hammeredProcesses * SECONDS_OF_MONTH) / 5;
  refused.add('Secrets Manager', 'secretCall', reads);
  return { open: open.counts, refused: refused.counts };
}

function count(counter: Counter, functionName: string, requests: number): void {
  const gbSeconds = (assumed.invocationMs / 1_000) * (provider.memorySize / 1_024);
  counter.add('API Gateway', 'httpRequest', requests);
  counter.add('Lambda, requests', 'lambdaRequest', requests);
  counter.add('Lambda, time', 'lambdaGbSecond', requests * gbSeconds);
  const bytes = bytesOfAccess() + bytesOfRun(functionName);
  counter.add('CloudWatch Logs', 'logByte', requests * bytes);
}
