import { type MicroUsd, microUsd, sum } from '../base/money.ts';
import type { ClusterId, ScheduleId } from '../base/names.ts';
import {
  durationMs,
  type EpochMs,
  epochMs,
  hours,
  latest,
  minus,
  minutes,
  plus,
} from '../base/units.ts';
import { FAR_FUTURE, type MonthName, monthName, spend } from '../billing/bill.ts';
import { PERIODS, type Period, type Span, spanAt, spendIn } from '../billing/periods.ts';
import { billedNodes, hourlyOf, spentByMonthOf } from '../cluster/bills.ts';
import {
  type ClusterRecord,
  type EndedRecord,
  isLive,
  type LiveRecord,
} from '../cluster/record.ts';
import {
  blocksOf,
  isSameSubnet,
  lowestFree,
  type Subnet,
  type SubnetBits,
} from '../room/network.ts';
import type { PeriodCaps } from './owners.ts';

/**
 * The ledger of the caps: the budgets and subnets of all live clusters, and by day, week and month
 * what ended clusters have cost. It is one value, so that the store can decide a launch by one atomic write; a
 * sum over records would be out of date before it is compared.
 *
 * A budget enters the ledger before its record is written, and leaves it after the record says that
 * the cluster has ended. A crash in between therefore counts too much, never too little, until the
 * sweeper's `audit` corrects it. The same holds for subnets: none is handed out while another
 * cluster may have a Linode in it.
 */
export interface Ledger {
  /** The number of writes so far; 0: never written. */
  readonly revision: number;
  readonly open: ReadonlyMap<ClusterId, Entry>;
  readonly spent: ReadonlyMap<Scope, Months>;
  /** The same by day and by week, of the last few only. */
  readonly recent: ReadonlyMap<Scope, Spans>;
  /**
   * Since when `recent` has the bills of all clusters that ended; null: since nobody knows when, as
   * a version before wrote the ledger. Days and weeks that began earlier count the bills of their
   * whole months, which are never less.
   */
  readonly recentSince: EpochMs | null;
  /**
   * Until when the creates of the clusters launched so far take up Linode's rate limit. The next
   * cluster has its turn then.
   */
  readonly createsUntil: EpochMs;
  /**
   * Since when a drain of the stage keeps out all launches and higher budgets; null: it does not.
   * The ledger has it since each launch writes the ledger before its record: a launch is refused,
   * or the ledger that the drain reads has its cluster.
   */
  readonly drainedSince: EpochMs | null;
}

/** The budget of a live cluster, or of one whose record is about to be written. */
export interface Entry {
  readonly owner: string;
  readonly scheduleId: ScheduleId | null;
  readonly budget: MicroUsd;
  /**
   * When the budget was reserved, by the clock of the function that reserved it. It identifies the
   * entry: a late request can open another entry for the same cluster.
   */
  readonly openedAt: EpochMs;
  /** When a launch or a change of budget last relied on this entry. */
  readonly changedAt: EpochMs;
  /** When the creates of the cluster's nodes have their turn. */
  readonly createFrom: EpochMs;
  /** The subnet of the cluster's private network; absent: it needs none. */
  readonly subnet?: Subnet;
  /**
   * What a started hour of all its nodes costs; absent: an earlier version wrote the entry, and the
   * audit has yet to fill it in. Until then the budget counts, which pays for an hour at least.
   */
  readonly hourly?: MicroUsd;
}

/** The owner or the schedule whose spend is summed. */
export type Scope = `owner:${string}` | `schedule:${ScheduleId}`;
export type Months = Readonly<Record<MonthName, MicroUsd>>;
/** By the names of days and weeks. */
export type Spans = Readonly<Record<Span['name'], MicroUsd>>;

export const EMPTY_LEDGER: Ledger = {
  revision: 0,
  open: new Map(),
  spent: new Map(),
  recent: new Map(),
  recentSince: epochMs(0),
  createsUntil: epochMs(0),
  drainedSince: null,
};

/**
 * How long a node's create takes up Linode's rate limit of 20 in 15 s, with a little to spare, as
 * Onebuck's windows and Linode's do not begin together (docs/linode.md#rate-limits).
 */
export const CREATE_TIME = durationMs(800);

/**
 * The caps; null: no cap. A cap on spend limits the sum of two amounts: what ended clusters were
 * billed in the day, week or month (UTC), and the whole budgets of the live clusters. A live cluster
 * may be billed all of its budget in the present period, so no period can pass its cap, whatever the
 * clusters do; and when the next period begins, only the live clusters are left to count.
 */
