import type { Cluster, Clusters, Schedule } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { isClusterId, isScheduleId } from '../lib/core/base/names.ts';
import { CliError } from './errors.ts';
import { printable } from './format.ts';

const LIVE = ['provisioning', 'running', 'deleting'] as const;
const PAGE = '100';
/** Two thousand clusters: whoever has more gives more of the id. */
const PAGES_MAX = 20;

type Filter = Readonly<Record<string, string | undefined>>;

/** The newest first, page by page. */
export async function listClusters(api: Api, filter: Filter): Promise<Cluster[]> {
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

export async function listLive(api: Api): Promise<Cluster[]> {
  const lists = await Promise.all(LIVE.map((status) => listClusters(api, { status })));
  // One that goes from one phase to the next meanwhile may be in two lists.
  const byId = new Map(lists.flat().map((cluster) => [cluster.id, cluster]));
  return [...byId.values()].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

/** By id, unique beginning of an id, or unique name of a live one. */
export async function findCluster(api: Api, named: string): Promise<Cluster> {
  if (isClusterId(named)) return api.json<Cluster>(`/clusters/${named}`);
  const isIt = ({ id, name }: Cluster) => name === named || startsWith(id, named);
  const live = (await listLive(api)).filter(isIt);
  if (live.length > 0) return theOnly(live, 'cluster', named);
  const all = /^c[a-z2-7]{0,9}$/.test(named) ? await listClusters(api, {}) : [];
  const ended = all.filter(({ id }) => startsWith(id, named));
  return theOnly(ended, 'cluster', named);
}

export async function findSchedule(api: Api, named: string): Promise<Schedule> {
  if (isScheduleId(named)) return api.json<Schedule>(`/schedules/${named}`);
  const { schedules } = await api.json<{ schedules: Schedule[] }>('/schedules');
  const isIt = ({ id, name }: Schedule) => name === named || startsWith(id, named);
  return theOnly(schedules.filter(isIt), 'schedule', named);
}

const startsWith = (id: string, start: string) => start !== '' && id.startsWith(start);

interface Named {
  readonly id: string;
  readonly name: string | null;
}

function theOnly<Item extends Named>(found: readonly Item[], what: string, named: string): Item {
  const [first] = found;
  const list = what === 'cluster' ? 'onebuck ls --all' : 'onebuck schedule ls';
  if (first === undefined) {
    const message = `There is no ${what} "${printable(named)}": "${list}" shows them.`;
    throw new CliError('notFound', message);
  }
  if (found.length === 1) return first;
  const those = found.map(({ id, name }) => (name === null ? id : `${id} (${printable(name)})`));
  throw new CliError(
    'usage',
    `"${printable(named)}" may be any of ${those.join(', ')}: give more of the id.`,
  );
}
