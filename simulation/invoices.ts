import { type ClusterId, clusterOfLabel } from '../lib/core/base/names.ts';
import { epochMs } from '../lib/core/base/units.ts';
import { type MonthName, monthName, monthNamed, spend } from '../lib/core/billing/bill.ts';
import { billedNodes } from '../lib/core/cluster/bills.ts';
import { type ClusterRecord, type EndedRecord, isLive } from '../lib/core/cluster/record.ts';
import type { DifferenceKind } from '../lib/core/invoices/differences.ts';
import type { InvoicedCluster } from '../lib/core/invoices/invoice.ts';
import type { InvoiceDifference } from '../simulators/linode/invoice-settings.ts';
import type { InvoiceItem } from '../simulators/linode/invoices.ts';
import { type InvoicePlan, NO_FAULTS } from './options.ts';
import { HOUR } from './time.ts';
import type { World } from './world.ts';

export interface InvoiceCounts {
  /** How many clusters were invoiced exactly what they had recorded. */
  readonly equal: number;
  /** How many of these lived as forecast, and were forecast exactly that. */
  readonly forecast: number;
  /** The planned difference that was found and named; null: there was none, or nothing to differ. */
  readonly named: InvoicePlan | null;
}

export const NO_INVOICES: InvoiceCounts = { equal: 0, forecast: 0, named: null };

/** The kind by which Onebuck names each planned difference of a cluster. */
const KINDS: Readonly<Partial<Record<InvoicePlan, DifferenceKind>>> = {
  price: 'price',
  backups: 'backups',
  hours: 'hours',
  missing: 'notInvoiced',
  cents: 'rounding',
  monthEnd: 'monthEnd',
  corrected: 'price',
};
/** Plans that strike one cluster; the others strike all, or the account. */
const OF_ONE: readonly InvoicePlan[] = ['price', 'backups', 'hours', 'missing', 'corrected'];

const UNKNOWN = { label: 'onebuck-cunknown222-0', quantity: 9, unitPrice: 0.0075 };
const OTHERS = [
  { label: 'Storage Volume - data (90000001) - 20 GB', quantity: 700, unitPrice: 0.00015 },
  { label: 'NodeBalancer - web (90000002)', quantity: 700, unitPrice: 0.015 },
  { label: 'Linode 4GB - db (7)', quantity: 100, unitPrice: 0.036 },
];
const OVERAGE_GB = 300;

/**
 * At the end of the world Linode makes its invoices, and the function `invoices` reads them. Forecast,
 * record and invoice must be equal for each cluster in `exact`, whose record has exactly the bill,
 * but for the planned difference, which must be found, named and told.
 */