export interface Caps {
  /** The most that the budgets of all live clusters may add up to. */
  readonly openBudget: MicroUsd | null;
  /** The same for the live clusters of each owner. */
  readonly ownerOpenBudget: MicroUsd | null;
  readonly ownerDailySpend: MicroUsd | null;
  readonly ownerWeeklySpend: MicroUsd | null;
  readonly ownerMonthlySpend: MicroUsd | null;
  readonly scheduleDailySpend: MicroUsd | null;
  readonly scheduleWeeklySpend: MicroUsd | null;
  readonly scheduleMonthlySpend: MicroUsd | null;
  /** The limit of the token of the request, for the month of its owner. */
  readonly tokenMonthlySpend: MicroUsd | null;
  /** The most that a started hour of all live clusters together may cost. */
  readonly hourlyPrice: MicroUsd | null;
}

/** The caps that limit budgets. */
export type Cap = Exclude<keyof Caps, 'hourlyPrice'>;

export interface Claim {
  readonly id: ClusterId;
  readonly owner: string;
  readonly scheduleId: ScheduleId | null;
  readonly budget: MicroUsd;
  readonly nodes: number;
  /** The size of the subnet that the cluster needs; null: none. */
  readonly subnetBits: SubnetBits | null;
  /** What a started hour of all its nodes costs; absent: not known, as in an entry. */
  readonly hourly?: MicroUsd;
}

export type Decision =
  | { readonly ok: true; readonly next: Ledger }
  | { readonly ok: false; readonly refusal: Refusal }
  | { readonly ok: false; readonly drainedSince: EpochMs }
  | { readonly ok: false; readonly throttled: Throttled }
  /** `tooSmall`: another request for the same cluster has a subnet that this one does not fit in. */
  | { readonly ok: false; readonly subnet: 'noneFree' | 'tooSmall' };

/** All amounts are for an hour. */
export interface Throttled {
  readonly limit: MicroUsd;
  /** What the other live clusters cost. */
  readonly taken: MicroUsd;
  readonly wanted: MicroUsd;
}

/** The cap that refuses a claim; of several, the cap that leaves the smallest budget. */
export interface Refusal {
  readonly cap: Cap;
  readonly claim: Claim;
  readonly limit: MicroUsd;
  /** How much of the cap other clusters take. */
  readonly taken: MicroUsd;
  /** The largest budget that all caps would allow; 0: none. */
  readonly largest: MicroUsd;
  /** The day, week or month of the cap, at whose end the cap starts anew; null: it has none. */
  readonly span: Span | null;
}

/**
 * How long a request may take between its write to the ledger and its write to the record: no
 * launch and no change of a budget takes longer than a minute. The audit leaves younger entries
 * alone.
 */
const IN_FLIGHT = minutes(2);
/** How long monthly spend is kept: 13 months. The caps look at the present month only. */
const SPENT_KEPT = hours(396 * 24);
/**
 * How long after their end days and weeks are kept: the caps look at the present ones only, and the
 * clocks of two functions differ by seconds.
 */
const RECENT_KEPT = hours(24);

/**
 * Enters the budget of a cluster that is about to be launched, and hands out its subnet: the lowest
 * that is free. A repeated request finds its entry. If two requests have the same id but different
 * budgets, the larger budget stays until the record shows which request won. The subnet stays the
 * first's, since either record may win: a request that needs a larger one is refused.
 */
export function reserve(ledger: Ledger, claim: Claim, caps: Caps, now: EpochMs): Decision {
  const { id, owner, scheduleId, budget } = claim;
  const { drainedSince } = ledger;
  // Also where there is an entry: it may be that of a launch which died before it wrote its record.
  if (drainedSince !== null) return { ok: false, drainedSince };
  const before = ledger.open.get(id);
  const isRaise = before === undefined || before.budget < budget;
  const refusal = isRaise ? tightest(ledger, claim, caps, now) : null;
  if (refusal !== null) return { ok: false, refusal };
  const throttled = throttle(ledger, claim, caps);
  if (throttled !== null) return { ok: false, throttled };
  const hourly = dearerPrice(before, claim);
  const subnet = subnetFor(ledger, claim);
  if (subnet === 'noneFree' || subnet === 'tooSmall') return { ok: false, subnet };
  const kept = { ...(subnet !== undefined && { subnet }), ...(hourly !== undefined && { hourly }) };
  if (!isRaise) {
    const entry = { ...before, changedAt: now, ...kept };
    return { ok: true, next: withEntry(ledger, id, entry) };
  }
  const openedAt = before?.openedAt ?? now;
  const createFrom = before?.createFrom ?? nextTurn(ledger, now);
  const times = { openedAt, changedAt: now, createFrom };
  const entry = { owner, scheduleId, budget, ...times, ...kept };
  const recentSince = ledger.recentSince ?? now;
  const next = { ...withEntry(ledger, id, entry), recentSince };
  if (before !== undefined) return { ok: true, next };
  const creates = durationMs(claim.nodes * CREATE_TIME);
  return { ok: true, next: { ...next, createsUntil: plus(createFrom, creates) } };
}

