import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { projectDir } from './project.ts';

/** `npm run build:cli` builds the command line as one file that needs no node_modules. */
const { version } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8'));
const outfile = join(projectDir, 'dist/onebuck.mjs');
buildSync({
  entryPoints: [join(projectDir, 'cli/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  define: { ONEBUCK_VERSION: JSON.stringify(version) },
  // commander is CommonJS and loads Node's own modules by `require`, which ES modules lack.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
chmodSync(outfile, 0o755);
