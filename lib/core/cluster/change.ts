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

/** New limits of a live cluster. An absent field leaves its limit as it is. */
export interface Change {
  readonly budget?: MicroUsd;
  /** null: no limit. */
  readonly maxHours?: number | null;
}

const A_MOMENT = durationMs(1);

export type ParsedChange =
  | { readonly ok: true; readonly change: Change }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** The JSON form of a change. The message of a fault reads on from its path: "must be …". */
export const changeSchema = ({ budgetMax }: SpecLimits) =>
  z.strictObject({
    budgetUsd: z.optional(
      amount(budgetMax, 'The most that Linode may bill, including what it has billed already.'),
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
  const { valid, faults } = parseFields(input, changeSchema(limits).shape, 'a change');
  if (faults.length > 0) return { ok: false, faults };
  // `valid` holds, under each field's name, the output of the field's schema.
  const { budgetUsd, maxHours } = valid as { budgetUsd?: MicroUsd; maxHours?: number | null };
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
  /** `next` is the same record if the cluster has these limits already. */
  | { readonly kind: 'changed'; readonly next: LiveRecord }
  /** The teardown has begun or is due, or the cluster has ended: its limits can't change. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'tooLittle'; readonly smallestBudget: MicroUsd; readonly spent: MicroUsd }
  | { readonly kind: 'tooFewHours'; readonly smallestMaxHours: number };

/**
 * The record with the new limits. It is due now, so that a pass updates the `reap` tags. Only
 * limits whose teardown time lies after `now` are accepted, because Onebuck can't keep others.
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
  // The last affordable instant of a cluster whose teardown time is just after now.
  const earliestEnd = plus(plus(now, record.marginMs), A_MOMENT);
  const smallestBudget = spend(life.nodes, earliestEnd);
  if (budget < smallestBudget) {
    return { kind: 'tooLittle', smallestBudget, spent: spentAt(record, now) };
  }
  const smallestMaxHours = hoursBegun(life, earliestEnd);
  if (maxHours !== null && maxHours < smallestMaxHours) {
    return { kind: 'tooFewHours', smallestMaxHours };
  }
  const { endBy, ...others } = record;
  // Who pays for more time after the job has failed wants its nodes to live on.
  const isLonger = budget > record.budget || isMore(maxHours, record.maxHours);
  const endsAnyway = endBy !== undefined && (record.jobEnd === undefined || !isLonger);
  const kept = endsAnyway ? { ...others, endBy } : others;
  const next = { ...kept, budget, maxHours, dueAt: now };
  const until = `lasts until ${toIso(lifeOf(next, now).teardownAt)}`;
  const event = `${eventOf(record, { budget, maxHours })} by ${owner}: ${until}`;
  return { kind: 'changed', next: withHistory(next, now, event) };
}

const isMore = (hours: number | null, than: number | null): boolean =>
  than !== null && (hours === null || hours > than);

/** The most hours that any node will have begun at `at`; at least 1. */
function hoursBegun({ nodes }: Life, at: EpochMs): number {
  const open = nodes.filter(({ billedUntil }) => billedUntil === null);
  const begun = open.map(({ billedFrom, hoursFrom }) =>
    Math.ceil(between(hoursFrom ?? billedFrom, at) / hours(1)),
  );
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