/** Why the claim costs too much an hour beside all others; null: it does not. */
function throttle({ open }: Ledger, claim: Claim, { hourlyPrice: limit }: Caps): Throttled | null {
  const before = open.get(claim.id);
  const wanted = hourlyAtMost(claim);
  if (limit === null || (before !== undefined && hourlyAtMost(before) >= wanted)) return null;
  const others = [...open].filter(([id]) => id !== claim.id).map(([, entry]) => entry);
  const taken = sum(others.map(hourlyAtMost));
  return taken + wanted <= limit ? null : { limit, taken, wanted };
}

/**
 * The clusters that end soonest by their budgets, at most so many. Limits of hours, transfer and jobs
 * may end others before.
 */
export function soonestEnds({ open }: Ledger, most: number): ClusterId[] {
  const endOf = ({ createFrom, budget, hourly = budget }: Entry): number =>
    createFrom + Math.floor(budget / Math.max(1, hourly)) * hours(1);
  const soonest = [...open].toSorted(([, a], [, b]) => endOf(a) - endOf(b));
  return soonest.slice(0, most).map(([id]) => id);
}

const hourlyAtMost = ({ hourly, budget }: Pick<Entry, 'hourly' | 'budget'>): MicroUsd =>
  hourly ?? budget;

/** Of two requests for the same cluster either may win. undefined: of neither it is known. */
function dearerPrice(before: Entry | undefined, { hourly }: Claim): MicroUsd | undefined {
  const known = [before?.hourly, hourly].filter((price) => price !== undefined);
  return known.length === 0 ? undefined : microUsd(Math.max(...known));
}

/** undefined: the claim needs no subnet, and has none. */
function subnetFor(
  { open }: Ledger,
  { id, subnetBits }: Claim,
): Subnet | 'noneFree' | 'tooSmall' | undefined {
  const before = open.get(id)?.subnet;
  if (subnetBits === null) return before;
  if (before !== undefined) {
    return blocksOf(before.bits) < blocksOf(subnetBits) ? 'tooSmall' : before;
  }
  const taken = [...open.values()].flatMap(({ subnet }) => subnet ?? []);
  return lowestFree(taken, subnetBits) ?? 'noneFree';
}

/** Keeps out all launches and higher budgets from now on. */
export const drained = (ledger: Ledger, now: EpochMs): Ledger =>
  ledger.drainedSince === null ? { ...ledger, drainedSince: now } : ledger;

export const undrained = (ledger: Ledger): Ledger =>
  ledger.drainedSince === null ? ledger : { ...ledger, drainedSince: null };

/** The clusters whose launches or changes of budget may be on their way to the record. */
export const underWay = ({ open }: Ledger, now: EpochMs): ClusterId[] =>
  [...open].filter(([, { changedAt }]) => isInFlight(changedAt, now)).map(([id]) => id);

/** When a cluster that is launched at `now` has its turn to create its nodes. */
export const nextTurn = ({ createsUntil }: Ledger, now: EpochMs): EpochMs =>
  latest(now, createsUntil);

/** How many other clusters have an entry that was opened at or after `since`. */
export const openedSince = ({ open }: Ledger, since: EpochMs, { id }: Pick<Claim, 'id'>): number =>
  [...open].filter(([other, { openedAt }]) => other !== id && openedAt >= since).length;

/**
 * Raises the entry of a live cluster to at least `budget`, before its record is changed. `missing`:
 * there is no entry, because the cluster has ended or awaits the audit.
 */
export function raise(
  ledger: Ledger,
  { id, budget }: { readonly id: ClusterId; readonly budget: MicroUsd },
  caps: Caps,
  now: EpochMs,
): Decision | 'missing' {
  const entry = ledger.open.get(id);
  return entry === undefined
    ? 'missing'
    : reserve(ledger, { ...entry, id, budget, nodes: 0, subnetBits: null }, caps, now);
}

