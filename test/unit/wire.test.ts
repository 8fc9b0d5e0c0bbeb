import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { minutes } from '../../lib/core/base/units.ts';
import { defaultSettings } from '../../simulators/aws/settings.ts';
import { LOCAL_AWS } from '../support/aws.ts';
import { aNotice } from '../support/builders.ts';

/** The variables that serverless.yml sets for every function. */
const DEPLOYED = {
  STAGE: 'prod',
  TABLE_NAME: 'onebuck-prod-clusters',
  SECRET_ID: 'onebuck/prod',
  RECONCILE_FUNCTION: 'onebuck-prod-reconcile',
  SCHEDULE_FUNCTION: 'onebuck-prod-schedule',
  LINODE_API_URL: 'https://api.linode.com/v4',
  SAFETY_MARGIN_SECONDS: '180',
  PROVISION_MINUTES: '20',
  MAX_NODES: '100',
  MAX_BUDGET_USD: '100',
  MAX_OPEN_BUDGET_USD: '1000',
  MAX_OPEN_BUDGET_PER_OWNER_USD: 'none',
  MAX_DAILY_SPEND_PER_OWNER_USD: 'none',
  MAX_WEEKLY_SPEND_PER_OWNER_USD: 'none',
  MAX_MONTHLY_SPEND_PER_OWNER_USD: 'none',
  MAX_HOURLY_USD: 'none',
  MONTH_END_HOUR: 'bothMonths',
};
const LOCAL = { IS_OFFLINE: 'true', LINODE_API_URL: 'http://127.0.0.1:9000/v4' };
const ALL = [...Object.keys(DEPLOYED), 'IS_OFFLINE', 'AWS_EXECUTION_ENV', 'CLOCK_RATE'];

