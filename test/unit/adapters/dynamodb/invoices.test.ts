import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { createClusterStore } from '../../../../lib/adapters/dynamodb/clusters.ts';
import { createInvoiceStore } from '../../../../lib/adapters/dynamodb/invoices.ts';
import { hours, plus } from '../../../../lib/core/base/units.ts';
import { createMemoryInvoices } from '../../../../simulators/aws/memory-invoices.ts';
import { ALL_CLUSTERS, ID, LAUNCH } from '../../../support/builders.ts';
import {
  anInvoicedCluster,
  anItem,
  invoiceStoreContract,
} from '../../../support/invoice-store-contract.ts';
import { anEmptyTable, TABLE } from '../../../support/table.ts';

const { TableName } = TABLE;
const KEPT = plus(LAUNCH, hours(24));

invoiceStoreContract('the invoices on DynamoDB', async () =>
  createInvoiceStore(await anEmptyTable(), TableName),
);
invoiceStoreContract('the invoices in memory', async () => createMemoryInvoices());

it.each([
  ['a page', 'invoice-7-1'],
  ['a cluster', `invoiced-2026-11-${ID}`],
  ['a month', 'invoiced-2026-11'],
])('%s expires when it need not be kept any more, and is in no list', async (_, id) => {
  const client = await anEmptyTable();
  const store = createInvoiceStore(client, TableName);
  await store.keepPage({ invoiceId: 7, page: 1 }, [anItem()], KEPT);
  await store.keepCluster({ id: ID, month: '2026-11' }, anInvoicedCluster(), KEPT);
  const month = { invoiceIds: [], differences: [], told: [] };
  const evidence = { startMonth: 0, endMonth: 0, bothMonths: 0 };
  await store.keepMonth('2026-11', { ...month, evidence }, KEPT);
  const get = new GetItemCommand({ TableName, Key: marshall({ id }) });
  const { Item = {} } = await client.send(get);
  expect(unmarshall(Item).expiresAt).toBe(KEPT / 1_000);
  const { records } = await createClusterStore(client, TableName).list(ALL_CLUSTERS);
  expect(records).toEqual([]);
});

it('a book of a later version is not taken for an empty one', async () => {
  const client = await anEmptyTable();
  const Item = marshall({ id: 'invoices', version: 2, revision: 5 });
  await client.send(new PutItemCommand({ TableName, Item }));
  await expect(createInvoiceStore(client, TableName).book()).rejects.toThrow('version 2');
});

it('an error of the table is no conflict', async () => {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  mockClient(client).rejects(new Error('out of order'));
  const store = createInvoiceStore(client, TableName);
  const book = { revision: 0, access: 'unknown', invoices: [], changed: [] } as const;
  await expect(store.saveBook(book)).rejects.toThrow('out of order');
});
