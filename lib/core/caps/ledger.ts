import { type MicroUsd, microUsd, sum } from '../base/money.ts';
import type { ClusterId, ScheduleId } from '../base/names.ts';
import { type EpochMs, hours, latest, minus, minutes, plus } from '../base/units.ts';
import { type MonthName, monthName } from '../billing/bill.ts';
import { spentByMonthOf } from '../cluster/bills.ts';
import { type ClusterRecord, type EndedRecord, isLive } from '../cluster/record.ts';

/**
 * What the caps over many clusters are decided by: the budgets of all live clusters, and what the
 * ended ones have cost. It is one value, so that the store can decide on it atomically: a sum over
 * records is out of date before it is compared.
 *
 * A budget is counted before its record is written, and released after the record says that the
 * cluster has ended. So a crash in between counts too much, never too little, and the sweeper's
 * `audit` puts it right.
 */
export interface Ledger {
  /** Counts the writes; 0: it was never written. */
  readonly revision: number;
  readonly open: ReadonlyMap<ClusterId, Entry>;
  readonly spent: ReadonlyMap<Scope, Months>;
}

/** The budget of a live cluster, or of one whose record is about to be written. */
export interface Entry {
  readonly owner: string;
  readonly scheduleId: ScheduleId | null;
  readonly budget: MicroUsd;
  /** By the clock of who opened it; what tells it from one that a late request opened anew. */
  readonly openedAt: EpochMs;
  /** When a launch or a change of budget last counted on it. */
  readonly changedAt: EpochMs;
}

/** Whose monthly spend it is. */
export type Scope = `owner:${string}` | `schedule:${ScheduleId}`;
export type Months = Readonly<Record<MonthName, MicroUsd>>;

export const EMPTY_LEDGER: Ledger = { revision: 0, open: new Map(), spent: new Map() };

/**
 * What may be open or spent; null: as much as you like. What a month may cost is compared with what
 * the clusters that ended in it have cost and all that the live ones may: their whole budgets.
 */
export interface Caps {
  /** Of all live clusters together. */
  readonly openBudget: MicroUsd | null;
  readonly ownerOpenBudget: MicroUsd | null;
  /** In a calendar month, UTC. */
  readonly ownerMonthlySpend: MicroUsd | null;
  readonly scheduleMonthlySpend: MicroUsd | null;
}

export type Cap = keyof Caps;

export interface Claim {
  readonly id: ClusterId;
  readonly owner: string;
  readonly scheduleId: ScheduleId | null;
  readonly budget: MicroUsd;
}

export type Decision =
  | { readonly ok: true; readonly next: Ledger }
  | { readonly ok: false; readonly refusal: Refusal };

/** Where several caps refuse, the one that leaves the least. */
export interface Refusal {
  readonly cap: Cap;
  readonly claim: Claim;
  readonly limit: MicroUsd;
  /** What others take of it. */
  readonly taken: MicroUsd;
  /** The largest budget that would pass all caps; 0: none. */
  readonly largest: MicroUsd;
}

/**
 * How long a request may take from the ledger to the record, or back: no function that launches or
 * changes a budget runs longer than a minute. What is younger is left alone.
 */
const IN_FLIGHT = minutes(2);
/** 13 months; the caps look at the current one alone. */
const SPENT_KEPT = hours(396 * 24);

/**
 * Counts the budget of a cluster that is about to be launched. A repeated request finds its budget
 * counted; where two have one id but not one budget, the larger stays until the record decides.
 */
export function reserve(ledger: Ledger, claim: Claim, caps: Caps, now: EpochMs): Decision {
  const { id, owner, scheduleId, budget } = claim;
  const before = ledger.open.get(id);
  if (before !== undefined && before.budget >= budget) {
    return { ok: true, next: withEntry(ledger, id, { ...before, changedAt: now }) };
  }
  const openedAt = before?.openedAt ?? now;
  const entry = { owner, scheduleId, budget, openedAt, changedAt: now };
  const refusal = tightest(ledger, claim, caps, now);
  return refusal === null
    ? { ok: true, next: withEntry(ledger, id, entry) }
    : { ok: false, refusal };
}

/**
 * Counts a live cluster's budget as at least `budget`, before the record is changed. `missing`: it
 * is not counted at all, since it has ended, or awaits the audit.
 */
export function raise(
  ledger: Ledger,
  { id, budget }: { readonly id: ClusterId; readonly budget: MicroUsd },
  caps: Caps,
  now: EpochMs,
): Decision | 'missing' {
  const entry = ledger.open.get(id);
  return entry === undefined ? 'missing' : reserve(ledger, { ...entry, id, budget }, caps, now);
}

/**
 * After a live cluster's record was changed: counts the budget that it now has. A lower one waits
 * while a raise may be on its way from the ledger to the record; then the audit takes it.
 */
export function adjust(ledger: Ledger, id: ClusterId, budget: MicroUsd, now: EpochMs): Ledger {
  const entry = ledger.open.get(id);
  if (entry === undefined || entry.budget === budget) return ledger;
  if (budget < entry.budget && isInFlight(entry.changedAt, now)) return ledger;
  return withEntry(ledger, id, { ...entry, budget });
}

/** After a cluster's record has ended: its budget is free, and what it cost is spent. Once. */
export function release(ledger: Ledger, record: EndedRecord): Ledger {
  const entry = ledger.open.get(record.id);
  if (entry === undefined) return ledger;
  const rest = withoutEntry(ledger, record.id);
  // Opened anew by a late request: what it cost was counted when the first one was released. By
  // its identity and not by the time, as clocks differ by more than some clusters live.
  const isAnother = entry.openedAt !== record.reservedAt;
  if (isAnother) return rest;
  const bills = spentByMonthOf(record, record.endedAt);
  const oldest = monthName(minus(record.endedAt, SPENT_KEPT));
  const spent = new Map(rest.spent);
  for (const scope of scopesOf(record)) spent.set(scope, added(spent.get(scope) ?? {}, bills));
  return { ...rest, spent: since(oldest, spent) };
}

