import type { Context } from 'aws-lambda';
import { nightly } from '../lib/app/launch-nightly.ts';
import { launchDeps, limitsOf } from '../lib/wire.ts';

export const handler = async (event: unknown, context: Context) => {
  const { record, isNew } = await nightly(launchDeps(), event, limitsOf(context).by);
  return { clusterId: record.id, isNew };
};
