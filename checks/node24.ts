import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';

export const NODE24_VERSION = '24.21.0';
const prefix = join(projectDir, '.node24', NODE24_VERSION);
const name = `node-${process.platform}-${process.arch}`;
/** Has the program in bin/, and in include/ what native modules are built with. */
export const node24Folder = join(prefix, 'node_modules', name);

/**
 * The folder of the program `node` of the version on which the functions run on Lambda: see `runtime`
 * in serverless.yml. Installs it if it is missing.
 */
export function node24(): string {
  const bin = join(node24Folder, 'bin');
  if (existsSync(join(bin, 'node'))) return bin;
  console.log(`Installing Node ${NODE24_VERSION} into .node24 …`);
  mkdirSync(prefix, { recursive: true });
  const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund'];
  execFileSync('npm', [...args, `${name}@${NODE24_VERSION}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return bin;
}
