process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { forEachAtMost } from '../lib/app/at-most.ts';
import { newId } from '../lib/app/ids.ts';
import { type ClusterId, clusterTag, nodeLabel } from '../lib/core/base/names.ts';
import { firstAnswer, withBundles } from './bundles.ts';
import { markdown } from './report.ts';

/**
 * `npm run bench:sweep` runs the sweeper's bundle in another process, over 20,000 Linodes of 10,000
 * clusters that have records, without latency and with 400 ms for each call to Linode.
 */
const CLUSTERS = 10_000;
const NODES = 2;
const WRITERS = 32;
const LATENCIES_MS = [0, 400];
/**
 * The shares of the function's 256 MiB that Lambda's start of Node gives the heap, as known to us.
 * Without them, Node collects garbage as late as this machine's memory allows.
 */
const NODE_OPTIONS = '--max-old-space-size=230 --max-semi-space-size=12';

const { startRunning } = await import('./running.ts');
const { LINODE_TOKEN } = await import('./servers.ts');
const { servers, deps, aRunningCluster } = await startRunning();
const { record: template, tags } = await aClusterAndItsTags();
const ids = Array.from({ length: CLUSTERS }, () => newId('c'));
await forEachAtMost(WRITERS, ids, copyCluster);
// The caps' ledger lacks all these clusters. The audit of the first sweep adds them, so the first
// sweep is not measured.
await withBundles(async (bundleOf) => {
  const sweep = await bundleOf('handlers/sweep.ts');
  const env = { ...servers.env, NODE_OPTIONS };
  await firstAnswer(sweep, '{}', env);

  const rows: string[][] = [];
  for (const latencyMs of LATENCIES_MS) {
    servers.linode.updateSettings({ latencyMs, rateLimited: true });
    const before = requests();
    const { ms, memoryKib } = await firstAnswer(sweep, '{}', env);
    rows.push([
      `${latencyMs}`,
      (ms / 1_000).toFixed(1),
      `${requests() - before}`,
      (memoryKib / 1024).toFixed(0),
    ]);
  }
  const heads = ['ms a call', 's', 'requests to Linode', 'memory, MiB'];
  console.log(`${CLUSTERS * NODES} Linodes, ${CLUSTERS} records.\n\n${markdown([heads, ...rows])}`);
});
await servers.close();

async function aClusterAndItsTags() {
  const record = await aRunningCluster(NODES);
  const [linode] = servers.linode.instances(clusterTag(record.id));
  if (linode === undefined) throw new Error(`${record.id} has no Linodes`);
  return { record, tags: linode.tags.filter((tag) => tag !== clusterTag(record.id)) };
}

async function copyCluster(id: ClusterId): Promise<void> {
  await deps.store.insert({ ...template, id });
  for (let index = 0; index < NODES; index += 1) {
    const response = await fetch(`${servers.linode.url}/linode/instances`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${LINODE_TOKEN}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        type: template.bought.type,
        region: template.bought.region,
        label: nodeLabel(id, index),
        tags: [...tags, clusterTag(id)],
      }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }
}

function requests(): number {
  return Object.values(servers.linode.requests()).reduce((sum, { total }) => sum + total, 0);
}
