import { existsSync, readdirSync, readFileSync } from 'node:fs';

const MOUNT = '/sys/fs/cgroup';

/** The folders of the host's cgroup hierarchies that the nodes use. */
export interface Hierarchies {
  /** Of cgroup v2, which systemd in a node uses. */
  readonly unified: string;
  /** That limits memory, by the file `limitFile`; null: none does. */
  readonly memory: { readonly folder: string; readonly limitFile: string } | null;
}

/** Hosts have cgroup v2 alone, or v1 with v2 beside it for systemd; null: a host without v2. */
export function hierarchies(): Hierarchies | null {
  if (existsSync(`${MOUNT}/cgroup.controllers`)) {
    const controllers = readFileSync(`${MOUNT}/cgroup.controllers`, 'utf8').split(/\s+/);
    const limited = controllers.includes('memory');
    const memory = limited ? { folder: MOUNT, limitFile: 'memory.max' } : null;
    return { unified: MOUNT, memory };
  }
  if (!existsSync(`${MOUNT}/unified/cgroup.procs`)) return null;
  const v1 = `${MOUNT}/memory`;
  const limited = existsSync(`${v1}/memory.limit_in_bytes`);
  const memory = limited ? { folder: v1, limitFile: 'memory.limit_in_bytes' } : null;
  return { unified: `${MOUNT}/unified`, memory };
}

/** The folders of a group in all hierarchies. */
export function groupFolders({ unified, memory }: Hierarchies, group: string): string[] {
  const roots = new Set([unified, ...(memory === null ? [] : [memory.folder])]);
  return [...roots].map((root) => `${root}/${group}`);
}

/** A group's folder and all below it, deepest first, as they must be removed. */
export function deepestFirst(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const inner = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => deepestFirst(`${folder}/${name}`));
  return [...inner, folder];
}
