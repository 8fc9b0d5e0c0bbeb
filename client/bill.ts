import { type Cell, csvLines } from '../lib/core/base/csv.ts';
import type { BilledCluster, Report } from './answers.ts';
import { signedMicro } from './money.ts';
import { plural } from './plural.ts';

/* The bill of a month in the three figures that there are of it: forecast, recorded and invoiced. */

type Kind = BilledCluster['differences'][number]['kind'];

/** What each kind of difference between invoice and record is called. */
export const kindNames = {
  monthEnd: 'Hour across the month’s end',
  price: 'Another price',
  backups: 'Backups',
  transfer: 'Transfer beyond the pool',
  notInvoiced: 'Not on the invoice',
  unknownLinode: 'Linode without a record',
  billedOn: 'Linode of an ended cluster',
  rounding: 'Rounding to the cent',
  hours: 'Other hours',
} as const satisfies Record<Kind, string>;

/** The differences of a kind, of all clusters, or of items that belong to none. */
export interface KindSum {
  readonly kind: Kind;
  readonly usd: number;
  /** How many clusters have one; 0: the items belong to none. */
  readonly clusters: number;
  /** What differs, for the largest of them. */
  readonly text: string;
  readonly advice: string;
}

/**
 * The differences of a month, the largest first, whichever sign it has. Those of clusters add up to
 * what is invoiced for them beyond the record; those that belong to no cluster come on top.
 */
export function differencesByKind(report: Report): readonly KindSum[] {
  const ofClusters = report.byCluster.flatMap(({ differences }) => differences);
  return [...summed(ofClusters, (count) => count), ...summed(report.differences, () => 0)].sort(
    (a, b) => Math.abs(b.usd) - Math.abs(a.usd),
  );
}

type Difference = BilledCluster['differences'][number];

function summed(all: readonly Difference[], clusters: (count: number) => number): KindSum[] {
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const same = all
      .filter((one) => one.kind === kind)
      .sort((a, b) => Math.abs(b.usd) - Math.abs(a.usd));
    const sum = same.reduce((total, { usd }) => total + signedMicro(usd), 0);
    const { text = '', advice = '' } = same[0] ?? {};
    return { kind, usd: sum / 1e6, clusters: clusters(same.length), text, advice };
  });
}

/** How much more is invoiced for the clusters than recorded; null: no invoice covers the month yet. */
export const beyondRecordUsd = ({
  invoicedUsd,
  billedUsd,
}: Pick<Report, 'invoicedUsd' | 'billedUsd'>): number | null =>
  invoicedUsd === null ? null : (signedMicro(invoicedUsd) - signedMicro(billedUsd)) / 1e6;

type Learnt = NonNullable<Report['learnt']>[number];

const READINGS = {
  startMonth: 'once, in the month in which it begins',
  endMonth: 'once, in the month in which it ends',
  bothMonths: 'in both months',
} as const satisfies Record<Learnt['reading'], string>;

/**
 * What the invoices of the month show of an hour across a month's end, whether Onebuck counts it
 * otherwise, and what to set; none for others than the admin.
 */
export const learntSentences = ({ learnt = [] }: Pick<Report, 'learnt'>): string[] =>
  learnt.map((one) => {
    const { reading, seen } = one;
    const nodes = `${plural(seen, 'node')} ${seen === 1 ? 'shows' : 'show'} it`;
    const counted = countedSentence(one, learnt.length === 1);
    return `Linode bills an hour across a month’s end ${READINGS[reading]}: ${nodes}. ${counted}`;
  });

/** `isOnly`: the invoices show no other reading. */
function countedSentence({ reading, setting }: Learnt, isOnly: boolean): string {
  if (setting === reading) return 'Onebuck counts it so, too.';
  if (setting === 'startMonth') {
    return (
      'New clusters count it only in the month in which it begins, so that budgets may be ' +
      'exceeded: set MONTH_END_HOUR to bothMonths.'
    );
  }
  const less = 'Onebuck counts it in both months, so a budget may pay an hour less there';
  return reading === 'startMonth' && isOnly
    ? `${less}. If other months show the same, MONTH_END_HOUR: startMonth has new clusters count it so.`
    : `${less}.`;
}

/** The columns that finance asks for, named as the API names them. */
const COLUMNS = [
  ...['date', 'owner', 'id', 'name', 'type', 'region', 'nodes', 'nodeHours', 'hourlyUsd'],
  ...['billedUsd', 'invoicedUsd', 'invoiceIds'],
] as const;

/**
 * A line for each cluster that was billed in the month, by date: the last day (UTC) of the month on
 * which the cluster lived. The amounts add up to the report's.
 */
export function billCsv(report: Report): readonly string[] {
  const rows = report.byCluster.map((one): readonly Cell[] => [
    ...[lastDayOf(one, report), one.owner, one.id, one.name, one.type, one.region],
    ...[one.nodes, one.nodeHours, one.hourlyUsd, one.billedUsd, one.invoicedUsd],
    one.invoiceIds.join(' '),
  ]);
  return csvLines(
    COLUMNS,
    rows.toSorted((a, b) => (`${a[0]}${a[1]}${a[2]}` < `${b[0]}${b[1]}${b[2]}` ? -1 : 1)),
  );
}

function lastDayOf({ endedAt }: Pick<BilledCluster, 'endedAt'>, { month, at }: Report): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const monthEnd = new Date(Date.UTC(year, number) - 1).toISOString();
  const until = [endedAt ?? at, at, monthEnd].sort()[0] ?? at;
  return until.slice(0, 10);
}
