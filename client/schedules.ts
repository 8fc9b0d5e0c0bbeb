import { epochMs } from '../lib/core/base/units.ts';
import type { Schedule, Schedules } from './answers.ts';
import { type Api, Refusal } from './api.ts';
import { dollars, micro, roundDollars } from './money.ts';
import { plural } from './plural.ts';

/* The requests about schedules. Each throws what client/api.ts throws. */

export { isScheduleId } from '../lib/core/base/names.ts';

/** The outcome of an occurrence of a schedule, in words. */
export function runWords(run: Schedule['runs'][number]): string {
  const often = run.tries === undefined ? '' : `, at the ${ordinal(run.tries)} try`;
  switch (run.result) {
    case 'launched':
      return `launched ${run.clusterId}${often}${jobWords(run.job)}`;
    case 'failed':
      return `cluster ${run.clusterId} failed${often}: ${run.reason}`;
    case 'missed':
      return `${plural(run.count, 'run')} missed, as Onebuck could not launch within an hour`;
    case 'refused':
    case 'skipped':
      return `${run.result}${often}: ${run.reason}`;
  }
}

type JobOfRun = Extract<Schedule['runs'][number], { result: 'launched' }>['job'];

/** Such as `, whose job failed with exit 3`; empty where no job is shown. */
function jobWords(job: JobOfRun): string {
  if (job === undefined || job === null) return '';
  const { state, exitCode, reason } = job;
  const exit = exitCode === null ? '' : ` with exit ${exitCode}`;
  const why = reason === null ? '' : `: ${reason}`;
  switch (state) {
    case 'done':
      return ', whose job is done';
    case 'failed':
      return `, whose job failed${exit}${why}`;
    case 'stopped':
      return `, whose job was stopped${exit}${why}`;
    default:
      return `, whose job is ${state}`;
  }
}

/** What a month of a schedule may come to, at worst. */
export interface WorstMonth {
  /** The most runs in a calendar month. */
  readonly runs: number;
  /** Their budgets together, in US dollars, whatever the cap. */
  readonly usd: number;
  /** Whether the API refuses it without a monthly cap. */
  readonly needsCap: boolean;
}

/**
 * The worst month of a schedule by its cron expression. null: the expression has a fault, or the
 * budget is no amount. What it takes to read cron expressions is loaded when asked for.
 */
export async function worstMonthOf(
  cron: string,
  budgetUsd: number | null,
  now: number,
): Promise<WorstMonth | null> {
  const { faultOfCron, faultOfNoCap, mostRunsInMonth } = await import('./cron.ts');
  if (budgetUsd === null || Number.isNaN(budgetUsd) || faultOfCron(cron.trim()) !== null)
    return null;
  const runs = mostRunsInMonth(cron, epochMs(Math.floor(now)));
  const budget = micro(budgetUsd);
  return { runs, usd: (budget * runs) / 1e6, needsCap: faultOfNoCap(runs, budget) !== null };
}

/** The caps of a schedule, or what was typed for them; null or absent: none. */
export type CapsGiven<Amount> = {
  readonly [Field in keyof typeof CAPPED]?: Amount | null;
};

/** The name of each cap's period, and how many of them a calendar month touches at most. */
const CAPPED = {
  dailyCapUsd: { period: 'day', most: 31 },
  weeklyCapUsd: { period: 'week', most: 6 },
  monthlyCapUsd: { period: 'month', most: 1 },
} as const;
const CAP_FIELDS = Object.keys(CAPPED) as (keyof typeof CAPPED)[];

/** `$1.00 a day, $20.00 a month`; empty: no cap. `words` tells an amount. */
export function capsWords<Amount>(
  caps: CapsGiven<Amount>,
  words: (amount: Amount) => string,
): string {
  const told = CAP_FIELDS.flatMap((field) => {
    const cap = caps[field] ?? null;
    return cap === null ? [] : [`${words(cap)} a ${CAPPED[field].period}`];
  });
  return told.join(', ');
}

/** `44,640 runs a month: up to $44,640`, or what the caps leave if that is less, and which does. */
export function worstMonthSentence({ runs, usd }: WorstMonth, caps: CapsGiven<unknown>): string {
  const many = `${runs.toLocaleString('en-US')} ${runs === 1 ? 'run' : 'runs'} a month`;
  const bounds = CAP_FIELDS.flatMap((field) => boundOf(field, caps[field]));
  const [least] = bounds.toSorted((a, b) => a.usd - b.usd);
  return least !== undefined && least.usd < usd
    ? `${many}: up to ${roundDollars(least.usd)}, ${least.words}.`
    : `${many}: up to ${roundDollars(usd)}.`;
}

/** What a month may cost at most by a cap, and why; empty: by none, or no amount was typed. */
function boundOf(field: keyof typeof CAPPED, cap: unknown) {
  if (typeof cap !== 'number') return [];
  const { period, most } = CAPPED[field];
  const why = `by its cap of ${dollars(cap)} a ${period} for up to ${plural(most, period)}`;
  return [{ usd: (micro(cap) * most) / 1e6, words: most === 1 ? 'its cap' : why }];
}

/** When a run that failed for capacity is tried again, in words. */
export const retryWords = ({ retry }: Pick<Schedule, 'retry'>): string =>
  retry === null
    ? 'never'
    : `every ${plural(retry.everyMinutes, 'minute')} for ${plural(retry.forMinutes, 'minute')}`;

/** `1st`, `2nd`, `13th`. */
function ordinal(count: number): string {
  const isTeen = Math.floor(count / 10) % 10 === 1;
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
}

/** All schedules, in the object that the API answers with for each page. */
export async function listSchedules(
  api: Api,
): Promise<{ readonly schedules: readonly Schedule[] }> {
  const schedules: Schedule[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer: Schedules = await api.json('/schedules', { query: { cursor } });
    schedules.push(...answer.schedules);
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return { schedules };
}

/** A server whose pages never end must not hold the client for ever. */
const PAGES_MAX = 1_000;

/** One schedule. Refused with 404 where there is none of that id. */
export const getSchedule = (api: Api, id: string): Promise<Schedule> =>
  api.json(`/schedules/${id}`);

/** Makes a schedule; the same key and schedule again give the schedule that was made first. */
export const createSchedule = (api: Api, schedule: unknown, key: string): Promise<Schedule> =>
  api.json('/schedules', { method: 'POST', headers: { 'idempotency-key': key }, body: schedule });

/** The schedule with the fields of the change; the same change again changes nothing. */
export const changeSchedule = (
  api: Api,
  id: string,
  change: Readonly<Record<string, unknown>>,
): Promise<Schedule> => api.json(`/schedules/${id}`, { method: 'PATCH', body: change });

/** Pauses a schedule, or lets it go on. */
export const enableSchedule = (api: Api, id: string, enabled: boolean): Promise<Schedule> =>
  changeSchedule(api, id, { enabled });

/**
 * Deletes a schedule. A 404 is success: an earlier request, whose answer was lost, may have deleted
 * the schedule.
 */
export async function deleteSchedule(api: Api, id: string): Promise<void> {
  try {
    await api.json(`/schedules/${id}`, { method: 'DELETE' });
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404) throw error;
  }
}
