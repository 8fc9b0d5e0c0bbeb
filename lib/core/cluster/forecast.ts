import type { MicroUsd } from '../base/money.ts';
import { plus } from '../base/units.ts';
import { type MonthName, spendByMonth } from '../billing/bill.ts';
import { newNodePrice } from './kinds.ts';
import { createdAfter, type Quote } from './quote.ts';
import type { Bought } from './record.ts';
import type { Spec } from './spec.ts';

/** What the quote says that each calendar month (UTC) is billed by the teardown. */
export function forecastOf(
  { nodes }: Spec,
  bought: Bought,
  { startsAt, teardownAt }: Quote,
): Readonly<Record<MonthName, MicroUsd>> {
  const price = newNodePrice({ bought });
  const billed = Array.from({ length: nodes }, (_, index) => ({
    billedFrom: plus(startsAt, createdAfter(index)),
    billedUntil: null,
    price,
  }));
  return spendByMonth(billed, teardownAt);
}
