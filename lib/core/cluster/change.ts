import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import { amount, isObject, parseFields, wholeNumber } from '../base/fields.ts';
import { formatUsd, type MicroUsd, microUsd, sum } from '../base/money.ts';
import { between, durationMs, type EpochMs, hours, plus, toIso } from '../base/units.ts';
import { spend } from '../billing/bill.ts';
import { reservedUntil, reserveFor, transferCost } from '../billing/transfer.ts';
import { possibleCost } from './allowance.ts';
import { spentAt } from './bills.ts';
import { type Life, lifeOf } from './life.ts';
import type { Granted } from './limited.ts';
import { type ClusterRecord, isLive, type LiveRecord, withHistory } from './record.ts';
import { type Measured, withSent } from './sent.ts';
import { HOURS_MAX, type SpecLimits, transferGbSchema } from './spec.ts';
import { transferIn } from './transfer.ts';

/** New limits of a live cluster. An absent field leaves its limit as it is. */
export interface Change {
  readonly budget?: MicroUsd;
  /** null: no limit. */
  readonly maxHours?: number | null;
  /** GB; null: what the nodes bring. */
  readonly transferGb?: number | null;
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
    transferGb: z.optional(z.nullable(transferGbSchema)),
  });

/** Reads a change from anything that JSON can hold; finds all faults at once. */
export function parseChange(input: unknown, limits: SpecLimits): ParsedChange {
  const fault = (message: string) => ({ ok: false, faults: [{ path: '', message }] }) as const;
  if (!isObject(input)) return fault('a change must be a JSON object');
  const { valid, faults } = parseFields(input, changeSchema(limits).shape, 'a change');
  if (faults.length > 0) return { ok: false, faults };
  // `valid` holds, under each field's name, the output of the field's schema.
  const { budgetUsd, maxHours, transferGb } = valid as {
    budgetUsd?: MicroUsd;
  } & Omit<Change, 'budget'>;
  if ([budgetUsd, maxHours, transferGb].every((field) => field === undefined)) {
    return fault('a change must have budgetUsd, maxHours or transferGb');
  }
  const change = {
    ...(budgetUsd === undefined ? {} : { budget: budgetUsd }),
    ...(maxHours === undefined ? {} : { maxHours }),
    ...(transferGb === undefined ? {} : { transferGb }),
  };
  return { ok: true, change };
}

export type Changed =
  /** `next` is the same record if the cluster has these limits already. */
  | { readonly kind: 'changed'; readonly next: LiveRecord }
  /** The teardown has begun or is due, or the cluster has ended: its limits can't change. */
  | { readonly kind: 'begun' }
  /** Its transfer does not count, so that nothing could be held back for it. */
  | { readonly kind: 'noTransfer' }
  | {
      readonly kind: 'tooLittle';
      readonly smallestBudget: MicroUsd;
      readonly spent: MicroUsd;
      /** What of it is only for transfer that nodes were granted, sent or not. */
      readonly granted: MicroUsd;
    }
  | { readonly kind: 'tooFewHours'; readonly smallestMaxHours: number };

export interface ChangeContext {
  readonly now: EpochMs;
  readonly owner: string;
  /** What the nodes were granted: they may have sent it, so that the budget must pay it. */
  readonly granted?: Granted | null;
}

/**
 * The record with the new limits. It is due now, so that a pass updates the `reap` tags. Only
 * limits whose teardown time lies after `now` are accepted, because Onebuck can't keep others.
 */
