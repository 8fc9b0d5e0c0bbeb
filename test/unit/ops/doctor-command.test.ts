import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import {
  GetAccountSettingsCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import { HeadBucketCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DoctorDeps, examine, parseDoctor } from '../../../ops/doctor-command.ts';
import { isHealthy, linesOf } from '../../../ops/doctor-findings.ts';
import { sha256, startSecret } from '../../support/aws.ts';
import { FULL, READER, SECRET_ID, startLinode } from './setup-world.ts';

const GOOD = {
  linodeToken: FULL,
  apiTokens: { admin: sha256('token') },
  passwordKey: 'sixteen-or-more-characters',
  webhookKey: 'sixteen-or-more-characters',
};
const JOB_BUCKET = 'onebuck-prod-jobs-123456789012-eu-west-1';
const NOW_MS = Date.parse('2026-11-25T12:00:00Z');
const minutesAgo = (count: number) => new Date(NOW_MS - count * 60_000);
const alarm = (name: string, StateValue: MetricAlarm['StateValue'], age = 1): MetricAlarm => ({
  AlarmName: `onebuck-prod-${name}-A1B2C3`,
  ...{ StateValue, StateUpdatedTimestamp: minutesAgo(age) },
});
const mail = (Endpoint: string, SubscriptionArn = 'arn:of-the-subscription') => ({
  ...{ Protocol: 'email', Endpoint, SubscriptionArn },
});
const failure = (name: string, message: string) => Object.assign(new Error(message), { name });

/** An account in which nothing is wrong, and in which prod is deployed. */
async function aWorld({ secret = GOOD as unknown, tokens = {} } = {}) {
  const { client: secrets } = await startSecret(SECRET_ID, secret);
  const { simulator, ask } = await startLinode(tokens);
  const options = { region: 'eu-west-1' };
  const aws = {
    ...{ sts: new STSClient(options), lambda: new LambdaClient(options), secrets },
    ...{ sns: new SNSClient(options), cloudwatch: new CloudWatchClient(options) },
    s3: new S3Client(options),
  };
  const sts = mockClient(aws.sts);
  const lambda = mockClient(aws.lambda);
  const sns = mockClient(aws.sns);
  const cloudwatch = mockClient(aws.cloudwatch);
  const s3 = mockClient(aws.s3);
  onTestFinished(() => {
    for (const mock of [sts, lambda, sns, cloudwatch, s3]) mock.restore();
  });
  sts
    .on(GetCallerIdentityCommand)
    .resolves({ Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/ann' });
  lambda
    .on(GetAccountSettingsCommand)
    .resolves({ AccountLimit: { ConcurrentExecutions: 1_000 } })
    .on(GetFunctionConfigurationCommand)
    .resolves({
      FunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:onebuck-prod-reconcile',
      Environment: { Variables: { LINODE_API_URL: 'https://api.linode.com/v4', JOB_BUCKET } },
    });
  s3.on(HeadBucketCommand, { Bucket: JOB_BUCKET }).resolves({});
  sns.on(ListSubscriptionsByTopicCommand).resolves({ Subscriptions: [mail('ann@example.org')] });
  cloudwatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [alarm('ReaperNotRun', 'OK')] });
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const writeSettings = (text: string) => writeFileSync(join(folder, 'settings.prod.yml'), text);
  writeSettings('MAX_NODES: 10');
  const deps: DoctorDeps = {
    stage: 'prod',
    folder,
    node: { version: '24.2.0', least: '20.19.0' },
    region: async () => 'eu-west-1',
    aws: () => aws,
    linodeUrl: () => 'https://api.linode.com/v4',
    askLinode: () => ask,
    linodeToken: '',
    nowMs: NOW_MS,
  };
  const undeploy = () =>
    lambda
      .on(GetFunctionConfigurationCommand)
      .rejects(new ResourceNotFoundException({ $metadata: {}, message: 'none' }));
  return { deps, sts, lambda, sns, cloudwatch, s3, simulator, undeploy, writeSettings };
}

/** The lines that the doctor prints, and whether nothing is wrong. */
async function run(deps: DoctorDeps) {
  const findings = await examine(deps);
  return { lines: linesOf('prod', findings), healthy: isHealthy(findings) };
}

const MARK = /^(ok|warning|wrong|unknown|-) +/;

/** The lines that are not `ok`. */
const notOk = (lines: readonly string[]) =>
  lines.filter((line) => MARK.test(line) && !line.startsWith('ok'));

const CHECKS = [
  ...['Node', 'AWS region', 'AWS credentials', 'Functions at once', 'Deployment', 'Secret'],
  ...['Settings', 'Linode API', 'Linode token', 'Linode account'],
  ...['Files of jobs', 'Mail of alarms', 'Mail of notices', 'Alarms'],
];
const checksIn = (lines: readonly string[]) =>
  lines.flatMap((line) => (MARK.test(line) ? [line.replace(MARK, '').split(':')[0]] : []));

describe('the doctor', () => {
  it('names each check, and finds nothing wrong where nothing is', async () => {
    const { deps } = await aWorld();
    const { lines, healthy } = await run(deps);
    expect(checksIn(lines)).toEqual(CHECKS);
    expect(notOk(lines)).toEqual([]);
    expect(lines.at(-1)).toBe('Nothing is wrong with prod.');
    expect(healthy).toBe(true);
    expect(lines.join('\n')).not.toContain(FULL);
  });

  it('of an empty account says that setup comes first, and fails nothing', async () => {
    const { deps, undeploy } = await aWorld({ secret: null });
    undeploy();
    const { lines, healthy } = await run(deps);
    expect(checksIn(lines)).toEqual(CHECKS.slice(0, 10));
    expect(lines).toContain('ok       Deployment: prod is not yet deployed in eu-west-1');
    expect(notOk(lines)).toEqual([
      'warning  Secret: there is no onebuck/prod in eu-west-1 yet. Before the deploy, make it: ' +
        'npm run setup -- --stage prod --region eu-west-1',
      expect.stringMatching(/^- +Linode token: not checked, .* set LINODE_TOKEN$/),
      expect.stringMatching(/^- +Linode account: not checked/),
    ]);
    expect(lines.at(-1)).toBe('Nothing is wrong with prod (warning: 1).');
    expect(healthy).toBe(true);
  });

  it('checks LINODE_TOKEN where there is no secret', async () => {
    const { deps, undeploy } = await aWorld({ secret: null });
    undeploy();
    const { lines, healthy } = await run({ ...deps, linodeToken: 'revoked' });
    expect(notOk(lines).join('\n')).toMatch(
      /^wrong +Linode token: that of LINODE_TOKEN can't be used\. Linode refuses the token.* https:\/\/cloud/m,
    );
    expect(healthy).toBe(false);
  });

  it('makes every check although one after the other fails', async () => {
    const { deps, sts, lambda, sns, cloudwatch, s3, simulator } = await aWorld();
    const refused = failure('Error', 'connect ECONNREFUSED 127.0.0.1:9');
    const faults: [string, () => unknown][] = [
      ['AWS credentials', () => sts.on(GetCallerIdentityCommand).rejects(refused)],
      ['Functions at once', () => lambda.on(GetAccountSettingsCommand).rejects(refused)],
      ['Linode token', () => simulator.setFaults([{ kind: 'maintenance503' }])],
      ['Files of jobs', () => s3.on(HeadBucketCommand).rejects(refused)],
      ['Mail of alarms', () => sns.on(ListSubscriptionsByTopicCommand).rejects(refused)],
      ['Alarms', () => cloudwatch.on(DescribeAlarmsCommand).rejects(refused)],
    ];
    for (const [index, [what, fail]] of faults.entries()) {
      fail();
      const { lines, healthy } = await run(deps);
      expect(checksIn(lines)).toEqual(CHECKS);
      const unknown = lines.filter((line) => line.startsWith('unknown'));
      expect(unknown.join('\n')).toContain(`unknown  ${what}: this could not be checked: `);
      expect(unknown).toHaveLength(index < 4 ? index + 1 : index + 2);
      expect(healthy).toBe(false);
    }
  });

  it.each([
    ['20.19.0', true],
    ['24.0.0', true],
    ['20.18.9', false],
    ['18.20.0', false],
  ])('takes Node %s: %s', async (version, healthy) => {
    const { deps } = await aWorld();
    const result = await run({ ...deps, node: { version, least: '20.19.0' } });
    expect(result.healthy).toBe(healthy);
    expect(notOk(result.lines)).toEqual(
      healthy ? [] : [`wrong    Node: ${version} is too old. Install 20.19.0 or later`],
    );
  });

  it('without a region asks AWS for nothing, and says how to set one', async () => {
    const { deps, sts } = await aWorld();
    const { lines, healthy } = await run({ ...deps, region: () => Promise.reject(new Error()) });
    expect(checksIn(lines)).toEqual(CHECKS);
    expect(lines).toContain(
      'wrong    AWS region: none is set. Set AWS_REGION, or the region of your AWS profile, or ' +
        'give --region',
    );
    expect(sts.calls()).toEqual([]);
    expect(healthy).toBe(false);
  });

  it.each([
    ['CredentialsProviderError', 'No AWS credentials were found. Set AWS_PROFILE'],
    ['InvalidClientTokenId', 'AWS refuses these credentials: sign in again'],
    ['ExpiredToken', 'AWS refuses these credentials: sign in again'],
  ])('tells of credentials that are %s in one line', async (name, text) => {
    const { deps, sts } = await aWorld();
    sts.on(GetCallerIdentityCommand).rejects(failure(name, 'As AWS says.'));
    const { lines, healthy } = await run(deps);
    expect(checksIn(lines)).toEqual(CHECKS);
    expect(lines.filter((line) => line.startsWith('wrong'))).toEqual([
      expect.stringContaining(`wrong    AWS credentials: ${text}`),
    ]);
    expect(healthy).toBe(false);
  });

  it('warns of a low limit of functions at once, and says how to raise it', async () => {
    const { deps, lambda } = await aWorld();
    lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 10 } });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      expect.stringMatching(
        /^warning +Functions at once: Lambda may run only 10 in eu-west-1: .* aws service-quotas request-service-quota-increase --region eu-west-1 .*--desired-value 100$/,
      ),
    ]);
    expect(healthy).toBe(true);
  });

  it('tells of an address that is no address of Linode', async () => {
    const { deps, undeploy } = await aWorld();
    undeploy();
    const other = await run({ ...deps, linodeUrl: () => 'http://127.0.0.1:3100/v4' });
    expect(notOk(other.lines)).toEqual([
      'warning  Linode API: http://127.0.0.1:3100/v4 is asked in place of Linode, as ' +
        'LINODE_API_URL says. Unset it, unless you mean to',
    ]);
    const broken = () => {
      throw new Error('LINODE_API_URL must be a URL that ends in /v4.');
    };
    const { lines, healthy } = await run({ ...deps, linodeUrl: broken });
    expect(lines.join('\n')).toContain('unknown  Linode API: this could not be checked: LINODE');
    expect(healthy).toBe(false);
  });
});

