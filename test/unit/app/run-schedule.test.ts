import { expect, it } from 'vitest';
import { runSchedule } from '../../../lib/app/run-schedule.ts';
import { minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { AppError } from '../../../lib/errors.ts';
import { LAUNCH, SCHEDULE_ID } from '../../support/builders.ts';
import { depsWith } from '../../support/deps.ts';
import { recordingMetrics } from '../../support/doubles.ts';

it('a run of an unreadable schedule throws, and is counted for the alarm', async () => {
  const metrics = recordingMetrics();
  const deps = depsWith({ metrics });
  const get = () => Promise.reject(new AppError('unreadable', 'its version 2 is not known'));
  const unreadable = { ...deps, schedules: { ...deps.schedules, get } };
  const run = runSchedule(unreadable, SCHEDULE_ID, {
    by: plus(LAUNCH, minutes(1)),
    noticesMs: seconds(5),
  });
  await expect(run).rejects.toMatchObject({ code: 'unreadable' });
  expect(metrics.emitted).toEqual([{ UnreadableRecords: 1 }]);
});
