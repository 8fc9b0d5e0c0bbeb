import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { createAllowances } from '../../../../lib/adapters/dynamodb/allowances.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { aGrant, allowancesContract } from '../../../support/allowances-contract.ts';
import { ID, LAUNCH } from '../../../support/builders.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const { TableName } = TABLE;
const Key = marshall({ id: `allowance-${ID}` });

allowancesContract('the allowances on DynamoDB', async () =>
  createAllowances(await anEmptyTable(), TableName),
);

describe('the item of the allowances', () => {
  it('expires when it need not be kept any more, in whole seconds', async () => {
    const client = await anEmptyTable();
    const until = plus(LAUNCH, hours(24));
    await createAllowances(client, TableName).grant(ID, aGrant(1), until);
    const { Item = {} } = await client.send(new GetItemCommand({ TableName, Key }));
    expect(unmarshall(Item)).toMatchObject({ expiresAt: Math.ceil(until / 1_000) });
  });

  it.each([{ bytes: [-1] }, { bytes: ['1'] }, { month: '2026-13' }, { earlier: 'none' }])(
    'is not read as nothing where it is damaged: %j',
    async (damage) => {
      const client = await anEmptyTable();
      const content = { revision: 1, month: '2026-11', bytes: [1], earlier: {}, ...damage };
      await client.send(new PutItemCommand({ TableName, Item: { ...Key, ...marshall(content) } }));
      const { read } = createAllowances(client, TableName);
      await expect(read(ID)).rejects.toThrow(`the allowances of ${ID} are damaged`);
    },
  );
});