/**
 * Sets the entry to the budget that a live cluster's record now has. A lower budget is not taken
 * while a raise may be on its way from the ledger to the record; the audit takes it later.
 */
export function adjust(ledger: Ledger, id: ClusterId, budget: MicroUsd, now: EpochMs): Ledger {
  const entry = ledger.open.get(id);
  if (entry === undefined || entry.budget === budget) return ledger;
  if (budget < entry.budget && isInFlight(entry.changedAt, now)) return ledger;
  return withEntry(ledger, id, { ...entry, budget });
}

/**
 * Removes the entry of a cluster whose record has ended, which frees its subnet, and adds its bill to
 * the spend. A second call changes nothing. If the cluster was the last in the order of creates, and never
 * created a node, the next cluster gets its turn.
 */
export function release(ledger: Ledger, record: EndedRecord): Ledger {
  const entry = ledger.open.get(record.id);
  if (entry === undefined) return ledger;
  const rest = { ...withoutEntry(ledger, record.id), createsUntil: untilWithout(ledger, record) };
  // A late request opened this entry after the cluster's own was released, so the bill is in the
  // spend already. `openedAt` is compared for identity, not for order, because clocks differ by
  // more than some clusters live.
  const isAnother = entry.openedAt !== record.reservedAt;
  if (isAnother) return rest;
  const bills = spentByMonthOf(record, record.endedAt);
  const oldest = monthName(minus(record.endedAt, SPENT_KEPT));
  const [spent, recent] = [new Map(rest.spent), new Map(rest.recent)];
  const recentBills = recentBillsOf(record, bills);
  for (const scope of scopesOf(record)) {
    spent.set(scope, added(spent.get(scope) ?? {}, bills));
    recent.set(scope, added(recent.get(scope) ?? {}, recentBills));
  }
  return {
    ...rest,
    spent: kept(spent, (month) => month >= oldest),
    recent: kept(recent, (name) => isRecent(name, record.endedAt)),
  };
}

/**
 * The cluster's bill in the days and weeks that had not ended long before it: what its nodes cost in
 * each, and all else that is in its bill, in each of them whole.
 */
function recentBillsOf(record: EndedRecord, months: Months): Spans {
  const { endedAt } = record;
  const nodes = billedNodes(record);
  const rest = sum(Object.values(months)) - spend(nodes, endedAt);
  const first = minus(endedAt, RECENT_KEPT);
  const spans = (['day', 'week'] as const).flatMap((period) => [
    spanAt(period, first),
    spanAt(period, endedAt),
  ]);
  const bills = spans.map((span): [string, MicroUsd] => {
    const ofNodes = spendIn(nodes, span, endedAt);
    return [span.name, ofNodes === 0 ? ofNodes : microUsd(ofNodes + rest)];
  });
  return Object.fromEntries(bills.filter(([, bill]) => bill > 0));
}

/** Whether the day or week ended at most RECENT_KEPT before `at`, if at all. */
function isRecent(name: Span['name'], at: EpochMs): boolean {
  const start = epochMs(Date.parse(`${name.slice(-10)}T00:00:00Z`));
  const { end } = spanAt(name.startsWith('w') ? 'week' : 'day', start);
  return end > minus(at, RECENT_KEPT);
}

function untilWithout({ createsUntil, open }: Ledger, { id, nodes }: EndedRecord): EpochMs {
  const { createFrom } = open.get(id) ?? { createFrom: createsUntil };
  const isUnused = nodes.every(({ state }) => state === 'neverCreated');
  const isLast = plus(createFrom, durationMs(nodes.length * CREATE_TIME)) === createsUntil;
  return isUnused && isLast ? createFrom : createsUntil;
}

/** The records of an audit, and the clusters whose records can't be read. */
export interface Audited {
  readonly records: readonly ClusterRecord[];
  readonly unreadable: readonly { readonly id: ClusterId }[];
  /** The clusters of which Linode's list has just shown a Linode. */
  readonly listed: ReadonlySet<ClusterId>;
}

/** A difference between the ledger and the records, which the audit has corrected. */
export interface Drift {
  readonly id: ClusterId;
  readonly kind:
    | 'notReleased'
    | 'withoutRecord'
    | 'otherBudget'
    | 'otherSubnet'
    | 'otherPrice'
    | 'notCounted';
  /** The budget in the ledger before and after the correction. */
  readonly counted: MicroUsd;
  readonly actual: MicroUsd;
}

