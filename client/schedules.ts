import type { Schedule } from './answers.ts';
import { type Api, Refusal } from './api.ts';
import { plural } from './plural.ts';

/* The requests about schedules. Each throws what client/api.ts throws. */

export { isScheduleId } from '../lib/core/base/names.ts';

/** What became of an occurrence. */
export function runWords(run: Schedule['runs'][number]): string {
  switch (run.result) {
    case 'launched':
      return `launched ${run.clusterId}`;
    case 'missed':
      return `${plural(run.count, 'run')} missed, as Onebuck was not running`;
    default:
      return `${run.result}: ${run.reason}`;
  }
}

/** With its answer around it, as the API has it. */
export const listSchedules = (api: Api): Promise<{ readonly schedules: readonly Schedule[] }> =>
  api.json('/schedules');

export const getSchedule = (api: Api, id: string): Promise<Schedule> =>
  api.json(`/schedules/${id}`);

/** With the same key and schedule, the schedule that the first request made. */
export const createSchedule = (api: Api, schedule: unknown, key: string): Promise<Schedule> =>
  api.json('/schedules', { method: 'POST', headers: { 'idempotency-key': key }, body: schedule });

/** Has it pause or go on. */
export const enableSchedule = (api: Api, id: string, enabled: boolean): Promise<Schedule> =>
  api.json(`/schedules/${id}`, { method: 'PATCH', body: { enabled } });

/** Also where it is deleted already: by a first request whose answer was lost, or by another owner. */
export async function deleteSchedule(api: Api, id: string): Promise<void> {
  try {
    await api.json(`/schedules/${id}`, { method: 'DELETE' });
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404) throw error;
  }
}
