import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { parse } from 'yaml';
import { createClusterStore } from '../lib/adapters/dynamodb.ts';
import { createLedgerStore } from '../lib/adapters/dynamodb-ledger.ts';
import { createNudge } from '../lib/adapters/lambda.ts';
import { createLinodeApi } from '../lib/adapters/linode.ts';
import { createTransport } from '../lib/adapters/linode-axios.ts';
import type { Transport } from '../lib/adapters/linode-http.ts';
import { createSecrets } from '../lib/adapters/secrets-manager.ts';
import { authorize } from '../lib/authorize.ts';
import { createCaps } from '../lib/caps.ts';
import { createCatalogue } from '../lib/catalogue.ts';
import { microUsd } from '../lib/core/money.ts';
import { type ClusterId, isClusterId } from '../lib/core/names.ts';
import { epochMs, minutes } from '../lib/core/units.ts';
import type { Clock, Log, Metrics } from '../lib/ports.ts';
import { reap } from '../lib/reap.ts';
import { type ReconcileLimits, reconcile } from '../lib/reconcile.ts';
import type { Settings } from '../lib/settings.ts';
import { sweep } from '../lib/sweep.ts';
import { localDynamoDbClient, startDynamoDb, type TableProperties } from '../local/dynamodb.ts';
import { startLinodeSimulator } from '../local/linode/simulator.ts';
import { listen } from '../local/listen.ts';
import { startSecrets } from '../local/secrets.ts';
import { VirtualTime } from '../local/simulation/time.ts';
import { assumed } from './assumed.ts';
import { type Around, countDynamoDb, countSecretsManager, onInvoke } from './clients.ts';
import { Counter } from './counts.ts';
import { RealCalls } from './io.ts';
import { Lambda } from './lambda.ts';

const STAGE = 'bench';
const SECRET_ID = `onebuck/${STAGE}`;
const LINODE_TOKEN = 'token-of-the-account';
const API_TOKEN = 'token-of-ann';
const SECRET = JSON.stringify({
  linodeToken: LINODE_TOKEN,
  apiTokens: { ann: createHash('sha256').update(API_TOKEN).digest('hex') },
  passwordKey: 'what root passwords are derived from',
});
const TABLE: TableProperties & { TableName: string } = {
  ...parse(readFileSync(new URL('../stack/table.yml', import.meta.url), 'utf8')).Resources
    .ClustersTable.Properties,
  TableName: 'clusters',
};
/** As serverless.yml has them by default. */
const SETTINGS: Settings = {
  stage: STAGE,
  marginMs: minutes(3),
  provisionMs: minutes(20),
  nodesMax: 100,
  budgetMax: microUsd(100_000_000),
  openBudgetMax: microUsd(1_000_000_000),
  openBudgetPerOwnerMax: null,
  monthlySpendPerOwnerMax: null,
};
/** Far from a month's end, where hours are billed in two months. */
const START = Date.parse('2026-03-10T12:00:00Z');
const AWS = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
};

export type World = Awaited<ReturnType<typeof aWorld>>;
type Deps = ReturnType<Awaited<ReturnType<typeof startAdapters>>['build']>;

/**
 * Onebuck as it is deployed, with the real adapters over HTTP to local servers, on virtual time,
 * which moves by what is assumed of each call, and by what the functions sleep. `reapAt` and
 * `sweepAt`: how long after the start their first ticks come.
 */
