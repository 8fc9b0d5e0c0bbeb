import { createTransport } from '../lib/adapters/linode/axios-transport.ts';
import { launch } from '../lib/app/launch.ts';
import { reconcile } from '../lib/app/reconcile.ts';
import type { ClusterId } from '../lib/core/base/names.ts';
import { minutes, plus, seconds } from '../lib/core/base/units.ts';
import { isLive, type LiveRecord } from '../lib/core/cluster/record.ts';
import type { Log } from '../lib/ports.ts';
import { BenchClock } from './clock.ts';
import { buildDeps, startServers } from './servers.ts';

const silent: Log = { info() {}, warn() {}, error() {} };

/** Runs Onebuck's use cases in this process, over HTTP on local servers that answer at once. */
export async function startRunning() {
  const clock = new BenchClock();
  const servers = await startServers(() => clock.now());
  const transport = createTransport(servers.linode.url);
  const metrics = { emit() {} };
  const deps = buildDeps(servers, { transport, clock, log: silent, metrics });
  /** The limits of `reconcile`, whose time-out in serverless.yml is 300 s. */
  const limits = () => ({
    by: plus(clock.now(), seconds(295)),
    reserveMs: seconds(15),
    noticesMs: seconds(0),
  });
  const pass = (id: ClusterId) => reconcile(deps, [{ clusterId: id }], limits());

  /** Launches a cluster, and runs passes without a wait until the cluster is running. */
  async function aRunningCluster(nodes: number): Promise<LiveRecord> {
    servers.linode.updateSettings({ rateLimited: false });
    const spec = { nodes, type: 'g6-nanode-1', region: 'us-east', image: 'linode/ubuntu24.04' };
    const { record } = await launch(deps, {
      owner: 'ann',
      input: { ...spec, budgetUsd: Math.min(100, nodes / 10) },
      idempotencyKey: null,
      schedule: null,
      by: plus(clock.now(), minutes(1)),
    });
    for (;;) {
      const now = await read(record.id);
      if (now.phase === 'running') return now;
      await pass(record.id);
    }
  }

  async function read(id: ClusterId): Promise<LiveRecord> {
    const record = await deps.store.get(id);
    if (record === 'notFound' || !isLive(record)) throw new Error(`${id} is not live`);
    return record;
  }

  return { clock, servers, deps, pass, aRunningCluster };
}
