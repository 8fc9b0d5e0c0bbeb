import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, type Plugin } from 'vite';
import type { Asset } from '../lib/http/console.ts';

/**
 * `npm run build:web` builds the console as one JSON file, which esbuild puts into the bundle of
 * the function `console`. So the function needs no other file, and no path has to be right on
 * Lambda.
 */
const root = new URL('../web/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

/**
 * Before a part of the page is imported, Vite's preloader loads the stylesheets and the scripts that
 * the part needs. The one lazy part, cronstrue, needs none; the preloader is 0.6 KiB.
 */
const withoutPreloader: Plugin = {
  name: 'without-preloader',
  enforce: 'pre',
  load: (id) =>
    id.includes('vite/preload-helper') ? 'export const __vitePreload = (load) => load();' : null,
};

const built = await build({
  root: fileURLToPath(root),
  configFile: false,
  // Relative URLs work also if an operator serves the console under a path of another domain.
  base: './',
  logLevel: 'warn',
  plugins: [withoutPreloader],
  oxc: {
    // A call of h is shorter than one of the automatic runtime, by 0.3 KiB in all.
    jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' },
    jsxInject: "import { Fragment, h } from 'preact';",
  },
  build: {
    write: false,
    target: 'es2022',
    // The Content-Security-Policy forbids inlined assets.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
const outputs = [built].flat().flatMap((result) => ('output' in result ? result.output : []));
if (outputs.filter(({ fileName }) => fileName.endsWith('.css')).length !== 1) {
  throw new Error('a lazy part has a stylesheet of its own, which nothing loads');
}
const assets: Record<string, Asset> = {};
for (const file of outputs.toSorted((a, b) => (a.fileName < b.fileName ? -1 : 1))) {
  const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source);
  assets[file.fileName] = {
    type: TYPES[file.fileName.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    br: brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }).toString('base64'),
    gzip: gzipSync(bytes, { level: 9 }).toString('base64'),
  };
}
mkdirSync(new URL('dist/', root), { recursive: true });
const file = new URL('dist/console.json', root);
const unfinished = new URL(`dist/${process.pid}.unfinished`, root);
writeFileSync(unfinished, JSON.stringify(assets));
// At once, since a stack may start meanwhile, which reads the file.
renameSync(unfinished, file);
const sizeOf = ({ br }: Asset) => Buffer.from(br, 'base64').length;
const total = Object.values(assets).reduce((sum, asset) => sum + sizeOf(asset), 0);
console.log(`console: ${(total / 1024).toFixed(1)} KiB compressed`);
for (const [name, asset] of Object.entries(assets)) {
  console.log(`  ${(sizeOf(asset) / 1024).toFixed(1).padStart(6)} KiB  ${name}`);
}
