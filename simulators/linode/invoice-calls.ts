import { notFound } from './api-error.ts';
import type { Call } from './call.ts';
import { pageOf } from './collection.ts';
import type { Invoice, InvoiceItem } from './invoices.ts';
import { type Row, wireTime } from './json.ts';

export function listInvoices(call: Call): string {
  const fields = ['date', 'label', 'total', 'billing_source'];
  return pageOf(call, fields, () => invoicesOf(call).map(wireInvoice));
}

export const listInvoiceItems = (call: Call): string =>
  pageOf(call, [], () => invoiceOf(call).items.map(wireItem));

const invoicesOf = ({ account, settings, now }: Call): readonly Invoice[] =>
  account.invoices(settings.invoices, now);

function invoiceOf(call: Call): Invoice {
  const invoice = invoicesOf(call).find(({ id }) => `${id}` === call.params[0]);
  if (invoice === undefined) throw notFound();
  return invoice;
}

function wireInvoice({ id, date, items }: Invoice): Row {
  const subtotal = items.reduce((sum, { microUsd }) => sum + microUsd, 0);
  const tax = items.reduce((sum, { taxMicroUsd }) => sum + taxMicroUsd, 0);
  return {
    id,
    date: wireTime(date),
    label: `Invoice #${id}`,
    subtotal: usd(subtotal),
    tax: usd(tax),
    tax_summary: tax === 0 ? [] : [{ name: 'Tax', tax: usd(tax) }],
    total: usd(subtotal + tax),
    billing_source: 'linode',
  };
}

const wireItem = (item: InvoiceItem): Row => ({
  label: item.label,
  type: item.type,
  quantity: item.quantity,
  unit_price: item.unitPrice,
  amount: usd(item.microUsd),
  tax: usd(item.taxMicroUsd),
  total: usd(item.microUsd + item.taxMicroUsd),
  from: wireTime(item.from),
  to: wireTime(item.to),
  region: item.region,
});

const usd = (microUsd: number): number => microUsd / 1e6;
