import type { ClusterId } from '../base/names.ts';
import { type EpochMs, epochMs } from '../base/units.ts';
import { type MonthName, monthName } from '../billing/bill.ts';
import type { Amount } from './amount.ts';
import type { Difference, LabelledDifference } from './differences.ts';

/*
 * What Linode's invoices say, and what was found in them: docs/linode.md#invoices. An invoice is
 * compared month by month (UTC), because several invoices may bill one month: at a threshold, on the
 * first of the next, and corrections later.
 */

/** An invoice as the list of invoices shows it. */
export interface Invoice {
  readonly id: number;
  readonly date: EpochMs;
  /** Before taxes. */
  readonly subtotal: Amount;
  readonly tax: Amount;
}

export interface InvoiceItem {
  readonly label: string;
  /** null: the item does not say. */
  readonly quantity: number | null;
  /** null: the item does not say, or not so that it can be understood. */
  readonly unitPrice: Amount | null;
  /** Before taxes. */
  readonly amount: Amount;
  /** Whether the item's amount has no decimals beyond the sixth. */
  readonly isExact: boolean;
  readonly tax: Amount;
  readonly from: EpochMs | null;
}

/** The month that an item bills: that of its beginning, or else the month before the invoice. */
export const monthOfItem = ({ from }: InvoiceItem, { date }: Pick<Invoice, 'date'>): MonthName =>
  monthName(from ?? epochMs(date - 1));

/** What the invoices say of one cluster in one month, against its record. */
export interface InvoicedCluster {
  /** The record's bill for the hours and the transfer of the month. */
  readonly recorded: Amount;
  /** With its share of the items for the transfer of the whole account. */
  readonly invoiced: Amount;
  readonly tax: Amount;
  /** Their sum is `invoiced` less `recorded`. */
  readonly differences: readonly Difference[];
  /** The invoices that have items of the cluster, rising. */
  readonly invoiceIds: readonly number[];
}

/** The same, with the differences of which people were told: the invoice and the kind of each. */
export interface ToldCluster extends InvoicedCluster {
  readonly told: readonly string[];
}

/** What the invoices say of a month beside its clusters. */
export interface InvoicedMonth {
  /** The invoices that bill the month, rising; the last one was made after its end. */
  readonly invoiceIds: readonly number[];
  /** Of items that belong to no cluster of the records. */
  readonly differences: readonly LabelledDifference[];
  readonly evidence: MonthEndEvidence;
  /** The differences of which people were told: the invoice and the kind of each. */
  readonly told: readonly string[];
}

/**
 * How many nodes show in which month Linode bills an hour across a month's end. Onebuck counts it in
 * both, which is the dearer reading, unless MONTH_END_HOUR says otherwise.
 */
export interface MonthEndEvidence {
  readonly startMonth: number;
  readonly endMonth: number;
  readonly bothMonths: number;
}

/** Which invoices were read, and how far. Written whole, over the revision that was read. */
export interface InvoiceBook {
  readonly revision: number;
  /** `denied`: the Linode token lacks the scope for invoices. */
  readonly access: 'unknown' | 'granted' | 'denied';
  readonly invoices: readonly KnownInvoice[];
  /** The months whose items have changed since they were compared. */
  readonly changed: readonly MonthName[];
}

export const EMPTY_BOOK: InvoiceBook = {
  revision: 0,
  access: 'unknown',
  invoices: [],
  changed: [],
};

export interface KnownInvoice extends Invoice {
  /** How many pages of items were read. */
  readonly pagesRead: number;
  /** How many pages there are; null: none was read. */
  readonly pages: number | null;
  /** When the last page was read; null: it was not. */
  readonly readAt: EpochMs | null;
  /** A hash of the items of each page that was read, as often as the invoice was read. */
  readonly hashes: readonly string[];
  /** The months of the items that were read. */
  readonly months: readonly MonthName[];
}

/** A node of a cluster, by the index of its label. */
export interface NodeRef {
  readonly clusterId: ClusterId;
  readonly index: number;
}
