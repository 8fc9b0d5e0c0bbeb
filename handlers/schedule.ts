import type { Context } from 'aws-lambda';
import { isScheduleId } from '../lib/core/names.ts';
import { runSchedule } from '../lib/run-schedule.ts';
import {
  caps,
  catalogue,
  clock,
  limitsOf,
  log,
  nudge,
  schedules,
  secrets,
  settings,
  store,
} from '../lib/wire.ts';

export const handler = async (event: { scheduleId?: unknown }, context: Context) => {
  const { scheduleId } = event;
  if (typeof scheduleId !== 'string' || !isScheduleId(scheduleId)) {
    throw new TypeError('the event must be {"scheduleId": "s…"}');
  }
  const deps = {
    caps: caps(),
    catalogue: catalogue(),
    clock: clock(),
    log: log(),
    nudge: nudge(),
    schedules: schedules(),
    secrets: secrets(),
    settings: settings(),
    store: store(),
  };
  await runSchedule(deps, scheduleId, limitsOf(context));
};
