import { createTransport } from '../lib/adapters/linode/axios-transport.ts';
import type { Transport } from '../lib/adapters/linode/http.ts';
import { authorize } from '../lib/app/authorize.ts';
import { authorizeAgent } from '../lib/app/authorize-agent.ts';
import { hearAgent } from '../lib/app/hear-agent.ts';
import { reap } from '../lib/app/reap.ts';
import { type ReconcileLimits, reconcile } from '../lib/app/reconcile.ts';
import { reconcileInvoices } from '../lib/app/reconcile-invoices.ts';
import { sendDigests } from '../lib/app/send-digests.ts';
import { sweep } from '../lib/app/sweep.ts';
import { epochMs, hours, minutes, seconds, toIso } from '../lib/core/base/units.ts';
import { ENDED_KEPT } from '../lib/core/cluster/record.ts';
import type { Batch } from '../lib/core/pass/batches.ts';
import type { Clock, Log, Metrics } from '../lib/ports.ts';
import { VirtualTime } from '../simulation/time.ts';
import { SimulatedAgent } from '../simulators/linode/agent.ts';
import { type AgentFiles, agentFilesIn } from '../simulators/linode/agent-files.ts';
import { assumed } from './assumed.ts';
import {
  type Around,
  countDynamoDb,
  countS3,
  countS3Request,
  countSecretsManager,
  onInvoke,
} from './clients.ts';
import { Counter } from './counts.ts';
import { RealCalls } from './io.ts';
import { Lambda } from './lambda.ts';
import { API_TOKEN, buildDeps, type Deps, startServers, TABLE } from './servers.ts';

/** Far from a month's end, at which an hour is billed in two months. */
const START = Date.parse('2026-03-10T12:00:00Z');

/** As serverless.yml has it. */
export const INVOICES_EVERY = hours(6);

export type World = Awaited<ReturnType<typeof aWorld>>;

/**
 * Onebuck as it is deployed, with the real adapters over HTTP to local servers, on virtual time.
 * The time passes by the assumed time of each call and by the functions' sleeps. `reapAt` and
 * `sweepAt`: how long after the start the reaper and the sweeper tick first. `booksAt`: the same of
 * the functions `invoices` and `digest`, whose work no single cluster changes; null: they do not run.
 */
