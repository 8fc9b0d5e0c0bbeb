import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createLedgerStore } from '../../lib/adapters/dynamodb/ledger.ts';
import { microUsd } from '../../lib/core/base/money.ts';
import type { ClusterId } from '../../lib/core/base/names.ts';
import { epochMs } from '../../lib/core/base/units.ts';
import { reserve } from '../../lib/core/caps/ledger.ts';
import { named } from './deployment.ts';
import { clientOf, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';

const TABLE = named('clusters');

export async function deleteRecord(emulator: Emulator, id: string): Promise<void> {
  const client = new DynamoDBClient(clientOf(emulator));
  await client.send(new DeleteItemCommand({ TableName: TABLE, Key: { id: { S: id } } }));
  client.destroy();
}

const CRASHED = {
  id: 'c0123456789' as ClusterId,
  owner: 'admin',
  scheduleId: null,
  budget: microUsd(50_000),
  nodes: 3,
  subnetBits: 24 as const,
};
const NO_CAPS = {
  openBudget: null,
  ownerOpenBudget: null,
  ownerDailySpend: null,
  ownerWeeklySpend: null,
  ownerMonthlySpend: null,
  scheduleDailySpend: null,
  scheduleWeeklySpend: null,
  scheduleMonthlySpend: null,
  tokenMonthlySpend: null,
  hourlyPrice: null,
};
const DAY_MS = 24 * 3_600_000;

/**
 * Leaves a budget in the ledger, as a launch does that crashes before it writes its record: here a
 * day ago, since the sweeper takes it out only after some minutes.
 */
export async function leaveBudget(emulator: Emulator): Promise<void> {
  const client = new DynamoDBClient(clientOf(emulator));
  const ledger = createLedgerStore(client, TABLE);
  const decision = reserve(await ledger.read(), CRASHED, NO_CAPS, epochMs(Date.now() - DAY_MS));
  expect(decision.ok && (await ledger.save(decision.next)) === 'saved', 'the ledger is not saved');
  client.destroy();
}

/** Throws if the ledger still has the budget of `leaveBudget`. */
export async function expectNoBudgetLeft(emulator: Emulator): Promise<void> {
  const client = new DynamoDBClient(clientOf(emulator));
  const { open } = await createLedgerStore(client, TABLE).read();
  client.destroy();
  expect(!open.has(CRASHED.id), `the ledger still has the budget of ${CRASHED.id}`);
}
