import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../../../simulators/listen.ts';
import {
  pageForNodes,
  type Sources,
  sourcesFrom,
  startMirror,
  upstreamOf,
} from '../../../../simulators/nodes/mirror.ts';

const sources: Sources = {
  debian: 'http://mirror.example/debian',
  debianSecurity: 'http://mirror.example/debian-security',
  pythonIndex: 'https://python.example/simple',
};

describe('the sources of a host', () => {
  it("are its apt's and pip's own", () => {
    const sites =
      'http://m.example/debian/\nhttp://m.example/debian\nhttp://s.example/debian-security\n';
    expect(sourcesFrom(sites, 'https://python.example/simple/\n')).toEqual({
      debian: 'http://m.example/debian',
      debianSecurity: 'http://s.example/debian-security',
      pythonIndex: 'https://python.example/simple',
    });
  });

  it('are the public ones if apt and pip name none', () => {
    expect(sourcesFrom('http://archive.ubuntu.com/ubuntu\n', '')).toEqual({
      debian: 'http://deb.debian.org/debian',
      debianSecurity: 'http://deb.debian.org/debian-security',
      pythonIndex: 'https://pypi.org/simple',
    });
  });
});

describe('a node reaches', () => {
  it.each([
    [
      'http://deb.debian.org/debian/dists/trixie/InRelease',
      'http://mirror.example/debian/dists/trixie/InRelease',
      false,
    ],
    [
      'http://deb.debian.org/debian/pool/main/j/jq/jq.deb',
      'http://mirror.example/debian/pool/main/j/jq/jq.deb',
      true,
    ],
    [
      'http://deb.debian.org/debian-security/dists/x/by-hash/SHA256/ab',
      'http://mirror.example/debian-security/dists/x/by-hash/SHA256/ab',
      true,
    ],
    ['/pypi/simple/dask/', 'https://python.example/simple/dask/', false],
    [
      '/pypi/packages/ab/cd/dask-1.whl',
      'https://files.pythonhosted.org/packages/ab/cd/dask-1.whl',
      true,
    ],
  ])('%s', (target, url, isFixed) => {
    expect(upstreamOf(target, sources)).toEqual({ url, isFixed });
  });

  it.each([
    'http://example.com/debian/pool/x',
    'http://deb.debian.org/other',
    'http://deb.debian.org/debian/../secret',
    'http://deb.debian.org.example.com/debian/x',
    'https://deb.debian.org/debian/x',
    '/pypi/other/x',
    '/pypi/simple/../x',
    '/',
  ])('not %s', (target) => {
    expect(upstreamOf(target, sources)).toBeNull();
  });
});

it('has pip fetch files from the mirror', () => {
  const html = '<a href="https://files.pythonhosted.org/packages/ab/dask-1.whl#sha256=1">dask</a>';
  expect(pageForNodes(html)).toBe('<a href="/pypi/packages/ab/dask-1.whl#sha256=1">dask</a>');
});

describe('the mirror', () => {
  const asked: string[] = [];

  async function aMirror() {
    asked.length = 0;
    const upstream = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(`body of ${request.url}`);
    });
    const site = await listen(upstream, 0);
    const folder = mkdtempSync(join(tmpdir(), 'mirror-'));
    const mirror = await startMirror({ ...sources, debian: `${site}/debian` }, folder);
    onTestFinished(() => {
      mirror.close();
      upstream.close();
      upstream.closeAllConnections();
      rmSync(folder, { recursive: true });
    });
    /** As apt asks a proxy: by the whole URL. */
    return (path: string) =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        const { port } = new URL(mirror.url);
        get({ port, path, agent: false }, async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() });
        }).on('error', reject);
      });
  }

  it('keeps a copy of what never changes, and asks once for many', async () => {
    const ask = await aMirror();
    const url = 'http://deb.debian.org/debian/pool/main/j/jq/jq.deb';
    const answers = await Promise.all([ask(url), ask(url), ask(url)]);
    answers.push(await ask(url));
    for (const answer of answers) {
      expect(answer).toEqual({ status: 200, body: 'body of /debian/pool/main/j/jq/jq.deb' });
    }
    expect(asked).toEqual(['/debian/pool/main/j/jq/jq.deb']);
  });

  it('asks each time for what may change', async () => {
    const ask = await aMirror();
    const url = 'http://deb.debian.org/debian/dists/trixie/InRelease';
    expect((await ask(url)).body).toBe('body of /debian/dists/trixie/InRelease');
    await ask(url);
    expect(asked).toHaveLength(2);
  });

  it('refuses every other place', async () => {
    const ask = await aMirror();
    expect((await ask('http://example.com/')).status).toBe(403);
    expect(asked).toEqual([]);
  });
});
