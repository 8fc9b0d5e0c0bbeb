import { type MicroUsd, toUsd } from '../core/base/money.ts';
import type { ClusterId } from '../core/base/names.ts';
import { toIso } from '../core/base/units.ts';
import { nextRuns } from '../core/schedule/cron.ts';
import type { Run, ScheduleRecord } from '../core/schedule/schedule.ts';

import type { SchedulePage } from '../ports.ts';
import { type JobOfRun, renderCursor, renderUnreadable } from './render.ts';

const NEXT_RUNS = 5;

/**
 * A schedule as the API shows it. `jobs`: the jobs of the clusters that its runs launched; null: not
 * shown, as in a list.
 */
export function renderSchedule(
  schedule: ScheduleRecord,
  jobs: ReadonlyMap<ClusterId, JobOfRun> | null = null,
) {
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
    dailyCapUsd: renderCap(schedule.dailyCap),
    weeklyCapUsd: renderCap(schedule.weeklyCap),
    monthlyCapUsd: renderCap(monthlyCap),
    retry,
    enabled,
    nextTryAt: nextTryAt === null ? null : toIso(nextTryAt),
    nextRuns: nextRuns(schedule, NEXT_RUNS).map(toIso),
    runs: schedule.runs.map((run) => ({ ...renderRun(run), ...jobOfRun(run, jobs) })),
    createdAt: toIso(schedule.createdAt),
  };
}

const renderCap = (cap: MicroUsd | null) => (cap === null ? null : toUsd(cap));

export const renderSchedules = ({ records, nextCursor, unreadable }: SchedulePage) => ({
  schedules: records.map((record) => renderSchedule(record)),
  ...renderCursor(nextCursor),
  ...renderUnreadable(unreadable.map(({ id }) => id)),
});

const jobOfRun = (run: Run, jobs: ReadonlyMap<ClusterId, JobOfRun> | null) =>
  jobs === null || run.result !== 'launched' ? {} : { job: jobs.get(run.clusterId) ?? null };

function renderRun(run: Run) {
  return run.result === 'missed'
    ? { ...run, at: toIso(run.at), from: toIso(run.from) }
    : { ...run, at: toIso(run.at) };
}
