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

/** A copy of the working tree. Bugs are put into the copy, never into the tree itself. */
export interface Copy {
  readonly dir: string;
  /** Runs `work` with the mutant's bug in the copy. */
  withBug<T>(mutant: Mutant, work: () => Promise<T>): Promise<T>;
  remove(): void;
}

/** Copies all files that git does not ignore, as they are on disk, and links the npm packages. */
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

/** The text with the bug. Throws if the mutant's snippet is not in the text exactly once. */
export function broken(text: string, { name, file, from, to }: Mutant): string {
  const places = text.split(from).length - 1;
  if (places === 1) return text.replace(from, () => to);
  throw new Error(`"${name}": its snippet is in ${file} ${places} times, not once`);
}

/** Links each package, not the folder, since tools write caches into `node_modules`. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  const names = readdirSync(from).filter((name) => !['.vite', '.cache'].includes(name));
  for (const name of names) symlinkSync(join(from, name), join(to, name));
}
