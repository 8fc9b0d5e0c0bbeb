import type { ClusterId, ScheduleId } from '../core/base/names.ts';
import {
  type DurationMs,
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
import type { RunNotice } from '../core/notices/runs.ts';
import { occurrenceAfter } from '../core/schedule/cron.ts';
import {
  afterLook,
  afterTry,
  isForCapacity,
  type Tried,
  windowEnd,
} from '../core/schedule/retry.ts';
import {
  type PendingRun,
  type Run,
  type ScheduleRecord,
  withPending,
  withRun,
  withRunNoted,
} from '../core/schedule/schedule.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import type { Metrics, Notifier, ScheduleStore } from '../ports.ts';
import { keyedClusterId, type LaunchDeps, launch } from './launch.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { CONFLICTS_MAX } from './save-over.ts';

export interface RunDeps extends LaunchDeps {
  readonly schedules: ScheduleStore;
  readonly metrics: Metrics;
  readonly notifier: Notifier;
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

export interface RunLimits {
  /** No call continues after this instant. */
  readonly by: EpochMs;
  /** How long the function waits at its end for notices that are still on their way. */
  readonly noticesMs: DurationMs;
}

/**
 * A pass over a schedule: launches what is due or falls due in a moment, and records the runs; then
 * looks whether the cluster of the latest run came up, and tries again what failed for capacity. It
 * may be called at any time, may run twice at once, and may die anywhere, because the occurrence is
 * the launch's idempotency key: another pass finds the same cluster. If Linode or AWS does not
 * answer, it saves when to try again and throws, so that alarms see the failure.
 */
export async function runSchedule(deps: RunDeps, id: ScheduleId, limits: RunLimits): Promise<void> {
  const outbox = createOutbox(deps, limits);
  try {
    await makePasses(deps, id, limits.by, outbox);
  } finally {
    await outbox.flush();
  }
}

async function makePasses(
  deps: RunDeps,
  id: ScheduleId,
  by: EpochMs,
  outbox: Outbox,
): Promise<void> {
  const { clock, schedules } = deps;
  const until = earliest(by, plus(clock.now(), WAIT_MAX));
  for (;;) {
    const schedule = await schedules.get(id).catch((error: unknown) => {
      // Nothing but its own runs looks at a schedule.
      const isUnreadable = error instanceof AppError && error.code === 'unreadable';
      if (isUnreadable) deps.metrics.emit(() => ({ UnreadableRecords: 1 }));
      throw error;
    });
    if (schedule === 'notFound' || schedule.dueAt === null) return;
    if (schedule.dueAt >= until || clock.now() >= by) return;
    if (schedule.dueAt > clock.now()) {
      // Only an occurrence is worth a function that waits.
      if (schedule.dueAt === schedule.pending?.lookAt) return;
      // Afterwards the schedule is read again, since it may have been paused meanwhile.
      await clock.sleep(schedule.dueAt);
      continue;
    }
    const launchBy = earliest(by, plus(clock.now(), LAUNCH_TIME_MAX));
    const save = await dueWork(deps, schedule, launchBy).catch(async (error: unknown) => {
      await schedules.save({ ...schedule, dueAt: retryAt(schedule, clock.now()) });
      throw error;
    });
    await save(outbox);
  }
}

/** A minute later, but not after the next occurrence. */
function retryAt({ nextAt }: ScheduleRecord, now: EpochMs): EpochMs {
  const retry = plus(now, RETRY_AFTER);
  return nextAt === null || nextAt <= now ? retry : earliest(retry, nextAt);
}

/** Does what is due: the pending run, or the next occurrence. Returns how to save the result. */
async function dueWork(
  deps: RunDeps,
  schedule: ScheduleRecord,
  by: EpochMs,
): Promise<(outbox: Outbox) => Promise<void>> {
  const { nextAt, pending } = schedule;
  const isOccurrence = nextAt !== null && nextAt <= deps.clock.now();
  if (pending !== null) {
    const settled = await settle(deps, schedule, pending, { by, mayTry: !isOccurrence });
    return (outbox) => saveSettled(deps, schedule, settled, outbox);
  }
  // The schedule is due, and no run is pending.
  const tried = await tryAt(deps, schedule, nextAt as EpochMs, by);
  return (outbox) => saveRun(deps, schedule, tried, outbox);
}

/** The pending run after a look at its cluster, or after another try. */
interface Settled {
  /** null: the run stays as it is. */
  readonly run: Run | null;
  readonly pending: PendingRun | null;
}

/** `mayTry` false: the next occurrence is due, so the pending run is over. */
async function settle(
  deps: RunDeps,
  schedule: ScheduleRecord,
  pending: PendingRun,
  { by, mayTry }: { readonly by: EpochMs; readonly mayTry: boolean },
): Promise<Settled> {
  const { at, clusterId } = pending;
  const now = deps.clock.now();
  const over = { run: schedule.runs.find((run) => run.at === at) ?? null, pending: null };
  if (clusterId !== null) {
    const found = await deps.store.get(clusterId);
    const looked = afterLook(schedule, pending, found === 'notFound' ? null : found, now);
    return mayTry ? looked : { ...looked, pending: null };
  }
  // The window ends with the next occurrence at the latest.
  if (now >= windowEnd(schedule, at)) return over;
  const tries = pending.tries + 1;
  return afterTry(schedule, { ...(await launchAt(deps, schedule, { at, tries, by })), tries }, now);
}

async function tryAt(
  deps: RunDeps,
  schedule: ScheduleRecord,
  at: EpochMs,
  by: EpochMs,
): Promise<Tried> {
  const { id, owner } = schedule;
  if (at < minus(deps.clock.now(), CATCH_UP_MAX)) {
    // An earlier pass may have launched the cluster in time and died before it recorded the run.
    const launched = await deps.store.get(keyedClusterId(owner, launchKey(id, at, 1)));
    const run: Run =
      launched === 'notFound'
        ? missedFrom(schedule, at, minus(deps.clock.now(), CATCH_UP_MAX))
        : { at, result: 'launched', clusterId: launched.id };
    return afterTry(schedule, { run, tries: 1, forCapacity: false }, deps.clock.now());
  }
  const live = schedule.overlap === 'skip' ? await liveClusterOf(deps, schedule) : null;
  if (live !== null) {
    const reason = `cluster ${live} of the run before is still live`;
    return { run: { at, result: 'skipped', reason }, pending: null };
  }
  const launched = await launchAt(deps, schedule, { at, tries: 1, by });
  return afterTry(schedule, { ...launched, tries: 1 }, deps.clock.now());
}

/**
 * The idempotency key of a try. It contains a blank. No Idempotency-Key of a request does, so no
 * request can use the key first.
 */
const launchKey = (id: ScheduleId, at: EpochMs, tries: number): string =>
  `${id} ${toIso(at)}${tries === 1 ? '' : ` ${tries}`}`;

async function launchAt(
  deps: RunDeps,
  { id, owner, spec, dailyCap, weeklyCap, monthlyCap }: ScheduleRecord,
  { at, tries, by }: { readonly at: EpochMs; readonly tries: number; readonly by: EpochMs },
): Promise<{ readonly run: Run; readonly forCapacity: boolean }> {
  const idempotencyKey = launchKey(id, at, tries);
  const launched = (clusterId: ClusterId) =>
    ({ run: { at, result: 'launched', clusterId }, forCapacity: false }) as const;
  try {
    const schedule = { id, caps: { day: dailyCap, week: weeklyCap, month: monthlyCap } };
    const { record } = await launch(deps, { owner, input: spec, idempotencyKey, schedule, by });
    return launched(record.id);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'conflict') {
      // The conflict is either with too many launches at once, which passes, or with the cluster
      // that an earlier pass launched here, before somebody changed the spec.
      const found = await deps.store.get(keyedClusterId(owner, idempotencyKey));
      if (found !== 'notFound') return launched(found.id);
    }
    if (!REFUSALS.includes(error.code)) throw error;
    const messages = error.details.faults?.map(({ message }) => message) ?? [error.message];
    const reason = messages.join('; ').slice(0, REASON_CHARACTERS_MAX);
    return { run: { at, result: 'refused', reason }, forCapacity: messages.every(isForCapacity) };
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

/** Saves the run of an occurrence, unless another pass has done so. */
async function saveRun(
  deps: RunDeps,
  read: ScheduleRecord,
  { run, pending }: Tried,
  outbox: Outbox,
): Promise<void> {
  let schedule: ScheduleRecord | 'notFound' = read;
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    if (schedule === 'notFound') return;
    // Somebody may have changed the occurrences meanwhile.
    const { cron, timezone }: ScheduleRecord = schedule;
    const noted = withRun(schedule, run, occurrenceAfter(cron, timezone, run.at));
    if (noted === schedule) return;
    const saved = await deps.schedules.save(withPending(noted, pending));
    if (saved !== 'conflict') return report(deps, saved, run, outbox);
    schedule = await deps.schedules.get(read.id);
  }
  throw new Error(`schedule ${read.id} is changing too fast for its run to be noted`);
}

/**
 * Saves the pending run over the schedule that was read. After a conflict, the next pass reads the
 * schedule anew, and finds the same cluster.
 */
async function saveSettled(
  deps: RunDeps,
  read: ScheduleRecord,
  { run, pending }: Settled,
  outbox: Outbox,
): Promise<void> {
  const noted = run === null ? read : withRunNoted(read, run);
  const saved = await deps.schedules.save(withPending(noted, pending));
  if (saved !== 'conflict' && run !== null) report(deps, saved, run, outbox);
}

/** Logs the run; if its result is final and left the owner without a cluster, notifies the owner. */
function report(deps: RunDeps, schedule: ScheduleRecord, run: Run, outbox: Outbox): void {
  const { clock, log, metrics, settings } = deps;
  const isFinal = schedule.pending === null;
  const level = run.result === 'launched' || run.result === 'skipped' ? 'info' : 'warn';
  const { at, ...outcome } = run;
  log[level]('schedule ran', { scheduleId: schedule.id, at: toIso(at), ...outcome });
  const notice = isFinal ? noticeOf(schedule, run, settings.stage, clock.now()) : null;
  if (notice === null) return;
  // The pass that ended a failed cluster has counted it already.
  if (run.result !== 'failed') metrics.emit(() => ({ FailedLaunches: notice.count }));
  outbox.send(notice);
}

/** null: the run launched a cluster, or left it out on purpose. */
function noticeOf(
  { id, owner, name, nextAt }: ScheduleRecord,
  run: Run,
  stage: string,
  now: EpochMs,
): RunNotice | null {
  const base = { scheduleId: id, owner, stage, name, at: now, occurrence: run.at, nextAt };
  const one = { ...base, count: 1, from: run.at, tries: run.tries ?? 1 };
  switch (run.result) {
    case 'launched':
    case 'skipped':
      return null;
    case 'refused':
      return { ...one, kind: 'runRefused', clusterId: null, reason: run.reason };
    case 'failed':
      return { ...one, kind: 'runFailed', clusterId: run.clusterId, reason: run.reason };
    case 'missed': {
      const { count, from } = run;
      return { ...one, kind: 'runMissed', count, from, clusterId: null, reason: null };
    }
  }
}
