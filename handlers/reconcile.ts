import type { Context } from 'aws-lambda';
import { isClusterId } from '../lib/core/names.ts';
import { reconcile } from '../lib/reconcile.ts';
import { clock, limitsOf, linode, log, secrets, store } from '../lib/wire.ts';

export const handler = async (event: { clusterId?: unknown }, context: Context) => {
  const { clusterId } = event;
  if (typeof clusterId !== 'string' || !isClusterId(clusterId)) {
    throw new TypeError('the event must be {"clusterId": "c…"}');
  }
  const deps = { clock: clock(), linode: linode(), store: store(), secrets: secrets(), log: log() };
  await reconcile(deps, clusterId, limitsOf(context));
};
