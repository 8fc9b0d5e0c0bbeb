import { parseUsd } from '../lib/core/base/money.ts';
import { SETTINGS, type SettingName } from './settings.ts';

/** The parts of a CloudFormation template of Onebuck that have settings. */
export interface TemplateWithSettings {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Resources?: Readonly<Record<string, Resource>>;
}

interface Resource {
  readonly DeletionPolicy?: unknown;
  readonly Properties?: {
    readonly State?: unknown;
    readonly ScheduleExpressionTimezone?: unknown;
    readonly Environment?: { readonly Variables?: Readonly<Record<string, unknown>> };
  };
}

/** Settings by their names; one that a template of another version lacks is missing. */
export type Settings = Readonly<Partial<Record<SettingName, string>>>;

/** The settings that a template has: as variables of functions, as parameters, and built in. */
export function settingsIn({ Parameters = {}, Resources = {} }: TemplateWithSettings): Settings {
  const variables = Resources.ReconcileLambdaFunction?.Properties?.Environment?.Variables ?? {};
  const nightly = Resources.NightlySchedulerSchedule1?.Properties;
  const policy = Resources.ClustersTable?.DeletionPolicy;
  const builtIn: Readonly<Record<string, unknown>> = {
    KEEP_TABLE: policy === undefined ? undefined : `${policy === 'RetainExceptOnCreate'}`,
    NIGHTLY: nightly === undefined ? undefined : `${nightly.State === 'ENABLED'}`,
    NIGHTLY_TIMEZONE: nightly?.ScheduleExpressionTimezone,
  };
  return Object.fromEntries(
    SETTINGS.flatMap((name) => {
      const value = Parameters[parameterOf(name)]?.Default ?? variables[name] ?? builtIn[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

/** The settings among the parameters of a deployed stack, which may differ from its template. */
export const settingsOfParameters = (values: Readonly<Record<string, string>>): Settings =>
  Object.fromEntries(
    SETTINGS.flatMap((name) => {
      const value = values[parameterOf(name)];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** `ALARM_EMAIL` is the stack's parameter `AlarmEmail`. */
const parameterOf = (name: SettingName): string =>
  name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

export interface Change {
  readonly name: SettingName;
  /** undefined: the version on this side does not know the setting. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Whether the change takes away a bound, a protection or a reader of alarms and notices. */
  readonly isLoosened: boolean;
}

/** What a deployment changes. `deployed`: the defaults, where nothing is deployed yet. */
export const changesOf = (deployed: Settings, wanted: Settings): Change[] =>
  SETTINGS.filter((name) => deployed[name] !== wanted[name]).map((name) => {
    const [from, to] = [deployed[name], wanted[name]];
    return { name, from, to, isLoosened: from !== undefined && LOOSENED[name](from, to) };
  });

/** Whether a change of the value, which may be to none at all, loosens what is deployed. */
type IsLoosened = (from: string, to: string | undefined) => boolean;

const never: IsLoosened = () => false;
const ifLarger: IsLoosened = (from, to) => amountOf(to) > amountOf(from);
const ifSmaller: IsLoosened = (from, to) => !(Number(to) >= Number(from));
const ifSwitchedOff: IsLoosened = (from, to) => from === 'true' && to !== 'true';
const ifLost: IsLoosened = (from, to) => from !== '' && !to;
const ifChanged: IsLoosened = (from, to) => from !== to;
const ifOnce: IsLoosened = (_, to) => to === 'startMonth';

const amountOf = (value = 'none'): number => {
  const parsed = parseUsd(value);
  return parsed.ok ? parsed.value : Number.POSITIVE_INFINITY;
};

const LOOSENED: Readonly<Record<SettingName, IsLoosened>> = {
  // Another server than Linode would get the token, and destroy nothing that Linode bills.
  LINODE_API_URL: ifChanged,
  SAFETY_MARGIN_SECONDS: ifSmaller,
  PROVISION_MINUTES: never,
  MAX_NODES: ifLarger,
  MAX_BUDGET_USD: ifLarger,
  MAX_OPEN_BUDGET_USD: ifLarger,
  MAX_OPEN_BUDGET_PER_OWNER_USD: ifLarger,
  MAX_DAILY_SPEND_PER_OWNER_USD: ifLarger,
  MAX_WEEKLY_SPEND_PER_OWNER_USD: ifLarger,
  MAX_MONTHLY_SPEND_PER_OWNER_USD: ifLarger,
  MAX_HOURLY_USD: ifLarger,
  // If Linode bills the hour in both months, budgets are passed by it.
  MONTH_END_HOUR: ifOnce,
  KEEP_ENDED_DAYS: never,
  DIGEST: never,
  ALARM_EMAIL: ifLost,
  NOTICE_EMAIL: ifLost,
  NOTICE_WEBHOOK_URL: ifLost,
  JOB_FILES_KEPT_DAYS: never,
  KEEP_TABLE: ifSwitchedOff,
  RESERVED_CONCURRENCY: ifSwitchedOff,
  PERMISSIONS_BOUNDARY: ifSwitchedOff,
  AWS_BUDGET_USD: ifLarger,
  CORS_ORIGINS: never,
  MORE_ALARMS: ifSwitchedOff,
  DASHBOARD: never,
  NIGHTLY: never,
  NIGHTLY_TIMEZONE: never,
  PUBLIC_URL: never,
};

/** A line for each change, with the values in columns. */
export function changeLines(changes: readonly Change[]): string[] {
  const width = Math.max(0, ...changes.map(({ name }) => name.length));
  return changes.map(
    ({ name, from, to }) => `  ${name.padEnd(width)}  ${shown(from)} → ${shown(to)}`,
  );
}

const shown = (value: string | undefined): string =>
  value === undefined ? '(no such setting)' : value === '' ? '(none)' : value;
