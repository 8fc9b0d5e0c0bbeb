import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import { GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { messageOf } from './advice.ts';
import type { AwsConfig, Deployment, Template } from './deployment.ts';
import { DEFAULTS, fileOf, LOCAL_STAGE, SETTINGS, type SettingValues } from './settings.ts';
import {
  type Change,
  changeLines,
  changesOf,
  type Settings,
  settingsIn,
  settingsOfParameters,
  type TemplateWithSettings,
} from './settings-change.ts';

export { settingsIn } from './settings-change.ts';

export interface Review {
  /** What the deployment changes of the settings; for the operator, before anything is changed. */
  readonly report: string;
  /** Why the settings must not be deployed; null: they may. */
  readonly refusal: string | null;
}

/**
 * Compares the settings of a deployment, or of a rollback, with those of the deployed stack, so that
 * no cap and no reader of alarms is lost because a line or the file is missing. Refused are:
 *
 * - a change of anything where the file of the settings is missing;
 * - a change that loosens a setting that `loosen`, names with commas between them, does not name.
 */
export async function reviewSettings(
  { aws, stage }: Pick<Deployment, 'aws' | 'stage'>,
  wanted: Settings,
  { loosen, isFileMissing }: { readonly loosen: string; readonly isFileMissing: boolean },
): Promise<Review> {
  const deployed = await deployedSettings(aws, stage).catch((error: unknown) => messageOf(error));
  if (typeof deployed === 'string') {
    const refusal =
      `The guard does not know the deployed settings of ${stage} ` +
      `(cloudformation: GetTemplate, DescribeStacks): ${deployed}`;
    return { report: '', refusal };
  }
  const changes = changesOf(deployed ?? DEFAULTS, wanted);
  const isFirst = deployed === null;
  const report = reportOf(stage, changes, isFirst);
  if (isFirst || changes.length === 0) return { report, refusal: null };
  if (isFileMissing) return { report, refusal: missingFile(stage, changes) };
  const allowed = loosen.split(',');
  const loosened = changes.filter(({ isLoosened }) => isLoosened);
  const isAllowed = loosened.every(({ name }) => allowed.includes(name));
  return { report, refusal: isAllowed ? null : refusalOf(stage, loosened) };
}

const missingFile = (stage: string, changes: readonly Change[]): string =>
  [
    `There is no ${fileOf(stage)}, so that ${stage} would get the default settings. If no other`,
    'checkout has the file, write it with the deployed values (an empty file means the defaults):',
    ...changes.flatMap(({ name, from }) => (from ? [`  ${name}: ${from}`] : [])),
  ].join('\n');

function reportOf(stage: string, changes: readonly Change[], isFirst: boolean): string {
  const lines = changeLines(changes);
  const isSame = lines.length === 0;
  if (isFirst) {
    return isSame
      ? `${stage} is deployed for the first time, with the default settings.`
      : [`${stage} is deployed for the first time. Not default:`, ...lines].join('\n');
  }
  return isSame
    ? `The settings of ${stage} stay as they are.`
    : [`The settings of ${stage} change:`, ...lines].join('\n');
}

function refusalOf(stage: string, loosened: readonly Change[]): string {
  const names = loosened.map(({ name }) => name).join(',');
  return [
    `This would loosen what is deployed of ${stage}:`,
    ...changeLines(loosened),
    `Keep the deployed values in ${fileOf(stage)}. Or, if you mean the change, add to the command:`,
    `  --param="loosen=${names}"`,
  ].join('\n');
}

/** null: nothing is deployed yet. The parameters of the stack count more than its template. */
export async function deployedSettings(aws: AwsConfig, stage: string): Promise<Settings | null> {
  const client = new CloudFormationClient(aws);
  const StackName = `onebuck-${stage}`;
  try {
    const [{ TemplateBody = '{}' }, { Stacks = [] }] = await Promise.all([
      client.send(new GetTemplateCommand({ StackName })),
      client.send(new DescribeStacksCommand({ StackName })),
    ]);
    const parameters = (Stacks[0]?.Parameters ?? []).map(
      ({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue] as const,
    );
    const settings = {
      ...settingsIn(JSON.parse(TemplateBody) as TemplateWithSettings),
      ...settingsOfParameters(Object.fromEntries(parameters)),
    };
    return Object.keys(settings).length === 0 ? null : settings;
  } catch (error) {
    // A stack that failed at its first deployment may have no template.
    if (error instanceof Error && error.message.includes('does not exist')) return null;
    throw error;
  } finally {
    client.destroy();
  }
}

/**
 * Why the environment keeps the stage from being deployed; null: it does not. A deployment reads its
 * settings only from the file. Otherwise a shell that still points at a simulator would deploy its
 * address, and a cap that somebody believes to have set in the shell would be lost.
 */
export function refusalOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  wanted: SettingValues,
  stage: string,
): string | null {
  if (stage === LOCAL_STAGE) {
    return `${stage} is the stage of npm start, without a file of settings. Deploy another stage.`;
  }
  const set = SETTINGS.filter((name) => env[name] && env[name] !== wanted[name]);
  if (set.length === 0) return null;
  const file = fileOf(stage);
  return [
    `A deployment takes its settings from ${file} only, and this shell has others:`,
    ...set.map((name) => `  ${name}=${env[name]}  (deployed would be: ${wanted[name] || 'none'})`),
    `Write them into ${file}, if you mean them. Then: unset ${set.join(' ')}`,
  ].join('\n');
}

/**
 * The template of an earlier deployment, to which `serverless rollback` goes back. null: there is
 * none of that time, as the rollback itself will say.
 *
 * @param folder The folder of the stage's deployments in the bucket.
 * @param timestamp As the rollback takes it: milliseconds, or a date in ISO 8601.
 */
export async function templateOfRollback(
  aws: AwsConfig,
  { bucket, folder, timestamp }: { bucket: string; folder: string; timestamp: string },
): Promise<(Template & TemplateWithSettings) | null> {
  const written = new Date(timestamp);
  const date = Number.isNaN(written.getTime()) ? new Date(Number(timestamp)) : written;
  if (Number.isNaN(date.getTime())) return null;
  const client = new S3Client(aws);
  const Key = `${folder}/${date.getTime()}-${date.toISOString()}/compiled-cloudformation-template.json`;
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return JSON.parse((await Body?.transformToString()) ?? '{}');
  } catch (error) {
    if (error instanceof NoSuchKey) return null;
    throw new Error(`The guard can't read the template of ${timestamp}: ${messageOf(error)}`);
  } finally {
    client.destroy();
  }
}
