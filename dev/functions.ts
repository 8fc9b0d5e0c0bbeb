import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { projectDir, serverlessBin } from '../build/project.ts';
import { STAGE } from './service.ts';

export interface LocalFunctions {
  readonly process: ChildProcess;
  /** Resolves with the exit code when the process of the functions has ended. */
  readonly ended: Promise<number>;
  close(): Promise<void>;
}

/** How long `startFunctions` waits for an answer; a busy machine needs most of a minute. */
const READY_MS_MAX = 300_000;

/**
 * Runs the functions of serverless.yml by serverless-offline in another process. Resolves when the
 * functions answer; rejects, with the last lines of their output, if they don't. The output goes to
 * `logFile`, and each line with a warning or an error also to `onLog`.
 */
export async function startFunctions(options: {
  readonly httpPort: number;
  readonly lambdaPort: number;
  readonly env: Readonly<Record<string, string>>;
  /** URLs of modules that the process loads before all others. */
  readonly preloads: readonly string[];
  readonly logFile: string;
  readonly onLog: (line: string) => void;
}): Promise<LocalFunctions> {
  const { httpPort, lambdaPort } = options;
  const endsWithParent = new URL('./end-with-parent.mjs', import.meta.url).href;
  const preloads = [endsWithParent, ...options.preloads].flatMap((url) => ['--import', url]);
  const args = ['offline', 'start', '--stage', STAGE, '--param', 'eventBridge=false'];
  const ports = ['--httpPort', `${httpPort}`, '--lambdaPort', `${lambdaPort}`];
  const child = spawn(process.execPath, [...preloads, serverlessBin, ...args, ...ports], {
    cwd: projectDir,
    env: { ...inherited(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C signals a whole process group. In its own group, the child keeps running until the
    // parent has stopped everything in order.
    detached: true,
  });
  const tail = follow(child, options);
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
  });
  await waitUntilReady(`http://127.0.0.1:${httpPort}/health`, ended, tail);
  return {
    process: child,
    ended,
    async close() {
      child.kill('SIGTERM');
      await Promise.race([ended, delay(5_000, undefined, { ref: false })]);
      child.kill('SIGKILL');
    },
  };
}

/**
 * The environment of this process, without variables for the real AWS, which local functions must
 * not reach, and without tokens and keys, which belong only into the secret.
 */
function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !/^AWS_|_(TOKEN|KEY)$/.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** Copies the child's output to the log. Returns its last 30 lines, which it keeps up to date. */
function follow(
  child: ChildProcess,
  { logFile, onLog }: { logFile: string; onLog: (line: string) => void },
): string[] {
  const file = createWriteStream(logFile);
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      file.write(`${line}\n`);
      tail.push(line);
      if (tail.length > 30) tail.shift();
      if (/"level":"(WARN|ERROR|CRITICAL)"/.test(line)) onLog(line);
    });
  }
  return tail;
}

async function waitUntilReady(url: string, ended: Promise<number>, tail: string[]): Promise<void> {
  const until = Date.now() + READY_MS_MAX;
  let exitCode: number | null = null;
  void ended.then((code) => {
    exitCode = code;
  });
  while (Date.now() < until && exitCode === null) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await delay(50);
  }
  const problem = exitCode === null ? 'did not answer' : `ended with ${exitCode}`;
  throw new Error(`The functions ${problem}:\n${tail.join('\n')}`);
}
