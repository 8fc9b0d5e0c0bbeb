import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { DurationMs } from '../../core/base/units.ts';
import type { JobFiles } from '../../ports.ts';

/**
 * For a client of files. By default the SDK adds checksums to each call and each URL, which nobody
 * who sends a plain PUT could add.
 */
export const WITHOUT_CHECKSUMS = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const;

/**
 * How long a copy may take, in milliseconds. S3 copies the whole object before it answers, and an
 * upload may have 5 GB.
 */
const COPY_MS_MAX = 20_000;

/**
 * The files of jobs in a bucket, by a client `WITHOUT_CHECKSUMS`. A URL has the rights of the function that made it, for as long as
 * the function's credentials are valid, which Lambda renews hours before they end.
 */
export function createJobFiles(client: S3Client, Bucket: string): JobFiles {
  const sign = (command: GetObjectCommand | PutObjectCommand, expiresIn: DurationMs) =>
    getSignedUrl(client, command, { expiresIn: Math.ceil(expiresIn / 1_000) });

  return {
    // The signature covers the header Content-Length, so that S3 refuses any other length.
    uploadUrl: (Key, ContentLength, expiresIn) =>
      sign(new PutObjectCommand({ Bucket, Key, ContentLength }), expiresIn),

    downloadUrl: (Key, expiresIn, filename) =>
      sign(
        new GetObjectCommand({
          Bucket,
          Key,
          ...(filename === undefined ? {} : { ResponseContentDisposition: savedAs(filename) }),
        }),
        expiresIn,
      ),

    async size(Key) {
      const head = await unlessMissing(client.send(new HeadObjectCommand({ Bucket, Key })));
      return head === null ? null : (head.ContentLength ?? 0);
    },

    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    },

    async get(Key) {
      const found = await unlessMissing(client.send(new GetObjectCommand({ Bucket, Key })));
      return found?.Body?.transformToByteArray() ?? null;
    },

    async copy(from, to) {
      const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
      const command = new CopyObjectCommand({ Bucket, Key: to, CopySource });
      const options = { requestTimeout: COPY_MS_MAX };
      return (await unlessMissing(client.send(command, options))) === null ? 'notFound' : 'copied';
    },

    async delete(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  };
}

const savedAs = (filename: string) => `attachment; filename="${filename.replace(/[^\w.-]/g, '_')}"`;

/** null: there is no such object. Its answer to HEAD has no body that could name the error. */
async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const isMissing =
      error instanceof S3ServiceException && ['NotFound', 'NoSuchKey'].includes(error.name);
    if (isMissing) return null;
    throw error;
  }
}
