import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DynamoDBClient,
  ResourceNotFoundException as TableNotFound,
} from '@aws-sdk/client-dynamodb';
import {
  ResourceNotFoundException as FunctionNotFound,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import {
  GetObjectCommand,
  HeadBucketCommand,
  NoSuchKey,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DEFAULTS, type SettingName } from '../../../ops/settings.ts';
import {
  refusalOfEnvironment,
  reviewSettings,
  templateOfRollback,
} from '../../../ops/settings-guard.ts';

const PLUGIN = new URL('../../../ops/guard-plugin.mjs', import.meta.url).href;
const aws = { region: 'eu-west-1' };
const PROD = { aws, stage: 'prod' };
const StackName = 'onebuck-prod';
const absent = new Error(`Stack with id ${StackName} does not exist`);

type Changes = Partial<Record<SettingName, string>>;

/** A template with the settings as variables of a function, the address for alarms aside. */
const templateOf = ({ ALARM_EMAIL = '', ...changes }: Changes) => ({
  Parameters: { AlarmEmail: { Default: ALARM_EMAIL } },
  Resources: {
    ReconcileLambdaFunction: {
      Properties: { Environment: { Variables: { ...DEFAULTS, ...changes } } },
    },
  },
});

/** CloudFormation with a deployed stack of the settings; null: without a stack. */
function deployed(changes: Changes | null, parameters: Readonly<Record<string, string>> = {}) {
  const mock = mockClient(CloudFormationClient);
  onTestFinished(() => mock.restore());
  if (changes === null) {
    mock.rejects(absent);
    return mock;
  }
  const Parameters = Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
    ...{ ParameterKey, ParameterValue },
  }));
  mock
    .on(GetTemplateCommand, { StackName })
    .resolves({ TemplateBody: JSON.stringify(templateOf(changes)) });
  mock.on(DescribeStacksCommand, { StackName }).resolves({
    Stacks: [{ StackName, Parameters, CreationTime: new Date(), StackStatus: 'UPDATE_COMPLETE' }],
  });
  return mock;
}

const review = (changes: Changes, loosen = 'none', isFileMissing = false) =>
  reviewSettings(PROD, { ...DEFAULTS, ...changes }, { loosen, isFileMissing });

describe('the settings of a deployment', () => {
  it('are shown where they are not the defaults, if nothing is deployed yet', async () => {
    deployed(null);
    expect(await review({ MAX_OPEN_BUDGET_USD: '5000', ALARM_EMAIL: 'ann@example.com' })).toEqual({
      report: [
        'prod is deployed for the first time. Not default:',
        '  MAX_OPEN_BUDGET_USD  1000 → 5000',
        '  ALARM_EMAIL          (none) → ann@example.com',
      ].join('\n'),
      refusal: null,
    });
    expect(await review({})).toEqual({
      report: 'prod is deployed for the first time, with the default settings.',
      refusal: null,
    });
  });

  it('are those of a first deployment where an earlier one has only made the bucket', async () => {
    const mock = deployed({});
    const TemplateBody = JSON.stringify({ Resources: { ServerlessDeploymentBucket: {} } });
    mock.on(GetTemplateCommand).resolves({ TemplateBody });
    expect((await review({ MAX_NODES: '500' })).refusal).toBeNull();
  });

  it('may stay as they are', async () => {
    deployed({ MAX_NODES: '50' });
    const report = 'The settings of prod stay as they are.';
    expect(await review({ MAX_NODES: '50' })).toEqual({ report, refusal: null });
  });

  it('may get tighter, and are shown', async () => {
    deployed({ MAX_NODES: '50' });
    expect(await review({ MAX_NODES: '40' })).toEqual({
      report: 'The settings of prod change:\n  MAX_NODES  50 → 40',
      refusal: null,
    });
  });

  it('may not lose an address and a cap, unless the command names both', async () => {
    deployed({ ALARM_EMAIL: 'ann@example.com', MAX_OPEN_BUDGET_USD: '200' });
    const { report, refusal } = await review({});
    expect(report).toContain('ALARM_EMAIL          ann@example.com → (none)');
    expect(refusal).toBe(
      [
        'This would loosen what is deployed of prod:',
        '  MAX_OPEN_BUDGET_USD  200 → 1000',
        '  ALARM_EMAIL          ann@example.com → (none)',
        'Keep the deployed values in settings.prod.yml. Or, if you mean the change, add to the command:',
        '  --param="loosen=MAX_OPEN_BUDGET_USD,ALARM_EMAIL"',
      ].join('\n'),
    );
    expect((await review({}, 'ALARM_EMAIL')).refusal).toContain('MAX_OPEN_BUDGET_USD');
    expect((await review({}, 'ALARM_EMAIL,MAX_OPEN_BUDGET_USD')).refusal).toBeNull();
  });

  it('may not go back to the defaults because the file is missing, not even those', async () => {
    deployed({ NIGHTLY_TIMEZONE: 'Europe/Berlin', MAX_NODES: '50', ALARM_EMAIL: '' });
    const refused = [
      'There is no settings.prod.yml, so that prod would get the default settings. If no other',
      'checkout has the file, write it with the deployed values (an empty file means the defaults):',
      '  MAX_NODES: 50',
      '  NIGHTLY_TIMEZONE: Europe/Berlin',
    ].join('\n');
    expect((await review({}, 'MAX_NODES,NIGHTLY_TIMEZONE', true)).refusal).toBe(refused);
    const same: Changes = { NIGHTLY_TIMEZONE: 'Europe/Berlin', MAX_NODES: '50' };
    expect((await review(same, 'none', true)).refusal).toBeNull();
    deployed(null);
    expect((await review({}, 'none', true)).refusal).toBeNull();
  });

  it('are compared with the parameters that somebody has given the stack by hand', async () => {
    deployed({}, { AlarmEmail: 'bob@example.com', ServerlessOther: 'x' });
    expect((await review({})).refusal).toContain('ALARM_EMAIL  bob@example.com → (none)');
    expect((await review({ ALARM_EMAIL: 'bob@example.com' })).refusal).toBeNull();
  });

  it.each([GetTemplateCommand, DescribeStacksCommand])(
    'are refused where what is deployed can not be read: %s',
    async (command) => {
      deployed({}).on(command).rejects(new Error('not authorized'));
      expect((await review({})).refusal).toMatch(
        /does not know the deployed settings of prod .*GetTemplate.*: not authorized/,
      );
    },
  );
});

