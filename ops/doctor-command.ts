import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { STSClient } from '@aws-sdk/client-sts';
import { isRealLinode } from '../lib/adapters/linode/client.ts';
import { messageOf } from './advice.ts';
import { npmCommand, parseDeployedStage, REGION } from './arguments.ts';
import { type Deployed, deployedFunction } from './deployment.ts';
import {
  ALARM_MAIL,
  ALARMS,
  CALLER,
  checkAlarmMail,
  checkAlarms,
  checkCaller,
  checkJobFiles,
  checkNoticeMail,
  checkQuota,
  checkSecret,
  JOB_FILES,
  NOTICE_MAIL,
  type Place,
  QUOTA,
  SECRET,
} from './doctor-aws.ts';
import {
  attempt,
  type Finding,
  findingsOf,
  ok,
  skipped,
  warning,
  wrong,
} from './doctor-findings.ts';
import { ACCOUNT, checkLinode, TOKEN, type TokenToCheck } from './doctor-linode.ts';
import type { AskLinode } from './linode-token.ts';
import { fileOf, isFileMissing, settingsOf } from './settings.ts';
import { secretIdOf } from './token-commands.ts';

export interface DoctorRequest {
  readonly stage: string;
  readonly region: string | null;
}

/** Throws, with the usage, if the arguments are wrong. */
export function parseDoctor(args: readonly string[]): DoctorRequest {
  const { stage, region = null } = npmCommand('doctor')
    .description(
      'Checks what a deployment needs, before it and after it, and says what to do. Changes nothing.',
    )
    .requiredOption('--stage <stage>', 'stage of the deployment', parseDeployedStage(NOT_DEPLOYED))
    .option(...REGION)
    .parse(args, { from: 'user' })
    .opts<{ stage: string; region?: string }>();
  return { stage, region };
}

const NOT_DEPLOYED = 'The stage local is not deployed: npm start runs it, and needs nothing.';

/** Clients of the region, with the credentials that AWS's own tools find. */
export interface AwsClients {
  readonly sts: STSClient;
  readonly lambda: LambdaClient;
  readonly secrets: SecretsManagerClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly cloudwatch: CloudWatchClient;
}

export interface DoctorDeps {
  readonly stage: string;
  readonly node: { readonly version: string; readonly least: string };
  /** The folder of the files of settings. */
  readonly folder: string;
  /** Rejects if no region is set. */
  readonly region: () => Promise<string>;
  readonly aws: (region: string) => AwsClients;
  /** The address that the next deploy gives to the functions. Throws if it can't be one. */
  readonly linodeUrl: () => string;
  readonly askLinode: (url: string) => AskLinode;
  /** The value of LINODE_TOKEN; empty: it is not set. */
  readonly linodeToken: string;
  readonly nowMs: number;
}

/** All findings, in the order in which a person deals with them. Never throws. */
export async function examine(deps: DoctorDeps): Promise<readonly Finding[]> {
  const { stage } = deps;
  const region = await deps.region().catch(() => null);
  const aws =
    region === null
      ? withoutAws([skipped(CALLER, NO_REGION_SET)], NO_REGION_SET)
      : await examineAws(deps, { stage, region });
  return [
    nodeFinding(deps.node),
    region === null ? NO_REGION : ok('AWS region', `${region}, for secret and stack`),
    ...aws.before,
    settingsFinding(deps),
    ...(await examineLinode(deps, aws)),
    ...aws.after,
  ];
}

function nodeFinding({ version, least }: DoctorDeps['node']): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (isEnough) return ok('Node', `${version}`);
  return wrong('Node', `${version} is too old. Install ${least} or later`);
}

const SETTINGS = 'Settings';

function settingsFinding({ stage, folder }: DoctorDeps): Finding {
  const file = fileOf(stage);
  if (isFileMissing(folder, stage)) {
    const copying = `cp settings.example.yml ${file}, and set who gets alarms, and the caps`;
    return warning(SETTINGS, `there is no ${file}, so that a deploy has the defaults: ${copying}`);
  }
  try {
    settingsOf(stage, { folder, env: {} });
    return ok(SETTINGS, `${file} is well-formed`);
  } catch (error) {
    return wrong(SETTINGS, messageOf(error));
  }
}

const NO_REGION_SET = 'not checked, as no region is set';
const NO_REGION = wrong(
  'AWS region',
  'none is set. Set AWS_REGION, or the region of your AWS profile, or give --region',
);
const DEPLOYMENT = 'Deployment';
const BEFORE_DEPLOY = [QUOTA, DEPLOYMENT, SECRET];
const AFTER_DEPLOY = [JOB_FILES, ALARM_MAIL, NOTICE_MAIL, ALARMS];

