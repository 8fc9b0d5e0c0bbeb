import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { staysInside } from '../../../../cli/jobs/links.ts';
import { collect, pack } from '../../../../cli/jobs/pack.ts';
import { type Unpacking, unpack } from '../../../../cli/jobs/unpack.ts';
import { archiveOf, type Member } from '../../../support/archives.ts';

const root = mkdtempSync(join(tmpdir(), 'onebuck-unpack-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder of the world, in which `into` is the only one that an archive may write to. */
let world: string;
let into: string;
beforeEach(() => {
  world = realpathSync(mkdtempSync(join(root, 'world-')));
  into = join(world, 'into');
  mkdirSync(into);
  mkdirSync(join(world, 'beside'));
  writeFileSync(join(world, 'beside/mine'), 'mine');
});

const run = (archive: Buffer, more: Partial<Unpacking> = {}) => {
  const file = join(world, 'n0.tar.gz');
  writeFileSync(file, archive);
  const said = { unpackedBytes: 1_000_000, files: 1_000, patterns: ['.'], tell: () => {} };
  return unpack(file, { into, ...said, ...more });
};

const beside = () => ({
  names: readdirSync(world).toSorted(),
  mine: readFileSync(join(world, 'beside/mine'), 'utf8'),
  there: readdirSync(join(world, 'beside')),
});
const UNTOUCHED = { names: ['beside', 'into', 'n0.tar.gz'], mine: 'mine', there: ['mine'] };

it('results come out with the same bytes, modes, times and links', async () => {
  const from = join(world, 'beside');
  mkdirSync(join(from, 'out/deep'), { recursive: true });
  writeFileSync(join(from, 'out/deep/pi.txt'), '3.14159\n');
  writeFileSync(join(from, 'out/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('deep/pi.txt', join(from, 'out/link'));
  const file = join(world, 'n0.tar.gz');
  await pack(collect(['.'], from), file, () => {});
  const told: number[] = [];
  const { names, leftOut } = await run(readFileSync(file), {
    patterns: ['out/'],
    tell: (bytes) => told.push(bytes),
  });
  expect(names.toSorted()).toEqual(['out/deep/pi.txt', 'out/link', 'out/run.sh']);
  expect(leftOut).toEqual(['mine: it was not asked for']);
  expect(told.at(-1)).toBe(18);
  execFileSync('diff', ['-r', '--no-dereference', join(from, 'out'), join(into, 'out')]);
  expect(lstatSync(join(into, 'out/run.sh')).mode & 0o777).toBe(0o755);
  const time = (path: string) => Math.floor(lstatSync(join(path, 'out/run.sh')).mtimeMs / 1_000);
  expect(time(into)).toBe(time(from));
});

it('what GNU tar has packed comes out, a file with two names as two files', async () => {
  const from = join(world, 'beside');
  writeFileSync(join(from, 'one'), 'same');
  execFileSync('ln', [join(from, 'one'), join(from, 'two')]);
  execFileSync('tar', ['-czf', join(world, 'gnu'), '-C', from, './one', './two', './mine']);
  const { names } = await run(readFileSync(join(world, 'gnu')));
  expect(names.toSorted()).toEqual(['mine', 'one', 'two']);
  expect(readFileSync(join(into, 'two'), 'utf8')).toBe('same');
});

const link = (path: string, linkpath: string): Member => ({ path, linkpath, type: 'SymbolicLink' });
const bad = (path: string): Member => ({ path, content: 'bad' });

/** For each attack: the archive, and why its member is left out; null: it comes in, and does no harm. */
const ATTACKS: readonly (readonly [string, readonly Member[], string | null])[] = [
  ['a path with ..', [bad('../beside/mine')], 'it would leave the folder'],
  ['a path with .. in the middle', [bad('a/../../beside/mine')], 'it would leave the folder'],
  ['an absolute path', [bad('/etc/onebuck-attack')], 'it would leave the folder'],
  ['a link to an absolute path', [link('a', '/etc/passwd')], 'a link that leads out of the folder'],
  ['a link that climbs out', [link('a/b', '../../beside')], 'a link that leads out of the folder'],
  [
    'a link that climbs out by a link',
    [link('d/e', '..'), link('f', 'd/e/../beside')],
    'a link that leads out of the folder',
  ],
  [
    'a file behind a link of the same archive',
    [link('a', '../beside'), bad('a/mine')],
    'a link that leads out of the folder',
  ],
  [
    'a file behind a link that stays inside',
    [link('a', 'b'), bad('a/mine')],
    'a: a folder has its name',
  ],
  [
    'a link in place of a folder that has files',
    [bad('a/mine'), link('a', '../beside')],
    'a link that leads out of the folder',
  ],
  [
    'a hard link to a file outside',
    [{ path: 'a', linkpath: '../beside/mine', type: 'Link' }],
    'a link to a file that has not come before',
  ],
  [
    'a hard link to a file that was there before',
    [{ path: 'a', linkpath: 'there', type: 'Link' }],
    'a link to a file that has not come before',
  ],
  ['a device', [{ path: 'a', type: 'CharacterDevice', devmaj: 1, devmin: 8 }], 'CharacterDevice'],
  ['a pipe', [{ path: 'a', type: 'FIFO' }], 'neither a file nor a folder, but FIFO'],
  ['a name with an escape', [bad('a\x1b]0;title\x07')], 'its name has control characters'],
  ['a name with a line break', [bad('a\nOnebuck: all is well')], 'its name has control characters'],
  ['a hook of git', [bad('.git/hooks/pre-commit')], 'it is of git'],
  ['a hook of git on a Mac', [bad('sub/.GIT/config')], 'it is of git'],
  ['the bit of the superuser', [{ path: 'a', content: 'bad', mode: 0o104755 }], null],
];

describe.each(ATTACKS)('%s', (_name, members, reason) => {
  it('in an archive changes nothing outside the folder', async () => {
    writeFileSync(join(into, 'there'), 'there');
    const { leftOut } = await run(archiveOf(members));
    expect(beside()).toEqual(UNTOUCHED);
    expect(existsSync('/etc/onebuck-attack')).toBe(false);
    if (reason === null) expect(leftOut).toEqual([]);
    else expect(leftOut.join('\n')).toContain(reason);
    expect(leftOut.join('')).not.toMatch(/\p{Cc}/u);
    for (const name of readdirSync(into, { recursive: true, encoding: 'utf8' })) {
      const path = join(into, name);
      expect(lstatSync(path).mode & 0o6000).toBe(0);
      if (existsSync(path)) expect(realpathSync(path).startsWith(into)).toBe(true);
    }
  });
});

it('a link that lies in the folder before is not followed, but replaced', async () => {
  symlinkSync('../beside/mine', join(into, 'a'));
  symlinkSync('../beside', join(into, 'd'));
  const { names, leftOut } = await run(archiveOf([bad('a'), bad('d/mine'), bad('ok')]));
  expect(names).toEqual(['a', 'ok']);
  expect(leftOut).toEqual(['d/mine: a link or a file is where its folder would be']);
  expect(beside()).toEqual(UNTOUCHED);
  expect(lstatSync(join(into, 'a')).isFile()).toBe(true);
});

describe('what was not asked for', () => {
  const members = ['out/a.csv', 'out/b/c.txt', 'output/d', 'Makefile', '.envrc', 'e.csv'].map(bad);
  it.each([
    [['out/'], ['out/a.csv', 'out/b/c.txt']],
    [['out/*.csv'], ['out/a.csv']],
    [['*.csv'], ['e.csv']],
    [
      ['**/*.csv', './Makefile'],
      ['out/a.csv', 'Makefile', 'e.csv'],
    ],
    [['OUT'], []],
    [['.'], members.map(({ path }) => path)],
    [[], []],
  ])('by %j is left out', async (patterns, names) => {
    const unpacked = await run(archiveOf(members), { patterns });
    expect(unpacked.names).toEqual(names);
    expect(unpacked.leftOut).toHaveLength(members.length - names.length);
  });
});

describe('an archive with more in it than was said', () => {
  const zeros = '\0'.repeat(400_000);
  const TOO_MUCH = 'The results have more in them than the node said. The rest is left out.';
  const bytesThere = () =>
    readdirSync(into).reduce((sum, name) => sum + lstatSync(join(into, name)).size, 0);

  it('of bytes ends before it writes more', async () => {
    const members = ['a', 'b', 'c'].map((path) => ({ path, content: zeros }));
    await expect(run(archiveOf(members))).rejects.toThrow(TOO_MUCH);
    expect(bytesThere()).toBe(800_000);
  });

  it('of files ends before it writes more', async () => {
    const members = ['a', 'b', 'c'].map(bad);
    await expect(run(archiveOf(members), { files: 2 })).rejects.toThrow(TOO_MUCH);
    expect(readdirSync(into)).toEqual(['a', 'b']);
  });

  it('of hard links to one file ends before it writes more', async () => {
    const copies = ['b', 'c'].map((path) => ({ path, linkpath: 'a', type: 'Link' as const }));
    await expect(run(archiveOf([{ path: 'a', content: zeros }, ...copies]))).rejects.toThrow(
      TOO_MUCH,
    );
    expect(bytesThere()).toBe(800_000);
  });

  it('of folders ends, too', async () => {
    const folders = Array.from({ length: 11_001 }, () => ({
      path: 'a/',
      type: 'Directory' as const,
    }));
    await expect(run(archiveOf(folders))).rejects.toThrow(TOO_MUCH);
  });

  it('of a description that is long ends, too', async () => {
    const long = { path: 'a', type: 'ExtendedHeader' as const, content: '\0'.repeat(100_000_000) };
    await expect(run(archiveOf([long, bad('a')]))).rejects.toThrow(TOO_MUCH);
  });

  it('is not begun if what is said does not fit on the disk', async () => {
    const unpackedBytes = 1e15;
    await expect(run(archiveOf([bad('a')]), { unpackedBytes })).rejects.toThrow(
      /^The results take 1000 TB, and .*into has .* free: give another folder by --into\.$/,
    );
    expect(readdirSync(into)).toEqual([]);
  });
});

it.each([
  ['no gzip', Buffer.from('results')],
  [
    'half of an archive',
    archiveOf([bad('a'), { path: 'b', content: 'x'.repeat(9_000) }]).subarray(0, 90),
  ],
  ['no tar', gzipSync(Buffer.from('x'.repeat(5_000)))],
  ['a tar that ends in a file', gzipSync(Buffer.from(archiveHead()))],
])('%s is told of in a sentence', async (_name, archive) => {
  await expect(run(archive)).rejects.toThrow(/^The results cannot be unpacked: .+\.$/);
});

it('an archive that is not there is told of, too', async () => {
  const said = { unpackedBytes: 1, files: 1, patterns: ['.'], tell: () => {} };
  const unpacking = unpack(join(world, 'none'), { into, ...said });
  await expect(unpacking).rejects.toThrow(/^The results cannot be unpacked: ENOENT/);
});

/** The beginning of an archive whose first file should be longer. */
function archiveHead(): Buffer {
  const file = join(root, 'head.tar');
  const from = mkdtempSync(join(root, 'head-'));
  writeFileSync(join(from, 'a'), 'x'.repeat(5_000));
  execFileSync('tar', ['-cf', file, '-C', from, 'a']);
  return readFileSync(file).subarray(0, 2_048);
}

it('no set of links by which any of them leaves the folder is let in', async () => {
  const step = fc.constantFrom('..', '.', 'a', 'b', 'c', '');
  const target = fc
    .array(step, { minLength: 1, maxLength: 5 })
    .map((steps) => steps.join('/') || '.');
  const name = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
    .map((steps) => steps.join('/'));
  const links = fc.array(fc.tuple(name, target), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(links, async (all) => {
      rmSync(into, { recursive: true });
      mkdirSync(into);
      const members = all.flatMap(([path, to]) => [link(path, to), bad(`${path}/x`)]);
      await run(archiveOf(members));
      expect(beside()).toEqual(UNTOUCHED);
      for (const entry of readdirSync(into, { recursive: true, encoding: 'utf8' })) {
        const path = join(into, entry);
        if (!lstatSync(path).isSymbolicLink()) continue;
        expect(staysInside(relative(into, path), readlinkSync(path))).toBe(true);
        const to = resolve(path, '..', readlinkSync(path));
        const reached = existsSync(path) ? realpathSync(path) : to;
        expect(`${reached}/`.startsWith(`${into}/`)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});
