import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable, tableNamed } from '../../simulators/aws/dynamodb.ts';
import type { LinodeSimulator } from '../../simulators/linode/simulator.ts';
import { listen } from '../../simulators/listen.ts';
import { createSecret } from '../deploy/deployment.ts';
import { clientOf, type Emulator } from '../deploy/emulator.ts';
import { expect } from '../deploy/expect.ts';
import { functionsOf, packagedTemplate } from '../package.ts';
import { type RunningFunction, startFunction } from './functions.ts';
import type { LambdaRuntime } from './runtime.ts';

/** The token in events/api.json. */
export const API_TOKEN = 'onebuck-local';

/** By which nodes would reach the API. */
export const PUBLIC_URL = 'https://onebuck.example.com';

/** Of jobs, which no cluster of this check has. */
const JOB_BUCKET = 'jobs';

interface Failure {
  readonly errorType: string;
  readonly errorMessage: string;
}

/** All functions of the package, by their names in serverless.yml. */
export interface Functions {
  /** Throws if the function fails. */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Throws unless the function fails. */
  fail(name: string, event: unknown): Promise<Failure>;
  /** The next invocation of a function by a function gets lost. */
  loseNext(): void;
  /** Resolves when all invocations of functions by functions have ended; throws if one failed. */
  settled(): Promise<void>;
  /** Starts a function once more, with another time-out in seconds. */
  startWithin(name: string, seconds: number): Promise<RunningFunction>;
  readonly logs: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

/**
 * Starts all functions of the package, each in Amazon's runtime, with the table and the secret of
 * their stage in the emulated AWS. Their invocations of each other are carried out here, since the
 * emulated AWS does not have the functions.
 */
export async function startFunctions(
  runtime: LambdaRuntime,
  emulator: Emulator,
  linode: LinodeSimulator,
): Promise<Functions> {
  const all = functionsOf(packagedTemplate());
  const shortNameOf = ({ Handler }: { readonly Handler: string }) =>
    Handler.replace(/^handlers\/(\w+)\..*$/, '$1');
  const running = new Map<string, RunningFunction>();
  const more: RunningFunction[] = [];
  const invoked: Promise<unknown>[] = [];
  let isNextLost = false;

  const lambda = createServer(async (request, response) => {
    const [, name = ''] = /\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '') ?? [];
    const event = JSON.parse(await text(request));
    response.writeHead(202).end();
    if (isNextLost) {
      isNextLost = false;
      return;
    }
    const called = [...running].find(([, { properties }]) => properties.FunctionName === name);
    const invocation = invoke(called?.[0] ?? name, event);
    invocation.catch(() => {}); // `settled` throws the error
    invoked.push(invocation);
  });
  const overrides = {
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: await listen(lambda, 0),
    AWS_ACCESS_KEY_ID: `${emulator.env.AWS_ACCESS_KEY_ID}`,
    AWS_SECRET_ACCESS_KEY: `${emulator.env.AWS_SECRET_ACCESS_KEY}`,
    LINODE_API_URL: linode.url,
    PUBLIC_URL,
    JOB_BUCKET,
  };

  const { TABLE_NAME, SECRET_ID } = all[0]?.Environment.Variables ?? {};
  const client = new DynamoDBClient(clientOf(emulator));
  await createTable(client, tableNamed(`${TABLE_NAME}`));
  client.destroy();
  await createSecret(emulator, `${SECRET_ID}`, API_TOKEN);
  await Promise.all(
    all.map(async (properties) => {
      running.set(shortNameOf(properties), await startFunction(runtime, properties, overrides));
    }),
  );

  const find = (name: string): RunningFunction => {
    const found = running.get(name);
    if (found === undefined) throw new Error(`the package has no function ${name}`);
    return found;
  };
  async function invoke(name: string, event: unknown): Promise<unknown> {
    const answer = await find(name).invoke(event);
    const { errorType, errorMessage } = (answer ?? {}) as Partial<Failure>;
    expect(errorType === undefined, `${name} fails with ${errorType}: ${errorMessage}`);
    return answer;
  }

  return {
    invoke,
    async fail(name, event) {
      const answer = (await find(name).invoke(event)) as Failure | null;
      if (answer?.errorType === undefined)
        throw new Error(`${name} takes ${JSON.stringify(event)}`);
      return answer;
    },
    loseNext() {
      isNextLost = true;
    },
    async settled() {
      while (invoked.length > 0) await invoked.shift();
    },
    async startWithin(name, seconds) {
      const { properties } = find(name);
      const started = await startFunction(runtime, { ...properties, Timeout: seconds }, overrides);
      more.push(started);
      return started;
    },
    get logs() {
      return new Map([...running].map(([name, { log }]) => [name, log]));
    },
    async close() {
      await Promise.all([...running.values(), ...more].map((one) => one.close()));
      lambda.close();
      lambda.closeAllConnections();
    },
  };
}
