import { ADMIN, isScheduleId } from '../core/base/names.ts';
import type { ClusterRecord } from '../core/cluster/record.ts';
import type { ScheduleRecord } from '../core/schedule/schedule.ts';
import { AppError } from '../errors.ts';
import type { ClusterStore, SchedulePage, ScheduleQuery, ScheduleStore } from '../ports.ts';
import { forOwner } from './read-clusters.ts';

/**
 * A schedule of the owner. A schedule of somebody else is `notFound`, as if it did not exist.
 * `unreadable` if the owner's own record can't be read.
 */
export async function getSchedule(
  { schedules }: { readonly schedules: ScheduleStore },
  owner: string,
  id: string,
): Promise<ScheduleRecord> {
  const schedule = isScheduleId(id) ? await forOwner(owner, schedules.get(id)) : 'notFound';
  if (schedule === 'notFound' || (owner !== ADMIN && schedule.owner !== owner)) {
    throw new AppError('notFound', `There is no schedule ${id}. GET /schedules lists yours.`);
  }
  return schedule;
}

/** The clusters of the schedule's latest runs, if their records are still there and can be read. */
export async function clustersOfRuns(
  { store }: { readonly store: Pick<ClusterStore, 'getMany'> },
  { runs }: ScheduleRecord,
): Promise<readonly ClusterRecord[]> {
  const ids = runs.flatMap((run) => ('clusterId' in run ? [run.clusterId] : []));
  return ids.length === 0 ? [] : (await store.getMany(ids)).records;
}

/** A page of the owner's schedules, newest first; for the admin, of the schedules of all owners. */
export const pageOfSchedules = (
  { schedules }: { readonly schedules: Pick<ScheduleStore, 'page'> },
  owner: string,
  query: Omit<ScheduleQuery, 'owner'>,
): Promise<SchedulePage> => schedules.page({ ...query, owner: owner === ADMIN ? null : owner });

/** All the owner's schedules, newest first; for the admin, the schedules of all owners. */
export function listSchedules(
  { schedules }: { readonly schedules: ScheduleStore },
  owner: string,
): Promise<ScheduleRecord[]> {
  return schedules.list(owner === ADMIN ? null : owner);
}
