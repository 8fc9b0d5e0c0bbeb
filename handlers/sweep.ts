import type { Context } from 'aws-lambda';
import { sweep } from '../lib/app/sweep.ts';
import { caps, clock, limitsOf, linode, log, metrics, stage, store } from '../lib/wire.ts';

export const handler = (_: unknown, context: Context) => {
  const deps = {
    caps: caps(),
    clock: clock(),
    linode: linode(),
    log: log(),
    metrics: metrics(),
    stage: stage(),
    store: store(),
  };
  return sweep(deps, limitsOf(context));
};
