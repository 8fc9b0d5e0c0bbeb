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

/** An hour in a minute. */
const RATE = 60;
/**
 * Half an hour: of a life of an hour, half a minute is left to live and half to end, which even a
 * busy machine does in time.
 */
const MARGIN_SECONDS = 1_800;
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
  /** Has Linodes that are created from now on never come up, or come up again. */
  neverUp(isSo: boolean): Promise<void>;
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
    SAFETY_MARGIN_SECONDS: `${MARGIN_SECONDS}`,
  });
  const stop = async () => {
    running.child.kill('SIGTERM');
    await running.ended;
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await running.says('See them:');
  } catch (error) {
    await stop();
    throw error;
  }
  const [, linode = ''] = /Linode +(\S+)\/v4 /.exec(running.said.stdout) ?? [];
  const neverUp = async (isSo: boolean) => {
    const body = JSON.stringify({ stuckLabels: isSo ? ['.'] : [] });
    const answer = await fetch(`${linode}/_simulator/settings`, { method: 'PATCH', body });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return { url: `http://127.0.0.1:${port}`, neverUp, stop };
}
