import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { createJobFiles, WITHOUT_CHECKSUMS } from '../../lib/adapters/aws/s3.ts';
import { type S3Options, startS3 } from '../../simulators/aws/s3.ts';
import { localAws } from './aws.ts';

export const BUCKET = 'jobs-under-test';

/** Starts a local S3 with an empty bucket, and the files in it, until the test ends. */
export async function startFiles(options: Partial<S3Options> = {}) {
  const { folder = mkdtempSync(join(tmpdir(), 'onebuck-files-')) } = options;
  const s3 = await startS3({ bucket: BUCKET, ...options, folder });
  const client = s3Client(s3.url);
  onTestFinished(async () => {
    client.destroy();
    await s3.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { ...s3, folder, client, files: createJobFiles(client, BUCKET) };
}

/** A client as lib/wire.ts makes it. */
export const s3Client = (
  endpoint: string,
  credentials = localAws(endpoint).credentials,
): S3Client => new S3Client({ ...localAws(endpoint), credentials, ...WITHOUT_CHECKSUMS });
