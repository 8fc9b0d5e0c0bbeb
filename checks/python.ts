import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDir } from '../build/project.ts';

const requirements = join(projectDir, 'checks', 'requirements.txt');
const venv = join(projectDir, '.venv');
const installed = join(venv, 'requirements.txt');

/**
 * The folder of the programs of checks/requirements.txt. Installs them if they are missing or the
 * file has changed. null: this machine lacks python3 with venv.
 */
export function pythonPrograms(): string | null {
  const bin = join(venv, 'bin');
  if (existsSync(installed) && read(installed) === read(requirements)) return bin;
  try {
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'pipe' });
  } catch {
    return null;
  }
  console.log('Installing checks/requirements.txt into .venv …');
  const args = ['install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  execFileSync(join(bin, 'pip'), args, { stdio: 'inherit' });
  mkdirSync(venv, { recursive: true });
  copyFileSync(requirements, installed);
  return bin;
}

/** The same, for a check of which `what` needs them. Without them, says so and ends the process. */
export function pythonProgramsFor(what: string): string {
  const bin = pythonPrograms();
  if (bin !== null) return bin;
  console.log(`SKIPPED: ${what} needs python3 with venv, which this machine lacks.`);
  process.exit(0);
}

const read = (path: string) => readFileSync(path, 'utf8');
