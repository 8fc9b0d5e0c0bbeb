import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** The result of a check. `timedOut`: the check did not end in time and was killed. */
export type Finding =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly failure: string }
  | { readonly kind: 'timedOut' };

/** Checks the copy of the tree in `dir`. */
export type Check = (dir: string, timeLimitMs: number) => Promise<Finding>;

/** Finds the first failing test of the file. Rejects if Vitest can't load the file. */
export const testsOf =
  (file: string): Check =>
  async (dir, timeLimitMs) => {
    const report = join(dir, 'mutants-report.json');
    rmSync(report, { force: true });
    const vitest = join(dir, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', file, '--bail=1', '--maxWorkers=1'];
    const reporter = ['--reporter=json', `--outputFile=${report}`];
    const { status } = await run(process.execPath, [...args, ...reporter], dir, timeLimitMs);
    if (status === 'killed') return { kind: 'timedOut' };
    if (status === 0) return { kind: 'passed' };
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = tests.find((test) => test.status === 'failed');
    if (failed === undefined) throw new Error(`${file} does not run: ${testResults[0]?.message}`);
    return { kind: 'failed', failure: failed.fullName };
  };

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Finds the first violation in as many simulated worlds as `seeds`. */
export const simulation =
  (seeds: number): Check =>
  async (dir, timeLimitMs) => {
    const args = ['run', '-s', 'simulate', '--', '--seeds', `${seeds}`];
    const { status, out } = await run('npm', args, dir, timeLimitMs);
    if (status === 'killed') return { kind: 'timedOut' };
    if (status === 0) return { kind: 'passed' };
    // `budget at 2026-11-22T03:57:00Z: …`
    const violation = /^violation: (\w+)/m.exec(out)?.[1];
    return { kind: 'failed', failure: violation ?? 'it ends with an error' };
  };

/**
 * Runs a program in its own process group, which is killed at the end. So no child of the program
 * outlives it, not even a child in an endless loop.
 */
async function run(program: string, args: readonly string[], cwd: string, timeLimitMs: number) {
  const env = { ...process.env, NO_COLOR: '1' };
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const child = spawn(program, args, { cwd, env, stdio: [...stdio], detached: true });
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All processes of the group have ended.
    }
  };
  let isKilled = false;
  const timer = setTimeout(() => {
    isKilled = true;
    killGroup();
  }, timeLimitMs);
  // The group is killed before the copy is removed, since its processes may write into the copy.
  process.prependOnceListener('exit', killGroup);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [out, status] = await Promise.all([text(child.stdout), ended]).finally(() => {
    clearTimeout(timer);
    killGroup();
    process.off('exit', killGroup);
  });
  return { status: isKilled ? ('killed' as const) : status, out };
}