export async function checkInvoices(
  world: World,
  exact: readonly ClusterId[],
): Promise<InvoiceCounts> {
  const { linode, invariants, table } = world;
  const records = invariants.ended.filter((record) => exact.includes(record.id));
  // A tag or a label that somebody changed may have made another Linode the cluster's.
  const comparable = records.filter((record) => areAllIts(world, record));
  if (comparable.length === 0) return NO_INVOICES;
  const chance = world.chance.for('invoice');
  const [first, ...rest] = comparable.map(({ id }) => id);
  const target = chance.oneOf([first as ClusterId, ...rest]);
  const plan = planOf(world);
  linode.update({ invoices: settingsOf(world, plan, target) });
  const date = monthAfter(world.time.now());
  const invoices = linode.invoicesUntil(date);
  await world.reconcileInvoices(date + 6 * HOUR);
  if (plan === 'corrected') {
    linode.correctInvoice(invoices.at(-1)?.id ?? 0, {
      labels: patternOf(world, target),
      factor: 2,
    });
    for (const { id } of invoices.slice(0, -1)) {
      linode.correctInvoice(id, { labels: patternOf(world, target), factor: 2 });
    }
    await world.reconcileInvoices(date + 30 * HOUR);
  }
  const items = linode.invoicesUntil(date).flatMap((invoice) => invoice.items);
  const months = [...new Set(items.map(({ from }) => monthName(epochMs(from))))];
  let [equal, forecast] = [0, 0];
  const found = new Set<string>();
  for (const record of comparable) {
    const invoiced = await invoicedOf(table.invoices, record.id, months);
    const differences = invoiced.flatMap((one) => one.differences);
    // Linode bills transfer for the whole account: the cluster has up to what its record counts.
    const transfer = differences.filter(({ kind }) => kind === 'transfer');
    const less = transfer.reduce((all, { amount }) => all + amount, 0);
    const share = record.spent - spend(billedNodes(record), record.endedAt) + less;
    const kinds = new Set(differences.map(({ kind }) => kind));
    kinds.delete('transfer');
    const isStruck = record.id === target || !OF_ONE.includes(plan);
    const expected = isStruck ? KINDS[plan] : undefined;
    const [sum, recorded] = [total(invoiced, 'invoiced'), total(invoiced, 'recorded')];
    const label = `${record.id}, whose invoice has the plan ${plan}`;
    if (recorded !== record.spent) {
      invariants.report('invoices', `${label}: recorded ${record.spent}, compared ${recorded}`);
    }
    const billed = invoicedBy(world, items, record.id) + share;
    if (sum !== billed) {
      invariants.report('invoices', `${label}: found ${sum} of ${billed} for its Linodes`);
    }
    if (less > 0 || share < 0) {
      invariants.report('invoices', `${label}: has ${share} of transfer, ${less} too much`);
    }
    // A correction strikes the backups of a node, too. Half a cent that is doubled looks rounded.
    const isAlso = (kind: DifferenceKind) => kind === 'backups' || kind === 'rounding';
    const isOther = (kind: DifferenceKind) =>
      kind !== expected && !(expected === 'price' && plan === 'corrected' && isAlso(kind));
    if ([...kinds].some(isOther)) {
      invariants.report('invoices', `${label}: differs by [${[...kinds]}], not ${expected}`);
    }
    for (const kind of kinds) found.add(kind);
    const mustDiffer = OF_ONE.includes(plan) && record.id === target && record.spent > 0;
    if (mustDiffer && kinds.size === 0) invariants.report('invoices', `${label}: nothing differs`);
    if (kinds.size > 0) continue;
    const expectedSum = record.spent + less;
    if (sum !== expectedSum) invariants.report('invoices', `${label}: ${sum}, not ${expectedSum}`);
    equal += 1;
    if (!isAsForecast(world, record)) continue;
    forecast += 1;
    const said = Object.values(record.forecast ?? {}).reduce((all, one) => all + one, 0);
    if (said !== sum - share) {
      invariants.report('invoices', `${label}: forecast ${said}, invoiced ${sum}`);
    }
  }
  if (await checkAccount(world, plan, { items, months })) found.add('transfer');
  const named = checkNamed(world, plan, found);
  return { equal, forecast, named };
}

type Invoices = World['table']['invoices'];

async function invoicedOf(invoices: Invoices, id: ClusterId, months: readonly string[]) {
  const found: InvoicedCluster[] = [];
  for (const month of months) {
    const invoiced = (await invoices.clusters([id], month)).get(id);
    if (invoiced !== undefined) found.push(invoiced);
  }
  return found;
}

const total = (invoiced: readonly InvoicedCluster[], field: 'invoiced' | 'recorded'): number =>
  invoiced.reduce((sum, one) => sum + one[field], 0);

const ofLinode = ({ of }: InvoiceItem): number => Number(/^(\d+)\/\d/.exec(of ?? '')?.[1]);

/** What the invoices bill for the Linodes of the cluster. */
function invoicedBy({ invariants }: World, items: readonly InvoiceItem[], id: ClusterId): number {
  const ids = new Set(invariants.linodesOf(id).map((linode) => linode.id));
  return items
    .filter((item) => ids.has(ofLinode(item)))
    .reduce((sum, { microUsd }) => sum + microUsd, 0);
}

/** Whether the Linodes of the cluster are those of its record, by label too. */
function areAllIts({ invariants }: World, { id, nodes }: EndedRecord): boolean {
  const linodes = invariants.linodesOf(id);
  const known = new Map(
    nodes.flatMap((node) => ('linodeId' in node ? [[node.linodeId, node]] : [])),
  );
  return linodes.length === known.size && linodes.every(({ id: linodeId }) => known.has(linodeId));
}

/** The plan of the options, unless nothing could differ in this way, or faults differ so already. */
function planOf(world: World): InvoicePlan {
  const { options, start, time } = world;
  const { invoice } = options;
  if (invoice === 'backups' && options.backups !== 'none') return 'none';
  const isAcross = monthName(epochMs(start)) !== monthName(epochMs(time.now()));
  if (invoice === 'monthEnd' && !isAcross) return 'none';
  // Few worlds cross a month's end.
  const isTime = isAcross && world.chance.for('invoice of a month end').happens(0.3);
  return isTime && invoice === 'none' ? 'monthEnd' : invoice;
}

