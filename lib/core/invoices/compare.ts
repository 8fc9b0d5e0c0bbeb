import { type MicroUsd, microUsd, split, sum } from '../base/money.ts';
import type { ClusterId } from '../base/names.ts';
import { type EpochMs, epochMs, hours } from '../base/units.ts';
import { hoursByMonth, type MonthName, monthNamed, spendByMonth } from '../billing/bill.ts';
import { type Price, readAs } from '../billing/price.ts';
import { billedNodes, spentByMonthOf } from '../cluster/bills.ts';
import { type ClusterRecord, type Common, isLive, type NodeRecord } from '../cluster/record.ts';
import { sumOf } from './amount.ts';
import {
  byKind,
  type Difference,
  type DifferenceKind,
  difference,
  type LabelledDifference,
} from './differences.ts';
import type { InvoicedCluster, InvoiceItem, MonthEndEvidence } from './invoice.ts';
import { isOfBackups, isOfManaged, type Known, matchOf } from './match.ts';

/** What a record says of a cluster's hours and transfer in one month. */
export interface RecordedCluster {
  readonly id: ClusterId;
  /** Of nodes that have or had a Linode, by their index; those without an hour in the month too. */
  readonly nodes: readonly RecordedNode[];
  /** What the record counts for transfer in the month. */
  readonly transfer: MicroUsd;
}

export interface RecordedNode {
  readonly index: number;
  /** null: no Linode of the node is known, as its create has no answer. */
  readonly linodeId: number | null;
  /** Started hours; one across a month's end counts as the record's price says. */
  readonly hours: number;
  /** The hours across the month's start that count in the month before alone. */
  readonly hoursBefore: number;
  /** Without backups. */
  readonly cost: number;
  readonly backupsCost: number;
  /** The prices of an hour, as many as Linode has had for the node. */
  readonly prices: readonly Price[];
  readonly backupsPrice: Price | null;
  /** Whether an hour of the node lies across the start of the month, and across its end. */
  readonly crosses: { readonly start: boolean; readonly end: boolean };
}

const HOUR = hours(1);
/** How far Linode may round an item: a cent, in micro-dollars. */
const CENT = 10_000;
const LABELS_MAX = 5;
const LABEL_LENGTH_MAX = 80;

/** The hours of the month by the record; a live cluster counts up to `now`. */
export function recordedIn(record: ClusterRecord, month: MonthName, now: EpochMs): RecordedCluster {
  const at = isLive(record) ? now : record.endedAt;
  const nodes = record.nodes.flatMap((node) => recordedNode(record, node, month, at));
  const ofNodes = nodes.reduce((total, { cost, backupsCost }) => total + cost + backupsCost, 0);
  const transfer = microUsd((spentByMonthOf(record, now)[month] ?? 0) - ofNodes);
  return { id: record.id, nodes, transfer };
}

function recordedNode(
  record: Common,
  node: NodeRecord,
  month: MonthName,
  at: EpochMs,
): RecordedNode[] {
  const billed = billedNodes({ ...record, nodes: [node] });
  const [first] = billed;
  if (first === undefined) return [];
  const plain = withoutBackups(node);
  const bare = plain === node ? billed : billedNodes({ ...record, nodes: [plain] });
  const costOf = (nodes: typeof billed) => spendByMonth(nodes, at)[month] ?? 0;
  const cost = costOf(bare);
  const count = hoursByMonth(billed, at)[month] ?? 0;
  const inBoth = billed.map((one) => ({ ...one, price: readAs(one.price, 'bothMonths') }));
  const until = billed.at(-1)?.billedUntil ?? at;
  const { start, end } = monthNamed(month);
  const isAcross = (instant: EpochMs) =>
    first.billedFrom < instant && instant < until && (instant - first.billedFrom) % HOUR !== 0;
  return [
    {
      index: node.index,
      linodeId: 'linodeId' in node ? node.linodeId : null,
      hours: count,
      hoursBefore: (hoursByMonth(inBoth, at)[month] ?? 0) - count,
      cost,
      backupsCost: costOf(billed) - cost,
      prices: bare.map(({ price }) => price),
      backupsPrice: plain === node ? null : record.bought.backupsPrice,
      crosses: { start: isAcross(start), end: isAcross(end) },
    },
  ];
}

const withoutBackups = (node: NodeRecord): NodeRecord =>
  'backups' in node && node.backups ? { ...node, backups: false } : node;

