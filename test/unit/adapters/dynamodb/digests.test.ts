import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createDigestStore } from '../../../../lib/adapters/dynamodb/digests.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { monthPeriod } from '../../../../lib/core/notices/digest/period.ts';
import { EMPTY_TALLY, withRecords } from '../../../../lib/core/notices/digest/tally.ts';
import { createMemoryTable } from '../../../../simulators/aws/memory-table.ts';
import { ALL_CLUSTERS, anEnded, gone, LAUNCH } from '../../../support/builders.ts';
import { id } from '../../../support/cluster-store-contract.ts';
import { digestStoreContract } from '../../../support/digest-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const { TableName } = TABLE;

digestStoreContract('the digests on DynamoDB', async () =>
  createDigestStore(await anEmptyTable(), TableName),
);
digestStoreContract('the digests in memory', async () => createMemoryTable().digests);

describe('the items of digests', () => {
  const KEPT = plus(LAUNCH, hours(24));
  const progress = { revision: 0, stage: 'reading', cursor: null, tally: EMPTY_TALLY } as const;

  it('expire when they need not be kept any more, and no list shows them', async () => {
    const client = await anEmptyTable();
    const store = createDigestStore(client, TableName);
    await store.save('2026-11', progress, KEPT);
    await store.claim('2026-11/all/topic', { now: LAUNCH, until: KEPT, keptUntil: KEPT });
    for (const key of ['digest-2026-11', 'digest-2026-11/all/topic']) {
      const Key = marshall({ id: key });
      const { Item = {} } = await client.send(new GetItemCommand({ TableName, Key }));
      expect(unmarshall(Item)).toMatchObject({ expiresAt: Math.ceil(KEPT / 1_000) });
    }
    const clusters = createClusterStore(client, TableName);
    expect(await clusters.list(ALL_CLUSTERS)).toMatchObject({ records: [], unreadable: [] });
  });

  it('have room for 2,000 owners with a reason each, and all the rows that are kept', async () => {
    const records = Array.from({ length: 4_000 }, (_, n) =>
      anEnded({
        ...{ id: id(n), owner: `student.${n % 2_000}`, phase: 'failed', failure: `no room ${n}` },
        nodes: [gone(0, { billedUntil: plus(LAUNCH, hours(1 + (n % 50))) })],
        endedAt: plus(LAUNCH, hours(1 + (n % 50))),
      }),
    );
    const period = monthPeriod('2026-11');
    const tally = withRecords(EMPTY_TALLY, { records, unreadable: [] }, period, period.end);
    const store = createDigestStore(await anEmptyTable(), TableName);
    const saved = await store.save('2026-11', { ...progress, tally }, KEPT);
    expect(saved).toMatchObject({ revision: 1 });
    expect(await store.read('2026-11')).toEqual(saved);
  });
});
