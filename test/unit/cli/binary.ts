import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { projectDir } from '../../../build/project.ts';
import { hostKeyOf } from '../../../lib/app/room-keys.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import type { SettingsChange } from '../../../simulators/linode/settings.ts';
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

/** The service's clock shows an hour in each minute. */
const RATE = 60;
/**
 * Half an hour of the service's clock. Of a cluster's budget for an hour, this leaves half a minute
 * of real time for its life and half a minute for its teardown: enough even on a busy machine.
 */
const MARGIN_SECONDS = 1_800;
export const TOKEN = 'token-of-the-tests';
/** The service's clock starts far from a month's end, across which an hour is billed twice. */
const START = Date.parse('2026-11-10T10:00:00Z');

/** Each test file builds its own, since a build takes away the files of the build before. */
const builtFolder = mkdtempSync(join(tmpdir(), 'onebuck-built-'));
afterAll(() => rmSync(builtFolder, { recursive: true, force: true }));

/** Builds the package; returns its folder. */
export function buildBinary(): string {
  execFileSync(process.execPath, [join(projectDir, 'build/cli.mjs'), builtFolder]);
  return builtFolder;
}

export const binary = join(builtFolder, 'onebuck.mjs');

export const startOnebuck = (args: readonly string[], env: Env): Running =>
  startNode([binary, ...args], env);

export const onebuckInTerminal = (args: readonly string[], env: Env): Running =>
  startInTerminal([binary, ...args], env);

export const onebuck = (args: readonly string[], env: Env, input = ''): Promise<Ended> =>
  ended(startOnebuck(args, env), input);

/** An environment with its own HOME, so that no test reads or changes a person's login. */
export const envIn = (home: string, more: Env = {}): Env => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  TZ: 'Europe/Berlin',
  ...more,
});

export interface Service {
  readonly url: string;
  /** true: Linodes that are created from now on never come up; false: they come up again. */
  setNeverUp(isNeverUp: boolean): Promise<void>;
  /** true: cloud-init fails on the node 1 of clusters that come up from now on. */
  setUnready(isUnready: boolean): Promise<void>;
  /** The private host key that the nodes of the cluster have. */
  hostKeyOf(id: string): string;
  stop(): Promise<void>;
}

/** Starts `npm start` on a free port, with a clock that runs fast. */
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
  const setLinode = async (change: SettingsChange) => {
    const body = JSON.stringify(change);
    const answer = await fetch(`${linode}/_simulator/settings`, { method: 'PATCH', body });
    if (!answer.ok) throw new Error(await answer.text());
  };
  const { passwordKey } = JSON.parse(readFileSync(join(dataDir, 'settings.json'), 'utf8'));
  return {
    url: `http://127.0.0.1:${port}`,
    setNeverUp: (isNeverUp) => setLinode({ stuckLabels: isNeverUp ? ['.'] : [] }),
    setUnready: (isUnready) => setLinode({ unreadyLabels: isUnready ? ['-1$'] : [] }),
    stop,
    hostKeyOf: (id) => hostKeyOf(passwordKey, id as ClusterId).private,
  };
}
