import { type DurationMs, type EpochMs, hours, minus, plus } from '../core/base/units.ts';
import { isMonthName, type MonthName, monthName, monthNamed } from '../core/billing/bill.ts';
import { added, type MonthTotals, NOTHING, totalsOf } from '../core/cluster/month-totals.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore } from '../ports.ts';
import { ADMIN, ownerSeen } from './read-clusters.ts';

export interface ReportDeps {
  readonly clock: Clock;
  readonly store: Pick<ClusterStore, 'livedIn'>;
  /** For how long after their end records are kept. */
  readonly endedKept: DurationMs;
}

export interface ReportQuery {
  /** As it was asked for; null: the month that it is. */
  readonly month: string | null;
  /** That one's alone, for the admin to ask. */
  readonly owner: string | null;
}

export interface Report {
  readonly month: MonthName;
  /** Live clusters are counted up to then. */
  readonly at: EpochMs;
  readonly total: MonthTotals;
  /** Whom the month was billed to, dearest first; null: not for the admin to see. */
  readonly byOwner: readonly OwnerTotals[] | null;
}

export interface OwnerTotals extends MonthTotals {
  readonly owner: string;
}

/**
 * Linode's clock says in which month a node was created, ours in which its cluster was launched;
 * this is far more than they differ by.
 */
const CLOCKS_APART_MAX = hours(1);

/** What a month bears of the clusters that `owner` sees, also of those launched before it. */
export async function report(
  { clock, store, endedKept }: ReportDeps,
  owner: string,
  { month: asked, owner: askedOwner }: ReportQuery,
): Promise<Report> {
  const at = clock.now();
  const month = asked ?? monthName(at);
  assertReportable(month, minus(at, endedKept));
  const { start: from, end } = monthNamed(month);
  const to = plus(end, CLOCKS_APART_MAX);
  const totals = new Map<string, MonthTotals>();
  for await (const record of store.livedIn({ owner: ownerSeen(owner, askedOwner), from, to })) {
    const share = totalsOf(record, month, at);
    if (share === NOTHING) continue;
    totals.set(record.owner, added(totals.get(record.owner) ?? NOTHING, share));
  }
  const byOwner = [...totals].map(([name, theirs]) => ({ owner: name, ...theirs }));
  return {
    month,
    at,
    total: byOwner.reduce<MonthTotals>(added, NOTHING),
    byOwner: owner === ADMIN ? byOwner.toSorted(dearestFirst) : null,
  };
}

const dearestFirst = (one: OwnerTotals, other: OwnerTotals) =>
  other.billed - one.billed || (one.owner < other.owner ? -1 : 1);

/** A month whose records are partly gone would be told too cheap. */
function assertReportable(month: string, kept: EpochMs): void {
  if (!isMonthName(month)) throw badMonth('must be a month such as 2026-11');
  if (monthNamed(month).start >= kept) return;
  const first = monthName(monthNamed(monthName(kept)).end);
  throw badMonth(`must be ${first} or later: older records are not kept`);
}

const badMonth = (message: string) =>
  new AppError('invalid', 'There is no report for that month.', {
    faults: [{ path: 'month', message }],
  });
