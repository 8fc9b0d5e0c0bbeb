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
    return []; // without `ps`, a program's children must end by themselves when the program ends
  }
}

/** Kills the process and all its descendants, whatever their process group or session. */
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
      // The process has already ended.
    }
  }
}
