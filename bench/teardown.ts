process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { clusterTag } from '../lib/core/base/names.ts';
import { between, hours, minus, seconds } from '../lib/core/base/units.ts';
import { lifeOf } from '../lib/core/cluster/life.ts';
import { markdown } from './report.ts';

/**
 * `npm run bench:teardown` measures the time from a cluster's teardown time until Linode has
 * accepted the last deletion, and until the record says that the cluster is gone. Each call takes
 * 400 ms, and Linode's rate limits are in force. The least possible time until the last deletion is
 * one call.
 */
const LATENCY_MS = 400;
const SIZES = [10, 100, 500];

const { startRunning } = await import('./running.ts');
const { clock, servers, deps, pass, aRunningCluster } = await startRunning();

async function teardown(nodes: number): Promise<string[]> {
  const record = await aRunningCluster(nodes);
  const due = lifeOf(record, clock.now()).teardownAt;
  clock.forwardTo(minus(due, seconds(2)));
  clock.skipsSleeps = false;
  servers.linode.updateSettings({ latencyMs: LATENCY_MS, rateLimited: true });
  await pass(record.id);
  servers.linode.updateSettings({ latencyMs: 0 });
  clock.skipsSleeps = true;

  const ended = await deps.store.get(record.id);
  if (ended === 'notFound' || !('endedAt' in ended)) throw new Error(`${record.id} did not end`);
  const linodes = servers.linode.instances(clusterTag(record.id));
  const livedMs = linodes.map(({ created, deleted }) => (deleted ?? Number.NaN) - created);
  const afforded = Math.floor(record.budget / (nodes * record.bought.price.hourly));
  // The simulator deletes a Linode when the call comes, and answers after the latency.
  const acceptedMs = Math.max(...linodes.map(({ deleted }) => deleted ?? Number.NaN)) - due;
  const delivered = livedMs.reduce((sum, ms) => sum + ms, 0) / (nodes * hours(afforded));
  return [
    `${nodes}`,
    ((acceptedMs + LATENCY_MS) / 1_000).toFixed(2),
    ((acceptedMs + LATENCY_MS) / LATENCY_MS).toFixed(1),
    (between(due, ended.endedAt) / 1_000).toFixed(2),
    `${(100 * delivered).toFixed(2)} % of ${afforded} h`,
  ];
}

const rows: string[][] = [];
for (const nodes of SIZES) rows.push(await teardown(nodes));
await servers.close();
const heads = ['nodes', 'last deletion taken, s', 'calls long', 'gone, s', 'delivered'];
console.log(markdown([heads, ...rows]));
