import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** `npm run build:cli`: the command line as one file that needs no node_modules. */
const root = join(import.meta.dirname, '..');
const outfile = join(root, 'dist/onebuck.mjs');
buildSync({
  entryPoints: [join(root, 'cli/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // commander is CommonJS and asks for Node's own modules by require.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
chmodSync(outfile, 0o755);
