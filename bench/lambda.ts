import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ReconcileLimits } from '../lib/app/reconcile.ts';
import { epochMs, plus, seconds } from '../lib/core/base/units.ts';
import { type MetricName, metrics, paidFor } from '../lib/core/cluster/metrics.ts';
import type { Log, Metrics } from '../lib/ports.ts';
import type { VirtualTime } from '../simulation/time.ts';
import { assumed } from './assumed.ts';
import type { Counter } from './counts.ts';

export type FunctionName = 'api' | 'reconcile' | 'reap' | 'sweep' | 'invoices' | 'digest';

interface Declared {
  readonly timeout: number;
  readonly logs?: { readonly systemLogLevel: string };
}

const { provider, functions } = parse(
  readFileSync(new URL('../serverless.yml', import.meta.url), 'utf8'),
  { logLevel: 'silent' },
) as {
  provider: {
    memorySize: number;
    logRetentionInDays: number;
    logs: { httpApi: { format: string } };
  };
  functions: Record<FunctionName, Declared> & Readonly<Record<string, Declared | undefined>>;
};
const DAYS_OF_MONTH = assumed.hoursOfMonth / 24;

interface Environment<Deps> {
  readonly deps: Deps;
  usedAt: number;
}

/** Stands in for Lambda, and counts what AWS bills: invocations, their time, and their logs. */
export class Lambda<Deps> {
  readonly #time: VirtualTime;
  readonly #counter: Counter;
  readonly #build: (log: Log, metrics: Metrics) => Deps;
  readonly #hasDashboard: boolean;
  /** The name of a metric and an hour in which it was sent; AWS bills a metric by these hours. */
  readonly #sent = new Set<string>();
  readonly #idle = new Map<FunctionName, Environment<Deps>[]>();

  constructor(options: {
    readonly time: VirtualTime;
    readonly counter: Counter;
    readonly build: (log: Log, metrics: Metrics) => Deps;
    readonly hasDashboard: boolean;
  }) {
    this.#time = options.time;
    this.#counter = options.counter;
    this.#build = options.build;
    this.#hasDashboard = options.hasDashboard;
  }

  /** Runs `work` in a warm or a new environment. Rejects if `work` rejects. */
  async run<T>(
    name: FunctionName,
    work: (deps: Deps, limits: ReconcileLimits) => Promise<T>,
  ): Promise<T> {
    const time = this.#time;
    const from = time.now();
    const warm = this.#take(name);
    if (warm === null) await time.delay(assumed.initMs);
    const environment = warm ?? this.#environment(name, from);
    // The limits are those of lib/wire.ts.
    const by = plus(epochMs(time.now()), seconds(functions[name].timeout - 5));
    try {
      await time.delay(assumed.invocationMs);
      return await work(environment.deps, { by, reserveMs: seconds(20), noticesMs: seconds(5) });
    } finally {
      environment.usedAt = time.now();
      this.#idle.set(name, [...(this.#idle.get(name) ?? []), environment]);
      this.#bill(name, time.now() - from, warm === null);
    }
  }

  #environment(name: FunctionName, usedAt: number): Environment<Deps> {
    return { deps: this.#build(this.#logOf(name), this.#metricsOf(name)), usedAt };
  }

  #take(name: FunctionName): Environment<Deps> | null {
    const since = this.#time.now() - assumed.warmMs;
    const idle = (this.#idle.get(name) ?? []).filter(({ usedAt }) => usedAt >= since);
    const taken = idle.pop() ?? null;
    this.#idle.set(name, idle);
    return taken;
  }

