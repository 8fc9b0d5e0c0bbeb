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
/** CloudFormation's own tags become the text that they are put before. */
export const { Resources } = parse(read('stack/alarms.yml'), { logLevel: 'silent' }) as {
  Resources: Record<string, Resource>;
};
export const ofType = <T>(type: string) =>
  Object.entries(Resources)
    .filter(([, { Type }]) => Type === type)
    .map(([name, { Properties }]) => [name, Properties as unknown as T] as const);
export const alarms = ofType<Alarm>('AWS::CloudWatch::Alarm');
export const alarm = (name: string) => Resources[name]?.Properties as unknown as Alarm;

/** Whether CloudWatch would have it in alarm; a period without data has null. */
export function isInAlarm(of: Alarm, periods: readonly (number | null)[]): boolean {
  const looked = periods.slice(-of.EvaluationPeriods);
  const breaching = looked.filter((value) => {
    if (value === null) return of.TreatMissingData === 'breaching';
    if (of.ComparisonOperator === 'LessThanThreshold') return value < of.Threshold;
    return of.ComparisonOperator === 'GreaterThanThreshold'
      ? value > of.Threshold
      : value >= of.Threshold;
  });
  return breaching.length >= (of.DatapointsToAlarm ?? of.EvaluationPeriods);
}
