import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe } from 'vitest';
import { createAgentReports } from '../../lib/adapters/dynamodb/agent-reports.ts';
import { createAllowances } from '../../lib/adapters/dynamodb/allowances.ts';
import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createDigestStore } from '../../lib/adapters/dynamodb/digests.ts';
import { createInvoiceStore } from '../../lib/adapters/dynamodb/invoices.ts';
import { createJobReports } from '../../lib/adapters/dynamodb/job-reports.ts';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { createOwnerStore } from '../../lib/adapters/dynamodb/owners.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { createTable, localDynamoDbClient, tableNamed } from '../../simulators/aws/dynamodb.ts';
import { agentReportsContract } from '../support/agent-reports-contract.ts';
import { allowancesContract } from '../support/allowances-contract.ts';
import { clusterStoreContract } from '../support/cluster-store-contract.ts';
import { digestStoreContract } from '../support/digest-store-contract.ts';
import { AWS_LIMITS, testDynamoDbLimits } from '../support/dynamodb-limits.ts';
import { MINISTACK, MOTO, skippedOn, startEmulator } from '../support/emulators.ts';
import { invoiceStoreContract } from '../support/invoice-store-contract.ts';
import { jobReportsContract } from '../support/job-reports-contract.ts';
import { ledgerStoreContract } from '../support/ledger-store-contract.ts';
import { ownerStoreContract } from '../support/owner-store-contract.ts';
import { scheduleStoreContract } from '../support/schedule-store-contract.ts';
import { anEmptyTable, poisonIn, TABLE } from '../support/table.ts';

/*
 * The stores on other programs that speak DynamoDB: what only dynalite allows or forgives, another
 * program shows. Their limits, and those of dynalite, are held against the ones that AWS documents.
 */

const engines = [
  // MiniStack answers a batch of any size.
  { emulator: MINISTACK, limits: { ...AWS_LIMITS, batchBytesMax: null } },
  // moto refuses items a little below the limit of AWS.
  { emulator: MOTO, limits: { ...AWS_LIMITS, itemBytesMax: 405_000 } },
];

testDynamoDbLimits('dynalite', AWS_LIMITS, async () => {
  const client = await anEmptyTable();
  return { client, TableName: TABLE.TableName };
});

for (const { emulator, limits } of engines) {
  const { name } = emulator;
  const skipped = skippedOn(emulator);

  describe.skipIf(skipped !== '')(`${name}${skipped}`, () => {
    let client: DynamoDBClient;
    let tables = 0;

    beforeAll(async () => {
      client = localDynamoDbClient(await startEmulator(emulator));
    });
    afterAll(() => client.destroy());

    /** Each test has a table of its own. */
    async function aTable() {
      tables += 1;
      const TableName = `clusters-${tables}`;
      await createTable(client, tableNamed(TableName));
      return { client, TableName };
    }

    testDynamoDbLimits(name, limits, aTable);

    clusterStoreContract(`the clusters on ${name}`, async () => {
      const { TableName } = await aTable();
      return { store: createClusterStore(client, TableName), poison: poisonIn(client, TableName) };
    });

    scheduleStoreContract(`the schedules on ${name}`, async () => {
      const { TableName } = await aTable();
      return {
        store: createClusterStore(client, TableName),
        schedules: createScheduleStore(client, TableName),
      };
    });

    ownerStoreContract(`the owners on ${name}`, async () => {
      const { TableName } = await aTable();
      return {
        owners: createOwnerStore(client, TableName),
        store: createClusterStore(client, TableName),
      };
    });

    agentReportsContract(`the reports on ${name}`, async () => {
      const { TableName } = await aTable();
      return createAgentReports(client, TableName);
    });

    allowancesContract(`the allowances on ${name}`, async () => {
      const { TableName } = await aTable();
      return createAllowances(client, TableName);
    });

    jobReportsContract(`the news of jobs on ${name}`, async () => {
      const { TableName } = await aTable();
      return createJobReports(client, TableName);
    });

    invoiceStoreContract(`the invoices on ${name}`, async () => {
      const { TableName } = await aTable();
      return createInvoiceStore(client, TableName);
    });

    digestStoreContract(`the digests on ${name}`, async () => {
      const { TableName } = await aTable();
      return createDigestStore(client, TableName);
    });

    ledgerStoreContract(`the ledger on ${name}`, async () => {
      const { TableName } = await aTable();
      return createLedgerStore(client, TableName);
    });
  });
}
