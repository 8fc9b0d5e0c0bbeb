import {
  between,
  durationMs,
  type EpochMs,
  earliest,
  epochMs,
  hours,
  latest,
  minus,
  minutes,
  plus,
  seconds,
} from '../base/units.ts';
import { billedNodes } from '../cluster/bills.ts';
import { lifeOf } from '../cluster/life.ts';
import { type LiveRecord, withHistory } from '../cluster/record.ts';
import type { JobOutcome } from '../job/progress.ts';
import { beginDeleting } from './phase.ts';

/**
 * Up to when the nodes cost no more than they do at `now`: the first instant at which one of them
 * begins an hour, or the end of the month, where an hour may be billed again unless its price says
 * otherwise.
 */
function paidUntil(record: LiveRecord, now: EpochMs): EpochMs {
  const date = new Date(now);
  const monthEnd = epochMs(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1));
  const marks = billedNodes(record)
    .filter(({ billedUntil }) => billedUntil === null)
    .map(({ billedFrom, hoursFrom = billedFrom, price }) => {
      const begun = Math.max(1, Math.ceil(between(hoursFrom, now) / hours(1)));
      const mark = plus(hoursFrom, durationMs(begun * hours(1)));
      return price.monthEndHour === 'startMonth' ? mark : earliest(monthEnd, mark);
    });
  const [first = monthEnd, ...others] = marks;
  return earliest(first, ...others);
}

/**
 * The record of a cluster whose job has ended, and which lives on or ends as its spec says: at once;
 * or, after a failure, the margin before the end of the hour that is paid anyway. The first end of a
 * job counts for good. During the teardown nothing changes.
 */
export function withJobOver(record: LiveRecord, outcome: JobOutcome, now: EpochMs): LiveRecord {
  const { job } = record.spec;
  if (job === null || record.jobEnd !== undefined || record.phase === 'deleting') return record;
  const { jobStopAt, endBy, ...others } = record;
  const { teardownAt, bill } = lifeOf(others, now);
  const jobEnd = { ...outcome, at: now, teardownAt, billThen: bill };
  const over = withHistory({ ...others, jobEnd, dueAt: now }, now, `job ${textOf(outcome)}`);
  const then = outcome.state === 'failed' ? job.onFailure : job.onDone;
  if (then === 'keep') return over;
  if (then === 'destroy') return beginDeleting(over, now, { reason: 'done', failure: null });
  return { ...over, endBy: latest(now, minus(paidUntil(record, now), record.marginMs)) };
}

function textOf({ state, exitCode, reason }: JobOutcome): string {
  const code = exitCode === null ? '' : `, exit code ${exitCode}`;
  return `${state}${code}${reason === null ? '' : `: ${reason}`}`;
}

/** How long, beside the grace period of the job, its agents have to hear of the stop and to report. */
const STOP_MAX = minutes(3);

/**
 * The record of a cluster whose job is to stop: its agents end the command with their next call, and
 * the cluster ends as after its job, but at the latest when they must have done so.
 */
export function withJobStopped(record: LiveRecord, now: EpochMs, by: string): LiveRecord {
  const { job } = record.spec;
  const isOver = record.jobEnd !== undefined || record.phase === 'deleting';
  if (job === null || isOver || record.jobStopAt !== undefined) return record;
  const endBy = plus(plus(now, seconds(job.gracePeriodSeconds)), STOP_MAX);
  const next = { ...record, jobStopAt: now, endBy, dueAt: now };
  return withHistory(next, now, `${by} asked the job to stop`);
}
