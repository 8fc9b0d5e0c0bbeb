import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { operations } from '../../lib/http/operations.ts';
import { DEFAULTS, SETTINGS, type SettingName } from '../../ops/settings.ts';

interface FunctionDeclared {
  readonly handler: string;
  readonly role: string;
  readonly timeout: number;
  readonly maximumEventAge?: number;
  readonly reservedConcurrency?: unknown;
  readonly events?: readonly Record<string, unknown>[];
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: unknown;
}

interface Job {
  readonly inputs?: readonly string[];
}

interface Role {
  readonly Properties: {
    readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: Statement[] } }[];
  };
}

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
/** The parser drops CloudFormation's tags: `!Ref Topic` is read as the text `Topic`. */
const yaml = (path: string) => parse(read(path), { logLevel: 'silent', merge: true });

const service = yaml('serverless.yml');
const functions = Object.entries(service.functions as Record<string, FunctionDeclared>);
const roles = yaml('stack/roles.yml').Resources as Record<string, Role>;

/** How serverless.yml and stack/ name a setting of the stage's file. */
const setting = (name: SettingName) => `\${self:custom.settings.${name}}`;

const list = (value: string | string[]) => (Array.isArray(value) ? value : [value]);
const statementsOf = (role: Role) =>
  role.Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
const actionsOf = (name: string) =>
  statementsOf(roles[name] as Role).flatMap(({ Action }) => list(Action));

/** The other exports of lib/wire.ts that `launchDeps` uses. */
const LAUNCH_DEPS = [
  ...(/launchDeps = \(\) => \(\{(.*?)\}\)/s.exec(read('lib/wire.ts'))?.[1]?.matchAll(/(\w+):/g) ??
    []),
].map(([, name = '']) => name);

/**
 * Whether the text has a wildcard, other than the six characters at the end of a secret's name, and
 * all files in a folder of the jobs' bucket.
 */
const isWide = (text: string) =>
  text
    .replace(/-\?{6}$/, '')
    .replace(/^(\$\{JobBucket\.Arn\}\/(?:uploads|schedules|jobs)\/)\*$/, '$1')
    .search(/[*?]/) >= 0;

describe.each(functions)('the function %s', (name, { handler, role, timeout, events = [] }) => {
  const source = () => read(`${handler.replace(/\.handler$/, '')}.ts`);

  /** The names that the function imports from lib/wire.ts. */
  const wired = () => {
    const names = /import \{([^}]*)\} from '..\/lib\/wire.ts'/.exec(source())?.[1] ?? '';
    const taken = names.split(',').map((text) => text.trim());
    return new Set(taken.flatMap((name) => (name === 'launchDeps' ? LAUNCH_DEPS : [name])));
  };
  const uses = (...adapters: string[]) => adapters.some((adapter) => wired().has(adapter));
  const may = (service: string) => actionsOf(role).some((action) => action.startsWith(service));

  it('has a file that exports its handler', () => {
    expect(handler).toBe(`handlers/${name}.handler`);
    expect(source()).toMatch(/^export const handler = /m);
  });

  it('has an event in events/', () => {
    expect(existsSync(new URL(`events/${name}.json`, root))).toBe(true);
    expect(() => JSON.parse(read(`events/${name}.json`))).not.toThrow();
  });

  it('has a role of its own', () => {
    expect(roles).toHaveProperty(role);
    expect(functions.filter(([, other]) => other.role === role)).toHaveLength(1);
  });

  it('may read the secret exactly if it uses the secret, calls Linode or signs digests', () => {
    expect(may('secretsmanager:')).toBe(uses('secrets', 'linode', 'catalogue', 'channels'));
  });

  it('may access the table exactly if it uses the table', () => {
    expect(may('dynamodb:')).toBe(uses('store', 'schedules', 'caps', 'invoices'));
  });

  it('may invoke other functions exactly if it nudges', () => {
    expect(may('lambda:')).toBe(uses('nudge'));
  });

  it('may publish exactly if it sends notices', () => {
    expect(may('sns:')).toBe(uses('notifier', 'channels'));
  });

  it('may reach the files of jobs exactly if it uses them; the nightly job has no inputs', () => {
    expect(may('s3:')).toBe(uses('jobFiles', 'files') && name !== 'nightly');
    const { spec } = JSON.parse(read('events/nightly.json')) as { spec: { job?: Job } };
    expect(spec.job?.inputs ?? []).toEqual([]);
  });

  it('may write only its own log', () => {
    const logs = statementsOf(roles[role] as Role).filter(({ Action }) =>
      list(Action).some((action) => action.startsWith('logs:')),
    );
    const group = `${name.charAt(0).toUpperCase()}${name.slice(1)}LogGroup`;
    expect(logs.flatMap(({ Resource }) => list(Resource))).toEqual([`\${${group}.Arn}`]);
  });

  it('has a time-out that fits: answers within 30 s, ticks as long as their period', () => {
    const rates = events.map(({ schedule }) => (schedule as { rate?: string })?.rate);
    if (rates.includes('rate(1 minute)')) expect(timeout).toBeLessThan(60);
    if (events.some((event) => 'httpApi' in event)) expect(timeout).toBeLessThan(30);
    if (rates.includes('rate(5 minutes)')) expect(timeout).toBeGreaterThan(300);
  });
});

