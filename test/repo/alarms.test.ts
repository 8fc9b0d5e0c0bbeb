import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NAMESPACE } from '../../lib/adapters/aws/emf.ts';
import { SECRET_FAULTS } from '../../lib/adapters/aws/secrets-manager.ts';
import { type MetricName, metrics } from '../../lib/core/cluster/metrics.ts';
import { alarmNamed, alarms, isInAlarm, read } from '../support/alarm.ts';
import { emitted } from '../support/emf.ts';

describe('the alarm for a reaper that does not run', () => {
  const alarm = alarmNamed('ReaperNotRun');

  it('watches the invocations of the reaper', () => {
    expect(alarm).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'Invocations' });
    expect(alarm.Dimensions).toEqual([{ Name: 'FunctionName', Value: 'ReapLambdaFunction' }]);
  });

  it('goes off after 3 minutes without a run; a dead schedule leaves no data at all', () => {
    expect(alarm.Period * alarm.EvaluationPeriods).toBe(180);
    expect(isInAlarm(alarm, [1, 1, 1, null, null, null])).toBe(true);
    expect(isInAlarm(alarm, [1, 1, null, null, 1])).toBe(false);
    expect(isInAlarm(alarm, [1, 1, 1])).toBe(false);
  });
});

it('the alarm for a sweeper that does not run goes off after three of its periods', () => {
  const alarm = alarmNamed('SweeperNotRun');
  expect(alarm.Dimensions).toEqual([{ Name: 'FunctionName', Value: 'SweepLambdaFunction' }]);
  expect([alarm.Period, isInAlarm(alarm, [1, null, null, null])]).toEqual([300, true]);
});

it('every other alarm is silent while there are no data, and goes off at a value of 1', () => {
  const others = alarms.filter(([name]) => !name.endsWith('NotRun'));
  expect(others.length).toBeGreaterThan(4);
  for (const [name, alarm] of others) {
    expect(isInAlarm(alarm, Array(5).fill(null)), name).toBe(false);
    expect(isInAlarm(alarm, Array(5).fill(1)), name).toBe(true);
  }
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
  expect(isInAlarm(alarmNamed('Overspent'), [null, 0.000001])).toBe(true);
  expect(isInAlarm(alarmNamed('Overspent'), [null, 0])).toBe(false);
});

it('the alarm for an overdue cluster goes off in the first minute that has one', () => {
  const alarm = alarmNamed('OverdueClusters');
  expect([alarm.Period, isInAlarm(alarm, [null, 1])]).toEqual([60, true]);
});

it('the alarm for throttled passes goes off after two throttled minutes of three', () => {
  const alarm = alarmNamed('PassesThrottled');
  expect(alarm).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'Throttles' });
  expect(alarm.Dimensions).toEqual([{ Name: 'FunctionName', Value: 'ReconcileLambdaFunction' }]);
  expect(isInAlarm(alarm, [3, null, 7])).toBe(true);
  expect(isInAlarm(alarm, [null, null, 7])).toBe(false);
});

it('the alarm for a malformed secret says which value stands for which field', () => {
  const { AlarmDescription } = alarmNamed('MalformedSecret');
  for (const [index, fault] of SECRET_FAULTS.entries()) {
    expect(AlarmDescription.replaceAll(/\s+/g, ' ')).toContain(`${index + 1} ${fault}`);
  }
});

describe('a metric of Onebuck', () => {
  const names = Object.keys(metrics) as MetricName[];
  const ours = alarms.filter(([, { Namespace }]) => !Namespace.startsWith('AWS/'));
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
    const sources = ['reap', 'reconcile', 'report-changes', 'run-schedule', 'sweep'].map(
      (useCase) => read(`lib/app/${useCase}.ts`),
    );
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
