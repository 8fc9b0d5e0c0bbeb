import type { Context } from 'aws-lambda';
import { reconcileInvoices } from '../lib/app/reconcile-invoices.ts';
import {
  clock,
  endedKept,
  invoices,
  limitsOf,
  linode,
  log,
  metrics,
  notifier,
  stage,
  store,
} from '../lib/wire.ts';

export const handler = async (_: unknown, context: Context) => {
  const deps = {
    clock: clock(),
    endedKept: endedKept(),
    invoices: invoices(),
    linode: linode(),
    log: log(),
    metrics: metrics(),
    notifier: notifier(),
    stage: stage(),
    store: store(),
  };
  await reconcileInvoices(deps, limitsOf(context));
};
