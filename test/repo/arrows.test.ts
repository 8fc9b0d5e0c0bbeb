import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { projectDir } from '../../build/project.ts';

/*
 * Which folders a folder may import from, and which globals pure code must not use. Paths are from
 * the project's root, such as lib/core/pass/plan.ts. docs/architecture.md has the same tables.
 */

const core = 'lib/core';
/** The modules that every part of lib may import. */
const shared = [core, 'lib/ports.ts', 'lib/errors.ts', 'lib/settings.ts'];

/**
 * The folders and files of this repository that a folder may import, beside its own files. For a
 * file the row with the longest name that fits holds: lib/core/pass has its own row, lib/core none.
 */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'lib/core/base': [],
  'lib/core/billing': ['lib/core/base'],
  'lib/core/room': ['lib/core/base', 'lib/core/billing'],
  'lib/core/job': ['lib/core/base'],
  'lib/core/cluster': ['lib/core/base', 'lib/core/billing', 'lib/core/job', 'lib/core/room'],
  'lib/core/catalogue': ['lib/core/base', 'lib/core/billing', 'lib/core/cluster', 'lib/core/room'],
  'lib/core/caps': ['lib/core/base', 'lib/core/billing', 'lib/core/cluster', 'lib/core/room'],
  'lib/core/schedule': ['lib/core/base', 'lib/core/cluster'],
  'lib/core/notices': [
    'lib/core/base',
    'lib/core/billing',
    'lib/core/cluster',
    'lib/core/invoices',
    'lib/core/schedule',
  ],
  'lib/core/invoices': ['lib/core/base', 'lib/core/billing', 'lib/core/cluster'],
  'lib/core/pass': ['lib/core/base', 'lib/core/cluster', 'lib/core/job', 'lib/core/notices'],
  'lib/ports.ts': [core],
  'lib/errors.ts': [core],
  'lib/settings.ts': [core],
  'lib/read-settings.ts': shared,
  'lib/app': shared,
  'lib/http': ['lib/app', ...shared],
  'lib/adapters': [],
  'lib/adapters/aws': shared,
  'lib/adapters/dynamodb': shared,
  'lib/adapters/linode': shared,
  'lib/adapters/clock.ts': shared,
  'lib/adapters/log.ts': shared,
  'lib/adapters/webhook.ts': shared,
  'lib/wire.ts': ['lib'],
  handlers: ['lib/app', 'lib/http', 'lib/core', 'lib/errors.ts', 'lib/wire.ts', 'web/dist'],
  client: ['lib/core', 'lib/http'],
  cli: ['client'],
  action: ['client', 'cli'],
  web: ['client'],
  ops: ['lib'],
  build: ['lib/http'],
  simulators: [],
  'simulators/aws': ['simulators/listen.ts', 'lib/adapters/dynamodb', ...shared],
  // The simulated Linode shares only the clock with lib. A misreading of Linode's rules in lib
  // would otherwise be in the simulator too, and no test would find it.
  'simulators/linode': ['simulators/random.ts', 'lib/adapters/clock.ts'],
  'simulators/nodes': ['simulators/linode', 'simulators/listen.ts'],
  simulation: ['simulators', 'lib'],
  dev: ['build', 'ops', 'simulators', 'lib'],
  checks: ['build', 'client', 'dev', 'ops', 'simulators', 'lib'],
  bench: ['build', 'checks', 'dev', 'simulation', 'simulators', 'lib', 'ops'],
};

/** The packages that a folder may import; a folder without a row may import every package. */
const packages: Readonly<Record<string, RegExp>> = {
  'lib/core': /^(zod\/mini|croner)$/,
  'lib/app': /^(?!@aws|axios|hono|zod)/,
  'lib/http': /^(zod\/mini|zod-openapi|node:(crypto|zlib))$/,
  'lib/ports.ts': /^\b$/,
  'lib/errors.ts': /^\b$/,
  'lib/settings.ts': /^\b$/,
  'lib/read-settings.ts': /^\b$/,
  handlers: /^(?!@aws-sdk|@aws-lambda-powertools|axios)/,
  client: /^zod\/mini$/,
  cli: /^(?!@aws|axios|zod)/,
  'cli/mcp': /^(zod|@modelcontextprotocol\/server|node:.*)/,
  action: /^node:/,
  web: /^(preact|preact\/hooks|cronstrue|modern-tar|@fontsource-variable\/.*)$/,
};

