import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished, TestRunner } from 'vitest';
import { projectDir } from '../../build/project.ts';
import { killTree } from './processes.ts';

/*
 * Programs that tests start. A program ends with its test, or with its test file if a hook starts
 * it, whether the test passes, fails or times out. A program also ends with the process that runs
 * the tests, even if that process is killed.
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
  /** Resolves once the output contains the text; rejects if the program ends without it. */
  says(text: string): Promise<void>;
}

/** All environment variables of the program; it inherits none. */
export type Env = Readonly<Record<string, string>>;

/** Starts Node with the arguments. */
export const startNode = (args: readonly string[], env: Env): Running =>
  start([process.execPath, '--import', endWithParent, ...args], env, ['ipc']);

/** Starts Node with the arguments, the first of which is a program in TypeScript. */
export const startScript = (args: readonly string[], env: Env): Running =>
  startNode(['--import', tsx, ...args], env);

/** Starts Node in a terminal of its own; what is written to its input is typed there. */
export const startInTerminal = (args: readonly string[], env: Env): Running =>
  startProgramInTerminal([process.execPath, ...args], env);

/** As startInTerminal, for any program. */
export const startProgramInTerminal = (command: readonly string[], env: Env): Running =>
  start(['python3', onTerminal, ...command], { TERM: 'xterm', ...env });

export const hasTerminals = spawnSync('python3', ['-c', 'import pty, termios']).status === 0;

/**
 * Starts any program that reads no input. A shell reads the input in the program's place, and kills
 * the program at the end of the input: so wait for its `ended`, as the function `ended` closes the
 * input first.
 */
export const startProgram = (command: readonly string[], env: Env): Running =>
  start(['sh', '-c', 'exec 3<&0; (cat <&3; kill $$) & exec "$@"', 'sh', ...command], env);

/** Writes `input` to the program and closes its input; resolves when the program has ended. */
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
  if (TestRunner.getCurrentTest() === undefined) endsOfFile.push(end);
  else onTestFinished(end);
  return follow(child);
}

const endWithParent = new URL('../../dev/end-with-parent.mjs', import.meta.url).href;
const tsx = createRequire(import.meta.url).resolve('tsx');
const onTerminal = fileURLToPath(new URL('on_terminal.py', import.meta.url));

const endsOfFile: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(endsOfFile.map((end) => end()));
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
  child.stdin?.on('error', () => {}); // the program may end before it has read all its input
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const checkOutput = () => {
        if (!said.stdout.includes(text) && !said.stderr.includes(text)) return;
        listeners.delete(checkOutput);
        resolve();
      };
      listeners.add(checkOutput);
      checkOutput();
      const rejectEnded = ({ code }: Ended) =>
        reject(
          new Error(`ended with ${code} before it said "${text}": ${said.stdout}${said.stderr}`),
        );
      ended.then(rejectEnded, reject);
    });
  return { child, said, ended, says };
}

async function endTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  killTree(child.pid);
  await exited;
}