/** What the records of these clusters know, for `matchOf`. */
export const knownOf = (
  clusters: readonly { readonly id: ClusterId; readonly nodes: readonly RecordedNode[] }[],
  sizes: ReadonlyMap<ClusterId, number>,
  unreadable: ReadonlySet<ClusterId>,
): Known => ({
  linodes: new Map(
    clusters.flatMap(({ id: clusterId, nodes }) =>
      nodes.flatMap(({ index, linodeId }) =>
        linodeId === null ? [] : [[linodeId, { clusterId, index }] as const],
      ),
    ),
  ),
  clusters: sizes,
  unreadable,
});

/** An item with the invoice that it is of. */
export interface BilledItem {
  readonly invoiceId: number;
  readonly item: InvoiceItem;
}

export interface ComparedMonth {
  /** Every cluster that the record or an invoice bills in the month. */
  readonly clusters: ReadonlyMap<ClusterId, InvoicedCluster>;
  /**
   * Of items that belong to no cluster of the month: unknown Linodes, nodes of clusters that had ended
   * before, and transfer that no record counts.
   */
  readonly differences: readonly LabelledDifference[];
  readonly evidence: MonthEndEvidence;
  /** How many items are of clusters whose records can't be read. */
  readonly unreadable: number;
}

/**
 * Compares all items of a month with all records of it. Linode bills transfer for the pool of the
 * whole account: of what it bills, each cluster has what its record counts, or if that is more in
 * all, its share of it; the rest is the account's. The sum of all differences is the sum of
 * the items, without those of strangers and of unreadable records, less that of the records.
 * `known` has the clusters of `recorded`, and may have others, which did not live in the month.
 * `nearby` are the items of the months before and after, as far as they are known: a node that is
 * billed there may lack an item here because Linode bills an hour across the month's end only once.
 */
export function compareMonth(
  recorded: readonly RecordedCluster[],
  items: readonly BilledItem[],
  known: Known,
  nearby: readonly InvoiceItem[],
): ComparedMonth {
  const billedNearby = new Set(
    nearby.flatMap(({ label }) => {
      const match = matchOf(label, known);
      return match.kind === 'node' ? [keyOf(match)] : [];
    }),
  );
  const byCluster = new Map<ClusterId, { index: number | null; billed: BilledItem }[]>();
  const apart: Record<'unknown' | 'transfer' | 'billedOn', BilledItem[]> = {
    ...{ unknown: [], transfer: [], billedOn: [] },
  };
  const nodesOf = new Map(recorded.map(({ id, nodes }) => [id, nodes]));
  let unreadable = 0;
  for (const billed of items) {
    const match = matchOf(billed.item.label, known);
    if (match.kind === 'unreadable') unreadable += 1;
    if (match.kind === 'unknown' || match.kind === 'transfer') apart[match.kind].push(billed);
    if (match.kind !== 'node') continue;
    const { clusterId, index } = match;
    const nodes = nodesOf.get(clusterId);
    if (nodes === undefined) {
      apart.billedOn.push(billed);
      continue;
    }
    // By the record, a node of that index never had a Linode.
    if (nodes.length === 0 || (index !== null && !nodes.some((node) => node.index === index))) {
      apart.unknown.push(billed);
      continue;
    }
    const theirs = byCluster.get(clusterId) ?? [];
    theirs.push({ index, billed });
    byCluster.set(clusterId, theirs);
  }
  const evidence = { startMonth: 0, endMonth: 0, bothMonths: 0 };
  const clusters = new Map<ClusterId, InvoicedCluster>();
  const counted = recorded.filter(
    ({ id, nodes }) => byCluster.has(id) || nodes.some(({ hours: count }) => count > 0),
  );
  const transfer = splitTransfer(
    counted.map((cluster) => cluster.transfer),
    apart.transfer,
  );
  for (const [position, cluster] of counted.entries()) {
    const isNearby = (index: number) => billedNearby.has(keyOf({ clusterId: cluster.id, index }));
    const share = transfer.shares[position] ?? NO_SHARE;
    const compared = compareCluster(cluster, byCluster.get(cluster.id) ?? [], share, isNearby);
    clusters.set(cluster.id, compared.invoiced);
    for (const reading of compared.readings) evidence[reading] += 1;
  }
  const totalOf = (billed: readonly BilledItem[]) => sumOf(billed.map(({ item }) => item.amount));
  const differences = [
    ...labelled(transfer.kind, transfer.rest, apart.transfer),
    ...labelled('unknownLinode', totalOf(apart.unknown), apart.unknown),
    ...labelled('billedOn', totalOf(apart.billedOn), apart.billedOn),
  ];
  return { clusters, differences, evidence, unreadable };
}

/** What a cluster has of the items for the transfer of the whole account. */
interface TransferShare {
  readonly amount: number;
  readonly tax: number;
  /** The invoices of the items. */
  readonly invoiceIds: readonly number[];
}

