import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { projectDir } from '../build/project.ts';
import { createClock } from '../lib/adapters/clock.ts';
import { hours, minutes, plus } from '../lib/core/base/units.ts';
import type { Bill, Instance } from '../simulators/linode/simulator.ts';
import { freePort } from '../simulators/listen.ts';
import { randomFrom } from '../simulators/random.ts';

/**
 * `npm run crash` kills the whole local stack (SIGKILL) again and again while clusters are launched
 * and destroyed. The simulated Linode runs in another process, which is not killed. Exits with 0
 * only if three virtual minutes after the last start each Linode has a live record, and if at the
 * end no Linode is left and no cluster was billed more than its budget.
 */
const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '20' },
    kills: { type: 'string', default: '8' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
});
/**
 * While the stack starts, no killer works, so the safety margin must be longer than a start. A
 * start takes seconds, or half a minute on a busy machine. At this rate the longest margin that
 * Onebuck takes, 1,800 s, is a minute and a half.
 */
const RATE = 20;
const MARGIN_SECONDS = 1_800;
/** How long the stack runs between two kills. */
const UP_MS_MAX = 10_000;
const LINODE_TOKEN = 'token-of-the-simulator';
const API_TOKEN = 'token-of-the-crash-test';
const NANODE_HOUR_USD = 0.0075;

const random = randomFrom(Number(values.seed));
const between = (least: number, most: number) => least + random() * (most - least);
const originMs = Date.now();
const clock = createClock({ originMs, rate: RATE });
const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-crash-'));
const [port, linodePort] = [await freePort(), await freePort()];
const url = `http://127.0.0.1:${port}`;
const simulatorUrl = `http://127.0.0.1:${linodePort}`;
const shared = {
  ...process.env,
  LINODE_TOKEN,
  CLOCK_RATE: `${RATE}`,
  CLOCK_ORIGIN: `${originMs}`,
};

interface Cluster {
  readonly key: string;
  readonly nodes: number;
  readonly budgetUsd: number;
  /** When the client launches the cluster; real milliseconds after the begin. */
  readonly at: number;
  /** When the client deletes the cluster; null: the cluster ends by its budget. */
  readonly destroyAt: number | null;
  /** null: no launch has been answered yet. */
  id: string | null;
  /** Whether the client's DELETE has been accepted. */
  destroyed: boolean;
}