describe('the bucket of the files of jobs', () => {
  it('must be there', async () => {
    const { deps, s3 } = await aWorld();
    s3.on(HeadBucketCommand).rejects(new NotFound({ $metadata: {}, message: 'none' }));
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      `wrong    Files of jobs: somebody has deleted the bucket ${JOB_BUCKET}, and no job runs ` +
        `without it. Make it again: aws s3 mb s3://${JOB_BUCKET} --region eu-west-1`,
    ]);
    expect(healthy).toBe(false);
  });

  it('comes with the next deploy of a stage that was deployed before there were jobs', async () => {
    const { deps, lambda } = await aWorld();
    lambda.on(GetFunctionConfigurationCommand).resolves({ Environment: { Variables: {} } });
    const { lines } = await run(deps);
    expect(lines).toContain(
      'warning  Files of jobs: prod has no bucket yet, and runs no jobs. Deploy it again',
    );
  });
});

describe('the secret', () => {
  it('must be there where the stage is deployed', async () => {
    const { deps } = await aWorld({ secret: null });
    const { lines, healthy } = await run(deps);
    expect(lines.join('\n')).toContain(
      'wrong    Secret: there is no onebuck/prod in eu-west-1, and without it prod can do nothing',
    );
    expect(healthy).toBe(false);
  });

  it.each([
    ['passwordKey', { ...GOOD, passwordKey: 'short' }],
    ['apiTokens and webhookKey', { ...GOOD, apiTokens: { admin: 'token' }, webhookKey: 7 }],
    ['the whole', '{"linodeToken": '],
  ])('is wrong where the functions can not read %s', async (fields, secret) => {
    const { deps } = await aWorld({ secret });
    const { lines, healthy } = await run(deps);
    expect(lines.join('\n')).toContain(
      `wrong    Secret: onebuck/prod in eu-west-1 is malformed in ${fields}. MalformedSecret in ` +
        'docs/operate.md says what to do',
    );
    expect(lines.join('\n')).not.toContain(FULL);
    expect(healthy).toBe(false);
  });

  it('gives its Linode token to the check of it although another field is malformed', async () => {
    const { deps } = await aWorld({ secret: { ...GOOD, webhookKey: 'short' } });
    const { lines } = await run(deps);
    expect(lines.join('\n')).toMatch(/^ok +Linode token: that of onebuck\/prod is valid/m);
  });

  it('that lacks parts gives a warning', async () => {
    const { deps } = await aWorld({ secret: FULL });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      'warning  Secret: onebuck/prod in eu-west-1 lacks passwordKey, webhookKey and API tokens. ' +
        'Add what is missing: npm run setup -- --stage prod --region eu-west-1',
    ]);
    expect(healthy).toBe(true);
  });
});

