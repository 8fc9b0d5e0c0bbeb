import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { projectDir } from '../../build/project.ts';
import { errorRows } from '../../checks/api-errors.ts';
import type { Context } from '../../cli/context.ts';
import { exitCodes } from '../../cli/errors.ts';
import { createProgram } from '../../cli/program.ts';
import { nodeUserData, type Room } from '../../lib/app/user-data.ts';
import { microUsd } from '../../lib/core/base/money.ts';
import { epochMs } from '../../lib/core/base/units.ts';
import { sliceFor } from '../../lib/core/billing/transfer.ts';
import { changeSchema } from '../../lib/core/cluster/change.ts';
import { specSchema } from '../../lib/core/cluster/spec.ts';
import { bitsFor } from '../../lib/core/room/network.ts';
import { setups } from '../../lib/core/room/setups.ts';
import { scheduleSchema } from '../../lib/core/schedule/schedule.ts';
import { operations } from '../../lib/http/operations.ts';
import { DEFAULTS, SETTINGS } from '../../ops/settings.ts';
import { aJob } from '../support/builders.ts';
import {
  anchorsOf,
  codeOf,
  commandFaults,
  linkFaults,
  longLines,
  type Page,
  pathFaults,
  routeFaults,
  scriptFaults,
  variableFaults,
} from '../support/pages.ts';

/* Tests that links, scripts, paths, commands, routes and settings in the documentation exist. */

const read = (path: string) => readFileSync(join(projectDir, path), 'utf8');
const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
const files = execFileSync('git', list, { cwd: projectDir, encoding: 'utf8' }).split('\n');
/** The paths that `npm ci` builds, and the file that an operator writes: git lists neither. */
const built = ['dist/onebuck.mjs', 'web/dist', 'settings.prod.yml'];
/** All files, and all folders that contain a file. */
const paths = new Set([...files, ...built].flatMap(withFolders));
const pages: Page[] = files
  .filter((path) => /^(README|CONTRIBUTING|CHANGELOG)\.md$|^docs\/[\w-]+\.md$/.test(path))
  .map((path) => ({ path, text: read(path) }));

function withFolders(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? [path] : [path, ...withFolders(folder)];
}

