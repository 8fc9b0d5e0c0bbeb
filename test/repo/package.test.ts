import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { projectDir, serverlessBin } from '../../build/project.ts';
import { copyOf } from '../../checks/mutants/copy.ts';

/** Packages a copy of the project, in which the console is not built, as a fresh clone's is not. */
function packageCopy({ prepare = (_dir: string) => {} } = {}) {
  const copy = copyOf(projectDir);
  onTestFinished(() => copy.remove());
  prepare(copy.dir);
  const env = { ...process.env, AWS_REGION: 'us-east-1', NO_COLOR: '1' };
  const args = [serverlessBin, 'package', '--stage', 'test'];
  const options = { cwd: copy.dir, env, encoding: 'utf8', timeout: 150_000 } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, options);
  return { status, signal, printed: stdout + stderr };
}

it('a package without the console ends with an error that says how to build the console', () => {
  const { status, printed } = packageCopy();
  expect(printed).toContain('npm run build:web');
  expect(printed).not.toContain('Could not resolve');
  expect(status).toBe(1);
}, 180_000);

it('a package of a function that can not be built ends with the error', () => {
  const { status, signal, printed } = packageCopy({
    prepare(dir) {
      mkdirSync(join(dir, 'web', 'dist'), { recursive: true });
      writeFileSync(join(dir, 'web', 'dist', 'console.json'), '{}');
      writeFileSync(join(dir, 'handlers', 'reap.ts'), 'export const handler = (;\n');
    },
  });
  expect(printed).toContain('handlers/reap.ts');
  expect(signal).toBeNull();
  expect(status).toBe(1);
}, 180_000);
