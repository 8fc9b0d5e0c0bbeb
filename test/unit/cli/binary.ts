import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectDir } from '../../../build/project.ts';
import { freePort } from '../../../simulators/listen.ts';

/** Fast, and yet slow enough for ten Linodes to come up before they are late. */
export const RATE = 200;
export const TOKEN = 'token-of-the-tests';
/** Far from a month's end, near which an hour may be billed twice. */
const START = Date.parse('2026-11-10T10:00:00Z');

export type Env = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
}

export function buildBinary(): void {
  execFileSync(process.execPath, ['--import', 'tsx', 'build/cli.ts'], { cwd: projectDir });
}

const binary = join(projectDir, 'dist/onebuck.mjs');
export const onebuckCommand = (args: readonly string[]) => [process.execPath, binary, ...args];

/** Another HOME, so that nobody's login is read or changed. */
export const envIn = (home: string, more: Env = {}): Env => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  TZ: 'Europe/Berlin',
  ...more,
});

export function start(command: readonly string[], env: Env): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  child.stdin.on('error', () => {}); // it may end before it has read all
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, ...said }));
  });
  return { child, said, ended };
}

export function onebuck(args: readonly string[], env: Env, input = ''): Promise<Ended> {
  const running = start(onebuckCommand(args), env);
  running.child.stdin?.end(input);
  return running.ended;
}

const PTY = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
`;

export const hasPty = spawnSync('python3', ['-c', 'import pty'], { stdio: 'ignore' }).status === 0;

/** In a terminal of its own. */
export const onebuckInTerminal = (args: readonly string[], env: Env): Running =>
  start(['python3', '-c', PTY, ...onebuckCommand(args)], { TERM: 'xterm', ...env });

const POLL_MS = 50;
const MS_MAX = 30_000;
/** The framework takes seconds to start, and many where all cores are busy. */
export const START_MS_MAX = 90_000;

export async function until<Found>(
  what: string,
  look: () => Found | undefined | false,
  msMax = MS_MAX,
): Promise<Found> {
  const by = Date.now() + msMax;
  for (;;) {
    const found = look();
    if (found) return found;
    if (Date.now() > by) throw new Error(`${what}: not within ${msMax} ms`);
    await delay(POLL_MS);
  }
}

export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

/** `npm start`, on a free port, on a clock that runs fast. */
export async function startService(): Promise<Service> {
  const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-cli-service-'));
  const port = await freePort();
  const now = Date.now();
  const running = start([process.execPath, '--import', 'tsx', join(projectDir, 'dev/start.ts')], {
    ...(process.env as Env),
    PORT: `${port}`,
    DATA_DIR: dataDir,
    ONEBUCK_TOKEN: TOKEN,
    CLOCK_RATE: `${RATE}`,
    CLOCK_ORIGIN: `${Math.round((now * RATE - START) / (RATE - 1))}`,
    PROVISION_MINUTES: '45',
  });
  let code: number | null | undefined;
  void running.ended.then((ended) => {
    code = ended.code;
  });
  const stop = async () => {
    running.child.kill('SIGTERM');
    await running.ended;
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  const isUp = () => {
    if (code !== undefined) throw new Error(`npm start ended with ${code}: ${running.said.stderr}`);
    return running.said.stdout.includes('Onebuck runs at');
  };
  try {
    await until('npm start', isUp, START_MS_MAX);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}
