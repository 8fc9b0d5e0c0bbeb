import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mirror } from './mirror.ts';
import { run } from './run.ts';

/** The folder `.nodes` of the repository, which git ignores, for all that nodes need and leave. */
export const nodesFolder = join(import.meta.dirname, '..', '..', '.nodes');

const packagesFile = join(import.meta.dirname, 'packages.txt');
const hook = join(import.meta.dirname, 'customise.sh');
export const RELEASE = 'trixie';
/** Twenty times as long as on a machine with two cores, so that a slow mirror does not end it. */
const BUILD_MS_MAX = 30 * 60_000;

/** The packages of the list, in its order. */
export const packagesIn = (list: string): string[] =>
  list.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

/**
 * The folder of the root file system that all nodes share: Debian 13 with what a Linode has. Its
 * name is by the list of packages and by the hook, so that a change of either builds it anew, which
 * takes two to three minutes and 500 MB.
 */
export function rootFileSystemFolder(): string {
  const hash = createHash('sha256');
  for (const file of [packagesFile, hook]) hash.update(readFileSync(file));
  return join(nodesFolder, `root-${hash.digest('hex').slice(0, 12)}`);
}

/** Builds the root file system if its folder does not exist; returns the folder. */
export async function rootFileSystem(mirror: Mirror, log: (line: string) => void): Promise<string> {
  const folder = rootFileSystemFolder();
  if (existsSync(folder)) return folder;
  log(`Building ${folder}, which takes two to three minutes …`);
  const began = Date.now();
  mkdirSync(nodesFolder, { recursive: true });
  // A build that is broken off leaves no folder of the right name.
  const unfinished = `${folder}.unfinished-${process.pid}`;
  const args = mmdebstrapArguments({
    packages: packagesIn(readFileSync(packagesFile, 'utf8')),
    hook,
    proxy: mirror.url,
    target: unfinished,
  });
  try {
    await run('mmdebstrap', args, { timeoutMs: BUILD_MS_MAX });
    if (!existsSync(folder)) renameSync(unfinished, folder);
    log(`built the root file system in ${Math.round((Date.now() - began) / 1000)} s`);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

export interface Build {
  readonly packages: readonly string[];
  readonly hook: string;
  /** The URL of the mirror's proxy. */
  readonly proxy: string;
  readonly target: string;
}

export function mmdebstrapArguments({ packages, hook, proxy, target }: Build): string[] {
  const site = 'http://deb.debian.org/debian';
  const unread = ['doc', 'man', 'locale'].map((name) => `path-exclude=/usr/share/${name}/*`);
  return [
    ...['--mode=root', '--variant=minbase', '--format=directory'],
    `--aptopt=Acquire::http::Proxy "${proxy}"`,
    '--aptopt=APT::Install-Recommends "false"',
    ...[...unread, 'force-unsafe-io'].map((option) => `--dpkgopt=${option}`),
    `--include=${packages.join(',')}`,
    `--customize-hook=sh '${hook}' "$1"`,
    // With the lists, a node installs a package without an apt-get update before.
    '--skip=cleanup/apt/lists',
    ...[RELEASE, target],
    `deb ${site} ${RELEASE} main`,
    `deb ${site} ${RELEASE}-updates main`,
    `deb ${site}-security ${RELEASE}-security main`,
  ];
}
