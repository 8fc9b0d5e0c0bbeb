import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import { amount, isObject, parseFields, wholeNumber } from '../base/fields.ts';
import { formatUsd, type MicroUsd } from '../base/money.ts';
import { between, durationMs, type EpochMs, hours, plus, toIso } from '../base/units.ts';
import { spend } from '../billing/bill.ts';
import { spentAt } from './bills.ts';
import { type Life, lifeOf } from './life.ts';
import { type ClusterRecord, isLive, type LiveRecord, withHistory } from './record.ts';
import { HOURS_MAX, type SpecLimits } from './spec.ts';

/** New limits of a live cluster; what is left out stays as it is. */
export interface Change {
  readonly budget?: MicroUsd;
  /** null: no such limit. */
  readonly maxHours?: number | null;
}

const A_MOMENT = durationMs(1);

export type ParsedChange =
  | { readonly ok: true; readonly change: Change }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** The JSON form of a change. Its messages follow the path of what they are about. */
export const changeSchema = ({ budgetMax }: SpecLimits) =>
  z.strictObject({
    budgetUsd: z.optional(
      amount(budgetMax, 'The most that Linode may bill, what it has billed already included.'),
    ),
    maxHours: z.optional(
      z.nullable(
        wholeNumber(1, HOURS_MAX, 'The most hours that each node may be billed; null: no limit.'),
      ),
    ),
  });

/** Reads a change from anything that JSON can hold; finds all faults at once. */
export function parseChange(input: unknown, limits: SpecLimits): ParsedChange {
  const fault = (message: string) => ({ ok: false, faults: [{ path: '', message }] }) as const;
  if (!isObject(input)) return fault('a change must be a JSON object');
  const { fine, faults } = parseFields(input, changeSchema(limits).shape, 'a change');
  if (faults.length > 0) return { ok: false, faults };
  // Each value in `fine` is what the schema of its name gave.
  const { budgetUsd, maxHours } = fine as { budgetUsd?: MicroUsd; maxHours?: number | null };
  if (budgetUsd === undefined && maxHours === undefined) {
    return fault('a change must have budgetUsd, maxHours or both');
  }
  const change = {
    ...(budgetUsd === undefined ? {} : { budget: budgetUsd }),
    ...(maxHours === undefined ? {} : { maxHours }),
  };
  return { ok: true, change };
}

export type Changed =
  /** The same record, if it has these limits already. */
  | { readonly kind: 'changed'; readonly next: LiveRecord }
  /** It is being destroyed, or is about to be, and can't be kept any more. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'tooLittle'; readonly smallestBudget: MicroUsd; readonly spent: MicroUsd }
  | { readonly kind: 'tooFewHours'; readonly smallestMaxHours: number };

/**
 * The record with the new limits, due now so that the tags of its nodes follow. Only limits that
 * can be kept are taken: their teardown time lies after `now`.
 */
export function changeCluster(
  record: ClusterRecord,
  change: Change,
  { now, owner }: { readonly now: EpochMs; readonly owner: string },
): Changed {
  if (!isLive(record) || record.phase === 'deleting') return { kind: 'begun' };
  const life = lifeOf(record, now);
  if (now >= life.teardownAt) return { kind: 'begun' };
  const { budget = record.budget, maxHours = record.maxHours } = change;
  if (budget === record.budget && maxHours === record.maxHours) {
    return { kind: 'changed', next: record };
  }
  // When a destruction that starts just after now must have ended.
  const firstEnd = plus(plus(now, record.marginMs), A_MOMENT);
  const smallestBudget = spend(life.nodes, firstEnd);
  if (budget < smallestBudget) {
    return { kind: 'tooLittle', smallestBudget, spent: spentAt(record, now) };
  }
  const smallestMaxHours = hoursBegun(life, firstEnd);
  if (maxHours !== null && maxHours < smallestMaxHours) {
    return { kind: 'tooFewHours', smallestMaxHours };
  }
  const next = { ...record, budget, maxHours, dueAt: now };
  const until = `lasts until ${toIso(lifeOf(next, now).teardownAt)}`;
  const event = `${eventOf(record, { budget, maxHours })} by ${owner}: ${until}`;
  return { kind: 'changed', next: withHistory(next, now, event) };
}

/** The most hours that any node will have begun by then; at least 1. */
function hoursBegun({ nodes }: Life, at: EpochMs): number {
  const open = nodes.filter(({ billedUntil }) => billedUntil === null);
  const begun = open.map(({ billedFrom }) => Math.ceil(between(billedFrom, at) / hours(1)));
  return Math.max(1, ...begun);
}

function eventOf(record: LiveRecord, to: Required<Change>): string {
  const way = to.budget > record.budget ? 'raised' : 'lowered';
  const hoursText = (hours: number | null) => (hours === null ? 'no limit' : `${hours}`);
  return [
    ...(to.budget === record.budget
      ? []
      : [`budget ${way} from ${formatUsd(record.budget)} to ${formatUsd(to.budget)}`]),
    ...(to.maxHours === record.maxHours
      ? []
      : [`maxHours changed from ${hoursText(record.maxHours)} to ${hoursText(to.maxHours)}`]),
  ].join(', ');
}
