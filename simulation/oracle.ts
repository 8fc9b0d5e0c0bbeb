import { micros, type Rate, ratesOf } from '../simulators/linode/bill.ts';
import type { Instance } from '../simulators/linode/instance.ts';
import { HOUR, MINUTE } from './time.ts';

/**
 * What Linode bills, by brute force: it goes through the life of each Linode minute by minute, and
 * counts an hour in each calendar month (UTC) in which any of its minutes was lived. That is the
 * dearest reading of what Linode does not say. A life begins at the whole second that Linode shows as
 * `created`: the bill's truth. It reads the simulated Linode's ledger alone, and shares nothing with
 * lib/core/billing/bill.ts.
 */
export class Oracle {
  readonly #meters = new Map<number, Meter>();

  /** Goes on to `now`. `ledger`: all Linodes there ever were. */
  advance(ledger: readonly Instance[], now: number): void {
    for (const entry of ledger) {
      let meter = this.#meters.get(entry.id);
      if (meter === undefined) {
        meter = new Meter(entry);
        this.#meters.set(entry.id, meter);
      }
      meter.advance(entry.deleted ?? now);
    }
  }

  /** In micro-dollars, up to where it has gone. */
  billOf(linodeIds: readonly number[]): number {
    return linodeIds.reduce((total, id) => total + (this.#meters.get(id)?.bill() ?? 0), 0);
  }
}

/** The bill of one Linode, had it been deleted at `end`; in micro-dollars. */
export function billUntil(entry: Instance, end: number): number {
  const meter = new Meter(entry);
  meter.advance(end);
  return meter.bill();
}

/** Linode's API has no fractions of seconds. */
export const shownCreation = ({ created }: Instance): number => created - (created % 1_000);

class Meter {
  readonly #created: number;
  readonly #rates: readonly Rate[];
  /** How many hours each month has. */
  readonly #hours = new Map<number, number>();
  /** Where the next minute, or the next piece of one, begins. */
  #at: number;
  #monthEnd: number;
  /** The last hour that was counted in this month. */
  #hour = -1;

  constructor(entry: Instance) {
    this.#created = shownCreation(entry);
    this.#rates = ratesOf(entry);
    this.#at = this.#created;
    this.#monthEnd = nextMonth(this.#created);
    // An instant counts as an hour.
    this.#live();
  }

  advance(end: number): void {
    while (this.#at < end) {
      this.#live();
      const minutes = Math.floor((this.#at - this.#created) / MINUTE) + 1;
      this.#at = Math.min(this.#created + minutes * MINUTE, this.#monthEnd);
    }
  }

  bill(): number {
    return [...this.#hours.values()].reduce(
      (total, hours) => total + this.#rates.reduce((sum, rate) => sum + cost(rate, hours), 0),
      0,
    );
  }

  #live(): void {
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
