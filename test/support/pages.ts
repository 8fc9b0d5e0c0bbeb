import { posix } from 'node:path';
import type { Command } from 'commander';

/*
 * Checks that compare a page of the documentation with the repository. Each check returns one
 * sentence for each fault in the page; none if the page is right.
 */

export interface Page {
  /** The path from the project's root. */
  readonly path: string;
  readonly text: string;
}

/** The code of a page: each fenced block, and each span between backticks. */
export function codeOf({ text }: Page): string[] {
  const blocks = [...text.matchAll(FENCE)].map(([, block = '']) => joined(block));
  return [...blocks, ...spansOf(text)];
}

const FENCE = /^[ \t]*```[^\n]*\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;

const PRINTED = /^[ \t]*```text\n[\s\S]*?^[ \t]*```[ \t]*$/gm;

/** Joins each line that ends with a backslash to the next line. */
const joined = (block: string) => block.replace(/\\\n\s*/g, ' ');

function spansOf(text: string): string[] {
  const prose = text.replace(FENCE, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replace(/\s+/g, ' '));
}

const COLUMNS_MAX = 100;

/** The lines of prose that are too long; rows of tables and code are as long as they are. */
export const longLines = ({ text }: Page): string[] =>
  text
    .replace(FENCE, '')
    .split('\n')
    .filter((line) => line.length > COLUMNS_MAX && !line.startsWith('|'));

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf({ text }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replace(FENCE, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Finds relative links, also to images, whose file or anchor does not exist. */
export function linkFaults(
  page: Page,
  existing: { readonly pages: readonly Page[]; readonly exists: (path: string) => boolean },
): string[] {
  const prose = page.text.replace(FENCE, '').replace(/`[^`]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file);
      if (anchor === undefined) return !existing.exists(path);
      const linked = existing.pages.find((candidate) => candidate.path === path);
      return linked === undefined || !anchorsOf(linked).has(anchor);
    })
    .map((target) => `${page.path} links to ${target}, which is not there`);
}

/** Finds `npm run` commands whose script package.json lacks. */
export function scriptFaults(page: Page, scripts: readonly string[]): string[] {
  const named = codeOf(page).flatMap((code) => [
    ...[...code.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name),
    ...[...code.matchAll(/\bnpm (test|start)\b/g)].map(([, name = '']) => name),
  ]);
  return named
    .filter((name) => !scripts.includes(name))
    .map((name) => `${page.path} names the script ${name}, which package.json lacks`);
}

const EXTENSIONS = /\.(cjs|css|d\.ts|html|json|md|mjs|mts|png|py|svg|ts|tsx|txt|yml)$/;

/**
 * Finds paths in the page's code that the repository lacks. A word is taken for a path by its first
 * folder, by a slash at its end, or by its extension; `*` stands for a part of a name.
 */
export function pathFaults(page: Page, paths: ReadonlySet<string>): string[] {
  const folders = new Set([...paths].map((path) => path.split('/')[0]));
  const looksLikePath = (word: string) =>
    /^[\w.@*-]+(\/[\w.@*-]+)*\/?$/.test(word) &&
    !word.startsWith('..') &&
    ((word.includes('/') && folders.has(word.split('/')[0])) ||
      word.endsWith('/') ||
      EXTENSIONS.test(word));
  // What a program printed names the files of whoever ran it.
  return codeOf({ ...page, text: page.text.replace(PRINTED, '') })
    .flatMap((code) => code.split(/[\s'"`(){},;:=]+@?/))
    .filter(looksLikePath)
    .filter((word) => !isAmong(paths, word.replace(/\/$/, '')))
    .map((word) => `${page.path} names ${word}, which is not there`);
}

function isAmong(paths: ReadonlySet<string>, pattern: string): boolean {
  if (!pattern.includes('*')) return paths.has(pattern);
  const parts = pattern.split('*').map((part) => part.replace(/[.]/g, '\\.'));
  const fits = new RegExp(`^${parts.join('[^/]*')}$`);
  return [...paths].some((path) => fits.test(path));
}

