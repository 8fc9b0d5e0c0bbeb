import { spawnSync } from 'node:child_process';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe } from 'vitest';
import { createAgentReports } from '../../lib/adapters/dynamodb/agent-reports.ts';
import { createClusterStore } from '../../lib/adapters/dynamodb/clusters.ts';
import { createJobReports } from '../../lib/adapters/dynamodb/job-reports.ts';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { createScheduleStore } from '../../lib/adapters/dynamodb/schedules.ts';
import { createTable, localDynamoDbClient, tableNamed } from '../../simulators/aws/dynamodb.ts';
import { freePort } from '../../simulators/listen.ts';
import { agentReportsContract } from '../support/agent-reports-contract.ts';
import { startProgram } from '../support/children.ts';
import { clusterStoreContract } from '../support/cluster-store-contract.ts';
import { AWS_LIMITS, type DynamoDbLimits, testDynamoDbLimits } from '../support/dynamodb-limits.ts';
import { jobReportsContract } from '../support/job-reports-contract.ts';
import { ledgerStoreContract } from '../support/ledger-store-contract.ts';
import { scheduleStoreContract } from '../support/schedule-store-contract.ts';
import { anEmptyTable, poisonIn, TABLE } from '../support/table.ts';

/*
 * The stores on other programs that speak DynamoDB: what only dynalite allows or forgives, another
 * program shows. Their limits, and those of dynalite, are held against the ones that AWS documents.
 */

interface Engine {
  readonly name: string;
  /** The module in Python, of a package of checks/requirements.txt. */
  readonly module: string;
  /** The arguments of Python. */
  readonly args: (port: number) => readonly string[];
  readonly env: (port: number) => Readonly<Record<string, string>>;
  /** What the program says when it listens. */
  readonly ready: string;
  readonly limits: DynamoDbLimits;
}

const ONE_THREAD = `
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app))
`;

const engines: readonly Engine[] = [
  {
    name: 'MiniStack',
    module: 'ministack',
    args: () => ['-m', 'ministack'],
    env: (port) => ({ GATEWAY_PORT: `${port}` }),
    ready: 'services available',
    // MiniStack answers a batch of any size.
    limits: { ...AWS_LIMITS, batchBytesMax: null },
  },
  {
    name: 'moto',
    module: 'moto.server',
    // moto compares and writes in two steps, so that two of its threads can both save one revision:
    // here it has one thread, unlike the server that it starts by itself.
    args: (port) => ['-c', ONE_THREAD, `${port}`],
    env: () => ({}),
    ready: 'Running on',
    // moto refuses items a little below the limit of AWS.
    limits: { ...AWS_LIMITS, itemBytesMax: 405_000 },
  },
];

testDynamoDbLimits('dynalite', AWS_LIMITS, async () => {
  const client = await anEmptyTable();
  return { client, TableName: TABLE.TableName };
});

const isInstalled = ({ module }: Engine) =>
  spawnSync('python3', ['-c', `import ${module}`]).status === 0;

for (const engine of engines) {
  const { name, module, args, env, ready, limits } = engine;
  const skipped = isInstalled(engine) ? '' : ` (skipped: python3 has no ${module})`;

  describe.skipIf(skipped !== '')(`${name}${skipped}`, () => {
    let client: DynamoDBClient;
    let tables = 0;

    beforeAll(async () => {
      const port = await freePort();
      const running = startProgram(['python3', ...args(port)], {
        PATH: process.env.PATH ?? '',
        ...env(port),
      });
      await running.says(ready);
      client = localDynamoDbClient(`http://127.0.0.1:${port}`);
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

    agentReportsContract(`the reports on ${name}`, async () => {
      const { TableName } = await aTable();
      return createAgentReports(client, TableName);
    });

    jobReportsContract(`the news of jobs on ${name}`, async () => {
      const { TableName } = await aTable();
      return createJobReports(client, TableName);
    });

    ledgerStoreContract(`the ledger on ${name}`, async () => {
      const { TableName } = await aTable();
      return createLedgerStore(client, TableName);
    });
  });
}
