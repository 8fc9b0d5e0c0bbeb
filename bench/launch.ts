import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pythonPrograms } from '../checks/python.ts';
import { forEachAtMost } from '../lib/app/at-most.ts';
import { markdown } from './report.ts';
import { type Bench, withStack } from './stack.ts';
import { median } from './times.ts';

/**
 * `npm run bench:launch` measures the time from POST /clusters until all nodes are created, with
 * 400 ms for each call and Linode's limit of 20 creates in 15 s. It compares the time with the
 * floor, the least that these two allow, and with other programs that create Linodes ("peers").
 */
const LATENCY_MS = 400;
const WINDOW_MS = 15_000;
const PER_WINDOW = 20;
const SIZES = [1, 10, 20, 25, 50, 100];
const SIZES_OF_PEERS = [10, 25];
/** How often a launch that fits into one window is measured; a larger launch is measured once. */
const ROUNDS = 9;
const SPEC = { type: 'g6-nanode-1', region: 'us-east', image: 'Ubuntu 24.04 LTS', budgetUsd: 5 };

const floorMs = (nodes: number) => Math.floor((nodes - 1) / PER_WINDOW) * WINDOW_MS + LATENCY_MS;

let createdInWindow = 0;

/** Waits for a new window of the rate limit if the current window has too few creates left. */
async function roomFor(nodes: number): Promise<void> {
  if (createdInWindow + nodes > PER_WINDOW) {
    await delay(WINDOW_MS + 1_000);
    createdInWindow = 0;
  }
  createdInWindow += nodes;
}

async function onebuck({ simulator, call }: Bench, nodes: number): Promise<number> {
  const spec = { ...SPEC, nodes };
  await roomFor(nodes);
  await call('POST', '/quotes', spec);
  const from = Date.now();
  const { id } = await call<{ id: string }>('POST', '/clusters', spec);
  const created = () => simulator.instances(`onebuck=${id}`).map((node) => node.created);
  while (created().length < nodes) await delay(20);
  // The simulator creates a Linode when the call comes, and answers after the latency.
  const ms = Math.max(...created()) - from + LATENCY_MS;
  await call('DELETE', `/clusters/${id}`);
  const left = () => simulator.instances(`onebuck=${id}`).some(({ deleted }) => deleted === null);
  while (left()) await delay(100);
  return ms;
}

type Peer = (bench: Bench, programs: string, nodes: number, prefix: string) => Promise<void>;

const peers: Readonly<Record<string, Peer>> = {
  'linode-api4, one by one': async ({ simulator, linodeToken }, programs, nodes, prefix) => {
    const script = fileURLToPath(new URL('peers/one_by_one.py', import.meta.url));
    await run(join(programs, 'python3'), [script, simulator.url, linodeToken, `${nodes}`, prefix]);
  },
  'linode-cli, one by one': async (bench, programs, nodes, prefix) => {
    for (let index = 0; index < nodes; index += 1) await cliCreate(bench, programs, prefix, index);
  },
  'linode-cli, 8 at once': async (bench, programs, nodes, prefix) => {
    const indexes = Array.from({ length: nodes }, (_, index) => index);
    await forEachAtMost(8, indexes, (index) => cliCreate(bench, programs, prefix, index));
  },
};

async function cliCreate(bench: Bench, programs: string, prefix: string, index: number) {
  const { protocol, host } = new URL(bench.simulator.url);
  const spec = ['--type', SPEC.type, '--region', SPEC.region, '--image', 'linode/ubuntu24.04'];
  const args = ['linodes', 'create', ...spec, '--label', `${prefix}-${index}`, '--text'];
  await run(join(programs, 'linode-cli'), [...args, '--root_pass', 'a-Long-0ne-for-a-bench'], {
    LINODE_CLI_TOKEN: bench.linodeToken,
    LINODE_CLI_API_SCHEME: protocol.replace(':', ''),
    LINODE_CLI_API_HOST: host,
    LINODE_CLI_API_VERSION: 'v4',
  });
}

/** Ignores a failure of the program: the bench counts the Linodes that the simulator created. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<void>((resolve) => {
    execFile(program, args, { env: { ...process.env, ...env } }, () => resolve());
  });
}

async function measurePeer(bench: Bench, name: string, programs: string, nodes: number) {
  const prefix = `${name.replaceAll(/[^a-z0-9]+/g, '-')}-${nodes}`;
  await roomFor(nodes);
  const from = performance.now();
  await peers[name]?.(bench, programs, nodes, prefix);
  const ms = performance.now() - from;
  const created = bench.simulator
    .instances()
    .filter(({ label }) => label.startsWith(`${prefix}-`)).length;
  return { ms, created };
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);

await withStack(LATENCY_MS, async (bench) => {
  await onebuck(bench, 1); // so that all functions are warm
  const ours = new Map<number, number>();
  for (const nodes of SIZES) {
    const times: number[] = [];
    const rounds = nodes <= PER_WINDOW ? ROUNDS : 1;
    for (let round = 0; round < rounds; round += 1) times.push(await onebuck(bench, nodes));
    ours.set(nodes, median(times));
  }
  const rows = [...ours].map(([nodes, ms]) => [
    `${nodes}`,
    seconds(floorMs(nodes)),
    seconds(ms),
    (ms / floorMs(nodes)).toFixed(2),
  ]);
  console.log(markdown([['nodes', 'floor, s', 'Onebuck, s', 'of the floor'], ...rows]));

  const programs = pythonPrograms();
  if (programs === null) return console.log('\nWithout python3 no peers are measured.');
  const peerRows: string[][] = [];
  for (const nodes of SIZES_OF_PEERS) {
    for (const name of Object.keys(peers)) {
      const { ms, created } = await measurePeer(bench, name, programs, nodes);
      const times = ms / (ours.get(nodes) ?? Number.NaN);
      peerRows.push([name, `${created} of ${nodes}`, seconds(ms), `${times.toFixed(1)} ×`]);
    }
  }
  console.log(`\n${markdown([['peer', 'created', 's', 'times ours'], ...peerRows])}`);
});