export async function aWorld(phases: {
  readonly reapAt: number;
  readonly sweepAt: number;
  readonly hasDashboard: boolean;
}) {
  const counter = new Counter();
  const realCalls = new RealCalls();
  const time = new VirtualTime(START, realCalls.settled);
  const adapters = await startAdapters({ time, counter, realCalls }, (id) => {
    void passOver(id);
  });
  const { build } = adapters;
  const lambda = new Lambda({ time, counter, build, hasDashboard: phases.hasDashboard });
  const failures: unknown[] = [];
  const passOver = (id: ClusterId) =>
    lambda
      .run('reconcile', (deps, limits) => reconcile(deps, id, limits))
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
    lambda.run('sweep', (deps, limits) => sweep({ ...deps, stage: STAGE }, limits)),
  );

  return {
    counter,
    items: adapters.items,
    /** Lets time go on until so long after the start. Throws if a function has failed. */
    async runUntil(ms: number): Promise<void> {
      await time.runUntil(START + ms);
      if (failures.length > 0) throw failures[0];
    },
    /** Has somebody send a request so long after the start, which `answer` answers. */
    request(ms: number, answer: (deps: Deps, limits: ReconcileLimits) => Promise<unknown>): void {
      time.at(START + ms, () => {
        void (async () => {
          counter.add('API Gateway', 'httpRequest');
          const bearer = `Bearer ${API_TOKEN}`;
          const owner = await lambda.run('authorize', (deps) => authorize(deps, bearer));
          if (owner === null) throw new Error('the token was refused');
          await lambda.run('api', answer);
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

/** What builds an environment's adapters, over servers of their own. */
async function startAdapters(bench: Bench, nudged: (id: ClusterId) => void) {
  const { time } = bench;
  const { dynamoDb, items, secretsManager, lambda, linode, transport, close } = await startServers(
    bench,
    nudged,
  );
  const clock: Clock = {
    now: () => epochMs(time.now()),
    sleep: (until) => time.delay(Math.max(0, until - time.now())),
  };
  const build = (log: Log, metrics: Metrics) => {
    const secrets = createSecrets(secretsManager, { secretId: SECRET_ID, clock });
    const token = (options: { fresh: boolean }) => secrets.linodeToken(options);
    const api = createLinodeApi({ transport, clock, token, log });
    const ledger = createLedgerStore(dynamoDb, TABLE.TableName);
    return {
      clock,
      log,
      metrics,
      secrets,
      linode: api,
      settings: SETTINGS,
      store: createClusterStore(dynamoDb, TABLE.TableName),
      caps: createCaps({ clock, ledger, settings: () => SETTINGS, random: Math.random }),
      catalogue: createCatalogue(api, clock, log),
      notifier: { send: async () => {} },
      nudge: createNudge(lambda, { reconcile: 'reconcile', schedule: 'schedule' }),
    };
  };
  return { build, items, linode, close };
}

/** Clients of local servers, whose calls are counted and take virtual time. */
async function startServers({ time, counter, realCalls }: Bench, nudged: (id: ClusterId) => void) {
  const taking =
    (ms: number): Around =>
    async (call) => {
      const [done] = await Promise.allSettled([realCalls.make(call)]);
      await time.delay(ms);
      if (done.status === 'rejected') throw done.reason;
      return done.value;
    };
  const linode = await startLinodeSimulator({
    now: () => time.now(),
    tokens: { [LINODE_TOKEN]: '*' },
  });
  const overHttp = createTransport(linode.url);
  const transport: Transport = (call, token, timeoutMs) => {
    counter.add('Data sent to Linode', 'byteOut', assumed.linodeCallBytes);
    const ms = call.method === 'GET' ? assumed.linodeReadMs : assumed.linodeWriteMs;
    return taking(ms)(() => overHttp(call, token, timeoutMs));
  };

  const dynamoDbServer = await startDynamoDb(null, TABLE);
  const dynamoDb = localDynamoDbClient(dynamoDbServer.url);
  const inTime = { counter, around: taking(assumed.dynamoDbMs) };
  const { items } = countDynamoDb(dynamoDb, TABLE, inTime);

  const secretsServer = await startSecrets(SECRET_ID, SECRET);
  const secretsManager = new SecretsManagerClient({ ...AWS, endpoint: secretsServer.url });
  countSecretsManager(secretsManager, { counter, around: taking(assumed.secretsManagerMs) });

  const queue = createServer((_, response) => response.writeHead(202).end());
  const lambda = new LambdaClient({ ...AWS, endpoint: await listen(queue, 0) });
  onInvoke(lambda, taking(assumed.lambdaInvokeMs), ({ clusterId }) => {
    if (typeof clusterId !== 'string' || !isClusterId(clusterId)) throw new Error('no cluster');
    nudged(clusterId);
  });

  async function close(): Promise<void> {
    for (const client of [dynamoDb, secretsManager, lambda]) client.destroy();
    secretsServer.close();
    queue.close();
    queue.closeAllConnections();
    await Promise.all([dynamoDbServer.close(), linode.close()]);
  }
  return { dynamoDb, items, secretsManager, lambda, linode, transport, close };
}
