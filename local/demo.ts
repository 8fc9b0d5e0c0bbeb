import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClockSettings } from '../lib/adapters/clock.ts';
import { formatUsd, microUsd } from '../lib/core/money.ts';
import { freePort } from './listen.ts';
import { localSettings } from './settings.ts';
import { type Stack, startStack } from './stack.ts';

/**
 * `npm run demo`: ten nodes for a dollar, launched over HTTP and left alone, on a clock that runs
 * 1000 times as fast. Ends well only if the simulator's own bill is within the budget and nothing is
 * left of the cluster.
 */
const RATE = 1000;
const HOUR_MS = 3_600_000;
const BUDGET_USD = 1;
const POLL_REAL_MS = 200;
const REAL_MS_MAX = 85_000;
const SPEC = {
  name: 'demo',
  nodes: 10,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'Ubuntu 24.04 LTS',
  budgetUsd: BUDGET_USD,
};

interface Cluster {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly nodes: readonly { readonly status: string }[];
  readonly spentUsd: number;
  readonly budgetUsd: number;
  readonly teardownAt: string | null;
  readonly quote: { readonly affordableHours: number; readonly hourlyUsd: number };
}

const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-demo-'));
console.log('Starting the functions and a simulated Linode …');
const settings = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
const stack = await startStack({
  ...settings,
  clock: clockForADay(),
  onLog: (line) => console.error(line),
});
try {
  process.exitCode = (await run(stack, settings.apiToken)) ? 0 : 1;
} finally {
  await stack.close();
  rmSync(dataDir, { recursive: true, force: true });
}

/**
 * Near a month's end an hour may be billed twice, so that a dollar buys less; the demo then starts
 * with the next month, for the figures that the README tells.
 */
function clockForADay(): ClockSettings {
  const now = Date.now();
  const date = new Date(now);
  const monthEnd = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  const start = monthEnd - now < 24 * HOUR_MS ? monthEnd : now;
  // now' = origin + (now − origin) × rate, solved for the origin that makes now' the start.
  return { rate: RATE, originMs: Math.round((now * RATE - start) / (RATE - 1)) };
}

async function run({ url, clock, simulator }: Stack, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  const posted = await fetch(`${url}/clusters`, {
    method: 'POST',
    headers,
    body: JSON.stringify(SPEC),
  });
  if (posted.status !== 202) throw new Error(`${posted.status}: ${await posted.text()}`);
  const launched = (await posted.json()) as Cluster;
  const { affordableHours, hourlyUsd } = launched.quote;
  console.log(
    `POST /clusters: ${SPEC.nodes} × ${SPEC.type}, $${hourlyUsd} a started hour; ` +
      `$${BUDGET_USD} lasts ${affordableHours} h. Nobody watches from here on.\n`,
  );
  const tell = process.stdout.isTTY ? redraw : plainLines();
  const until = Date.now() + REAL_MS_MAX;
  let cluster = launched;
  while (!['deleted', 'failed'].includes(cluster.status) && Date.now() < until) {
    await delay(POLL_REAL_MS);
    const answer = await fetch(`${url}/clusters/${launched.id}`, { headers });
    cluster = (await answer.json()) as Cluster;
    tell(cluster, clock.now());
  }
  if (simulator === null) throw new Error('the demo runs on the simulator');
  return closingTable(simulator, cluster, affordableHours);
}

function closingTable(
  simulator: NonNullable<Stack['simulator']>,
  cluster: Cluster,
  affordableHours: number,
): boolean {
  const tag = `onebuck=${cluster.id}`;
  const billed = simulator.bill(tag).totalMicroUsd;
  const nodes = simulator.instances(tag);
  const left = nodes.filter(({ deleted }) => deleted === null).length;
  const ends = nodes.map(({ created, deleted }) => ({ created, deleted: deleted ?? Infinity }));
  const deliveredMs = Math.min(...ends.map(({ created, deleted }) => deleted - created));
  const leadMs = Math.min(
    ...ends.map(({ created, deleted }) => created + affordableHours * HOUR_MS - deleted),
  );
  const delivered = deliveredMs / HOUR_MS;
  const rows = [
    ['ended by', `${cluster.endReason ?? cluster.status}`],
    ['nodes', `${nodes.length}`],
    ['hours afforded', `${affordableHours}`],
    [
      'hours delivered',
      `${delivered.toFixed(3)} (${((100 * delivered) / affordableHours).toFixed(2)} %)`,
    ],
    [
      'billed by Linode',
      `${formatUsd(microUsd(billed))} of ${formatUsd(microUsd(BUDGET_USD * 1e6))}`,
    ],
    ['destroyed before the hour mark by', `${Math.round(leadMs / 1000)} s`],
    ['Linodes left', `${left}`],
  ];
  console.log();
  for (const [name = '', value = ''] of rows) console.log(`  ${name.padEnd(36)}${value}`);
  const kept = billed <= BUDGET_USD * 1e6 && left === 0 && nodes.length === SPEC.nodes;
  console.log(`\n${kept ? 'The promise was kept.' : 'THE PROMISE WAS BROKEN.'}`);
  return kept;
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