/** Code that reads a clock, chance, the environment or the network, by the name of the global. */
const impurities: Readonly<Record<string, RegExp>> = {
  'Date.now': /\bDate\s*\.\s*now\b/,
  'new Date()': /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/,
  'Date()': /(?<!new\s)(?<![.\w])Date\s*\(/,
  'Math.random': /\bMath\s*\.\s*random\b/,
  performance: /(?<![.\w])performance\s*\./,
  process: /(?<![.\w])process\s*[.[]/,
  console: /(?<![.\w])console\s*[.[]/,
  crypto: /(?<![.\w])crypto\s*[.[]/,
  fetch: /(?<![.\w])fetch\s*\(/,
  timer: /(?<![.\w])set(Timeout|Interval|Immediate)\s*\(/,
  globalThis: /\bglobalThis\b/,
};

const isIn = (place: string) => (path: string) => path === place || path.startsWith(`${place}/`);

/** The row of a table that holds for a file: the row with the longest name that fits. */
function rowOf<T>(table: Readonly<Record<string, T>>, path: string): [string, T] | undefined {
  return Object.entries(table)
    .filter(([place]) => isIn(place)(path))
    .toSorted(([a], [b]) => b.length - a.length)[0];
}

/** The faults of a file with the path and text: forbidden imports and impure code. */
function faultsOf(path: string, text: string): string[] {
  const [place, mayImport] = rowOf(arrows, path) ?? ['', []];
  const mayUse = rowOf(packages, path)?.[1] ?? /./;
  const { files, packages: used } = importsOf(path, text);
  const wrong = [
    ...files.filter(
      (file) => !isIn(place)(file) && !mayImport.some((allowed) => isIn(allowed)(file)),
    ),
    ...used.filter((name) => !mayUse.test(name)),
  ];
  return [...wrong.map((imported) => `${path} imports ${imported}`), ...impuritiesOf(path, text)];
}

function impuritiesOf(path: string, text: string): string[] {
  if (!isIn('lib')(path) && !isIn('handlers')(path)) return [];
  const code = codeOf(text);
  const impure = Object.entries(impurities)
    .filter(([, pattern]) => isIn(core)(path) && pattern.test(code))
    .map(([culprit]) => `${path} uses ${culprit}, but lib/core is pure`);
  const readsEnv = path !== 'lib/wire.ts' && /\bprocess\s*(\.\s*env\b|\[)/.test(code);
  const env = readsEnv ? [`${path} reads process.env, which lib/wire.ts alone may do`] : [];
  return [...impure, ...env];
}

/** The imports of a file, also those of types only. */
function importsOf(path: string, text: string) {
  const specifiers = [...text.matchAll(/\b(?:from|import|import\()\s*'([^'\n]+)'/g)].map(
    ([, specifier = '']) => specifier,
  );
  return {
    files: specifiers
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(posix.dirname(path), specifier)),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
  };
}

/** The file as JavaScript, without comments, types and the contents of strings. */
function codeOf(text: string): string {
  const { code } = transformSync(text, { loader: 'ts', target: 'es2022' });
  return code.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

/** A circle of the graph, as the path around it; null: the graph has no circle. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  function visit(node: string, path: readonly string[]): string[] | null {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle !== null) return circle;
    }
    done.add(node);
    return null;
  }
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle !== null) return circle;
  }
  return null;
}

const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
const tracked = execFileSync('git', list, { cwd: projectDir, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(projectDir, path)));
const files = tracked.filter((path) => /\.(ts|tsx|mjs)$/.test(path) && path.includes('/'));
const sources = files.filter((path) => !isIn('test')(path));
const read = (path: string) => readFileSync(join(projectDir, path), 'utf8');

describe('the source', () => {
  it('has a row of the table for each of its files', () => {
    expect(sources).toContain('lib/core/pass/plan.ts');
    expect(sources).toContain('web/src/app.tsx');
    expect(sources.filter((path) => rowOf(arrows, path) === undefined)).toEqual([]);
  });

  it.each(sources)('%s imports only what its folder may import', (path) => {
    expect(faultsOf(path, read(path))).toEqual([]);
  });

  it('has no circle of imports between files', () => {
    const graph = new Map(files.map((path) => [path, importsOf(path, read(path)).files]));
    expect(circleIn(graph)).toBeNull();
  });

  it('has no circle of imports between folders', () => {
    const graph = new Map<string, string[]>();
    for (const path of sources) {
      const [from = ''] = rowOf(arrows, path) ?? [];
      const to = importsOf(path, read(path)).files.flatMap(
        (file) => rowOf(arrows, file)?.[0] ?? [],
      );
      const others = to.filter((place) => place !== from);
      graph.set(from, [...new Set([...(graph.get(from) ?? []), ...others])]);
    }
    expect(graph.size).toBeGreaterThan(20);
    expect(circleIn(graph)).toBeNull();
  });

  it.each([
    ['lib', 10],
    ['lib/core', 11],
  ])('has in %s at most %i files and folders', (folder, most) => {
    const depth = folder.split('/').length;
    const entries = sources.filter(isIn(folder)).map((path) => path.split('/')[depth]);
    expect(new Set(entries).size).toBeLessThanOrEqual(most);
  });
});

/** A row of the page's tables: a place, and what it may import; null: the page does not say. */
type Row = readonly [place: string, mayImport: readonly string[] | null];

/** The rows of docs/architecture.md; the word `shared` there stands for all of `shared` here. */
function rowsOf(page: string): Row[] {
  const section = page.split(/^## /m).find((text) => text.startsWith('Where things go')) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, place = '', imports = '']) => {
      const named = [...imports.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
      const all = named.flatMap((name) => (name === 'shared' ? shared : [name]));
      return [place, all.length > 0 || imports.startsWith('nothing') ? all : null];
    },
  );
}

/** The differences between the page's rows and the table above, or the existing folders. */
function faultsOfPage(rows: readonly Row[], folders: readonly string[]): string[] {
  const places = new Map(rows);
  const known = [...new Set([...folders, ...Object.keys(arrows)])];
  return [
    ...known.filter((place) => !places.has(place)).map((place) => `${place} has no row`),
    ...rows.flatMap(([place, mayImport]) => {
      if (!known.includes(place)) return [`${place} is not there`];
      const ruled = arrows[place]?.toSorted() ?? null;
      const isSame = mayImport?.toSorted().join() === ruled?.join();
      return isSame ? [] : [`${place} may import ${ruled}, not ${mayImport}`];
    }),
  ];
}

describe('docs/architecture.md', () => {
  /** The folders with files in the root and in the folders named here. */
  const folders = ['', 'lib/', 'lib/core/', 'lib/adapters/', 'simulators/', 'test/'].flatMap(
    (base) => [
      ...new Set(
        tracked
          .filter((path) => path.startsWith(base) && path.slice(base.length).includes('/'))
          .map((path) => `${base}${path.slice(base.length).split('/')[0]}`),
      ),
    ],
  );
  const rows = rowsOf(read('docs/architecture.md'));

  it('has a row for every folder, with the same imports as the table', () => {
    expect(folders).toContain('lib/core/pass');
    expect(faultsOfPage(rows, folders)).toEqual([]);
  });

  it.each<[string, readonly Row[], string]>([
    ['misses a folder', rows.filter(([place]) => place !== 'cli'), 'cli has no row'],
    ['has a row too many', [...rows, ['local', []]], 'local is not there'],
    ['allows too much', [...rows, ['lib/core/base', [core]]], 'lib/core/base may import'],
    ['allows too little', [...rows, ['lib/wire.ts', []]], 'lib/wire.ts may import lib'],
    ['does not say what a folder may import', [...rows, ['lib/app', null]], 'lib/app may import'],
  ])('fails the check where it %s', (_, page, fault) => {
    expect(faultsOfPage(page, folders)).toEqual([expect.stringContaining(fault)]);
  });

  it('is read row by row, from its section only', () => {
    const page =
      '## Where things go\n\n| `a/b` | c | `d`, `shared` |\n| `e` | f | nothing |\n| `g` | h | – |\n';
    expect(rowsOf(`${page}\n## i\n\n| \`j\` | k | l |`)).toEqual([
      ['a/b', ['d', ...shared]],
      ['e', []],
      ['g', null],
    ]);
  });
});

describe('the check of imports', () => {
  const PLAN = 'lib/core/pass/plan.ts';
  it.each([
    [PLAN, "import type { Clock } from '../../ports.ts';", 'imports lib/ports.ts'],
    [PLAN, "import { reserve } from '../caps/ledger.ts';", 'imports lib/core/caps/ledger.ts'],
    [PLAN, "import * as z from 'zod';", 'imports zod'],
    [PLAN, "import { hash } from 'node:crypto';", 'imports node:crypto'],
    [PLAN, "export * from '../../app/launch.ts';", 'imports lib/app/launch.ts'],
    [PLAN, "const late = import('../../wire.ts');", 'imports lib/wire.ts'],
    [PLAN, 'const now = Date.now();', 'uses Date.now'],
    [PLAN, 'const now = new Date();', 'uses new Date()'],
    [PLAN, 'const now = new Date;', 'uses new Date()'],
    [PLAN, 'const now = Date();', 'uses Date()'],
    [PLAN, 'const dice = Math.random();', 'uses Math.random'],
    [PLAN, 'const id = crypto.randomUUID();', 'uses crypto'],
    [PLAN, 'console.log(1);', 'uses console'],
    [PLAN, 'void fetch("https://example.com");', 'uses fetch'],
    [PLAN, 'setTimeout(() => {}, 1);', 'uses timer'],
    [PLAN, 'const home = process.env.HOME;', 'uses process'],
    [PLAN, 'const now = performance.now();', 'uses performance'],
    [PLAN, 'const now = globalThis.Date.now();', 'uses globalThis'],
    ['lib/app/launch.ts', 'const stage = process.env.STAGE;', 'reads process.env'],
    ['lib/app/launch.ts', "const stage = process['env'].STAGE;", 'reads process.env'],
    ['handlers/api.ts', 'const { STAGE } = process.env;', 'reads process.env'],
    ['lib/app/launch.ts', "import '../adapters/log.ts';", 'imports lib/adapters/log.ts'],
    ['lib/app/launch.ts', "import { store } from '../wire.ts';", 'imports lib/wire.ts'],
    ['lib/app/launch.ts', "import { x } from '../http/render.ts';", 'imports lib/http/render.ts'],
    ['lib/app/launch.ts', "import { x } from '../../dev/stack.ts';", 'imports dev/stack.ts'],
    ['lib/app/launch.ts', "import axios from 'axios';", 'imports axios'],
    ['lib/http/request.ts', "import { store } from '../wire.ts';", 'imports lib/wire.ts'],
    ['lib/http/request.ts', "import { Hono } from 'hono';", 'imports hono'],
    ['lib/wire.ts', "import { x } from '../dev/stack.ts';", 'imports dev/stack.ts'],
    ['lib/adapters/log.ts', "import { x } from '../app/launch.ts';", 'imports lib/app/launch.ts'],
    ['lib/adapters/log.ts', "import { x } from './clock.ts';", 'imports lib/adapters/clock.ts'],
    ['handlers/api.ts', "import { x } from '../lib/adapters/log.ts';", 'lib/adapters/log.ts'],
    ['handlers/api.ts', "import { x } from '../dev/stack.ts';", 'imports dev/stack.ts'],
    ['handlers/api.ts', "import { x } from '@aws-sdk/client-sns';", 'imports @aws-sdk/client-sns'],
    ['web/src/app.tsx', "import { x } from '../../cli/ssh.ts';", 'imports cli/ssh.ts'],
    ['cli/ssh.ts', "import { x } from '../lib/core/base/money.ts';", 'lib/core/base/money.ts'],
    ['client/answers.ts', "import { x } from '../web/src/live.ts';", 'imports web/src/live.ts'],
    ['client/answers.ts', "import { hash } from 'node:crypto';", 'imports node:crypto'],
    ['simulators/linode/api.ts', "import { x } from '../../lib/errors.ts';", 'lib/errors.ts'],
  ])('finds a fault in %s with %s', (path, text, fault) => {
    expect(faultsOf(path, text)).toContainEqual(expect.stringContaining(fault));
  });

  it.each([
    [PLAN, "import * as z from 'zod/mini';\nimport { x } from '../base/units.ts';"],
    [PLAN, 'const iso = new Date(1).toISOString(); // not Date.now()'],
    [PLAN, 'const text = "the process. fetch() it, says Math.random";'],
    [PLAN, 'type T = { process: string }; const f = (t: T) => t.process.length;'],
    ['lib/adapters/linode/client.ts', "import './http.ts';\nimport axios from 'axios';"],
    ['lib/app/launch.ts', "import 'node:crypto';\nimport { x } from './nudge.ts';"],
    ['handlers/api.ts', "import { Hono } from 'hono';\nimport { store } from '../lib/wire.ts';"],
  ])('finds nothing wrong in %s with %s', (path, text) => {
    expect(faultsOf(path, text)).toEqual([]);
  });

  it('finds a circle where there is a circle, and otherwise returns null', () => {
    const line = { a: ['b'], b: ['c', 'd'], c: ['d'] };
    expect(circleIn(new Map(Object.entries(line)))).toBeNull();
    const circle = { ...line, d: ['b'] };
    expect(circleIn(new Map(Object.entries(circle)))).toEqual(['b', 'c', 'd', 'b']);
  });
});
