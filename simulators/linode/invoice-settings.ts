/**
 * How invoices are made. The defaults are what Linode's documentation says; where it says nothing,
 * one of the readings (docs/linode.md#invoices).
 */
export interface InvoiceSettings {
  /** Whether an hour across a month's end is billed in the month of its start, or in both. */
  readonly monthEndHour: 'once' | 'both';
  /** Whether the amount of each item is rounded to whole cents. */
  readonly cents: boolean;
  readonly labelForm: LabelForm;
  /** Whether unit prices have a comma, as some locales write decimals. */
  readonly decimalComma: boolean;
  readonly taxPercent: number;
  /** What the invoice bills otherwise than it should, of Linodes whose labels match. */
  readonly differences: readonly InvoiceDifference[];
  /** Items beside those of the account's Linodes. */
  readonly extraItems: readonly ExtraItem[];
  /** How many GB the account has used beyond its pool in a month, beside what its Linodes send. */
  readonly overageGb: number;
}

/** `labels`: a regular expression. */
export type InvoiceDifference = { readonly labels: string } & (
  | { readonly kind: 'price'; readonly factor: number }
  | { readonly kind: 'backups' }
  | { readonly kind: 'hours'; readonly hours: number }
  | { readonly kind: 'missing' }
);

export interface ExtraItem {
  readonly label: string;
  readonly quantity: number;
  /** US dollars. */
  readonly unitPrice: number;
}

export const labelForms = [
  'console',
  'idOnly',
  'underscores',
  'dots',
  'truncated',
  'nameOnly',
  'shouted',
  'nameFirst',
] as const;
export type LabelForm = (typeof labelForms)[number];

export const defaultInvoices: InvoiceSettings = {
  monthEndHour: 'once',
  cents: false,
  labelForm: 'console',
  decimalComma: false,
  taxPercent: 0,
  differences: [],
  extraItems: [],
  overageGb: 0,
};
