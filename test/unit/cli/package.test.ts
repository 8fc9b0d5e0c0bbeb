import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildBinary, envIn } from './binary.ts';

let folder: string;
let built: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onebuck-package-'));
  built = buildBinary();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command in the folder of the tests; throws if it fails. */
const ran = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: folder, env: envIn(folder), encoding: 'utf8' });

it('the package has one program, its page and its licences, and installs nothing else', () => {
  ran('npm', 'pack', built, '--loglevel=error', '--no-update-notifier');
  const { version } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'));
  const prefix = join(folder, 'prefix');
  // Offline: the package needs nothing from a registry.
  const install = ['install', '-g', '--prefix', prefix, '--offline', '--no-update-notifier'];
  ran('npm', ...install, `./onebuck-${version}.tgz`);
  const modules = join(prefix, 'lib/node_modules');
  expect(readdirSync(modules)).toEqual(['onebuck']);
  const installed = join(modules, 'onebuck');
  const files = ['LICENSE', 'README.md', 'onebuck.mjs', 'package.json', 'parts'];
  expect(readdirSync(installed).toSorted()).toEqual(files);
  const all = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  const bytes = all.map((file) => statSync(join(installed, file)).size);
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(1.1 * 1024 * 1024);
  expect(ran(join(prefix, 'bin/onebuck'), '--version')).toBe(`${version}\n`);
});

it('the package loads what only one command needs when that runs, so that others start sooner', () => {
  expect(statSync(join(built, 'onebuck.mjs')).size).toBeLessThan(160 * 1024);
  expect(readFileSync(join(built, 'onebuck.mjs'), 'utf8')).toMatch(/import\("\.\/parts\/serve-\w+/);
  expect(readFileSync(join(built, 'onebuck.mjs'), 'utf8')).not.toContain('ustar');
});

it('the package has the licence of each package that is in its bundle', () => {
  const licence = readFileSync(join(built, 'LICENSE'), 'utf8');
  expect(licence).toMatch(/^MIT License/);
  expect(licence).toMatch(/The program contains commander:\n\n\(The MIT License\)/);
  expect(licence).toMatch(/The program contains tar:\n\n# Blue Oak Model License/);
});

it('the page of the package has no link that only leads somewhere in a checkout', () => {
  const page = readFileSync(join(built, 'README.md'), 'utf8');
  expect(page).toMatch(/^# The command line\n/);
  expect(page).not.toMatch(/\]\((?!https:|#)/);
});
