import type { EpochMs } from '../core/base/units.ts';
import { occurrenceAfter } from '../core/schedule/cron.ts';
import {
  parseSchedule,
  type ScheduleRecord,
  type ScheduleRequest,
} from '../core/schedule/schedule.ts';
import { AppError } from '../errors.ts';
import type { Log, ScheduleStore } from '../ports.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import { type CheckDeps, checkSchedule } from './check-schedule.ts';
import { hashOf, idOfKey, keyUsedOtherwise, newId } from './ids.ts';
import { keepInputs } from './keep-inputs.ts';

export interface ScheduleDeps extends CheckDeps {
  readonly caps: Pick<CapsKeeper, 'refuseWhileDrained'>;
  readonly schedules: ScheduleStore;
  readonly log: Log;
}

export interface ScheduleCreation {
  readonly owner: string;
  /** The schedule as the client sent it, not yet checked. */
  readonly input: unknown;
  /** The same key from the same owner gives the same schedule; null: always a new one. */
  readonly idempotencyKey: string | null;
  /** After this instant, give up on reading Linode's catalogue. */
  readonly by: EpochMs;
}

/**
 * The most schedules of an owner. Lists may lag behind writes, so a hurried owner may get a few
 * more.
 */
const SCHEDULES_PER_OWNER_MAX = 50;

/**
 * Creates a schedule, if its spec could be launched at the first occurrence. If not, AppError
 * `invalid` with every fault of schedule and spec, or `refused`. While the stage is drained, only a
 * paused schedule can be created: a drain pauses all others.
 */
export async function createSchedule(
  deps: ScheduleDeps,
  creation: ScheduleCreation,
): Promise<{ readonly schedule: ScheduleRecord; readonly isNew: boolean }> {
  const { owner, input, idempotencyKey } = creation;
  const requestHash = hashOf(input);
  const keyedId = idempotencyKey === null ? null : idOfKey('s', [owner, idempotencyKey]);
  const before = keyedId === null ? 'notFound' : await deps.schedules.get(keyedId);
  if (before !== 'notFound')
    return { schedule: sameRequest(before, owner, requestHash), isNew: false };

  const request = await checked(deps, input, creation.by);
  if (request.enabled) await deps.caps.refuseWhileDrained();
  if ((await deps.schedules.list(owner)).length >= SCHEDULES_PER_OWNER_MAX) {
    const most = `You have ${SCHEDULES_PER_OWNER_MAX} schedules, the most that an owner can have.`;
    throw new AppError('refused', `${most} Delete one first.`);
  }
  const id = keyedId ?? newId('s');
  // Before the schedule is there, as a run could come at once.
  await keepInputs(deps.files, { id, owner }, request.spec);
  const now = deps.clock.now();
  const nextAt = request.enabled ? occurrenceAfter(request.cron, request.timezone, now) : null;
  const schedule: ScheduleRecord = {
    ...request,
    id,
    owner,
    revision: 1,
    createdAt: now,
    requestHash,
    nextAt,
    dueAt: nextAt,
    pending: null,
    lastClusterId: null,
    runs: [],
  };
  if ((await deps.schedules.insert(schedule)) === 'exists') {
    const winner = await deps.schedules.get(id);
    if (winner === 'notFound') {
      throw new AppError('conflict', 'Try again: the schedule id was in use.');
    }
    return { schedule: sameRequest(winner, owner, requestHash), isNew: false };
  }
  deps.log.info('schedule created', { scheduleId: id, owner, cron: request.cron });
  return { schedule, isNew: true };
}

function sameRequest(schedule: ScheduleRecord, owner: string, requestHash: string): ScheduleRecord {
  // As with clusters, another key may have the same id (launch.ts).
  if (schedule.owner !== owner) {
    throw new AppError('conflict', 'This Idempotency-Key is in use. Use another key.');
  }
  if (schedule.requestHash === requestHash) return schedule;
  throw keyUsedOtherwise('schedule');
}

async function checked(deps: ScheduleDeps, input: unknown, by: EpochMs): Promise<ScheduleRequest> {
  const parsed = parseSchedule(input, deps.settings);
  if (parsed.ok) {
    await checkSchedule(deps, parsed.request, { faults: [], by });
    return parsed.request;
  }
  const { partial, faults } = parsed;
  await checkSchedule(deps, partial, { faults, by });
  throw new Error('a schedule with faults was found to have none');
}
