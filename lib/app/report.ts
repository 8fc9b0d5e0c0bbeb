import { type MicroUsd, microUsd } from '../core/base/money.ts';
import { ADMIN, type ClusterId } from '../core/base/names.ts';
import { type DurationMs, type EpochMs, hours, minus, plus } from '../core/base/units.ts';
import { isMonthName, type MonthName, monthName, monthNamed } from '../core/billing/bill.ts';
import { newNodePrice } from '../core/cluster/kinds.ts';
import { added, type MonthTotals, NOTHING, totalsOf } from '../core/cluster/month-totals.ts';
import type { ClusterRecord } from '../core/cluster/record.ts';
import type { InvoicedCluster, InvoicedMonth } from '../core/invoices/invoice.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, InvoiceStore } from '../ports.ts';
import { ownerSeen } from './read-clusters.ts';

export interface ReportDeps {
  readonly clock: Clock;
  readonly store: Pick<ClusterStore, 'livedIn'>;
  readonly invoices: Pick<InvoiceStore, 'month' | 'clusters'>;
  /** How long records are kept after their clusters' end. */
  readonly endedKept: DurationMs;
}

export interface ReportQuery {
  /** The month that the client asks for; null: the present month. */
  readonly month: string | null;
  /**
   * Only the clusters of this owner; null: all that the caller sees. Only the admin may name
   * another owner.
   */
  readonly owner: string | null;
  /** The `nextCursor` of the part before; null: the first part. */
  readonly cursor: string | null;
}

export interface Report {
  readonly month: MonthName;
  /** The bill of live clusters is counted up to this instant. */
  readonly at: EpochMs;
  readonly total: MonthTotals;
  /** The totals of each owner, the highest bill first; null: the caller is not the admin. */
  readonly byOwner: readonly OwnerTotals[] | null;
  /** The clusters that were billed in the month, newest first. */
  readonly byCluster: readonly ClusterShare[];
  /**
   * What Linode's invoices say of the whole account beside its clusters; null: no invoice bills the
   * whole month, the caller is not the admin or asks for one owner, or this is not the first part.
   */
  readonly account: InvoicedMonth | null;
  /** The clusters that the totals may lack, because their records can't be read. */
  readonly unreadable: readonly ClusterId[];
  /** null: the totals are complete, or this is their last part. */
  readonly nextCursor: string | null;
}

/** A cluster's share of a month. */
export interface ClusterShare {
  readonly record: ClusterRecord;
  readonly nodeHours: number;
  /** Of one node, as the launch bought it. */
  readonly hourly: MicroUsd;
  /** null: an earlier version launched the cluster. */
  readonly forecast: MicroUsd | null;
  readonly billed: MicroUsd;
  /** null: no invoice bills the whole month. */
  readonly invoiced: InvoicedCluster | null;
}

export interface OwnerTotals extends MonthTotals {
  readonly owner: string;
}

/**
 * The most by which Linode's clock and Onebuck's may differ; in truth they differ by much less.
 * Linode's clock decides in which month a node was created, Onebuck's in which its cluster was
 * launched.
 */
export const CLOCKS_APART_MAX = hours(1);

/**
 * The most pages of the store that a part of a report reads, of a megabyte each. A report reads all
 * clusters that were launched before the month's end, and a function has 29 s for its answer.
 */
const PAGES_MAX = 20;
/** An answer of Lambda has at most 6 MB, and a cluster takes about 1 KB of it. */
const ROWS_MAX = 2_500;

/**
 * The totals of a month over the clusters that `owner` sees, including clusters that were launched
 * before the month; of a long history a part, with a cursor for the next part. AppError `invalid`
 * for a month without complete records.
 */
export async function report(
  { clock, store, invoices, endedKept }: ReportDeps,
  owner: string,
  { month: asked, owner: askedOwner, cursor }: ReportQuery,
): Promise<Report> {
  const at = clock.now();
  const month = asked ?? monthName(at);
  assertReportable(month, minus(at, endedKept));
  const { start: from, end } = monthNamed(month);
  const to = plus(end, CLOCKS_APART_MAX);
  const totals = new Map<string, MonthTotals>();
  const byCluster: ClusterShare[] = [];
  const invoiced = await invoices.month(month);
  const unreadable: ClusterId[] = [];
  let nextCursor: string | null = null;
  let pages = 0;
  const query = { owner: ownerSeen(owner, askedOwner), from, to, cursor };
  for await (const page of store.livedIn(query)) {
    unreadable.push(...page.unreadable.map(({ id }) => id));
    const ids = page.records.map(({ id }) => id);
    const found = invoiced === null ? new Map() : await invoices.clusters(ids, month);
    for (const record of page.records) {
      const share = totalsOf(record, month, at);
      // Linode may bill a month in which the record has no hour.
      if (share === NOTHING && !found.has(record.id)) continue;
      totals.set(record.owner, added(totals.get(record.owner) ?? NOTHING, share));
      byCluster.push(shareOf(record, share, month, found.get(record.id) ?? null));
    }
    nextCursor = page.nextCursor;
    pages += 1;
    if (pages === PAGES_MAX || byCluster.length >= ROWS_MAX) break;
  }
  const byOwner = [...totals].map(([name, theirs]) => ({ owner: name, ...theirs }));
  return {
    month,
    at,
    total: byOwner.reduce<MonthTotals>(added, NOTHING),
    byOwner: owner === ADMIN ? byOwner.toSorted(dearestFirst) : null,
    byCluster,
    account: owner === ADMIN && askedOwner === null && cursor === null ? invoiced : null,
    unreadable,
    nextCursor,
  };
}

const shareOf = (
  record: ClusterRecord,
  { nodeHours, billed }: MonthTotals,
  month: MonthName,
  invoiced: InvoicedCluster | null,
): ClusterShare => ({
  record,
  nodeHours,
  hourly: newNodePrice({ bought: record.bought }).hourly,
  // A month that the forecast lacks was to cost nothing.
  forecast: record.forecast === undefined ? null : (record.forecast[month] ?? microUsd(0)),
  billed,
  invoiced,
});

const dearestFirst = (a: OwnerTotals, b: OwnerTotals) =>
  b.billed - a.billed || (a.owner < b.owner ? -1 : 1);

/** Refuses a month whose records are partly deleted: its report would be too low. */
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