/** Finds commands of `npx onebuck`, and options of commands, that the program lacks. */
export function commandFaults(page: Page, program: Command): string[] {
  const lines = codeOf(page).flatMap((code) => code.split('\n'));
  return lines.flatMap((line) => {
    const [, words] = /(?:^|\s)(?:npx )?onebuck ([^#`]*)/.exec(line) ?? [];
    if (words === undefined) return [];
    const [ownWords = ''] = words.replace(/'[^']*'|"[^"]*"/g, 'quoted').split(/ -- | --$/);
    return faultsOfCommand(ownWords.split(/\s+/).filter(Boolean), program).map(
      (fault) => `${page.path}: onebuck has no ${fault}`,
    );
  });
}

function faultsOfCommand(words: readonly string[], program: Command): string[] {
  let command = program;
  const rest = [...words];
  while (command.commands.length > 0) {
    const at = rest.findIndex((word) => !word.startsWith('-'));
    if (at < 0) break;
    const [name] = rest.splice(at, 1);
    const next = command.commands.find((candidate) => candidate.name() === name);
    if (next === undefined) return [`command ${name}`];
    command = next;
  }
  const known = [...program.options, ...command.options].flatMap(({ long, short }) => [
    long,
    short,
  ]);
  return rest
    .filter((word) => /^-/.test(word) && word !== '--help')
    .filter((word) => !known.includes(word))
    .map((word) => `option ${word} of ${command.name()}`);
}

export interface Route {
  readonly method: string;
  /** The path, with its parameters in braces: `/clusters/{id}`. */
  readonly path: string;
  /** The names of the query's parameters. */
  readonly query: readonly string[];
}

/**
 * Finds routes that the API lacks: in a curl of `$API`, or in a span such as `GET /report`. Finds
 * also parameters of a query that the route lacks.
 */
export function routeFaults(page: Page, routes: readonly Route[]): string[] {
  return codeOf(page)
    .flatMap((code) => [...curledRoutes(code), ...namedRoutes(code)])
    .flatMap((used) => {
      const route = routes.find(
        ({ method, path }) => method === used.method && fitsPath(used.path, path),
      );
      const what = `${used.method} ${used.path}`;
      if (route === undefined) return [`${page.path} asks for ${what}, which is no route`];
      return used.query
        .filter((name) => !route.query.includes(name))
        .map((name) => `${page.path} gives ${what} a parameter ${name}, which it has not`);
    });
}

/** The routes that the curl commands of a block call. */
function curledRoutes(code: string): Route[] {
  const commands = code
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#\s.*$/, '').split(/\s&&\s|;\s|\s\|\s/));
  return commands.flatMap((command) => {
    const [, path, query] =
      /\bcurl\b.*?(?:\$API|https?:\/\/(?:127\.0\.0\.1:\d+|…))(\/[^\s"'?]*)(?:\?([^\s"']*))?/.exec(
        command,
      ) ?? [];
    if (path === undefined) return [];
    const [, method = / -d /.test(command) ? 'POST' : 'GET'] = / -X (\w+)/.exec(command) ?? [];
    return [{ method, path, query: namesIn(query) }];
  });
}

/** The route that a span names, such as `GET /report`; none if the span is something else. */
function namedRoutes(code: string): Route[] {
  const [, method, path, query] =
    /^(GET|POST|PATCH|PUT|DELETE) (\/[^\s?]*)(?:\?(\S*))?$/.exec(code) ?? [];
  return method === undefined || path === undefined
    ? []
    : [{ method, path, query: namesIn(query) }];
}

const namesIn = (query = '') =>
  query
    .split('&')
    .map((pair) => pair.split('=')[0] ?? '')
    .filter((name) => name !== '');

function fitsPath(used: string, path: string): boolean {
  const [given, wanted] = [used.split('/'), path.split('/')];
  return (
    given.length === wanted.length &&
    wanted.every((part, index) => part.startsWith('{') || part === given[index])
  );
}

/** Finds variables in the page's tables of settings that no source reads. */
export function variableFaults(page: Page, sources: string): string[] {
  const read = variablesRead(sources);
  return variablesOf(page)
    .filter((name) => !read.has(name))
    .map((name) => `${page.path} has the setting ${name}, which nothing reads`);
}

const variablesOf = ({ text }: Page): string[] =>
  [...text.matchAll(/^\| `([A-Z][A-Z0-9_]*)` +\|/gm)].map(([, name = '']) => name);

/** The variables that TypeScript reads from an object `env`, or names. */
function variablesRead(sources: string): Set<string> {
  const found = sources.matchAll(/\benv\.([A-Z][A-Z0-9_]*)|'([A-Z][A-Z0-9_]*)'/g);
  return new Set([...found].map(([, ...names]) => names.find((name) => name !== undefined) ?? ''));
}
