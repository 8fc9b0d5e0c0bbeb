import { describe, expect, it } from 'vitest';
import {
  aJobNode,
  canRunJobs,
  contentOf,
  inAgent,
  skippedJobs,
} from '../../../../support/job-node.ts';

describe.skipIf(!canRunJobs)(`results of a job${skippedJobs}`, () => {
  async function resultsOf(command: string, results: readonly string[]) {
    const node = await aJobNode({ command, results });
    await node.run();
    const [archive] = node.uploaded.values();
    const content = archive === undefined ? null : Object.keys(contentOf(archive)).toSorted();
    return { content, archive, ended: node.last('ended') };
  }

  const files = 'mkdir -p out/deep data; touch a.csv .b.csv out/c.csv out/deep/d.csv out/e.txt; ';

  it.each<[readonly string[], readonly string[]]>([
    [['*.csv'], ['.b.csv', 'a.csv']],
    [['./out/'], ['out', 'out/c.csv', 'out/deep', 'out/deep/d.csv', 'out/e.txt']],
    [['**/*.csv'], ['.b.csv', 'a.csv', 'out/c.csv', 'out/deep/d.csv']],
    [
      ['out/**/[d-e].*', 'a.csv'],
      ['a.csv', 'out/deep/d.csv', 'out/e.txt'],
    ],
    [
      ['out/deep/**', 'out/?.txt'],
      ['out/deep', 'out/deep/d.csv', 'out/e.txt'],
    ],
  ])('are what %j names', async (patterns, names) => {
    const { content } = await resultsOf(files, patterns);
    expect(content).toEqual(names);
  });

  it('may be the whole folder', async () => {
    const { content } = await resultsOf(files, ['.']);
    expect(content).toContain('out/deep/d.csv');
    expect(content).toContain('data');
  });

  it('that are missing are told of, and the others are kept', async () => {
    const { content, ended } = await resultsOf('echo a > a', ['a', 'b/*', 'c']);
    expect(content).toEqual(['a']);
    expect(ended).toMatchObject({ exitCode: 0, detail: 'there is no b/*; there is no c' });
  });

  it('that are all missing are none', async () => {
    const { content, ended } = await resultsOf(':', ['out/']);
    expect(content).toBeNull();
    expect(ended).toMatchObject({ exitCode: 0, results: null, detail: 'there is no out/' });
  });

  it('have links with what they lead to, and none that leads out of the folder', async () => {
    const command = `${files} ln -s "$PWD/out/deep" latest; ln -s /etc out/etc; ln -s ../../x out/up
ln -s . loop; ln -s none dangling; mkfifo pipe; ln -s latest/d.csv newest`;
    const { archive, ended } = await resultsOf(command, ['newest', 'loop', 'latest', 'out/etc/*']);

    const content = contentOf(archive);
    expect(content).toMatchObject({
      newest: ['link', 'out/deep/d.csv'],
      latest: ['link', 'out/deep'],
      'out/deep/d.csv': ['file', ''],
      dangling: ['link', 'none'],
    });
    for (const name of ['out/etc', 'out/up', 'pipe']) expect(content).not.toHaveProperty(name);
    expect(Object.keys(content).filter((name) => /loop.|latest.|etc/.test(name))).toEqual([]);
    expect(ended?.detail).toMatch(/out of the folder: /);
  });

  it('are padded where a file becomes shorter while it is read', () => {
    const program = `
import io
print(json.dumps(Whole(io.BytesIO(b'abc')).read(5).decode()))`;
    expect(inAgent(program, null)).toEqual(['abc\0\0']);
  });
});
