import { timesFactor, types } from './catalogue.ts';
import type { LedgerEntry } from './instance.ts';

export interface Bill {
  readonly totalMicroUsd: number;
  readonly totalUsd: number;
  readonly instances: readonly BilledInstance[];
}

export interface BilledInstance {
  readonly id: number;
  readonly label: string;
  /** As last known. */
  readonly tags: readonly string[];
  readonly tagsAtCreation: readonly string[];
  readonly type: string;
  readonly region: string;
  /** Exact epoch milliseconds. */
  readonly created: number;
  /** null: still billed. */
  readonly deleted: number | null;
  readonly hours: number;
  readonly microUsd: number;
}

/** In dollars; `monthly` null: no cap. */
export interface Rate {
  readonly hourly: number;
  readonly monthly: number | null;
}

const HOUR = 3_600_000;

/**
 * What Linode bills up to `now` for every Linode there ever was. Shares no code with lib/core, so
 * that a misreading there does not hide itself here.
 */
export function billOf(ledger: readonly LedgerEntry[], now: number): Bill {
  const instances = ledger.map((entry) => billedInstance(entry, now));
  const totalMicroUsd = instances.reduce((total, { microUsd }) => total + microUsd, 0);
  return { totalMicroUsd, totalUsd: totalMicroUsd / 1e6, instances };
}

/** Whether it bore the tag when it was made, or does now, or did when it was deleted. */
export const bore = (entry: LedgerEntry, tag: string): boolean =>
  entry.tags.includes(tag) || entry.tagsAtCreation.includes(tag);

function billedInstance(entry: LedgerEntry, now: number): BilledInstance {
  const { id, label, tags, tagsAtCreation, type, region, created, deleted } = entry;
  const elapsed = (deleted ?? now) - created;
  const hours = Math.max(1, Math.ceil(elapsed / HOUR));
  const byMonth = hoursByMonth(created, hours);
  const microUsd = ratesOf(entry).reduce((total, rate) => total + charge(rate, byMonth), 0);
  const billed = { id, label, tags, tagsAtCreation, type, region, created, deleted };
  return { ...billed, hours, microUsd };
}

/** The machine's, and that of its backups; each has a cap of its own. */
export function ratesOf(entry: LedgerEntry): Rate[] {
  const { type, region, backupsEnabled, priceFactor = 1 } = entry;
  const known = types.get(type);
  if (known === undefined) throw new Error(`The catalogue has no type ${type}`);
  const priced = backupsEnabled ? [known, known.addons.backups] : [known];
  return priced.map(({ price, region_prices }) => {
    const { hourly, monthly } = region_prices.find(({ id }) => id === region) ?? price;
    const rate = timesFactor({ hourly, monthly }, priceFactor);
    return { ...rate, hourly: rate.hourly ?? 0 };
  });
}

/** In micro-dollars; the hours of a month never cost more than the month. */
function charge(rate: Rate, byMonth: readonly number[]): number {
  const hourly = micros(rate.hourly);
  const monthly = rate.monthly === null ? Number.POSITIVE_INFINITY : micros(rate.monthly);
  return byMonth.reduce((total, hours) => total + Math.min(hours * hourly, monthly), 0);
}

/** Exact: Linode's prices have at most four decimals. */
export const micros = (usd: number): number => Math.round(usd * 1e6);

/** How many hours start in each calendar month (UTC) from that of the creation on. */
function hoursByMonth(created: number, hours: number): number[] {
  const counts: number[] = [];
  for (let first = 0; first < hours; ) {
    const start = new Date(created + first * HOUR);
    const monthEnd = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1);
    const startedByThen = Math.min(hours, Math.ceil((monthEnd - created) / HOUR));
    counts.push(startedByThen - first);
    first = startedByThen;
  }
  return counts;
}