const scripts = Object.keys(
  (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts,
);
const program = createProgram(() => ({}) as Context, [], '0').command;
const routes = [
  ...Object.values(operations).map(({ method, path, query }) => ({
    ...{ method, path },
    query: Object.keys(query.shape),
  })),
  // The route of the console.
  { method: 'GET', path: '/', query: [] },
  ...[...read('simulators/linode/admin.ts').matchAll(/case '(\w+) (\/_simulator\/\w+)'/g)].map(
    ([, method = '', path = '']) => ({ method, path, query: ['tag'] }),
  ),
];

const stack = [
  'serverless.yml',
  ...readdirSync(join(projectDir, 'stack')).map((name) => `stack/${name}`),
];
const sourcesOfStack = stack.map(read).join('\n');
const sourcesOfStart = read('dev/settings.ts');
const sources = [
  sourcesOfStart,
  read('lib/wire.ts'),
  // What nodes have in their environment.
  ...['boot', 'job']
    .flatMap((name) => [
      ...read(`lib/core/room/scripts/${name}.ts`).matchAll(/[A-Z_]{4,}(?==|'\])/g),
    ])
    .map((name) => `'${name}'`),
  ...SETTINGS.map((name) => `'${name}'`),
].join('\n');

describe.each(pages.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  it('has only links whose file and anchor exist', () => {
    expect(linkFaults(page, { pages, exists: (path) => paths.has(path) })).toEqual([]);
  });

  it('names only scripts of package.json', () => {
    expect(scriptFaults(page, scripts)).toEqual([]);
  });

  it('names only files and folders that exist', () => {
    expect(pathFaults(page, paths)).toEqual([]);
  });

  it('names only commands and options that onebuck has', () => {
    expect(commandFaults(page, program)).toEqual([]);
  });

  it('calls only routes that the API has', () => {
    expect(routeFaults(page, routes)).toEqual([]);
  });

  it('lists only settings that some source reads', () => {
    expect(variableFaults(page, sources)).toEqual([]);
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it('is at most 7 KB', () => {
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(7 * 1024);
  });

  it('links to every other page', () => {
    const others = pages.map(({ path }) => path).filter((path) => path !== 'README.md');
    expect(others).toContain('docs/architecture.md');
    expect(others.filter((path) => !readme.includes(`(${path})`))).toEqual([]);
  });
});

describe('docs/api.md', () => {
  const api = { path: 'docs/api.md', text: read('docs/api.md') };
  const limits = { nodesMax: 1, budgetMax: microUsd(1) };

  it('names every route', () => {
    const named = new Set(codeOf(api));
    const missing = Object.values(operations)
      .map(({ method, path }) => `${method} ${path}`)
      .filter((route) => !named.has(route));
    expect(missing).toEqual([]);
  });

  it.each([
    ['a spec', specSchema(limits)],
    ['a schedule', scheduleSchema(limits)],
    ['a change', changeSchema(limits)],
  ])('names every field of %s', (_what, schema) => {
    const named = new Set(codeOf(api));
    expect(Object.keys(schema.shape).filter((field) => !named.has(field))).toEqual([]);
  });

  it('has a curl for every error that a route for people can answer with', () => {
    // No person has an agent's token.
    const forPeople = Object.values(operations).filter(({ access }) => access !== 'agent');
    const statuses = forPeople.flatMap(({ problems }) => [...problems]);
    const expected = [...new Set<number>([401, 403, ...statuses])].toSorted();
    expect(errorRows(api.text).map(({ status }) => status)).toEqual(expected);
  });

  it('has a table of errors, of which the check reads each row with a status', () => {
    const row = '| 404    | it is not there | `curl -s "$API/a" | b` |';
    expect(
      errorRows(`| status | when | e |\n| ------ | - | - |\n${row}\n| 40 | x | \`curl\` |`),
    ).toEqual([{ status: 404, curl: 'curl -s "$API/a" | b' }]);
  });
});

it.each(pages.filter(({ path }) => path.startsWith('docs/')))(
  '$path has at most 100 columns in each line of prose',
  (page) => {
    expect(longLines(page)).toEqual([]);
  },
);

it('a line of prose is found that is too long, and no row of a table and no code', () => {
  const long = 'x'.repeat(101);
  const text = `${long}\n| ${long} |\n\`\`\`sh\n${long}\n\`\`\`\n`;
  expect(longLines({ path: 'docs/a.md', text })).toEqual([long]);
});

it('docs/cli.md has each exit code with the word that --json has for it', () => {
  const rows = [...read('docs/cli.md').matchAll(/^\| (\d+) \| `(\w+)` \|/gm)];
  expect(rows.map(([, code, failure]) => [failure, Number(code)])).toEqual(
    Object.entries(exitCodes),
  );
});

it('docs/architecture.md names a proof for each of the eleven promises', () => {
  const section = /^## What is promised\n(.*?)^## /ms.exec(read('docs/architecture.md'))?.[1] ?? '';
  const promises = section.split(/^\d+\. /m).slice(1);
  expect(promises).toHaveLength(11);
  for (const promise of promises) expect(promise).toMatch(/Proven by `[\w/.-]+\.ts`/);
});

it('docs/glossary.md explains no word twice', () => {
  const words = [...read('docs/glossary.md').matchAll(/^\| ([^|]+) \|/gm)]
    .map(([, word = '']) => word)
    .filter((word) => word !== 'word' && word !== '---');
  expect(words.length).toBeGreaterThan(40);
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
});

describe('every setting', () => {
  const namesIn = (text: string, pattern: RegExp) => [
    ...new Set([...text.matchAll(pattern)].map(([, name = '']) => name)),
  ];
  const undocumented = (names: readonly string[], path: string) => {
    const code = codeOf({ path, text: read(path) }).join('\n');
    return names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
  };

  it('of a deployment is in the tables of docs/operate.md, with its default', () => {
    const pattern = /^\| `([A-Z_]+)` +\| ([^|]*?) *\|/gm;
    const rows = [...read('docs/operate.md').matchAll(pattern)].map(([, name, value]) => [
      name,
      value,
    ]);
    // The page writes "Linode" for the default, which is Linode's own URL.
    const defaults = { ...DEFAULTS, LINODE_API_URL: 'Linode' };
    expect(rows.toSorted()).toEqual(Object.entries(defaults).toSorted());
  });

  it('of a deployment is used by serverless.yml or stack/, which use no other', () => {
    const used = namesIn(sourcesOfStack, /\bself:custom\.settings\.([A-Z_]+)/g);
    expect(used.toSorted()).toEqual(SETTINGS.toSorted());
  });

  it('is read from the file only: the environment gives two facts of this machine', () => {
    expect(namesIn(sourcesOfStack, /\benv:([A-Z_]+)/g)).toEqual(['JOB_BUCKET', 'ESBUILD_FOLDER']);
  });

  it('of npm start is documented in docs/local.md', () => {
    const names = namesIn(sourcesOfStart, /\benv(?:\.|, ')([A-Z_]+)/g);
    expect(names).toContain('PORT');
    expect(undocumented(names, 'docs/local.md')).toEqual([]);
  });
});

describe('the check', () => {
  const pageOf = (text: string): Page => ({ path: 'docs/a.md', text });
  const block = (...lines: string[]) => pageOf(['```sh', ...lines, '```'].join('\n'));

  it('of links finds a page and an anchor that do not exist', () => {
    const existing = {
      pages: [
        pageOf('# One page\n\n## Such, and `such`'),
        { path: 'README.md', text: '# Onebuck' },
      ],
      exists: (path: string) => path === 'README.md',
    };
    const good = '[a](../README.md) [b](#such-and-such) [c](../README.md#onebuck) [d](https://e.f)';
    expect(linkFaults(pageOf(good), existing)).toEqual([]);
    for (const target of ['../readme.md', 'README.md', '#such', '../README.md#two']) {
      expect(linkFaults(pageOf(`![a](${target})`), existing), target).toHaveLength(1);
    }
    expect(linkFaults(pageOf('`[a](none.md)`'), existing)).toEqual([]);
  });

  it('of links numbers the anchors of equal headings as GitHub does', () => {
    expect([
      ...anchorsOf(pageOf('# A b\n## A b\n```\n# no heading\n```\n### `GET /x`: [y](z)')),
    ]).toEqual(['a-b', 'a-b-1', 'get-x-y']);
  });

  it('of scripts finds a script that package.json lacks', () => {
    expect(
      scriptFaults(block('npm ci && npm test', 'npm run -s a:b -- --c'), ['test', 'a:b']),
    ).toEqual([]);
    expect(scriptFaults(pageOf('`npm run a:c`'), ['a'])).toHaveLength(1);
    expect(scriptFaults(block('npm start'), ['a'])).toHaveLength(1);
  });

  it('of paths finds files and folders that do not exist', () => {
    const existing = new Set(['lib', 'lib/wire.ts', 'docs', 'README.md']);
    const good = '`lib/` `lib/wire.ts` `lib/*.ts` `README.md` `linode/debian12` `/v4` `a.b.c`';
    expect(pathFaults(pageOf(good), existing)).toEqual([]);
    expect(pathFaults(pageOf('```text\nin out/\n```'), existing)).toEqual([]);
    for (const path of ['lib/none.ts', 'local/', 'none.md', 'lib/none', 'docs/*.md']) {
      expect(pathFaults(pageOf(`In \`${path}\`.`), existing), path).toHaveLength(1);
      expect(pathFaults(block(`npx vitest run ${path} -t 'a b'`), existing), path).toHaveLength(1);
    }
  });

  it('of commands finds a command and an option that onebuck lacks', () => {
    const good = [
      'npx onebuck --json launch --nodes 10 --name job \\',
      "  --image 'a --b' --wait  # --c",
      'npx onebuck exec job -- ls --d',
      'npx onebuck schedule add --cron "0 2 * * *" --yes',
      'npx onebuck --help',
    ];
    expect(commandFaults(block(...good), program)).toEqual([]);
    for (const line of ['halt job', 'launch --hours 3', 'schedule start s', 'ls --wait']) {
      expect(commandFaults(block(`npx onebuck ${line}`), program), line).toHaveLength(1);
      expect(commandFaults(pageOf(`Run \`onebuck ${line}\`.`), program), line).toHaveLength(1);
    }
  });

  it('of routes finds a path, a method and a parameter that the API lacks', () => {
    const good = [
      'curl -s -H "$AUTH" "$API/types?vcpus=1&region=us-east"; curl -s "$API/health"',
      'curl -s -X DELETE "$API/clusters/$ID" && curl -s "$API/quotes" -d "$SPEC" | head',
      'curl -s -X PUT "$LINODE/none"  # "$API/none"',
    ];
    expect(routeFaults(block(...good), routes)).toEqual([]);
    expect(routeFaults(pageOf('`GET /clusters/{id}/inventory?format=ssh`'), routes)).toEqual([]);
    for (const rest of ['/none"', '/types?size=1"', '/clusters/$ID" -d 1', '/quotes"']) {
      expect(routeFaults(block(`curl -s "$API${rest}`), routes), rest).toHaveLength(1);
    }
    expect(routeFaults(block('curl http://127.0.0.1:3000/none'), routes)).toHaveLength(1);
    expect(routeFaults(pageOf('`PUT /clusters/{id}`'), routes)).toHaveLength(1);
  });

  it('of settings finds a setting that no source reads', () => {
    const text = "const a = env.ONE || wholeNumber('TWO');";
    expect(variableFaults(pageOf('| `ONE` | a |\n| `TWO`   | b |'), text)).toEqual([]);
    expect(variableFaults(pageOf('| `FOUR` | a |'), `${text} // FOUR`)).toHaveLength(1);
  });
});

describe('docs/rooms.md', () => {
  const rooms = read('docs/rooms.md');

  const userDataOf = (nodes: number, spec: Partial<Room['spec']>): Buffer => {
    const none = { userData: null, userDataBase64: null, setup: [], openPorts: [], job: null };
    const at = epochMs(Date.UTC(2026, 10, 27, 12));
    return Buffer.from(
      nodeUserData(
        {
          id: 'cabcdefghij',
          spec: { ...none, nodes, ...spec },
          subnet: { block: 0, bits: bitsFor(nodes) },
          agent: {
            publicUrl: 'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com',
            expiresAt: at,
            teardownAt: at,
          },
          slice: sliceFor({ gb: 1_000 }, nodes),
          key: 'a key',
        },
        nodes - 1,
      ),
      'base64',
    );
  };

  it.each([2, 10, 100, 500])('has the bytes of user data of %i nodes', (nodes) => {
    const message = gunzipSync(userDataOf(nodes, { setup: setups }));
    const row = new RegExp(`^\\| ${nodes} \\| ([\\d,]+) \\| ([\\d,]+) \\|$`, 'm').exec(rooms);
    const [plain, gzip] = [row?.[1], row?.[2]].map((cell) => Number(cell?.replace(',', '')));

    // Versions of Node pack a little differently, and a script may change by a line.
    expect(Math.abs((plain ?? 0) - message.length)).toBeLessThan(100);
    expect(Math.abs((gzip ?? 0) - gzipSync(message, { level: 9 }).length)).toBeLessThan(100);
  });

  it('has the bytes that a job adds, and those that it leaves', () => {
    const [, added, leftWithSetups, left] =
      /adds ([\d,]+) bytes in gzip, which leaves the user ([\d,]+) .*\n.* and ([\d,]+) without/
        .exec(rooms)
        ?.map((number) => Number(number.replace(',', ''))) ?? [];
    const job = aJob();
    const alone = userDataOf(2, { job }).length;
    const without = gzipSync(userDataOf(2, {}), { level: 9 }).length;

    expect(Math.abs((added ?? 0) - (alone - without))).toBeLessThan(100);
    expect(Math.abs((left ?? 0) - (16_384 - alone))).toBeLessThan(100);
    const withSetups = userDataOf(2, { job, setup: setups }).length;
    expect(Math.abs((leftWithSetups ?? 0) - (16_384 - withSetups))).toBeLessThan(100);
  });
});