/**
 * The ledger corrected by the records, except for entries that a request may be changing just now.
 * The records must have been read after the ledger, and must include the record of each cluster in
 * the ledger, if it has one; further records are audited too. An entry stays as it is where the
 * record is unreadable, or where Linodes of the cluster are listed although it has no record: the
 * cluster may live.
 */
export function audit(
  ledger: Ledger,
  { records, unreadable, listed }: Audited,
  now: EpochMs,
): { readonly next: Ledger; readonly drift: readonly Drift[] } {
  const byId = new Map(records.map((record) => [record.id, record]));
  let next = ledger;
  const drift: Drift[] = [];
  const unknown = new Set(unreadable.map(({ id }) => id));
  for (const id of new Set([...ledger.open.keys(), ...byId.keys()])) {
    if (unknown.has(id)) continue;
    const record = byId.get(id);
    if (record === undefined && listed.has(id)) continue;
    const correction = correct(next, id, record, now);
    if (correction === null || correction.next === next) continue;
    const counted = next.open.get(id)?.budget ?? microUsd(0);
    next = correction.next;
    const actual = next.open.get(id)?.budget ?? microUsd(0);
    drift.push({ id, kind: correction.kind, counted, actual });
  }
  return { next, drift };
}

function correct(
  ledger: Ledger,
  id: ClusterId,
  record: ClusterRecord | undefined,
  now: EpochMs,
): { next: Ledger; kind: Drift['kind'] } | null {
  const entry = ledger.open.get(id);
  if (entry === undefined) {
    if (record === undefined || !isLive(record)) return null;
    // The entry gets the record's `reservedAt`: if the cluster ends before the entry is saved,
    // `release` must still count its bill.
    const { owner, scheduleId, budget, createdAt, reservedAt: openedAt } = record;
    const createFrom = record.createFrom ?? openedAt;
    const opened = { owner, scheduleId, budget, openedAt, changedAt: createdAt, createFrom };
    const subnet = record.network && { subnet: record.network.subnet };
    const found = { ...opened, ...subnet, hourly: hourlyOf(record) };
    return { next: withEntry(ledger, id, found), kind: 'notCounted' };
  }
  if (record === undefined) {
    if (isInFlight(entry.changedAt, now)) return null;
    return { next: withoutEntry(ledger, id), kind: 'withoutRecord' };
  }
  if (isLive(record)) {
    const corrected = correctLive(ledger, entry, record, now);
    return corrected.next === ledger ? correctPrice(ledger, entry, record) : corrected;
  }
  if (isInFlight(latest(entry.changedAt, record.endedAt), now)) return null;
  return { next: release(ledger, record), kind: 'notReleased' };
}

/**
 * The record decides about the subnet at once, whatever is under way: no other record of the
 * cluster can be written any more.
 */
function correctLive(
  ledger: Ledger,
  entry: Entry,
  { id, budget, network }: LiveRecord,
  now: EpochMs,
): { next: Ledger; kind: Drift['kind'] } {
  const adjusted = adjust(ledger, id, budget, now);
  if (isSameSubnet(entry.subnet, network?.subnet)) return { next: adjusted, kind: 'otherBudget' };
  const { subnet: _, ...rest } = adjusted.open.get(id) ?? entry;
  const corrected = { ...rest, ...(network && { subnet: network.subnet }) };
  return { next: withEntry(adjusted, id, corrected), kind: 'otherSubnet' };
}

/**
 * Fills in a price that the entry lacks, and takes a higher one, as of nodes that somebody has
 * resized. A lower one, as of nodes that did not come up, is not taken: it would only change often.
 */
function correctPrice(
  ledger: Ledger,
  entry: Entry,
  record: LiveRecord,
): { next: Ledger; kind: Drift['kind'] } {
  const hourly = hourlyOf(record);
  const isCounted = entry.hourly !== undefined && entry.hourly >= hourly;
  const next = isCounted ? ledger : withEntry(ledger, record.id, { ...entry, hourly });
  return { next, kind: 'otherPrice' };
}

/**
 * Of the caps that refuse the claim, the cap that leaves the smallest budget, and of several such
 * caps the one that does so for longest; null: none refuses.
 */
