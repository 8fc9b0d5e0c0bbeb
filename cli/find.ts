import type { Cluster, Schedule } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { getCluster, isClusterId, listClusters, listLive } from '../client/clusters.ts';
import { getSchedule, isScheduleId, listSchedules } from '../client/schedules.ts';
import { CliError } from './errors.ts';
import { printable } from './format.ts';

/** By id, unique beginning of an id, or unique name of a live one. */
export async function findCluster(api: Api, named: string): Promise<Cluster> {
  if (isClusterId(named)) return getCluster(api, named);
  const isIt = ({ id, name }: Cluster) => name === named || startsWith(id, named);
  const live = (await listLive(api)).clusters.filter(isIt);
  if (live.length > 0) return theOnly(live, 'cluster', named);
  const all = /^c[a-z2-7]{0,9}$/.test(named) ? (await listClusters(api, {})).clusters : [];
  const ended = all.filter(({ id }) => startsWith(id, named));
  return theOnly(ended, 'cluster', named);
}

export async function findSchedule(api: Api, named: string): Promise<Schedule> {
  if (isScheduleId(named)) return getSchedule(api, named);
  const { schedules } = await listSchedules(api);
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