describe('an invocation that Lambda can not start', () => {
  const fieldOf = (field: 'maximumEventAge' | 'reservedConcurrency') =>
    Object.fromEntries(
      functions.flatMap(([name, declared]) =>
        declared[field] === undefined ? [] : [[name, declared[field]]],
      ),
    );

  it('is dropped after two ticks, since a tick repeats it; others after an hour', () => {
    expect(fieldOf('maximumEventAge')).toEqual({
      reconcile: 2 * 60,
      schedule: 2 * 60,
      reap: 2 * 60,
      sweep: 2 * 5 * 60,
      nightly: 60 * 60,
      invoices: 60 * 60,
      digest: 60 * 60,
    });
  });

  it('is a lost run if EventBridge Scheduler can not have Lambda start a nightly in that hour', () => {
    const { Target } = yaml('stack/limits.yml').Resources.NightlySchedulerSchedule1.Properties;
    expect(Target.RetryPolicy.MaximumEventAgeInSeconds).toBe(fieldOf('maximumEventAge').nightly);
    expect(Target.DeadLetterConfig.Arn).toEqual('LostRuns.Arn');
  });

  it('is neither reaper nor sweeper where a setting reserves concurrency for both', () => {
    const reserved = ['ReservesConcurrency', 2, 'AWS::NoValue'];
    expect(fieldOf('reservedConcurrency')).toEqual({ reap: reserved, sweep: reserved });
    const { Default } = yaml('stack/limits.yml').Parameters.ReservedConcurrency;
    expect(Default).toBe(setting('RESERVED_CONCURRENCY'));
    expect(DEFAULTS.RESERVED_CONCURRENCY).toBe('false');
  });
});

describe('the roles', () => {
  it.each(Object.keys(roles))('%s allows named actions on named resources only', (name) => {
    for (const { Effect, Action, Resource } of statementsOf(roles[name] as Role)) {
      expect(Effect).toBe('Allow');
      for (const text of [...list(Action), ...list(Resource)]) {
        expect(isWide(text), text).toBe(false);
        expect(text).not.toBe('');
      }
    }
  });

  it('let the sweeper write the ledger of the caps, and no record', () => {
    const writes = statementsOf(roles.SweepRole as Role).filter(({ Action }) =>
      list(Action).includes('dynamodb:PutItem'),
    );
    const onlyLedger = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['ledger'] } };
    expect(writes.map(({ Condition }) => Condition)).toEqual([onlyLedger]);
  });

  it('let the reading of invoices write what it finds, and no record', () => {
    const statements = statementsOf(roles.InvoicesRole as Role);
    const writes = statements.filter(({ Action }) => list(Action).includes('dynamodb:PutItem'));
    const ownOnly = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': 'invoice*' } };
    expect(writes.map(({ Condition }) => Condition)).toEqual([ownOnly]);
  });

  it('let nobody delete the record of a cluster', () => {
    const deleting = Object.values(roles)
      .flatMap(statementsOf)
      .filter(({ Action }) => list(Action).includes('dynamodb:DeleteItem'));
    const schedulesOnly = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': 's??????????' } };
    expect(deleting.map(({ Condition }) => Condition)).toEqual([schedulesOnly]);
  });

  it('are all used by a function or a schedule', () => {
    const used = functions.map(([, { role }]) => role);
    const texts = read('serverless.yml');
    for (const name of Object.keys(roles)) {
      expect(used.includes(name) || texts.includes(`!GetAtt ${name}.Arn`), name).toBe(true);
    }
  });

  it('fail the check with a wildcard in an action or resource', () => {
    expect(
      [
        ...['*', 'dynamodb:*', 'arn:aws:s3:::*', '$' + '{ClustersTable.Arn}/index/*'],
        ...['$' + '{JobBucket.Arn}/*', '$' + '{JobBucket.Arn}/jobs/*/log'],
      ].filter((text) => !isWide(text)),
    ).toEqual([]);
    expect(isWide('$' + '{JobBucket.Arn}/jobs/*')).toBe(false);
    expect(isWide('arn:aws:secretsmanager:us-east-1:1:secret:onebuck/dev-??????')).toBe(false);
  });
});

