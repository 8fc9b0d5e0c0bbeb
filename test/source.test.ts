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
const isOurs = (imported: string) => imported.endsWith('.ts');
const isUseCase = (path: string) => /^lib\/[^/]+$/.test(path) && path !== 'lib/wire.ts';
const isVendors = (imported: string) =>
  /^(@aws-sdk\/|@aws-lambda-powertools\/|axios)/.test(imported);
const technologyOf = (path: string) => posix.basename(path, '.ts').split('-')[0];

const rules: readonly Rule[] = [
  {
    name: 'lib/core imports lib/core, zod/mini and croner alone',
    holdsFor: isIn('lib/core'),
    mayImport: (imported) =>
      isIn('lib/core')(imported) || ['zod/mini', 'croner'].includes(imported),
  },
  {
    name: 'an adapter imports ports, core, errors, axios as it is loaded here, and files of its own technology',
    holdsFor: isIn('lib/adapters'),
    mayImport: (imported, path) =>
      !isOurs(imported) ||
      isIn('lib/core')(imported) ||
      ['lib/ports.ts', 'lib/errors.ts', 'lib/adapters/axios.ts'].includes(imported) ||
      (isIn('lib/adapters')(imported) && technologyOf(imported) === technologyOf(path)),
  },
  {
    name: 'a use case imports core, ports and use cases: no adapter, no wire, no SDK',
    holdsFor: isUseCase,
    mayImport: (imported) =>
      isOurs(imported)
        ? isIn('lib/core')(imported) || isUseCase(imported)
        : !isVendors(imported) && imported !== 'hono',
  },
  {
    name: 'what describes the API imports core, use cases, and what writes the description',
    holdsFor: isIn('lib/api'),
    mayImport: (imported) =>
      isOurs(imported)
        ? isIn('lib/core')(imported) || isIn('lib/api')(imported) || isUseCase(imported)
        : ['zod/mini', 'zod-openapi'].includes(imported),
  },
  {
    name: 'lib/wire.ts imports from lib alone, and SDKs',
    holdsFor: (path) => path === 'lib/wire.ts',
    mayImport: (imported) => !isOurs(imported) || isIn('lib')(imported),
  },
  {
    name: 'a handler imports from lib, but no adapter and no SDK',
    holdsFor: isIn('handlers'),
    mayImport: (imported) =>
      isOurs(imported)
        ? isIn('lib')(imported) && !isIn('lib/adapters')(imported)
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
    ['lib/core/pass/plan.ts', "export * from '../../launch.ts';", 'imports lib/launch.ts'],
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
    ['lib/launch.ts', 'const stage = process.env.STAGE;', 'reads process.env'],
    ['lib/launch.ts', "const stage = process['env'].STAGE;", 'reads process.env'],
    ['handlers/api.ts', 'const { STAGE } = process.env;', 'reads process.env'],
    ['lib/launch.ts', "import './adapters/lambda.ts';", 'imports lib/adapters/lambda.ts'],
    ['lib/launch.ts', "import { store } from './wire.ts';", 'imports lib/wire.ts'],
    ['lib/launch.ts', "import { x } from '../handlers/api.ts';", 'imports handlers/api.ts'],
    ['lib/launch.ts', "import { x } from '../local/stack.ts';", 'imports local/stack.ts'],
    ['lib/launch.ts', "import axios from 'axios';", 'imports axios'],
    ['lib/api/request.ts', "import { store } from '../wire.ts';", 'imports lib/wire.ts'],
    ['lib/api/request.ts', "import { Hono } from 'hono';", 'imports hono'],
    ['lib/wire.ts', "import { x } from '../local/stack.ts';", 'imports local/stack.ts'],
    ['lib/adapters/lambda.ts', "import { x } from '../launch.ts';", 'imports lib/launch.ts'],
    [
      'lib/adapters/lambda.ts',
      "import { x } from './dynamodb.ts';",
      'imports lib/adapters/dynamodb',
    ],
    [
      'handlers/api.ts',
      "import { x } from '../lib/adapters/log.ts';",
      'imports lib/adapters/log.ts',
    ],
    ['handlers/api.ts', "import { x } from '../local/lambda.ts';", 'imports local/lambda.ts'],
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
    ['lib/adapters/linode.ts', "import { x } from './linode-http.ts';\nimport axios from 'axios';"],
    [
      'lib/launch.ts',
      "import { createHash } from 'node:crypto';\nimport { x } from './clusters.ts';",
    ],
    ['handlers/api.ts', "import { Hono } from 'hono';\nimport { store } from '../lib/wire.ts';"],
  ])('finds nothing wrong in %s with %s', (path, text) => {
    expect(faultsOf(path, text)).toEqual([]);
  });
});
