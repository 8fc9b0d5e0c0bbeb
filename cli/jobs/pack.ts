import {
  createWriteStream,
  lstatSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { WriteEntry } from 'tar';
import { CliError } from '../errors.ts';
import { printable } from '../format.ts';
import { foldersDown, type Ignored, readIgnored, repositoryOf } from './ignored.ts';
import { staysInside } from './links.ts';

/** A file, folder or symbolic link to be packed. */
interface Member {
  /** The path of it here. */
  readonly path: string;
  /** The path of it in the work folder of the nodes, with slashes. */
  readonly name: string;
  readonly bytes: number;
}

/** What an upload has. */
export interface Collected {
  readonly members: readonly Member[];
  /** How many of the members are files, and how many bytes they have. */
  readonly files: number;
  readonly bytes: number;
  /** What is left out beside what the ignore files name, each with the reason. */
  readonly leftOut: readonly string[];
}

/**
 * Finds what to upload. The work folder of the nodes is like the folder `cwd`: what lies in `cwd` keeps
 * its path, anything else comes by its last name. Ignore files count as in git, but for what is named
 * itself. Throws a CliError if a path is not there.
 */
export function collect(paths: readonly string[], cwd: string): Collected {
  const members = new Map<string, Member>();
  const leftOut: string[] = [];
  for (const path of paths) {
    const at = resolve(cwd, path);
    const isInside = at === cwd || at.startsWith(cwd + sep);
    const name = relative(isInside ? cwd : dirname(at), at)
      .split(sep)
      .join('/');
    try {
      walk(realpathSync(at), name, (member) => members.set(member.name, member), leftOut);
    } catch (error) {
      const reason = (error as Error).message;
      throw new CliError('usage', printable(`--upload ${path} cannot be read: ${reason}.`));
    }
  }
  const all = [...members.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  const files = all.filter(({ name }) => !name.endsWith('/'));
  return {
    members: all,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    leftOut,
  };
}

/** `start` is no link, and `startName` its name in the work folder; empty: the work folder itself. */
function walk(
  start: string,
  startName: string,
  found: (member: Member) => void,
  leftOut: string[],
): void {
  const ignored = ignoredBelow(lstatSync(start).isDirectory() ? start : dirname(start));
  const visit = (path: string, name: string): void => {
    const stat = lstatSync(path);
    if (stat.isDirectory()) {
      ignored.enter(path);
      if (name !== '') found({ path, name: `${name}/`, bytes: 0 });
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const below = join(path, entry.name);
        if (entry.name === '.git' || ignored.has(below, entry.isDirectory())) continue;
        visit(below, name === '' ? entry.name : `${name}/${entry.name}`);
      }
    } else if (stat.isFile()) found({ path, name, bytes: stat.size });
    else if (!stat.isSymbolicLink())
      leftOut.push(`${printable(name)}: neither a file nor a folder`);
    else if (staysInside(name, readlinkSync(path))) found({ path, name, bytes: 0 });
    else leftOut.push(`${printable(name)}: a link that leads out of what is uploaded`);
  };
  visit(start, startName);
}

/** The ignore files from the repository's top down to the folder; those above an ignored one not. */
function ignoredBelow(folder: string): Ignored {
  const top = repositoryOf(folder);
  const ignored = readIgnored(top);
  const path = foldersDown(top, folder);
  for (const above of path.slice(0, -1)) ignored.enter(above);
  return path.some((one) => ignored.has(one, true)) ? readIgnored(folder) : ignored;
}

/** Two blocks of zeros end an archive. */
const END = Buffer.alloc(1024);

/**
 * Writes a tar.gz of the members into a new file. `tell` hears of the bytes of files packed so far.
 * Returns the size of the file in bytes. Throws a CliError if a file can't be read.
 */
export async function pack(
  { members }: Pick<Collected, 'members'>,
  file: string,
  tell: (bytes: number) => void,
): Promise<number> {
  async function* archive() {
    let packed = 0;
    for (const { path, name, bytes } of members) {
      yield* new WriteEntry(name, { absolute: path, portable: true });
      packed += bytes;
      tell(packed);
    }
    yield END;
  }
  try {
    await pipeline(
      Readable.from(archive()),
      createGzip(),
      createWriteStream(file, { flags: 'wx', mode: 0o600 }),
    );
  } catch (error) {
    throw new CliError(
      'failed',
      `The upload cannot be packed: ${printable((error as Error).message)}.`,
    );
  }
  return statSync(file).size;
}
