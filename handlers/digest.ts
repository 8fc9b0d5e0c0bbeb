import type { Context } from 'aws-lambda';
import { sendDigests } from '../lib/app/send-digests.ts';
import {
  channels,
  clock,
  digestEvery,
  digests,
  limitsOf,
  log,
  owners,
  schedules,
  settings,
  store,
} from '../lib/wire.ts';

export const handler = (_: unknown, context: Context) => {
  const { stage, monthlySpendPerOwnerMax } = settings();
  const deps = {
    clock: clock(),
    store: store(),
    schedules: schedules(),
    digests: digests(),
    channels: channels(),
    log: log(),
    stage,
    every: digestEvery(),
    owners: owners(),
    monthlyCap: monthlySpendPerOwnerMax,
  };
  return sendDigests(deps, limitsOf(context));
};
