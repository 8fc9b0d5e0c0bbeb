import { type PriceName, prices } from './prices.ts';

export interface Count {
  readonly price: PriceName;
  readonly calls: number;
  /** In the unit of the price. */
  readonly units: number;
}

/** The number of calls and the used units, by the name of the call. */
export type Counts = ReadonlyMap<string, Count>;

export class Counter {
  readonly #counts = new Map<string, Count>();

  add(call: string, price: PriceName, units = 1): void {
    const before = this.#counts.get(call) ?? { price, calls: 0, units: 0 };
    this.#counts.set(call, {
      price,
      calls: before.calls + 1,
      units: before.units + units,
    });
  }

  clear(): void {
    this.#counts.clear();
  }

  get counts(): Counts {
    return new Map(this.#counts);
  }
}

export const costOf = ({ price, units }: Count): number =>
  (units / prices[price].per) * prices[price].usd;

export const totalOf = (counts: Counts): number =>
  [...counts.values()].reduce((total, count) => total + costOf(count), 0);

export const times = (counts: Counts, factor: number): Counts =>
  new Map(
    [...counts].map(([call, { price, calls, units }]) => [
      call,
      { price, calls: calls * factor, units: units * factor },
    ]),
  );

export function plus(a: Counts, b: Counts): Counts {
  const sum = new Map(a);
  for (const [call, count] of b) {
    const { calls, units } = sum.get(call) ?? { calls: 0, units: 0 };
    sum.set(call, { price: count.price, calls: calls + count.calls, units: units + count.units });
  }
  return sum;
}

export const minus = (a: Counts, b: Counts): Counts => plus(a, times(b, -1));
