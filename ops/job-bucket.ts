import { LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { messageOf } from './advice.ts';
import { type Deployment, deployedEnvironment } from './deployment.ts';
import { deployedSettings } from './settings-guard.ts';

/*
 * The guard's part for the bucket of jobs' files. CloudFormation neither makes a bucket that is there
 * nor deletes one that has files.
 */

type Place = Pick<Deployment, 'aws' | 'stage'>;

/** Whether the bucket is there and this account's own. */
export async function isBucketThere(client: S3Client, Bucket: string): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

/** Why a first deployment would fail, with what to do; null: no bucket is in its way. */
export async function refusalForLeftBucket({ aws, stage }: Place): Promise<string | null> {
  const [lambda, sts, s3] = [new LambdaClient(aws), new STSClient(aws), new S3Client(aws)];
  try {
    if ((await deployedEnvironment(lambda, stage)) !== null) return null;
    const { Account } = await sts.send(new GetCallerIdentityCommand({}));
    const bucket = `onebuck-${stage}-jobs-${Account}-${await s3.config.region()}`;
    if (!(await isBucketThere(s3, bucket))) return null;
    return [
      `There is a bucket ${bucket}, but no stack: a removed stack has left the files of its jobs.`,
      'This deploy would fail with "already exists". Delete the bucket with all files:',
      `  aws s3 rb s3://${bucket} --force`,
    ].join('\n');
  } catch (error) {
    return (
      `The guard does not know whether a bucket of ${stage} is left of an earlier stack ` +
      `(s3:ListBucket): ${messageOf(error)}`
    );
  } finally {
    for (const client of [lambda, sts, s3]) client.destroy();
  }
}

/**
 * Deletes all files of the stage's jobs, unless the deployed stack keeps their bucket. Call it before
 * CloudFormation deletes the bucket. Returns a sentence on what was done; null: there was nothing to
 * do. Throws an Error that says why the removal would fail.
 */
export async function emptyJobBucket({ aws, stage }: Place): Promise<string | null> {
  const [lambda, s3] = [new LambdaClient(aws), new S3Client(aws)];
  try {
    if ((await deployedSettings(aws, stage))?.KEEP_TABLE !== 'false') return null;
    const Bucket = (await deployedEnvironment(lambda, stage))?.JOB_BUCKET ?? '';
    if (Bucket === '' || !(await isBucketThere(s3, Bucket))) return null;
    for (let deleted = 0; ; ) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      if (Contents.length === 0) {
        return deleted === 0 ? null : `Deleted the files of jobs in ${Bucket}: ${deleted}.`;
      }
      const Objects = Contents.map(({ Key }) => ({ Key }));
      const Delete = { Objects, Quiet: true };
      const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
      const [first] = Errors;
      if (first !== undefined) throw new Error(`${first.Key}: ${first.Message}`);
      deleted += Objects.length;
    }
  } catch (error) {
    throw new Error(
      `The files of jobs of ${stage} could not be deleted, and with them in its bucket ` +
        `CloudFormation could not remove the stack: ${messageOf(error)}`,
    );
  } finally {
    for (const client of [lambda, s3]) client.destroy();
  }
}
