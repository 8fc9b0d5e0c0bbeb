import { afterAll, expect } from 'vitest';
import { killTree, processes } from './processes.ts';

/* Fails a test file that leaves a process running, whether or not children.ts started it. */
afterAll(() => {
  expect(leftBehind(), 'left running by a test').toEqual([]);
});

/** Kills the child processes that the tests left running; returns their command lines. */
function leftBehind(): string[] {
  // Ask Node first: `ps` is a process of its own. Node does not list the bundler's process, which
  // ends with this process.
  if (!process.getActiveResourcesInfo().includes('ProcessWrap')) return [];
  const left = processes().filter(({ ppid, args }) => ppid === process.pid && !isExpected(args));
  for (const { pid } of left) killTree(pid);
  return left.map(({ args }) => args);
}

const isExpected = (args: string) => args.startsWith('ps ') || /esbuild.* --service/.test(args);
