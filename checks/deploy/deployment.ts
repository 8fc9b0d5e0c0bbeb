import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { stringify } from 'yaml';
import { projectDir, serverlessBin } from '../../build/project.ts';
import { fileOf } from '../../ops/settings.ts';
import { copyOf } from '../mutants/copy.ts';
import { packagedTemplate } from '../package.ts';
import type { Template } from '../policies.ts';
import { runLines } from './commands.ts';
import { clientOf, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';
import type { User, Users } from './users.ts';

export const STAGE = 'emulated';
/** The name in AWS of a function, queue, topic or table of the stage. */
export const named = (name: string) => `onebuck-${STAGE}-${name}`;
export const LINODE_TOKEN = 'token-of-the-account';
export const PASSWORD_KEY = 'sixteen-or-more-characters';

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

/**
 * Runs the commands of who deploys and of who operates a stage of the emulated account. They run in
 * a copy of the project, so that whatever else uses the project's folder may do so meanwhile.
 */
export function createDeployment(emulator: Emulator, users: Users, linodeUrl: string) {
  const copy = copyOf(projectDir);
  let apiToken = '';
  const settings = {
    LINODE_API_URL: linodeUrl,
    // Without an address, no function publishes notices.
    NOTICE_EMAIL: 'notices@example.com',
    // Where nothing listens: the functions sign what they try to send there.
    NOTICE_WEBHOOK_URL: 'https://127.0.0.1:9/notices',
    DIGEST: 'weekly',
    // Without the boundary, who deploys may make no role.
    PERMISSIONS_BOUNDARY: 'true',
  };
  const file = join(copy.dir, fileOf(STAGE));
  const writeSettings = (
    changes: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ) => writeFileSync(file, stringify({ ...settings, ...changes }));
  writeSettings();

  function run(
    { env }: Pick<User, 'env'>,
    args: readonly string[],
    onLine = (_: string) => {},
  ): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { cwd: copy.dir, env, maxBuffer: 16 * 1024 * 1024 };
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
    run(users.deployer, [serverlessBin, ...args, '--stage', STAGE]);

  async function serverless(...args: readonly string[]): Promise<string> {
    const { code, printed } = await tryServerless(...args);
    expect(code === 0, `serverless ${args.join(' ')} exited with ${code}:\n${printed}`);
    return printed;
  }

  /** `npm run <script>`, without npm, by the operator. Throws if the command fails. */
  async function npmRun(script: string, args: readonly string[] = [], env = {}): Promise<string> {
    const file = join(copy.dir, 'ops', `${script}.ts`);
    const user = { env: { ...users.operator.env, ...env } };
    const { code, printed } = await run(user, [tsx, file, ...args, '--stage', STAGE]);
    expect(code === 0, `npm run ${script} exited with ${code}:\n${printed}`);
    return printed;
  }

  return {
    tryServerless,
    serverless,
    /** Writes the file of the stage's settings, which is there from the beginning. */
    writeSettings,
    /** Removes the copy of the project. */
    remove: () => copy.remove(),
    /** Of the last deploy. */
    template: (): Template => packagedTemplate(copy.dir),
    /** Builds the console, which the functions serve, and which `npm ci` builds in a clone. */
    async buildConsole(): Promise<void> {
      await runLines(['npm run -s build:web'], { cwd: copy.dir, env: users.deployer.env });
    },
    npmRun,
    /** `npm run drain`, without npm, by the operator. */
    drain: (onLine: (line: string) => void) =>
      run(users.operator, [tsx, join(copy.dir, 'ops', 'drain.ts'), '--stage', STAGE], onLine),

    /** Makes the secret, with an API token of the admin, which the returned APIs use. */
    async setUp(): Promise<void> {
      const env = { LINODE_TOKEN, LINODE_API_URL: linodeUrl };
      [apiToken = ''] = /\bonebuck_\S{43}/.exec(await npmRun('setup', [], env)) ?? [];
      expect(apiToken !== '', 'npm run setup printed no API token');
    },

    async deploy(...args: readonly string[]): Promise<Api> {
      const printed = await serverless('deploy', ...args);
      const apiId = /https:\/\/([a-z0-9]+)\.execute-api/.exec(printed)?.[1];
      if (apiId === undefined) throw new Error(`the deploy printed no endpoint:\n${printed}`);
      return apiAt(`${emulator.endpoint}/_aws/execute-api/${apiId}/$default`, apiToken);
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

function apiAt(url: string, token: string): Api {
  async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect(response.status === status, `${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }
  return { url, call, cluster: (id) => call('GET', `/clusters/${id}`) };
}
