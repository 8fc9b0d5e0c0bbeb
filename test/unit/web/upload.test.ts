import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { describe, expect, it } from 'vitest';
import { packed } from '../../../web/src/pack.ts';
import { chosenFrom, isArchive, nameOf } from '../../../web/src/upload.ts';

/** A file as a browser gives it; `path` is below what was chosen, and empty of a single file. */
const aFile = (name: string, text: string, path = ''): File =>
  Object.defineProperty(
    new File([text], name, { lastModified: 1_700_000_000_000 }),
    'webkitRelativePath',
    {
      value: path,
    },
  );

const untarred = async (blob: Blob) =>
  unpackTar(new Uint8Array(gunzipSync(await blob.arrayBuffer())));

describe('the files of an upload', () => {
  it('lie in the folder of the job without the folder that was chosen, or what git keeps', () => {
    const files = [
      ...[aFile('run.sh', '', 'src/run.sh'), aFile('a', '', 'src/deep/a')],
      ...[aFile('HEAD', '', 'src/.git/HEAD'), aFile('.gitignore', '', 'src/.gitignore')],
    ];
    const chosen = chosenFrom(files);
    expect(chosen.map(({ path }) => path)).toEqual(['run.sh', 'deep/a', '.gitignore']);
    expect(nameOf(chosen)).toBe('src, 3 files');
  });

  it('keep their names where they were chosen by themselves', () => {
    const two = chosenFrom([aFile('a', ''), aFile('b', '')]);
    expect(two.map(({ path }) => path)).toEqual(['a', 'b']);
    expect([nameOf(two), nameOf(two.slice(1)), nameOf([])]).toEqual(['2 files', 'b', '']);
  });

  it('are packed unless they are one archive', () => {
    expect(isArchive(chosenFrom([aFile('in.tar.gz', '')]))).toBe(true);
    expect(isArchive(chosenFrom([aFile('IN.TGZ', '')]))).toBe(true);
    expect(isArchive(chosenFrom([aFile('in.tar', '')]))).toBe(false);
    expect(isArchive(chosenFrom([aFile('a.tgz', ''), aFile('b.tgz', '')]))).toBe(false);
  });
});

describe('a packed upload', () => {
  const signal = new AbortController().signal;

  it('has every file whole, by its path however long or foreign, and may run it', async () => {
    const long = `${'deep/'.repeat(60)}Ärger 😀.txt`;
    const texts: Record<string, string> = {
      'run.sh': 'echo hi\n',
      [long]: 'x'.repeat(100_000),
      empty: '',
    };
    const told: number[] = [];
    const chosen = Object.entries(texts).map(([path, text]) => ({ file: aFile('f', text), path }));
    const entries = await untarred(await packed(chosen, (bytes) => told.push(bytes), signal));
    const found = entries.map(({ header, data }) => [
      header.name,
      Buffer.from(data ?? []).toString(),
    ]);
    expect(Object.fromEntries(found)).toEqual(texts);
    expect(entries.map(({ header }) => header.mode)).toEqual([0o755, 0o755, 0o755]);
    expect(told.at(-1)).toBe(100_008);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  it('is an error where a file cannot be read', async () => {
    const file = aFile('f', 'x');
    const broken = Object.assign(file, {
      stream: () => new ReadableStream({ pull: () => Promise.reject(new Error('gone')) }),
    });
    await expect(packed([{ file: broken, path: 'f' }], () => {}, signal)).rejects.toThrow('gone');
  });

  it('ends when it is cancelled', async () => {
    const cancelling = new AbortController();
    const chosen = [{ file: aFile('f', 'x'.repeat(1_000_000)), path: 'f' }];
    const packing = packed(chosen, () => cancelling.abort(new Error('enough')), cancelling.signal);
    await expect(packing).rejects.toThrow('enough');
  });
});
