import { describe, expect, it } from 'vitest';
import { runWords } from '../../../client/schedules.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import type { ClusterRecord, JobEnd } from '../../../lib/core/cluster/record.ts';
import type { Run } from '../../../lib/core/schedule/schedule.ts';
import { renderJobsOf } from '../../../lib/http/render.ts';
import { renderSchedule } from '../../../lib/http/render-schedule.ts';
import { scheduleSchema } from '../../../lib/http/schemas.ts';
import {
  aJob,
  anEnded,
  aRunning,
  aSchedule,
  aSpec,
  ID,
  LAUNCH,
  usd,
} from '../../support/builders.ts';

const withJob = aSpec({ job: aJob() });
const failure: JobEnd = {
  ...{ state: 'failed', node: 0, exitCode: 3, reason: null },
  ...{ at: LAUNCH, teardownAt: LAUNCH, billThen: usd(1) },
};

const shownWith = (records: readonly ClusterRecord[], run: Partial<Run> = {}) => {
  const launched = { at: LAUNCH, result: 'launched', clusterId: ID, ...run } as Run;
  const jobs = renderJobsOf(records, new Map(), new Map());
  const shown = renderSchedule(aSchedule({ runs: [launched] }), jobs);
  return scheduleSchema.parse(shown).runs[0];
};

describe('a run of one schedule', () => {
  it.each([
    ['failed', anEnded({ spec: withJob, jobEnd: failure }), ', whose job failed with exit 3'],
    ['waiting', aRunning({ spec: withJob }), ', whose job is waiting'],
    ['stopped', anEnded({ spec: withJob }), ', whose job was stopped'],
  ])('has its job, which is %s', (state, record, words) => {
    const run = shownWith([record]);
    expect(run).toMatchObject({ job: { state } });
    expect(run && runWords(run)).toContain(`launched ${ID}${words}`);
  });

  it('has no job where the cluster has none, or is not known any more', () => {
    expect(shownWith([aRunning()])).toMatchObject({ job: null });
    expect(shownWith([])).toMatchObject({ job: null });
    const other = 'cother22222' as ClusterId;
    expect(shownWith([aRunning({ spec: withJob })], { clusterId: other })).toMatchObject({
      job: null,
    });
  });

  it('shows none in a list', () => {
    const run: Run = { at: LAUNCH, result: 'launched', clusterId: ID };
    const [shown] = renderSchedule(aSchedule({ runs: [run] })).runs;
    expect(shown).not.toHaveProperty('job');
    expect(shown && runWords(shown)).toBe(`launched ${ID}`);
  });
});