const NO_SHARE: TransferShare = { amount: 0, tax: 0, invoiceIds: [] };

/** The shares of the clusters whose records count this much, and what no record counts. */
function splitTransfer(
  recorded: readonly MicroUsd[],
  billed: readonly BilledItem[],
): { shares: TransferShare[]; rest: number; kind: DifferenceKind } {
  const items = billed.map(({ item }) => item);
  const all = sumOf(items.map((item) => item.amount));
  const tax = sumOf(items.map((item) => item.tax));
  const whole = microUsd(Math.max(all, sum(recorded)));
  const amounts = split(microUsd(Math.max(0, all)), recorded, whole);
  const taxes = split(microUsd(Math.max(0, tax)), recorded, whole);
  const invoiceIds = billed.map(({ invoiceId }) => invoiceId);
  const shares = amounts.map((part, position) =>
    part === 0 ? NO_SHARE : { amount: part, tax: taxes[position] ?? 0, invoiceIds },
  );
  const rest = all - sum(amounts);
  return { shares, rest, kind: Math.abs(rest) < roundedBy(items) ? 'rounding' : 'transfer' };
}

function labelled(
  kind: DifferenceKind,
  more: number,
  billed: readonly BilledItem[],
): LabelledDifference[] {
  const labels = billed
    .slice(0, LABELS_MAX)
    .map(({ item }) => item.label.slice(0, LABEL_LENGTH_MAX));
  return difference(kind, more, billed.length).map((one) => ({ ...one, labels }));
}

function compareCluster(
  { nodes, transfer }: RecordedCluster,
  theirs: readonly { readonly index: number | null; readonly billed: BilledItem }[],
  share: TransferShare,
  isBilledNearby: (index: number) => boolean,
): { invoiced: InvoicedCluster; readings: (keyof MonthEndEvidence)[] } {
  const byNode = itemsByNode(nodes, theirs);
  const differences: Difference[] = difference('transfer', share.amount - transfer);
  const readings: (keyof MonthEndEvidence)[] = [];
  for (const node of nodes) {
    const items = byNode.get(node.index) ?? [];
    const isOnlyAcross = items.length === 0 && isAcross(node) && isBilledNearby(node.index);
    differences.push(
      ...(isOnlyAcross
        ? difference('monthEnd', -node.cost - node.backupsCost)
        : differencesOf(node, items)),
    );
    const reading = isOnlyAcross ? readingWithoutItem(node) : readingOf(node, items);
    if (reading !== null) readings.push(reading);
  }
  const items = theirs.map(({ billed }) => billed);
  const ids = new Set([...items.map(({ invoiceId }) => invoiceId), ...share.invoiceIds]);
  const invoiced: InvoicedCluster = {
    recorded: sumOf([...nodes.map(({ cost, backupsCost }) => cost + backupsCost), transfer]),
    invoiced: sumOf([...items.map(({ item }) => item.amount), share.amount]),
    tax: sumOf([...items.map(({ item }) => item.tax), share.tax]),
    differences: byKind(differences),
    invoiceIds: [...ids].toSorted((a, b) => a - b),
  };
  return { invoiced, readings };
}

/** An item that names only the cluster is the first node's that has none; at last the first's. */
function itemsByNode(
  nodes: readonly RecordedNode[],
  theirs: readonly { readonly index: number | null; readonly billed: BilledItem }[],
): Map<number, InvoiceItem[]> {
  const byNode = new Map<number, InvoiceItem[]>();
  const add = (index: number, item: InvoiceItem) =>
    byNode.set(index, [...(byNode.get(index) ?? []), item]);
  for (const { index, billed } of theirs) if (index !== null) add(index, billed.item);
  for (const { index, billed } of theirs) {
    if (index !== null) continue;
    const free = nodes.find((node) => node.hours > 0 && !byNode.has(node.index)) ?? nodes[0];
    if (free !== undefined) add(free.index, billed.item);
  }
  return byNode;
}

const keyOf = ({ clusterId, index }: { clusterId: ClusterId; index: number | null }): string =>
  `${clusterId}/${index}`;

/** Whether each hour of the node in the month lies across the month's start or end. */
const isAcross = ({ hours: count, crosses: { start, end } }: RecordedNode): boolean =>
  count > 0 && count <= Number(start) + Number(end);

/** The month has no item, as Linode bills the hour in the other month. */
const readingWithoutItem = ({ crosses: { start, end } }: RecordedNode) =>
  start === end ? null : start ? 'startMonth' : 'endMonth';

