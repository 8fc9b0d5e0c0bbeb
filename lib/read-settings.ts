import { type MicroUsd, parseUsd } from './core/base/money.ts';
import { type DurationMs, hours, minutes, seconds } from './core/base/units.ts';
import type { MonthEndHour } from './core/billing/price.ts';
import type { Every } from './core/notices/digest/period.ts';
import { AppError } from './errors.ts';
import type { Settings } from './settings.ts';

/*
 * How settings are read from variables, and which values they may have. lib/wire.ts reads them in
 * the functions; ops/settings.ts reads them before a deployment, by the same rules.
 */

/** Variables by their names. A variable that is missing or empty has its default. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The defaults of the settings that functions read. */
export const DEFAULTS = {
  LINODE_API_URL: 'https://api.linode.com/v4',
  SAFETY_MARGIN_SECONDS: '180',
  PROVISION_MINUTES: '20',
  MAX_NODES: '100',
  MAX_BUDGET_USD: '100',
  MAX_OPEN_BUDGET_USD: '1000',
  MAX_OPEN_BUDGET_PER_OWNER_USD: 'none',
  MAX_DAILY_SPEND_PER_OWNER_USD: 'none',
  MAX_WEEKLY_SPEND_PER_OWNER_USD: 'none',
  MAX_MONTHLY_SPEND_PER_OWNER_USD: 'none',
  MAX_HOURLY_USD: 'none',
  MONTH_END_HOUR: 'bothMonths',
  KEEP_ENDED_DAYS: '400',
  DIGEST: 'none',
  PUBLIC_URL: '',
} as const;

type Name = keyof typeof DEFAULTS;

/** Throws an AppError `misconfigured` that names the first bad setting. */
export function readSettings(variables: Variables): Settings {
  const wholeNumber = (name: Name, min: number, max: number) =>
    readWholeNumber(variables, name, { min, max });
  return {
    stage: readStage(variables),
    marginMs: seconds(wholeNumber('SAFETY_MARGIN_SECONDS', 120, 1_800)),
    provisionMs: minutes(wholeNumber('PROVISION_MINUTES', 5, 45)),
    nodesMax: wholeNumber('MAX_NODES', 1, 500),
    budgetMax: readAmount('MAX_BUDGET_USD', valueIn(variables, 'MAX_BUDGET_USD')),
    openBudgetMax: readCap(variables, 'MAX_OPEN_BUDGET_USD'),
    openBudgetPerOwnerMax: readCap(variables, 'MAX_OPEN_BUDGET_PER_OWNER_USD'),
    dailySpendPerOwnerMax: readCap(variables, 'MAX_DAILY_SPEND_PER_OWNER_USD'),
    weeklySpendPerOwnerMax: readCap(variables, 'MAX_WEEKLY_SPEND_PER_OWNER_USD'),
    monthlySpendPerOwnerMax: readCap(variables, 'MAX_MONTHLY_SPEND_PER_OWNER_USD'),
    hourlyMax: readCap(variables, 'MAX_HOURLY_USD'),
    monthEndHour: readMonthEndHour(variables),
    publicUrl: readPublicUrl(variables),
  };
}

/**
 * The URL by which nodes reach the API, without a slash at its end; null: there is none. A node
 * sends its token there, so only a URL of this machine or of a private network may be in clear.
 */
export function readPublicUrl(variables: Variables): string | null {
  const text = valueIn(variables, 'PUBLIC_URL');
  if (text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && /^https?:\/\/[\w.:[\]/~-]+$/.test(text) && url.username === '';
  if (isPlain && (url.protocol === 'https:' || isPrivate(url.hostname))) {
    return text.replace(/\/+$/, '');
  }
  throw misconfigured(
    'PUBLIC_URL',
    'must be a URL that begins with https://, or with http:// and an address of a private network',
  );
}

const isPrivate = (host: string): boolean =>
  LOOPBACK.includes(host) || /^(10|192\.168|172\.(1[6-9]|2\d|3[01])|127)(\.\d{1,3})+$/.test(host);

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

export function readStage({ STAGE = '' }: Variables): string {
  if (STAGE === '') throw misconfigured('STAGE', 'must be set; serverless.yml does');
  if (/^[a-z0-9](-?[a-z0-9]){0,19}$/.test(STAGE)) return STAGE;
  throw misconfigured('STAGE', 'must be up to 20 of a-z, 0-9 and single -');
}

/**
 * How long records of ended clusters are kept: at least 62 days, so that last month's report is
 * whole.
 */
export const readEndedKept = (variables: Variables): DurationMs =>
  hours(24 * readWholeNumber(variables, 'KEEP_ENDED_DAYS', { min: 62, max: 3_650 }));

/** How often digests are sent; null: never. */
export function readDigestEvery(variables: Variables): Every | null {
  const value = valueIn(variables, 'DIGEST');
  if (value === 'weekly' || value === 'monthly') return value;
  if (value === 'none') return null;
  throw misconfigured('DIGEST', 'must be weekly, monthly or none');
}

function readMonthEndHour(variables: Variables): MonthEndHour {
  const value = valueIn(variables, 'MONTH_END_HOUR');
  if (value === 'bothMonths' || value === 'startMonth') return value;
  throw misconfigured('MONTH_END_HOUR', 'must be bothMonths or startMonth');
}

/** The URL of Linode's API, without a slash at its end. */
export function readLinodeUrl(variables: Variables): string {
  const url = valueIn(variables, 'LINODE_API_URL').replace(/\/$/, '');
  if (URL.canParse(url) && /\/v4(beta)?$/.test(url)) return url;
  throw misconfigured('LINODE_API_URL', 'must be a URL that ends in /v4');
}

/** The URL for notices, which must be set. Only a local run may send them in clear, to itself. */
export function readWebhookUrl({ NOTICE_WEBHOOK_URL: url = '' }: Variables, isLocal: boolean) {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  const isLoopback = LOOPBACK.includes(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isLocal && isLoopback)) return url;
  throw misconfigured('NOTICE_WEBHOOK_URL', 'must be a URL that begins with https://');
}

/** `wanted` reads on from the name of the setting: "must be …". */
export function misconfigured(name: string, wanted: string): AppError {
  return new AppError('misconfigured', `${name} ${wanted}.`);
}

const valueIn = (variables: Variables, name: Name): string => variables[name] || DEFAULTS[name];

function readWholeNumber(
  variables: Variables,
  name: Name,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = Number(valueIn(variables, name));
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw misconfigured(name, `must be a whole number from ${bounds.min} to ${bounds.max}`);
}

function readCap(variables: Variables, name: Name): MicroUsd | null {
  const value = valueIn(variables, name);
  return value === 'none' ? null : readAmount(name, value, ', or "none"');
}

function readAmount(name: string, value: string, orElse = ''): MicroUsd {
  const parsed = parseUsd(value);
  if (!parsed.ok) throw misconfigured(name, `${parsed.fault}${orElse}`);
  if (parsed.value === 0) {
    throw misconfigured(name, `must be more than 0${orElse}: with 0 nothing could be launched`);
  }
  return parsed.value;
}
