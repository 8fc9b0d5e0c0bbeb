import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Mutant } from './list.ts';

/** A copy of the working tree, which alone is broken. */
export interface Copy {
  readonly dir: string;
  /** Runs `work` with the mutant's bug in the copy. */
  withBug<T>(mutant: Mutant, work: () => Promise<T>): Promise<T>;
  remove(): void;
}

/** What git knows of the tree, as it stands on disk, and what npm has installed. */
export function copyOf(projectDir: string): Copy {
  const dir = mkdtempSync(join(tmpdir(), 'onebuck-mutants-'));
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', list, { cwd: projectDir, encoding: 'utf8' }).split('\0');
  for (const file of files.filter((name) => name !== '')) {
    if (!existsSync(join(projectDir, file))) continue;
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    cpSync(join(projectDir, file), join(dir, file));
  }
  linkPackages(join(projectDir, 'node_modules'), join(dir, 'node_modules'));
  return {
    dir,
    async withBug(mutant, work) {
      const path = join(dir, mutant.file);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, broken(text, mutant));
      try {
        return await work();
      } finally {
        writeFileSync(path, text);
      }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** The text with the bug in it. Throws where it can not tell the place: the list must be mended. */
export function broken(text: string, { name, file, from, to }: Mutant): string {
  const places = text.split(from).length - 1;
  if (places === 1) return text.replace(from, () => to);
  throw new Error(`"${name}": its snippet stands in ${file} ${places} times, not once`);
}

/** One by one, since a tool that keeps a cache there must not keep it in the real folder. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  const names = readdirSync(from).filter((name) => !['.vite', '.cache'].includes(name));
  for (const name of names) symlinkSync(join(from, name), join(to, name));
}