console.log(
  `seed ${values.seed}: ${values.clusters} clusters, ${values.kills} kills, rate ${RATE}`,
);
const simulator = run('simulators/linode/main.ts', { ...shared, PORT: `${linodePort}` });
const startsMs: number[] = [];
let stack = await start();
let refused = 0;
try {
  process.exitCode = (await crash()) ? 0 : 1;
} finally {
  kill(stack);
  kill(simulator);
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

async function crash(): Promise<boolean> {
  const kills = Number(values.kills);
  const begun = Date.now();
  const clusters = Array.from({ length: Number(values.clusters) }, (_, index) =>
    drawCluster(index),
  );
  let killed = 0;
  let killAt = begun + between(500, UP_MS_MAX);
  for (let isDone = false; !isDone; await delay(20)) {
    if (killed < kills && Date.now() >= killAt) {
      kill(stack);
      killed += 1;
      stack = await start();
      killAt = Date.now() + between(500, UP_MS_MAX);
    }
    // The loop does not await the requests, so that kills come while requests are under way.
    for (const cluster of clusters) void advance(cluster, Date.now() - begun);
    isDone = killed === kills && clusters.every(({ id }) => id !== null);
  }
  await clock.sleep(plus(clock.now(), minutes(3)));
  const strays = await straysNow();
  const ended = await waitForEnd(clusters);
  return await verdict(clusters, { killed, strays, ended });
}

function drawCluster(index: number): Cluster {
  const nodes = 1 + Math.floor(random() * 5);
  const destroyAt = random() < 0.3 ? between(5_000, 50_000) : null;
  const budgetUsd = Math.round(nodes * NANODE_HOUR_USD * 1e6) / 1e6;
  const at = between(0, 35_000);
  return { key: `crash-${index}`, nodes, budgetUsd, at, destroyAt, id: null, destroyed: false };
}

/** Sends the cluster's next request when it is time, like a client that repeats lost requests. */
async function advance(cluster: Cluster, elapsed: number): Promise<void> {
  if (cluster.id === null && elapsed >= cluster.at) {
    const { nodes, budgetUsd, key } = cluster;
    const image = 'linode/debian12';
    const spec = { nodes, type: 'g6-nanode-1', region: 'us-east', image, budgetUsd };
    const headers = { 'idempotency-key': key };
    const answer = await call('POST', '/clusters', { headers, body: JSON.stringify(spec) });
    if (answer?.status === 202) cluster.id = ((await answer.json()) as { id: string }).id;
    else if (answer !== null && answer.status < 500) refused += 1;
  } else if (cluster.id !== null && !cluster.destroyed && cluster.destroyAt !== null) {
    if (elapsed < cluster.destroyAt) return;
    const answer = await call('DELETE', `/clusters/${cluster.id}`, {});
    cluster.destroyed ||= answer?.status === 202;
  }
}

/** null: no whole answer came, for example since the stack was killed while it answered. */
async function call(method: string, path: string, init: RequestInit): Promise<Response | null> {
  const headers = { authorization: `Bearer ${API_TOKEN}`, ...init.headers };
  const signal = AbortSignal.timeout(10_000);
  try {
    const response = await fetch(`${url}${path}`, { method, ...init, headers, signal });
    return new Response(await response.text(), response);
  } catch {
    return null;
  }
}

/** The Linodes that exist without a live record, with the record's status. */
async function straysNow(): Promise<string[]> {
  const strays: string[] = [];
  for (const { label, tags, deleted } of await admin<Instance[]>('instances')) {
    if (deleted !== null) continue;
    const id = tags.find((tag) => tag.startsWith('onebuck='))?.slice('onebuck='.length);
    const answer = await call('GET', `/clusters/${id}`, {});
    const status = answer?.ok ? ((await answer.json()) as { status: string }).status : 'no record';
    if (!['provisioning', 'running', 'deleting'].includes(status))
      strays.push(`${label}: ${status}`);
  }
  return strays;
}

async function waitForEnd(clusters: readonly Cluster[]): Promise<number> {
  // Each budget affords one hour.
  const until = plus(clock.now(), hours(2));
  for (;;) {
    const statuses = await Promise.all(
      clusters.map(async ({ id }) => {
        const answer = await call('GET', `/clusters/${id}`, {});
        return answer?.ok ? ((await answer.json()) as { status: string }).status : 'unknown';
      }),
    );
    const ended = statuses.filter((status) => status === 'deleted' || status === 'failed').length;
    if (ended === clusters.length || clock.now() > until) return ended;
    await delay(250);
  }
}

async function verdict(
  clusters: readonly Cluster[],
  seen: { killed: number; strays: string[]; ended: number },
): Promise<boolean> {
  let overBudget = 0;
  let billed = 0;
  for (const { id, budgetUsd } of clusters) {
    const bill = await admin<Bill>(`bill?tag=onebuck=${id}`);
    billed += bill.totalMicroUsd;
    if (bill.totalMicroUsd > Math.round(budgetUsd * 1e6)) {
      overBudget += 1;
      console.log(`OVER BUDGET: ${id} was billed $${bill.totalMicroUsd / 1e6} of $${budgetUsd}`);
    }
  }
  const instances = await admin<Instance[]>('instances');
  const left = instances.filter(({ deleted }) => deleted === null).length;
  const labels = new Set(instances.map(({ label }) => label)).size;
  for (const stray of seen.strays) console.log(`STRAY: ${stray}`);
  console.log(
    `clusters            ${clusters.length}, ended ${seen.ended}, requests refused ${refused}`,
  );
  console.log(`kills               ${seen.killed}, slowest start ${Math.max(...startsMs)} ms`);
  console.log(
    `Linodes             ${instances.length} created under ${labels} labels, ${left} left`,
  );
  const downMinutes = Math.round((Math.max(...startsMs) * RATE) / 60_000);
  if (downMinutes * 60 >= MARGIN_SECONDS) {
    console.log(
      `NOT A FAIR RUN: a start took ${downMinutes} virtual minutes, longer than the safety margin`,
    );
  }
  console.log(`strays              ${seen.strays.length}, 3 minutes after the last start`);
  console.log(`over budget         ${overBudget}; billed $${billed / 1e6} in all`);
  const good = seen.strays.length + overBudget + left === 0 && seen.ended === clusters.length;
  console.log(good ? 'The promise was kept.' : 'THE PROMISE WAS BROKEN.');
  return good;
}

async function admin<T>(path: string): Promise<T> {
  return (await (await fetch(`${simulatorUrl}/_simulator/${path}`)).json()) as T;
}

async function start(): Promise<ChildProcess> {
  const from = Date.now();
  const child = run('dev/start.ts', {
    ...shared,
    PORT: `${port}`,
    DATA_DIR: dataDir,
    ONEBUCK_TOKEN: API_TOKEN,
    LINODE_API_URL: `${simulatorUrl}/v4`,
    SAFETY_MARGIN_SECONDS: `${MARGIN_SECONDS}`,
  });
  while ((await call('GET', '/clusters?limit=1', {}))?.status !== 200) {
    if (child.exitCode !== null) throw new Error('the stack did not start');
    await delay(20);
  }
  startsMs.push(Date.now() - from);
  return child;
}

function run(script: string, env: NodeJS.ProcessEnv): ChildProcess {
  const args = ['--import', 'tsx', script];
  return spawn(process.execPath, args, {
    cwd: projectDir,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Kills the process and its children by SIGKILL. */
function kill(child: ChildProcess): void {
  const { pid: parent } = child;
  if (parent === undefined || child.exitCode !== null) return;
  for (const pid of [parent, ...childrenOf(parent)]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process has ended by itself.
    }
  }
}

function childrenOf(pid: number): number[] {
  try {
    const listed = execFileSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' });
    return listed.trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return []; // without `ps`, the functions end when they notice that their parent is dead
  }
}
