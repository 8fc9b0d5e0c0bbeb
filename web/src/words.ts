import type { Alternative, Cluster, Problem, Quote } from '../../client/answers.ts';
import { dollars } from './money.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** `Tue 04:12`, and `Tue 1 Dec 04:12` where the weekday alone would not tell the day. */
export function whenLocal(at: number, now: number, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const isNear = Math.abs(at - now) < 6 * DAY_MS;
  const day = isNear ? {} : ({ day: 'numeric', month: 'short' } as const);
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...zone,
    weekday: 'short',
    ...day,
  }).formatToParts(at);
  const texts = parts.filter(({ type }) => type !== 'literal').map(({ value }) => value);
  return `${texts.join(' ')} ${clockLocal(at, timeZone)}`;
}

export function clockLocal(at: number, timeZone?: string): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const style = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return new Intl.DateTimeFormat('en-GB', { ...zone, ...style }).format(at);
}

/** `12:41:09`, and days before it. Never negative. */
export function countdown(ms: number): string {
  const left = Math.max(0, ms);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const clock = [left % DAY_MS, left % HOUR_MS, left % MINUTE_MS] as const;
  const text = `${two(clock[0] / HOUR_MS)}:${two(clock[1] / MINUTE_MS)}:${two(clock[2] / SECOND_MS)}`;
  return left < DAY_MS ? text : `${Math.floor(left / DAY_MS)} d ${text}`;
}

/** The same for those who hear it, and not every second. */
export function countdownWords(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE_MS));
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return 'less than a minute';
  if (hours === 0) return plural(minutes, 'minute');
  return minutes % 60 === 0
    ? plural(hours, 'hour')
    : `${plural(hours, 'hour')} and ${plural(minutes % 60, 'minute')}`;
}

export const memory = (mb: number): string =>
  mb % 1024 === 0 ? `${mb / 1024} GB` : `${(mb / 1024).toFixed(1)} GB`;

/** What a quote comes to, in a sentence or two. */
export function quoteSentence(quote: Quote, now: number, timeZone?: string): string {
  const machines = `${quote.nodes} × ${quote.typeLabel}: ${dollars(quote.hourlyUsd)} a started hour.`;
  if (quote.affordableHours === 0 || quote.teardownAt === null) {
    const smallest = dollars(quote.smallestBudgetUsd);
    return `${machines} ${dollars(quote.budgetUsd)} does not pay the first; ${smallest} would.`;
  }
  const until = whenLocal(Date.parse(quote.teardownAt), now, timeZone);
  const isByHours = quote.maxHours !== null && quote.affordableHours >= quote.maxHours;
  const lasts = isByHours
    ? `It ends after ${plural(quote.affordableHours, 'hour')}`
    : `${dollars(quote.budgetUsd)} lasts ${plural(quote.affordableHours, 'hour')}`;
  const cost = dollars(quote.spentAtTeardownUsd);
  return `${machines} ${lasts}, until ${until} your time, and will cost ${cost}.`;
}

/** The same of each run of a schedule. */
export function runSentence(quote: Quote): string {
  if (quote.affordableHours === 0) return quoteSentence(quote, 0);
  const { nodes, typeLabel, budgetUsd, affordableHours, spentAtTeardownUsd } = quote;
  return (
    `Each run has ${nodes} × ${typeLabel} for ${plural(affordableHours, 'hour')}, and costs ` +
    `${dollars(spentAtTeardownUsd)} of its ${dollars(budgetUsd)}.`
  );
}

/** What destroying it now comes to. Every started hour is billed in full, so waiting is free. */
export function destroySentence(
  cluster: Pick<Cluster, 'spentUsd' | 'leftUsd'>,
  nextMark: number | null,
  now: number,
  timeZone?: string,
): string {
  if (cluster.spentUsd === 0) return 'Nothing has been billed for it yet.';
  const billed = `Linode will bill ${dollars(cluster.spentUsd)} for it; ${dollars(cluster.leftUsd)} of its budget stays unspent.`;
  if (nextMark === null || nextMark <= now) return billed;
  const until = whenLocal(nextMark, now, timeZone);
  return `${billed} The started hour is paid anyway: until ${until} it would cost no more.`;
}

const ENDS: Readonly<Record<NonNullable<Cluster['endReason']>, string>> = {
  budget: 'budget used up',
  maxHours: 'most hours reached',
  requested: 'on request',
  failed: 'launch failed',
  lost: 'nodes were lost',
};

export const endWords = (reason: Cluster['endReason']): string =>
  reason === null ? '' : ENDS[reason];

export const alternativeWords = (alternative: Alternative): string => {
  const { region, type, nodes } = alternative.change;
  const what = [type, nodes === undefined ? null : plural(nodes, 'node'), region && `in ${region}`];
  return what.filter(Boolean).join(' ');
};

/** Some of what the API says is to be read after the name of what it is about. */
export const faultWords = (name: string, message: string): string =>
  /^(must|is|has)\b/.test(message) ? `${name} ${message}` : message;

/** A problem's faults, each with the field that it is about. */
export const faultsOf = (problem: Problem): Readonly<Record<string, string>> =>
  Object.fromEntries((problem.errors ?? []).map(({ path, message }) => [path, message]));
