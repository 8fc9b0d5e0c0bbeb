import { execFileSync } from 'node:child_process';

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly args: string;
}

export function processes(): Process[] {
  try {
    const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    return [...listed.matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map(([, pid, ppid, args = '']) => ({
      pid: Number(pid),
      ppid: Number(ppid),
      args,
    }));
  } catch {
    return []; // without `ps`, what a program has started hears of its end by itself
  }
}

/** The process and all that it has started, in whatever group or session. */
export function killTree(root: number): void {
  const all = processes();
  const tree = [root];
  for (const parent of tree) {
    tree.push(...all.filter(({ ppid }) => ppid === parent).map(({ pid }) => pid));
  }
  for (const pid of tree) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