describe('a setting in the shell', () => {
  const refusal = (env: Readonly<Record<string, string>>) =>
    refusalOfEnvironment(env, { ...DEFAULTS, MAX_NODES: '50' }, 'prod');

  it('that differs from what would be deployed keeps the stage from being deployed', () => {
    const LINODE_API_URL = 'http://127.0.0.1:9000/v4';
    expect(refusal({ LINODE_API_URL, ALARM_EMAIL: 'ann@example.com', MAX_NODES: '50' })).toBe(
      [
        'A deployment takes its settings from settings.prod.yml only, and this shell has others:',
        '  LINODE_API_URL=http://127.0.0.1:9000/v4  (deployed would be: https://api.linode.com/v4)',
        '  ALARM_EMAIL=ann@example.com  (deployed would be: none)',
        'Write them into settings.prod.yml, if you mean them. Then: unset LINODE_API_URL ALARM_EMAIL',
      ].join('\n'),
    );
  });

  it('does no harm if it is the same, or empty, or no setting', () => {
    expect(refusal({ MAX_NODES: '50', NIGHTLY: '', LINODE_TOKEN: 'x', PATH: '/' })).toBeNull();
  });
});

const AT = Date.UTC(2026, 10, 25, 12, 0, 0, 123);
const FOLDER = 'serverless/onebuck/prod';
const OBJECT = {
  Bucket: 'bucket',
  Key: `${FOLDER}/${AT}-2026-11-25T12:00:00.123Z/compiled-cloudformation-template.json`,
};

/** S3 with the template of the deployment at `AT`. */
function storing(template: object) {
  const mock = mockClient(S3Client);
  onTestFinished(() => mock.restore());
  mock.rejects(new NoSuchKey({ message: 'no', $metadata: {} }));
  const transformToString = async () => JSON.stringify(template);
  mock.on(HeadBucketCommand).rejects(new NotFound({ message: 'no', $metadata: {} }));
  mock.on(GetObjectCommand, OBJECT).resolves({ Body: { transformToString } as never });
  return mock;
}

