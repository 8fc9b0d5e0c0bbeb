import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectDir } from '../build/project.ts';
import { type ClockSettings, createClock } from '../lib/adapters/clock.ts';
import type { Clock } from '../lib/ports.ts';
import { startDynamoDb } from '../simulators/aws/dynamodb.ts';
import { startRules } from '../simulators/aws/eventbridge.ts';
import { startLambda } from '../simulators/aws/lambda.ts';
import { startS3 } from '../simulators/aws/s3.ts';
import { startSecrets } from '../simulators/aws/secrets.ts';
import type { Machines } from '../simulators/linode/machines.ts';
import { type LinodeSimulator, startLinodeSimulator } from '../simulators/linode/simulator.ts';
import { freePort } from '../simulators/listen.ts';
import { startFunctions } from './functions.ts';
import type { PatientTime } from './patient-time.ts';
import { readService } from './service.ts';
import { openSecret, type SecretOptions } from './tokens.ts';

export interface StackOptions extends SecretOptions {
  /** The port of the HTTP API and the console. */
  readonly port: number;
  /** A clock at a rate; or patient time, which waits for the functions' work. */
  readonly clock: ClockSettings | PatientTime;
  /** null: `startStack` starts a simulated Linode. */
  readonly linodeUrl: string | null;
  /** MAX_OPEN_BUDGET_USD; null: the default of serverless.yml. */
  readonly openBudgetMax: string | null;
  /** PUBLIC_URL, by which nodes reach the API; null: they can't. */
  readonly publicUrl: string | null;
  /**
   * Lets nodes reach the port of 127.0.0.1 at which the files of jobs are, and returns the IP address
   * by which nodes and browsers reach it; null: no node could, and there are no jobs.
   */
  readonly leadToFiles: ((port: number) => Promise<string>) | null;
  /** What boots the simulated Linodes; whoever made it closes it. Default: they boot nothing. */
  readonly machines?: Machines;
  /** Called with each warning and error that a function logs, and for each failed invocation. */
  readonly onLog: (line: string) => void;
}

export interface Stack {
  readonly url: string;
  readonly clock: Clock;
  /** null: the stack uses the server at `linodeUrl`. */
  readonly simulator: LinodeSimulator | null;
  /** Resolves with the exit code when the process of the functions has ended. */
  readonly ended: Promise<number>;
  /** From now on no rule invokes a function, as with a dead EventBridge. */
  stopRules(): void;
  close(): Promise<void>;
}

