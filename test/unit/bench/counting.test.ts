import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { itemBytes } from '../../../bench/capacity.ts';
import {
  type Around,
  countDynamoDb,
  countS3,
  countSecretsManager,
} from '../../../bench/clients.ts';
import {
  Counter,
  type Counts,
  costOf,
  minus,
  plus,
  times,
  totalOf,
} from '../../../bench/counts.ts';
import { RealCalls } from '../../../bench/io.ts';
import { Lambda } from '../../../bench/lambda.ts';
import { anIdleHour } from '../../../bench/scenarios.ts';
import { createSecrets } from '../../../lib/adapters/aws/secrets-manager.ts';
import { createAgentReports } from '../../../lib/adapters/dynamodb/agent-reports.ts';
import { createClusterStore } from '../../../lib/adapters/dynamodb/clusters.ts';
import { createLedgerStore } from '../../../lib/adapters/dynamodb/ledger.ts';
import { epochMs, minutes } from '../../../lib/core/base/units.ts';
import type { Metrics } from '../../../lib/ports.ts';
import { VirtualTime } from '../../../simulation/time.ts';
import { startSecret } from '../../support/aws.ts';
import { aCluster } from '../../support/builders.ts';
import { aClock } from '../../support/doubles.ts';
import { startFiles } from '../../support/files.ts';
import { anEmptyTable, TABLE } from '../../support/table.ts';

const plain: Around = (call) => call();
const callsAndUnits = (counts: Counts) =>
  Object.fromEntries([...counts].map(([call, { calls, units }]) => [call, [calls, units]]));

it('the counter has the updates of agents, with the units of the whole item each', async () => {
  const counter = new Counter();
  const client = await anEmptyTable();
  const { items } = countDynamoDb(client, TABLE, { counter, around: plain });
  const reports = createAgentReports(client, TABLE.TableName);
  const at = epochMs(1);
  const failed = { kind: 'failed', at, reason: 'x'.repeat(500) } as const;
  for (const rank of [0, 1, 2]) await reports.report('cabcdefg234', rank, failed, at);
  await reports.report('cabcdefg234', 0, { kind: 'ready', at }, at);
  await reports.report('cabcdefg234', 0, failed, at);
  expect(Object.keys(items.get('agents-cabcdefg234') ?? {}).toSorted()).toEqual([
    'expiresAt',
    'id',
    'r0',
    'r1',
    'r2',
  ]);
  expect(callsAndUnits(counter.counts)).toEqual({
    // One item of one, two and two kilobytes, and two before the node was ready.
    'DynamoDB UpdateItem, table': [4, 1 + 2 + 2 + 2],
    'DynamoDB UpdateItem, refused': [1, 2],
  });
});

it('the counter has the calls to the table and their capacity units', async () => {
  const counter = new Counter();
  const client = await anEmptyTable();
  const { items } = countDynamoDb(client, TABLE, { counter, around: plain });
  const store = createClusterStore(client, TABLE.TableName);
  const ledger = createLedgerStore(client, TABLE.TableName);
  // Texts drawn by chance, since a large record is deflated.
  const history = [0, 1, 2, 3].map((at) => ({
    at: epochMs(at),
    event: randomBytes(450).toString('base64'),
  }));
  const record = aCluster({ dueAt: epochMs(1), history });

  await store.insert(record);
  expect(await store.insert(record)).toBe('exists');
  await store.get(record.id);
  const saved = await store.save({ ...record, dueAt: epochMs(2) });
  expect(saved).not.toBe('conflict');
  expect(await store.save(record)).toBe('conflict');
  for await (const { id } of store.due(epochMs(3))) expect(id).toBe(record.id);
  await store.getMany([record.id, 'caaaaaaaaaa']);
  await ledger.save(await ledger.read());

  const kilobytes = 3;
  expect(Math.ceil(itemBytes(items.get(record.id) ?? {}) / 1_024)).toBe(kilobytes);
  expect(callsAndUnits(counter.counts)).toEqual({
    'DynamoDB PutItem, table': [3, 2 * kilobytes + 1],
    'DynamoDB PutItem, index byOwner': [2, 2 * kilobytes],
    'DynamoDB PutItem, index byTime': [2, 2 * kilobytes],
    'DynamoDB PutItem, index due': [3, 3],
    'DynamoDB PutItem, index live': [1, 1],
    'DynamoDB PutItem, refused': [2, 2 * kilobytes],
    'DynamoDB GetItem': [2, 2],
    'DynamoDB Query of index due': [1, 0.5],
    'DynamoDB BatchGetItem': [2, 2],
  });
});

