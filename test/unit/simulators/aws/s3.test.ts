import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { minutes } from '../../../../lib/core/base/units.ts';
import { BUCKET, s3Client, startFiles } from '../../../support/files.ts';
import { everyPromise, jobFilesContract } from '../../../support/job-files-contract.ts';

jobFilesContract('the local S3', everyPromise, async () => (await startFiles()).files);

it('expires a URL when its time has passed, and not before', async () => {
  const signedAt = Date.now();
  let passed = 0;
  const { files } = await startFiles({ now: () => signedAt + passed });
  await files.put('a', new Uint8Array(5));
  const download = await files.downloadUrl('a', minutes(10));
  const upload = await files.uploadUrl('a', 5, minutes(10));
  const statuses = async () => [
    (await fetch(download)).status,
    (await fetch(upload, { method: 'PUT', body: '12345' })).status,
  ];
  passed = minutes(9);
  expect(await statuses()).toEqual([200, 200]);
  passed = minutes(11);
  expect(await statuses()).toEqual([403, 403]);
  expect(await (await fetch(download)).text()).toContain('Request has expired');
});

describe('the local S3 by itself', () => {
  const put = (Key: string, Body = 'x') => new PutObjectCommand({ Bucket: BUCKET, Key, Body });

  it('keeps its objects on the disk, for the next start', async () => {
    const { files, folder } = await startFiles();
    await files.put('uploads/ann/u1', new Uint8Array(3));
    const next = await startFiles({ folder });
    expect(await next.files.size('uploads/ann/u1')).toBe(3);
  });

  it('keeps nothing of a body that ends too early', async () => {
    const { files, folder, close } = await startFiles();
    const target = new URL(await files.uploadUrl('a', 1_000, minutes(1)));
    const socket = connect(Number(target.port), '127.0.0.1');
    const head = `PUT ${target.pathname}${target.search} HTTP/1.1\r\nHost: ${target.host}\r\n`;
    socket.end(`${head}Content-Length: 1000\r\n\r\nonly these`);
    await text(socket).catch(() => '');
    await close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses who has no key, and who has another', async () => {
    const { url } = await startFiles();
    expect((await fetch(`${url}/${BUCKET}/a`)).status).toBe(403);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'another' };
    const stranger = s3Client(url, credentials);
    await expect(stranger.send(put('a'))).rejects.toThrow('signature we calculated');
    const nobody = s3Client(url, { ...credentials, accessKeyId: 'nobody' });
    await expect(nobody.send(put('a'))).rejects.toThrow('does not exist');
  });

  it('refuses a header of its own that no signature covers, as S3 does', async () => {
    const { files } = await startFiles();
    const url = await files.uploadUrl('a', 5, minutes(1));
    const headers = { 'x-amz-tagging': 'a=b' };
    const answer = await fetch(url, { method: 'PUT', body: '12345', headers });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('not signed: x-amz-tagging');
  });

  it('refuses another bucket, and answers 501 to what it does not know', async () => {
    const { client } = await startFiles();
    const other = new DeleteObjectCommand({ Bucket: 'another', Key: 'a' });
    await expect(client.send(other)).rejects.toThrow('bucket does not exist');
    const list = new ListObjectsV2Command({ Bucket: BUCKET });
    await expect(client.send(list)).rejects.toThrow('a call of the bucket is not simulated');
    await expect(client.send(put('a/../../b'))).rejects.toThrow('not simulated');
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
    const tag = new PutObjectTaggingCommand({ Bucket: BUCKET, Key: 'a', Tagging });
    await expect(client.send(tag)).rejects.toThrow('tagging is not simulated');
  });

  it('lets pages of its origins use URLs, and of no other', async () => {
    const { files } = await startFiles({ origins: ['http://127.0.0.1:3000'] });
    await files.put('a', new Uint8Array(1));
    const url = await files.downloadUrl('a', minutes(1));
    const allowed = async (origin: string, method: string) => {
      const answer = await fetch(url, { method, headers: { origin } });
      return [answer.status, answer.headers.get('access-control-allow-origin')];
    };
    const ours = 'http://127.0.0.1:3000';
    expect(await allowed(ours, 'GET')).toEqual([200, ours]);
    expect(await allowed(ours, 'OPTIONS')).toEqual([200, ours]);
    expect(await allowed('http://127.0.0.1:3001', 'GET')).toEqual([200, null]);
    expect(await allowed('http://127.0.0.1:3001', 'OPTIONS')).toEqual([403, null]);
  });

  it('gives a part of an object, and refuses what is not in it', async () => {
    const { files } = await startFiles();
    await files.put('a', new TextEncoder().encode('12345'));
    const url = await files.downloadUrl('a', minutes(1));
    const part = async (range: string) => {
      const answer = await fetch(url, { headers: { range } });
      return [answer.status, await answer.text(), answer.headers.get('content-range')];
    };
    expect(await part('bytes=0-1')).toEqual([206, '12', 'bytes 0-1/5']);
    expect(await part('bytes=3-99')).toEqual([206, '45', 'bytes 3-4/5']);
    expect(await part('bytes=-2')).toEqual([206, '45', 'bytes 3-4/5']);
    expect((await part('bytes=5-'))[0]).toBe(416);
  });
});
