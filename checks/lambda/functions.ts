import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import JSZip from 'jszip';
import { freePort } from '../../simulators/listen.ts';
import { expect, until } from '../deploy/expect.ts';
import { type FunctionProperties, packageFolder } from '../package.ts';
import type { LambdaRuntime } from './runtime.ts';

/** A function in Amazon's runtime. */
export interface RunningFunction {
  readonly properties: FunctionProperties;
  /**
   * Returns what the function answers, parsed; a failure is an object with `errorType` and
   * `errorMessage`. A second call waits for the first: a process of Lambda runs one at a time.
   */
  invoke(event: unknown): Promise<unknown>;
  /** The lines so far, those of the runtime too. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

/**
 * Unpacks the function's zip and starts it, with the environment that Lambda documents
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime),
 * and with the variables of the template. `overrides`: further variables, and other values.
 */
export async function startFunction(
  { node, client, emulator }: LambdaRuntime,
  properties: FunctionProperties,
  overrides: Readonly<Record<string, string>>,
): Promise<RunningFunction> {
  const { FunctionName, Handler, MemorySize, Timeout, Code, Environment } = properties;
  const folder = await unpacked(basename(Code.S3Key));
  const [port, runtimePort] = [await freePort(), await freePort()];
  const command = [node, '--max-http-header-size', '81920', client, Handler];
  const options = [
    ['--runtime-interface-emulator-address', `127.0.0.1:${port}`],
    ['--runtime-api-address', `127.0.0.1:${runtimePort}`],
  ].flat();
  const child = spawn(emulator, [...options, ...command], {
    cwd: folder,
    env: {
      PATH: '/usr/bin:/bin',
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      ...variablesOf(Environment.Variables),
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: FunctionName,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${MemorySize}`,
      AWS_LAMBDA_FUNCTION_TIMEOUT: `${Timeout}`,
      LAMBDA_TASK_ROOT: folder,
      LAMBDA_RUNTIME_DIR: dirname(client),
      _HANDLER: Handler,
      ...overrides,
    },
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const log: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => log.push(line));
  }
  await until(`${FunctionName} takes invocations`, 30, () => listensOn(port));

  let last: Promise<unknown> = Promise.resolve();
  async function send(event: unknown): Promise<unknown> {
    const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`${FunctionName} answers ${response.status} ${text}`);
    }
  }
  return {
    properties,
    log,
    invoke(event) {
      const answer = last.then(() => send(event));
      last = answer.catch(() => {});
      return answer;
    },
    async close() {
      // The emulator then ends the runtime client too, even while the function runs.
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function unpacked(zip: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-function-'));
  const { files } = await JSZip.loadAsync(readFileSync(join(packageFolder, zip)));
  for (const file of Object.values(files).filter(({ dir }) => !dir)) {
    const path = join(folder, file.name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await file.async('nodebuffer'));
  }
  return folder;
}

/** The variables that are texts; the one other, NOTICE_TOPIC_ARN, is empty without an address. */
const variablesOf = (variables: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => {
      const [name, value] = entry;
      expect(
        typeof value === 'string' ||
          ['JOB_BUCKET', 'NOTICE_TOPIC_ARN', 'PUBLIC_URL'].includes(name),
        `the template computes ${name}, which checks/lambda does not know`,
      );
      return typeof value === 'string';
    }),
  );

const listensOn = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
