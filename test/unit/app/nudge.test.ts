import { expect, it } from 'vitest';
import { nudgeOrLeaveToReaper } from '../../../lib/app/nudge.ts';
import { ID } from '../../support/builders.ts';
import { aRecordingLog } from '../../support/doubles.ts';

it('a lost nudge is logged, and does not fail the request', async () => {
  const log = aRecordingLog();
  const lose = () => Promise.reject(new Error('no function there'));
  await nudgeOrLeaveToReaper({ nudge: { reconcile: lose, runSchedule: lose }, log }, ID);
  const details = { clusterId: ID, reason: 'Error: no function there' };
  expect(log.entries).toEqual([{ level: 'warn', message: 'nudge lost', details }]);
});
