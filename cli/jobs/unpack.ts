import {
  closeSync,
  copyFileSync,
  createReadStream,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  statfsSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import ignore from 'ignore';
import { Parser, type ReadEntry } from 'tar';
import { bytesWords } from '../../client/bytes.ts';
import { CliError } from '../errors.ts';
import { printable } from '../format.ts';
import { staysInside } from './links.ts';

/** What an archive may bring at most, and where it goes. */
export interface Unpacking {
  /** The folder that the members go into. */
  readonly into: string;
  /** Paths or globs, of which each member must match one, or lie below one. */
  readonly patterns: readonly string[];
  /** How many bytes its files are said to have, and how many files there are said to be. */
  readonly unpackedBytes: number;
  readonly files: number;
  /** Hears how many bytes of files have been written so far. */
  readonly tell: (bytes: number) => void;
}

export interface Unpacked {
  /** The files and links that have been written, by their names in the folder. */
  readonly names: readonly string[];
  /** The members that were left out, each with the reason. */
  readonly leftOut: readonly string[];
}

/**
 * Unpacks an archive that nobody vouches for. Only what was asked for comes into the folder, and nothing
 * beside it: no member is written through a link, no link leads out of the folder, and devices are left
 * out. Throws a CliError if the archive is damaged, if it has more than was said, or if the disk has no
 * room for what was said.
 */
export async function unpack(file: string, unpacking: Unpacking): Promise<Unpacked> {
  mkdirSync(unpacking.into, { recursive: true });
  assertRoom(unpacking);
  const writer = createWriter(unpacking);
  // An error of one stream ends the other, and reaches whoever reads.
  const parts: AsyncIterable<Buffer> = pipeline(createReadStream(file), createGunzip(), () => {});
  try {
    await parse(parts, writer, unpacking);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const reason = printable((error as Error).message);
    throw new CliError('failed', `The results cannot be unpacked: ${reason}.`);
  }
  return writer.finish();
}

/** The parser and the writer are done with a part when `write` returns, and throw from there. */
async function parse(
  parts: AsyncIterable<Buffer>,
  writer: Writer,
  { unpackedBytes, files }: Unpacking,
): Promise<void> {
  const mostBytes = unpackedBytes + (files + MEMBERS_MORE) * MEMBER_BYTES_MAX;
  const parser = new Parser({ strict: true, onReadEntry: (entry) => writer.write(entry) });
  let isOver = false;
  parser.on('eof', () => {
    isOver = true;
  });
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    if (bytes > mostBytes) throw tooMuch();
    parser.write(part);
    if (isOver) return;
  }
  parser.end();
}

/** What the header, the name and the padding of a member take at most. */
const MEMBER_BYTES_MAX = 8_192;
/** How many folders, links and blocks without content there may be beside the files. */
const MEMBERS_MORE = 10_000;
/** What is left free of a disk. */
const FREE_BYTES_MIN = 100_000_000;

function assertRoom({ into, unpackedBytes }: Unpacking): void {
  const { bavail, bsize } = statfsSync(into);
  const free = bavail * bsize;
  if (unpackedBytes + FREE_BYTES_MIN <= free) return;
  const message =
    `The results take ${bytesWords(unpackedBytes)}, and ${into} has ${bytesWords(free)} free: ` +
    'give another folder by --into.';
  throw new CliError('failed', message);
}

const tooMuch = () =>
  new CliError('failed', 'The results have more in them than the node said. The rest is left out.');

interface Writer {
  /** Throws a CliError if there is more than was said. */
  write(entry: ReadEntry): void;
  finish(): Unpacked;
}

