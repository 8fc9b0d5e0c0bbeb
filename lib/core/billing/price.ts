import { type MicroUsd, sum } from '../base/money.ts';

/** What one node costs. `monthly` is the most that a calendar month bills; null: no such cap. */
export interface Price {
  readonly hourly: MicroUsd;
  readonly monthly: MicroUsd | null;
}

/** A price with the regions in which another one holds (`region_prices` overrides `price`). */
export interface RegionalPrice extends Price {
  readonly byRegion: Readonly<Record<string, Price>>;
}

/**
 * The price with an extra such as backups; null: no extra. Linode caps the plan and the extra each
 * by its own monthly price. Their sum as one cap never bills less, whichever of them is reached
 * first; where one of them is missing, nothing is capped, which is dearer still.
 */
export function combinedPrice(base: Price, addon: Price | null): Price {
  if (addon === null) return base;
  const monthly =
    base.monthly === null || addon.monthly === null ? null : sum([base.monthly, addon.monthly]);
  return { hourly: sum([base.hourly, addon.hourly]), monthly };
}
