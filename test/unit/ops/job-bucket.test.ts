import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import {
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, onTestFinished } from 'vitest';
import { emptyJobBucket } from '../../../ops/job-bucket.ts';

const Bucket = 'onebuck-prod-jobs-123456789012-eu-west-1';
const DELETED = { DeletionPolicy: 'Delete' };
const KEPT = { DeletionPolicy: 'RetainExceptOnCreate' };

/** A deployed stage whose bucket has `files`; 1000 of them are in an answer at most. */
function aStage({ table = DELETED as object, files = [] as string[] } = {}) {
  const cloudformation = mockClient(CloudFormationClient);
  const lambda = mockClient(LambdaClient);
  const s3 = mockClient(S3Client);
  onTestFinished(() => {
    for (const mock of [cloudformation, lambda, s3]) mock.restore();
  });
  const TemplateBody = JSON.stringify({ Resources: { ClustersTable: table } });
  cloudformation.on(GetTemplateCommand).resolves({ TemplateBody });
  cloudformation.on(DescribeStacksCommand).resolves({});
  lambda
    .on(GetFunctionConfigurationCommand)
    .resolves({ Environment: { Variables: { JOB_BUCKET: Bucket } } });
  const left = [...files];
  s3.on(HeadBucketCommand, { Bucket }).resolves({});
  s3.on(ListObjectsV2Command, { Bucket }).callsFake(() => ({
    Contents: left.slice(0, 1_000).map((Key) => ({ Key })),
  }));
  s3.on(DeleteObjectsCommand, { Bucket }).callsFake(({ Delete: { Objects } }) => {
    for (const { Key } of Objects) left.splice(left.indexOf(Key), 1);
    return {};
  });
  return { cloudformation, lambda, s3, left };
}

const empty = () => emptyJobBucket({ aws: { region: 'eu-west-1' }, stage: 'prod' });
const notThere = { message: 'none', $metadata: {} };

describe('before the removal of a stage, the files of its jobs', () => {
  it('are deleted, all of them, where the bucket goes with the stack', async () => {
    const files = Array.from({ length: 2_001 }, (_, index) => `jobs/c0123456789/0/log/${index}`);
    const { left } = aStage({ files });
    expect(await empty()).toBe(`Deleted the files of jobs in ${Bucket}: 2001.`);
    expect(left).toEqual([]);
    expect(await empty()).toBeNull();
  });

  it('stay where the deployed stack keeps its bucket, as by default', async () => {
    const { left } = aStage({ table: KEPT, files: ['uploads/ann/u1'] });
    expect(await empty()).toBeNull();
    expect(left).toEqual(['uploads/ann/u1']);
  });

  it('are none where there is no stack, no bucket, or none yet', async () => {
    const { cloudformation, lambda, s3 } = aStage();
    s3.on(HeadBucketCommand).rejects(new NotFound(notThere));
    expect(await empty()).toBeNull();
    lambda.on(GetFunctionConfigurationCommand).resolves({ Environment: { Variables: {} } });
    expect(await empty()).toBeNull();
    const gone = new ResourceNotFoundException({ ...notThere, Message: 'none', Type: 'User' });
    lambda.on(GetFunctionConfigurationCommand).rejects(gone);
    expect(await empty()).toBeNull();
    cloudformation.on(GetTemplateCommand).rejects(new Error('The stack does not exist'));
    expect(await empty()).toBeNull();
  });

  it.each<[string, (stage: ReturnType<typeof aStage>) => unknown]>([
    ['no s3:ListBucket', ({ s3 }) => s3.on(ListObjectsV2Command).rejects('no s3:ListBucket')],
    [
      'a: Access Denied',
      ({ s3 }) =>
        s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: 'a', Message: 'Access Denied' }] }),
    ],
  ])('that can not be deleted stop the removal: %s', async (reason, fail) => {
    fail(aStage({ files: ['a'] }));
    await expect(empty()).rejects.toThrow(
      `could not be deleted, and with them in its bucket CloudFormation could not remove the stack: ${reason}`,
    );
  });
});
