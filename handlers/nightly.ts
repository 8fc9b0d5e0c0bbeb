import type { Context } from 'aws-lambda';
import { nightly } from '../lib/nightly.ts';
import {
  caps,
  catalogue,
  clock,
  limitsOf,
  log,
  nudge,
  secrets,
  settings,
  store,
} from '../lib/wire.ts';

export const handler = async (event: unknown, context: Context) => {
  const deps = {
    caps: caps(),
    catalogue: catalogue(),
    clock: clock(),
    log: log(),
    nudge: nudge(),
    secrets: secrets(),
    settings: settings(),
    store: store(),
  };
  const { record, isNew } = await nightly(deps, event, limitsOf(context).by);
  return { clusterId: record.id, isNew };
};
