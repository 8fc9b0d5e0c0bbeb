import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../simulators/listen.ts';
import type { Account } from '../grants.ts';
import { node24 } from '../node24.ts';
import { expect, until } from './expect.ts';
import { type Recorder, startRecorder } from './recorder.ts';

/** An emulated AWS account, which grants functions only what their roles do. */
export interface Emulator {
  readonly endpoint: string;
  /**
   * An environment in which AWS's tools and clients reach the emulator and not the real AWS, as the
   * root of the account, who may do everything.
   */
  readonly env: Readonly<Record<string, string>>;
  /** The calls of the functions. */
  readonly recorder: Recorder;
  close(): Promise<void>;
}

/** Buckets take requests by TLS only, as all those to AWS are. */
export const BY_TLS = { 'x-forwarded-proto': 'https' };
export const ACCOUNT: Account = { id: '000000000000', region: 'us-east-1' };
const ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };

/** The options of an AWS client that reaches the emulator as the root of the account. */
export const clientOf = ({ endpoint }: Emulator) => ({
  endpoint,
  region: ACCOUNT.region,
  credentials: ROOT,
});

/** `programs`: the folder of the programs of checks/requirements.txt. */
export async function startEmulator(programs: string): Promise<Emulator> {
  const port = await freePort();
  // With an IP address as host, AWS's clients put the name of an S3 bucket into the path.
  const endpoint = `http://127.0.0.1:${port}`;
  const env = {
    ...withoutAws(),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
    AWS_REGION: ACCOUNT.region,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const recorder = await startRecorder(endpoint, { added: BY_TLS });
  const inFunctions = fileURLToPath(new URL('./function-process.cjs', import.meta.url));
  const child: ChildProcess = spawn(join(programs, 'ministack'), [], {
    env: {
      ...env,
      GATEWAY_PORT: `${port}`,
      // Without AUTH, the emulator grants everybody everything.
      AUTH: 'true',
      // The emulator starts functions with the first `node` on its PATH.
      PATH: [node24(), process.env.PATH].join(delimiter),
      // The functions get these two variables from the emulator.
      AWS_ENDPOINT_URL: recorder.url,
      NODE_OPTIONS: `--require ${inFunctions}`,
    },
    stdio: 'ignore',
  });
  await until('the emulator answers', 60, () =>
    healthOf(endpoint).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  const close = async () => {
    child.kill('SIGKILL');
    await recorder.close();
  };
  return { endpoint, env, recorder, close };
}

const healthOf = (endpoint: string) => fetch(`${endpoint}/_ministack/health`);

/** Otherwise every call would be allowed, and the check of the roles would prove little. */
export async function expectEnforcedIam({ endpoint }: Emulator): Promise<void> {
  const { auth } = (await (await healthOf(endpoint)).json()) as { readonly auth: string };
  expect(auth === 'enabled', 'the emulator does not enforce IAM');
}

/** The environment of this process without variables for the real AWS. */
function withoutAws(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** Calls an API for which no client is installed, and whose calls are named by a target. */
export function callAws<T>(
  emulator: Emulator,
  service: 'events' | 'logs' | 'sqs',
  target: string,
  input: unknown,
): Promise<T> {
  return request(emulator, service, { headers: { 'x-amz-target': target }, input });
}

/** Calls IAM, for which no client is installed; returns the XML of the answer. */
export const callIam = (emulator: Emulator, input: Readonly<Record<string, string>>) =>
  answerTo(emulator, 'iam', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...input, Version: '2010-05-08' }).toString(),
  });

/** Calls EventBridge Scheduler, for which no client is installed. Without `input`, it reads. */
export function callScheduler<T>(emulator: Emulator, path: string, input?: unknown): Promise<T> {
  return request(emulator, 'scheduler', { path, method: input ? 'PUT' : 'GET', input });
}

async function request<T>(
  emulator: Emulator,
  service: string,
  { input, headers, ...options }: Omit<Request, 'body'> & { readonly input: unknown },
): Promise<T> {
  const text = await answerTo(emulator, service, {
    ...options,
    headers: { ...headers, 'content-type': 'application/x-amz-json-1.1' },
    ...(input === undefined ? {} : { body: JSON.stringify(input) }),
  });
  return JSON.parse(text) as T;
}

interface Request {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The emulator does not check the signatures of the account's root. */
async function answerTo(
  { endpoint }: Emulator,
  service: string,
  { path = '/', method = 'POST', headers, body }: Request,
): Promise<string> {
  const scope = `Credential=${ROOT.accessKeyId}/20260101/${ACCOUNT.region}/${service}/aws4_request`;
  const response = await fetch(`${endpoint}${path}`, {
    method,
    headers: {
      ...headers,
      authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=none`,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service} ${path}: ${response.status} ${text}`);
  return text;
}
