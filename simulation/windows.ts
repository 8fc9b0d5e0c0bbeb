import type { EpochMs } from '../lib/core/base/units.ts';
import { spanAt } from '../lib/core/billing/periods.ts';
import { type ClusterRecord, isLive } from '../lib/core/cluster/record.ts';
import type { Options } from './options.ts';

/** The caps of a day or a week in a world, in micro-dollars. */
export interface WindowCaps {
  readonly period: 'day' | 'week';
  /** What each owner may spend. */
  readonly owner: number;
  /** What the schedule's clusters may cost. */
  readonly schedule: number;
}

/** The budget of each cluster that the schedule launches, in micro-dollars. */
export const SCHEDULED_BUDGET = 50_000;
const HOUR = 3_600_000;

/** `budgetsUsd`: those of all requests together. */
export function windowCapsOf({ windowCap }: Options, budgetsUsd: number): WindowCaps | null {
  if (windowCap === 'none') return null;
  // Low enough to keep out a later run of the world's few hours.
  const runs = windowCap === 'day' ? 1.5 : 2.5;
  const owner = Math.max(Math.round(budgetsUsd * 0.4 * 1e6), SCHEDULED_BUDGET);
  return { period: windowCap, owner, schedule: runs * SCHEDULED_BUDGET };
}

/** The caps of the schedule, as its request has them. */
export const scheduleCaps = (caps: WindowCaps | null): Readonly<Record<string, number>> =>
  caps === null
    ? {}
    : { [caps.period === 'day' ? 'dailyCapUsd' : 'weeklyCapUsd']: caps.schedule / 1e6 };

/**
 * Which caps of the day or week of `now` are passed by what was launched, in words. The clock of a
 * function may be fast, so that for so long before its end the next window may hold.
 */
export function capsPassed(
  records: readonly ClusterRecord[],
  { period, owner, schedule }: WindowCaps,
  now: EpochMs,
  clockErrorMsMax: number,
): string[] {
  const span = spanAt(period, now);
  if (now >= span.end - clockErrorMsMax) return [];
  const sums = new Map<string, number>();
  const add = (name: string, amount: number) => sums.set(name, (sums.get(name) ?? 0) + amount);
  for (const record of records) {
    const counted = countedIn(record, span);
    add(`owner ${record.owner}`, counted);
    // An extension may pass the cap of a schedule, but its launches may not.
    if (record.scheduleId !== null) add('the schedule', Math.min(counted, SCHEDULED_BUDGET));
  }
  const capOf = (name: string) => (name === 'the schedule' ? schedule : owner);
  return [...sums]
    .filter(([name, sum]) => sum > capOf(name))
    .map(([name, sum]) => `${name} has ${sum} of ${capOf(name)} in ${span.name}`);
}

/**
 * A live cluster's whole budget, or what the hours of an ended one cost that touch the window before
 * the node's end: the hour of a node that was deleted before midnight is an hour of that day only.
 */
function countedIn(record: ClusterRecord, span: { start: number; end: number }): number {
  if (isLive(record)) return record.budget;
  const hoursOf = (node: ClusterRecord['nodes'][number]): number => {
    if (!('billedFrom' in node)) return 0;
    const until = 'billedUntil' in node ? node.billedUntil : record.endedAt;
    const started = Math.max(1, Math.ceil((until - node.billedFrom) / HOUR));
    const begins = Array.from({ length: started }, (_, hour) => node.billedFrom + hour * HOUR);
    const touches = (begin: number) =>
      begin >= span.start || Math.min(begin + HOUR, until) > span.start;
    return begins.filter((begin) => begin < span.end && touches(begin)).length;
  };
  const hours = record.nodes.reduce((sum, node) => sum + hoursOf(node), 0);
  return Math.min(hours * record.bought.price.hourly, record.budget);
}
