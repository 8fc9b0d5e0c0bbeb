import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished, TestRunner } from 'vitest';
import { projectDir } from '../../build/project.ts';
import { killTree } from './processes.ts';

/*
 * Programs that tests start. None outlives its test, or its file if a hook starts it, whether that
 * passes, fails or times out; nor does one outlive the process that runs the tests, even if that is
 * killed.
 */

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly said: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<Ended>;
  /** Resolves once it has said this; rejects if it ends without. */
  says(text: string): Promise<void>;
}

/** Its variables; it has no others. */
export type Env = Readonly<Record<string, string>>;

/** A Node program, by its arguments. */
export const startNode = (args: readonly string[], env: Env): Running =>
  start([process.execPath, '--import', endWithParent, ...args], env, ['ipc']);

/** The same, of TypeScript. */
export const startScript = (args: readonly string[], env: Env): Running =>
  startNode(['--import', tsx, ...args], env);

/** A Node program in a terminal of its own. Its input is what is typed there. */
export const startInTerminal = (args: readonly string[], env: Env): Running =>
  start(['python3', onTerminal, process.execPath, ...args], { TERM: 'xterm', ...env });

export const hasTerminals = spawnSync('python3', ['-c', 'import pty, termios']).status === 0;

/**
 * Any program that reads nothing: a shell reads in its place, and kills the program when its input
 * ends. So ask for its `ended`: the function `ended` closes the input first.
 */
export const startProgram = (command: readonly string[], env: Env): Running =>
  start(['sh', '-c', 'exec 3<&0; (cat <&3; kill $$) & exec "$@"', 'sh', ...command], env);

/** What comes of it, once it has read all of this. */
export function ended({ child, ended }: Running, input = ''): Promise<Ended> {
  child.stdin?.end(input);
  return ended;
}

function start(
  [file = '', ...args]: readonly string[],
  env: Env,
  channels: readonly 'ipc'[] = [],
): Running {
  const stdio = ['pipe', 'pipe', 'pipe', ...channels] as const;
  const child = spawn(file, args, { env, cwd: projectDir, stdio: [...stdio] });
  const end = () => endTree(child);
  if (TestRunner.getCurrentTest() === undefined) ofFile.push(end);
  else onTestFinished(end);
  return follow(child);
}

const endWithParent = new URL('../../dev/end-with-parent.mjs', import.meta.url).href;
const tsx = createRequire(import.meta.url).resolve('tsx');
const onTerminal = fileURLToPath(new URL('on_terminal.py', import.meta.url));

const ofFile: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(ofFile.map((end) => end()));
});

function follow(child: ChildProcess): Running {
  const said = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      for (const listener of listeners) listener();
    });
  }
  child.stdin?.on('error', () => {}); // it may end before it has read all
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!said.stdout.includes(text) && !said.stderr.includes(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      const gone = ({ code }: Ended) =>
        reject(
          new Error(`ended with ${code} before it said "${text}": ${said.stdout}${said.stderr}`),
        );
      ended.then(gone, reject);
    });
  return { child, said, ended, says };
}

async function endTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  killTree(child.pid);
  await gone;
}