describe('the secret', () => {
  it('is looked for in the region of the stack, where npm run setup makes it', () => {
    expect(service.provider.region).toBe('$' + '{opt:region, file(./ops/region.cjs)}');
  });

  it('is named in an environment variable, and its contents are in none', () => {
    const environment = service.provider.environment as Record<string, string>;
    expect(Object.keys(environment).filter((name) => /TOKEN|PASSWORD|KEY/.test(name))).toEqual([]);
    expect(SETTINGS.filter((name) => /TOKEN|PASSWORD|KEY/.test(name))).toEqual([]);
  });
});

describe('the limits of the routes', () => {
  const { DependsOn, Properties } = yaml('stack/limits.yml').extensions.HttpApiStage;
  const limited = Object.keys(Properties.RouteSettings);
  /** The name that the framework gives to a route such as `GET /clusters/{id}`. */
  const nameOf = (route: string) => {
    const words = route.replaceAll(/\{(\w+)\}/g, '$1 Var').match(/\w+/g) ?? [];
    const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
    return `HttpApiRoute${capital(route.split(' ')[0]?.toLowerCase() ?? '')}${words
      .slice(1)
      .map((word, at) => (word === 'json' && at > 0 ? word : capital(word)))
      .join('')}`;
  };

  it('are of routes that exist, and wait for each of them, as API Gateway demands', () => {
    const declared = Object.values(operations).map(({ method, path }) => `${method} ${path}`);
    expect(limited.filter((route) => !declared.includes(route))).toEqual([]);
    expect(limited.map(nameOf).toSorted()).toEqual([...DependsOn].toSorted());
  });

  it('leave no room for hundreds of requests a second', () => {
    const limits = [Properties.DefaultRouteSettings, ...Object.values(Properties.RouteSettings)];
    for (const { ThrottlingRateLimit, ThrottlingBurstLimit } of limits) {
      expect(ThrottlingRateLimit).toBeLessThanOrEqual(10);
      expect(ThrottlingBurstLimit).toBeLessThanOrEqual(100);
    }
  });
});

describe('web pages of other origins', () => {
  const { Parameters, Conditions, extensions } = yaml('stack/cors.yml');
  const [condition, allowed, otherwise] = extensions.HttpApi.Properties.CorsConfiguration;

  it('may call the API only with CORS_ORIGINS, which is empty by default', () => {
    expect(Parameters.CorsOrigins.Default).toBe(setting('CORS_ORIGINS'));
    expect(DEFAULTS.CORS_ORIGINS).toBe('');
    expect(Conditions[condition]).toEqual([[['', 'CorsOrigins'], '']]);
    expect(allowed.AllowOrigins).toBe('CorsOrigins');
    expect(otherwise).toBe('AWS::NoValue');
  });

  it('may then use every method and every header that the API reads', () => {
    const all = Object.values(operations);
    expect(new Set(allowed.AllowMethods)).toEqual(new Set(all.map(({ method }) => method)));
    const read = all.flatMap(({ headers }) => Object.keys(headers.shape));
    const wanted = ['authorization', 'content-type', ...read.map((name) => name.toLowerCase())];
    expect(new Set(allowed.AllowHeaders)).toEqual(new Set(wanted));
    expect(allowed).not.toHaveProperty('AllowCredentials');
  });
});

