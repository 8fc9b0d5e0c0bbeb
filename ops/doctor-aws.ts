import {
  type CloudWatchClient,
  DescribeAlarmsCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import { GetAccountSettingsCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ListSubscriptionsByTopicCommand, type SNSClient } from '@aws-sdk/client-sns';
import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { faultsOfSecret } from '../lib/adapters/aws/secrets-manager.ts';
import { minutes } from '../lib/core/base/units.ts';
import { adviceOn, areBadCredentials, messageOf } from './advice.ts';
import { fieldsOf, hashesOf } from './api-tokens.ts';
import type { Deployed } from './deployment.ts';
import { type Finding, ok, warning, wrong } from './doctor-findings.ts';
import { isBucketThere } from './job-bucket.ts';
import { linodeTokenIn } from './secret-fields.ts';
import { read, secretIdOf } from './token-commands.ts';

/* The doctor's checks of AWS. They only read. */

/** The stage that the doctor looks at. */
export interface Place {
  readonly stage: string;
  readonly region: string;
}

export const CALLER = 'AWS credentials';

/** `areBad`: nothing else in AWS can be asked with these credentials. */
export interface CallerCheck {
  readonly finding: Finding;
  readonly areBad: boolean;
}

export async function checkCaller(client: STSClient, { stage }: Place): Promise<CallerCheck> {
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    const finding = ok(CALLER, `you are ${Arn}, in the account ${Account}`);
    return { finding, areBad: false };
  } catch (error) {
    if (!areBadCredentials(error)) throw error;
    const command = { stage, secretId: secretIdOf({ stage }), actions: [] };
    return { finding: wrong(CALLER, adviceOn(error, command) ?? messageOf(error)), areBad: true };
  }
}

export const QUOTA = 'Functions at once';

/** Fewer functions at once than this may have to wait for each other (docs/operate.md). */
const FUNCTIONS_ENOUGH = 100;

export async function checkQuota(client: LambdaClient, { region }: Place): Promise<Finding[]> {
  const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
  const limit = AccountLimit?.ConcurrentExecutions ?? 0;
  if (limit >= FUNCTIONS_ENOUGH) return [ok(QUOTA, `Lambda may run ${limit} in ${region}`)];
  return [
    warning(
      QUOTA,
      `Lambda may run only ${limit} in ${region}: requests may be refused for a while when many ` +
        `come at once. Ask AWS for ${FUNCTIONS_ENOUGH}: aws service-quotas ` +
        `request-service-quota-increase --region ${region} --service-code lambda --quota-code ` +
        `L-B99A9384 --desired-value ${FUNCTIONS_ENOUGH}`,
    ),
  ];
}

export const SECRET = 'Secret';

/** `linodeToken` null: the secret has none that can be used. */
export interface SecretCheck {
  readonly findings: readonly Finding[];
  readonly linodeToken: string | null;
}

/** Reads the secret as the functions do. The findings never quote it. */
export async function checkSecret(
  client: SecretsManagerClient,
  { stage, region }: Place,
  isDeployed: boolean,
): Promise<SecretCheck> {
  const id = secretIdOf({ stage });
  const setup = `npm run setup -- --stage ${stage} --region ${region}`;
  let text: string;
  try {
    text = (await read(client, id)).SecretString ?? '';
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) {
      const command = { stage, secretId: id, actions: ['GetSecretValue'] };
      throw new Error(adviceOn(error, command) ?? messageOf(error));
    }
    const missing = `there is no ${id} in ${region}`;
    const finding = isDeployed
      ? wrong(
          SECRET,
          `${missing}, and without it ${stage} can do nothing, not even destroy Linodes. ` +
            `Make it again: ${setup}`,
        )
      : warning(SECRET, `${missing} yet. Before the deploy, make it: ${setup}`);
    return { findings: [finding], linodeToken: null };
  }
  const faults = faultsOfSecret(text);
  if (faults.length > 0) {
    const names = new Intl.ListFormat('en-GB').format(faults);
    const help = 'MalformedSecret in docs/operate.md says what to do';
    const found = wrong(SECRET, `${id} in ${region} is malformed in ${names}. ${help}`);
    const isUsable = !faults.includes('linodeToken') && !faults.includes('the whole');
    return { findings: [found], linodeToken: isUsable ? linodeTokenIn(text) : null };
  }
  const lacking = [
    ...(['passwordKey', 'webhookKey'] as const).filter((name) => fieldsOf(text)[name] == null),
    ...([...hashesOf(text).values()].every(({ length }) => length === 0) ? ['API tokens'] : []),
  ];
  const found =
    lacking.length === 0
      ? ok(SECRET, `${id} in ${region} is complete and well-formed`)
      : warning(
          SECRET,
          `${id} in ${region} lacks ${new Intl.ListFormat('en-GB').format(lacking)}. ` +
            `Add what is missing: ${setup}`,
        );
  return { findings: [found], linodeToken: linodeTokenIn(text) };
}

