import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';

/*
 * Which way imports point, and what pure code must not touch. Paths are from the project's root,
 * such as lib/core/pass/plan.ts.
 */

interface Rule {
  readonly name: string;
  readonly holdsFor: (path: string) => boolean;
  /** Packages by name, files of ours by path. */
  readonly mayImport: (imported: string, path: string) => boolean;
}

const isIn = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
const isOneOf =
  (...places: readonly string[]) =>
  (path: string) =>
    places.some((place) => path === place || isIn(place)(path));
const isOurs = (imported: string) => imported.endsWith('.ts');
const isVendors = (imported: string) =>
  /^(@aws-sdk\/|@aws-lambda-powertools\/|axios)/.test(imported);
/** What every part of lib may know. */
const shared = ['lib/core', 'lib/ports.ts', 'lib/errors.ts', 'lib/settings.ts'];
const technologyOf = (path: string) => posix.dirname(path);

const rules: readonly Rule[] = [
  {
    name: 'lib/core imports lib/core, zod/mini and croner alone',
    holdsFor: isIn('lib/core'),
    mayImport: (imported) =>
      isIn('lib/core')(imported) || ['zod/mini', 'croner'].includes(imported),
  },
  {
    name: 'an adapter imports ports, core, errors, axios as it is loaded here, and its own technology',
    holdsFor: isIn('lib/adapters'),
    mayImport: (imported, path) =>
      !isOurs(imported) ||
      isOneOf('lib/core', 'lib/ports.ts', 'lib/errors.ts', 'lib/adapters/axios')(imported) ||
      (isIn('lib/adapters')(imported) && technologyOf(imported) === technologyOf(path)),
  },
  {
    name: 'lib/app imports core, ports and lib/app: no HTTP, no adapter, no wire, no SDK',
    holdsFor: isIn('lib/app'),
    mayImport: (imported) =>
      isOurs(imported)
        ? isOneOf('lib/app', ...shared)(imported)
        : !isVendors(imported) && imported !== 'hono',
  },
  {
    name: 'lib/http imports core, lib/app, and what writes the description',
    holdsFor: isIn('lib/http'),
    mayImport: (imported) =>
      isOurs(imported)
        ? isOneOf('lib/http', 'lib/app', ...shared)(imported)
        : ['zod/mini', 'zod-openapi', 'node:crypto', 'node:zlib'].includes(imported),
  },
  {
    name: 'lib/wire.ts imports from lib alone, and SDKs',
    holdsFor: (path) => path === 'lib/wire.ts',
    mayImport: (imported) => !isOurs(imported) || isIn('lib')(imported),
  },
  {
    name: 'a handler imports lib/http, lib/app, lib/core and lib/wire.ts: no adapter and no SDK',
    holdsFor: isIn('handlers'),
    mayImport: (imported) =>
      isOurs(imported)
        ? isOneOf('lib/http', 'lib/app', 'lib/core', 'lib/errors.ts', 'lib/wire.ts')(imported)
        : !isVendors(imported),
  },
];

/** What reads a clock, chance, the environment or the network, by the name of the culprit. */
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

/** What is wrong with a file of this path and text; empty: nothing. */
function faultsOf(path: string, text: string): string[] {
  const imports = importsOf(path, text);
  const forbidden = rules
    .filter(({ holdsFor }) => holdsFor(path))
    .flatMap(({ name, mayImport }) =>
      imports
        .filter((imported) => !mayImport(imported, path))
        .map((imported) => `${path} imports ${imported}, but ${name}`),
    );
  const code = codeOf(text);
  const impure = isIn('lib/core')(path)
    ? Object.entries(impurities)
        .filter(([, pattern]) => pattern.test(code))
        .map(([culprit]) => `${path} uses ${culprit}, but lib/core is pure`)
    : [];
  const readsEnv = path !== 'lib/wire.ts' && /\bprocess\s*(\.\s*env\b|\[)/.test(code);
  const env = readsEnv ? [`${path} reads process.env, which lib/wire.ts alone may do`] : [];
  return [...forbidden, ...impure, ...env];
}

/** Types count as well: an arrow is an arrow. */
function importsOf(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/\b(?:from|import|import\()\s*'([^'\n]+)'/g)];
  return specifiers.map(([, specifier = '']) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
  );
}

