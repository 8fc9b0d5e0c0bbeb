import { deepEqual, equal, match, notEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import { minutes } from '../../lib/core/base/units.ts';
import type { JobFiles } from '../../lib/ports.ts';

/** Whoever has a URL; `fetch`, but where the files are in memory. */
export type Web = (url: string, init?: RequestInit) => Promise<Response>;

/** What lib/ports.ts promises of JobFiles, one promise each; `key` is of no other promise. */
export interface Promised {
  readonly name: string;
  /** Throws an AssertionError if the promise is broken. */
  check(files: JobFiles, key: string, web: Web): Promise<void>;
}

const HOUR = minutes(60);
const FIVE = bytesOf('12345');

export const jobFilesPromises: readonly Promised[] = [
  {
    name: 'has nothing of a key that was never written',
    async check(files, key, web) {
      equal(await files.size(key), null);
      equal(await files.get(key), null);
      equal(await files.copy(key, `${key}2`), 'notFound');
      equal((await web(await files.downloadUrl(key, HOUR))).status, 404);
    },
  },
  {
    name: 'has what was written last, whole',
    async check(files, key) {
      const long = new Uint8Array(65_536).map((_, index) => index % 251);
      await files.put(key, bytesOf('first'));
      await files.put(key, long);
      equal(await files.size(key), 65_536);
      deepEqual(await readBy(files, key), long);
      await files.put(key, new Uint8Array(0));
      equal(await files.size(key), 0);
      deepEqual(await readBy(files, key), new Uint8Array(0));
    },
  },
  {
    name: 'keeps keys apart that differ only in what a URL encodes',
    async check(files, key, web) {
      const keys = ['a%40b', 'a@b', 'a%2Fb', 'a/b', 'a b', 'a+b', "a'(b)*!~", 'ä'];
      for (const one of keys) await files.put(`${key}/${one}`, bytesOf(one));
      for (const one of keys) deepEqual(await readBy(files, `${key}/${one}`), bytesOf(one));
      for (const one of keys) {
        equal(await files.copy(`${key}/${one}`, `${key}-copy/${one}`), 'copied');
        const answer = await web(await files.downloadUrl(`${key}-copy/${one}`, HOUR));
        equal(await answer.text(), one);
      }
    },
  },
  {
    name: 'has nothing of a key that was deleted, once or twice',
    async check(files, key) {
      await files.put(key, FIVE);
      await files.delete(key);
      await files.delete(key);
      equal(await files.size(key), null);
    },
  },
  {
    name: 'copies over what was there, and leaves the source',
    async check(files, key) {
      await files.put(key, FIVE);
      await files.put(`${key}2`, bytesOf('before'));
      equal(await files.copy(key, `${key}2`), 'copied');
      deepEqual(await readBy(files, `${key}2`), FIVE);
      deepEqual(await readBy(files, key), FIVE);
    },
  },
  {
    name: 'takes a plain PUT by a URL, whatever its content type, and gives the bytes by another',
    async check(files, key, web) {
      const url = await files.uploadUrl(key, 5, HOUR);
      const headers = { 'content-type': 'application/gzip' };
      for (const init of [{}, { headers }]) {
        const taken = await web(url, { method: 'PUT', body: FIVE, ...init });
        equal(taken.status, 200, await taken.text());
      }
      equal(await files.size(key), 5);
      const got = await web(await files.downloadUrl(key, HOUR));
      deepEqual(new Uint8Array(await got.arrayBuffer()), FIVE);
    },
  },
];

/** What only a server promises. */
export const serverPromises: readonly Promised[] = [
  {
    name: 'gives the rest of a file whose beginning is there',
    async check(files, key, web) {
      await files.put(key, FIVE);
      const range = { headers: { range: 'bytes=3-' } };
      const rest = await web(await files.downloadUrl(key, HOUR), range);
      deepEqual([rest.status, await rest.text()], [206, '45']);
    },
  },
  {
    name: 'gives a file under the name that browsers save it by',
    async check(files, key, web) {
      await files.put(key, FIVE);
      const got = await web(await files.downloadUrl(key, HOUR, 'n0.tar.gz'));
      equal(got.headers.get('content-disposition'), 'attachment; filename="n0.tar.gz"');
      equal(await got.text(), '12345');
    },
  },
];

export const lengthPromises: readonly Promised[] = [
  {
    name: 'refuses every other length by the URL of an upload, and has nothing of it',
    async check(files, key, web) {
      const url = await files.uploadUrl(key, 5, HOUR);
      for (const body of ['1234', '123456', '']) await refused(web, url, { method: 'PUT', body });
      equal(await files.size(key), null);
    },
  },
];

/** What only a server promises that checks signatures, as S3 does. */
export const signedUrlPromises: readonly Promised[] = [
  {
    name: 'takes by a URL nothing but its own call on its own key',
    async check(files, key, web) {
      await files.put(key, FIVE);
      const download = await files.downloadUrl(key, HOUR);
      const upload = await files.uploadUrl(key, 5, HOUR);
      for (const url of [download, upload]) {
        await refused(web, url, { method: 'DELETE' });
        await refused(web, url.replace('?', '2?'), { method: url === upload ? 'PUT' : 'GET' });
        await refused(web, url.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=86400'));
      }
      await refused(web, download, { method: 'PUT', body: FIVE });
      await refused(web, upload);
      deepEqual(await readBy(files, key), FIVE);
    },
  },
];

export const everyPromise: readonly Promised[] = [
  ...jobFilesPromises,
  ...lengthPromises,
  ...serverPromises,
  ...signedUrlPromises,
];

/** Tests what is promised of JobFiles. `startFiles` returns files that are there until the test ends. */
export function jobFilesContract(
  name: string,
  promises: readonly Promised[],
  startFiles: () => Promise<JobFiles & { readonly web?: Web }>,
): void {
  describe(name, () => {
    for (const { name, check } of promises) {
      it(name, async () => {
        const files = await startFiles();
        await check(files, `uploads/ann%40home/${keyOf(name)}`, files.web ?? fetch);
      });
    }
  });
}

export const keyOf = (name: string): string => name.replace(/\W+/g, '-');

async function refused(web: Web, url: string, init: RequestInit = {}): Promise<void> {
  const answer = await web(url, init);
  const text = await answer.text();
  equal(answer.status, 403, `${init.method ?? 'GET'} ${url}`);
  match(text, /SignatureDoesNotMatch|AccessDenied/);
}

async function readBy(files: JobFiles, key: string): Promise<Uint8Array> {
  const found = await files.get(key);
  notEqual(found, null, `there is no ${key}`);
  return new Uint8Array(found ?? []);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