function differencesOf(node: RecordedNode, items: readonly InvoiceItem[]): Difference[] {
  const backups = items.filter(({ label }) => isOfBackups(label));
  const managed = items.filter(({ label }) => isOfManaged(label) && !isOfBackups(label));
  const main = items.filter((item) => !backups.includes(item) && !managed.includes(item));
  if (items.length === 0) return difference('notInvoiced', -node.cost - node.backupsCost);
  return [
    ...(main.length === 0
      ? difference('notInvoiced', -node.cost)
      : explained(node, main, { cost: node.cost, prices: node.prices, otherwise: 'price' })),
    ...backupsDifferences(node, backups),
    ...difference('price', sumOf(managed.map((item) => item.amount))),
  ];
}

function backupsDifferences(node: RecordedNode, items: readonly InvoiceItem[]): Difference[] {
  const { backupsCost: cost, backupsPrice: price } = node;
  if (items.length === 0 || price === null) {
    return difference('backups', sumOf(items.map((item) => item.amount)) - cost);
  }
  return explained(node, items, { cost, prices: [price], otherwise: 'backups' });
}

interface Expected {
  readonly cost: number;
  readonly prices: readonly Price[];
  /** The kind of what neither hours nor rounding explain. */
  readonly otherwise: DifferenceKind;
}

/** Splits the difference into that of hours, at the recorded price, and the rest. */
function explained(
  { hours: recordedHours, hoursBefore, crosses }: RecordedNode,
  items: readonly InvoiceItem[],
  { cost, prices, otherwise }: Expected,
): Difference[] {
  const more = quantityOf(items, recordedHours) - recordedHours;
  const [price] = prices.slice(-1);
  const moved = price === undefined || more === 0 ? 0 : costMoved(price, recordedHours, more, cost);
  const across = Number(crosses.start) + Number(crosses.end);
  const isMonthEnd = more < 0 ? more >= -across : more <= hoursBefore;
  const rest = sumOf(items.map((item) => item.amount)) - cost - moved;
  return [
    ...difference(isMonthEnd ? 'monthEnd' : 'hours', moved),
    ...difference(isRounding(rest, items, prices) ? 'rounding' : otherwise, rest),
  ];
}

/** What the hours more, or less, cost: with a monthly price, perhaps nothing. */
function costMoved({ hourly, monthly }: Price, count: number, more: number, cost: number): number {
  if (monthly === null || cost !== Math.min(count * hourly, monthly)) return more * hourly;
  return Math.min((count + more) * hourly, monthly) - cost;
}

/** The hours of the items; `otherwise` if an item does not say. */
function quantityOf(items: readonly InvoiceItem[], otherwise: number): number {
  if (items.some(({ quantity }) => quantity === null)) return otherwise;
  return items.reduce((total, { quantity }) => total + (quantity ?? 0), 0);
}

/** Whether the rest is no more than rounding, at our price. */
function isRounding(
  rest: number,
  items: readonly InvoiceItem[],
  prices: readonly Price[],
): boolean {
  const isOurs = ({ unitPrice }: InvoiceItem) =>
    unitPrice === null || prices.some((price) => isOf(unitPrice, price));
  return items.every(isOurs) && Math.abs(rest) < roundedBy(items);
}

/**
 * Rounding changes the sum of the items by less than this: a cent for each item in whole cents, a
 * micro-dollar for each with decimals beyond the sixth.
 */
function roundedBy(items: readonly InvoiceItem[]): number {
  const inCents = items.filter((item) => item.amount % CENT === 0).length;
  const finer = items.filter(({ isExact }) => !isExact).length;
  return inCents * CENT + finer + (finer > 0 ? 1 : 0);
}

const isOf = (unitPrice: number, { hourly, monthly }: Price): boolean =>
  unitPrice === hourly || unitPrice === monthly;

/** What the node shows of the hour across a month's end; null: nothing. */
function readingOf(
  node: RecordedNode,
  items: readonly InvoiceItem[],
): keyof MonthEndEvidence | null {
  const main = items.filter(({ label }) => !isOfBackups(label) && !isOfManaged(label));
  const { start, end } = node.crosses;
  if (start === end || main.length === 0 || main.some(({ quantity }) => quantity === null)) {
    return null;
  }
  const less = node.hours + node.hoursBefore - quantityOf(main, node.hours);
  if (start && less === 1) return 'startMonth';
  if (start && less === 0) return 'bothMonths';
  return end && less === 1 ? 'endMonth' : null;
}

/** The instant from which an invoice of this date bills all of the month. */
export const coveredFrom = (month: MonthName): EpochMs => epochMs(monthNamed(month).end);