describe('the template of a rollback', () => {
  const read = (timestamp: string) =>
    templateOfRollback(aws, { bucket: 'bucket', folder: FOLDER, timestamp });

  it.each([`${AT}`, '2026-11-25T12:00:00.123Z'])('is found by %s', async (timestamp) => {
    storing(templateOf({ MAX_NODES: '7' }));
    expect(await read(timestamp)).toEqual(templateOf({ MAX_NODES: '7' }));
  });

  it.each(['2026-11-25T12:00:00.124Z', 'yesterday'])('is missing for %s', async (timestamp) => {
    storing({});
    expect(await read(timestamp)).toBeNull();
  });

  it('that can not be read ends the command', async () => {
    storing({}).on(GetObjectCommand).rejects(new Error('no s3:GetObject'));
    await expect(read(`${AT}`)).rejects.toThrow(/can't read the template of \d+: no s3:GetObject/);
  });
});

describe('the plugin', () => {
  class Refusal extends Error {}

  /** The hooks of the plugin, and the reports that they print. */
  async function hooksOf(options: {
    readonly settings?: Changes;
    readonly stage?: string;
    readonly loosen?: string;
    readonly timestamp?: string;
    readonly hasFile?: boolean;
  }) {
    const settings = { ...DEFAULTS, ...options.settings };
    const { stage = 'prod', loosen = 'none', timestamp } = options;
    const provider = {
      getStage: () => stage,
      getAwsSdkV3Config: async () => aws,
      getDeploymentPrefix: () => 'serverless',
      getServerlessDeploymentBucketName: async () => 'bucket',
    };
    const reports: string[] = [];
    const service = {
      service: 'onebuck',
      provider: { compiledCloudFormationTemplate: templateOf(settings) },
      custom: { table: 'onebuck-prod-clusters', settings, loosen },
    };
    const serviceDir = mkdtempSync(join(tmpdir(), 'onebuck-plugin-'));
    onTestFinished(() => rmSync(serviceDir, { recursive: true }));
    if (options.hasFile ?? true) writeFileSync(join(serviceDir, 'settings.prod.yml'), '');
    const classes = { Error: Refusal };
    const serverless = { getProvider: () => provider, service, classes, serviceDir };
    const log = { warning() {}, notice: (text: string) => reports.push(text) };
    const { default: Guard } = await import(PLUGIN);
    const { hooks } = new Guard(serverless, { timestamp }, { log });
    return { hooks, reports };
  }
  const FUNCTION = 'before:deploy:function:initialize';

  it.each([FUNCTION, 'before:aws:deploy:deploy:createStack'])(
    'refuses at %s what the shell sets, before anything else',
    async (hook) => {
      vi.stubEnv('LINODE_API_URL', 'http://127.0.0.1:9000/v4');
      onTestFinished(() => void vi.unstubAllEnvs());
      const { hooks } = await hooksOf({});
      await expect(hooks[hook]()).rejects.toThrow(/this shell has others:\n {2}LINODE_API_URL=/);
      const local = await hooksOf({ stage: 'local' });
      await expect(local.hooks[hook]()).rejects.toThrow('local is the stage of npm start');
    },
  );

  it('shows and refuses what the deployment of one function would loosen', async () => {
    deployed({ MAX_NODES: '50' });
    const { hooks, reports } = await hooksOf({ settings: { MAX_NODES: '60' } });
    await expect(hooks[FUNCTION]()).rejects.toThrow(/loosen what is deployed of prod:/);
    expect(reports).toEqual(['The settings of prod change:\n  MAX_NODES  50 → 60']);
    const meant = await hooksOf({ settings: { MAX_NODES: '60' }, loosen: 'MAX_NODES' });
    await meant.hooks[FUNCTION]();
    expect(meant.reports).toEqual(reports);
  });

  /** AWS with the secret, and without anything else that the guard looks for. */
  function withSecret() {
    const clients = [SecretsManagerClient, LambdaClient, DynamoDBClient, STSClient];
    const mocks = clients.map((client) => mockClient(client as never));
    onTestFinished(() => {
      for (const mock of mocks) mock.restore();
    });
    const [secrets, lambda, dynamodb, sts] = mocks;
    storing({});
    secrets?.resolves({});
    sts?.resolves({});
    lambda?.rejects(new FunctionNotFound({ message: 'no', $metadata: {}, Type: 'User' } as never));
    dynamodb?.rejects(new TableNotFound({ message: 'no', $metadata: {} }));
  }

  it('shows and refuses what a deployment of the stack would loosen', async () => {
    withSecret();
    deployed({ ALARM_EMAIL: 'ann@example.com' });
    const { hooks, reports } = await hooksOf({ settings: { MAX_NODES: '60' } });
    const deploying = hooks['before:aws:deploy:deploy:createStack']();
    await expect(deploying).rejects.toThrow(/ALARM_EMAIL {2}ann@example.com → \(none\)\nKeep/);
    expect(reports.join()).toContain('MAX_NODES    100 → 60');
    const lost = await hooksOf({ hasFile: false, loosen: 'ALARM_EMAIL' });
    const redeploying = lost.hooks['before:aws:deploy:deploy:createStack']();
    await expect(redeploying).rejects.toThrow(
      /no settings\.prod\.yml[\s\S]*\n {2}ALARM_EMAIL: ann@/,
    );
  });

  it('refuses a rollback to a deployment with looser settings, unless it is meant', async () => {
    withSecret();
    deployed({ MAX_NODES: '50', PROVISION_MINUTES: '30' });
    storing(templateOf({ MAX_NODES: '60' }));
    const rollBack = async (options: object) => {
      const { hooks, reports } = await hooksOf(options);
      await hooks['before:rollback:rollback']();
      return reports;
    };
    await expect(rollBack({ timestamp: `${AT}` })).rejects.toThrow('--param="loosen=MAX_NODES"');
    expect(await rollBack({ timestamp: `${AT}`, loosen: 'MAX_NODES' })).toEqual([
      'The settings of prod change:\n  PROVISION_MINUTES  30 → 20\n  MAX_NODES          50 → 60',
    ]);
    // Without a time the command lists deployments; of a time without one, it says so itself.
    expect(await rollBack({})).toEqual([]);
    expect(await rollBack({ timestamp: `${AT + 1}` })).toEqual([]);
  });
});
