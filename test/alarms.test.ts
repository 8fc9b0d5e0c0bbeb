import { describe, expect, it } from 'vitest';
import { alarm, alarms, isInAlarm, ofType, read } from './alarm.ts';

describe('the alarm for a reaper that does not run', () => {
  const of = alarm('ReaperNotRun');

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
  const of = alarm('SweeperNotRun');
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

const filters = ofType<{
  readonly LogGroupName: string;
  readonly FilterPattern: string;
  readonly MetricTransformations: readonly { readonly MetricName: string }[];
}>('AWS::Logs::MetricFilter');

it.each(filters)('%s counts what its function logs, for an alarm', (_, filter) => {
  const message = /\$\.message = "([^"]+)"/.exec(filter.FilterPattern)?.[1];
  const source = { ReconcileLogGroup: 'lib/reconcile.ts', SweepLogGroup: 'lib/sweep.ts' };
  const path = source[filter.LogGroupName as keyof typeof source];
  expect(read(path)).toContain(`'${message}'`);
  const [metric] = filter.MetricTransformations;
  expect(alarms.some(([, { MetricName }]) => MetricName === metric?.MetricName)).toBe(true);
});
