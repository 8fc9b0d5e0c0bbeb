import { setTimeout as delay } from 'node:timers/promises';
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteFunctionConcurrencyCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { reapTimeOfTags } from '../../lib/core/base/names.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { type Api, type Cluster, STAGE } from './deployment.ts';
import { callAws, clientOf, type Emulator } from './emulator.ts';
import { expect, until } from './expect.ts';

/** Its budget pays the first started hour, and no other. */
const SPEC = {
  nodes: 2,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 0.02,
};
const HOUR_MS = 3_600_000;

export interface DrillWorld {
  readonly emulator: Emulator;
  readonly simulator: LinodeSimulator;
  /** By how much Linode's clock is behind that of the functions. */
  readonly linodeIsBehindMs: number;
  readonly say: (text: string) => void;
}

/**
 * The reaper is kept from running, and the record of a cluster is taken away: nothing but the `reap`
 * tags of its Linodes says any more when they are due, and nothing but the sweeper reads those.
 */
export async function beginDrill(world: DrillWorld, api: Api) {
  const { emulator, simulator, linodeIsBehindMs, say } = world;
  const reaper = createReaper(world);
  expect(
    await reaper.hasRun(new Date(0)),
    'the log of the reaper tells of no run before the drill',
  );
  await reaper.stop();
  const stoppedAt = new Date();
  say('the reaper is stopped: Lambda has no place for it (reserved concurrency 0)');

  const { id } = await api.call<Cluster>('POST', '/clusters', SPEC, 202);
  const nodes = () => simulator.instances(`onebuck=${id}`);
  await until('its Linodes are there', 60, () => nodes().length === SPEC.nodes);
  await forget(emulator, id);
  await api.call('GET', `/clusters/${id}`, undefined, 404);
  const reapAt = Math.min(...nodes().map(({ tags }) => reapTimeOfTags(tags) ?? 0));
  expect(
    nodes().every(({ deleted }) => deleted === null),
    'its Linodes live on without a record',
  );
  expect(reapAt > 0, 'they have reap tags');
  say(
    `${id} was launched, and its record deleted: reap tags say ${new Date(reapAt).toISOString()}`,
  );
  await bringSweepForward(emulator);
  say("the sweeper's rule fires now, not in up to 5 minutes");

  return {
    /** When the sweeper has destroyed it. */
    async end(): Promise<void> {
      await until(`the sweeper has destroyed ${id}`, 240, () =>
        nodes().every(({ deleted }) => deleted !== null),
      );
      for (const { created, deleted } of nodes()) {
        const at = (deleted ?? 0) + linodeIsBehindMs;
        expect(at >= reapAt, `${id} was destroyed before its reap time`);
        expect(at < created + HOUR_MS, `${id} was destroyed after the hour that its budget pays`);
      }
      const billed = simulator.bill(`onebuck=${id}`).totalMicroUsd;
      expect(billed <= SPEC.budgetUsd * 1e6, `Linode bills ${billed} micro-dollars for ${id}`);
      say(`${id} was destroyed at its reap time; Linode bills $${billed / 1e6}`);

      await until('the sweeper has told of it', 60, async () => {
        const told = await logOf(world, 'sweep', stoppedAt);
        return nodes().every(({ label }) => told.some((line) => tellsOf(line, label)));
      });
      expect(!(await reaper.hasRun(stoppedAt)), 'the reaper has run though it was stopped');
      say('by the sweeper alone: its log says so, and that of the reaper has no run meanwhile');
      await reaper.start();
      say('the reaper runs again');
    },
  };
}

const tellsOf = (line: string, label: string): boolean =>
  ['orphan destroyed', 'it has no record and its reap time has come', `"${label}"`].every((text) =>
    line.includes(text),
  );

/** Stopped as an account would stop it that has no concurrency left. */
function createReaper(world: DrillWorld) {
  const FunctionName = `onebuck-${STAGE}-reap`;
  const lambda = new LambdaClient({ ...clientOf(world.emulator), maxAttempts: 1 });
  const invoke = () =>
    lambda.send(new InvokeCommand({ FunctionName })).then(
      ({ FunctionError }) => (FunctionError === undefined ? 'ran' : 'failed'),
      (error: unknown) => {
        if (error instanceof TooManyRequestsException) return 'throttled';
        throw error;
      },
    );
  return {
    hasRun: async (since: Date) =>
      (await logOf(world, 'reap', since)).some((line) => line.startsWith('START ')),
    async stop(): Promise<void> {
      const none = { FunctionName, ReservedConcurrentExecutions: 0 };
      await lambda.send(new PutFunctionConcurrencyCommand(none));
      expect((await invoke()) === 'throttled', 'the reaper runs though it was stopped');
      // One that was under way may still tell of itself.
      await delay(3_000);
    },
    async start(): Promise<void> {
      await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
      expect((await invoke()) === 'ran', 'the reaper does not run again');
      lambda.destroy();
    },
  };
}

/** What it has logged since, line by line; Lambda begins each run with START. */
async function logOf({ emulator }: DrillWorld, name: string, since: Date): Promise<string[]> {
  const input = {
    logGroupName: `/aws/lambda/onebuck-${STAGE}-${name}`,
    startTime: since.getTime(),
  };
  const { events } = await callAws<{ readonly events: readonly { readonly message: string }[] }>(
    emulator,
    'logs',
    'Logs_20140328.FilterLogEvents',
    input,
  );
  return events.map(({ message }) => message);
}

async function forget(emulator: Emulator, id: string): Promise<void> {
  const client = new DynamoDBClient(clientOf(emulator));
  const TableName = `onebuck-${STAGE}-clusters`;
  await client.send(new DeleteItemCommand({ TableName, Key: { id: { S: id } } }));
  client.destroy();
}

interface Rule {
  readonly Name: string;
  readonly ScheduleExpression?: string;
}

/** By its own rule, whose next turn would be too long to wait for here. */
async function bringSweepForward(emulator: Emulator): Promise<void> {
  const rules = await callAws<{ readonly Rules: readonly Rule[] }>(
    emulator,
    'events',
    'AWSEvents.ListRules',
    {},
  );
  const rule = rules.Rules.find(
    ({ ScheduleExpression }) => ScheduleExpression === 'rate(5 minutes)',
  );
  if (rule === undefined) throw new Error('no rule fires each 5 minutes');
  const sooner = { Name: rule.Name, ScheduleExpression: 'rate(1 minute)', State: 'ENABLED' };
  await callAws(emulator, 'events', 'AWSEvents.PutRule', sooner);
}
