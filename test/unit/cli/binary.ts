import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDir } from '../../../build/project.ts';
import { freePort } from '../../../simulators/listen.ts';
import {
  type Ended,
  type Env,
  ended,
  type Running,
  startInTerminal,
  startNode,
  startScript,
} from '../../support/children.ts';

/** Fast, and yet slow enough for ten Linodes to come up before they are late. */
export const RATE = 200;
export const TOKEN = 'token-of-the-tests';
/** Far from a month's end, near which an hour may be billed twice. */
const START = Date.parse('2026-11-10T10:00:00Z');

export function buildBinary(): void {
  execFileSync(process.execPath, ['--import', 'tsx', 'build/cli.ts'], { cwd: projectDir });
}

const binary = join(projectDir, 'dist/onebuck.mjs');

export const startOnebuck = (args: readonly string[], env: Env): Running =>
  startNode([binary, ...args], env);

export const onebuckInTerminal = (args: readonly string[], env: Env): Running =>
  startInTerminal([binary, ...args], env);

export const onebuck = (args: readonly string[], env: Env, input = ''): Promise<Ended> =>
  ended(startOnebuck(args, env), input);

/** Another HOME, so that nobody's login is read or changed. */
export const envIn = (home: string, more: Env = {}): Env => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  TZ: 'Europe/Berlin',
  ...more,
});

export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

/** `npm start`, on a free port, on a clock that runs fast. */
export async function startService(): Promise<Service> {
  const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-cli-service-'));
  const port = await freePort();
  const now = Date.now();
  const running = startScript(['dev/start.ts'], {
    ...(process.env as Env),
    PORT: `${port}`,
    DATA_DIR: dataDir,
    ONEBUCK_TOKEN: TOKEN,
    CLOCK_RATE: `${RATE}`,
    CLOCK_ORIGIN: `${Math.round((now * RATE - START) / (RATE - 1))}`,
    PROVISION_MINUTES: '45',
  });
  const stop = async () => {
    running.child.kill('SIGTERM');
    await running.ended;
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await running.says('Onebuck runs at');
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}