it('the counter has each read of the secret, and none from the cache', async () => {
  const counter = new Counter();
  const { client } = await startSecret('onebuck/test', { linodeToken: 'token' });
  countSecretsManager(client, { counter, around: plain });
  const secrets = createSecrets(client, {
    secretId: 'onebuck/test',
    clock: aClock(),
    onMalformed() {},
  });
  for (const fresh of [false, false, true]) await secrets.linodeToken({ fresh });
  expect(callsAndUnits(counter.counts)).toEqual({ 'Secrets Manager GetSecretValue': [2, 2] });
});

it('a function is billed for its sleeps, and for its cold start', async () => {
  const counter = new Counter();
  const time = new VirtualTime(0, new RealCalls().idle);
  const lambda = new Lambda({ time, counter, build: () => null, hasDashboard: false });
  const run = (ms: number) => lambda.run('reconcile', () => time.delay(ms));
  const gbSeconds = () => counter.counts.get('Lambda reconcile, time')?.units;

  void run(90_000);
  await time.runUntil(100_000);
  // 256 MB for 800 ms of the cold start, 5 ms of computing and 90 s of sleep.
  expect(gbSeconds()).toBeCloseTo(90.805 / 4, 9);

  counter.clear();
  void run(1_000);
  await time.runUntil(200_000);
  expect(gbSeconds()).toBeCloseTo(1.005 / 4, 9);
  expect(counter.counts.get('Lambda reconcile, requests')?.units).toBe(1);
});

it.each([
  [false, undefined],
  [true, 2 / 730],
])('bills a metric once for each hour in which it is sent, if it is: %j', async (has, months) => {
  const counter = new Counter();
  const time = new VirtualTime(0, new RealCalls().idle);
  const build = (_: unknown, metrics: Metrics) => metrics;
  const lambda = new Lambda({ time, counter, build, hasDashboard: has });
  for (const minute of [1, 30, 70, 90]) {
    time.at(minute * 60_000, () => {
      void lambda.run('sweep', async ({ emit }) => emit(() => ({ LiveClusters: 1 })));
    });
  }
  await time.runUntil(7_200_000);
  expect(counter.counts.get('CloudWatch metrics, hours')?.units).toBe(months);
});

it('counts can be priced, added and scaled', () => {
  const counter = new Counter();
  for (let call = 0; call < 10; call += 1) counter.add('secret', 'secretCall');
  counter.add('writes', 'writeUnit', 1_000_000);
  const { counts } = counter;
  expect(totalOf(counts)).toBeCloseTo(0.625 + 0.00005, 9);
  expect(totalOf(plus(counts, times(counts, 2)))).toBeCloseTo(3 * totalOf(counts), 9);
  expect(totalOf(minus(counts, counts))).toBe(0);
  expect(costOf({ price: 'ruleInvocation', calls: 5, units: 5 })).toBe(0);
});

it('an idle hour costs the ticks of reaper and sweeper, and next to nothing else', async () => {
  const counts = await anIdleHour({ books: false });
  expect(callsAndUnits(counts)).toMatchObject({
    'EventBridge ticks': [72, 72],
    'Lambda reap, requests': [60, 60],
    'Lambda sweep, requests': [12, 12],
    'DynamoDB Query of index due': [60, 30],
    'DynamoDB GetItem': [12, 12],
    'Secrets Manager GetSecretValue': [12, 12],
  });
  expect([...counts.keys()].filter((call) => call.includes('PutItem'))).toEqual([]);
  expect(totalOf(times(counts, 730))).toBeLessThan(0.2);
  const all = await anIdleHour({ books: true });
  expect(callsAndUnits(all)).toMatchObject({
    'Lambda reap, requests': [60, 60],
    'Lambda digest, requests': [1, 1],
    'Lambda invoices, requests': [1 / 6, 1 / 6],
  });
  // With the secret's own $0.40 a month, an idle deployment stays below $0.61 a month.
  expect(totalOf(times(all, 730))).toBeLessThan(0.21);
});

it('the counter has the requests to S3, and neither deletions nor URLs, which are free', async () => {
  const counter = new Counter();
  const { client, files } = await startFiles();
  countS3(client, { counter, around: plain });
  await files.put('a', new Uint8Array(5));
  await files.copy('a', 'b');
  await files.size('a');
  await files.get('a');
  await files.get('c');
  await files.delete('a');
  await files.uploadUrl('d', 5, minutes(1));
  await files.downloadUrl('b', minutes(1));
  expect(callsAndUnits(counter.counts)).toEqual({
    'S3 PutObject': [1, 1],
    'S3 CopyObject': [1, 1],
    'S3 HeadObject': [1, 1],
    'S3 GetObject': [2, 2],
  });
  // $5 for a million writes, and 40 cents for a million reads.
  expect(totalOf(counter.counts) * 1e6).toBeCloseTo(2 * 5 + 3 * 0.4);
});