/** Where the ledger was not what the records say. */
export interface Drift {
  readonly id: ClusterId;
  readonly what: 'notReleased' | 'withoutRecord' | 'otherBudget' | 'notCounted';
  /** What was counted as open, and what is. */
  readonly counted: MicroUsd;
  readonly actual: MicroUsd;
}

/**
 * The ledger as the records have it, but for what may be on its way between them. `records` are
 * those of all clusters of the ledger that have one, and any others, read after the ledger.
 */
export function audit(
  ledger: Ledger,
  records: readonly ClusterRecord[],
  now: EpochMs,
): { readonly next: Ledger; readonly drift: readonly Drift[] } {
  const byId = new Map(records.map((record) => [record.id, record]));
  let next = ledger;
  const drift: Drift[] = [];
  for (const id of new Set([...ledger.open.keys(), ...byId.keys()])) {
    const correction = correct(next, id, byId.get(id), now);
    if (correction === null || correction.next === next) continue;
    const counted = next.open.get(id)?.budget ?? microUsd(0);
    next = correction.next;
    const actual = next.open.get(id)?.budget ?? microUsd(0);
    drift.push({ id, what: correction.what, counted, actual });
  }
  return { next, drift };
}

function correct(
  ledger: Ledger,
  id: ClusterId,
  record: ClusterRecord | undefined,
  now: EpochMs,
): { next: Ledger; what: Drift['what'] } | null {
  const entry = ledger.open.get(id);
  if (entry === undefined) {
    if (record === undefined || !isLive(record)) return null;
    // Opened with the cluster: if it ends before this is saved, what it cost must be counted yet.
    const { owner, scheduleId, budget, createdAt, reservedAt: openedAt } = record;
    const opened = { owner, scheduleId, budget, openedAt, changedAt: createdAt };
    return { next: withEntry(ledger, id, opened), what: 'notCounted' };
  }
  if (record === undefined) {
    if (isInFlight(entry.changedAt, now)) return null;
    return { next: withoutEntry(ledger, id), what: 'withoutRecord' };
  }
  if (isLive(record)) return { next: adjust(ledger, id, record.budget, now), what: 'otherBudget' };
  if (isInFlight(latest(entry.changedAt, record.endedAt), now)) return null;
  return { next: release(ledger, record), what: 'notReleased' };
}

/** The cap that leaves the least for the claim, of those that refuse it; null: none does. */
function tightest(ledger: Ledger, claim: Claim, caps: Caps, now: EpochMs): Refusal | null {
  const already = ledger.open.get(claim.id)?.budget ?? 0;
  const refusals = takenByOthers(ledger, claim, now).flatMap(([cap, taken]): Refusal[] => {
    const limit = caps[cap];
    if (limit === null || taken + claim.budget <= limit) return [];
    const largest = microUsd(Math.max(already, limit - taken));
    return [{ cap, claim, limit, taken, largest }];
  });
  return refusals.toSorted((a, b) => a.largest - b.largest)[0] ?? null;
}

/** What others take of the caps that concern the claim. */
function takenByOthers(ledger: Ledger, claim: Claim, now: EpochMs): [Cap, MicroUsd][] {
  const { id, owner, scheduleId } = claim;
  const others = [...ledger.open].filter(([other]) => other !== id).map(([, entry]) => entry);
  const openOf = (isMeant: (entry: Entry) => boolean) =>
    sum(others.filter(isMeant).map(({ budget }) => budget));
  const spentIn = (scope: Scope) => ledger.spent.get(scope)?.[monthName(now)] ?? microUsd(0);
  const ofOwner = openOf((entry) => entry.owner === owner);
  const ofAnyone: [Cap, MicroUsd][] = [
    ['openBudget', openOf(() => true)],
    ['ownerOpenBudget', ofOwner],
    ['ownerMonthlySpend', sum([ofOwner, spentIn(`owner:${owner}`)])],
  ];
  if (scheduleId === null) return ofAnyone;
  const ofSchedule = openOf((entry) => entry.scheduleId === scheduleId);
  const monthly = sum([ofSchedule, spentIn(`schedule:${scheduleId}`)]);
  return [...ofAnyone, ['scheduleMonthlySpend', monthly]];
}

const isInFlight = (changedAt: EpochMs, now: EpochMs) => now <= plus(changedAt, IN_FLIGHT);

const scopesOf = ({ owner, scheduleId }: EndedRecord): Scope[] => [
  `owner:${owner}`,
  ...(scheduleId === null ? [] : [`schedule:${scheduleId}` as const]),
];

const withEntry = (ledger: Ledger, id: ClusterId, entry: Entry): Ledger => ({
  ...ledger,
  open: new Map(ledger.open).set(id, entry),
});

const withoutEntry = (ledger: Ledger, id: ClusterId): Ledger => ({
  ...ledger,
  open: new Map([...ledger.open].filter(([other]) => other !== id)),
});

function added(months: Months, bills: Months): Months {
  const both = { ...months };
  for (const [month, bill] of Object.entries(bills)) {
    both[month] = sum([both[month] ?? microUsd(0), bill]);
  }
  return both;
}

function since(oldest: MonthName, spent: Ledger['spent']): Ledger['spent'] {
  const kept = [...spent].map(([scope, months]) => {
    const recent = Object.entries(months).filter(([month]) => month >= oldest);
    return [scope, Object.fromEntries(recent)] as const;
  });
  return new Map(kept.filter(([, months]) => Object.keys(months).length > 0));
}
