import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import '../../../../lib/adapters/axios/axios.ts';

describe('axios, as the adapter loads it,', () => {
  it('does not change the globals of fetch', async () => {
    expect(await new Response('there').text()).toBe('there');
    expect(new Request('http://127.0.0.1').method).toBe('GET');
    expect([...new FormData()]).toEqual([]);
  });

  it('does not make Node load its fetch, which would cost time at a cold start', () => {
    const { outputFiles } = buildSync({
      entryPoints: [
        fileURLToPath(new URL('../../../../lib/adapters/axios/axios.ts', import.meta.url)),
      ],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      write: false,
    });
    const loaded = (program: string) =>
      execFileSync(process.execPath, ['-'], {
        input: `${program}\nconsole.log(process.moduleLoadList.filter((name) => /undici/.test(name)).length)`,
        encoding: 'utf8',
      });
    expect(loaded('')).toBe('0\n');
    expect(loaded(outputFiles[0]?.text ?? 'throw new Error()')).toBe('0\n');
    expect(loaded('typeof FormData')).not.toBe('0\n');
  });
});
