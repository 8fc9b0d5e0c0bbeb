import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
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
  readonly TreatMissingData: 'missing' | 'notBreaching' | 'breaching';
  readonly AlarmActions: readonly string[];
  readonly InsufficientDataActions?: readonly string[];
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

/**
 * The state into which CloudWatch puts the alarm; null: a period without data. Where missing data
 * stay missing, CloudWatch looks at two periods more than the alarm names before it finds too few
 * data.
 */
export function stateOf(alarm: Alarm, periods: readonly (number | null)[]) {
  const range = periods.slice(-alarm.EvaluationPeriods - 2);
  const isWithoutData = range.every((value) => value === null);
  if (isWithoutData && alarm.TreatMissingData === 'missing') return 'INSUFFICIENT_DATA';
  const lastPeriods = periods.slice(-alarm.EvaluationPeriods);
  const breaching = lastPeriods.filter((value) => {
    if (value === null) return alarm.TreatMissingData === 'breaching';
    if (alarm.ComparisonOperator === 'LessThanThreshold') return value < alarm.Threshold;
    return alarm.ComparisonOperator === 'GreaterThanThreshold'
      ? value > alarm.Threshold
      : value >= alarm.Threshold;
  });
  const isBreached = breaching.length >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods);
  return isBreached ? 'ALARM' : 'OK';
}

/** Whether the alarm mails, once it was OK and has come into its state for these periods. */
export function callsAPerson(alarm: Alarm, periods: readonly (number | null)[]): boolean {
  const state = stateOf(alarm, periods);
  const { AlarmActions, InsufficientDataActions = [] } = alarm;
  const actions: Readonly<Record<typeof state, readonly string[]>> = {
    ALARM: AlarmActions,
    INSUFFICIENT_DATA: InsufficientDataActions,
    OK: [],
  };
  return actions[state].includes('AlarmTopic');
}
