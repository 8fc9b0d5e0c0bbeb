import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { epochMs } from '../lib/core/units.ts';
import { startLinodeSimulator } from './linode/simulator.ts';
import { freePort } from './listen.ts';
import { pythonPrograms } from './python.ts';
import { projectDir, serverlessBin } from './service.ts';

/**
 * `npm run test:deploy`: `serverless deploy` of the whole stack, as users do it, to an AWS emulator
 * (MiniStack, from PyPI); then a cluster through the deployed API, a schedule that only the deployed
 * reaper can run, a second deploy in their midst, their ends, and `serverless remove`.
 *
 * The functions run in real time. Linode's clock is 55 minutes behind, so that what is created now
 * has begun its hour then, and the teardown time of `maxHours: 1` is 2 minutes away.
 */
const STAGE = 'emulated';
const LINODE_TOKEN = 'token-of-the-account';
const LINODE_IS_BEHIND_MS = 55 * 60_000;
const SPEC = {
  nodes: 3,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 0.05,
  maxHours: 1,
};
const API_TOKEN = 'token-of-the-admin';

interface Cluster {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly spentUsd: number;
}

interface Schedule {
  readonly id: string;
  readonly runs: readonly { readonly result: string; readonly clusterId?: string }[];
}

const bin = pythonPrograms();
if (bin === null) {
  console.log('SKIPPED: the AWS emulator needs python3 with venv, which is not here.');
  process.exit(0);
}
const began = Date.now();
const say = (text: string) =>
  console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);

const simulator = await startLinodeSimulator({
  now: () => epochMs(Date.now() - LINODE_IS_BEHIND_MS),
  tokens: { [LINODE_TOKEN]: '*' },
});
const port = await freePort();
const env = { ...withoutAws(), ...emulatorEnvironment(port), LINODE_API_URL: simulator.url };
const emulator = await startEmulator(bin, port);
try {
  await run();
  say('passed');
  process.exitCode = 0;
} catch (error) {
  say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  emulator.kill('SIGKILL');
  await simulator.close();
}

async function run(): Promise<void> {
  await createSecret();
  say('the secret is there');
  const api = await deploy();
  say(`deployed: ${api.url}`);
  await expectAuthorizer(api.url);
  const cluster = await api.call<Cluster>('POST', '/clusters', SPEC, 202);
  const schedule = await api.call<Schedule>(
    'POST',
    '/schedules',
    { cron: '* * * * *', spec: { ...SPEC, nodes: 1 } },
    201,
  );
  say(`launched ${cluster.id}, and ${schedule.id} to launch another each minute`);
  await until('its nodes run', 120, async () => (await statusOf(api, cluster.id)) === 'running');
  say(`${cluster.id} runs: ${living(cluster.id)} Linodes`);

  await deploy('--force');
  expect((await statusOf(api, cluster.id)) === 'running', 'it lives through a second deploy');
  say('deployed again, in place');

  const firstRun = async () =>
    (await api.call<Schedule>('GET', `/schedules/${schedule.id}`)).runs.find(
      ({ result }) => result === 'launched',
    )?.clusterId;
  await until('the reaper has run the schedule', 150, async () => (await firstRun()) !== undefined);
  const scheduled = (await firstRun()) ?? '';
  say(`the reaper, by its EventBridge rule, had the schedule launch ${scheduled}`);
  await api.call('DELETE', `/schedules/${schedule.id}`, undefined, 204);

  for (const id of [cluster.id, scheduled]) {
    await until(`${id} has ended`, 240, async () => (await statusOf(api, id)) === 'deleted');
    const { endReason, spentUsd } = await api.call<Cluster>('GET', `/clusters/${id}`);
    expect(endReason === 'maxHours', `${id} was ended by ${endReason}`);
    const billed = simulator.bill(`onebuck=${id}`).totalMicroUsd;
    expect(billed <= SPEC.budgetUsd * 1e6, `Linode bills ${billed} micro-dollars for ${id}`);
    say(`${id} was torn down by its maxHours: $${spentUsd}, Linode bills $${billed / 1e6}`);
  }
  const left = simulator.instances().filter(({ deleted }) => deleted === null);
  expect(left.length === 0, `${left.length} Linodes are left`);
  say('no Linode is left');
  await serverless('remove');
  say('removed');
}

function living(id: string): number {
  return simulator.instances(`onebuck=${id}`).filter(({ deleted }) => deleted === null).length;
}

async function createSecret(): Promise<void> {
  const client = new SecretsManagerClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const admin = createHash('sha256').update(API_TOKEN).digest('hex');
  const SecretString = JSON.stringify({
    linodeToken: LINODE_TOKEN,
    passwordKey: 'sixteen-or-more-characters',
    apiTokens: { admin },
  });
  await client.send(new CreateSecretCommand({ Name: `onebuck/${STAGE}`, SecretString }));
  client.destroy();
}

async function deploy(...args: string[]) {
  const printed = await serverless('deploy', ...args);
  const apiId = /https:\/\/([a-z0-9]+)\.execute-api/.exec(printed)?.[1];
  if (apiId === undefined) throw new Error(`the deploy names no endpoint:\n${printed}`);
  const url = `http://127.0.0.1:${port}/_aws/execute-api/${apiId}/$default`;
  async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect(response.status === status, `${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }
  return { url, call };
}

type Api = Awaited<ReturnType<typeof deploy>>;

async function statusOf(api: Api, id: string): Promise<string> {
  return (await api.call<Cluster>('GET', `/clusters/${id}`)).status;
}

async function expectAuthorizer(url: string): Promise<void> {
  expect((await fetch(`${url}/health`)).status === 200, 'anybody may ask for /health');
  expect((await fetch(`${url}/clusters`)).status === 401, 'nobody without a token for /clusters');
  const wrong = { headers: { authorization: 'Bearer wrong' } };
  expect((await fetch(`${url}/clusters`, wrong)).status === 403, 'nor with a wrong one');
  say('the authorizer lets in whom it should');
}

async function serverless(...args: string[]): Promise<string> {
  const call = [serverlessBin, ...args, '--stage', STAGE];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, call, {
    cwd: projectDir,
    env,
  });
  return stdout + stderr;
}

async function startEmulator(programs: string, gatewayPort: number): Promise<ChildProcess> {
  const shim = fileURLToPath(new URL('require-cjs.cjs', import.meta.url));
  const child = spawn(join(programs, 'ministack'), [], {
    env: { ...env, GATEWAY_PORT: `${gatewayPort}`, NODE_OPTIONS: `--require ${shim}` },
    stdio: 'ignore',
  });
  const health = `http://127.0.0.1:${gatewayPort}/_ministack/health`;
  await until('the emulator answers', 60, () =>
    fetch(health).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return child;
}

async function until(what: string, seconds: number, test: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await test())) {
    expect(Date.now() < end, `not within ${seconds} s: ${what}`);
    await delay(1_000);
  }
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function emulatorEnvironment(gatewayPort: number) {
  return {
    // An IP address, so that S3 is asked by path.
    AWS_ENDPOINT_URL: `http://127.0.0.1:${gatewayPort}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

/** What is in the environment for real AWS must not reach anything here. */
function withoutAws(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}
