import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDir } from '../../build/project.ts';
import { known } from '../contract/deviations.ts';

/* Tests that docs/linode.md has the facts about Linode that code and tests cite. */

const read = (path: string) => readFileSync(join(projectDir, path), 'utf8');
const sections = [...read('docs/linode.md').matchAll(/^## (.+)$/gm)].map(([, heading = '']) =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-'),
);

it('docs/linode.md has each section that code or tests cite', () => {
  const list = execFileSync('git', ['ls-files', '*.ts'], { cwd: projectDir, encoding: 'utf8' });
  const files = list
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(projectDir, path)));
  const cited = files.flatMap((path) =>
    [...read(path).matchAll(/docs\/linode\.md#([a-z0-9-]+)/g)].map(([, section = '']) => section),
  );
  expect(cited.length).toBeGreaterThan(10);
  expect(cited.filter((section) => !sections.includes(section))).toEqual([]);
});

it('each deviation from the contract has a source: a section, or a recorded answer', () => {
  const all = [...known.deviations, ...known.parameters, ...known.gaps];
  const sources = all.flatMap(({ source }) => source.split('; '));
  expect(sources.filter((source) => source !== 'recorded' && !sections.includes(source))).toEqual(
    [],
  );
});
