import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../../../../lib/adapters/dynamodb/schedules.ts';
import { aSchedule, ID, LAUNCH } from '../../../support/builders.ts';
import { id, scheduleStoreContract } from '../../../support/schedule-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const TableName = TABLE.TableName;

scheduleStoreContract('the schedules on DynamoDB', async () => {
  const client = await anEmptyTable();
  return {
    schedules: createScheduleStore(client, TableName),
    store: createClusterStore(client, TableName),
  };
});

describe('a schedule that can not be read', () => {
  const { runs: _, ...withoutRuns } = aSchedule({ id: id(1) });
  const missed = { at: LAUNCH, result: 'missed', count: 2 };
  it.each([
    ['of a later version', 4, aSchedule({ id: id(1) }), 'its version 4 is not known'],
    ['without a field', 1, withoutRuns, 'its field record.runs is damaged'],
    ['with a damaged time zone', 1, aSchedule({ timezone: 'Atlantis' }), 'record.timezone'],
    ['with a damaged run', 1, { ...aSchedule(), runs: [missed] }, 'record.runs.0'],
    [
      'with a damaged pending run',
      2,
      { ...aSchedule(), pending: { at: LAUNCH } },
      'record.pending',
    ],
    ['without a record', 1, undefined, 'its field record is damaged'],
  ])(
    '%s throws unreadable by its id, and is left out of lists',
    async (_, version, record, why) => {
      const client = await anEmptyTable();
      const schedules = createScheduleStore(client, TableName);
      await schedules.insert(aSchedule({ id: id(2) }));
      const keys = { id: id(1), kind: 'schedule', createdAt: LAUNCH };
      const Item = marshall(
        { ...keys, version, revision: 1, record },
        { removeUndefinedValues: true },
      );
      await client.send(new PutItemCommand({ TableName, Item }));
      await expect(schedules.get(id(1))).rejects.toMatchObject({
        code: 'unreadable',
        message: expect.stringContaining(why),
        details: { owner: record?.owner ?? null },
      });
      expect((await schedules.list(null)).map((listed) => listed.id)).toEqual([id(2)]);
      const page = await schedules.page({ owner: null, limit: 9, cursor: null });
      expect(page.records.map((listed) => listed.id)).toEqual([id(2)]);
      expect(page.unreadable).toMatchObject([{ id: id(1) }]);
    },
  );
});

it('an item from before retries has none, and no pending run', async () => {
  const client = await anEmptyTable();
  const { retry: _, pending: __, revision, ...record } = aSchedule({ id: id(1) });
  const Item = marshall({ id: id(1), version: 1, revision, record });
  await client.send(new PutItemCommand({ TableName, Item }));
  expect(await createScheduleStore(client, TableName).get(id(1))).toEqual(aSchedule({ id: id(1) }));
});

it.each([
  ['1.50', 1.5],
  ['much', 'much'],
  [2.25, 2.25],
])('a budget kept as %j is read as %j', async (budgetUsd, read) => {
  const client = await anEmptyTable();
  const schedules = createScheduleStore(client, TableName);
  const { spec } = aSchedule();
  await schedules.insert(aSchedule({ id: id(1), spec: { ...spec, budgetUsd } }));
  expect(await schedules.get(id(1))).toMatchObject({ spec: { ...spec, budgetUsd: read } });
});

it('an item with a pending run is not read by code that would launch it too early', async () => {
  const client = await anEmptyTable();
  const schedules = createScheduleStore(client, TableName);
  const pending = { at: LAUNCH, clusterId: ID, tries: 1, lookAt: LAUNCH };
  await schedules.insert(aSchedule({ id: id(1) }));
  await schedules.insert(aSchedule({ id: id(2), pending }));
  const versionOf = async (key: string) => {
    const get = new GetItemCommand({ TableName, Key: marshall({ id: key }) });
    const { Item = {} } = await client.send(get);
    return unmarshall(Item).version;
  };
  expect([await versionOf(id(1)), await versionOf(id(2))]).toEqual([1, 2]);
  expect(await schedules.get(id(2))).toMatchObject({ pending });
});
