import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ignore from 'ignore';

/** In the order in which their rules count: the later goes over the earlier. */
const FILES = ['.gitignore', '.onebuckignore'];

/** Which files and folders below a folder the ignore files there leave out, as git reads them. */
export interface Ignored {
  /** Reads the ignore files of a folder; to be called from the top down, before `has` is asked. */
  enter(folder: string): void;
  /** Whether a file or folder is left out, whose folder has been entered. */
  has(path: string, isFolder: boolean): boolean;
}

/** The paths are absolute, and below `top`. */
export function readIgnored(top: string): Ignored {
  // One list for all folders, since a rule of a deeper folder goes over those above it.
  const rules = ignore({ ignorecase: false });
  const nameOf = (path: string) => relative(top, path).split(sep).join('/');
  return {
    enter(folder) {
      for (const file of FILES) {
        const text = readIfThere(join(folder, file));
        const lines = text.split(/\r?\n/).flatMap((line) => below(nameOf(folder), line));
        if (lines.length > 0) rules.add(lines);
      }
    },
    has(path, isFolder) {
      const name = nameOf(path);
      return name !== '' && rules.ignores(isFolder ? `${name}/` : name);
    },
  };
}

/** The rule of a folder's ignore file as a rule of the top's. */
function below(folder: string, line: string): string[] {
  if (line.trim() === '' || line.startsWith('#')) return [];
  if (folder === '') return [line];
  const isNot = line.startsWith('!');
  const rule = isNot ? line.slice(1) : line;
  // A slash that is not the last one ties a rule to its folder.
  const isTied = rule.trimEnd().slice(0, -1).includes('/');
  const prefix = `/${folder.replaceAll(/[\\*?[\]! ]/g, '\\$&')}/`;
  return [`${isNot ? '!' : ''}${prefix}${isTied ? '' : '**/'}${rule.replace(/^\//, '')}`];
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch {
    return '';
  }
}

/** The folder with `.git` that the folder is in; the folder itself where there is none. */
export function repositoryOf(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return resolve(folder);
  }
}

/** The folders from `top` down to `folder`, both of them included. */
export function foldersDown(top: string, folder: string): string[] {
  const steps = relative(top, folder).split(sep).filter(Boolean);
  return [top, ...steps.map((_, index) => join(top, ...steps.slice(0, index + 1)))];
}
