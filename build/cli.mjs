import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/*
 * `npm run build:cli` builds the command line as a package of its own in dist/, or in the folder
 * that is given: a program that needs no node_modules, for `npm pack ./dist`. What only one command
 * needs, and loads when it runs, is in parts/, so that the others start sooner. This script is plain
 * JavaScript, so that it also runs where `npm ci --omit=dev` has left out tsx.
 */
const pathOf = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const folder = process.argv[2] ?? pathOf('dist');
const bundle = join(folder, 'onebuck.mjs');
const { name, version, license, engines } = JSON.parse(
  readFileSync(pathOf('package.json'), 'utf8'),
);
rmSync(join(folder, 'parts'), { recursive: true, force: true });
const { metafile } = buildSync({
  absWorkingDir: pathOf('.'),
  entryPoints: { onebuck: 'cli/main.ts' },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'parts/[name]-[hash]',
  splitting: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  define: { ONEBUCK_VERSION: JSON.stringify(version) },
  // commander is CommonJS and loads Node's own modules by `require`, which ES modules lack.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
chmodSync(bundle, 0o755);

writeFileSync(
  join(folder, 'package.json'),
  `${JSON.stringify(
    {
      ...{ name, version, license, engines },
      description: 'The command line of Onebuck, which launches clusters of Linodes on a budget.',
      type: 'module',
      bin: { onebuck: 'onebuck.mjs' },
      files: ['onebuck.mjs', 'parts'],
    },
    null,
    2,
  )}\n`,
);
copyFileSync(pathOf('docs/cli.md'), join(folder, 'README.md'));
writeFileSync(join(folder, 'LICENSE'), licences().join('\n---\n\n'));

/** This project's licence, and those of the packages in the bundle, which they ask to be kept. */
function licences() {
  const packages = Object.keys(metafile.inputs).flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
  return [
    readFileSync(pathOf('LICENSE'), 'utf8'),
    ...[...new Set(packages)].map(
      (bundled) =>
        `The program contains ${bundled}:\n\n${readFileSync(licenceOf(bundled), 'utf8')}`,
    ),
  ];
}

function licenceOf(bundled) {
  const folder = pathOf(`node_modules/${bundled}`);
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${bundled} has no licence.`);
  return join(folder, file);
}