export async function aWorld(phases: {
  readonly reapAt: number;
  readonly sweepAt: number;
  readonly booksAt: number | null;
  readonly hasDashboard: boolean;
}) {
  const counter = new Counter();
  const realCalls = new RealCalls();
  const time = new VirtualTime(START, realCalls.idle);
  const adapters = await startAdapters({ time, counter, realCalls }, (batch) => {
    void passOver(batch);
  });
  const { build } = adapters;
  const lambda = new Lambda({ time, counter, build, hasDashboard: phases.hasDashboard });
  const failures: unknown[] = [];
  const passOver = (batch: Batch) =>
    lambda
      .run('reconcile', (deps, limits) => reconcile(deps, batch, limits))
      .catch((error: unknown) => failures.push(error));

  function every(ms: number, first: number, tick: () => Promise<unknown>): void {
    const next = (at: number) =>
      time.at(at, () => {
        counter.add('EventBridge ticks', 'ruleInvocation');
        tick().catch((error: unknown) => failures.push(error));
        next(at + ms);
      });
    next(START + first);
  }
  every(minutes(1), phases.reapAt, () => lambda.run('reap', (deps) => reap(deps)));
  every(minutes(5), phases.sweepAt, () =>
    lambda.run('sweep', (deps, limits) => sweep(deps, limits)),
  );
  if (phases.booksAt !== null) {
    every(INVOICES_EVERY, phases.booksAt, () =>
      lambda.run('invoices', (deps, limits) =>
        reconcileInvoices({ ...deps, endedKept: ENDED_KEPT }, limits),
      ),
    );
    every(hours(1), phases.booksAt, () =>
      lambda.run('digest', (deps, limits) => {
        const channels = [{ name: 'topic', open: () => deps.notifier }] as const;
        return sendDigests({ ...deps, channels, every: 'weekly', monthlyCap: null }, limits);
      }),
    );
  }

  /** An agent's call, and the answer that its node gets. */
  async function callOf(
    { url, token }: Pick<AgentFiles, 'url' | 'token'>,
    call: object,
  ): Promise<unknown> {
    const [rank = '', id = ''] = url.split('/').toReversed();
    counter.add('API Gateway', 'httpRequest');
    lambda.logAccess();
    return lambda.run('api', async (deps) => {
      const claim = await authorizeAgent(deps, `Bearer ${token}`, { id, rank });
      const own = { ...deps, limits: deps.agentLimits, endedKept: ENDED_KEPT };
      const { teardownAt, ...heard } = await hearAgent(own, claim, call);
      return { ...heard, teardownAt: toIso(teardownAt) };
    });
  }

  /** Has the agent call at its times as long as its Linode exists. */
  function follow(linodeId: number, agent: SimulatedAgent): void {
    time.at(Math.max(time.now(), agent.nextAt()), async () => {
      const linode = adapters.linode.instances().find(({ id }) => id === linodeId);
      if (linode === undefined || linode.deleted !== null) return;
      const call = agent.callAt(time.now());
      const answer = call === null ? null : await callOf(agent, call).catch(() => null);
      if (call !== null) agent.answered(call, answer, time.now());
      follow(linodeId, agent);
    });
  }

  return {
    counter,
    items: adapters.items,
    /** Starts the agents on the Linodes that exist `ms` after the start. */
    startAgents(ms: number): void {
      time.at(START + ms, () => {
        for (const { id, userData, runningAt } of adapters.linode.instances()) {
          const files = agentFilesIn(userData);
          if (files === null || runningAt === null) throw new Error('a Linode has no agent');
          follow(id, new SimulatedAgent(files, runningAt + seconds(10)));
        }
      });
    },
    /**
     * Has the agent on the node of the rank make a call `ms` after the start, and then `use` what its
     * node got.
     */
    says(ms: number, rank: number, call: object, use: (answer: unknown) => Promise<unknown>): void {
      time.at(START + ms, () => {
        const ofNode = adapters.linode
          .instances()
          .map(({ userData }) => agentFilesIn(userData))
          .find((files) => files?.url.endsWith(`/${rank}`));
        if (ofNode === null || ofNode === undefined) throw new Error(`node ${rank} has no agent`);
        callOf(ofNode, call)
          .then(use)
          .catch((error: unknown) => failures.push(error));
      });
    },
    /** Sends `bytes` bytes to a URL that was signed for as many. */
    async put(url: string, bytes: number): Promise<void> {
      countS3Request(counter, 'Put');
      const send = () => fetch(url, { method: 'PUT', body: new Uint8Array(bytes) });
      const { status } = await realCalls.make(send);
      if (status !== 200) throw new Error(`a PUT of ${bytes} bytes is answered with ${status}`);
    },
    /** Fetches what is at a signed URL, from anywhere in the internet. */
    async get(url: string): Promise<void> {
      countS3Request(counter, 'Get');
      const body = await realCalls.make(async () => (await fetch(url)).arrayBuffer());
      counter.add('Files of jobs sent', 'byteOut', body.byteLength);
    },
    /** The bytes of all files of jobs. */
    filesBytes: adapters.filesBytes,
    /** Runs the world until `ms` after the start. Throws if a function has failed. */
    async runUntil(ms: number): Promise<void> {
      await time.runUntil(START + ms);
      if (failures.length > 0) throw failures[0];
    },
    /** Lets a client send a request `ms` after the start; `answer` is the work of the API. */
    request(ms: number, answer: (deps: Deps, limits: ReconcileLimits) => Promise<unknown>): void {
      time.at(START + ms, () => {
        void (async () => {
          counter.add('API Gateway', 'httpRequest');
          lambda.logAccess();
          const bearer = `Bearer ${API_TOKEN}`;
          await lambda.run('api', async (deps, limits) => {
            await authorize(deps, bearer, 'launch');
            await answer(deps, limits);
          });
        })().catch((error: unknown) => failures.push(error));
      });
    },
    billed: () => adapters.linode.bill().totalMicroUsd,
    left: () => adapters.linode.instances().filter(({ deleted }) => deleted === null).length,
    close: adapters.close,
  };
}

interface Bench {
  readonly time: VirtualTime;
  readonly counter: Counter;
  readonly realCalls: RealCalls;
}

/**
 * Returns a builder of an environment's adapters; their calls are counted and take virtual time.
 */
async function startAdapters({ time, counter, realCalls }: Bench, nudged: (batch: Batch) => void) {
  const servers = await startServers(() => epochMs(time.now()));
  const { dynamoDb, secretsManager, s3, lambda, linode, close } = servers;
  const taking =
    (ms: number): Around =>
    async (call) => {
      const [result] = await Promise.allSettled([realCalls.make(call)]);
      await time.delay(ms);
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    };
  const overHttp = createTransport(linode.url);
  const transport: Transport = (call, token, timeoutMs) => {
    counter.add('Data sent to Linode', 'byteOut', assumed.linodeCallBytes);
    const ms = call.method === 'GET' ? assumed.linodeReadMs : assumed.linodeWriteMs;
    return taking(ms)(() => overHttp(call, token, timeoutMs));
  };
  const inTime = { counter, around: taking(assumed.dynamoDbMs) };
  const { items } = countDynamoDb(dynamoDb, TABLE, inTime);
  countSecretsManager(secretsManager, { counter, around: taking(assumed.secretsManagerMs) });
  countS3(s3, { counter, around: taking(assumed.s3Ms) });
  onInvoke(lambda, taking(assumed.lambdaInvokeMs), ({ passes }) => {
    if (passes === undefined) throw new Error('no passes');
    nudged(passes as Batch);
  });
  const clock: Clock = {
    now: () => epochMs(time.now()),
    sleep: (until) => time.delay(Math.max(0, until - time.now())),
  };
  const build = (log: Log, metrics: Metrics) =>
    buildDeps(servers, { transport, clock, log, metrics });
  return { build, items, linode, filesBytes: servers.filesBytes, close };
}
