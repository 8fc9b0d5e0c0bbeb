import {
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { createClusterStore } from '../lib/adapters/dynamodb/clusters.ts';
import { createScheduleStore } from '../lib/adapters/dynamodb/schedules.ts';
import { type EpochMs, epochMs, toIso } from '../lib/core/base/units.ts';
import { lifeOf } from '../lib/core/cluster/life.ts';
import type { LiveRecord } from '../lib/core/cluster/record.ts';
import { messageOf } from './advice.ts';
import { deployedEnvironment } from './deployment.ts';
import { readLive } from './drain-command.ts';

/** Region and credentials, as the framework has them. */
export type AwsConfig = Pick<
  DynamoDBClientConfig,
  'region' | 'credentials' | 'requestHandler' | 'endpoint'
>;

export interface Deployment {
  readonly aws: AwsConfig;
  readonly stage: string;
  /** As serverless.yml names it. */
  readonly tableName: string;
}

/**
 * Why the stack must not be removed now; null: it may be. What is refused costs money for as long
 * as nobody looks: with the stack go reaper and sweeper, and Linode bills on.
 */
export async function refusalOfRemoval(
  { aws, stage, tableName }: Deployment,
  now: EpochMs = epochMs(Date.now()),
): Promise<string | null> {
  const client = new DynamoDBClient(aws);
  try {
    const live = await readLive(createClusterStore(client, tableName));
    if (live.length === 0) return null;
    const schedules = await createScheduleStore(client, tableName).list(null);
    const on = schedules.filter(({ enabled }) => enabled).length;
    return [
      `${stage} has live clusters, which nothing destroys once the stack is gone:`,
      ...live.map((record) => `  ${lineOf(record, now)}`),
      ...(on === 0 ? [] : [`Schedules that are on and launch more: ${on}.`]),
      'Destroy them first, and pause the schedules:',
      `  npm run drain -- --stage ${stage}`,
      insteadOf(stage),
    ].join('\n');
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    return [
      `Whether clusters of ${stage} live is not known, as ${tableName} can't be read: ` +
        `${messageOf(error)}`,
      'Once the stack is gone nothing destroys them. Mend that, or see that no Linode bears the',
      `tag onebuck-${stage}.`,
      insteadOf(stage),
    ].join('\n');
  } finally {
    client.destroy();
  }
}

/** Its value is the stage, so that one left in a shell does not reach another. */
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

/** A CloudFormation template, as far as the table goes. */
export interface Template {
  readonly Resources?: Readonly<
    Record<string, { readonly Type?: unknown; readonly Properties?: TableDeclared }>
  >;
}

type TableDeclared = Readonly<Record<string, unknown>>;

/**
 * Why the template must not be deployed; null: it may be, also where nothing is deployed yet. A
 * table that is replaced begins empty: live clusters would be forgotten, and all history.
 */
export async function refusalOfDeploy(
  { aws, stage }: Omit<Deployment, 'tableName'>,
  template: Template,
): Promise<string | null> {
  const lambda = new LambdaClient(aws);
  const dynamodb = new DynamoDBClient(aws);
  try {
    const environment = await deployedEnvironment(lambda, stage);
    const TableName = environment?.TABLE_NAME;
    if (TableName === undefined) return null;
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    const change = Table === undefined ? null : replacementOf(template, { ...Table, TableName });
    if (change === null) return null;
    return (
      `This deploy would take ${TableName} from the functions: ${change}. Live clusters and all ` +
      'history would be forgotten. Undo that change of the table, or deploy it as another stage.'
    );
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    return `Whether this deploy would replace the table of ${stage} is not known: ${messageOf(error)}`;
  } finally {
    lambda.destroy();
    dynamodb.destroy();
  }
}

const LOGICAL_ID = 'ClustersTable';

/** What in the template would have CloudFormation drop or replace the table; null: nothing. */
export function replacementOf(
  template: Template,
  deployed: Pick<TableDescription, 'TableName' | 'KeySchema' | 'AttributeDefinitions'>,
): string | null {
  const { Type, Properties = {} } = template.Resources?.[LOGICAL_ID] ?? {};
  if (Type !== 'AWS::DynamoDB::Table') return `the template has no table ${LOGICAL_ID}`;
  const { TableName } = Properties;
  if (TableName !== deployed.TableName) return `its TableName becomes ${JSON.stringify(TableName)}`;
  const keys = keysOf(deployed.KeySchema);
  const keysNow = keysOf(Properties.KeySchema);
  if (keys !== keysNow) return `its KeySchema becomes ${keysNow}, from ${keys}`;
  const types = typesOf(deployed.AttributeDefinitions);
  for (const [name, type] of typesOf(Properties.AttributeDefinitions)) {
    const was = types.get(name) ?? type;
    if (was !== type) return `the type of its attribute ${name} becomes ${type}, from ${was}`;
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