describe('the file of settings', () => {
  it('may be missing, with a warning', async () => {
    const { deps } = await aWorld();
    const { lines, healthy } = await run({ ...deps, folder: tmpdir() });
    expect(notOk(lines)).toEqual([
      'warning  Settings: there is no settings.prod.yml, so that a deploy has the defaults: ' +
        'cp settings.example.yml settings.prod.yml, and set who gets alarms, and the caps',
    ]);
    expect(healthy).toBe(true);
  });

  it('is wrong with a value that a deploy would refuse', async () => {
    const { deps, writeSettings } = await aWorld();
    writeSettings('MAX_NODES: 0');
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      expect.stringMatching(/^wrong +Settings: settings\.prod\.yml: MAX_NODES must be/),
    ]);
    expect(healthy).toBe(false);
  });
});

describe('the Linode token', () => {
  it('is wrong if it may only read', async () => {
    const { deps } = await aWorld({ secret: { ...GOOD, linodeToken: READER } });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      expect.stringMatching(
        /^wrong +Linode token: that of onebuck\/prod can't be used\. The token lacks the scope linodes:read_write.* npm run setup -- --stage prod --rotate-linode-token$/,
      ),
      '-        Linode account: not checked, for want of a Linode token that works',
    ]);
    expect(healthy).toBe(false);
  });

  it('that may not read the account gives a warning', async () => {
    const secret = { ...GOOD, linodeToken: 'given' };
    const { deps } = await aWorld({ secret, tokens: { given: 'linodes:read_write' } });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      expect.stringMatching(/^warning +Linode token: The token lacks .*, and quotes prices/),
      '-        Linode account: not checked, as the Linode token may not read its settings',
    ]);
    expect(healthy).toBe(true);
  });
});

