import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectDir } from '../../../build/project.ts';
import { blocksBelow, runLines } from '../../../checks/deploy/commands.ts';

const read = (path: string) => readFileSync(join(projectDir, path), 'utf8');
const options = { cwd: tmpdir(), env: { PATH: process.env.PATH ?? '' } };

describe('the commands of a page', () => {
  it('are those below the heading, block by block', () => {
    const page = [
      ...['# A', '```sh', 'none', '```', '## B', 'Text.', '```sh', 'one', 'two', '```'],
      ...['```js', 'no()', '```', '```sh', 'three', '```', '## B and C', '```sh', 'four', '```'],
    ].join('\n');
    expect(blocksBelow(page, 'B')).toEqual([['one', 'two'], ['three']]);
    expect(() => blocksBelow(page, 'C')).toThrow('no commands below "C"');
  });

  it('that deploy are the same in the README and in docs/operate.md', () => {
    const commands = (path: string) =>
      (blocksBelow(read(path), 'Deploy')[0] ?? [])
        .filter((line) => !line.startsWith('curl '))
        .map((line) => line.replace(/ +#.*/, ''));
    expect(commands('docs/operate.md')).toEqual(commands('README.md'));
    expect(commands('README.md').join('\n')).toMatch(/run doctor .*\n.*run setup .*\n.*deploy /s);
  });
});

describe('a script', () => {
  it('keeps its variables from line to line', async () => {
    expect(await runLines(['A=1', 'echo "$A"'], options)).toBe('1\n');
  });

  it.each([
    [['echo before', 'false', 'echo after'], 'failed: false'],
    [['cat none | cat'], 'failed: cat'],
    [['echo "$NONE"'], 'NONE: unbound variable'],
    [['A=$(cat none)'], 'failed: A=$(cat none)'],
  ])('of %j ends at the first failure, which it names', async (lines, text) => {
    await expect(runLines([...lines, 'echo and so on'], options)).rejects.toThrow(text);
    await expect(runLines([...lines, 'echo and so on'], options)).rejects.not.toThrow(
      /^and so on/m,
    );
  });
});
