import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteFunctionConcurrencyCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { named } from './deployment.ts';
import { callAws, clientOf, type Emulator } from './emulator.ts';
import { expect, until } from './expect.ts';
import { receive } from './queues.ts';

export const LOST_RUNS = named('lost-runs');

export interface LogLine {
  readonly message: string;
  readonly logStreamName: string;
}

/**
 * What a function, by its name in Lambda, has logged since an instant. Lambda logs START for each
 * invocation.
 */
export async function logOf(
  emulator: Emulator,
  functionName: string,
  since: Date,
): Promise<LogLine[]> {
  const input = { logGroupName: `/aws/lambda/${functionName}`, startTime: since.getTime() };
  const target = 'Logs_20140328.FilterLogEvents';
  const { events } = await callAws<{ readonly events: LogLine[] }>(emulator, 'logs', target, input);
  return events;
}

/** Stops and starts a function by its reserved concurrency; 0 refuses every invocation. */
export function createSwitch(emulator: Emulator, name: string) {
  const FunctionName = named(name);
  const lambda = new LambdaClient({ ...clientOf(emulator), maxAttempts: 1 });
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
      (await logOf(emulator, FunctionName, since)).some(({ message }) =>
        message.startsWith('START '),
      ),
    async stop(): Promise<void> {
      const none = { FunctionName, ReservedConcurrentExecutions: 0 };
      await lambda.send(new PutFunctionConcurrencyCommand(none));
      expect((await invoke()) === 'throttled', `${name} runs though it was stopped`);
      // An invocation that was under way may still write to the log.
      await delay(3_000);
    },
    async start(): Promise<void> {
      await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
      expect((await invoke()) === 'ran', `${name} does not run again`);
      lambda.destroy();
    },
  };
}

/** Runs the function now, and waits for its answer; of a failure that is the error. */
export async function runNow(
  emulator: Emulator,
  name: string,
): Promise<{ readonly hasFailed: boolean; readonly answer: string }> {
  const lambda = new LambdaClient(clientOf(emulator));
  const invoked = await lambda.send(new InvokeCommand({ FunctionName: named(name) }));
  lambda.destroy();
  const answer = Buffer.from(invoked.Payload ?? []).toString();
  return { hasFailed: invoked.FunctionError !== undefined, answer };
}

/**
 * Starts a run that can't succeed, by an event as EventBridge sends it, and waits until Lambda has
 * given it up and sent it to the queue of lost runs.
 */
export async function loseRun(emulator: Emulator, name: string): Promise<void> {
  const lambda = new LambdaClient(clientOf(emulator));
  const FunctionName = named(name);
  await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: '{}' }));
  lambda.destroy();
  await until(`a run of ${name} is among the lost runs`, 60, async () =>
    (await lostRuns(emulator)).includes(FunctionName),
  );
}

/** The names in Lambda of the functions of which a run was lost. */
export async function lostRuns(emulator: Emulator): Promise<string[]> {
  const bodies = await receive<{ readonly requestContext: { readonly functionArn: string } }>(
    emulator,
    LOST_RUNS,
  );
  return bodies.map(({ requestContext }) => requestContext.functionArn.split(':')[6] ?? '');
}
