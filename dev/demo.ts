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
 * `npm run demo`: ten nodes for a dollar, launched over HTTP and left alone, in a time that goes on
 * when the functions are at rest. Ends well only if the simulator's own bill is within the budget,
 * the record tells the same, and nothing is left of the cluster.
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
const time = createPatientTime({ startMs: startOfTheDay(), rate: RATE });
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
 * Now; near a month's end, where an hour may be billed twice and a dollar buys less, the next month,
 * so that the figures are those that the README tells.
 */
function startOfTheDay(): number {
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
      `$${SPEC.budgetUsd} lasts ${affordableHours} h. Nobody watches from here on.\n`,
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
    nodesAsked: SPEC.nodes,
    linodes: simulator.instances(tag),
    billed: microUsd(simulator.bill(tag).totalMicroUsd),
  };
}

function progress(cluster: Cluster, now: number) {
  const up = cluster.nodes.filter(({ status }) => status === 'running').length;
  const width = 30;
  const burnt = Math.min(width, Math.round((width * cluster.spentUsd) / cluster.budgetUsd));
  const left = cluster.teardownAt === null ? 0 : Math.max(0, Date.parse(cluster.teardownAt) - now);
  const clock = new Date(left).toISOString().slice(11, 19);
  const fuse = `[${'#'.repeat(burnt)}${'-'.repeat(width - burnt)}]`;
  const money = `$${cluster.spentUsd.toFixed(3)} of $${cluster.budgetUsd.toFixed(2)}`;
  return { up, fuse, money, clock };
}

function redraw(cluster: Cluster, now: number): void {
  const { up, fuse, money, clock } = progress(cluster, now);
  const nodes = `${'●'.repeat(up)}${'○'.repeat(cluster.nodes.length - up)}`;
  process.stdout.write(
    `\r\x1b[K${cluster.status.padEnd(12)} ${nodes} ${fuse} ${money}  teardown in ${clock}`,
  );
}

/** A line whenever the status, the nodes or the money changed. */
function plainLines() {
  let last = '';
  return (cluster: Cluster, now: number) => {
    const { up, fuse, money, clock } = progress(cluster, now);
    const key = `${cluster.status} ${up} ${money}`;
    if (key === last) return;
    last = key;
    const nodes = `${up} of ${cluster.nodes.length} up`;
    console.log(`${cluster.status.padEnd(12)} ${nodes}  ${fuse} ${money}  teardown in ${clock}`);
  };
}
