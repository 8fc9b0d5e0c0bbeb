import { toUsd } from '../core/base/money.ts';
import { toIso } from '../core/base/units.ts';
import { nextRuns } from '../core/schedule/cron.ts';
import type { Run, ScheduleRecord } from '../core/schedule/schedule.ts';

import type { SchedulePage } from '../ports.ts';
import { renderCursor, renderUnreadable } from './render.ts';

const NEXT_RUNS = 5;

/** A schedule as the API shows it. */
export function renderSchedule(schedule: ScheduleRecord) {
  const { id, name, owner, cron, timezone, spec, overlap, monthlyCap, retry, enabled } = schedule;
  const { pending } = schedule;
  const nextTryAt = pending?.clusterId === null ? pending.lookAt : null;
  return {
    id,
    name,
    owner,
    cron,
    timezone,
    spec,
    overlap,
    monthlyCapUsd: monthlyCap === null ? null : toUsd(monthlyCap),
    retry,
    enabled,
    nextTryAt: nextTryAt === null ? null : toIso(nextTryAt),
    nextRuns: nextRuns(schedule, NEXT_RUNS).map(toIso),
    runs: schedule.runs.map(renderRun),
    createdAt: toIso(schedule.createdAt),
  };
}

export const renderSchedules = ({ records, nextCursor, unreadable }: SchedulePage) => ({
  schedules: records.map(renderSchedule),
  ...renderCursor(nextCursor),
  ...renderUnreadable(unreadable.map(({ id }) => id)),
});

function renderRun(run: Run) {
  return run.result === 'missed'
    ? { ...run, at: toIso(run.at), from: toIso(run.from) }
    : { ...run, at: toIso(run.at) };
}
