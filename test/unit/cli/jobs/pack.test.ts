import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { collect, pack } from '../../../../cli/jobs/pack.ts';

const root = mkdtempSync(join(tmpdir(), 'onebuck-pack-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'folder-'));
});

function write(files: Readonly<Record<string, string>>, at = folder): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(at, name)), { recursive: true });
    writeFileSync(join(at, name), content);
  }
}

const namesOf = (paths: readonly string[], cwd = folder) =>
  collect(paths, cwd)
    .members.map(({ name }) => name)
    .filter((name) => !name.endsWith('/'));

describe('an upload', () => {
  it('comes out of tar with the same bytes, modes and links', async () => {
    write({ 'a.txt': 'one', 'sub/ä b.txt': 'two', 'sub/run.sh': '#!/bin/sh\n', 'empty/x': '' });
    execFileSync('chmod', ['755', join(folder, 'sub/run.sh')]);
    symlinkSync('../a.txt', join(folder, 'sub/link'));
    const long = `${'deep/'.repeat(60)}file`;
    write({ [long]: 'x'.repeat(100_000) });
    const told: number[] = [];
    const collected = collect(['.'], folder);
    const file = join(root, 'same.tar.gz');
    const bytes = await pack(collected, file, (packed) => told.push(packed));
    expect(bytes).toBe(readFileSync(file).length);
    expect(told.at(-1)).toBe(collected.bytes);
    const out = mkdtempSync(join(root, 'out-'));
    execFileSync('tar', ['-xzf', file, '-C', out]);
    expect(spawnSync('diff', ['-r', '--no-dereference', folder, out])).toMatchObject({ status: 0 });
    expect(spawnSync(join(out, 'sub/run.sh')).status).toBe(0);
  });

  it('has the same bytes when nothing has changed', async () => {
    write({ 'b/c': '1', a: '2' });
    const [one, other] = [join(root, 'one.tar.gz'), join(root, 'other.tar.gz')];
    await pack(collect(['a', 'b'], folder), one, () => {});
    await pack(collect(['b', '.'], folder), other, () => {});
    expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
  });

  it('keeps the paths of what lies in the current folder, and the last name of anything else', () => {
    write({ 'here/a/b/c': '', 'here/d': '', 'there/e/f': '', 'there/g': '' });
    const here = join(folder, 'here');
    expect(namesOf(['.'], here)).toEqual(['a/b/c', 'd']);
    expect(namesOf(['a/b', './d'], here)).toEqual(['a/b/c', 'd']);
    expect(namesOf(['../there/e', join(folder, 'there/g')], here)).toEqual(['e/f', 'g']);
  });

  it('that is named twice is packed once', () => {
    write({ 'a/b': '123' });
    expect(collect(['a', 'a/b', '.'], folder)).toMatchObject({ files: 1, bytes: 3 });
  });

  it('that is not there is wrong usage', () => {
    expect(() => collect(['none'], folder)).toThrow(/^--upload none cannot be read: ENOENT/);
  });
});

describe('what is left out of an upload', () => {
  it('is .git, in every folder', () => {
    write({ '.git/config': '', 'sub/.git': 'gitdir: x', 'sub/a': '' });
    expect(namesOf(['.'])).toEqual(['sub/a']);
  });

  it('is what .gitignore and .onebuckignore name, in every folder and above', () => {
    write({
      '.git/HEAD': '',
      '.gitignore': '*.log\n/build/\nnode_modules\n!keep.log\n',
      '.onebuckignore': 'data\n',
      'a.log': '',
      'keep.log': '',
      'build/x': '',
      'sub/build/x': '',
      'sub/.gitignore': 'x\n!a.log\n# comment\n\n/only-here\n',
      'sub/a.log': '',
      'sub/only-here': '',
      'sub/deep/only-here': '',
      'data/big': '',
      'node_modules/m': '',
    });
    expect(namesOf(['.'])).toEqual([
      ...['.gitignore', '.onebuckignore', 'keep.log'],
      ...['sub/.gitignore', 'sub/a.log', 'sub/deep/only-here'],
    ]);
    expect(namesOf(['.'], join(folder, 'sub'))).toEqual(['.gitignore', 'a.log', 'deep/only-here']);
  });

  it('is not what is named itself', () => {
    write({
      '.git/HEAD': '',
      '.gitignore': 'dist\n*.bin\n',
      'dist/a': '',
      'dist/b.bin': '',
      'c.bin': '',
    });
    expect(namesOf(['dist', 'c.bin'])).toEqual(['c.bin', 'dist/a', 'dist/b.bin']);
  });

  it('.onebuckignore goes over .gitignore', () => {
    write({
      '.gitignore': 'model.bin\n',
      '.onebuckignore': '!model.bin\n*.gitignore\n',
      'model.bin': '',
    });
    expect(namesOf(['.'])).toEqual(['.onebuckignore', 'model.bin']);
  });

  it('are links that lead out, sockets and pipes, each with the reason', () => {
    write({ 'a/b': '' });
    for (const [name, target] of [
      ['in', 'a/b'],
      ['a/up', '../in'],
      ['out', '../out'],
      ['absolute', '/etc/passwd'],
      ['home', join(folder, 'a/b')],
      ['a/over', 'x/../../../y'],
    ] as const) {
      symlinkSync(target, join(folder, name));
    }
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(namesOf(['.'])).toEqual(['a/b', 'a/up', 'in']);
    const why = 'a link that leads out of what is uploaded';
    expect(collect(['.'], folder).leftOut.toSorted()).toEqual([
      ...[`a/over: ${why}`, `absolute: ${why}`, `home: ${why}`, `out: ${why}`],
      'pipe: neither a file nor a folder',
    ]);
  });

  it('is the same as git leaves out', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'c.log', 'A', '[x]', 'a b');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((steps) => steps.join('/'));
    const rule = fc
      .tuple(
        fc.constantFrom('', '', '', '!'),
        fc.constantFrom('', '', '/', '**/'),
        fc.oneof(path, fc.constantFrom('*', '*.log', 'a*', '?', '\\[x\\]', 'a/**', 'a/*', '[ab]')),
        fc.constantFrom('', '', '/', ' '),
      )
      .map((parts) => parts.join(''));
    const rules = fc.array(rule, { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n'));
    const ignores = fc.dictionary(fc.oneof(fc.constant(''), path), rules, {
      minKeys: 1,
      maxKeys: 3,
    });
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 12 }), ignores, (paths, all) => {
        const at = mkdtempSync(join(root, 'git-'));
        const put = (file: string, content: string) => {
          try {
            write({ [file]: content }, at);
          } catch {} // a file is where a folder would be, or the other way round
        };
        execFileSync('git', ['init', '-q', at]);
        for (const one of paths) put(one, '');
        for (const [where, lines] of Object.entries(all)) put(join(where, '.gitignore'), lines);
        const list = ['ls-files', '-z', '-o', '--exclude-per-directory=.gitignore'];
        const said = execFileSync('git', list, { cwd: at, encoding: 'utf8' });
        expect(namesOf(['.'], at)).toEqual(said.split('\0').filter(Boolean).toSorted());
        rmSync(at, { recursive: true });
      }),
      { numRuns: 150 },
    );
  });
});