describe('the bucket of the files of jobs', () => {
  const { Parameters, Resources } = yaml('stack/files.yml');
  const { DeletionPolicy, UpdateReplacePolicy, Properties } = Resources.JobBucket;
  const rules = Properties.LifecycleConfiguration.Rules as Record<string, unknown>[];

  it('is private, encrypted, and takes requests by TLS only', () => {
    expect(Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(Properties.OwnershipControls.Rules).toEqual([
      { ObjectOwnership: 'BucketOwnerEnforced' },
    ]);
    const [encryption] = Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    expect(encryption).toEqual({ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } });
    const { Bucket, PolicyDocument } = Resources.JobBucketPolicy.Properties;
    expect(Bucket).toBe('JobBucket');
    expect(PolicyDocument.Statement).toEqual([
      {
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: ['JobBucket.Arn', '$' + '{JobBucket.Arn}/*'],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
  });

  it('forgets uploads and jobs after JOB_FILES_KEPT_DAYS, and no file of a schedule', () => {
    expect(Parameters.JobFilesKeptDays.Default).toBe(setting('JOB_FILES_KEPT_DAYS'));
    const expiring = rules.filter((rule) => 'ExpirationInDays' in rule);
    expect(expiring).toEqual(
      ['uploads', 'jobs'].map((Id) => ({
        ...{ Id, Status: 'Enabled', Prefix: `${Id}/`, ExpirationInDays: 'JobFilesKeptDays' },
      })),
    );
    expect(rules.filter((rule) => !expiring.includes(rule))).toEqual([
      expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
    ]);
  });

  it('lives as long as the table', () => {
    const table = yaml('stack/table.yml').Resources.ClustersTable;
    expect(DeletionPolicy).toBe(table.DeletionPolicy);
    expect(UpdateReplacePolicy).toBe(table.UpdateReplacePolicy);
  });

  it('has a name that no other account has, and that S3 takes for the longest stage', () => {
    const name = (Properties.BucketName as string)
      .replace('$' + '{self:service}', 'onebuck')
      .replace('$' + '{sls:stage}', 'a'.repeat(20))
      .replace('$' + '{AWS::AccountId}', '123456789012')
      .replace('$' + '{AWS::Region}', 'ap-southeast-1');
    expect(name).toBe(`onebuck-${'a'.repeat(20)}-jobs-123456789012-ap-southeast-1`);
    expect(name.length).toBeLessThanOrEqual(63);
    expect(service.custom.jobBucket.deployed).toBe('JobBucket');
  });

  it('lets pages read and write by URLs only from the origins that may call the API', () => {
    const [own, [condition, others]] = Properties.CorsConfiguration.CorsRules;
    const console = service.custom.publicUrl.deployed[2];
    expect(own.AllowedOrigins[0]).toBe(console);
    expect(own.AllowedOrigins[1][0]).toBe('HasPublicUrl');
    expect(condition).toBe('HasCorsOrigins');
    expect(others).toEqual({ ...own, AllowedOrigins: 'CorsOrigins' });
    expect(own.AllowedMethods).toEqual(['GET', 'PUT']);
  });
});

describe('the budget of the AWS account', () => {
  const { Parameters, Conditions, Resources } = yaml('stack/budget.yml');
  const { Type, Condition, Properties } = Resources.AwsBudget;

  it('mails at AWS_BUDGET_USD, 5 by default, where there is an address for alarms', () => {
    expect(Type).toBe('AWS::Budgets::Budget');
    expect(Parameters.AwsBudgetUsd.Default).toBe(setting('AWS_BUDGET_USD'));
    expect(DEFAULTS.AWS_BUDGET_USD).toBe('5');
    expect(Properties.Budget.BudgetLimit).toEqual({ Amount: 'AwsBudgetUsd', Unit: 'USD' });
    const [{ Notification, Subscribers }] = Properties.NotificationsWithSubscribers;
    expect(Notification).toMatchObject({ NotificationType: 'ACTUAL', Threshold: 100 });
    expect(Subscribers).toEqual([{ SubscriptionType: 'EMAIL', Address: 'AlarmEmail' }]);
    expect(Conditions[Condition]).toEqual(['HasAlarmEmail', [['AwsBudgetUsd', 'none']]]);
  });

  it.each([
    ['5', true],
    ['12.50', true],
    ['none', true],
    ['5 USD', false],
    ['much', false],
    ['', false],
  ])('is an amount or none: %j', (value, isFit) => {
    expect(new RegExp(Parameters.AwsBudgetUsd.AllowedPattern).test(value)).toBe(isFit);
  });
});

describe('the routes', () => {
  type Route = '*' | { readonly method: string; readonly path: string };
  const routesOf = (name: string) =>
    (service.functions[name].events as { httpApi: Route }[]).map(({ httpApi }) =>
      httpApi === '*' ? '*' : `${httpApi.method} ${httpApi.path}`,
    );

  it('are the routes that the API describes, and one for all other requests', () => {
    const described = Object.values(operations).map(({ method, path }) => `${method} ${path}`);
    expect(routesOf('api').toSorted()).toEqual(['*', ...described].toSorted());
  });

  it('are all answered by handlers/api.ts', () => {
    const answered = [...read('handlers/api.ts').matchAll(/^route\(operations\.(\w+)/gm)];
    const names = answered.map(([, name]) => name);
    expect(names.toSorted()).toEqual(Object.keys(operations).toSorted());
  });

  it('need a token, except /health and /openapi.json', () => {
    const open = Object.values(operations).filter(({ access }) => access === 'open');
    expect(open.map(({ path }) => path).toSorted()).toEqual(['/health', '/openapi.json']);
  });

  it('have no authorizer in API Gateway: handlers/api.ts answers its own 401 and 403', () => {
    expect(service.provider).not.toHaveProperty('httpApi');
  });

  it('of the console are / and /assets, and no other function has a route', () => {
    expect(routesOf('console')).toEqual(['GET /', 'GET /assets/{file}']);
    const others = functions.filter(([name]) => !['api', 'console'].includes(name));
    const declared = others.flatMap(([, { events = [] }]) => events);
    expect(declared.filter((event) => 'httpApi' in event)).toEqual([]);
  });
});

it('a local run does not bundle the functions anew when a program writes into this folder', () => {
  expect(service.custom.esbuild.watch.pattern).toEqual([]);
});
