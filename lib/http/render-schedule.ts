import { toUsd } from '../core/base/money.ts';
import { toIso } from '../core/base/units.ts';
import { nextRuns } from '../core/schedule/cron.ts';
import type { Run, ScheduleRecord } from '../core/schedule/schedule.ts';

const NEXT_RUNS = 5;

/** A schedule as the API shows it. */
export function renderSchedule(schedule: ScheduleRecord) {
  const { id, name, owner, cron, timezone, spec, overlap, monthlyCap, enabled } = schedule;
  return {
    id,
    name,
    owner,
    cron,
    timezone,
    spec,
    overlap,
    monthlyCapUsd: monthlyCap === null ? null : toUsd(monthlyCap),
    enabled,
    nextRuns: nextRuns(schedule, NEXT_RUNS).map(toIso),
    runs: schedule.runs.map(renderRun),
    createdAt: toIso(schedule.createdAt),
  };
}

function renderRun(run: Run) {
  return run.result === 'missed'
    ? { ...run, at: toIso(run.at), from: toIso(run.from) }
    : { ...run, at: toIso(run.at) };
}