/**
 * Starts all of Onebuck on this machine: the functions, the stand-ins for AWS and Linode that they
 * call, and the rules that invoke them. Resolves when the API answers.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { port, dataDir, linodeToken, onLog } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const patient = 'now' in options.clock ? options.clock : null;
  const clock = 'now' in options.clock ? options.clock : createClock(options.clock);
  // Each stack has its own build folder, so that several stacks can run at once.
  const buildDir = join(projectDir, '.esbuild', `${port}`);
  const ports = {
    dynamodb: await freePort(),
    secrets: await freePort(),
    lambda: await freePort(),
    functions: await freePort(),
    files: await freePort(),
  };
  const filesHost = (await options.leadToFiles?.(ports.files)) ?? null;
  const simulator =
    options.linodeUrl === null
      ? await startLinodeSimulator({
          now: clock.now,
          tokens: { [linodeToken]: '*' },
          stateFile: join(dataDir, 'linode.json'),
          ...(options.machines === undefined ? {} : { machines: options.machines }),
          // Machines have agents of their own. Patient time would wait for the simulated ones, which
          // look at their clocks all the time.
          playsAgents: patient === null && options.machines === undefined,
        })
      : null;
  const env = {
    ...awsEnvironment(ports),
    ...filesEnvironment(filesHost, ports.files),
    LINODE_API_URL: simulator?.url ?? options.linodeUrl ?? '',
    ...clockEnvironment(options.clock),
    ...(options.openBudgetMax === null ? {} : { MAX_OPEN_BUDGET_USD: options.openBudgetMax }),
    PUBLIC_URL: options.publicUrl ?? '',
  };
  writeFileSync(join(dataDir, 'functions.env'), envFile(env), { mode: 0o600 });
  // The framework needs seconds to start the functions, and seconds to print serverless.yml, so
  // both run at the same time.
  const starting = startFunctions({
    httpPort: port,
    lambdaPort: ports.functions,
    logFile: join(dataDir, 'functions.log'),
    onLog,
    preloads: patient === null ? [] : [patient.preload],
    env: { ...env, ESBUILD_FOLDER: relative(projectDir, buildDir) },
  });
  starting.catch(() => {}); // awaited below; a rejection before that must not end the process
  const service = await readService();
  const dynamodb = await startDynamoDb(join(dataDir, 'dynamodb'), service.table, ports.dynamodb);
  const { value, onChange } = openSecret(options);
  const secrets = await startSecrets(service.secretId, value, { port: ports.secrets, onChange });
  const s3 = await startS3({
    bucket: JOB_BUCKET,
    folder: join(dataDir, 'files'),
    port: ports.files,
    // The console is open in a browser at one of these two.
    origins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`],
  });
  const lambda = await startLambda({
    port: ports.lambda,
    functionsUrl: `http://127.0.0.1:${ports.functions}`,
    clock,
    retries: service.retries,
    onError: (name, reason) => onLog(`${name} failed: ${reason}`),
  });
  const functions = await starting;
  await warmUp(`http://127.0.0.1:${port}`, lambda, service.functionNames);
  patient?.start(functions.process);
  const rules = startRules(service.rules, clock, lambda.invokeAsync);
  return {
    url: `http://127.0.0.1:${port}`,
    clock,
    simulator,
    ended: functions.ended,
    stopRules: rules.close,
    async close() {
      patient?.close();
      rules.close();
      lambda.close();
      await functions.close();
      rmSync(buildDir, { recursive: true, force: true });
      secrets.close();
      await Promise.all([dynamodb.close(), s3.close(), simulator?.close()]);
    },
  };
}

const clockEnvironment = (clock: ClockSettings | PatientTime) =>
  'now' in clock ? clock.env : { CLOCK_RATE: `${clock.rate}`, CLOCK_ORIGIN: `${clock.originMs}` };

const JOB_BUCKET = 'onebuck-local-jobs';

/** With an IP address in the endpoint, the SDK puts the bucket into the path. */
const filesEnvironment = (host: string | null, port: number): Readonly<Record<string, string>> =>
  host === null ? {} : { JOB_BUCKET, AWS_ENDPOINT_URL_S3: `http://${host}:${port}` };

/** A file of environment variables, for a person who invokes a function from another shell. */
const envFile = (env: Readonly<Record<string, string>>) =>
  Object.entries({ ...env, IS_OFFLINE: 'true' })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

export const defaultDataDir = join(projectDir, '.onebuck');

function awsEnvironment(ports: Record<'dynamodb' | 'secrets' | 'lambda', number>) {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${ports.dynamodb}`,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${ports.secrets}`,
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${ports.lambda}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

/** Calls each function of a cluster's life once, since a first call takes long to load the code. */
async function warmUp(
  url: string,
  lambda: { invokeAsync(name: string, payload: string): Promise<void> },
  names: Readonly<Record<string, string>>,
): Promise<void> {
  const noCluster = JSON.stringify({ passes: [{ clusterId: 'caaaaaaaaaa' }] });
  const noSchedule = JSON.stringify({ scheduleId: 'saaaaaaaaaa' });
  await Promise.all([
    fetch(`${url}/clusters`, { headers: { authorization: 'Bearer none' } }),
    fetch(url),
    lambda.invokeAsync(names.reconcile ?? '', noCluster),
    lambda.invokeAsync(names.schedule ?? '', noSchedule),
    lambda.invokeAsync(names.reap ?? '', '{}'),
  ]);
}
