import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createOwnerStore } from '../../../../lib/adapters/dynamodb/owners.ts';
import { anOwner, ownerStoreContract } from '../../../support/owner-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const TableName = TABLE.TableName;

ownerStoreContract('the owners on DynamoDB', async () => {
  const client = await anEmptyTable();
  return {
    owners: createOwnerStore(client, TableName),
    store: createClusterStore(client, TableName),
  };
});

describe('an owner who can not be read', () => {
  const { tokens: _, ...withoutTokens } = anOwner();
  it.each([
    ['of a later version', 2, anOwner()],
    ['without tokens', 1, withoutTokens],
    ['with a negative cap', 1, anOwner({ caps: { day: -1 as never, week: null, month: null } })],
  ])(
    '%s throws, so that nothing is granted, and is left out of lists',
    async (_, version, record) => {
      const client = await anEmptyTable();
      const owners = createOwnerStore(client, TableName);
      await owners.insert(anOwner({ owner: 'bob' }));
      const keys = { id: 'owner-ann', kind: 'owner', createdAt: record.createdAt };
      const Item = marshall({ ...keys, version, revision: 1, record });
      await client.send(new PutItemCommand({ TableName, Item }));
      await expect(owners.get('ann')).rejects.toThrow('owner-ann is damaged');
      expect((await owners.list()).map(({ owner }) => owner)).toEqual(['bob']);
    },
  );
});
