import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NAMESPACE } from '../../lib/adapters/aws/emf.ts';
import { type MetricName, metrics } from '../../lib/core/cluster/metrics.ts';
import { alarmNamed, alarms, isInAlarm, read } from '../support/alarm.ts';
import { emitted } from '../support/emf.ts';

describe('the alarm for a reaper that does not run', () => {
  const of = alarmNamed('ReaperNotRun');

  it('watches the invocations of the reaper', () => {
    expect(of).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'Invocations' });
    expect(of.Dimensions).toEqual([{ Name: 'FunctionName', Value: 'ReapLambdaFunction' }]);
  });

  it('goes off after 3 minutes without a run, of which a dead schedule leaves no data', () => {
    expect(of.Period * of.EvaluationPeriods).toBe(180);
    expect(isInAlarm(of, [1, 1, 1, null, null, null])).toBe(true);
    expect(isInAlarm(of, [1, 1, null, null, 1])).toBe(false);
    expect(isInAlarm(of, [1, 1, 1])).toBe(false);
  });
});

it('the alarm for a sweeper that does not run goes off after three of its periods', () => {
  const of = alarmNamed('SweeperNotRun');
  expect(of.Dimensions).toEqual([{ Name: 'FunctionName', Value: 'SweepLambdaFunction' }]);
  expect([of.Period, isInAlarm(of, [1, null, null, null])]).toEqual([300, true]);
});

it('the others are silent while nothing fails, and go off when it does', () => {
  const others = alarms.filter(([name]) => !name.endsWith('NotRun'));
  expect(others.length).toBeGreaterThan(4);
  for (const [name, of] of others) {
    expect(isInAlarm(of, Array(5).fill(null)), name).toBe(false);
    expect(isInAlarm(of, Array(5).fill(1)), name).toBe(true);
  }
});

it.each(alarms)('%s says what to do, to the one topic', (_, of) => {
  expect(of.AlarmDescription.length).toBeGreaterThan(60);
  // CloudWatch's own bound.
  expect(of.AlarmDescription.length).toBeLessThanOrEqual(1024);
  expect(of.AlarmActions).toEqual(['AlarmTopic']);
});

it('the one for an overspend goes off at a micro-dollar, and at once', () => {
  expect(isInAlarm(alarmNamed('Overspent'), [null, 0.000001])).toBe(true);
  expect(isInAlarm(alarmNamed('Overspent'), [null, 0])).toBe(false);
});

it('the one for an overdue cluster goes off in the minute that shows one', () => {
  const of = alarmNamed('OverdueClusters');
  expect([of.Period, isInAlarm(of, [null, 1])]).toEqual([60, true]);
});

describe('a metric of our own', () => {
  const names = Object.keys(metrics) as MetricName[];
  const ours = alarms.filter(([, { Namespace }]) => !Namespace.startsWith('AWS/'));
  const filledIn = (text: string) =>
    text.replace(/\$\{self:service\}/, 'onebuck').replace(/\$\{sls:stage\}/, 'test');

  it.each(ours)(
    'is what %s asks for, by the name and dimensions under which it is sent',
    (_, of) => {
      const [metric, ...others] = names.filter((name) => name === of.MetricName);
      expect(others).toEqual([]);
      const line = emitted({ stage: 'test', hasDashboard: false }, { [metric as MetricName]: 1 });
      const [sent] = line._aws.CloudWatchMetrics;
      expect(sent?.Namespace).toBe(of.Namespace);
      expect(sent?.Metrics.map(({ Name }) => Name)).toEqual([of.MetricName]);
      const dimensions = of.Dimensions?.map(({ Name, Value }) => [Name, filledIn(Value)]);
      expect(sent?.Dimensions[0]?.map((name) => [name, line[name]])).toEqual(dimensions);
    },
  );

  it('has an alarm exactly if it is always sent, and else a place on the dashboard', () => {
    const watched = new Set(ours.map(([, { MetricName }]) => MetricName));
    expect(names.filter((name) => metrics[name].isAlarming).toSorted()).toEqual(
      [...watched].toSorted(),
    );
    const onDashboard = drawn().map(([, name]) => name);
    for (const name of names) expect([...watched, ...onDashboard]).toContain(name);
  });

  it('is drawn by the name and dimension under which it is sent', () => {
    expect(drawn().map(([, name]) => name)).toEqual([
      ...['LiveClusters', 'OpenBudget', 'SpendRate', 'TeardownLead', 'OrphansDestroyed'],
    ]);
    for (const [namespace, name, dimension, value] of drawn()) {
      expect(names).toContain(name);
      expect([namespace, dimension, filledIn(value)]).toEqual([
        NAMESPACE,
        'service',
        'onebuck-test',
      ]);
    }
  });

  it.each(names)('%s is counted by a use case', (name) => {
    const sources = ['reap', 'reconcile', 'run-schedule', 'sweep'].map((one) =>
      read(`lib/app/${one}.ts`),
    );
    expect(sources.join('\n')).toMatch(new RegExp(`\\b${name}:`));
  });
});

type Drawn = readonly [namespace: string, name: string, dimension: string, value: string];

/** Every metric of the dashboard, whose body must be JSON. */
function drawn(): Drawn[] {
  const { Resources } = parse(read('stack/dashboard.yml'), { logLevel: 'silent' });
  const body = JSON.parse(Resources.ClustersDashboard.Properties.DashboardBody) as {
    widgets: { properties: { metrics: unknown[][] } }[];
  };
  const all = body.widgets.flatMap(({ properties }) => properties.metrics);
  return all.filter(([first]) => typeof first === 'string') as unknown as Drawn[];
}