beforeEach(() => {
  vi.resetModules();
  for (const name of [
    ...ALL,
    'CLOCK_ORIGIN',
    'DASHBOARD',
    'JOB_BUCKET',
    'NOTICE_TOPIC_ARN',
    'NOTICE_WEBHOOK_URL',
    'PUBLIC_URL',
  ])
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_REGION', 'us-east-1');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** lib/wire.ts as a new process of a function with the variables loads it. */
async function wired(env: Record<string, string>) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return import('../../lib/wire.ts');
}

describe('metrics', () => {
  it.each([
    [{ DASHBOARD: 'true' }, 1],
    [{ DASHBOARD: 'false' }, 0],
    // A wrong setting must not keep a function from destroying Linodes.
    [{ STAGE: 'No stage of ours' }, 0],
  ])('of the dashboard are emitted only with DASHBOARD=true: %j', async (env, lines) => {
    const { metrics } = await wired(env);
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    metrics().emit(() => ({ LiveClusters: 1 }));
    expect(write).toHaveBeenCalledTimes(lines);
    write.mockRestore();
  });
});

describe('settings', () => {
  it.each([
    ['https://onebuck.example.com/', 'https://onebuck.example.com'],
    ['https://onebuck.example.com:8443/v1', 'https://onebuck.example.com:8443/v1'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://10.77.0.1:3000/', 'http://10.77.0.1:3000'],
    ['http://192.168.0.2', 'http://192.168.0.2'],
    ['http://172.31.255.254', 'http://172.31.255.254'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('take PUBLIC_URL=%s, by which nodes reach the API', async (given, read) => {
    const { settings } = await wired({ ...DEPLOYED, PUBLIC_URL: given });
    expect(settings().publicUrl).toBe(read);
  });

  it('are read from the variables that serverless.yml sets', async () => {
    const { settings } = await wired({
      ...DEPLOYED,
      SAFETY_MARGIN_SECONDS: '240',
      PROVISION_MINUTES: '30',
      MAX_NODES: '50',
      MAX_BUDGET_USD: '12.50',
      MAX_OPEN_BUDGET_USD: 'none',
      MAX_OPEN_BUDGET_PER_OWNER_USD: '200',
      MAX_DAILY_SPEND_PER_OWNER_USD: '0.5',
      MAX_WEEKLY_SPEND_PER_OWNER_USD: '2',
      MAX_MONTHLY_SPEND_PER_OWNER_USD: '0.000001',
      MAX_HOURLY_USD: '3',
      MONTH_END_HOUR: 'startMonth',
      PUBLIC_URL: 'https://onebuck.example.com/',
    });
    expect(settings()).toEqual({
      stage: 'prod',
      marginMs: 240_000,
      provisionMs: 1_800_000,
      nodesMax: 50,
      budgetMax: 12_500_000,
      openBudgetMax: null,
      openBudgetPerOwnerMax: 200_000_000,
      dailySpendPerOwnerMax: 500_000,
      weeklySpendPerOwnerMax: 2_000_000,
      monthlySpendPerOwnerMax: 1,
      hourlyMax: 3_000_000,
      monthEndHour: 'startMonth',
      publicUrl: 'https://onebuck.example.com',
    });
  });

  it('have defaults for all but the stage', async () => {
    const { settings } = await wired({ STAGE: 'dev', MAX_NODES: '' });
    expect(settings()).toEqual({
      stage: 'dev',
      marginMs: 180_000,
      provisionMs: 1_200_000,
      nodesMax: 100,
      budgetMax: 100_000_000,
      openBudgetMax: 1_000_000_000,
      openBudgetPerOwnerMax: null,
      dailySpendPerOwnerMax: null,
      weeklySpendPerOwnerMax: null,
      monthlySpendPerOwnerMax: null,
      hourlyMax: null,
      monthEndHour: 'bothMonths',
      publicUrl: null,
    });
    expect(defaultSettings('dev')).toEqual(settings());
  });

  it.each([
    ['STAGE', ''],
    ['STAGE', 'Prod'],
    ['STAGE', 'two words'],
    ['STAGE', 'ends-'],
    ['STAGE', 'a'.repeat(21)],
    ['SAFETY_MARGIN_SECONDS', '59'],
    ['SAFETY_MARGIN_SECONDS', '1801'],
    ['SAFETY_MARGIN_SECONDS', '3 minutes'],
    ['PROVISION_MINUTES', '4'],
    ['PROVISION_MINUTES', '46'],
    ['PROVISION_MINUTES', '10.5'],
    ['MAX_NODES', '0'],
    ['MAX_NODES', '501'],
    ['MAX_BUDGET_USD', '$100'],
    ['MAX_BUDGET_USD', '-1'],
    ['MAX_BUDGET_USD', '0.0000001'],
    ['MAX_BUDGET_USD', '0'],
    ['MAX_BUDGET_USD', 'none'],
    ['MAX_OPEN_BUDGET_USD', '0'],
    ['MAX_OPEN_BUDGET_USD', 'None'],
    ['MAX_OPEN_BUDGET_PER_OWNER_USD', '0.00'],
    ['MAX_DAILY_SPEND_PER_OWNER_USD', '0'],
    ['MAX_WEEKLY_SPEND_PER_OWNER_USD', 'two'],
    ['MAX_MONTHLY_SPEND_PER_OWNER_USD', '-1'],
    ['MAX_HOURLY_USD', 'a lot'],
    ['MONTH_END_HOUR', 'endMonth'],
    ['PUBLIC_URL', 'onebuck.example.com'],
    ['PUBLIC_URL', 'http://onebuck.example.com'],
    ['PUBLIC_URL', 'http://10.0.0.1.example.com'],
    ['PUBLIC_URL', 'http://172.32.0.1'],
    ['PUBLIC_URL', 'https://user@onebuck.example.com'],
    ['PUBLIC_URL', 'https://onebuck.example.com/?stage=prod'],
    ['PUBLIC_URL', 'https://onebuck.example.com/"; reboot #'],
    ['PUBLIC_URL', 'https://onebuck.example.com/$(reboot)'],
  ])('%s=%s is refused by its name', async (name, value) => {
    const { settings } = await wired({ ...DEPLOYED, [name]: value });
    expect(settings).toThrow(
      expect.objectContaining({ code: 'misconfigured', message: expect.stringContaining(name) }),
    );
  });

  it('with a wrong one leave stage and caps usable, which reconcile and sweep need', async () => {
    const { caps, settings, stage } = await wired({ ...DEPLOYED, MAX_OPEN_BUDGET_USD: 'much' });
    expect(settings).toThrow('MAX_OPEN_BUDGET_USD must be an amount in US dollars');
    expect(stage()).toBe('prod');
    expect(caps()).toBeDefined();
  });

  it('are read again after a wrong one, and only once when all are right', async () => {
    const { settings } = await wired({ ...DEPLOYED, MAX_NODES: 'many' });
    expect(settings).toThrow('MAX_NODES');
    vi.stubEnv('MAX_NODES', '7');
    expect(settings().nodesMax).toBe(7);
    vi.stubEnv('MAX_NODES', '8');
    expect(settings().nodesMax).toBe(7);
  });
});

describe('adapters', () => {
  it('are built at their first use, so that a function needs only its own variables', async () => {
    const { settings } = await wired({ STAGE: 'dev' });
    expect(settings().stage).toBe('dev');
  });

  it('are built once in a process', async () => {
    const wire = await wired(DEPLOYED);
    expect(wire.store()).toBe(wire.store());
    expect(wire.schedules()).toBe(wire.schedules());
    expect(wire.caps()).toBe(wire.caps());
    expect(wire.secrets()).toBe(wire.secrets());
    expect(wire.linode()).toBe(wire.linode());
    expect(wire.catalogue()).toBe(wire.catalogue());
    expect(wire.nudge()).toBe(wire.nudge());
  });

  it.each([
    ['store', 'TABLE_NAME'],
    ['caps', 'TABLE_NAME'],
    ['secrets', 'SECRET_ID'],
    ['schedules', 'TABLE_NAME'],
    ['nudge', 'RECONCILE_FUNCTION'],
    ['nudge', 'SCHEDULE_FUNCTION'],
  ] as const)('%s is refused without %s', async (adapter, name) => {
    const wire = await wired({ ...DEPLOYED, [name]: '' });
    expect(wire[adapter]).toThrow(`${name} must be set`);
  });

  it.each(['https://api.linode.com', 'https://api.linode.com/v3', '/v4', 'api.linode.com/v4'])(
    'linode is refused with LINODE_API_URL=%s',
    async (url) => {
      const { linode } = await wired({ ...DEPLOYED, LINODE_API_URL: url });
      expect(linode).toThrow('LINODE_API_URL must be a URL that ends in /v4');
    },
  );

  it.each(['https://api.linode.com/v4/', 'https://api.linode.com/v4beta', ''])(
    'linode is built with LINODE_API_URL=%s',
    async (url) => {
      const { linode } = await wired({ ...DEPLOYED, LINODE_API_URL: url });
      expect(linode()).toBeDefined();
    },
  );
});

describe('files of jobs', () => {
  it('are in the bucket of JOB_BUCKET, with URLs for plain PUTs', async () => {
    const { jobFiles } = await wired({ ...DEPLOYED, ...LOCAL_AWS, JOB_BUCKET: 'onebuck-jobs' });
    const url = await jobFiles()?.uploadUrl('uploads/ann/u1', 5, minutes(1));
    const { hostname, pathname, searchParams } = new URL(url ?? '');
    expect(hostname + pathname).toBe('onebuck-jobs.s3.us-east-1.amazonaws.com/uploads/ann/u1');
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host');
    expect([...searchParams.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
  });

  it('have no place without a bucket: then there are no jobs', async () => {
    const { jobFiles } = await wired(DEPLOYED);
    expect(jobFiles()).toBeNull();
  });
});

describe('notices', () => {
  const noticed = (env: Record<string, string>) => wired({ ...DEPLOYED, ...env });

  it('are dropped where neither topic nor webhook is set', async () => {
    const { notifier } = await noticed({ SECRET_ID: '', AWS_REGION: '' });
    await expect(notifier().send(aNotice())).resolves.toBeUndefined();
  });

  it.each([
    'http://example.org/hook',
    'http://127.0.0.1:9/hook',
    'ftp://example.org',
    'example.org',
  ])('to the webhook %s throw when they are sent, and not before', async (url) => {
    const { notifier } = await noticed({ NOTICE_WEBHOOK_URL: url });
    await expect(notifier().send(aNotice())).rejects.toThrow('NOTICE_WEBHOOK_URL must be');
  });

  it('locally are in the log, and may go to a webhook on the loopback without TLS', async () => {
    // In this mode the logger prints by `console`, on which the test spies.
    vi.stubEnv('POWERTOOLS_DEV', 'true');
    const local = { ...LOCAL, NOTICE_TOPIC_ARN: '[object Object]' };
    const lines = vi.spyOn(console, 'info').mockImplementation(() => {});
    const { notifier } = await noticed(local);
    await notifier().send(aNotice());
    expect(`${lines.mock.calls}`).toContain('cabcdefg234/gone');
    vi.resetModules();
    const env = { ...local, NOTICE_WEBHOOK_URL: 'http://127.0.0.1:9/hook', SECRET_ID: '' };
    const wire = await noticed(env);
    // The URL is accepted: the error is about the secret, whose key would sign the notice.
    await expect(wire.notifier().send(aNotice())).rejects.toThrow('SECRET_ID');
  });
});

describe('the clock', () => {
  it('is the clock of the machine when deployed', async () => {
    const env = { ...DEPLOYED, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };
    const { clock } = await wired(env);
    vi.useFakeTimers({ now: 1_795_348_800_000, toFake: ['Date'] });
    expect(clock().now()).toBe(1_795_348_800_000);
  });

  it('has a rate and an origin locally', async () => {
    vi.useFakeTimers({ now: 1_795_348_800_000, toFake: ['Date'] });
    const { clock } = await wired({
      ...LOCAL,
      CLOCK_RATE: '3600',
      CLOCK_ORIGIN: '1795348799000',
    });
    expect(clock().now()).toBe(1_795_348_799_000 + 3_600_000);
  });

  it.each([
    ['when deployed', { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }],
    ['without IS_OFFLINE=true', {}],
    ['with another value of IS_OFFLINE', { IS_OFFLINE: '1' }],
    [
      'when deployed, also with IS_OFFLINE=true',
      { IS_OFFLINE: 'true', AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    ],
  ])('can have no rate or origin %s', async (_, place) => {
    for (const setting of [{ CLOCK_RATE: '60' }, { CLOCK_RATE: '1' }, { CLOCK_ORIGIN: '0' }]) {
      vi.resetModules();
      const { clock } = await wired({
        ...DEPLOYED,
        ...LOCAL,
        IS_OFFLINE: '',
        ...place,
        ...setting,
      });
      expect(clock).toThrow('CLOCK_RATE and CLOCK_ORIGIN are for local runs');
      for (const name of Object.keys(setting)) vi.stubEnv(name, undefined);
    }
  });

  it.each([
    ['CLOCK_RATE', 'fast'],
    ['CLOCK_RATE', '0'],
    ['CLOCK_RATE', '-1'],
    ['CLOCK_RATE', 'Infinity'],
    ['CLOCK_ORIGIN', 'now'],
    ['CLOCK_ORIGIN', '0.5'],
  ])('%s=%s is refused by its name', async (name, value) => {
    const { clock } = await wired({ ...LOCAL, [name]: value });
    expect(clock).toThrow(name);
  });

  it.each([
    ['https://api.linode.com/v4', '60'],
    ['https://API.LINODE.COM/v4', '0.5'],
    ['', '60'],
  ])('with the real Linode (%s) only runs at rate 1, not at %s', async (url, rate) => {
    const { clock } = await wired({ ...LOCAL, LINODE_API_URL: url, CLOCK_RATE: rate });
    expect(clock).toThrow('CLOCK_RATE must be 1 with the real Linode');
  });

  it('with the real Linode runs at rate 1, locally', async () => {
    const { clock } = await wired({ ...DEPLOYED, IS_OFFLINE: 'true', CLOCK_RATE: '1' });
    expect(clock()).toBeDefined();
  });
});

describe('the limits of an invocation', () => {
  const remaining = (ms: number) => ({ getRemainingTimeInMillis: () => ms });

  it('keep 5 s for the last save, 20 s before them for a last pass, 5 s for notices', async () => {
    vi.useFakeTimers({ now: 1_795_348_800_000, toFake: ['Date'] });
    const { limitsOf } = await wired(DEPLOYED);
    expect(limitsOf(remaining(300_000))).toEqual({
      by: 1_795_348_800_000 + 295_000,
      reserveMs: 20_000,
      noticesMs: 5_000,
    });
  });

  it('are longer by the rate of the clock', async () => {
    vi.useFakeTimers({ now: 1_795_348_800_000, toFake: ['Date'] });
    const { limitsOf, clock } = await wired({ ...LOCAL, CLOCK_RATE: '10' });
    const { by, ...lengths } = limitsOf(remaining(300_000));
    expect({ time: by - clock().now(), ...lengths }).toEqual({
      time: 2_950_000,
      reserveMs: 200_000,
      noticesMs: 50_000,
    });
  });

  it('leave no time, and no negative time, where less than 5 s remain', async () => {
    vi.useFakeTimers({ now: 1_795_348_800_000, toFake: ['Date'] });
    const { limitsOf, clock } = await wired(DEPLOYED);
    expect(limitsOf(remaining(1_000)).by).toBe(clock().now());
  });
});

describe('the bucket of jobs', () => {
  it.each([
    { AWS_REGION: 'us-east-1' },
    { AWS_REGION: 'eu-central-1' },
    { AWS_REGION: 'us-gov-west-1' },
    { AWS_REGION: 'cn-north-1' },
    { AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9100' },
  ])('has signed URLs that begin as the console may call them: %j', async (env) => {
    const keys = { AWS_ACCESS_KEY_ID: 'some', AWS_SECRET_ACCESS_KEY: 'secret' };
    const { jobFiles, jobFilesUrl } = await wired({ ...env, ...keys, JOB_BUCKET: 'jobs-of-prod' });
    const url = await jobFiles()?.uploadUrl('uploads/ann/uabcdefghij', 1, minutes(1));
    expect(url?.startsWith(`${jobFilesUrl()}uploads/ann/`)).toBe(true);
  });

  it('may be missing', async () => {
    const { jobFilesUrl } = await wired({});
    expect(jobFilesUrl()).toBeNull();
  });
});