const allSkipped = (checks: readonly string[], reason: string) =>
  checks.map((what) => skipped(what, reason));

interface AwsFindings {
  readonly before: readonly Finding[];
  readonly after: readonly Finding[];
  readonly deployed: Deployed | null;
  /** The Linode token of the secret; null: there is none that can be read. */
  readonly linodeToken: string | null;
}

async function examineAws(deps: DoctorDeps, place: Place): Promise<AwsFindings> {
  const { sts, lambda, secrets } = deps.aws(place.region);
  const caller = await attempt(CALLER, () => checkCaller(sts, place));
  const ofCaller = caller.ok ? caller.value.finding : caller.finding;
  if (caller.ok && caller.value.areBad) {
    return withoutAws([ofCaller], 'not checked, for want of AWS credentials that work');
  }
  const quota = await findingsOf(QUOTA, () => checkQuota(lambda, place));
  const deployment = await attempt(DEPLOYMENT, () => deployedFunction(lambda, place.stage));
  const deployed = deployment.ok ? deployment.value : null;
  const secret = await attempt(SECRET, () => checkSecret(secrets, place, deployed !== null));
  return {
    before: [
      ofCaller,
      ...quota,
      deployment.ok ? deploymentFinding(place, deployed) : deployment.finding,
      ...(secret.ok ? secret.value.findings : [secret.finding]),
    ],
    after: deployment.ok
      ? await examineDeployed(deps, place, deployed)
      : allSkipped(AFTER_DEPLOY, `not checked, as ${place.stage} is not known to be deployed`),
    deployed,
    linodeToken: secret.ok ? secret.value.linodeToken : null,
  };
}

async function examineDeployed(
  { aws, nowMs }: DoctorDeps,
  place: Place,
  deployed: Deployed | null,
): Promise<readonly Finding[]> {
  if (deployed === null) return [];
  const { s3, sns, cloudwatch } = aws(place.region);
  return [
    ...(await findingsOf(JOB_FILES, () => checkJobFiles(s3, place, deployed))),
    ...(await findingsOf(ALARM_MAIL, () => checkAlarmMail(sns, place, deployed))),
    ...(await findingsOf(NOTICE_MAIL, () => checkNoticeMail(sns, place, deployed))),
    ...(await findingsOf(ALARMS, () => checkAlarms(cloudwatch, place, nowMs))),
  ];
}

const withoutAws = (before: readonly Finding[], reason: string): AwsFindings => ({
  before: [...before, ...allSkipped(BEFORE_DEPLOY, reason)],
  after: allSkipped(AFTER_DEPLOY, reason),
  deployed: null,
  linodeToken: null,
});

const deploymentFinding = ({ stage, region }: Place, deployed: Deployed | null): Finding =>
  ok(DEPLOYMENT, `${stage} is ${deployed === null ? 'not yet ' : ''}deployed in ${region}`);

async function examineLinode(
  deps: DoctorDeps,
  { deployed, linodeToken }: AwsFindings,
): Promise<readonly Finding[]> {
  const url = await attempt(
    SERVER,
    async () => deployed?.environment.LINODE_API_URL ?? deps.linodeUrl(),
  );
  if (!url.ok) {
    return [url.finding, ...allSkipped([TOKEN, ACCOUNT], 'not checked, for want of the address')];
  }
  const { stage } = deps;
  const token: TokenToCheck | null =
    linodeToken !== null
      ? {
          token: linodeToken,
          source: secretIdOf({ stage }),
          remedy: `Then: npm run setup -- --stage ${stage} --rotate-linode-token`,
        }
      : deps.linodeToken === ''
        ? null
        : { token: deps.linodeToken, source: 'LINODE_TOKEN', remedy: '' };
  return [
    serverFinding(url.value),
    ...(token === null
      ? allSkipped(
          [TOKEN, ACCOUNT],
          'not checked, as no secret could be read: to check a token now, set LINODE_TOKEN',
        )
      : await checkLinode(deps.askLinode(url.value), token)),
  ];
}

const SERVER = 'Linode API';

function serverFinding(url: string): Finding {
  if (isRealLinode(url)) return ok(SERVER, url);
  return warning(
    SERVER,
    `${url} is asked in place of Linode, as LINODE_API_URL says. Unset it, unless you mean to`,
  );
}
