import {
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  ResourceNotFoundException as SecretNotFound,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createClusterStore } from '../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../lib/adapters/dynamodb/schedules.ts';
import { type EpochMs, epochMs, toIso } from '../lib/core/base/units.ts';
import { lifeOf } from '../lib/core/cluster/life.ts';
import type { LiveRecord } from '../lib/core/cluster/record.ts';
import { messageOf } from './advice.ts';
import { type Deployment, deployedEnvironment, type Template } from './deployment.ts';
import { readLive, unreadableText } from './drain-command.ts';
import { refusalForLeftBucket } from './job-bucket.ts';
import { secretIdOf } from './token-commands.ts';

/**
 * Why the stack must not be removed now; null: it may be removed. Removing the stack removes the
 * reaper and the sweeper; Linode then bills the live clusters until a person deletes them.
 */
export async function refusalOfRemoval(
  { aws, stage, tableName }: Deployment,
  now: EpochMs = epochMs(Date.now()),
): Promise<string | null> {
  const client = new DynamoDBClient(aws);
  try {
    const { clusters, unreadable } = await readLive(createClusterStore(client, tableName));
    if (clusters.length + unreadable.length === 0) return null;
    const schedules = await createScheduleStore(client, tableName).list(null);
    const enabled = schedules.filter((schedule) => schedule.enabled).length;
    return [
      `${stage} has live clusters, which nothing destroys once the stack is gone:`,
      ...clusters.map((record) => `  ${lineOf(record, now)}`),
      ...unreadable.map((record) => `  ${unreadableText(record)}`),
      ...(enabled === 0 ? [] : [`Enabled schedules, which launch more clusters: ${enabled}.`]),
      'First destroy the clusters and pause the schedules:',
      `  npm run drain -- --stage ${stage}`,
      insteadOf(stage),
    ].join('\n');
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    return [
      `The guard does not know whether ${stage} has live clusters, as ${tableName} can't be ` +
        `read: ${messageOf(error)}`,
      'Once the stack is gone, nothing destroys live clusters. Make the table readable, or check',
      `in Linode's console that no Linode has the tag onebuck-${stage}.`,
      insteadOf(stage),
    ].join('\n');
  } finally {
    client.destroy();
  }
}

/** Must be set to the stage, so that a variable left in a shell does not apply to another stage. */
export const OVERRIDE = 'ABANDON_CLUSTERS';

const insteadOf = (stage: string) =>
  `To remove the stack all the same, and delete its Linodes by hand: ${OVERRIDE}=${stage}`;

function lineOf(record: LiveRecord, now: EpochMs): string {
  const teardown =
    record.phase === 'deleting'
      ? `since ${toIso(record.deletingSince)}`
      : `teardown at ${toIso(lifeOf(record, now).teardownAt)}`;
  return `${record.id}  ${record.phase}  ${teardown}  nodes: ${record.nodes.length}`;
}

/**
 * Why the template must not be deployed; null: it may be deployed. Refuses:
 *
 * - one whose reaper and sweeper would not tick;
 * - a deployment whose secret is not there, so that its functions could do nothing;
 * - a first deployment that would find the table or the bucket of an earlier one in its way, and fail;
 * - a template by which CloudFormation would replace the table: the new table would be empty, so
 *   that Onebuck forgets the live clusters and all history.
 */
export async function refusalOfDeploy(
  deployment: Deployment,
  template: Template,
): Promise<string | null> {
  return (
    refusalForTicks(template) ??
    (await refusalForSecret(deployment)) ??
    (await refusalForTable(deployment, template)) ??
    (await refusalForLeftBucket(deployment))
  );
}

/** The names of the rules by which the reaper and the sweeper tick; DIGEST stops others. */
const KILLERS = /^(Reap|Sweep)/;

/** Without their ticks, neither the reaper nor the sweeper destroys anything. */
function refusalForTicks({ Resources = {} }: Template): string | null {
  const idle = Object.entries(Resources).filter(
    ([name, { Type, Properties }]) =>
      Type === 'AWS::Events::Rule' && Properties?.State === 'DISABLED' && KILLERS.test(name),
  );
  if (idle.length === 0) return null;
  const rules = idle.map(([name]) => name).join(', ');
  return `${rules} would not tick, and clusters would live on. Deploy without --param eventBridge=false.`;
}

