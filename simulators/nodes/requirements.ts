import { existsSync } from 'node:fs';
import { hierarchies } from './cgroups.ts';
import { sourcesOfHost } from './mirror.ts';
import { RELEASE, rootFileSystemFolder } from './root-file-system.ts';
import { run } from './run.ts';

/** What a machine has of that which nodes need. */
export interface Host {
  readonly isLinux: boolean;
  readonly isRoot: boolean;
  /** The Debian packages of programs and keys that it lacks. */
  readonly lackingPackages: readonly string[];
  /** Whether the kernel lets root make namespaces, and mount an overlay in them. */
  readonly hasNamespaces: boolean;
  readonly hasCgroups: boolean;
  /** What is wrong with Debian's mirror, if it is needed. */
  readonly mirrorFault: string | null;
}

/** A sentence that says what is missing, and how to get it; null: nodes can boot here. */
export async function missingForNodes(): Promise<string | null> {
  return missingOn(await thisHost());
}

export function missingOn(host: Host): string | null {
  if (!host.isLinux)
    return 'Nodes boot on Linux only, as each is a part of the machine that runs them.';
  if (!host.isRoot) return 'Nodes that boot need root: run this as root, such as by sudo.';
  const { lackingPackages } = host;
  if (lackingPackages.length > 0) {
    const names = lackingPackages.join(' ');
    return `Nodes that boot need programs that this machine lacks: run apt-get install ${names}.`;
  }
  if (!host.hasNamespaces) {
    return 'Nodes that boot need namespaces and overlays, which root may not make here: run this outside of a container.';
  }
  if (!host.hasCgroups) {
    return 'Nodes that boot need cgroup v2: mount it at /sys/fs/cgroup or at /sys/fs/cgroup/unified.';
  }
  if (host.mirrorFault === null) return null;
  return `Nodes that boot need Debian's mirror once, for their root file system: ${host.mirrorFault}.`;
}

const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  sysctl: 'procps',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  ssh: 'openssh-client',
};
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

async function thisHost(): Promise<Host> {
  const isBuilt = existsSync(rootFileSystemFolder());
  const isLinux = process.platform === 'linux';
  const isRoot = process.getuid?.() === 0;
  const programs = isBuilt ? PROGRAMS : { ...PROGRAMS, mmdebstrap: 'mmdebstrap' };
  const lacking: string[] = [];
  for (const [program, name] of Object.entries(programs)) {
    if (!(await succeeds('sh', ['-c', `command -v ${program}`]))) lacking.push(name);
  }
  if (!isBuilt && !existsSync(KEYRING)) lacking.push('debian-archive-keyring');
  const canTry = isLinux && isRoot && lacking.length === 0;
  return {
    isLinux,
    isRoot,
    lackingPackages: [...new Set(lacking)],
    hasNamespaces: canTry && (await succeeds('unshare', TRIAL)),
    hasCgroups: hierarchies() !== null,
    mirrorFault: isBuilt || !canTry ? null : await mirrorFault(),
  };
}

/** Makes namespaces of all kinds, and an overlay in them; all of it ends with the program. */
const TRIAL = [
  ...['--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup', '--time', '--fork', 'sh', '-c'],
  'mount -t tmpfs tmpfs /mnt && mkdir /mnt/lower /mnt/upper /mnt/work /mnt/root && ' +
    'mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work x /mnt/root',
];

const MIRROR_MS_MAX = 20_000;

async function mirrorFault(): Promise<string | null> {
  const { debian } = await sourcesOfHost(process.env);
  const url = `${debian}/dists/${RELEASE}/InRelease`;
  try {
    const signal = AbortSignal.timeout(MIRROR_MS_MAX);
    const { ok, status } = await fetch(url, { method: 'HEAD', signal });
    return ok ? null : `${url} answers ${status}`;
  } catch {
    return `${url} can't be reached`;
  }
}

const succeeds = (program: string, args: readonly string[]): Promise<boolean> =>
  run(program, args).then(
    () => true,
    () => false,
  );
