import { describe, expect, it } from 'vitest';
import { minutes, plus } from '../../../../lib/core/base/units.ts';
import { EMPTY_LEDGER } from '../../../../lib/core/caps/ledger.ts';
import { createMemoryTable } from '../../../../simulators/aws/memory-table.ts';
import { agentReportsContract } from '../../../support/agent-reports-contract.ts';
import { allowancesContract } from '../../../support/allowances-contract.ts';
import { aCluster, anEnded, aRunning, LAUNCH } from '../../../support/builders.ts';
import { clusterStoreContract, idsDue } from '../../../support/cluster-store-contract.ts';
import { jobReportsContract } from '../../../support/job-reports-contract.ts';
import { ledgerStoreContract } from '../../../support/ledger-store-contract.ts';
import { ownerStoreContract } from '../../../support/owner-store-contract.ts';
import { scheduleStoreContract } from '../../../support/schedule-store-contract.ts';

clusterStoreContract('the clusters in memory', async () => {
  const { clusters: store, poison } = createMemoryTable();
  return { store, poison };
});

scheduleStoreContract('the schedules in memory', async () => {
  const { clusters: store, schedules } = createMemoryTable();
  return { store, schedules };
});

ledgerStoreContract('the ledger in memory', async () => createMemoryTable().ledger);

allowancesContract('the allowances in memory', async () => createMemoryTable().allowances);

agentReportsContract('the reports in memory', async () => createMemoryTable().reports);

jobReportsContract('the news of jobs in memory', async () => createMemoryTable().jobs);

ownerStoreContract('the owners in memory', async () => {
  const { clusters: store, owners } = createMemoryTable();
  return { store, owners };
});

describe('indexes that lag', () => {
  it('show a write later than a get does, and the former item until then', async () => {
    let now = 0;
    const { clusters } = createMemoryTable({ now: () => now, indexLag: () => 1_000 });
    const record = aRunning({ dueAt: LAUNCH });
    await clusters.insert(record);
    expect(await idsDue(clusters, LAUNCH)).toEqual([]);
    now = 1_000;
    expect(await idsDue(clusters, LAUNCH)).toEqual([record.id]);
    await clusters.save({ ...record, dueAt: plus(LAUNCH, minutes(9)) });
    expect(await idsDue(clusters, LAUNCH)).toEqual([record.id]);
    expect(await clusters.get(record.id)).toMatchObject({ dueAt: plus(LAUNCH, minutes(9)) });
    now = 2_000;
    expect(await idsDue(clusters, LAUNCH)).toEqual([]);
  });

  it('apply the writes of one record in their order', async () => {
    let now = 0;
    const lags = [5_000, 1];
    const indexLag = () => lags.shift() ?? 0;
    const { clusters } = createMemoryTable({ now: () => now, indexLag });
    await clusters.insert(aCluster({ dueAt: LAUNCH }));
    await clusters.save(anEnded({ revision: 1 }));
    now = 4_999;
    expect(await idsDue(clusters, LAUNCH)).toEqual([]);
    now = 5_000;
    expect(await idsDue(clusters, LAUNCH)).toEqual([]);
  });
});

it('a cleared table has no record and no ledger', async () => {
  const table = createMemoryTable();
  await table.clusters.insert(aCluster());
  await table.ledger.save(EMPTY_LEDGER);
  table.clear();
  expect(await table.clusters.get(aCluster().id)).toBe('notFound');
  expect((await table.ledger.read()).revision).toBe(0);
});