async function refusalForSecret({ aws, stage }: Deployment): Promise<string | null> {
  const client = new SecretsManagerClient(aws);
  const SecretId = secretIdOf({ stage });
  const region = await client.config.region();
  try {
    const { DeletedDate } = await client.send(new DescribeSecretCommand({ SecretId }));
    if (DeletedDate === undefined) return null;
    return [
      `The secret ${SecretId} in ${region} is scheduled for deletion, and can't be read. To keep it:`,
      `  aws secretsmanager restore-secret --region ${region} --secret-id ${SecretId}`,
    ].join('\n');
  } catch (error) {
    if (error instanceof SecretNotFound) {
      return [
        `There is no secret ${SecretId} in ${region}, and without it Onebuck can do nothing.`,
        'If the secret is in another region, deploy there, by --region or AWS_REGION. Otherwise',
        'make the secret first, or once more, if it is lost:',
        `  npm run setup -- --stage ${stage} --region ${region}`,
      ].join('\n');
    }
    return (
      `The guard does not know whether there is a secret ${SecretId} in ${region} ` +
      `(secretsmanager:DescribeSecret): ${messageOf(error)}`
    );
  } finally {
    client.destroy();
  }
}

async function refusalForTable(
  { aws, stage, tableName }: Deployment,
  template: Template,
): Promise<string | null> {
  const lambda = new LambdaClient(aws);
  const dynamodb = new DynamoDBClient(aws);
  try {
    const environment = await deployedEnvironment(lambda, stage);
    const TableName = environment === null ? tableName : environment.TABLE_NAME;
    if (TableName === undefined) return null;
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    if (environment === null) return leftOver(TableName);
    const change = Table === undefined ? null : replacementOf(template, { ...Table, TableName });
    if (change === null) return null;
    return (
      `This deploy would take ${TableName} from the functions: ${change}. Onebuck would forget ` +
      'the live clusters and all history. Undo the change of the table, or deploy another stage.'
    );
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    return (
      `The guard does not know whether this deploy would replace the table of ${stage}: ` +
      messageOf(error)
    );
  } finally {
    lambda.destroy();
    dynamodb.destroy();
  }
}

const leftOver = (tableName: string) =>
  [
    `There is a table ${tableName}, but no stack: a removed stack, or a first deployment that`,
    'failed, has left the table. This deploy would fail with "already exists". Delete the table:',
    `  aws dynamodb update-table --table-name ${tableName} --no-deletion-protection-enabled`,
    `  aws dynamodb delete-table --table-name ${tableName}`,
    'DynamoDB keeps a backup of its last state for 35 days. "When the table is lost" in',
    'docs/operate.md says how to restore schedules and history from the backup.',
  ].join('\n');

/**
 * Switches on the table's protection against deletion, or off if `isKept` is false. Called after
 * each deployment that has succeeded. The template can't say so: CloudFormation would protect the
 * table of a first deployment that then fails, could not delete the table any more, and the next
 * deployment would fail with "already exists".
 */
export async function setProtection(
  { aws, tableName: TableName }: Omit<Deployment, 'stage'>,
  isKept: boolean,
): Promise<void> {
  const dynamodb = new DynamoDBClient(aws);
  try {
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    if ((Table?.DeletionProtectionEnabled ?? false) === isKept) return;
    const change = { TableName, DeletionProtectionEnabled: isKept };
    await dynamodb.send(new UpdateTableCommand(change));
  } catch (error) {
    throw new Error(
      `The stack is deployed, but the protection of ${TableName} against deletion could not be ` +
        `switched ${isKept ? 'on' : 'off'}: ${messageOf(error)}\nDeploy again.`,
    );
  } finally {
    dynamodb.destroy();
  }
}

const LOGICAL_ID = 'ClustersTable';

/** The change by which CloudFormation would remove or replace the table; null: there is none. */
export function replacementOf(
  template: Template,
  deployed: Pick<TableDescription, 'TableName' | 'KeySchema' | 'AttributeDefinitions'>,
): string | null {
  const { Type, Properties = {} } = template.Resources?.[LOGICAL_ID] ?? {};
  if (Type !== 'AWS::DynamoDB::Table') return `the template has no table ${LOGICAL_ID}`;
  const { TableName } = Properties;
  if (TableName !== deployed.TableName) return `its TableName becomes ${JSON.stringify(TableName)}`;
  const oldKeys = keysOf(deployed.KeySchema);
  const newKeys = keysOf(Properties.KeySchema);
  if (oldKeys !== newKeys) return `its KeySchema becomes ${newKeys}, from ${oldKeys}`;
  const oldTypes = typesOf(deployed.AttributeDefinitions);
  for (const [name, newType] of typesOf(Properties.AttributeDefinitions)) {
    const oldType = oldTypes.get(name) ?? newType;
    if (oldType !== newType) {
      return `the type of its attribute ${name} becomes ${newType}, from ${oldType}`;
    }
  }
  return null;
}

type Rows = readonly Readonly<Record<string, unknown>>[];
const rowsOf = (value: unknown): Rows => (Array.isArray(value) ? value : []);

const keysOf = (schema: unknown): string =>
  rowsOf(schema)
    .map(({ AttributeName, KeyType }) => `${AttributeName} (${KeyType})`)
    .toSorted()
    .join(', ');

const typesOf = (definitions: unknown): Map<unknown, unknown> =>
  new Map(
    rowsOf(definitions).map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
