import { isDeepStrictEqual } from 'node:util';
import type { ScheduleId } from '../core/base/names.ts';
import { type EpochMs, latest } from '../core/base/units.ts';
import { occurrenceAfter } from '../core/schedule/cron.ts';
import {
  parseScheduleChange,
  type ScheduleChange,
  type ScheduleRecord,
  withChange,
} from '../core/schedule/schedule.ts';
import { AppError } from '../errors.ts';
import type { Clock, JobFiles, ScheduleStore } from '../ports.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import { type CheckDeps, checkSchedule } from './check-schedule.ts';
import { forgetInputs, inputsOf, keepInputs } from './keep-inputs.ts';
import { getSchedule } from './read-schedules.ts';
import { CONFLICTS_MAX } from './save-over.ts';

interface StoreDeps {
  readonly clock: Clock;
  readonly schedules: ScheduleStore;
}

export interface ScheduleChangeRequest {
  readonly owner: string;
  readonly id: string;
  /** The change as the client sent it, not yet checked. */
  readonly input: unknown;
  /** After this instant, give up on reading Linode's catalogue. */
  readonly by: EpochMs;
}

/**
 * Changes some fields of a schedule. If the spec or the occurrences change, or the monthly cap goes,
 * the changed schedule is checked as a new one is: AppError `invalid` with every fault, or `refused`.
 * A second time, the same change changes nothing. A schedule can't resume while the stage is drained.
 */
export async function changeSchedule(
  deps: StoreDeps & CheckDeps & { readonly caps: Pick<CapsKeeper, 'refuseWhileDrained'> },
  { owner, id, input, by }: ScheduleChangeRequest,
): Promise<ScheduleRecord> {
  const parsed = parseScheduleChange(input, deps.settings);
  const faults = parsed.ok ? [] : parsed.faults;
  const change = parsed.ok ? parsed.change : parsed.partial;
  let inputs: readonly string[] = [];
  const saved = await saveChange(deps, { owner, id, change }, async (before) => {
    if (faults.length > 0) return checkSchedule(deps, change, { faults, by });
    const changed = { ...before, ...change };
    const isSame = (field: 'cron' | 'timezone' | 'spec') =>
      isDeepStrictEqual(changed[field], before[field]);
    const isUncapped = changed.monthlyCap === null && before.monthlyCap !== null;
    if (!isSame('cron') || !isSame('timezone') || !isSame('spec') || isUncapped) {
      await checkSchedule(deps, changed, { faults, by });
    }
    if (changed.enabled && !before.enabled) await deps.caps.refuseWhileDrained();
    inputs = inputsOf(before.spec);
    if (!isSame('spec')) await keepInputs(deps.files, before, changed.spec);
  });
  const needed = inputsOf(saved.spec);
  const others = inputs.filter((upload) => !needed.includes(upload));
  await forgetInputs(deps.files, saved.id, others);
  return saved;
}

/** Pauses a schedule: a change that needs no check. */
export const pauseSchedule = (
  deps: StoreDeps,
  owner: string,
  id: string,
): Promise<ScheduleRecord> =>
  saveChange(deps, { owner, id, change: { enabled: false } }, async () => {});

/**
 * A schedule that resumes, or whose occurrences move, goes on from now, without occurrences of
 * before, and without those that have a run already, in case the clock was set back.
 */
async function saveChange(
  deps: StoreDeps,
  { owner, id, change }: { owner: string; id: string; change: ScheduleChange },
  check: (before: ScheduleRecord) => Promise<void>,
): Promise<ScheduleRecord> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const before = await getSchedule(deps, owner, id);
    await check(before);
    if (isDeepStrictEqual({ ...before, ...change }, before)) return before;
    const after = latest(deps.clock.now(), ...before.runs.map(({ at }) => at));
    const changed = withChange(before, change, (cron, timezone) =>
      occurrenceAfter(cron, timezone, after),
    );
    const saved = await deps.schedules.save(changed);
    if (saved !== 'conflict') return saved;
  }
  throw new AppError('conflict', `Schedule ${id} is changing fast. Send the PATCH again.`);
}

/**
 * Deletes a schedule, with the inputs kept for its runs; its clusters live on. A second call is
 * `notFound`, since nobody knows any more whose schedule it was.
 */
export async function deleteSchedule(
  { schedules, files }: { readonly schedules: ScheduleStore; readonly files: JobFiles | null },
  owner: string,
  id: string,
): Promise<void> {
  const schedule = await getSchedule({ schedules }, owner, id).catch((error: unknown) => {
    // Its owner may delete a schedule that nobody can read, and whose inputs nobody knows.
    if (error instanceof AppError && error.code === 'unreadable') return null;
    throw error;
  });
  await schedules.delete(id as ScheduleId);
  if (schedule !== null) await forgetInputs(files, schedule.id, inputsOf(schedule.spec));
}
