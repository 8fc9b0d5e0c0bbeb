import * as z from 'zod/mini';
import type { EpochMs } from '../../core/base/units.ts';
import { NO_AMOUNT, type ReadAmount, readAmount } from '../../core/invoices/amount.ts';
import type { Invoice, InvoiceItem } from '../../core/invoices/invoice.ts';
import type { InvoicePage, Log } from '../../ports.ts';
import { type Call, errorOf, illShaped } from './answer.ts';
import type { LinodeHttp } from './http.ts';
import { type Decoder, decode, decodePage, instantSchema, type Page } from './wire.ts';

interface Deps {
  readonly http: Pick<LinodeHttp, 'send'>;
  readonly log: Pick<Log, 'warn'>;
}

/** The largest page that Linode gives: docs/linode.md#lists. */
const PAGE_SIZE = 500;
/** An account of forty years has fewer. */
const PAGES_MAX = 20;

/**
 * All invoices, each once. Invoices come and go only at the end of the list, so a walk over its
 * pages need not begin anew if the list grows.
 */
export async function listInvoices(deps: Deps, by: EpochMs): Promise<Invoice[] | 'unreadable'> {
  const byId = new Map<number, Invoice>();
  for (let number = 1; number <= PAGES_MAX; number += 1) {
    const page = await readPage(deps, '/account/invoices', { number, item: decodeInvoice }, by);
    if (page === 'denied') return 'unreadable';
    if (page === 'notFound') break;
    for (const invoice of page.data) byId.set(invoice.id, invoice);
    if (number >= page.pages) break;
  }
  return [...byId.values()];
}

export async function listInvoiceItems(
  deps: Deps,
  id: number,
  number: number,
  by: EpochMs,
): Promise<InvoicePage | 'notFound' | 'unreadable'> {
  const path = `/account/invoices/${id}/items`;
  const page = await readPage(deps, path, { number, item: decodeItem }, by);
  if (page === 'denied') return 'unreadable';
  if (page === 'notFound') return page;
  const unreadable = page.rows - page.data.length;
  return { items: page.data, pages: Math.max(1, page.pages), unreadable };
}

async function readPage<T>(
  { http, log }: Deps,
  path: string,
  { number, item }: { readonly number: number; readonly item: Decoder<T> },
  by: EpochMs,
): Promise<Page<T> | 'notFound' | 'denied'> {
  const query = `page=${number}&page_size=${PAGE_SIZE}`;
  const call: Call = { method: 'GET', path, query };
  const verdict = await http.send(call, by);
  if (verdict.kind === 'denied') return 'denied';
  if (verdict.kind === 'rejected' && verdict.status === 404) return 'notFound';
  if (verdict.kind !== 'ok') throw errorOf(call, verdict);
  const skip = (fault: string) => log.warn('row of a list skipped', { path, fault });
  const decoded = decodePage(item, skip)(verdict.body);
  if (!decoded.ok) throw errorOf(call, illShaped(decoded.fault));
  return decoded.value;
}

const amountSchema = z.pipe(
  z
    .union([z.number(), z.string()])
    .check(z.refine((value) => readAmount(value) !== null, 'is no amount')),
  z.transform((value) => readAmount(value) as ReadAmount),
);

/** An amount that may be missing, and then is none. */
const orNone = z.nullish(amountSchema);

const invoiceSchema = z.pipe(
  z.object({
    id: z.int().check(z.positive()),
    date: instantSchema,
    subtotal: orNone,
    tax: orNone,
    total: orNone,
  }),
  z.transform(
    ({ id, date, subtotal, tax, total }): Invoice => ({
      id,
      date,
      subtotal: subtotal?.value ?? total?.value ?? NO_AMOUNT,
      tax: tax?.value ?? NO_AMOUNT,
    }),
  ),
);

const itemSchema = z.pipe(
  z.object({
    label: z.nullish(z.string()),
    quantity: z.nullish(z.number()),
    unit_price: z.nullish(z.union([z.string(), z.number()])),
    amount: amountSchema,
    tax: orNone,
    from: z.catch(z.nullish(instantSchema), null),
  }),
  z.transform((raw): InvoiceItem => {
    const { quantity = null } = raw;
    return {
      label: raw.label ?? '',
      quantity: Number.isSafeInteger(quantity) ? quantity : null,
      unitPrice: readAmount(raw.unit_price)?.value ?? null,
      amount: raw.amount.value,
      isExact: raw.amount.isExact,
      tax: raw.tax?.value ?? NO_AMOUNT,
      from: raw.from ?? null,
    };
  }),
);

const decodeInvoice: Decoder<Invoice> = (body) => decode(invoiceSchema, body);
const decodeItem: Decoder<InvoiceItem> = (body) => decode(itemSchema, body);
