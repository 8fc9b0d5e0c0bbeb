import type { Cluster } from '../../client/answers.ts';
import { mayPass } from '../../client/api.ts';
import type { Change } from '../../client/clusters.ts';
import { extensionOf } from '../../client/extension.ts';
import { plusUsd } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';

/* One action on many clusters. */

/** API Gateway admits two requests a second to a route, beyond a burst. */
const AT_ONCE = 2;
const TRIES_MAX = 8;
const PAUSE_MS = 1_000;

export interface Failed {
  readonly cluster: Cluster;
  readonly error: Error;
}

/**
 * Carries out an action on each cluster, two at a time, and tries one again that may succeed later:
 * sending the same again changes nothing. Calls `onDone` for each as it succeeds; returns the others.
 */
export async function onEach(
  clusters: readonly Cluster[],
  act: (cluster: Cluster) => Promise<Cluster>,
  onDone: (after: Cluster) => void,
  pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
): Promise<readonly Failed[]> {
  const waiting = [...clusters];
  const failed: Failed[] = [];
  const work = async () => {
    for (let cluster = waiting.shift(); cluster !== undefined; cluster = waiting.shift()) {
      try {
        onDone(await patiently(cluster, act, pause));
      } catch (error) {
        failed.push({ cluster, error: error as Error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}

async function patiently(
  cluster: Cluster,
  act: (cluster: Cluster) => Promise<Cluster>,
  pause: (ms: number) => Promise<void>,
): Promise<Cluster> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act(cluster);
    } catch (error) {
      if (tries === TRIES_MAX || !mayPass(error)) throw error;
    }
    await pause(PAUSE_MS * tries);
  }
}

/** Whether a cluster can still be destroyed or extended. */
export const isOpen = ({ status }: Pick<Cluster, 'status'>): boolean =>
  status === 'provisioning' || status === 'running';

export const nodesOf = (clusters: readonly Cluster[]): number =>
  clusters.reduce((sum, { nodes }) => sum + nodes.length, 0);

/** `12 clusters with 40 nodes`. */
export const countWords = (clusters: readonly Cluster[]): string =>
  `${plural(clusters.length, 'cluster')} with ${plural(nodesOf(clusters), 'node')}`;

/** What a number of hours more costs for all clusters together, and the change of each. */
export function extensionsOf(clusters: readonly Cluster[], hours: number, now: number) {
  const changes = new Map<string, Change>();
  const costs: number[] = [];
  for (const cluster of clusters) {
    const extension = extensionOf(cluster, hours, now);
    if (extension === null) continue;
    changes.set(cluster.id, extension.change);
    costs.push(extension.costUsd);
  }
  return { changes, costUsd: plusUsd(...costs) };
}
