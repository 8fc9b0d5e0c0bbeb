import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/*
 * npm runs this after an install. `npm ci` builds all; `npm ci --omit=dev` has installed only what
 * the command line needs, and so builds nothing else.
 */
await import('./cli.mjs');
if (isInstalled('vite')) {
  const { status } = spawnSync('npm', ['run', '-s', 'build:web'], {
    stdio: 'inherit',
    shell: true,
  });
  process.exitCode = status ?? 1;
} else {
  console.log('Built the command line only: the packages for development are not installed.');
}

function isInstalled(name) {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
