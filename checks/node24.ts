import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';

const VERSION = '24.21.0';
const folder = join(projectDir, '.node24', VERSION);

/**
 * The folder of a Node of the version on which the functions run on Lambda: see `runtime` in
 * serverless.yml. Installs it if it is missing.
 */
export function node24(): string {
  const bin = join(folder, 'node_modules', 'node', 'bin');
  if (existsSync(join(bin, 'node'))) return bin;
  console.log(`Installing Node ${VERSION} into .node24 …`);
  mkdirSync(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund'];
  execFileSync('npm', [...args, `node@${VERSION}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  return bin;
}
