import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
import { createJobFiles } from '../../lib/adapters/aws/s3.ts';
import { MINISTACK, MOTO, skippedOn, startEmulator } from '../support/emulators.ts';
import { BUCKET, s3Client } from '../support/files.ts';
import {
  everyPromise,
  jobFilesContract,
  jobFilesPromises,
  serverPromises,
} from '../support/job-files-contract.ts';

/* The files of jobs on other programs that speak S3, which show what only the local S3 allows. */

/** Both know the keys of no other account. */
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

const engines = [
  { emulator: MINISTACK, promises: everyPromise },
  // moto takes every signature.
  { emulator: MOTO, promises: [...jobFilesPromises, ...serverPromises] },
];

for (const { emulator, promises } of engines) {
  const skipped = skippedOn(emulator);

  describe.skipIf(skipped !== '')(`${emulator.name}${skipped}`, () => {
    let client: S3Client;
    beforeAll(async () => {
      client = s3Client(await startEmulator(emulator), credentials);
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    });
    afterAll(() => client.destroy());

    jobFilesContract(`the files on ${emulator.name}`, promises, async () =>
      createJobFiles(client, BUCKET),
    );
  });
}
