import { deflateRawSync } from 'node:zlib';
import {
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
  ThrottlingException,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createLedgerStore } from '../../../../lib/adapters/dynamodb/ledger.ts';
import { isClusterId } from '../../../../lib/core/base/names.ts';
import { plus, seconds } from '../../../../lib/core/base/units.ts';
import type { Ledger } from '../../../../lib/core/caps/ledger.ts';
import { ALL_CLUSTERS, aCluster, ID, LAUNCH } from '../../../support/builders.ts';
import { aLedger, ledgerStoreContract } from '../../../support/ledger-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const TableName = TABLE.TableName;
const Key = marshall({ id: 'ledger' });

const anEmptyStore = async () => createLedgerStore(await anEmptyTable(), TableName);

ledgerStoreContract('the ledger on DynamoDB', anEmptyStore);

describe('the item of the ledger', () => {
  it.each([1, 4])('of the unknown version %i throws', async (version) => {
    const client = await anEmptyTable();
    const Item = { ...Key, ...marshall({ version, revision: 1, open: {}, spent: {} }) };
    await client.send(new PutItemCommand({ TableName, Item }));
    const { read } = createLedgerStore(client, TableName);
    await expect(read()).rejects.toThrow(`version ${version}`);
  });
});

/** An item as the code from before subnets wrote it. */
const OLD = {
  id: 'ledger',
  version: 2,
  revision: 7,
  deflated: deflateRawSync(
    JSON.stringify({
      open: { [ID]: ['ann', null, 1_000_000, LAUNCH, 7_000, 90_000] },
      spent: {},
      createsUntil: LAUNCH,
      drainedSince: null,
    }),
  ),
};

describe('a ledger from before subnets', () => {
  it('is read, and stays readable to code of then until a cluster has a subnet', async () => {
    const client = await anEmptyTable();
    await client.send(new PutItemCommand({ TableName, Item: marshall(OLD) }));
    const store = createLedgerStore(client, TableName);
    const ledger = await store.read();
    const entry = {
      ...{ owner: 'ann', scheduleId: null, budget: 1_000_000, openedAt: LAUNCH },
      ...{ changedAt: plus(LAUNCH, seconds(7)), createFrom: plus(LAUNCH, seconds(90)) },
    };
    expect([...ledger.open]).toEqual([[ID, entry]]);
    // Code of then wrote no days and weeks, so that they are known since now at the earliest.
    expect(ledger).toMatchObject({ recent: new Map(), recentSince: null });

    const saved = async (ledger: Ledger) => {
      expect(await store.save(ledger)).toBe('saved');
      return unmarshall((await client.send(new GetItemCommand({ TableName, Key }))).Item ?? {});
    };
    expect(await saved(ledger)).toEqual({ ...OLD, revision: 8, deflated: expect.anything() });
    const { open } = aLedger;
    expect(await saved({ ...ledger, revision: 8, open })).toMatchObject({ version: 3 });
    expect(await store.read()).toMatchObject({ revision: 9, open });
  });
});

describe('a save that DynamoDB refuses', () => {
  const throttling = { message: 'Rate exceeded', $metadata: {} };
  const saveAfter = (error: Error) => {
    const client = new DynamoDBClient({ region: 'us-east-1' });
    mockClient(client).on(PutItemCommand).rejects(error);
    return createLedgerStore(client, TableName).save(aLedger);
  };

  it('is a conflict where the item is written too often, so that callers try again', async () => {
    expect(await saveAfter(new ThrottlingException(throttling))).toBe('conflict');
    expect(await saveAfter(new ProvisionedThroughputExceededException(throttling))).toBe(
      'conflict',
    );
  });

  it('throws for any other reason', async () => {
    await expect(saveAfter(new Error('no such table'))).rejects.toThrow('no such table');
  });
});

describe('the ledger', () => {
  it('is in no list of records, and its id is no id of a cluster', async () => {
    const client = await anEmptyTable();
    const clusters = createClusterStore(client, TableName);
    await createLedgerStore(client, TableName).save(aLedger);
    await clusters.insert(aCluster());
    for (const owner of [null, 'ann']) {
      expect((await clusters.list({ ...ALL_CLUSTERS, owner })).records).toEqual([aCluster()]);
    }
    expect(isClusterId('ledger')).toBe(false);
    const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
    const keysOfIndexes = TABLE.GlobalSecondaryIndexes?.flatMap(({ KeySchema }) =>
      (KeySchema ?? []).map(({ AttributeName }) => AttributeName),
    );
    expect(Object.keys(Item ?? {}).filter((name) => keysOfIndexes?.includes(name))).toEqual([]);
  });
});
