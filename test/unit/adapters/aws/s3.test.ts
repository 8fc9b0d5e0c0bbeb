import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createJobFiles, WITHOUT_CHECKSUMS } from '../../../../lib/adapters/aws/s3.ts';
import { minutes } from '../../../../lib/core/base/units.ts';
import { LOCAL_AWS } from '../../../support/aws.ts';

const Bucket = 'jobs-under-test';

function someFiles() {
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = LOCAL_AWS;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  const client = new S3Client({ region: AWS_REGION, credentials, ...WITHOUT_CHECKSUMS });
  return { mock: mockClient(client), files: createJobFiles(client, Bucket) };
}

const fault = (name: string) =>
  new S3ServiceException({ name, message: 'no', $fault: 'client', $metadata: {} });

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams);

describe('a URL for an upload', () => {
  it('is signed with the length, expires, and asks for no other header', async () => {
    const { files } = someFiles();
    const url = await files.uploadUrl('uploads/ann%40home/uabcdefghij', 5_000_000_000, minutes(60));
    expect(new URL(url).pathname).toBe('/uploads/ann%2540home/uabcdefghij');
    expect(queryOf(url)).toMatchObject({
      'X-Amz-Expires': '3600',
      'X-Amz-SignedHeaders': 'content-length;host',
      'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
    });
    expect(url.toLowerCase()).not.toContain('checksum');
  });
});

describe('a URL for a download', () => {
  it('names the file for browsers, without anything that could end the name', async () => {
    const { files } = someFiles();
    const url = await files.downloadUrl(
      'jobs/c0123456789/0/results/r',
      minutes(1),
      'n"0\r\n.tar.gz',
    );
    expect(queryOf(url)).toMatchObject({
      'X-Amz-Expires': '60',
      'response-content-disposition': 'attachment; filename="n_0__.tar.gz"',
    });
  });
});

describe('a missing file', () => {
  it('has no size and no contents, and is not copied', async () => {
    const { mock, files } = someFiles();
    const error = { message: 'none', $metadata: {} };
    mock.on(HeadObjectCommand).rejects(new NotFound(error));
    mock.on(GetObjectCommand).rejects(new NoSuchKey(error));
    mock.on(CopyObjectCommand).rejects(fault('NoSuchKey'));
    expect(await files.size('a')).toBeNull();
    expect(await files.get('a')).toBeNull();
    expect(await files.copy('a', 'b')).toBe('notFound');
  });

  it.each(['AccessDenied', 'NoSuchBucket', 'SlowDown'])(
    'is not what %s means: it throws',
    async (name) => {
      const { mock, files } = someFiles();
      const error = fault(name);
      for (const command of [HeadObjectCommand, GetObjectCommand, CopyObjectCommand] as const) {
        mock.on(command as typeof HeadObjectCommand).rejects(error);
      }
      await expect(files.size('a')).rejects.toBe(error);
      await expect(files.get('a')).rejects.toBe(error);
      await expect(files.copy('a', 'b')).rejects.toBe(error);
    },
  );
});

describe('a copy', () => {
  it('names its source by an encoded path, so that every key can be copied', async () => {
    const { mock, files } = someFiles();
    mock.on(CopyObjectCommand).resolves({});
    expect(await files.copy('uploads/ann%40home/u1', 'schedules/s1/u1')).toBe('copied');
    const [call] = mock.commandCalls(CopyObjectCommand);
    expect(call?.args[0].input.CopySource).toBe(`${Bucket}/uploads/ann%2540home/u1`);
  });
});
