import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import { microUsd } from '../lib/core/base/money.ts';
import type { LinodeSimulator } from '../simulators/linode/simulator.ts';
import { freePort } from '../simulators/listen.ts';
import { closingOf, type Ending } from './demo-closing.ts';
import { createPatientTime } from './patient-time.ts';
import { localSettings } from './settings.ts';
import { type Stack, startStack } from './stack.ts';

/**
 * `npm run demo` launches ten nodes for a dollar over HTTP, and then only watches, in patient time,
 * until Onebuck has destroyed the cluster. Exits with 0 only if the simulated Linode's bill is
 * within the budget, the recorded spend is the bill, and no Linode of the cluster exists.
 */
const RATE = 1800;
const HOUR_MS = 3_600_000;
const BUDGET = microUsd(1_000_000);
const POLL_REAL_MS = 200;
const SPEC = {
  name: 'demo',
  nodes: 10,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'Ubuntu 24.04 LTS',
  budgetUsd: 1,
};

interface Cluster {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly failure: string | null;
  readonly nodes: readonly { readonly status: string }[];
  readonly spentUsd: number;
  readonly budgetUsd: number;
  readonly teardownAt: string | null;
  readonly quote: { readonly affordableHours: number; readonly hourlyUsd: number };
}

const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-demo-'));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
console.log('Starting the functions and a simulated Linode …');
const settings = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
const time = createPatientTime({ startMs: demoStart(), rate: RATE });
const stack = await startStack({
  ...settings,
  clock: time,
  onLog: (line) => console.error(line),
});
try {
  const ended = stack.ended.then((code) => {
    throw new Error(`the functions ended with ${code}`);
  });
  process.exitCode = (await Promise.race([run(stack, settings.apiToken), time.stuck, ended]))
    ? 0
    : 1;
} finally {
  await stack.close();
}

/**
 * The epoch milliseconds at which the demo starts: now, or the start of the next month if that is
 * less than a day away. Linode may bill an hour that touches two months in both; a dollar would buy
 * fewer hours, and the demo would differ from the README.
 */
function demoStart(): number {
  const now = new Date();
  const monthEnd = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  return monthEnd - now.getTime() < 24 * HOUR_MS ? monthEnd : now.getTime();
}

async function run({ url, clock, simulator }: Stack, token: string): Promise<boolean> {
  if (simulator === null) throw new Error('the demo runs on the simulator');
  const api = axios.create({ baseURL: url, headers: { authorization: `Bearer ${token}` } });
  const { data: launched } = await api.post<Cluster>('/clusters', SPEC);
  const { affordableHours, hourlyUsd } = launched.quote;
  console.log(
    `POST /clusters: ${SPEC.nodes} × ${SPEC.type}, $${hourlyUsd} a started hour; ` +
      `$${SPEC.budgetUsd} lasts ${affordableHours} h. From here on the demo only watches.\n`,
  );
  const show = process.stdout.isTTY ? redraw : plainLines();
  let cluster = launched;
  while (!['deleted', 'failed'].includes(cluster.status)) {
    await delay(POLL_REAL_MS);
    cluster = (await api.get<Cluster>(`/clusters/${launched.id}`)).data;
    show(cluster, clock.now());
  }
  const { rows, sentence, isGood } = closingOf(endingOf(cluster, affordableHours, simulator));
  console.log();
  for (const [name, value] of rows) console.log(`  ${name.padEnd(36)}${value}`);
  console.log(`\n${sentence}`);
  return isGood;
}

function endingOf(cluster: Cluster, affordableHours: number, simulator: LinodeSimulator): Ending {
  const tag = `onebuck=${cluster.id}`;
  return {
    endReason: cluster.endReason,
    failure: cluster.failure,
    spent: microUsd(Math.round(cluster.spentUsd * 1e6)),
    affordableHours,
    budget: BUDGET,
    nodes: SPEC.nodes,
    linodes: simulator.instances(tag),
    billed: microUsd(simulator.bill(tag).totalMicroUsd),
  };
}

function progress(cluster: Cluster, now: number) {
  const up = cluster.nodes.filter(({ status }) => status === 'running').length;
  const width = 30;
  const spent = Math.min(width, Math.round((width * cluster.spentUsd) / cluster.budgetUsd));
  const { teardownAt } = cluster;
  const leftMs = teardownAt === null ? 0 : Math.max(0, Date.parse(teardownAt) - now);
  const timeLeft = new Date(leftMs).toISOString().slice(11, 19);
  const bar = `[${'#'.repeat(spent)}${'-'.repeat(width - spent)}]`;
  const money = `$${cluster.spentUsd.toFixed(3)} of $${cluster.budgetUsd.toFixed(2)}`;
  return { up, bar, money, timeLeft };
}

function redraw(cluster: Cluster, now: number): void {
  const { up, bar, money, timeLeft } = progress(cluster, now);
  const nodes = `${'●'.repeat(up)}${'○'.repeat(cluster.nodes.length - up)}`;
  process.stdout.write(
    `\r\x1b[K${cluster.status.padEnd(12)} ${nodes} ${bar} ${money}  teardown in ${timeLeft}`,
  );
}

/** Prints a line when the status, the number of running nodes or the spend has changed. */
function plainLines() {
  let lastKey = '';
  return (cluster: Cluster, now: number) => {
    const { up, bar, money, timeLeft } = progress(cluster, now);
    const key = `${cluster.status} ${up} ${money}`;
    if (key === lastKey) return;
    lastKey = key;
    const nodes = `${up} of ${cluster.nodes.length} up`;
    console.log(`${cluster.status.padEnd(12)} ${nodes}  ${bar} ${money}  teardown in ${timeLeft}`);
  };
}
