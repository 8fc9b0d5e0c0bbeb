import type { BilledCluster } from '../../client/answers.ts';
import type { Sort } from './sort.ts';

export type BillColumn = 'name' | 'ended' | 'hours' | 'billed' | 'invoiced';

/** Ended clusters first to last, and then those that live. */
const LIVE = '9999';

const orders: Readonly<Record<BillColumn, (a: BilledCluster, b: BilledCluster) => number>> = {
  name: (a, b) => compare(a.name ?? a.id, b.name ?? b.id),
  ended: (a, b) => compare(a.endedAt ?? LIVE, b.endedAt ?? LIVE),
  hours: (a, b) => a.nodeHours - b.nodeHours,
  billed: (a, b) => a.billedUsd - b.billedUsd,
  invoiced: (a, b) => (a.invoicedUsd ?? -1) - (b.invoicedUsd ?? -1),
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The clusters of an owner (empty: of all), in the order of the table. */
export function billRows(
  clusters: readonly BilledCluster[],
  owner: string,
  { key, isDown }: Sort<BillColumn>,
): readonly BilledCluster[] {
  const order = orders[key];
  return clusters
    .filter((one) => owner === '' || one.owner === owner)
    .sort((a, b) => (isDown ? -order(a, b) : order(a, b)) || compare(a.id, b.id));
}

/** How many owners a printed page has at most; the others are one row. */
export const OWNERS_PRINTED_MAX = 24;

/** The lines of text that an A4 page has room for below its heading and the figures. */
const LINES_MAX = 52;
/** A kind of difference has its name, its reason and its advice. */
const KIND_LINES = 3;
/** A cluster’s name, size and end may need a second line. */
const CLUSTER_LINES = 2;
/** The heading of a table, and that of its columns. */
const HEADING_LINES = 3;

/** Whether the clusters of a month fit on its printed page, below what is always there. */
export function fitsOnPage(rows: {
  readonly clusters: number;
  readonly owners: number;
  readonly kinds: number;
}): boolean {
  const owners = Math.min(rows.owners, OWNERS_PRINTED_MAX + 1);
  const always = rows.kinds * KIND_LINES + (owners < 2 ? 0 : owners + HEADING_LINES);
  return always + HEADING_LINES + rows.clusters * CLUSTER_LINES <= LINES_MAX;
}
