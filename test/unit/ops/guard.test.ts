import { tmpdir } from 'node:os';
import {
  DescribeTableCommand,
  DynamoDBClient,
  QueryCommand,
  ResourceNotFoundException,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import {
  ResourceNotFoundException as FunctionNotFound,
  GetFunctionConfigurationCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { HeadBucketCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeSecretCommand,
  ResourceNotFoundException as SecretNotFound,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serverlessBin } from '../../../build/project.ts';
import { createClusterStore } from '../../../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../../../lib/adapters/dynamodb/schedules.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import type { Template } from '../../../ops/deployment.ts';
import {
  OVERRIDE,
  refusalOfDeploy,
  refusalOfRemoval,
  replacementOf,
  setProtection,
} from '../../../ops/guard.ts';
import { localAws } from '../../support/aws.ts';
import {
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  aSchedule,
  created,
  LAUNCH,
} from '../../support/builders.ts';
import { ended, startNode } from '../../support/children.ts';
import { startTable, TABLE } from '../../support/table.ts';

const TableName = 'onebuck-prod-clusters';
const PLUGIN = new URL('../../../ops/guard-plugin.mjs', import.meta.url).href;
const log = { warning() {} };
const id = (letter: string) => `c${letter.repeat(10)}` as ClusterId;

async function aTable() {
  const { client, url } = await startTable({ ...TABLE, TableName });
  return {
    url,
    clusters: createClusterStore(client, TableName),
    schedules: createScheduleStore(client, TableName),
    deployment: { aws: localAws(url), stage: 'prod', tableName: TableName },
  };
}

describe('the removal of a stage', () => {
  it('is refused while clusters live, with their list and what to do', async () => {
    const { clusters, schedules, deployment } = await aTable();
    await clusters.insert(aRunning({ id: id('a'), nodes: [created(0), created(1)] }));
    await clusters.insert(aCluster({ id: id('b') }));
    await clusters.insert(aDeleting({ id: id('d'), deletingSince: LAUNCH }));
    await clusters.insert(anEnded({ id: id('e') }));
    await schedules.insert(aSchedule());
    const refusal = (await refusalOfRemoval(deployment, LAUNCH)) ?? '';
    expect(refusal).toContain(
      `${id('a')}  running  teardown at 2026-11-13T08:57:00.000Z  nodes: 2`,
    );
    expect(refusal).toContain(`${id('b')}  provisioning  teardown at`);
    expect(refusal).toContain(`${id('d')}  deleting  since 2026-11-10T15:00:00.000Z`);
    expect(refusal).not.toContain(id('e'));
    expect(refusal).toContain('Enabled schedules, which launch more clusters: 1.');
    expect(refusal).toContain('npm run drain -- --stage prod');
    expect(refusal).toContain(`${OVERRIDE}=prod`);
  });

  it('is refused while a live cluster has a record that can not be read', async () => {
    const { clusters, deployment } = await aTable();
    await clusters.insert({ ...aRunning({ id: id('a') }), budget: 'much' as never });
    expect(await refusalOfRemoval(deployment, LAUNCH)).toContain(
      `${id('a')}  its record is unreadable: its field record.budget is damaged (see Unreadable`,
    );
  });

  it('is allowed where no cluster lives, also with schedules and ended clusters', async () => {
    const { clusters, schedules, deployment } = await aTable();
    await clusters.insert(anEnded({ id: id('e') }));
    await schedules.insert(aSchedule());
    expect(await refusalOfRemoval(deployment)).toBeNull();
  });

  it('is allowed where there is no table', async () => {
    const { deployment } = await aTable();
    expect(await refusalOfRemoval({ ...deployment, tableName: 'onebuck-gone' })).toBeNull();
  });

  it('is refused where the table can not be read', async () => {
    const mock = mockClient(DynamoDBClient);
    onTestFinished(() => mock.restore());
    const denied = Object.assign(new Error('no dynamodb:Query'), { name: 'AccessDeniedException' });
    mock.on(QueryCommand).rejects(denied);
    const deployment = { aws: {}, stage: 'prod', tableName: TableName };
    const refusal = await refusalOfRemoval(deployment);
    expect(refusal).toContain(`as ${TableName} can't be read: no dynamodb:Query`);
    expect(refusal).toContain(`${OVERRIDE}=prod`);
  });
});

describe('a deployment that changes the table', () => {
  const properties = { ...TABLE, TableName } as Readonly<Record<string, unknown>>;
  const template = (changes = {}, Type = 'AWS::DynamoDB::Table'): Template => ({
    Resources: { ClustersTable: { Type, Properties: { ...properties, ...changes } } },
  });
  const deployed = { ...TABLE, TableName };
  const other = [{ AttributeName: 'owner', KeyType: 'HASH' }];
  const numeric = TABLE.AttributeDefinitions?.map((definition) => ({
    ...definition,
    AttributeType: 'N',
  }));

  it('does not replace a table that is unchanged, or gets an index or setting', () => {
    expect(replacementOf(template(), deployed)).toBeNull();
    const more = { GlobalSecondaryIndexes: [], BillingMode: 'PROVISIONED' };
    expect(replacementOf(template(more), deployed)).toBeNull();
    const attributes = [...(TABLE.AttributeDefinitions ?? [])].toReversed();
    const added = [...attributes, { AttributeName: 'x', AttributeType: 'N' }];
    expect(replacementOf(template({ AttributeDefinitions: added }), deployed)).toBeNull();
  });

  it.each<[string, Template, string]>([
    ['it is left out', { Resources: {} }, 'has no table ClustersTable'],
    ['it becomes another thing', template({}, 'AWS::DynamoDB::GlobalTable'), 'has no table'],
    ['its name changes', template({ TableName: 'new' }), 'its TableName becomes "new"'],
    ['its name is left to CloudFormation', template({ TableName: undefined }), 'its TableName'],
    ['its key changes', template({ KeySchema: other }), 'becomes owner (HASH), from id (HASH)'],
    ['a key gets a type', template({ AttributeDefinitions: numeric }), 'attribute id becomes N'],
  ])('replaces the table where %s', (_, changed, why) => {
    expect(replacementOf(changed, deployed)).toContain(why);
  });

  function anAws() {
    const lambda = mockClient(LambdaClient);
    const dynamodb = mockClient(DynamoDBClient);
    const secrets = mockClient(SecretsManagerClient);
    const sts = mockClient(STSClient);
    const s3 = mockClient(S3Client);
    onTestFinished(() => {
      for (const mock of [lambda, dynamodb, secrets, sts, s3]) mock.restore();
    });
    secrets.on(DescribeSecretCommand, { SecretId: 'onebuck/prod' }).resolves({});
    sts.on(GetCallerIdentityCommand).resolves({ Account: '123456789012' });
    s3.on(HeadBucketCommand).rejects(new NotFound(notThere));
    dynamodb.on(DescribeTableCommand).rejects(new ResourceNotFoundException(notThere));
    lambda
      .on(GetFunctionConfigurationCommand)
      .rejects(new FunctionNotFound({ ...notThere, Message: 'no', Type: 'User' }));
    const isDeployed = () =>
      lambda
        .on(GetFunctionConfigurationCommand, { FunctionName: 'onebuck-prod-reconcile' })
        .resolves({ Environment: { Variables: { TABLE_NAME: TableName } } });
    return { lambda, dynamodb, secrets, s3, isDeployed };
  }
  const aws = { region: 'eu-west-1' };
  const deployment = { aws, stage: 'prod', tableName: TableName };
  const refusal = (changed: Template) => refusalOfDeploy(deployment, changed);
  const notThere = { message: 'no', $metadata: {} };

  it('is refused where it replaces the table of the deployed functions', async () => {
    const { dynamodb, isDeployed } = anAws();
    isDeployed();
    dynamodb.on(DescribeTableCommand, { TableName }).resolves({ Table: deployed });
    expect(await refusal(template())).toBeNull();
    expect(await refusal(template({ TableName: 'new' }))).toMatch(/take onebuck-prod-clusters/);
  });

  it('is refused where the reaper would not tick', async () => {
    anAws();
    const rule = (State: string) => ({ Type: 'AWS::Events::Rule', Properties: { State } });
    const withRule = (name: string, State: string) => ({ Resources: { [name]: rule(State) } });
    const reaper = 'ReapEventsRuleSchedule1';
    expect(await refusal(withRule(reaper, 'DISABLED'))).toMatch(
      /^ReapEventsRule\w+ would not tick/,
    );
    expect(await refusal(withRule(reaper, 'ENABLED'))).toBeNull();
    // Without DIGEST its function does not tick.
    expect(await refusal(withRule('DigestEventsRuleSchedule1', 'DISABLED'))).toBeNull();
  });

  it('is allowed before the first deployment, and after the table is gone', async () => {
    const { isDeployed } = anAws();
    expect(await refusal(template())).toBeNull();
    isDeployed();
    expect(await refusal(template({ TableName: 'new' }))).toBeNull();
  });

  it('is refused where a table is left of a stack that is gone, with what to do', async () => {
    const { dynamodb } = anAws();
    dynamodb.on(DescribeTableCommand, { TableName }).resolves({ Table: deployed });
    const refused = await refusal(template());
    expect(refused).toContain(`There is a table ${TableName}, but no stack`);
    expect(refused).toContain(
      `aws dynamodb update-table --table-name ${TableName} --no-deletion-protection-enabled`,
    );
    expect(refused).toContain(`aws dynamodb delete-table --table-name ${TableName}`);
  });

  it('is refused where a bucket is left of a stack that is gone, with what to do', async () => {
    const { s3, isDeployed } = anAws();
    const Bucket = 'onebuck-prod-jobs-123456789012-eu-west-1';
    s3.on(HeadBucketCommand, { Bucket }).resolves({});
    const refused = await refusal(template());
    expect(refused).toContain(`There is a bucket ${Bucket}, but no stack`);
    expect(refused).toContain(`aws s3 rb s3://${Bucket} --force`);
    isDeployed();
    expect(await refusal(template())).toBeNull();
  });

  it('is refused where nobody may look for a bucket that is left', async () => {
    const { s3 } = anAws();
    s3.on(HeadBucketCommand).rejects(new Error('no s3:ListBucket'));
    expect(await refusal(template())).toMatch(/does not know whether .*: no s3:ListBucket/);
  });

  it('is refused where the deployed table can not be read', async () => {
    const { dynamodb, isDeployed } = anAws();
    isDeployed();
    dynamodb.on(DescribeTableCommand).rejects(new Error('no dynamodb:DescribeTable'));
    expect(await refusal(template())).toMatch(
      /does not know whether .*: no dynamodb:DescribeTable/,
    );
  });
});

describe('a deployment without its secret', () => {
  function aSecretsManager() {
    const secrets = mockClient(SecretsManagerClient);
    onTestFinished(() => secrets.restore());
    return secrets;
  }
  const aws = { region: 'eu-west-1' };
  const refusal = () => refusalOfDeploy({ aws, stage: 'prod', tableName: TableName }, {});

  it('is refused, with the region and what to do', async () => {
    const missing = new SecretNotFound({ message: 'no', $metadata: {} });
    aSecretsManager().on(DescribeSecretCommand, { SecretId: 'onebuck/prod' }).rejects(missing);
    const refused = await refusal();
    expect(refused).toContain('There is no secret onebuck/prod in eu-west-1');
    expect(refused).toContain('If the secret is in another region, deploy there');
    expect(refused).toContain('npm run setup -- --stage prod --region eu-west-1');
  });

  it('is refused where the secret is about to be deleted, with how to keep it', async () => {
    aSecretsManager().on(DescribeSecretCommand).resolves({ DeletedDate: new Date() });
    expect(await refusal()).toContain(
      'aws secretsmanager restore-secret --region eu-west-1 --secret-id onebuck/prod',
    );
  });

  it('is refused where nobody may look for the secret', async () => {
    aSecretsManager().on(DescribeSecretCommand).rejects(new Error('not authorized'));
    expect(await refusal()).toMatch(/whether there is a secret .*DescribeSecret.*not authorized/);
  });
});

describe('the protection of the table against deletion', () => {
  function aTableProtected(isProtected?: boolean) {
    const mock = mockClient(DynamoDBClient);
    onTestFinished(() => mock.restore());
    const Table = { TableName, DeletionProtectionEnabled: isProtected };
    mock.on(DescribeTableCommand, { TableName }).resolves({ Table });
    mock.on(UpdateTableCommand).resolves({});
    const changes = () => mock.commandCalls(UpdateTableCommand).map(({ args }) => args[0].input);
    return { mock, changes };
  }
  const deployment = { aws: {}, tableName: TableName };

  it.each([
    ['on', false, true],
    ['on', undefined, true],
    ['off', true, false],
  ])('is switched %s if it was %s', async (_, before, isKept) => {
    const { changes } = aTableProtected(before);
    await setProtection(deployment, isKept);
    expect(changes()).toEqual([{ TableName, DeletionProtectionEnabled: isKept }]);
  });

  it.each([true, false])('stays as it is if it is right: %s', async (isKept) => {
    const { changes } = aTableProtected(isKept);
    await setProtection(deployment, isKept);
    expect(changes()).toEqual([]);
  });

  it('that can not be switched on fails the deployment', async () => {
    const { mock } = aTableProtected();
    mock.on(UpdateTableCommand).rejects(new Error('no dynamodb:UpdateTable'));
    await expect(setProtection(deployment, true)).rejects.toThrow(
      /onebuck-prod-clusters .* could not be switched on: no dynamodb:UpdateTable\nDeploy again/,
    );
  });

  it('comes only after a deployment that has succeeded, and follows KEEP_TABLE', async () => {
    // A template that protects the table leaves the table behind if the first deployment fails.
    expect(TABLE).not.toHaveProperty('DeletionProtectionEnabled');
    for (const [KEEP_TABLE, isProtected] of [
      ['true', false],
      ['false', true],
    ] as const) {
      const { mock, changes } = aTableProtected(isProtected);
      const provider = { getStage: () => 'prod', getAwsSdkV3Config: async () => ({}) };
      const service = { custom: { table: TableName, settings: { KEEP_TABLE } } };
      const { default: Guard } = await import(PLUGIN);
      const { hooks } = new Guard({ getProvider: () => provider, service }, {}, { log });
      await hooks['after:aws:deploy:deploy:updateStack']();
      expect(changes()).toEqual([{ TableName, DeletionProtectionEnabled: !isProtected }]);
      mock.restore();
    }
  });
});

describe('serverless remove', () => {
  /** Runs the command with only a DynamoDB: unless it is refused, it fails at its next call. */
  const remove = async (url: string, env: Readonly<Record<string, string>> = {}) => {
    const aws = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_ENDPOINT_URL_DYNAMODB: url,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      SLS_AWS_REQUEST_MAX_RETRIES: '0',
    };
    const all = { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...aws, ...env };
    const running = startNode([serverlessBin, 'remove', '--stage', 'prod'], all);
    const { code, stdout, stderr } = await ended(running);
    return { code, printed: stdout + stderr };
  };

  it('is refused by the guard, unless the override names the stage', async () => {
    const { url, clusters } = await aTable();
    await clusters.insert(aRunning({ id: id('a') }));
    const refused = await remove(url, { [OVERRIDE]: 'dev' });
    expect(refused.code).toBe(1);
    expect(refused.printed).toContain(`${id('a')}  running`);
    expect(refused.printed).not.toContain('127.0.0.1:9');
    const overridden = await remove(url, { [OVERRIDE]: 'prod' });
    expect(overridden.printed).toContain(
      `Removing the stack all the same, since ${OVERRIDE} is set`,
    );
    expect(overridden.printed).toContain('127.0.0.1:9');
  });
});