export function changeCluster(
  record: ClusterRecord,
  change: Change,
  { now, owner, granted = null }: ChangeContext,
): Changed {
  if (!isLive(record) || record.phase === 'deleting') return { kind: 'begun' };
  const life = lifeOf(record, now);
  if (now >= life.teardownAt) return { kind: 'begun' };
  const plansTransfer = change.transferGb !== undefined && change.transferGb !== null;
  if (plansTransfer && record.bought.transfer === undefined) return { kind: 'noTransfer' };
  const { budget = record.budget, maxHours = record.maxHours } = change;
  const plan = change.transferGb === undefined ? (record.transferGb ?? null) : change.transferGb;
  const isSamePlan = plan === (record.transferGb ?? null);
  if (budget === record.budget && maxHours === record.maxHours && isSamePlan) {
    return { kind: 'changed', next: record };
  }
  // The last affordable instant of a cluster whose teardown time is just after now.
  const earliestEnd = plus(plus(now, record.marginMs), A_MOMENT);
  const planned = withPlan(record, plan, { budget, maxHours }, life);
  const transfer = transferIn(record, earliestEnd);
  const sent = transfer === null ? microUsd(0) : transferCost(transfer, earliestEnd);
  const isLower = budget < record.budget;
  const beyond = isLower ? most(sent, possibleCost(record, granted, earliestEnd)) : sent;
  const reserved =
    plan === null || transfer === null
      ? microUsd(0)
      : (planned?.transferReserved ?? reservedUntil(plan, transfer, now));
  const held = most(beyond, reserved);
  const smallestBudget = sum([spend(life.nodes, earliestEnd), held]);
  if (planned === null || budget < smallestBudget) {
    const unsent = microUsd(held - most(sent, reserved));
    return { kind: 'tooLittle', smallestBudget, spent: spentAt(record, now), granted: unsent };
  }
  const smallestMaxHours = hoursBegun(life, earliestEnd);
  if (maxHours !== null && maxHours < smallestMaxHours) {
    return { kind: 'tooFewHours', smallestMaxHours };
  }
  const { endBy, ...others } = planned;
  // Who pays for more time after the job has failed wants its nodes to live on.
  const isLonger = budget > record.budget || isMore(maxHours, record.maxHours);
  const endsAnyway = endBy !== undefined && (record.jobEnd === undefined || !isLonger);
  const kept = endsAnyway ? { ...others, endBy } : others;
  const found = withSent(kept, NOT_MEASURED, now, granted);
  const next = { ...found, budget, maxHours, dueAt: now };
  const { teardownAt } = lifeOf(next, now);
  const isShorter = teardownAt < lifeOf({ ...kept, budget, maxHours }, now).teardownAt;
  const why = isShorter ? ', as its nodes may send what they were granted' : '';
  const until = `lasts until ${toIso(teardownAt)}${why}`;
  const event = `${eventOf(record, { budget, maxHours, transferGb: plan })} by ${owner}: ${until}`;
  return { kind: 'changed', next: withHistory(next, now, event) };
}

/** What nodes were granted counts in a change, too, as the next pass will find it. */
const NOT_MEASURED: Measured = new Map();

/**
 * The record with what it is planned to send, and what the budget holds back for that; null: the
 * budget does not pay it.
 */
function withPlan<R extends LiveRecord>(
  record: R,
  plan: number | null,
  limits: Pick<LiveRecord, 'budget' | 'maxHours'>,
  { nodes }: Life,
): R | null {
  const { transferGb: _, transferReserved: __, ...rest } = record;
  const transfer = transferIn(record, record.createdAt);
  if (plan === null || transfer === null) return rest as R;
  const planned = { terms: transfer.terms, bringers: nodes };
  const reserved = reserveFor(plan, planned, nodes, { ...limits, marginMs: record.marginMs });
  return reserved === null ? null : { ...record, transferGb: plan, transferReserved: reserved };
}

const most = (a: MicroUsd, b: MicroUsd): MicroUsd => microUsd(Math.max(a, b));

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
  const gbText = (gb: number | null) => (gb === null ? 'what its nodes bring' : `${gb}`);
  return [
    ...(to.budget === record.budget
      ? []
      : [`budget ${way} from ${formatUsd(record.budget)} to ${formatUsd(to.budget)}`]),
    ...(to.maxHours === record.maxHours
      ? []
      : [`maxHours changed from ${hoursText(record.maxHours)} to ${hoursText(to.maxHours)}`]),
    ...(to.transferGb === (record.transferGb ?? null)
      ? []
      : [`transferGb changed to ${gbText(to.transferGb)}`]),
  ].join(', ');
}
