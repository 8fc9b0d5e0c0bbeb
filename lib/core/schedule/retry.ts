import { type EpochMs, earliest, minutes, plus } from '../base/units.ts';
import type { ClusterRecord } from '../cluster/record.ts';
import { occurrenceAfter } from './cron.ts';
import type { PendingRun, Run, ScheduleRecord } from './schedule.ts';

/** How long after a launch a pass first looks whether its cluster is up: most are by then. */
const FIRST_LOOK_AFTER = minutes(2);
const LOOK_EVERY = minutes(1);

/**
 * Whether Linode refused a launch because it has no machines left, or the account no room for more:
 * the same launch may succeed later. Linode's words are in docs/linode.md.
 */
export const isForCapacity = (reason: string): boolean =>
  /sold out|not currently available in the selected region|reached a limit|account limit/i.test(
    reason,
  );

/**
 * When to try the run of the occurrence `at` again, after a try that failed at `now`; null: not at
 * all.
 */
export function nextTryAt(schedule: ScheduleRecord, at: EpochMs, now: EpochMs): EpochMs | null {
  const { retry, enabled } = schedule;
  if (retry === null || !enabled) return null;
  const tryAt = plus(now, minutes(retry.everyMinutes));
  return tryAt < windowEnd(schedule, at) ? tryAt : null;
}

/** The end of the window in which the run may be tried again; its beginning if it may not be. */
export function windowEnd(schedule: ScheduleRecord, at: EpochMs): EpochMs {
  const { retry, enabled, cron, timezone } = schedule;
  if (retry === null || !enabled) return at;
  const end = plus(at, minutes(retry.forMinutes));
  const next = occurrenceAfter(cron, timezone, at);
  return next === null ? end : earliest(end, next);
}

/** The run of an occurrence after a try, and whether its result may yet change. */
export interface Tried {
  readonly run: Run;
  /** null: the result is final. */
  readonly pending: PendingRun | null;
}

/**
 * What follows from the result of a try, which counts as the `tries`th. `forCapacity`: whether a
 * refusal may pass.
 */
export function afterTry(
  schedule: ScheduleRecord,
  { run, tries, forCapacity }: { run: Run; tries: number; forCapacity: boolean },
  now: EpochMs,
): Tried {
  const { at } = run;
  const counted = tries === 1 ? run : { ...run, tries };
  if (run.result === 'launched') {
    const lookAt = plus(now, FIRST_LOOK_AFTER);
    return { run: counted, pending: { at, clusterId: run.clusterId, tries, lookAt } };
  }
  const tryAt = forCapacity ? nextTryAt(schedule, at, now) : null;
  const pending = tryAt === null ? null : { at, clusterId: null, tries, lookAt: tryAt };
  return { run: counted, pending };
}

/**
 * What a look at the cluster of the pending run shows: the run with its new result, or null as long
 * as nothing has changed. `cluster` null: there is no record of it any more.
 */
export function afterLook(
  schedule: ScheduleRecord,
  pending: PendingRun,
  cluster: ClusterRecord | null,
  now: EpochMs,
): { readonly run: Run | null; readonly pending: PendingRun | null } {
  if (cluster === null) return { run: null, pending: null };
  if (cluster.phase === 'failed') {
    const { at, tries } = pending;
    const reason = cluster.failure ?? 'no node came up';
    const run = { at, result: 'failed', clusterId: cluster.id, reason } as const;
    return afterTry(schedule, { run, tries, forCapacity: isForCapacity(reason) }, now);
  }
  const isFailing = cluster.phase === 'deleting' && cluster.endReason === 'failed';
  const mayFail = cluster.phase === 'provisioning' || isFailing;
  return { run: null, pending: mayFail ? { ...pending, lookAt: plus(now, LOOK_EVERY) } : null };
}
