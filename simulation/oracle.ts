import { livesOf, micros, type Rate, ratesOf } from '../simulators/linode/bill.ts';
import { types } from '../simulators/linode/catalogue.ts';
import type { Instance } from '../simulators/linode/instance.ts';
import { bytesBetween } from '../simulators/linode/sending.ts';
import { gbUsdIn } from '../simulators/linode/transfer.ts';
import { HOUR } from './time.ts';

/**
 * Reckons Linode's bill by brute force: goes through the life of each Linode hour by hour, and
 * counts an hour in each calendar month (UTC) in which the Linode lived a part of that hour. That
 * is the dearest reading of rules that Linode does not document. A life begins at the whole second
 * that Linode shows as `created`. The oracle reads only the simulated Linode's list of all Linodes,
 * and shares no code with lib/core/billing/bill.ts.
 */
export class Oracle {
  readonly #meters = new Map<number, Meter[]>();

  /** Bills until `now`. `instances`: every Linode that the account ever had. */
  advance(instances: readonly Instance[], now: number): void {
    for (const instance of instances) {
      const meters = this.#meters.get(instance.id) ?? [];
      this.#meters.set(instance.id, meters);
      for (const [index, life] of livesOf(instance).entries()) {
        if (life.created > now) continue;
        let meter = meters[index];
        if (meter === undefined) {
          meter = new Meter(life, index === 0);
          meters.push(meter);
        }
        meter.advance(Math.min(life.deleted ?? now, now));
      }
    }
  }

  /** The bill of these Linodes in micro-dollars, until the last `advance`. */
  billOf(linodeIds: readonly number[]): number {
    const metersOf = (id: number) => this.#meters.get(id) ?? [];
    return linodeIds.flatMap(metersOf).reduce((total, meter) => total + meter.bill(), 0);
  }
}

/** The bill in micro-dollars of a Linode whose deletion is at `end`. */
export function billUntil(instance: Instance, end: number): number {
  const begun = livesOf(instance).filter((life, index) => index === 0 || life.created < end);
  return begun.reduce((total, life, index, lives) => {
    const meter = new Meter(life, index === 0);
    const isLast = index === lives.length - 1;
    meter.advance(isLast ? end : Math.min(end, life.deleted ?? end));
    return total + meter.bill();
  }, 0);
}

/** How many started hours of all these Linodes the budget affords, with what they send. */
export function affordedHours(
  linodes: readonly Instance[],
  { budget, maxHours }: { readonly budget: number; readonly maxHours: number | null },
): number {
  const billAfter = (hours: number) => {
    const end = (linode: Instance) => shownCreation(linode) + hours * HOUR;
    const started = linodes.reduce((sum, linode) => sum + billUntil(linode, end(linode)), 0);
    return started + overageUntil(linodes, end);
  };
  const most = maxHours ?? Number.POSITIVE_INFINITY;
  let hours = 0;
  while (hours < most && billAfter(hours + 1) <= budget) hours += 1;
  return hours;
}

/**
 * Micro-dollars for what a cluster's Linodes sent beyond what they brought, until each one's `end`,
 * by the dearest reading of what Linode does not document: only a Linode's own whole hours that lie
 * within a month and are over bring anything, what is brought is rounded down to a GB in each month,
 * and each started GB beyond costs its price. But a month with background traffic only costs nothing:
 * a GB of all Linodes, or 0.1 GB of each that brings something. Goes through each life hour by hour.
 */
export function overageUntil(
  instances: readonly Instance[],
  end: (instance: Instance) => number,
): number {
  if (instances.every(isSilent)) return 0;
  const months = new Map<number, { bytes: number; parts: number; usd: number }>();
  for (const instance of instances) {
    const created = shownCreation(instance);
    const until = end(instance);
    const transfer = types.get(instance.type)?.transfer ?? 0;
    for (let at = created; at < until; ) {
      const monthEnd = nextMonth(at);
      const month = months.get(monthEnd) ?? { bytes: 0, parts: 0, usd: gbUsdIn(instance.region) };
      months.set(monthEnd, month);
      month.bytes += bytesBetween(instance, at, Math.min(until, monthEnd));
      const firstHour = created + Math.ceil((at - created) / HOUR) * HOUR;
      for (let hour = firstHour; hour + HOUR <= monthEnd && hour + HOUR < until; hour += HOUR) {
        month.parts += transfer;
      }
      at = monthEnd;
    }
  }
  const bringing = instances.filter(({ type }) => (types.get(type)?.transfer ?? 0) > 0).length;
  const background = Math.max(10, bringing) * 1e8;
  return [...months].reduce((total, [monthEnd, { bytes, parts, usd }]) => {
    if (Math.floor(bytes) <= background) return total;
    const last = new Date(monthEnd - 1);
    const hours = (monthEnd - Date.UTC(last.getUTCFullYear(), last.getUTCMonth())) / HOUR;
    const beyond = Math.ceil(Math.floor(bytes) / 1e9) - Math.floor(parts / hours);
    return total + Math.max(0, beyond) * micros(usd);
  }, 0);
}

const isSilent = ({ sends = [], sentAtOnce = [] }: Instance): boolean =>
  sends.length === 0 && sentAtOnce.length === 0;

/** The creation as Linode's API shows it, in whole seconds; epoch milliseconds. */
export const shownCreation = ({ created }: Instance): number => created - (created % 1_000);

class Meter {
  readonly #created: number;
  readonly #rates: readonly Rate[];
  /** The billed hours of each calendar month, by the month's end. */
  readonly #hours = new Map<number, number>();
  /** The start of the next hour to bill. A month's end splits an hour in two. */
  #at: number;
  #monthEnd: number;
  /** The last hour of the Linode's life that is billed in this month; -1: none yet. */
  #hour = -1;

  /** `isFirst`: the API shows the beginning of this life as `created`. */
  constructor(instance: Instance, isFirst: boolean) {
    this.#created = isFirst ? shownCreation(instance) : instance.created;
    this.#rates = ratesOf(instance);
    this.#at = this.#created;
    this.#monthEnd = nextMonth(this.#created);
    // Linode bills at least one hour, however short the life is.
    this.#billHour();
  }

  advance(end: number): void {
    while (this.#at < end) {
      this.#billHour();
      const hours = Math.floor((this.#at - this.#created) / HOUR) + 1;
      this.#at = Math.min(this.#created + hours * HOUR, this.#monthEnd);
    }
  }

  bill(): number {
    return [...this.#hours.values()].reduce(
      (total, hours) => total + this.#rates.reduce((sum, rate) => sum + cost(rate, hours), 0),
      0,
    );
  }

  #billHour(): void {
    if (this.#at >= this.#monthEnd) {
      this.#monthEnd = nextMonth(this.#at);
      this.#hour = -1;
    }
    const hour = Math.floor((this.#at - this.#created) / HOUR);
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#hours.set(this.#monthEnd, (this.#hours.get(this.#monthEnd) ?? 0) + 1);
  }
}

const cost = ({ hourly, monthly }: Rate, hours: number): number =>
  Math.min(hours * micros(hourly), monthly === null ? Number.POSITIVE_INFINITY : micros(monthly));

function nextMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