function tightest(ledger: Ledger, claim: Claim, caps: Caps, now: EpochMs): Refusal | null {
  const already = ledger.open.get(claim.id)?.budget ?? 0;
  const refusals = takenByOthers(ledger, claim, now).flatMap(({ cap, span, taken }): Refusal[] => {
    const limit = caps[cap];
    if (limit === null || taken + claim.budget <= limit) return [];
    const largest = microUsd(Math.max(already, limit - taken));
    return [{ cap, claim, limit, taken, largest, span }];
  });
  const end = ({ span }: Refusal) => span?.end ?? FAR_FUTURE;
  return refusals.toSorted((a, b) => a.largest - b.largest || end(b) - end(a))[0] ?? null;
}

/** How much other clusters take of each cap that applies to the claim. */
function takenByOthers(ledger: Ledger, claim: Claim, now: EpochMs): Taken[] {
  const { id, owner, scheduleId } = claim;
  const otherEntries = [...ledger.open].filter(([other]) => other !== id).map(([, entry]) => entry);
  const openOf = (isCounted: (entry: Entry) => boolean) =>
    sum(otherEntries.filter(isCounted).map(({ budget }) => budget));
  const committed = (cap: Cap, period: Period, scope: Scope, open: MicroUsd): Taken => {
    const span = spanAt(period, now);
    return { cap, span, taken: sum([open, spentIn(ledger, scope, period, now)]) };
  };
  const openOfOwner = openOf((entry) => entry.owner === owner);
  const ofOwner = `owner:${owner}` as const;
  const taken: Taken[] = [
    { cap: 'openBudget', span: null, taken: openOf(() => true) },
    { cap: 'ownerOpenBudget', span: null, taken: openOfOwner },
    committed('ownerDailySpend', 'day', ofOwner, openOfOwner),
    committed('ownerWeeklySpend', 'week', ofOwner, openOfOwner),
    committed('ownerMonthlySpend', 'month', ofOwner, openOfOwner),
    committed('tokenMonthlySpend', 'month', ofOwner, openOfOwner),
  ];
  if (scheduleId === null) return taken;
  const openOfSchedule = openOf((entry) => entry.scheduleId === scheduleId);
  const ofSchedule = `schedule:${scheduleId}` as const;
  return [
    ...taken,
    committed('scheduleDailySpend', 'day', ofSchedule, openOfSchedule),
    committed('scheduleWeeklySpend', 'week', ofSchedule, openOfSchedule),
    committed('scheduleMonthlySpend', 'month', ofSchedule, openOfSchedule),
  ];
}

interface Taken {
  readonly cap: Cap;
  readonly span: Span | null;
  readonly taken: MicroUsd;
}

/** What the ended clusters of an owner or a schedule count in the present day, week or month. */
function spentIn(ledger: Ledger, scope: Scope, period: Period, now: EpochMs): MicroUsd {
  const { name, start } = spanAt(period, now);
  const months = ledger.spent.get(scope) ?? {};
  if (period === 'month') return months[name] ?? microUsd(0);
  if ((ledger.recentSince ?? now) <= start) return ledger.recent.get(scope)?.[name] ?? microUsd(0);
  const touched = new Set([monthName(start), monthName(now)]);
  return sum([...touched].map((month) => months[month] ?? microUsd(0)));
}

/** How far an owner's day, week or month is used. */
export interface Standing {
  readonly period: Period;
  readonly span: Span;
  /** null: no cap. */
  readonly cap: MicroUsd | null;
  /** The bills of ended clusters. */
  readonly spent: MicroUsd;
  /** The budgets of live clusters. */
  readonly open: MicroUsd;
}

export function standingsOf(
  ledger: Ledger,
  owner: string,
  caps: PeriodCaps,
  now: EpochMs,
): Standing[] {
  const theirs = [...ledger.open.values()].filter((entry) => entry.owner === owner);
  const open = sum(theirs.map(({ budget }) => budget));
  return PERIODS.map((period) => {
    const spent = spentIn(ledger, `owner:${owner}`, period, now);
    return { period, span: spanAt(period, now), cap: caps[period], spent, open };
  });
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

function added(before: Spans, bills: Spans): Spans {
  const sums = { ...before };
  for (const [name, bill] of Object.entries(bills)) {
    sums[name] = sum([sums[name] ?? microUsd(0), bill]);
  }
  return sums;
}

function kept(
  spent: ReadonlyMap<Scope, Spans>,
  isKept: (name: string) => boolean,
): ReadonlyMap<Scope, Spans> {
  const left = [...spent].map(([scope, bills]) => {
    const recent = Object.entries(bills).filter(([name]) => isKept(name));
    return [scope, Object.fromEntries(recent)] as const;
  });
  return new Map(left.filter(([, bills]) => Object.keys(bills).length > 0));
}
