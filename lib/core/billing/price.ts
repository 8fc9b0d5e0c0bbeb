import { type MicroUsd, sum } from '../base/money.ts';

/**
 * How Linode bills an hour across a month's end, which it does not document: in the month in which
 * the hour begins, or in both months, which is the dearer reading. Invoices show it.
 */
export type MonthEndHour = 'startMonth' | 'bothMonths';

/**
 * The price of one node. `monthly` is the most that Linode bills in a calendar month; null: no
 * limit.
 */
export interface Price {
  readonly hourly: MicroUsd;
  readonly monthly: MicroUsd | null;
  /** How hours across a month's end are billed; absent: in both months. */
  readonly monthEndHour?: 'startMonth';
}

/** The same price for an hour, and the same limit, with hours across a month's end billed so. */
export const readAs = (
  { hourly, monthly }: Price,
  monthEndHour: MonthEndHour = 'bothMonths',
): Price => ({ hourly, monthly, ...(monthEndHour === 'startMonth' && { monthEndHour }) });

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
 * either has no monthly price, the result has none, which bills more still. Hours across a month's
 * end are billed as the plan's are.
 */
export function combinedPrice(base: Price, addon: Price | null): Price {
  if (addon === null) return base;
  const monthly =
    base.monthly === null || addon.monthly === null ? null : sum([base.monthly, addon.monthly]);
  return readAs({ hourly: sum([base.hourly, addon.hourly]), monthly }, base.monthEndHour);
}

/** For hours and months alike, the higher of two prices, and the dearer reading. */
export function dearer(a: Price, b: Price): Price {
  const hourly = a.hourly > b.hourly ? a.hourly : b.hourly;
  const monthEndHour = a.monthEndHour && b.monthEndHour;
  if (a.monthly === null || b.monthly === null) {
    return readAs({ hourly, monthly: null }, monthEndHour);
  }
  return readAs({ hourly, monthly: a.monthly > b.monthly ? a.monthly : b.monthly }, monthEndHour);
}
