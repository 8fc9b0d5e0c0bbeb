import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, never>>;
}

export interface Alarm {
  readonly AlarmDescription: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly Threshold: number;
  readonly ComparisonOperator:
    | 'LessThanThreshold'
    | 'GreaterThanThreshold'
    | 'GreaterThanOrEqualToThreshold';
  readonly TreatMissingData: 'breaching' | 'notBreaching';
  readonly AlarmActions: readonly string[];
}

const root = new URL('../../', import.meta.url);
export const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
/** The parser drops CloudFormation's tags: `!Ref Topic` is read as the text `Topic`. */
export const { Resources } = parse(read('stack/alarms.yml'), { logLevel: 'silent' }) as {
  Resources: Record<string, Resource>;
};
export const ofType = <T>(type: string) =>
  Object.entries(Resources)
    .filter(([, { Type }]) => Type === type)
    .map(([name, { Properties }]) => [name, Properties as unknown as T] as const);
export const alarms = ofType<Alarm>('AWS::CloudWatch::Alarm');
export const alarmNamed = (name: string) => Resources[name]?.Properties as unknown as Alarm;

/** Whether CloudWatch puts the alarm into the state ALARM; null: a period without data. */
export function isInAlarm(alarm: Alarm, periods: readonly (number | null)[]): boolean {
  const lastPeriods = periods.slice(-alarm.EvaluationPeriods);
  const breaching = lastPeriods.filter((value) => {
    if (value === null) return alarm.TreatMissingData === 'breaching';
    if (alarm.ComparisonOperator === 'LessThanThreshold') return value < alarm.Threshold;
    return alarm.ComparisonOperator === 'GreaterThanThreshold'
      ? value > alarm.Threshold
      : value >= alarm.Threshold;
  });
  return breaching.length >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods);
}
