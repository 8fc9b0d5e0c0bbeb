import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { stringify } from 'yaml';
import { projectDir, serverlessBin } from '../../build/project.ts';
import { fileOf } from '../../ops/settings.ts';
import { clientOf, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';

const STAGE = 'emulated';
/** The name in AWS of a function, queue, topic or table of the stage. */
export const named = (name: string) => `onebuck-${STAGE}-${name}`;
export const LINODE_TOKEN = 'token-of-the-account';
export const PASSWORD_KEY = 'sixteen-or-more-characters';
const API_TOKEN = 'token-of-the-admin';

/** A cluster that `maxHours` ends, before its budget would. */
export const SPEC = {
  nodes: 3,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 0.05,
  maxHours: 1,
};

export interface Cluster {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly spentUsd: number;
}

export interface Schedule {
  readonly id: string;
  readonly enabled: boolean;
  readonly runs: readonly { readonly result: string; readonly clusterId?: string }[];
}

/** A command that has ended. */
export interface Ended {
  /** The exit code. */
  readonly code: number;
  /** stdout and stderr. */
  readonly printed: string;
}

/** The deployed API, called with the admin's token. */
export interface Api {
  readonly url: string;
  /** Rejects if the answer has another status than `status`, 200 by default. */
  call<T>(method: string, path: string, body?: unknown, status?: number): Promise<T>;
  cluster(id: string): Promise<Cluster>;
}

const tsx = createRequire(import.meta.url).resolve('tsx/cli');

/** Runs an operator's commands on a stage of the emulated account. */
export function createDeployment(emulator: Emulator, linodeUrl: string) {
  const { env } = emulator;
  // Without an address, no function publishes notices.
  const settings = { LINODE_API_URL: linodeUrl, NOTICE_EMAIL: 'notices@example.com' };
  const file = join(projectDir, fileOf(STAGE));
  const writeSettings = (changes: Readonly<Record<string, string | number | undefined>> = {}) =>
    writeFileSync(file, stringify({ ...settings, ...changes }));
  writeSettings();

  function run(args: readonly string[], onLine = (_: string) => {}): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { cwd: projectDir, env, maxBuffer: 16 * 1024 * 1024 };
      const child = execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? 1);
        resolve({ code, printed: stdout + stderr });
      });
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on('line', onLine);
      }
    });
  }

  const tryServerless = (...args: readonly string[]) =>
    run([serverlessBin, ...args, '--stage', STAGE]);

  async function serverless(...args: readonly string[]): Promise<string> {
    const { code, printed } = await tryServerless(...args);
    expect(code === 0, `serverless ${args.join(' ')} exited with ${code}:\n${printed}`);
    return printed;
  }

  return {
    tryServerless,
    serverless,
    /** Writes the file of the stage's settings, which is there from the beginning. */
    writeSettings,
    removeSettings: () => rmSync(file, { force: true }),
    /** `npm run drain`, without npm. */
    drain: (onLine: (line: string) => void) =>
      run([tsx, join(projectDir, 'ops', 'drain.ts'), '--stage', STAGE], onLine),

    createSecret: () => createSecret(emulator, `onebuck/${STAGE}`, API_TOKEN),

    async deploy(...args: readonly string[]): Promise<Api> {
      const printed = await serverless('deploy', ...args);
      const apiId = /https:\/\/([a-z0-9]+)\.execute-api/.exec(printed)?.[1];
      if (apiId === undefined) throw new Error(`the deploy printed no endpoint:\n${printed}`);
      return apiAt(`${emulator.endpoint}/_aws/execute-api/${apiId}/$default`);
    },
  };
}

/** The secret of a stage, with `LINODE_TOKEN` and an API token of the admin. */
export async function createSecret(
  emulator: Emulator,
  name: string,
  apiToken: string,
): Promise<void> {
  const client = new SecretsManagerClient(clientOf(emulator));
  const admin = createHash('sha256').update(apiToken).digest('hex');
  const SecretString = JSON.stringify({
    linodeToken: LINODE_TOKEN,
    passwordKey: PASSWORD_KEY,
    apiTokens: { admin },
  });
  await client.send(new CreateSecretCommand({ Name: name, SecretString }));
  client.destroy();
}

function apiAt(url: string): Api {
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
  return { url, call, cluster: (id) => call('GET', `/clusters/${id}`) };
}