function createWriter({ into, patterns, unpackedBytes, files, tell }: Unpacking): Writer {
  const isAskedFor = askedFor(patterns);
  const names = new Set<string>();
  const links = new Map<string, string>();
  const leftOut: string[] = [];
  let written = 0;
  let members = 0;

  /** Creates the folders; throws a sentence if one of them is a link, or no folder. */
  function ensureFolder(name: string): void {
    let at = into;
    for (const step of name.split('/').filter((part) => part !== '' && part !== '.')) {
      at = join(at, step);
      const stat = statOrNull(at);
      if (stat === null) mkdirSync(at);
      else if (!stat.isDirectory())
        throw new LeftOut('a link or a file is where its folder would be');
    }
  }

  /** A place for a new file or link, which nothing is at. */
  function place(name: string): string {
    ensureFolder(dirname(name));
    const path = join(into, name);
    const stat = statOrNull(path);
    if (stat?.isDirectory()) throw new LeftOut('a folder has its name');
    if (stat !== null) rmSync(path);
    return path;
  }

  function assertSaid(moreBytes: number): void {
    if (names.size >= files || written + moreBytes > unpackedBytes) throw tooMuch();
  }

  function writeFile(entry: ReadEntry, name: string): void {
    assertSaid(entry.size);
    // `wx` follows no link. Whoever has unpacked the file owns it, and no one else may write it.
    const fd = openSync(place(name), 'wx', (entry.mode ?? 0) & 0o100 ? 0o755 : 0o644);
    names.add(name);
    entry.on('data', (part) => {
      for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
      written += part.length;
      tell(written);
    });
    entry.on('end', () => {
      const seconds = (entry.mtime?.getTime() ?? Number.NaN) / 1_000;
      if (Number.isFinite(seconds)) futimesSync(fd, seconds, seconds);
      closeSync(fd);
    });
  }

  function writeEntry(entry: ReadEntry): void {
    const name = nameOf(entry);
    // Folders above what was asked for are made where they are needed.
    if (!isAskedFor(name) && entry.type !== 'Directory') throw new LeftOut('it was not asked for');
    switch (entry.type) {
      case 'Directory':
        if (isAskedFor(name)) ensureFolder(name);
        break;
      case 'File':
      case 'OldFile':
      case 'ContiguousFile':
        writeFile(entry, name);
        return;
      case 'SymbolicLink': {
        const target = entry.linkpath ?? '';
        if (!staysInside(name, target)) throw new LeftOut('a link that leads out of the folder');
        links.set(name, target);
        break;
      }
      case 'Link': {
        // The same file under another name, which must be one of those that have come before.
        const first = cleaned(entry.linkpath ?? '');
        if (!names.has(first)) throw new LeftOut('a link to a file that has not come before');
        const path = place(name);
        const { size } = lstatSync(join(into, first));
        assertSaid(size);
        copyFileSync(join(into, first), path);
        written += size;
        names.add(name);
        break;
      }
      default:
        throw new LeftOut(`neither a file nor a folder, but ${entry.type}`);
    }
    entry.resume();
  }

  return {
    write(entry: ReadEntry): void {
      members += 1;
      if (members > files + MEMBERS_MORE) throw tooMuch();
      try {
        writeEntry(entry);
      } catch (error) {
        if (!(error instanceof LeftOut)) throw error;
        leftOut.push(`${printable(entry.path)}: ${error.message}`);
        entry.resume();
      }
    },
    /** Links come last, so that no member is written where a link leads. */
    finish(): Unpacked {
      for (const [name, target] of links) {
        try {
          symlinkSync(target, place(name));
          names.add(name);
        } catch (error) {
          leftOut.push(`${printable(name)}: ${printable((error as Error).message)}`);
        }
      }
      return { names: [...names], leftOut };
    },
  };
}

/** Why a member is left out, while the others are unpacked. */
class LeftOut extends Error {}

/** The member's name without the slash at a folder's end; throws if the name leads elsewhere. */
function nameOf({ path }: ReadEntry): string {
  const name = cleaned(path);
  const steps = name.split('/');
  if (/[\p{Cc}]/u.test(path)) throw new LeftOut('its name has control characters');
  if (path.startsWith('/') || steps.includes('..')) throw new LeftOut('it would leave the folder');
  // There, these lead elsewhere, too.
  if (process.platform === 'win32' && /[\\:]/.test(path))
    throw new LeftOut('its name has a backslash or a colon');
  // Who may write there decides what git runs here.
  if (steps.some((step) => step.toLowerCase() === '.git')) throw new LeftOut('it is of git');
  return name;
}

const cleaned = (path: string): string =>
  path
    .split('/')
    .filter((step) => step !== '' && step !== '.')
    .join('/');

/** Whether a name matches a pattern, or lies below a match. */
function askedFor(patterns: readonly string[]): (name: string) => boolean {
  const all = patterns.map(cleaned);
  if (all.includes('')) return () => true;
  const rules = ignore({ ignorecase: false }).add(all.map((pattern) => `/${pattern}`));
  return (name) => name === '' || rules.ignores(name);
}

function statOrNull(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}
