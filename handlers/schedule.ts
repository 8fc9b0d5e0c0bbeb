import type { Context } from 'aws-lambda';
import { runSchedule } from '../lib/app/run-schedule.ts';
import { isScheduleId } from '../lib/core/base/names.ts';
import { launchDeps, limitsOf, metrics, notifier, schedules } from '../lib/wire.ts';

export const handler = async (event: { scheduleId?: unknown }, context: Context) => {
  const { scheduleId } = event;
  if (typeof scheduleId !== 'string' || !isScheduleId(scheduleId)) {
    throw new TypeError('the event must be {"scheduleId": "s…"}');
  }
  const own = { schedules: schedules(), metrics: metrics(), notifier: notifier() };
  const deps = { ...launchDeps(), ...own };
  await runSchedule(deps, scheduleId, limitsOf(context));
};
