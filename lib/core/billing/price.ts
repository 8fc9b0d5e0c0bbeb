import { type MicroUsd, sum } from '../base/money.ts';

/**
 * The price of one node. `monthly` is the most that Linode bills in a calendar month; null: no
 * limit.
 */
export interface Price {
  readonly hourly: MicroUsd;
  readonly monthly: MicroUsd | null;
}

/**
 * The price in most regions; `byRegion` has the regions with a price of their own, which Linode's
 * API calls `region_prices`.
 */
export interface RegionalPrice extends Price {
  readonly byRegion: Readonly<Record<string, Price>>;
}

/**
 * The price of a node with an addon such as backups; null: no addon. Linode limits plan and addon
 * each by its own monthly price. Their sum as one limit never bills less than Linode does. If
 * either has no monthly price, the result has none, which bills more still.
 */
export function combinedPrice(base: Price, addon: Price | null): Price {
  if (addon === null) return base;
  const monthly =
    base.monthly === null || addon.monthly === null ? null : sum([base.monthly, addon.monthly]);
  return { hourly: sum([base.hourly, addon.hourly]), monthly };
}

/** For hours and months alike, the higher of two prices. */
export function dearer(a: Price, b: Price): Price {
  const hourly = a.hourly > b.hourly ? a.hourly : b.hourly;
  if (a.monthly === null || b.monthly === null) return { hourly, monthly: null };
  return { hourly, monthly: a.monthly > b.monthly ? a.monthly : b.monthly };
}
