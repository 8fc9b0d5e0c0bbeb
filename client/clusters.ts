import type {
  Cluster,
  ClusterNode,
  Clusters,
  Credentials,
  Inventory,
  Launched,
} from './answers.ts';
import { type Api, Refusal } from './api.ts';
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

/** Whether Linode may still bill the cluster. */
export const isLive = ({ status }: Pick<Cluster, 'status'>): boolean =>
  liveStatuses.some((live) => live === status);

/** Whether the nodes have root passwords, as they do where nobody may log in with a key. */
export const hasPasswords = (
  spec: Pick<Cluster['spec'], 'authorizedKeys' | 'authorizedUsers'>,
): boolean => spec.authorizedKeys.length === 0 && spec.authorizedUsers.length === 0;

/** `2 of 3 nodes up`. */
export function nodesUp({ nodes }: { readonly nodes: readonly ClusterNode[] }): string {
  const up = nodes.filter(({ status }) => status === 'running').length;
  return `${up} of ${plural(nodes.length, 'node')} up`;
}

/** `2 of 3 nodes up, 1 ready`; only `2 of 3 nodes up` where none is up, or none says that it is ready. */
export function nodesReady(cluster: Pick<Cluster, 'nodes' | 'agent'>): string {
  const up = cluster.nodes.filter(({ status }) => status === 'running');
  const words = nodesUp(cluster);
  if (!cluster.agent || up.length === 0) return words;
  return `${words}, ${up.filter(({ readyAt }) => readyAt !== null).length} ready`;
}

/**
 * The nodes that are up, but not ready: `why` is their own reason; null: they have said nothing yet,
 * or have nothing by which to say so.
 */
export const unreadyNodes = ({ nodes }: Pick<Cluster, 'nodes'>): UnreadyNode[] =>
  nodes
    .filter(({ status, readyAt }) => status === 'running' && readyAt === null)
    .map(({ index, agentReason }) => ({ index, why: agentReason ?? null }));

/**
 * When all nodes of a running cluster were ready, or how many are not; null: its nodes do not say.
 */
export function readySentence(
  cluster: Pick<Cluster, 'nodes' | 'agent' | 'status' | 'readyAt'>,
  when: (at: string) => string,
): string | null {
  const { agent, status, readyAt } = cluster;
  if (!agent || status !== 'running') return null;
  if (readyAt !== null) return `Ready since ${when(readyAt)}.`;
  const unready = unreadyNodes(cluster);
  if (unready.length === 0) return null;
  const failed = unready.filter(({ why }) => why !== null).length;
  const failure = failed === 0 ? '' : ` ${plural(failed, 'node')} failed to get ready.`;
  const up = cluster.nodes.filter((node) => node.status === 'running').length;
  return `Running, not yet ready: ${unready.length} of ${plural(up, 'node')}.${failure}`;
}

export interface UnreadyNode {
  readonly index: number;
  readonly why: string | null;
}

/** How long nodes may run before they say whether they are ready; then people are told. */
export const READY_MS_MAX = 15 * 60_000;

/** Whether to look again soon: the cluster comes up, or nodes may yet say that they are ready. */
export const isComing = (cluster: Pick<Cluster, 'status' | 'agent' | 'nodes'>): boolean =>
  cluster.status === 'provisioning' ||
  (cluster.status === 'running' &&
    cluster.agent &&
    unreadyNodes(cluster).some(({ why }) => why === null));

/** An order to sort clusters by. */
export const newestFirst = (one: Cluster, other: Cluster): number =>
  one.createdAt === other.createdAt ? 0 : one.createdAt < other.createdAt ? 1 : -1;

const PAGE = 100;
const PAGES_MAX = 20;
/** Far more than live: a server whose pages never end must not hold the client for ever. */
const LIVE_PAGES_MAX = 1_000;

interface Filter {
  readonly status?: string | undefined;
  readonly month?: string | undefined;
  /** Only the admin may name another owner. */
  readonly owner?: string | undefined;
}

/** The newest 2,000 clusters at most of a status, or launched in a month (UTC) such as 2026-11. */
export const listClusters = (api: Api, filter: Filter): Promise<Listed> =>
  allPages(api, filter, PAGES_MAX);

export interface Listed {
  readonly clusters: readonly Cluster[];
  /** The ids of clusters that the list lacks, because their records are unreadable. */
  readonly unreadable: readonly string[];
}

/** null: the list lacks no cluster. */
export const unreadableSentence = (ids: readonly string[] = []): string | null =>
  ids.length === 0
    ? null
    : `Left out, as the record is unreadable: ${ids.join(', ')}. The operator has an alarm for it.`;

async function allPages(api: Api, filter: Filter, pagesMax: number): Promise<Listed> {
  const found: Cluster[] = [];
  const unreadable: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const query = { ...filter, limit: PAGE, cursor };
    const answer = await api.json<Clusters>('/clusters', { query });
    found.push(...answer.clusters);
    unreadable.push(...(answer.unreadable ?? []));
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return { clusters: found, unreadable };
}

/** All live clusters, or those of an owner, however many there are, the newest first. */
export const listLive = (api: Api, owner?: string): Promise<Listed> =>
  allPages(api, { status: 'live', owner }, LIVE_PAGES_MAX);

/** The newest clusters, live or ended, in one request; `limit` is at most 100. */
export const listNewest = async (api: Api, limit: number): Promise<readonly Cluster[]> =>
  (await api.json<Clusters>('/clusters', { query: { limit } })).clusters;

/** One cluster. Refused with 404 where there is none of that id. */
export const getCluster = (api: Api, id: string): Promise<Cluster> => api.json(`/clusters/${id}`);

/** The clusters as they are now; one whose record has become unreadable as it was known. */
export const getAgain = (api: Api, known: readonly Cluster[]): Promise<Cluster[]> =>
  Promise.all(
    known.map((one) =>
      getCluster(api, one.id).catch((error: unknown) => {
        if (error instanceof Refusal && error.problem?.code === 'unreadable') return one;
        throw error;
      }),
    ),
  );

/** Launches a cluster; the same key and spec again give the cluster that was launched first. */
export const launchCluster = (api: Api, spec: unknown, key: string): Promise<Launched> =>
  api.json('/clusters', { method: 'POST', headers: { 'idempotency-key': key }, body: spec });

/**
 * New limits of a cluster. The budget is in US dollars, and text that is no number is refused with a
 * reason; null: no limit of hours.
 */
export interface Change {
  readonly budgetUsd?: number | string;
  readonly maxHours?: number | null;
  readonly transferGb?: number | null;
}

/** The cluster with new limits; sending the same limits again changes nothing. */
export const changeCluster = (api: Api, id: string, change: Change): Promise<Cluster> =>
  api.json(`/clusters/${id}`, { method: 'PATCH', body: change });

/** Begins the destruction of a cluster; doing so again changes nothing. */
export const destroyCluster = (api: Api, id: string): Promise<Cluster> =>
  api.json(`/clusters/${id}`, { method: 'DELETE' });

/** The nodes of a cluster that have an address, and their host key. */
export const getInventory = (api: Api, id: string): Promise<Inventory> =>
  api.json(`/clusters/${id}/inventory`);

/** The inventory of a cluster as text, in one of the forms of client/inventory.ts. */
export const getInventoryText = (api: Api, id: string, format: string): Promise<string> =>
  api.text(`/clusters/${id}/inventory`, { query: { format } });

/** The root passwords of a cluster's nodes. */
export const getCredentials = (api: Api, id: string): Promise<Credentials> =>
  api.json(`/clusters/${id}/credentials`);
