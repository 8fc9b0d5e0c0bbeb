import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import {
  DEFAULTS as OF_FUNCTIONS,
  readDigestEvery,
  readEndedKept,
  readLinodeUrl,
  readSettings,
  readStage,
  readWebhookUrl,
} from '../lib/read-settings.ts';
import { messageOf } from './advice.ts';

/** The defaults of all settings, as serverless.yml and stack/ use them. */
export const DEFAULTS = {
  ...OF_FUNCTIONS,
  ALARM_EMAIL: '',
  NOTICE_EMAIL: '',
  NOTICE_WEBHOOK_URL: '',
  JOB_FILES_KEPT_DAYS: '30',
  KEEP_TABLE: 'true',
  RESERVED_CONCURRENCY: 'false',
  PERMISSIONS_BOUNDARY: 'false',
  AWS_BUDGET_USD: '5',
  CORS_ORIGINS: '',
  MORE_ALARMS: 'false',
  DASHBOARD: 'false',
  NIGHTLY: 'false',
  NIGHTLY_TIMEZONE: 'UTC',
} as const;

export type SettingName = keyof typeof DEFAULTS;
export type SettingValues = Readonly<Record<SettingName, string>>;

export const SETTINGS = Object.keys(DEFAULTS) as SettingName[];

/** The file of a stage's settings, in the project's folder. */
export const fileOf = (stage: string): string => `settings.${stage}.yml`;

export const isFileMissing = (folder: string, stage: string): boolean =>
  !existsSync(join(folder, fileOf(stage)));

/** The stage of `npm start`. Nobody may deploy it. */
export const LOCAL_STAGE = 'local';

interface Sources {
  /** The folder of the file. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The settings of a stage: those of its file, or of the environment for the local stage, and the
 * defaults of all others. Throws an Error with a sentence for each fault.
 */
export function settingsOf(stage: string, { folder, env }: Sources): SettingValues {
  readStage({ STAGE: stage });
  const isLocal = stage === LOCAL_STAGE;
  const text = isLocal ? null : textOf(join(folder, fileOf(stage)));
  const fromFile = text === null ? { values: {}, faults: [] } : valuesIn(text);
  const values: SettingValues = { ...DEFAULTS, ...(isLocal ? setIn(env) : fromFile.values) };
  const faults = [...fromFile.faults, ...faultsOf(values, stage)];
  const origin = isLocal ? '' : `${fileOf(stage)}: `;
  if (faults.length > 0) throw new Error(faults.map((fault) => `${origin}${fault}`).join('\n'));
  return values;
}

const setIn = (env: Sources['env']): Values =>
  Object.fromEntries(SETTINGS.flatMap((name) => (env[name] ? [[name, env[name] ?? '']] : [])));

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

type Values = Readonly<Partial<Record<SettingName, string>>>;

function valuesIn(text: string): { readonly values: Values; readonly faults: readonly string[] } {
  const lines = linesIn(text);
  if (typeof lines === 'string') return { values: {}, faults: [lines] };
  const values: Partial<Record<SettingName, string>> = {};
  const faults: string[] = [];
  for (const [name, value] of Object.entries(lines)) {
    if (!isSetting(name)) faults.push(unknownText(name));
    else if (value === null || (value === '' && DEFAULTS[name] !== '')) {
      faults.push(`${name} has no value: give one, or remove the line.`);
    } else if (typeof value === 'object') faults.push(`${name} must be one value on its line.`);
    else values[name] = String(value);
  }
  return { values, faults };
}

/** The names and values of the file; a fault, if it has anything else. */
function linesIn(text: string): Readonly<Record<string, unknown>> | string {
  try {
    const parsed: unknown = parse(text);
    if (parsed === null) return {};
    if (typeof parsed === 'object' && !Array.isArray(parsed)) return { ...parsed };
    return 'Each line must be a setting: its name, a colon, a space and its value.';
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    return `Not YAML: ${error.message.split('\n')[0]?.replace(/:$/, '.')}`;
  }
}

const isSetting = (name: string): name is SettingName => Object.hasOwn(DEFAULTS, name);

const unknownText = (name: string): string =>
  /TOKEN|KEY|PASSWORD|SECRET/i.test(name)
    ? `${name} is no setting: tokens and keys are in the secret only, which npm run setup makes.`
    : `${name} is no setting; docs/operate.md lists all of them.`;

const YES_OR_NO = [
  'KEEP_TABLE',
  'RESERVED_CONCURRENCY',
  'PERMISSIONS_BOUNDARY',
  'MORE_ALARMS',
  'DASHBOARD',
  'NIGHTLY',
];
const ADDRESSES = ['ALARM_EMAIL', 'NOTICE_EMAIL'];

/** The faults of the values, by the rules of those that read them: functions and CloudFormation. */
function faultsOf(values: SettingValues, stage: string): string[] {
  const readers = [
    () => readSettings({ ...values, STAGE: stage }),
    () => readEndedKept(values),
    () => readDigestEvery(values),
    () => readLinodeUrl(values),
    () => values.NOTICE_WEBHOOK_URL === '' || readWebhookUrl(values, stage === LOCAL_STAGE),
  ];
  const rules: [names: readonly string[], isRight: (value: string) => boolean, wanted: string][] = [
    [YES_OR_NO, (value) => ['true', 'false'].includes(value), 'true or false'],
    [ADDRESSES, isAddress, 'a mail address, not that of the example'],
    [['AWS_BUDGET_USD'], isAmountOrNone, 'an amount in US dollars and whole cents, or none'],
    [['CORS_ORIGINS'], areOrigins, 'origins such as https://a.example, with commas between them'],
    [['JOB_FILES_KEPT_DAYS'], isDays, 'a whole number from 1 to 3650'],
    [['NIGHTLY_TIMEZONE'], isTimeZone, 'a time zone such as Europe/Berlin'],
  ];
  return [
    ...readers.flatMap(faultOf),
    ...(isDigestUnread(values, stage) ? [DIGEST_UNREAD] : []),
    ...rules.flatMap(([names, isRight, wanted]) =>
      (names as SettingName[])
        .filter((name) => !isRight(values[name]))
        .map((name) => `${name} must be ${wanted}.`),
    ),
  ];
}

const DIGEST_UNREAD =
  'DIGEST needs a reader: set NOTICE_EMAIL or NOTICE_WEBHOOK_URL, or DIGEST to none.';

/** A local run shows notices in its log. */
const isDigestUnread = (values: SettingValues, stage: string): boolean =>
  values.DIGEST !== 'none' &&
  values.NOTICE_EMAIL === '' &&
  values.NOTICE_WEBHOOK_URL === '' &&
  stage !== LOCAL_STAGE;

function faultOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

const isAddress = (value: string) =>
  /^([^\s@]+@[^\s@]+)?$/.test(value) && value !== 'you@example.org';

/** stack/budget.yml has the same pattern. */
const isAmountOrNone = (value: string) => /^(none|[0-9]+([.][0-9]{1,2})?)$/.test(value);

/** S3 takes no lifetime of a part of a day. */
const isDays = (value: string) => /^[1-9][0-9]{0,3}$/.test(value) && Number(value) <= 3_650;

const areOrigins = (value: string) =>
  value === '' || value.split(',').every((origin) => /^(\*|https?:\/\/[^\s/]+)$/.test(origin));

function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
