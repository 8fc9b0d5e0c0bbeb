import type { Cluster, Schedule } from '../client/answers.ts';
import { type Api, Refusal } from '../client/api.ts';
import { getCluster, isClusterId, listClusters, listLive } from '../client/clusters.ts';
import { getSchedule, isScheduleId, listSchedules } from '../client/schedules.ts';
import { CliError } from './errors.ts';
import { printable } from './format.ts';

/** How many characters of an id may stand for the whole. */
const BEGINNING_MIN = 4;

export interface FindOptions {
  /** Nobody is asked before the command destroys, so the beginning of an id is not enough. */
  readonly exact?: boolean;
  /** A name may be that of the newest cluster that has ended, if no live one has it. */
  readonly ended?: boolean;
}

/**
 * The cluster with this id; else the live one with exactly this name; else the one whose id begins
 * so, live ones first.
 */
export async function findCluster(
  api: Api,
  named: string,
  options: FindOptions = {},
): Promise<Cluster> {
  if (isClusterId(named)) {
    const byId = await unlessMissing(() => getCluster(api, named));
    if (byId !== null) return byId;
  }
  const { clusters } = await listLive(api);
  const live = matching(clusters, named);
  if (live.length > 0) return theOnly(live, 'cluster', named, options);
  const isAny = options.ended === true || isBeginning(named);
  const all = isAny ? (await listClusters(api, {})).clusters : [];
  const newest = options.ended === true ? all.find(({ name }) => name === named) : undefined;
  if (newest !== undefined) return newest;
  return theOnly(beginningWith(all, named), 'cluster', named, options);
}

/** As `findCluster`. */
export async function findSchedule(
  api: Api,
  named: string,
  options: FindOptions = {},
): Promise<Schedule> {
  if (isScheduleId(named)) {
    const byId = await unlessMissing(() => getSchedule(api, named));
    if (byId !== null) return byId;
  }
  const { schedules } = await listSchedules(api);
  return theOnly(matching(schedules, named), 'schedule', named, options);
}

/** A cluster may be named like an id that no cluster has. */
async function unlessMissing<Item>(get: () => Promise<Item>): Promise<Item | null> {
  try {
    return await get();
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

function matching<Item extends Named>(items: readonly Item[], named: string): readonly Item[] {
  const namesakes = items.filter(({ name }) => name === named);
  return namesakes.length > 0 ? namesakes : beginningWith(items, named);
}

const beginningWith = <Item extends Named>(items: readonly Item[], named: string): Item[] =>
  isBeginning(named) ? items.filter(({ id }) => id.startsWith(named)) : [];

const isBeginning = (named: string): boolean => named.length >= BEGINNING_MIN;

interface Named {
  readonly id: string;
  readonly name: string | null;
}

function theOnly<Item extends Named>(
  found: readonly Item[],
  what: string,
  named: string,
  { exact = false }: FindOptions,
): Item {
  const [first] = found;
  const list = what === 'cluster' ? 'onebuck ls --all' : 'onebuck schedule ls';
  if (first === undefined) {
    const short = isBeginning(named) ? '' : ` An id takes ${BEGINNING_MIN} characters or more.`;
    const message = `There is no ${what} "${printable(named)}": "${list}" shows them.${short}`;
    throw new CliError('notFound', message);
  }
  if (found.length > 1) {
    const those = found.map(({ id, name }) => (name === null ? id : `${id} (${printable(name)})`));
    const message = `"${printable(named)}" may be any of ${those.join(', ')}: give the id.`;
    throw new CliError('usage', message);
  }
  if (exact && first.id !== named && first.name !== named) {
    const message = `"${printable(named)}" is the beginning of an id, and --yes asks nobody: give ${first.id}.`;
    throw new CliError('usage', message);
  }
  return first;
}
