import type { ClusterShare, Report } from '../app/report.ts';
import { type MicroUsd, toUsd } from '../core/base/money.ts';
import { toIso } from '../core/base/units.ts';
import type { MonthEndHour } from '../core/billing/price.ts';
import type { MonthTotals } from '../core/cluster/month-totals.ts';
import { isLive } from '../core/cluster/record.ts';
import { sumOf } from '../core/invoices/amount.ts';
import { type Difference, wordsOf } from '../core/invoices/differences.ts';
import type { InvoicedMonth } from '../core/invoices/invoice.ts';
import { renderCursor, renderUnreadable } from './render.ts';

/**
 * A report as the API shows it. `cap`: the most that an owner's month may cost; null: no cap.
 * `monthEndHour`: how new clusters are reckoned. Only a report for the admin has `owners` and
 * `learnt`.
 */
export function renderReport(
  report: Report,
  cap: MicroUsd | null,
  monthEndHour: MonthEndHour = 'bothMonths',
) {
  const { month, at, total, byOwner, byCluster, account, unreadable, nextCursor } = report;
  const owners = byOwner?.map(({ owner, ...theirs }) => ({ owner, ...renderTotals(theirs) }));
  const monthlyCapUsd = cap === null ? null : toUsd(cap);
  const invoiced = byCluster.map((share) => share.invoiced);
  return {
    month,
    at: toIso(at),
    ...renderTotals(total),
    monthlyCapUsd,
    ...(owners && { owners }),
    forecastUsd: sumUnlessNull(byCluster.map(({ forecast }) => forecast)),
    invoicedUsd: sumUnlessNull(invoiced.map((one) => one?.invoiced ?? null)),
    taxUsd: sumUnlessNull(invoiced.map((one) => one?.tax ?? null)),
    byCluster: byCluster.map(renderShare),
    differences: (account?.differences ?? []).map(({ labels, ...difference }) => ({
      ...renderDifference(difference),
      labels: [...labels],
    })),
    ...(account && { learnt: renderLearnt(account, monthEndHour) }),
    ...renderUnreadable(unreadable),
    ...renderCursor(nextCursor),
  };
}

const usdOf = (amount: number): number => amount / 1e6;

/** null: one of the amounts is not known. */
function sumUnlessNull(amounts: readonly (number | null)[]): number | null {
  const known = amounts.filter((amount) => amount !== null);
  return known.length < amounts.length ? null : usdOf(sumOf(known));
}

function renderShare(share: ClusterShare) {
  const { record, nodeHours, hourly, forecast, billed, invoiced } = share;
  return {
    id: record.id,
    name: record.spec.name,
    owner: record.owner,
    launchedAt: toIso(record.createdAt),
    endedAt: isLive(record) ? null : toIso(record.endedAt),
    type: record.bought.type,
    region: record.bought.region,
    nodes: record.nodes.length,
    nodeHours,
    hourlyUsd: toUsd(hourly),
    forecastUsd: forecast === null ? null : toUsd(forecast),
    billedUsd: toUsd(billed),
    invoicedUsd: invoiced === null ? null : usdOf(invoiced.invoiced),
    differenceUsd: invoiced === null ? null : usdOf(invoiced.invoiced - billed),
    differences: (invoiced?.differences ?? []).map(renderDifference),
    invoiceIds: [...(invoiced?.invoiceIds ?? [])],
  };
}

function renderDifference(difference: Difference) {
  const { kind, amount } = difference;
  return { kind, usd: usdOf(amount), ...wordsOf(difference) };
}

function renderLearnt({ evidence, invoiceIds }: InvoicedMonth, setting: MonthEndHour) {
  return (['startMonth', 'endMonth', 'bothMonths'] as const)
    .filter((reading) => evidence[reading] > 0)
    .map((reading) => ({
      rule: 'monthEndHour' as const,
      reading,
      seen: evidence[reading],
      invoiceIds: [...invoiceIds],
      setting,
    }));
}

const renderTotals = (totals: MonthTotals) => ({
  clusters: totals.clusters,
  nodeHours: totals.nodeHours,
  billedUsd: toUsd(totals.billed),
  savedUsd: toUsd(totals.saved),
  overspentUsd: toUsd(totals.overspent),
});
