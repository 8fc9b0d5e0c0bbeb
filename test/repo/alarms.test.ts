import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NAMESPACE } from '../../lib/adapters/aws/emf.ts';
import { SECRET_FAULTS } from '../../lib/adapters/aws/secrets-manager.ts';
import { type MetricName, metrics } from '../../lib/core/cluster/metrics.ts';
import { alarmNamed, alarms, callsAPerson, Resources, read, stateOf } from '../support/alarm.ts';
import { emitted } from '../support/emf.ts';

const service = parse(read('serverless.yml'), { logLevel: 'silent' });
const STACK = '$' + '{self:service}-$' + '{sls:stage}';

/** What each alarm watches: namespace, metric, and the resource that its one dimension names. */
const WATCHED: Readonly<Record<string, readonly [string, string, string?, string?]>> = {
  ReaperNotRun: ['AWS/Lambda', 'Invocations', 'FunctionName', 'ReapLambdaFunction'],
  SweeperNotRun: ['AWS/Lambda', 'Invocations', 'FunctionName', 'SweepLambdaFunction'],
  ReaperFails: ['AWS/Lambda', 'Errors', 'FunctionName', 'ReapLambdaFunction'],
  SweeperFails: ['AWS/Lambda', 'Errors', 'FunctionName', 'SweepLambdaFunction'],
  PassesFail: ['AWS/Lambda', 'Errors', 'FunctionName', 'ReconcileLambdaFunction'],
  FunctionsThrottled: ['AWS/Lambda', 'Throttles', 'FunctionName', 'ReapLambdaFunction'],
  PassesThrottled: ['AWS/Lambda', 'Throttles', 'FunctionName', 'ReconcileLambdaFunction'],
  DigestsFail: ['AWS/Lambda', 'Errors', 'FunctionName', 'DigestLambdaFunction'],
  // HTTP APIs say 5xx, where REST APIs say 5XXError.
  RequestsFail: ['AWS/ApiGateway', '5xx', 'ApiId', 'HttpApi'],
  RequestsThrottled: [STACK, 'ThrottledRequests'],
  RunsLost: [
    ...(['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'QueueName'] as const),
    'LostRuns.QueueName',
  ],
  OverdueClusters: ['onebuck', 'OverdueClusters', 'service', STACK],
  Overspent: ['onebuck', 'Overspend', 'service', STACK],
  UnreadableRecords: ['onebuck', 'UnreadableRecords', 'service', STACK],
  MalformedSecret: ['onebuck', 'MalformedSecret', 'service', STACK],
  LaunchesFail: ['onebuck', 'FailedLaunches', 'service', STACK],
  OrphansDestroyed: ['onebuck', 'OrphansDestroyed', 'service', STACK],
  InvoicesDiffer: ['onebuck', 'InvoiceDifferences', 'service', STACK],
  NodesTakenOver: ['onebuck', 'TakenOver', 'service', STACK],
  OwnershipTagLost: ['onebuck', 'TagsLost', 'service', STACK],
};

it('each alarm watches the metric of the resource that it is named for', () => {
  const watched = alarms.map(([name, { Namespace, MetricName, Dimensions = [] }]) => [
    name,
    [Namespace, MetricName, ...Dimensions.flatMap(({ Name, Value }) => [Name, Value])],
  ]);
  expect(Object.fromEntries(watched)).toEqual(WATCHED);
});

it('no alarm is raised when it is made, before there are data', () => {
  for (const [name, alarm] of alarms) {
    expect(stateOf(alarm, Array(9).fill(null)), name).not.toBe('ALARM');
  }
});

it('an account pays for at most one alarm beyond the ten free ones, unless it wants more', () => {
  const always = alarms.filter(([name]) => Resources[name]?.Condition === undefined);
  expect(always).toHaveLength(11);
  const others = alarms.map(([name]) => Resources[name]?.Condition).filter(Boolean);
  expect(new Set(others)).toEqual(new Set(['HasMoreAlarms']));
});

describe('the alarm for a reaper that does not run', () => {
  const alarm = alarmNamed('ReaperNotRun');

  it('calls a person after 5 minutes without a run; a dead schedule leaves no data at all', () => {
    expect(alarm.Period).toBe(60);
    expect(callsAPerson(alarm, [1, null, null, null, null, null])).toBe(true);
    expect(callsAPerson(alarm, [1, 1, null, null, null, null])).toBe(false);
    expect(callsAPerson(alarm, [1, 1, 1, 1, 1])).toBe(false);
  });
});

it('the alarm for a sweeper that does not run calls a person after 5 of its periods', () => {
  const alarm = alarmNamed('SweeperNotRun');
  expect(alarm.Period).toBe(300);
  expect(callsAPerson(alarm, [1, null, null, null, null, null])).toBe(true);
  expect(callsAPerson(alarm, [1, null, null, null, null])).toBe(false);
});

it('every other alarm is silent while there are no data, and goes off at its threshold', () => {
  const others = alarms.filter(([name]) => !name.endsWith('NotRun'));
  expect(others.length).toBeGreaterThan(4);
  for (const [name, alarm] of others) {
    expect(stateOf(alarm, Array(9).fill(null)), name).toBe('OK');
    expect(stateOf(alarm, Array(9).fill(alarm.Threshold + 1)), name).toBe('ALARM');
    if (name !== 'RequestsThrottled') expect(alarm.Threshold, name).toBeLessThanOrEqual(1);
  }
});

it('the alarm for requests that fail goes off at the second period of three', () => {
  const alarm = alarmNamed('RequestsFail');
  expect(stateOf(alarm, [1, null, 1])).toBe('ALARM');
  expect(stateOf(alarm, [null, null, 9])).toBe('OK');
});

describe('the metric of throttled requests', () => {
  const [filter] = Object.entries(Resources).filter(
    ([, { Type }]) => Type === 'AWS::Logs::MetricFilter',
  );
  const { LogGroupName, FilterPattern, MetricTransformations } = (filter?.[1].Properties ??
    {}) as unknown as Readonly<Record<string, unknown>>;
  const { format } = service.provider.logs.httpApi;

  it('is counted in the access log, by the field and the name that its alarm watches', () => {
    const pattern = '{ ($.status = 429) && ($.route != "POST /agent/{id}/{rank}") }';
    expect([LogGroupName, FilterPattern]).toEqual(['HttpApiLogGroup', pattern]);
    const { Namespace, MetricName } = alarmNamed('RequestsThrottled');
    expect(MetricTransformations).toEqual([
      { MetricNamespace: Namespace, MetricName, MetricValue: '1' },
    ]);
  });

  it('finds the status as a number in lines of JSON, which have no path and no token', () => {
    const line = JSON.parse(format.replace('$context.status', '429')) as object;
    expect(line).toMatchObject({ status: 429, requestId: '$context.requestId' });
    expect(format).not.toMatch(/\$context\.path|\$request/);
  });
});

it('the alarm for lost runs says how often Lambda tries each of them', () => {
  const { AlarmDescription } = alarmNamed('RunsLost');
  const { reap, sweep, nightly, invoices } = service.functions;
  const tries = [reap, sweep, nightly, invoices].map(
    ({ maximumRetryAttempts }) => maximumRetryAttempts + 1,
  );
  const [reaper, sweeper, ...others] = tries;
  expect(others).toEqual([sweeper, sweeper]);
  expect(AlarmDescription).toContain(
    `tried a run of the reaper up to ${reaper} times, of the sweeper, the nightly launch or the ` +
      `reading of invoices up to ${sweeper} times.`,
  );
});

it.each(alarms)(
  '%s has a description within the bounds of CloudWatch, and mails the alarm topic',
  (_, alarm) => {
    expect(alarm.AlarmDescription.length).toBeGreaterThan(60);
    // The maximum that CloudWatch accepts.
    expect(alarm.AlarmDescription.length).toBeLessThanOrEqual(1024);
    expect(alarm.AlarmActions).toEqual(['AlarmTopic']);
  },
);

it('the alarm for an overspend goes off at the first micro-dollar, in one period', () => {
  expect(stateOf(alarmNamed('Overspent'), [null, 0.000001])).toBe('ALARM');
  expect(stateOf(alarmNamed('Overspent'), [null, 0])).toBe('OK');
});

it('the alarm for an overdue cluster goes off in the first minute that has one', () => {
  const alarm = alarmNamed('OverdueClusters');
  expect([alarm.Period, stateOf(alarm, [null, 1])]).toEqual([60, 'ALARM']);
});

it('the alarm for throttled passes goes off after two throttled minutes of three', () => {
  const alarm = alarmNamed('PassesThrottled');
  expect(stateOf(alarm, [3, null, 7])).toBe('ALARM');
  expect(stateOf(alarm, [null, null, 7])).toBe('OK');
});

it('the alarm for a malformed secret says which value stands for which field', () => {
  const { AlarmDescription } = alarmNamed('MalformedSecret');
  for (const [index, fault] of SECRET_FAULTS.entries()) {
    expect(AlarmDescription.replaceAll(/\s+/g, ' ')).toContain(`${index + 1} ${fault}`);
  }
});

describe('a metric of Onebuck', () => {
  const names = Object.keys(metrics) as MetricName[];
  const ours = alarms.filter(([, { Namespace }]) => Namespace === NAMESPACE);
  const withoutVariables = (text: string) =>
    text.replace(/\$\{self:service\}/, 'onebuck').replace(/\$\{sls:stage\}/, 'test');

  it.each(ours)('is sent with the name and dimensions that the alarm %s watches', (_, alarm) => {
    const [metric, ...others] = names.filter((name) => name === alarm.MetricName);
    expect(others).toEqual([]);
    const line = emitted({ stage: 'test', hasDashboard: false }, { [metric as MetricName]: 1 });
    const [sent] = line._aws.CloudWatchMetrics;
    expect(sent?.Namespace).toBe(alarm.Namespace);
    expect(sent?.Metrics.map(({ Name }) => Name)).toEqual([alarm.MetricName]);
    const dimensions = alarm.Dimensions?.map(({ Name, Value }) => [Name, withoutVariables(Value)]);
    expect(sent?.Dimensions[0]?.map((name) => [name, line[name]])).toEqual(dimensions);
  });

  it('has an alarm exactly if it is alarming, and otherwise a place on the dashboard', () => {
    const watched = new Set(ours.map(([, { MetricName }]) => MetricName));
    expect(names.filter((name) => metrics[name].isAlarming).toSorted()).toEqual(
      [...watched].toSorted(),
    );
    const onDashboard = drawn().map(([, name]) => name);
    for (const name of names) expect([...watched, ...onDashboard]).toContain(name);
  });

  it('is drawn on the dashboard by the name and dimension with which it is sent', () => {
    expect(drawn().map(([, name]) => name)).toEqual([
      ...['LiveClusters', 'OpenBudget', 'SpendRate', 'TeardownLead', 'OrphansDestroyed'],
    ]);
    for (const [namespace, name, dimension, value] of drawn()) {
      expect(names).toContain(name);
      expect([namespace, dimension, withoutVariables(value)]).toEqual([
        NAMESPACE,
        'service',
        'onebuck-test',
      ]);
    }
  });

  it.each(names)('%s is emitted by a use case', (name) => {
    const sources = [
      'reap',
      'reconcile',
      'reconcile-invoices',
      'report-changes',
      'run-schedule',
      'sweep',
    ].map((useCase) => read(`lib/app/${useCase}.ts`));
    // Only the adapter of the secret knows what is malformed in it.
    if (name === 'MalformedSecret') sources.push(read('lib/wire.ts'));
    expect(sources.join('\n')).toMatch(new RegExp(`\\b${name}:`));
  });
});

type Drawn = readonly [namespace: string, name: string, dimension: string, value: string];

/** Every metric of the dashboard; throws if the dashboard's body is no JSON. */
function drawn(): Drawn[] {
  const { Resources } = parse(read('stack/dashboard.yml'), { logLevel: 'silent' });
  const body = JSON.parse(Resources.ClustersDashboard.Properties.DashboardBody) as {
    widgets: { properties: { metrics: unknown[][] } }[];
  };
  const all = body.widgets.flatMap(({ properties }) => properties.metrics);
  return all.filter(([first]) => typeof first === 'string') as unknown as Drawn[];
}
