import type {
  Cluster,
  ClusterNode,
  Clusters,
  Credentials,
  InventoryNode,
  Launched,
} from './answers.ts';
import type { Api } from './api.ts';
import { plural } from './plural.ts';

/* The requests about clusters. Each throws what client/api.ts throws. */

export { isClusterId } from '../lib/core/base/names.ts';

type Status = Cluster['status'];

/** Every status, with its name for people, in the order in which a cluster goes through them. */
export const statusNames = {
  provisioning: 'Coming up',
  running: 'Running',
  deleting: 'Being destroyed',
  deleted: 'Gone',
  failed: 'Failed',
} as const satisfies Record<Status, string>;

/** The statuses in which a cluster may still be billed. */
export const liveStatuses = ['provisioning', 'running', 'deleting'] as const satisfies Status[];

export const isLive = ({ status }: Pick<Cluster, 'status'>): boolean =>
  liveStatuses.some((live) => live === status);

/** `2 of 3 nodes up`. */
export function nodesUp({ nodes }: { readonly nodes: readonly ClusterNode[] }): string {
  const up = nodes.filter(({ status }) => status === 'running').length;
  return `${up} of ${plural(nodes.length, 'node')} up`;
}

/** For sorting. */
export const newestFirst = (one: Cluster, other: Cluster): number =>
  one.createdAt === other.createdAt ? 0 : one.createdAt < other.createdAt ? 1 : -1;

const PAGE = 100;
const PAGES_MAX = 20;

/** Those that match, the newest first, at most 2,000: page by page. Month: UTC, such as 2026-11. */
export async function listClusters(
  api: Api,
  filter: { readonly status?: string | undefined; readonly month?: string | undefined },
): Promise<Cluster[]> {
  const found: Cluster[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query = { ...filter, limit: PAGE, cursor };
    const answer = await api.json<Clusters>('/clusters', { query });
    found.push(...answer.clusters);
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return found;
}

/** All that are live, the newest first. */
export async function listLive(api: Api): Promise<Cluster[]> {
  const lists = await Promise.all(liveStatuses.map((status) => listClusters(api, { status })));
  // A cluster whose status changes in between may be in two lists.
  const byId = new Map(lists.flat().map((cluster) => [cluster.id, cluster]));
  return [...byId.values()].sort(newestFirst);
}

/** The newest, live or ended, in one request. `limit` is at most 100. */
export const listNewest = async (api: Api, limit: number): Promise<readonly Cluster[]> =>
  (await api.json<Clusters>('/clusters', { query: { limit } })).clusters;

export const getCluster = (api: Api, id: string): Promise<Cluster> => api.json(`/clusters/${id}`);

/** With the same key and spec, the cluster that the first request launched. */
export const launchCluster = (api: Api, spec: unknown, key: string): Promise<Launched> =>
  api.json('/clusters', { method: 'POST', headers: { 'idempotency-key': key }, body: spec });

/** New limits; an amount may be given as text, such as 2.50. */
export interface Change {
  readonly budgetUsd?: number | string;
  readonly maxHours?: number;
}

export const changeCluster = (api: Api, id: string, change: Change): Promise<Cluster> =>
  api.json(`/clusters/${id}`, { method: 'PATCH', body: change });

/** Begins its destruction; may be repeated. */
export const destroyCluster = (api: Api, id: string): Promise<Cluster> =>
  api.json(`/clusters/${id}`, { method: 'DELETE' });

/** The nodes that have an address. */
export const getInventory = (api: Api, id: string): Promise<{ readonly nodes: InventoryNode[] }> =>
  api.json(`/clusters/${id}/inventory`);

/** The inventory in the form that a tool reads. */
export const getInventoryText = (api: Api, id: string, format: string): Promise<string> =>
  api.text(`/clusters/${id}/inventory`, { query: { format } });

export const getCredentials = (api: Api, id: string): Promise<Credentials> =>
  api.json(`/clusters/${id}/credentials`);
