import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDir } from '../../build/project.ts';
import { broken } from '../../checks/mutants/copy.ts';
import { mutants } from '../../checks/mutants/list.ts';

it('every mutant still fits its file, and no two mutants have the same name', () => {
  for (const mutant of mutants) {
    const text = readFileSync(join(projectDir, mutant.file), 'utf8');
    expect(broken(text, mutant), mutant.name).not.toBe(text);
  }
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

it('a mutant whose snippet is in the file never or twice throws', () => {
  const mutant = { name: 'a bug', file: 'a.ts', from: 'a < b', to: 'a <= b', tests: [] };
  expect(broken('if (a < b) return;', mutant)).toBe('if (a <= b) return;');
  for (const text of ['if (a > b) return;', 'if (a < b && a < b) return;']) {
    expect(() => broken(text, mutant)).toThrow('"a bug"');
  }
});
