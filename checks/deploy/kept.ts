import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { named } from './deployment.ts';
import { ACCOUNT, clientOf, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';

export const JOB_BUCKET = named(`jobs-${ACCOUNT.id}-${ACCOUNT.region}`);

/** Leaves a file of a job in the bucket, which CloudFormation could then not delete. */
export async function leaveFile(emulator: Emulator): Promise<void> {
  const client = new S3Client(clientOf(emulator));
  const Key = 'jobs/c0123456789/0/results/raaaaaaaaaa';
  await client.send(new PutObjectCommand({ Bucket: JOB_BUCKET, Key, Body: 'results' }));
  client.destroy();
}

/** Throws unless table and bucket are gone with the stack. */
export async function expectNothingKept(emulator: Emulator): Promise<void> {
  const s3 = new S3Client(clientOf(emulator));
  const dynamodb = new DynamoDBClient(clientOf(emulator));
  const kept = {
    [JOB_BUCKET]: () => s3.send(new HeadBucketCommand({ Bucket: JOB_BUCKET })),
    [named('clusters')]: () =>
      dynamodb.send(new DescribeTableCommand({ TableName: named('clusters') })),
  };
  for (const [name, look] of Object.entries(kept)) {
    const isThere = await look().then(
      () => true,
      () => false,
    );
    expect(!isThere, `the removal has left ${name}`);
  }
  s3.destroy();
  dynamodb.destroy();
}