describe('the Linode account', () => {
  it.each([
    ['wrong', { managed: true }, 'launches are refused'],
    ['warning', { backupsForced: true }, 'each quote and each spend includes them'],
    ['warning', { networkHelper: false }, 'Network Helper is off'],
  ])('is %s with %j', async (verdict, settings, text) => {
    const { deps, simulator } = await aWorld();
    simulator.updateSettings(settings);
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([expect.stringContaining(text)]);
    expect(notOk(lines)[0]).toMatch(new RegExp(`^${verdict} +Linode account: `));
    expect(healthy).toBe(verdict === 'warning');
  });
});

describe('a deployed stage', () => {
  it('is wrong while a mail is not confirmed', async () => {
    const { deps, sns } = await aWorld();
    const topic = 'arn:aws:sns:eu-west-1:123456789012:onebuck-prod-notices';
    sns
      .on(ListSubscriptionsByTopicCommand, { TopicArn: topic })
      .resolves({ Subscriptions: [mail('bob@example.org', 'PendingConfirmation')] });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      "wrong    Mail of notices: bob@example.org has not confirmed AWS's mail, and gets nothing. " +
        'Follow the link in it. To get the mail again: aws sns subscribe --region eu-west-1 ' +
        `--topic-arn ${topic} --protocol email --notification-endpoint bob@example.org`,
    ]);
    expect(healthy).toBe(false);
  });

  it('may do without mail, but is told that nobody gets the alarms', async () => {
    const { deps, sns } = await aWorld();
    sns.on(ListSubscriptionsByTopicCommand).resolves({ Subscriptions: [] });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([
      'warning  Mail of alarms: nobody gets it. Set ALARM_EMAIL, and deploy',
    ]);
    expect(healthy).toBe(true);
  });

  it.each([
    ['warning', [alarm('ReaperNotRun', 'INSUFFICIENT_DATA', 29)], 'without data so far: Reaper'],
    ['wrong', [alarm('ReaperNotRun', 'INSUFFICIENT_DATA', 31)], 'without data for more than half'],
    ['wrong', [alarm('Overspent', 'ALARM')], 'raised: Overspent. docs/operate.md'],
    ['wrong', [], 'prod has none in eu-west-1. Deploy again'],
  ] as const)('is %s with the alarms %j', async (verdict, MetricAlarms, text) => {
    const { deps, cloudwatch } = await aWorld();
    const other = { ...alarm('x', 'ALARM'), AlarmName: 'onebuck-prod-2-ReaperNotRun-A1B2C3' };
    cloudwatch.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [...MetricAlarms, other] });
    const { lines, healthy } = await run(deps);
    expect(notOk(lines)).toEqual([expect.stringContaining(`Alarms: ${text}`)]);
    expect(notOk(lines)[0]).toMatch(new RegExp(`^${verdict} `));
    expect(healthy).toBe(verdict === 'warning');
  });
});

describe('the command line of doctor', () => {
  it('must name the stage', () => {
    expect(parseDoctor(['--stage', 'prod'])).toEqual({ stage: 'prod', region: null });
    expect(parseDoctor(['--stage', 'prod', '--region', 'eu-west-1']).region).toBe('eu-west-1');
    for (const [args, fault] of [
      [[], "'--stage <stage>' not specified"],
      [['--stage', 'local'], 'npm start'],
      [['--stage', 'prod', 'prod'], 'too many arguments'],
    ] as const) {
      expect(() => parseDoctor(args)).toThrow(fault);
      expect(() => parseDoctor(args)).toThrow('Usage: npm run doctor');
    }
  });
});
