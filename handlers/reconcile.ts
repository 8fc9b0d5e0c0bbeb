import type { Context } from 'aws-lambda';
import { reconcile } from '../lib/app/reconcile.ts';
import { isClusterId } from '../lib/core/base/names.ts';
import {
  caps,
  clock,
  limitsOf,
  linode,
  log,
  metrics,
  notifier,
  secrets,
  store,
} from '../lib/wire.ts';

export const handler = async (event: { clusterId?: unknown }, context: Context) => {
  const { clusterId } = event;
  if (typeof clusterId !== 'string' || !isClusterId(clusterId)) {
    throw new TypeError('the event must be {"clusterId": "c…"}');
  }
  const deps = {
    caps: caps(),
    clock: clock(),
    linode: linode(),
    log: log(),
    metrics: metrics(),
    notifier: notifier(),
    secrets: secrets(),
    store: store(),
  };
  await reconcile(deps, clusterId, limitsOf(context));
};