/** Without comments, types, and what stands between quotes. */
function codeOf(text: string): string {
  const { code } = transformSync(text, { loader: 'ts', target: 'es2022' });
  return code.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['lib', 'handlers'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/'))),
);

describe('the source', () => {
  it('is found', () => {
    expect(files).toContain('lib/core/pass/plan.ts');
    expect(files).toContain('handlers/api.ts');
  });

  it.each(files)('%s keeps to the rules', (path) => {
    expect(faultsOf(path, readFileSync(join(root, path), 'utf8'))).toEqual([]);
  });
});

describe('the check itself', () => {
  it.each([
    [
      'lib/core/pass/plan.ts',
      "import type { Clock } from '../../ports.ts';",
      'imports lib/ports.ts',
    ],
    ['lib/core/pass/plan.ts', "import * as z from 'zod';", 'imports zod'],
    ['lib/core/pass/plan.ts', "import { hash } from 'node:crypto';", 'imports node:crypto'],
    ['lib/core/pass/plan.ts', "export * from '../../app/launch.ts';", 'imports lib/app/launch.ts'],
    ['lib/core/pass/plan.ts', "const late = import('../../wire.ts');", 'imports lib/wire.ts'],
    ['lib/core/pass/plan.ts', 'const now = Date.now();', 'uses Date.now'],
    ['lib/core/pass/plan.ts', 'const now = new Date();', 'uses new Date()'],
    ['lib/core/pass/plan.ts', 'const now = new Date;', 'uses new Date()'],
    ['lib/core/pass/plan.ts', 'const now = Date();', 'uses Date()'],
    ['lib/core/pass/plan.ts', 'const dice = Math.random();', 'uses Math.random'],
    ['lib/core/pass/plan.ts', 'const id = crypto.randomUUID();', 'uses crypto'],
    ['lib/core/pass/plan.ts', 'console.log(1);', 'uses console'],
    ['lib/core/pass/plan.ts', 'void fetch("https://example.com");', 'uses fetch'],
    ['lib/core/pass/plan.ts', 'setTimeout(() => {}, 1);', 'uses timer'],
    ['lib/core/pass/plan.ts', 'const home = process.env.HOME;', 'uses process'],
    ['lib/core/pass/plan.ts', 'const now = performance.now();', 'uses performance'],
    ['lib/core/pass/plan.ts', 'const now = globalThis.Date.now();', 'uses globalThis'],
    ['lib/app/launch.ts', 'const stage = process.env.STAGE;', 'reads process.env'],
    ['lib/app/launch.ts', "const stage = process['env'].STAGE;", 'reads process.env'],
    ['handlers/api.ts', 'const { STAGE } = process.env;', 'reads process.env'],
    [
      'lib/app/launch.ts',
      "import '../adapters/aws/lambda.ts';",
      'imports lib/adapters/aws/lambda.ts',
    ],
    ['lib/app/launch.ts', "import { store } from '../wire.ts';", 'imports lib/wire.ts'],
    ['lib/app/launch.ts', "import { x } from '../../handlers/api.ts';", 'imports handlers/api.ts'],
    ['lib/app/launch.ts', "import { x } from '../../dev/stack.ts';", 'imports dev/stack.ts'],
    ['lib/app/launch.ts', "import axios from 'axios';", 'imports axios'],
    ['lib/app/launch.ts', "import { x } from '../http/render.ts';", 'imports lib/http/render.ts'],
    ['lib/http/request.ts', "import { store } from '../wire.ts';", 'imports lib/wire.ts'],
    ['lib/http/request.ts', "import { Hono } from 'hono';", 'imports hono'],
    ['lib/wire.ts', "import { x } from '../dev/stack.ts';", 'imports dev/stack.ts'],
    [
      'lib/adapters/aws/lambda.ts',
      "import { x } from '../../app/launch.ts';",
      'imports lib/app/launch.ts',
    ],
    [
      'lib/adapters/aws/lambda.ts',
      "import { x } from '../dynamodb/clusters.ts';",
      'imports lib/adapters/dynamodb',
    ],
    [
      'handlers/api.ts',
      "import { x } from '../lib/adapters/log.ts';",
      'imports lib/adapters/log.ts',
    ],
    [
      'handlers/api.ts',
      "import { x } from '../simulators/aws/lambda.ts';",
      'imports simulators/aws/lambda.ts',
    ],
    [
      'handlers/api.ts',
      "import { LambdaClient } from '@aws-sdk/client-lambda';",
      'imports @aws-sdk/client-lambda',
    ],
  ])('finds in %s that %s', (path, text, fault) => {
    expect(faultsOf(path, text)).toContainEqual(expect.stringContaining(fault));
  });

  it.each([
    [
      'lib/core/pass/plan.ts',
      "import * as z from 'zod/mini';\nimport { x } from '../base/units.ts';",
    ],
    ['lib/core/pass/plan.ts', 'const iso = new Date(1).toISOString(); // not Date.now()'],
    ['lib/core/pass/plan.ts', 'const told = "the process. fetch() it, says Math.random";'],
    [
      'lib/core/pass/plan.ts',
      'type T = { process: string }; const f = (t: T) => t.process.length;',
    ],
    ['lib/adapters/linode/client.ts', "import { x } from './http.ts';\nimport axios from 'axios';"],
    [
      'lib/app/launch.ts',
      "import { createHash } from 'node:crypto';\nimport { x } from './nudge.ts';",
    ],
    ['handlers/api.ts', "import { Hono } from 'hono';\nimport { store } from '../lib/wire.ts';"],
  ])('finds nothing wrong in %s with %s', (path, text) => {
    expect(faultsOf(path, text)).toEqual([]);
  });
});
