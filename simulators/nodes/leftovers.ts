import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { deepestFirst, groupFolders, hierarchies } from './cgroups.ts';
import type { LabName } from './lab-name.ts';
import { run } from './run.ts';

/** What of a lab stands on the host. */
export interface Standing {
  /** All network namespaces of the host, by name. */
  readonly namespaces: readonly string[];
  /** All interfaces of the host, by name. */
  readonly links: readonly string[];
  /** The existing folders of the lab's cgroups, deepest first. */
  readonly groups: readonly string[];
  /** The lab's folder; null: it is not known, or gone. */
  readonly folder: string | null;
}

export type CleanUpStep =
  | { readonly kind: 'kill'; readonly namespace: string }
  | { readonly kind: 'removeNamespace'; readonly namespace: string }
  | { readonly kind: 'removeLink'; readonly link: string }
  | { readonly kind: 'removeRoute'; readonly subnet: string }
  | { readonly kind: 'removeGroup'; readonly folder: string }
  | { readonly kind: 'removeFolder'; readonly folder: string };

/**
 * What takes the lab away, in order: processes first, since they hold all else. It names only what
 * bears the lab's name, and does no harm if done twice.
 */
export function cleanUpPlan(name: LabName, standing: Standing): CleanUpStep[] {
  const { namespace, cable, subnet } = name;
  const namespaces = standing.namespaces
    .filter((found) => found === namespace || found.startsWith(`${namespace}-`))
    .toSorted();
  return [
    ...namespaces.map((found) => ({ kind: 'kill', namespace: found }) as const),
    ...namespaces.map((found) => ({ kind: 'removeNamespace', namespace: found }) as const),
    ...(standing.links.includes(cable) ? [{ kind: 'removeLink', link: cable } as const] : []),
    { kind: 'removeRoute', subnet },
    ...standing.groups.map((folder) => ({ kind: 'removeGroup', folder }) as const),
    ...(standing.folder === null
      ? []
      : [{ kind: 'removeFolder', folder: standing.folder } as const]),
  ];
}

/** Takes away all that is left of the lab. */
export async function cleanUp(name: LabName, folder: string | null): Promise<void> {
  for (const step of cleanUpPlan(name, await standingOf(name, folder))) await carryOut(step);
}

async function standingOf(name: LabName, folder: string | null): Promise<Standing> {
  const found = hierarchies();
  const groups = found === null ? [] : groupFolders(found, name.cgroup).flatMap(deepestFirst);
  return {
    namespaces: namesIn('/run/netns'),
    links: namesIn('/sys/class/net'),
    groups,
    folder: folder !== null && existsSync(folder) ? folder : null,
  };
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

async function carryOut(step: CleanUpStep): Promise<void> {
  switch (step.kind) {
    case 'kill':
      return killAllIn(step.namespace);
    case 'removeNamespace':
      await run('ip', ['netns', 'delete', step.namespace]);
      return;
    case 'removeLink':
      // The cable is gone with the namespace of its other end, perhaps meanwhile.
      await run('ip', ['link', 'delete', step.link]).catch(() => {});
      return;
    case 'removeRoute':
      await run('ip', ['route', 'delete', 'unreachable', step.subnet]).catch(() => {});
      return;
    case 'removeGroup':
      return removeGroup(step.folder);
    case 'removeFolder':
      await rm(step.folder, { recursive: true, force: true });
  }
}

const TRIES_MAX = 200;
const PAUSE_MS = 25;

/** Kills every process in the network namespace, and waits until they are gone. */
export async function killAllIn(namespace: string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const pids = (await run('ip', ['netns', 'pids', namespace])).split('\n').filter(Boolean);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // The process has ended meanwhile.
      }
    }
    await sleep(PAUSE_MS);
  }
  throw new Error(`processes in the network namespace ${namespace} do not end`);
}

/** The kernel frees a group a moment after its last process has ended. */
export async function removeGroup(folder: string): Promise<void> {
  for (let tries = 1; existsSync(folder); tries += 1) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

/** A process, by its id and the time of its start, since the kernel uses ids again. */
export interface ProcessMark {
  readonly pid: number;
  /** In clock ticks since the boot, as /proc/PID/stat has it; null: no such process. */
  readonly startedAt: string | null;
}

export function processMark(pid: number): ProcessMark {
  try {
    return { pid, startedAt: startIn(readFileSync(`/proc/${pid}/stat`, 'utf8')) };
  } catch {
    return { pid, startedAt: null };
  }
}

/** The 22nd field of the line. The second, the program's name in brackets, may have blanks. */
export const startIn = (stat: string): string | null =>
  stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;

export const isAlive = ({ pid, startedAt }: ProcessMark): boolean =>
  startedAt !== null && processMark(pid).startedAt === startedAt;
