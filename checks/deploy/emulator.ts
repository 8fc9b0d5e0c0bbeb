import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../simulators/listen.ts';
import { until } from './expect.ts';

/** An emulated AWS account. */
export interface Emulator {
  readonly endpoint: string;
  /** An environment in which AWS's tools and clients reach the emulator and not the real AWS. */
  readonly env: Readonly<Record<string, string>>;
  close(): void;
}

/** The options of an AWS client that reaches the emulator. */
export const clientOf = ({ endpoint }: Emulator) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

/** `programs`: the folder of the programs of checks/requirements.txt. */
export async function startEmulator(programs: string): Promise<Emulator> {
  const port = await freePort();
  // With an IP address as host, AWS's clients put the name of an S3 bucket into the path.
  const endpoint = `http://127.0.0.1:${port}`;
  const env = {
    ...withoutAws(),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const shim = fileURLToPath(new URL('./require-cjs.cjs', import.meta.url));
  const child: ChildProcess = spawn(join(programs, 'ministack'), [], {
    env: { ...env, GATEWAY_PORT: `${port}`, NODE_OPTIONS: `--require ${shim}` },
    stdio: 'ignore',
  });
  await until('the emulator answers', 60, () =>
    fetch(`${endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { endpoint, env, close: () => void child.kill('SIGKILL') };
}

/** The environment of this process without variables for the real AWS. */
function withoutAws(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** Calls an API for which no client is installed. The emulator does not check the signature. */
export async function callAws<T>(
  { endpoint }: Emulator,
  service: 'events' | 'logs',
  target: string,
  input: unknown,
): Promise<T> {
  const scope = `Credential=test/20260101/us-east-1/${service}/aws4_request`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'x-amz-target': target,
      'content-type': 'application/x-amz-json-1.1',
      authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${target}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
