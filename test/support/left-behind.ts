import { afterAll, expect } from 'vitest';
import { killTree, processes } from './processes.ts';

/** Whatever started them, and not only by way of children.ts. */
afterAll(() => {
  expect(leftBehind(), 'left running by a test').toEqual([]);
});

/** Ends what this process has started and its tests have left running; returns their commands. */
function leftBehind(): string[] {
  // Node is asked first, since to ask the system takes a process. It does not count the bundler's,
  // which ends with this process.
  if (!process.getActiveResourcesInfo().includes('ProcessWrap')) return [];
  const left = processes().filter(({ ppid, args }) => ppid === process.pid && !isOurs(args));
  for (const { pid } of left) killTree(pid);
  return left.map(({ args }) => args);
}

const isOurs = (args: string) => args.startsWith('ps ') || /esbuild.* --service/.test(args);
