import { describe, expect, it } from 'vitest';
import { reportsOf, reportsOn } from '../../../lib/app/read-reports.ts';
import type { AgentReport } from '../../../lib/core/cluster/readiness.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aRunning, ID, LAUNCH, OTHER_ID } from '../../support/builders.ts';
import { aRecordingLog } from '../../support/doubles.ts';

const ready: AgentReport = { kind: 'ready', at: LAUNCH };
const withAgent = aRunning({ agent: true });
const without = aRunning({ id: OTHER_ID });

describe('the reports of clusters', () => {
  it('are read at once for a whole page, and not where no cluster has an agent', async () => {
    const { reports } = createMemoryTable();
    await reports.report(ID, 0, ready, LAUNCH);
    const asked: unknown[] = [];
    const read: typeof reports.read = (ids) => {
      asked.push(ids);
      return reports.read(ids);
    };
    const deps = { reports: { read }, log: aRecordingLog() };
    expect(await reportsOn(deps, [withAgent, without])).toEqual(
      new Map([[ID, new Map([[0, ready]])]]),
    );
    expect(await reportsOf(deps, without)).toEqual(new Map());
    expect(asked).toEqual([[ID]]);
  });

  it('that can not be read hide no cluster', async () => {
    const log = aRecordingLog();
    const read = async (): Promise<never> => {
      throw new Error('throttled');
    };
    expect(await reportsOf({ reports: { read }, log }, withAgent)).toEqual(new Map());
    expect(log.entries).toMatchObject([{ level: 'warn', details: { reason: 'throttled' } }]);
  });
});
