import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createAgentReports } from '../../../../lib/adapters/dynamodb/agent-reports.ts';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { type AgentReport, reasonFrom } from '../../../../lib/core/cluster/readiness.ts';
import { agentReportsContract } from '../../../support/agent-reports-contract.ts';
import { ALL_CLUSTERS, aRunning, ID, LAUNCH } from '../../../support/builders.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const { TableName } = TABLE;
const Key = marshall({ id: `agents-${ID}` });
const ready: AgentReport = { kind: 'ready', at: LAUNCH };

agentReportsContract('the reports on DynamoDB', async () =>
  createAgentReports(await anEmptyTable(), TableName),
);

describe('the item of the reports', () => {
  it('expires when it need not be kept any more, in whole seconds', async () => {
    const client = await anEmptyTable();
    const until = plus(LAUNCH, hours(24));
    await createAgentReports(client, TableName).report(ID, 0, ready, until);
    const { Item = {} } = await client.send(new GetItemCommand({ TableName, Key }));
    expect(unmarshall(Item)).toMatchObject({ expiresAt: Math.ceil(until / 1_000) });
  });

  it('changes neither the record of its cluster nor a list, and is no record itself', async () => {
    const client = await anEmptyTable();
    const store = createClusterStore(client, TableName);
    const record = aRunning();
    await store.insert(record);
    await createAgentReports(client, TableName).report(record.id, 0, ready, LAUNCH);
    expect(await store.get(record.id)).toEqual(record);
    expect(await store.list(ALL_CLUSTERS)).toEqual({
      records: [record],
      unreadable: [],
      nextCursor: null,
    });
  });

  it('holds the longest reasons of 500 nodes', async () => {
    const reports = createAgentReports(await anEmptyTable(), TableName);
    const reason = reasonFrom('日'.repeat(500), 500);
    const failed: AgentReport = { kind: 'failed', at: LAUNCH, reason };
    const ranks = Array.from({ length: 500 }, (_, rank) => rank);
    await Promise.all(ranks.map((rank) => reports.report(ID, rank, failed, LAUNCH)));
    const found = await reports.read([ID]);
    expect(found.get(ID)).toEqual(new Map(ranks.map((rank) => [rank, failed])));
  });

  it('is read without what is damaged in it', async () => {
    const client = await anEmptyTable();
    const damaged = {
      ...{ r0: { readyAt: LAUNCH }, r1: { readyAt: 'now' }, r2: 'ready', r3: { failedAt: 1 } },
      ...{ r4: { readyAt: 1e15 }, r5000: { readyAt: LAUNCH }, rx: { readyAt: LAUNCH } },
    };
    await client.send(new PutItemCommand({ TableName, Item: { ...Key, ...marshall(damaged) } }));
    const found = await createAgentReports(client, TableName).read([ID]);
    expect(found.get(ID)).toEqual(new Map([[0, ready]]));
  });
});

describe('a report that DynamoDB does not take', () => {
  it('throws, so that the agent calls again', async () => {
    const client = new DynamoDBClient({ region: 'us-east-1' });
    mockClient(client).rejects(new Error('out of order'));
    const { report } = createAgentReports(client, TableName);
    await expect(report(ID, 0, ready, LAUNCH)).rejects.toThrow('out of order');
  });
});