/** Matches the labels of the cluster's items, in all forms; of a cluster without Linodes, none. */
const patternOf = ({ invariants }: World, id: ClusterId): string => {
  const ofLinodes = invariants
    .linodesOf(id)
    .map((linode) => `|\\b${linode.id}\\b|_${linode.id}$`)
    .join('');
  return `^onebuck-${id}-\\d+$${ofLinodes}`;
};

function settingsOf(world: World, plan: InvoicePlan, target: ClusterId) {
  const { options } = world;
  const labels = `^onebuck-${target}-`;
  const differences: Partial<Record<InvoicePlan, InvoiceDifference>> = {
    price: { labels, kind: 'price', factor: 1.5 },
    backups: { labels, kind: 'backups' },
    hours: { labels, kind: 'hours', hours: 2 },
    missing: { labels, kind: 'missing' },
  };
  // Without an id, nobody can tell the node of a cluster from a stranger's Linode of its label.
  const needsIds = options.meddling > 0 || plan === 'corrected';
  const planned = differences[plan];
  return {
    monthEndHour: plan === 'monthEnd' ? ('once' as const) : ('both' as const),
    cents: plan === 'cents',
    taxPercent: plan === 'taxes' ? 19 : 0,
    overageGb: plan === 'transfer' ? OVERAGE_GB : 0,
    labelForm:
      needsIds && options.invoiceLabels === 'nameOnly'
        ? ('console' as const)
        : options.invoiceLabels,
    differences: planned === undefined ? [] : [planned],
    extraItems: plan === 'unknown' ? [...OTHERS, UNKNOWN] : OTHERS,
  };
}

/**
 * What belongs to no cluster: nothing is lost, and strangers' items are ignored. The outcome is whether
 * more transfer was billed than the records count.
 */
