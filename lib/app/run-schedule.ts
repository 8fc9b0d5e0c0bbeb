import type { ClusterId, ScheduleId } from '../core/base/names.ts';
import {
  type EpochMs,
  earliest,
  hours,
  minus,
  minutes,
  plus,
  seconds,
  toIso,
} from '../core/base/units.ts';
import { isLive } from '../core/cluster/record.ts';
import { occurrenceAfter } from '../core/schedule/cron.ts';
import { type Run, type ScheduleRecord, withRun } from '../core/schedule/schedule.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import type { Metrics, ScheduleStore } from '../ports.ts';
import { CONFLICTS_MAX } from './destroy-cluster.ts';
import { keyedClusterId, type LaunchDeps, launch } from './launch.ts';

export interface RunDeps extends LaunchDeps {
  readonly schedules: ScheduleStore;
  readonly metrics: Metrics;
}

/**
 * The function sleeps through waits up to this long. For longer waits it ends, and the reaper
 * starts another.
 */
const WAIT_MAX = seconds(90);
/**
 * An occurrence longer ago than this is recorded as missed: nobody waits for its cluster any more.
 */
const CATCH_UP_MAX = hours(1);
/** How long a launch may take before it is left to the next pass. */
const LAUNCH_TIME_MAX = seconds(30);
const RETRY_AFTER = minutes(1);
/**
 * The most missed occurrences that are counted before they are saved, so that each pass makes
 * progress.
 */
const MISSED_AT_ONCE_MAX = 1_000;
const REASON_CHARACTERS_MAX = 500;

/**
 * The errors with which a launch is refused for good: another try at the same occurrence would fail
 * too.
 */
const REFUSALS: readonly ErrorCode[] = ['invalid', 'refused'];

/**
 * A pass over a schedule: launches what is due or falls due in a moment, and records the runs. It
 * may be called at any time, may run twice at once, and may die anywhere, because the occurrence is
 * the launch's idempotency key: another pass finds the same cluster. If Linode or AWS does not
 * answer, it saves when to try again and throws, so that alarms see the failure.
 */
export async function runSchedule(
  deps: RunDeps,
  id: ScheduleId,
  limits: { readonly by: EpochMs },
): Promise<void> {
  const { clock, schedules } = deps;
  const until = earliest(limits.by, plus(clock.now(), WAIT_MAX));
  for (;;) {
    const schedule = await schedules.get(id).catch((error: unknown) => {
      // Nothing but its own runs looks at a schedule.
      const isUnreadable = error instanceof AppError && error.code === 'unreadable';
      if (isUnreadable) deps.metrics.emit(() => ({ UnreadableRecords: 1 }));
      throw error;
    });
    if (schedule === 'notFound' || schedule.nextAt === null || schedule.dueAt === null) return;
    if (schedule.dueAt >= until || clock.now() >= limits.by) return;
    if (schedule.dueAt > clock.now()) {
      // Afterwards the schedule is read again, since it may have been paused meanwhile.
      await clock.sleep(schedule.dueAt);
      continue;
    }
    const by = earliest(limits.by, plus(clock.now(), LAUNCH_TIME_MAX));
    const run = await runOf(deps, schedule, schedule.nextAt, by).catch(async (error: unknown) => {
      await schedules.save({ ...schedule, dueAt: plus(clock.now(), RETRY_AFTER) });
      throw error;
    });
    await saveRun(deps, schedule, run);
  }
}

async function runOf(
  deps: RunDeps,
  schedule: ScheduleRecord,
  at: EpochMs,
  by: EpochMs,
): Promise<Run> {
  const { id, owner, spec } = schedule;
  // The key contains a blank. No Idempotency-Key of a request does, so no request can use the key
  // first.
  const idempotencyKey = `${id} ${toIso(at)}`;
  if (at < minus(deps.clock.now(), CATCH_UP_MAX)) {
    // An earlier pass may have launched the cluster in time and died before it recorded the run.
    const launched = await deps.store.get(keyedClusterId(owner, idempotencyKey));
    if (launched !== 'notFound') return { at, result: 'launched', clusterId: launched.id };
    return missedFrom(schedule, at, minus(deps.clock.now(), CATCH_UP_MAX));
  }
  const live = schedule.overlap === 'skip' ? await liveClusterOf(deps, schedule) : null;
  if (live !== null) {
    return { at, result: 'skipped', reason: `cluster ${live} of the run before is still live` };
  }
  try {
    const from = { id, monthlyCap: schedule.monthlyCap };
    const request = { owner, input: spec, idempotencyKey, schedule: from, by };
    const { record } = await launch(deps, request);
    return { at, result: 'launched', clusterId: record.id };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'conflict') {
      // The conflict is either with too many launches at once, which passes, or with the cluster
      // that an earlier pass launched here, before somebody changed the spec.
      const launched = await deps.store.get(keyedClusterId(owner, idempotencyKey));
      if (launched !== 'notFound') return { at, result: 'launched', clusterId: launched.id };
    }
    if (!REFUSALS.includes(error.code)) throw error;
    const messages = error.details.faults?.map(({ message }) => message) ?? [error.message];
    return { at, result: 'refused', reason: messages.join('; ').slice(0, REASON_CHARACTERS_MAX) };
  }
}

/**
 * The missed run of the occurrence `from` and of the following occurrences that are too late as
 * well.
 */
function missedFrom(schedule: ScheduleRecord, from: EpochMs, tooLateBefore: EpochMs): Run {
  let [at, count] = [from, 1];
  for (; count < MISSED_AT_ONCE_MAX; count += 1) {
    const next = occurrenceAfter(schedule.cron, schedule.timezone, at);
    if (next === null || next >= tooLateBefore) break;
    at = next;
  }
  return { at, result: 'missed', from, count };
}

async function liveClusterOf(
  { store }: Pick<RunDeps, 'store'>,
  { lastClusterId }: ScheduleRecord,
): Promise<ClusterId | null> {
  const record = lastClusterId === null ? 'notFound' : await store.get(lastClusterId);
  return record !== 'notFound' && isLive(record) ? record.id : null;
}

/** Saves a run, unless another pass has done so. */
async function saveRun(deps: RunDeps, read: ScheduleRecord, run: Run): Promise<void> {
  let schedule: ScheduleRecord | 'notFound' = read;
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    if (schedule === 'notFound') return;
    // Somebody may have changed the occurrences meanwhile.
    const { cron, timezone }: ScheduleRecord = schedule;
    const next = withRun(schedule, run, occurrenceAfter(cron, timezone, run.at));
    if (next === schedule) return;
    if ((await deps.schedules.save(next)) !== 'conflict') {
      if (run.result === 'refused') deps.metrics.emit(() => ({ FailedLaunches: 1 }));
      if (run.result === 'missed') deps.metrics.emit(() => ({ FailedLaunches: run.count }));
      const level = run.result === 'launched' || run.result === 'skipped' ? 'info' : 'warn';
      const { at, ...outcome } = run;
      deps.log[level]('schedule ran', { scheduleId: read.id, at: toIso(at), ...outcome });
      return;
    }
    schedule = await deps.schedules.get(read.id);
  }
  throw new Error(`schedule ${read.id} is changing too fast for its run to be noted`);
}
