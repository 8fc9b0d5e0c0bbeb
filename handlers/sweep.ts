import type { Context } from 'aws-lambda';
import { sweep } from '../lib/sweep.ts';
import { clock, limitsOf, linode, log, stage, store } from '../lib/wire.ts';

export const handler = (_: unknown, context: Context) => {
  const deps = { clock: clock(), linode: linode(), store: store(), log: log() };
  return sweep({ ...deps, stage: stage() }, limitsOf(context));
};
