import type { Context } from 'aws-lambda';
import { reconcile } from '../lib/app/reconcile.ts';
import { isClusterId } from '../lib/core/base/names.ts';
import { epochMs } from '../lib/core/base/units.ts';
import type { Batch, PassRequest } from '../lib/core/pass/batches.ts';
import {
  allowances,
  caps,
  catalogue,
  clock,
  jobs,
  limitsOf,
  linode,
  log,
  metrics,
  notifier,
  publicUrl,
  reports,
  secrets,
  store,
} from '../lib/wire.ts';

/**
 * The event is `{"passes": [{"clusterId": "c…", "beginAt": 1792490220000}, …]}`; a pass may have
 * `"unmeasured": true`.
 */
export const handler = async (event: { passes?: unknown }, context: Context) => {
  const batch = batchIn(event);
  const deps = {
    allowances: allowances(),
    caps: caps(),
    catalogue: catalogue(),
    clock: clock(),
    jobs: jobs(),
    linode: linode(),
    log: log(),
    metrics: metrics(),
    notifier: notifier(),
    publicUrl,
    reports: reports(),
    secrets: secrets(),
    store: store(),
  };
  await reconcile(deps, batch, limitsOf(context));
};

function batchIn({ passes }: { passes?: unknown }): Batch {
  if (!Array.isArray(passes) || passes.length === 0) throw illFormed();
  return passes.map(passRequestIn);
}

function passRequestIn(pass: unknown): PassRequest {
  const { clusterId, beginAt, unmeasured } = (pass ?? {}) as Record<string, unknown>;
  if (typeof clusterId !== 'string' || !isClusterId(clusterId)) throw illFormed();
  if (unmeasured !== undefined && unmeasured !== true) throw illFormed();
  const request: PassRequest = { clusterId, ...(unmeasured === true && { unmeasured }) };
  if (beginAt === undefined) return request;
  if (!Number.isSafeInteger(beginAt)) throw illFormed();
  return { ...request, beginAt: epochMs(beginAt as number) };
}

const illFormed = () =>
  new TypeError('the event must be {"passes": [{"clusterId": "c…", "beginAt": epoch ms}, …]}');
