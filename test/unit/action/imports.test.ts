import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { projectDir } from '../../../build/project.ts';

it('the action loads no package when it starts, since a runner has none', async () => {
  const { metafile } = await build({
    ...{ absWorkingDir: projectDir, entryPoints: ['action/main.ts', 'action/post.ts'] },
    ...{ bundle: true, packages: 'external', format: 'esm', platform: 'node', splitting: true },
    ...{ outdir: 'none', write: false, metafile: true },
  });
  const seen = new Set<string>();
  const packages: string[] = [];
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { path, kind, external } of metafile.inputs[file]?.imports ?? []) {
      if (kind === 'dynamic-import') continue;
      if (external !== true) visit(path);
      else if (!path.startsWith('node:')) packages.push(`${file} imports ${path}`);
    }
  };
  visit('action/main.ts');
  visit('action/post.ts');
  expect(packages).toEqual([]);
  expect(seen.size).toBeGreaterThan(20);
});
