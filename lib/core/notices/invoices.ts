import type { ClusterId } from '../base/names.ts';
import { type EpochMs, toIso } from '../base/units.ts';
import type { MonthName } from '../billing/bill.ts';
import { type Difference, type DifferenceKind, signed, wordsOf } from '../invoices/differences.ts';

/**
 * A message to people that an invoice differs from the records: one for each owner, month and kind
 * of difference, sent at most once for each invoice, cluster and kind.
 */
export interface InvoiceNotice {
  readonly kind: 'invoiceDiffers';
  readonly owner: string;
  readonly stage: string;
  readonly at: EpochMs;
  readonly month: MonthName;
  /** The newest invoice that bills the month. */
  readonly invoiceId: number;
  readonly difference: Difference;
  /** The clusters that differ, with the share of each; empty: the items belong to none. */
  readonly clusters: readonly { readonly id: ClusterId; readonly difference: Difference }[];
  /** The labels of some of the items that belong to no cluster. */
  readonly labels: readonly string[];
  /** The only cluster; null: there are several, or none. */
  readonly clusterId: ClusterId | null;
}

const NAMED_MAX = 10;

const TITLES: Readonly<Record<DifferenceKind, string>> = {
  monthEnd: "the hour across the month's end",
  price: 'another price',
  backups: 'backups',
  transfer: 'transfer',
  notInvoiced: 'nodes without an item',
  unknownLinode: 'unknown Linodes',
  billedOn: 'nodes that were gone',
  rounding: 'rounding',
  hours: 'other hours',
};

export function textsOfInvoice(notice: InvoiceNotice) {
  const { stage, month, invoiceId, difference, clusters, labels, owner } = notice;
  const { text: what, advice } = wordsOf(difference);
  const named = clusters
    .slice(0, NAMED_MAX)
    .map(({ id, difference: { amount } }) => `${id} ${signed(amount)}`);
  const more = clusters.length - named.length;
  const where = [
    ...named,
    ...labels.map((label) => `"${label}"`),
    ...(more > 0 ? [`${more} more`] : []),
  ];
  const text =
    `Linode's invoice ${invoiceId} differs from the records for ${month}. ${what} ` +
    `${where.join(', ')}. ${advice} GET /report?month=${month} has all of it.`;
  return {
    subject: `Onebuck ${stage}: invoice ${invoiceId} has ${TITLES[difference.kind]}`,
    text,
    json: {
      // A notice that is delivered twice has the same id both times.
      id: `invoice/${invoiceId}/${month}/${difference.kind}/${owner}`,
      text,
      kind: notice.kind,
      at: toIso(notice.at),
      stage,
      owner,
      month,
      invoiceId,
      difference: difference.kind,
      differenceUsd: difference.amount / 1e6,
      advice,
      clusters: clusters.map(({ id, difference: { amount } }) => ({
        clusterId: id,
        differenceUsd: amount / 1e6,
      })),
      labels,
    },
  };
}
