import { join } from 'node:path';

const bootScript = join(import.meta.dirname, 'boot.sh');

/** Puts itself into the groups of its arguments up to `--`, and becomes the program after it. */
const IN_GROUPS = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"';

export interface Launch {
  readonly namespace: string;
  /** The folders of the node's groups. */
  readonly groups: readonly string[];
  /** The root file system of all nodes. */
  readonly base: string;
  /** The node's folder. */
  readonly folder: string;
  /** How long the host is up, in seconds; the node's own clock since its boot begins at 0. */
  readonly uptimeSeconds: number;
}

/** The arguments of `sh` that boot a node. It ends with the process that runs it. */
export function launchArguments({
  namespace,
  groups,
  base,
  folder,
  uptimeSeconds,
}: Launch): string[] {
  const offset = `-${Math.floor(uptimeSeconds)}`;
  return [
    ...['-c', IN_GROUPS, 'sh', ...groups.map((group) => `${group}/cgroup.procs`), '--'],
    ...['setpriv', '--pdeathsig', 'KILL', 'ip', 'netns', 'exec', namespace],
    ...['unshare', '--mount', '--pid', '--uts', '--ipc', '--cgroup', '--fork'],
    ...['--time', '--boottime', offset, '--monotonic', offset, '--kill-child=KILL'],
    ...['sh', bootScript, base, folder],
  ];
}

/** How a boot ended: the kernel ends PID 1 of a namespace by these signals. */
export type Ending = 'reboot' | 'powerOff' | 'failure';

/** `unshare` ends by the signal that ended its child, or with 128 and the signal's number. */
export function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal === 'SIGHUP' || code === 129) return 'reboot';
  if (signal === 'SIGINT' || code === 130) return 'powerOff';
  return 'failure';
}
