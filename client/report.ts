import type { Report } from './answers.ts';
import type { Api } from './api.ts';
import { plusUsd } from './money.ts';

/** A server whose parts never end must not hold the client for ever. */
const PARTS_MAX = 1_000;

/** The whole report on a month (UTC, such as 2026-11), by default the current one. */
export async function getReport(api: Api, month?: string): Promise<Report> {
  let whole = await api.json<Report>('/report', { query: { month } });
  for (let part = 1; part < PARTS_MAX && whole.nextCursor !== undefined; part += 1) {
    const query = { month: whole.month, cursor: whole.nextCursor };
    whole = sumOf(whole, await api.json<Report>('/report', { query }));
  }
  return whole;
}

type Totals = Pick<Report, 'clusters' | 'nodeHours' | 'billedUsd' | 'savedUsd' | 'overspentUsd'>;

/** The report on two parts; its cursor is that of the second part. */
function sumOf(one: Report, other: Report): Report {
  const unreadable = [...(one.unreadable ?? []), ...(other.unreadable ?? [])];
  return {
    ...other,
    ...plusTotals(one, other),
    ...(one.owners && { owners: plusOwners(one.owners, other.owners ?? []) }),
    forecastUsd: plusUnlessNull(one.forecastUsd, other.forecastUsd),
    invoicedUsd: plusUnlessNull(one.invoicedUsd, other.invoicedUsd),
    taxUsd: plusUnlessNull(one.taxUsd, other.taxUsd),
    byCluster: [...one.byCluster, ...other.byCluster],
    // The first part has what belongs to no cluster.
    differences: one.differences,
    ...(one.learnt && { learnt: one.learnt }),
    ...(unreadable.length > 0 && { unreadable }),
  };
}

const plusTotals = (one: Totals, other: Totals): Totals => ({
  clusters: one.clusters + other.clusters,
  nodeHours: one.nodeHours + other.nodeHours,
  billedUsd: plusUsd(one.billedUsd, other.billedUsd),
  savedUsd: plusUsd(one.savedUsd, other.savedUsd),
  overspentUsd: plusUsd(one.overspentUsd, other.overspentUsd),
});

/** null: the sum is not known, as one of the two is not. Credits may make an amount negative. */
const plusUnlessNull = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : (Math.round(one * 1e6) + Math.round(other * 1e6)) / 1e6;

type Owners = NonNullable<Report['owners']>;

/** The totals of each owner, the highest bill first. */
function plusOwners(one: Owners, other: Owners): Owners {
  const byOwner = new Map(one.map((totals) => [totals.owner, totals]));
  for (const totals of other) {
    const known = byOwner.get(totals.owner);
    const sum = known === undefined ? totals : { ...totals, ...plusTotals(known, totals) };
    byOwner.set(totals.owner, sum);
  }
  return [...byOwner.values()].sort((a, b) => b.billedUsd - a.billedUsd);
}