/** A mail address gets nothing before its reader has confirmed AWS's first mail. */
async function checkMail(
  client: SNSClient,
  { stage, region }: Place,
  { deployed, topic, ifNobody }: { deployed: Deployed; topic: string; ifNobody: Finding },
): Promise<Finding[]> {
  const [arn = '', partition = 'aws', , , account = ''] = deployed.arn.split(':');
  const TopicArn = `${arn}:${partition}:sns:${region}:${account}:onebuck-${stage}-${topic}`;
  const command = new ListSubscriptionsByTopicCommand({ TopicArn });
  const { Subscriptions = [] } = await client.send(command);
  const mails = Subscriptions.filter(({ Protocol }) => Protocol === 'email');
  if (mails.length === 0) return [ifNobody];
  const { what } = ifNobody;
  return mails.map(({ Endpoint, SubscriptionArn }) =>
    SubscriptionArn === 'PendingConfirmation'
      ? wrong(
          what,
          `${Endpoint} has not confirmed AWS's mail, and gets nothing. Follow the link in it. To ` +
            `get the mail again: aws sns subscribe --region ${region} --topic-arn ${TopicArn} ` +
            `--protocol email --notification-endpoint ${Endpoint}`,
        )
      : ok(what, `${Endpoint} has confirmed AWS's mail`),
  );
}

export const ALARM_MAIL = 'Mail of alarms';

export const checkAlarmMail = (client: SNSClient, place: Place, deployed: Deployed) =>
  checkMail(client, place, {
    deployed,
    topic: 'alarms',
    ifNobody: warning(ALARM_MAIL, 'nobody gets it. Set ALARM_EMAIL, and deploy'),
  });

export const NOTICE_MAIL = 'Mail of notices';

export const checkNoticeMail = (client: SNSClient, place: Place, deployed: Deployed) =>
  checkMail(client, place, {
    deployed,
    topic: 'notices',
    ifNobody: ok(NOTICE_MAIL, 'nobody gets it, as no NOTICE_EMAIL was set at the deploy'),
  });

export const JOB_FILES = 'Files of jobs';

export async function checkJobFiles(
  client: S3Client,
  { stage, region }: Place,
  { environment: { JOB_BUCKET = '' } }: Deployed,
): Promise<Finding[]> {
  if (JOB_BUCKET === '') {
    return [warning(JOB_FILES, `${stage} has no bucket yet, and runs no jobs. Deploy it again`)];
  }
  if (await isBucketThere(client, JOB_BUCKET)) return [ok(JOB_FILES, `they are in ${JOB_BUCKET}`)];
  return [
    wrong(
      JOB_FILES,
      `somebody has deleted the bucket ${JOB_BUCKET}, and no job runs without it. Make it again: ` +
        `aws s3 mb s3://${JOB_BUCKET} --region ${region}`,
    ),
  ];
}

export const ALARMS = 'Alarms';
/** For so long a new alarm may be without data. */
const NEW = minutes(30);

export async function checkAlarms(
  client: CloudWatchClient,
  { stage, region }: Place,
  nowMs: number,
): Promise<Finding[]> {
  const named = { AlarmNamePrefix: `onebuck-${stage}-`, MaxRecords: 100 };
  const answer = await client.send(new DescribeAlarmsCommand(named));
  // The names of the alarms of the stage prod-2 begin with those of prod.
  const ours = (answer.MetricAlarms ?? []).filter(({ AlarmName = '' }) =>
    /^[A-Z]/.test(AlarmName.slice(named.AlarmNamePrefix.length)),
  );
  if (ours.length === 0) {
    return [wrong(ALARMS, `${stage} has none in ${region}. Deploy again`)];
  }
  const inState = (state: string) => ours.filter(({ StateValue }) => StateValue === state);
  const isNew = ({ StateUpdatedTimestamp }: MetricAlarm) =>
    nowMs - (StateUpdatedTimestamp?.getTime() ?? 0) < NEW;
  const dataless = inState('INSUFFICIENT_DATA');
  const raised = inState('ALARM');
  const old = dataless.filter((alarm) => !isNew(alarm));
  const young = dataless.filter(isNew);
  const help = 'docs/operate.md says what to do';
  const findings = [
    ...(raised.length === 0 ? [] : [wrong(ALARMS, `raised: ${namesOf(raised)}. ${help}`)]),
    ...(old.length === 0
      ? []
      : [wrong(ALARMS, `without data for more than half an hour: ${namesOf(old)}. ${help}`)]),
    ...(young.length === 0
      ? []
      : [
          warning(
            ALARMS,
            `without data so far: ${namesOf(young)}. Run this command again in half an hour`,
          ),
        ]),
  ];
  return findings.length > 0 ? findings : [ok(ALARMS, `all ${ours.length} have data and are OK`)];
}

/** CloudFormation puts the stack before an alarm's name, and letters of its own choice after. */
const namesOf = (alarms: readonly MetricAlarm[]): string =>
  new Intl.ListFormat('en-GB').format(
    alarms.map(({ AlarmName = '' }) => AlarmName.split('-').at(-2) ?? AlarmName).toSorted(),
  );
