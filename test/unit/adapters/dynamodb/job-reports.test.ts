import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createJobReports } from '../../../../lib/adapters/dynamodb/job-reports.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { NO_PROGRESS, NO_RANK_PROGRESS } from '../../../../lib/core/job/progress.ts';
import { ALL_CLUSTERS, aRunning, ID, LAUNCH } from '../../../support/builders.ts';
import { jobReportsContract } from '../../../support/job-reports-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const { TableName } = TABLE;
const started = { kind: 'started', at: LAUNCH } as const;

jobReportsContract('the news of jobs on DynamoDB', async () =>
  createJobReports(await anEmptyTable(), TableName),
);

describe('the items of a job', () => {
  it('expire when they need not be kept any more', async () => {
    const client = await anEmptyTable();
    const until = plus(LAUNCH, hours(24));
    await createJobReports(client, TableName).tell(ID, 3, started, until);
    for (const id of [`job-${ID}`, `job-${ID}-3`]) {
      const { Item = {} } = await client.send(
        new GetItemCommand({ TableName, Key: marshall({ id }) }),
      );
      expect(unmarshall(Item)).toMatchObject({ expiresAt: Math.ceil(until / 1_000) });
    }
  });

  it('change neither the record of their cluster nor a list', async () => {
    const client = await anEmptyTable();
    const store = createClusterStore(client, TableName);
    const record = aRunning();
    await store.insert(record);
    await createJobReports(client, TableName).tell(record.id, 0, started, LAUNCH);
    expect(await store.get(record.id)).toEqual(record);
    expect((await store.list(ALL_CLUSTERS)).records).toEqual([record]);
  });

  it('are read without what is damaged in them', async () => {
    const client = await anEmptyTable();
    const put = (id: string, fields: object) =>
      client.send(new PutItemCommand({ TableName, Item: marshall({ id, ...fields }) }));
    const ended = new Set(['1:0:', '2:9999:', 'x:1:', '3::lastCall']);
    await put(`job-${ID}`, { staged: 'all', startedAt: LAUNCH, ended, endedAt: 'now' });
    await put(`job-${ID}-0`, { startedAt: LAUNCH, logBytes: -1, ended: { at: 1 }, heardAt: 1e15 });
    const jobs = createJobReports(client, TableName);
    expect((await jobs.read([ID])).get(ID)).toEqual({
      ...NO_PROGRESS,
      startedAt: LAUNCH,
      ended: new Map([
        [1, { exitCode: 0, isLastCall: false }],
        [3, { exitCode: null, isLastCall: true }],
      ]),
    });
    expect((await jobs.readRanks(ID, [0])).get(0)).toEqual({
      ...NO_RANK_PROGRESS,
      startedAt: LAUNCH,
    });
  });
});

describe('news that DynamoDB does not take', () => {
  it('throw, so that the agent calls again', async () => {
    const client = new DynamoDBClient({ region: 'us-east-1' });
    mockClient(client).rejects(new Error('out of order'));
    const { tell } = createJobReports(client, TableName);
    await expect(tell(ID, 0, started, LAUNCH)).rejects.toThrow('out of order');
    await expect(tell(ID, 0, { kind: 'log', at: LAUNCH, bytes: 1 }, LAUNCH)).rejects.toThrow(
      'out of order',
    );
  });
});
