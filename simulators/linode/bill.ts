import { timesFactor, types } from './catalogue.ts';
import type { Instance } from './instance.ts';
import { overageOf } from './transfer.ts';

export interface Bill {
  readonly totalMicroUsd: number;
  readonly totalUsd: number;
  /** The part for what the Linodes sent beyond what they brought to their pools. */
  readonly transferMicroUsd: number;
  readonly instances: readonly BilledInstance[];
}

export interface BilledInstance {
  readonly id: number;
  readonly label: string;
  /** The tags that the Linode has, or had when it was deleted. */
  readonly tags: readonly string[];
  readonly tagsAtCreation: readonly string[];
  readonly type: string;
  readonly region: string;
  /** Exact epoch milliseconds. */
  readonly created: number;
  /** Exact epoch milliseconds; null: the Linode still exists and is billed. */
  readonly deleted: number | null;
  /** Started hours. */
  readonly hours: number;
  readonly microUsd: number;
}

/** US dollars. `monthly` is the most that a calendar month costs; null: there is no most. */
export interface Rate {
  readonly hourly: number;
  readonly monthly: number | null;
}

/** Linode Managed, for each Linode; no list of Linode's API has the price. */
const MANAGED: Rate = { hourly: 0.15, monthly: 100 };

const HOUR = 3_600_000;

/**
 * The amount that Linode bills for the Linodes up to `now`. Shares no code with lib/core, so that
 * a wrong reading of Linode's rules in lib/core shows as a difference.
 */
export function billOf(instances: readonly Instance[], now: number): Bill {
  const billed = instances.map((instance) => billedInstance(instance, now));
  const transferMicroUsd = overageOf(instances, now);
  const totalMicroUsd = billed.reduce((total, { microUsd }) => total + microUsd, transferMicroUsd);
  return { totalMicroUsd, totalUsd: totalMicroUsd / 1e6, transferMicroUsd, instances: billed };
}

/** Whether the Linode has the tag, had it at its creation, or had it when it was deleted. */
export const hasOrHadTag = (instance: Instance, tag: string): boolean =>
  instance.tags.includes(tag) || instance.tagsAtCreation.includes(tag);

function billedInstance(instance: Instance, now: number): BilledInstance {
  const { id, label, tags, tagsAtCreation, type, region, created, deleted } = instance;
  const elapsed = (deleted ?? now) - created;
  const hours = Math.max(1, Math.ceil(elapsed / HOUR));
  const begun = livesOf(instance).filter((life) => life.created <= now);
  const microUsd = begun.reduce((total, life) => {
    const started = Math.max(1, Math.ceil(((life.deleted ?? now) - life.created) / HOUR));
    const byMonth = hoursByMonth(life.created, started);
    return total + ratesOf(life).reduce((sum, rate) => sum + charge(rate, byMonth), 0);
  }, 0);
  const billed = { id, label, tags, tagsAtCreation, type, region, created, deleted };
  return { ...billed, hours, microUsd };
}

/**
 * The Linode as Linode bills it: what it was before it was resized or migrated is billed as a Linode
 * that ended then, and each of them for every started hour. Where Linode raises its price, another
 * life begins at the end of the hour, which may lie ahead.
 */
export function livesOf(instance: Instance): readonly Instance[] {
  const lives = known.get(instance) ?? newLives(instance);
  known.set(instance, lives);
  return lives;
}

/** The lives of each Linode. A Linode is made anew with each change. */
const known = new WeakMap<Instance, readonly Instance[]>();

function newLives(instance: Instance): Instance[] {
  const { past = [], ...rest } = instance;
  let { created } = instance;
  const lives = past.map(({ type, region, until }) => {
    const life = { ...rest, type, region, created, deleted: until };
    created = until;
    return life;
  });
  return [...lives, { ...rest, created }].flatMap(byPrice);
}

/** The life as one life for each price. The hours count from the creation as the API shows it. */
function byPrice(life: Instance): Instance[] {
  const { raises = [], priceFactor = 1, ...rest } = life;
  const shown = life.created - (life.created % 1_000);
  const lives: Instance[] = [];
  let current: Instance = { ...rest, priceFactor };
  for (const { at, factor } of raises) {
    const priced = { ...current, priceFactor: (current.priceFactor ?? 1) * factor };
    const from = shown + Math.ceil((at - shown) / HOUR) * HOUR;
    if (from <= current.created) current = priced;
    else if (life.deleted === null || from < life.deleted) {
      lives.push({ ...current, deleted: from });
      current = { ...priced, created: from };
    }
  }
  return [...lives, current];
}

/** The rate of the Linode and, if they are on, the rate of its backups; each has its own limit. */
export function ratesOf(instance: Instance): Rate[] {
  const { type, region, backupsEnabled, priceFactor = 1, managed = false } = instance;
  const known = types.get(type);
  if (known === undefined) throw new Error(`The catalogue has no type ${type}`);
  const priced = backupsEnabled ? [known, known.addons.backups] : [known];
  const rates = priced.map(({ price, region_prices }) => {
    const { hourly, monthly } = region_prices.find(({ id }) => id === region) ?? price;
    const rate = timesFactor({ hourly, monthly }, priceFactor);
    return { ...rate, hourly: rate.hourly ?? 0 };
  });
  return managed ? [...rates, MANAGED] : rates;
}

/** Micro-dollars. The hours of a calendar month never cost more than the monthly price. */
function charge(rate: Rate, byMonth: readonly number[]): number {
  const hourly = micros(rate.hourly);
  const monthly = rate.monthly === null ? Number.POSITIVE_INFINITY : micros(rate.monthly);
  return byMonth.reduce((total, hours) => total + Math.min(hours * hourly, monthly), 0);
}

/** Micro-dollars; exact, since Linode's prices have at most four decimals. */
export const micros = (usd: number): number => Math.round(usd * 1e6);

/** How many hours start in each calendar month (UTC), beginning with the month of the creation. */
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
