import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What a check came to: all was well, something failed, or it did not end and was killed. */
export type Finding =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly what: string }
  | { readonly kind: 'timedOut' };

/** A check of the copy in `dir`, which may take so long. */
export type Check = (dir: string, timeLimitMs: number) => Promise<Finding>;

/** Finds the first test of the file that fails. Throws where the file can't be run at all. */
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
    return { kind: 'failed', what: failed.fullName };
  };

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Finds the first invariant that is violated in so many simulated lives of clusters. */
export const simulation =
  (seeds: number): Check =>
  async (dir, timeLimitMs) => {
    const args = ['run', '-s', 'simulate', '--', '--seeds', `${seeds}`];
    const { status, out } = await run('npm', args, dir, timeLimitMs);
    if (status === 'killed') return { kind: 'timedOut' };
    if (status === 0) return { kind: 'passed' };
    // `budget at 2026-11-22T03:57:00Z: …`
    const violation = /^violation: (\w+)/m.exec(out)?.[1];
    return { kind: 'failed', what: violation ?? 'it breaks down' };
  };

/** In a process group of its own, so that what it starts dies with it, also in an endless loop. */
async function run(program: string, args: readonly string[], cwd: string, timeLimitMs: number) {
  const env = { ...process.env, NO_COLOR: '1' };
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const child = spawn(program, args, { cwd, env, stdio: [...stdio], detached: true });
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  };
  let isKilled = false;
  const timer = setTimeout(() => {
    isKilled = true;
    killGroup();
  }, timeLimitMs);
  // First of all, as what still runs would write into a copy that is being removed.
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
