import { type MicroUsd, microUsd, split, sum } from '../base/money.ts';
import { type MonthName, spendByMonth } from '../billing/bill.ts';
import { newNodePrice } from './kinds.ts';
import { type Quote, quotedNodes } from './quote.ts';
import type { Bought } from './record.ts';
import type { Spec } from './spec.ts';

/**
 * What the quote says that each calendar month (UTC) is billed by the teardown. What the budget holds
 * back for transfer is split as the hours are.
 */
export function forecastOf(
  { nodes }: Spec,
  bought: Bought,
  { startsAt, teardownAt, transfer }: Quote,
): Readonly<Record<MonthName, MicroUsd>> {
  const billed = quotedNodes(newNodePrice({ bought }), nodes, startsAt);
  const bills = Object.entries(spendByMonth(billed, teardownAt));
  const ofHours = bills.map(([, bill]) => bill);
  const reserved = split(transfer?.reserved ?? microUsd(0), ofHours, sum(ofHours));
  return Object.fromEntries(
    bills.map(([month, bill], position) => [month, sum([bill, reserved[position] ?? microUsd(0)])]),
  );
}
