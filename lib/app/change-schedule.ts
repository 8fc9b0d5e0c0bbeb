import type { ScheduleId } from '../core/base/names.ts';
import { latest } from '../core/base/units.ts';
import { occurrenceAfter } from '../core/schedule/cron.ts';
import { parseScheduleChange, type ScheduleRecord, withNext } from '../core/schedule/schedule.ts';
import { AppError } from '../errors.ts';
import type { Clock, ScheduleStore } from '../ports.ts';
import { CONFLICTS_MAX } from './destroy-cluster.ts';
import { getSchedule } from './read-schedules.ts';

/**
 * Pauses or resumes a schedule. It resumes from now on, without the occurrences while it was
 * paused, and without those that have a run already, in case the clock was set back.
 */
export async function changeSchedule(
  deps: { readonly clock: Clock; readonly schedules: ScheduleStore },
  owner: string,
  id: string,
  input: unknown,
): Promise<ScheduleRecord> {
  const parsed = parseScheduleChange(input);
  if (!parsed.ok) {
    const detail = 'The change has faults; each is listed with what to do.';
    throw new AppError('invalid', detail, { faults: parsed.faults });
  }
  const { enabled } = parsed.change;
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const schedule = await getSchedule(deps, owner, id);
    if (schedule.enabled === enabled) return schedule;
    const { cron, timezone, runs } = schedule;
    const after = latest(deps.clock.now(), ...runs.map(({ at }) => at));
    const nextAt = enabled ? occurrenceAfter(cron, timezone, after) : null;
    const saved = await deps.schedules.save(withNext({ ...schedule, enabled }, nextAt));
    if (saved !== 'conflict') return saved;
  }
  throw new AppError('conflict', `Schedule ${id} is changing fast. Send the PATCH again.`);
}

/**
 * Deletes a schedule; its clusters live on. A second call is `notFound`, since nobody knows any
 * more whose schedule it was.
 */
export async function deleteSchedule(
  { schedules }: { readonly schedules: ScheduleStore },
  owner: string,
  id: string,
): Promise<void> {
  await getSchedule({ schedules }, owner, id).catch((error: unknown) => {
    // Its owner may delete a schedule that nobody can read.
    if (!(error instanceof AppError && error.code === 'unreadable')) throw error;
  });
  await schedules.delete(id as ScheduleId);
}