async function checkAccount(
  world: World,
  plan: InvoicePlan,
  { items, months }: { readonly items: readonly InvoiceItem[]; readonly months: readonly string[] },
): Promise<boolean> {
  const { invariants, table } = world;
  const { labelForm } = world.linode.settings.invoices;
  const found = { transfer: 0, shared: 0, unknownLinode: 0, billedOn: 0 };
  let tax = 0;
  for (const month of months) {
    const { differences = [] } = (await table.invoices.month(month)) ?? {};
    const ofKind = (kind: DifferenceKind) =>
      differences.reduce((all, one) => all + (one.kind === kind ? one.amount : 0), 0);
    const beyond = ofKind('transfer') + ofKind('rounding');
    found.transfer += beyond;
    found.unknownLinode += ofKind('unknownLinode');
    found.billedOn += ofKind('billedOn');
    const ids = invariants.records.map(({ id }) => id);
    for (const one of (await table.invoices.clusters(ids, month)).values()) {
      tax += one.tax;
      found.shared += one.invoiced;
      const isLess = one.differences.some(({ kind }) => kind === 'transfer');
      if (isLess && beyond > 0) {
        invariants.report('invoices', `${month} has ${beyond} of transfer that clusters lack`);
      }
    }
  }
  // A label without an id, or one that is cut, may be of a record that can't be read.
  if (labelForm === 'nameOnly' || !invariants.records.every(world.isReadable)) {
    return found.transfer > 0;
  }
  const recordOf = new Map(
    invariants.records.flatMap((record) =>
      record.nodes.flatMap((node) =>
        'linodeId' in node ? [[node.linodeId, record] as const] : [],
      ),
    ),
  );
  const monthOf = ({ from }: InvoiceItem) => monthName(epochMs(from));
  const clusterOf = (linodeId: number) => clusterOfLabel(world.linode.find(linodeId)?.label ?? '');
  const named = new Set(items.map((item) => `${monthOf(item)} ${clusterOf(ofLinode(item))}`));
  /** Whether a cluster that lived in the month of the item has or had the Linode. */
  const isOfMonth = (linodeId: number, item: InvoiceItem) => {
    const record = recordOf.get(linodeId);
    return record !== undefined && livedIn(record, monthOf(item));
  };
  /** Whether the Linode is known in the month, as its cluster lived in it, or as an item names it. */
  const isKnown = (linodeId: number, item: InvoiceItem) =>
    isOfMonth(linodeId, item) || named.has(`${monthOf(item)} ${recordOf.get(linodeId)?.id}`);
  const sumIf = (
    isIt: (item: InvoiceItem) => boolean,
    field: 'microUsd' | 'taxMicroUsd' = 'microUsd',
  ) => items.filter(isIt).reduce((sum, item) => sum + item[field], 0);
  const hasClearId = ['console', 'truncated', 'idOnly'].includes(labelForm);
  const isUnknown = (item: InvoiceItem) => {
    const id = ofLinode(item);
    const { label = '' } = world.linode.find(id) ?? {};
    const another = Number(/^copy-of-(\d+)/.exec(label)?.[1]);
    // Only the form tells which of two ids is that of the copy.
    if (isKnown(another, item) && !hasClearId) return true;
    if (isOfMonth(id, item) || clusterOfLabel(label) === null || labelForm === 'idOnly')
      return false;
    return !recordOf.has(id) || labelForm === 'truncated';
  };
  const isExtra = ({ label }: InvoiceItem) => label === UNKNOWN.label;
  const isOurs = (item: InvoiceItem) => isOfMonth(ofLinode(item), item) && !isUnknown(item);
  // By its id alone, as under a name that a person gave it, nobody knows a Linode of a cluster that
  // had ended.
  const isBilledOn = (item: InvoiceItem) =>
    isKnown(ofLinode(item), item) &&
    !isOfMonth(ofLinode(item), item) &&
    !isUnknown(item) &&
    labelForm !== 'idOnly';
  const isOverage = ({ label }: InvoiceItem) => label.includes('Overage');
  const expected = {
    ofRecords: sumIf((item) => isOurs(item) || isOverage(item)),
    unknownLinode: sumIf((item) => isExtra(item) || isUnknown(item)),
    billedOn: sumIf(isBilledOn),
  };
  const isFound =
    found.transfer + found.shared === expected.ofRecords && found.billedOn === expected.billedOn;
  if (!isFound || found.unknownLinode !== expected.unknownLinode) {
    const text = `the plan ${plan} has ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
    invariants.report('invoices', text);
  }
  const ofTransfer = tax - sumIf(isOurs, 'taxMicroUsd');
  const most = sumIf(isOverage, 'taxMicroUsd');
  if (ofTransfer < 0 || ofTransfer > most || (found.transfer === 0 && ofTransfer < most)) {
    invariants.report('invoices', `found ${tax} of taxes`);
  }
  return found.transfer > 0;
}

/** null: nothing differs in the planned way. */
function checkNamed(
  world: World,
  plan: InvoicePlan,
  found: ReadonlySet<string>,
): InvoicePlan | null {
  const { invariants, invoiceNotices } = world;
  const kind =
    plan === 'transfer' ? 'transfer' : plan === 'unknown' ? 'unknownLinode' : KINDS[plan];
  if (plan === 'taxes') return plan;
  if (kind === undefined || (kind !== 'unknownLinode' && !found.has(kind))) return null;
  const isTold = invoiceNotices.some(({ difference }) => difference.kind === kind);
  const isNews = !['rounding', 'monthEnd'].includes(kind);
  if (isTold !== isNews) invariants.report('invoices', `the plan ${plan} was told: ${isTold}`);
  return plan;
}

/** Whether the cluster lived up to the teardown time that its quote had, as its quote assumed. */
function isAsForecast(world: World, record: EndedRecord): boolean {
  const { spec, budget, maxHours, endReason, nodes, forecast, createdAt } = record;
  if (Object.keys(world.faults).length > 0 || world.options.priceFactor !== NO_FAULTS.priceFactor) {
    return false;
  }
  const isWhole = nodes.every(({ state }) => state === 'gone');
  const isUnchanged = budget === spec.budget && maxHours === spec.maxHours;
  const isOneMonth =
    Object.keys(forecast ?? {}).length === 1 &&
    monthName(createdAt) === monthName(epochMs(record.endedAt));
  const isLimit = ['budget', 'maxHours'].includes(endReason) && record.endBy === undefined;
  return isLimit && isWhole && isUnchanged && isOneMonth;
}

/** Whether the cluster lived in the month, by clocks that may be an hour apart. */
function livedIn(record: ClusterRecord, month: string): boolean {
  const { start, end } = monthNamed(month as MonthName);
  const { createdAt } = record;
  return createdAt < end + HOUR && (isLive(record) || record.endedAt >= start - HOUR);
}

function monthAfter(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