  #bill(name: FunctionName, ms: number, isCold: boolean): void {
    this.#counter.add(`Lambda ${name}, requests`, 'lambdaRequest');
    const gbSeconds = (Math.ceil(ms) / 1_000) * (provider.memorySize / 1_024);
    this.#counter.add(`Lambda ${name}, time`, 'lambdaGbSecond', gbSeconds);
    for (const line of [...(isCold ? [INIT_LINE] : []), ...RUN_LINES]) {
      if (!isTerse(name)) this.#ingest(name, line);
    }
  }

  /** API Gateway's line about a request; its variables are about as long as their values. */
  logAccess(): void {
    this.#ingest('the HTTP API', provider.logs.httpApi.format);
  }

  #ingest(name: FunctionName | 'the HTTP API', line: string): void {
    const bytes = bytesOf(line);
    this.#counter.add(`CloudWatch Logs of ${name}`, 'logByte', bytes);
    const months = provider.logRetentionInDays / DAYS_OF_MONTH;
    this.#counter.add('CloudWatch Logs, kept', 'logByteMonth', bytes * months);
  }

  #logOf(name: FunctionName): Log {
    const write =
      (level: string) =>
      (message: string, details: object = {}) => {
        const timestamp = new Date(this.#time.now()).toISOString();
        const line = { level, message, timestamp, ...COMMON_FIELDS, ...details };
        this.#ingest(name, JSON.stringify(line));
      };
    return { info: write('INFO'), warn: write('WARN'), error: write('ERROR') };
  }

  #metricsOf(name: FunctionName): Metrics {
    return {
      emit: (measure) => {
        const sent = paidFor(measure(), { hasDashboard: this.#hasDashboard });
        if (sent.length === 0) return;
        for (const [metric] of sent) this.#countMetric(metric);
        const Metrics = sent.map(([Name]) => ({ Name, Unit: metrics[Name].unit }));
        const CloudWatchMetrics = [{ ...EMF_HEAD, Metrics }];
        const line = { _aws: { Timestamp: this.#time.now(), CloudWatchMetrics }, ...EMF_FIELDS };
        this.#ingest(name, JSON.stringify({ ...line, ...Object.fromEntries(sent) }));
      },
    };
  }

  #countMetric(metric: MetricName): void {
    const hour = `${metric} ${Math.floor(this.#time.now() / 3_600_000)}`;
    if (this.#sent.has(hour)) return;
    this.#sent.add(hour);
    this.#counter.add('CloudWatch metrics, hours', 'metricMonth', 1 / assumed.hoursOfMonth);
  }
}

/** Whether Lambda logs nothing about an invocation of the function that succeeds. */
const isTerse = (name: string): boolean => functions[name]?.logs?.systemLogLevel === 'WARN';

/** The bytes that Lambda logs about an invocation of the function. */
export const bytesOfRun = (name: string): number =>
  isTerse(name) ? 0 : RUN_LINES.reduce((sum, line) => sum + bytesOf(line), 0);

/** The bytes that API Gateway logs about a request. */
export const bytesOfAccess = (): number => bytesOf(provider.logs.httpApi.format);

const bytesOf = (line: string): number => Buffer.byteLength(line) + EVENT_BYTES;

/** The bytes that CloudWatch bills for each line of a log beside its text. */
const EVENT_BYTES = 26;
const REQUEST_ID = '00000000-0000-0000-0000-000000000000';
/** The fields that powertools' logger adds to each line. */
const COMMON_FIELDS = {
  service: 'onebuck',
  sampling_rate: 0,
  xray_trace_id: '1-00000000-000000000000000000000000',
};
/** The fields that powertools' metrics add to each line. */
const EMF_HEAD = { Namespace: 'onebuck', Dimensions: [['service']] };
const EMF_FIELDS = { service: 'onebuck-bench' };
const INIT_LINE =
  'INIT_START Runtime Version: nodejs:24.v00\tRuntime Version ARN: ' +
  `arn:aws:lambda:us-east-1::runtime:${'0'.repeat(64)}\n`;
const RUN_LINES = [
  `START RequestId: ${REQUEST_ID} Version: $LATEST\n`,
  `END RequestId: ${REQUEST_ID}\n`,
  `REPORT RequestId: ${REQUEST_ID}\tDuration: 0000.00 ms\tBilled Duration: 0000 ms\t` +
    'Memory Size: 256 MB\tMax Memory Used: 000 MB\tInit Duration: 000.00 ms\t\n',
];
