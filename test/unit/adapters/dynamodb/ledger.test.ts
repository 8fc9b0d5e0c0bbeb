import {
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
  ThrottlingException,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createLedgerStore } from '../../../../lib/adapters/dynamodb/ledger.ts';
import { isClusterId } from '../../../../lib/core/base/names.ts';
import { ALL_CLUSTERS, aCluster } from '../../../support/builders.ts';
import { aLedger, ledgerStoreContract } from '../../../support/ledger-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const TableName = TABLE.TableName;
const Key = marshall({ id: 'ledger' });

const anEmptyStore = async () => createLedgerStore(await anEmptyTable(), TableName);

ledgerStoreContract('the ledger on DynamoDB', anEmptyStore);

describe('the item of the ledger', () => {
  it.each([1, 3])('of the unknown version %i throws', async (version) => {
    const client = await anEmptyTable();
    const Item = { ...Key, ...marshall({ version, revision: 1, open: {}, spent: {} }) };
    await client.send(new PutItemCommand({ TableName, Item }));
    const { read } = createLedgerStore(client, TableName);
    await expect(read()).rejects.toThrow(`version ${version}`);
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
