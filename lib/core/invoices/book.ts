import { between, type EpochMs, hours, minus } from '../base/units.ts';
import { type MonthName, monthName, monthNamed } from '../billing/bill.ts';
import {
  type Invoice,
  type InvoiceBook,
  type InvoiceItem,
  type KnownInvoice,
  monthOfItem,
} from './invoice.ts';

/*
 * Which invoices to read, and which months to compare. Linode may correct an invoice later, so recent
 * invoices are read again: at once if their sums have changed, and otherwise once a day while they
 * are young.
 */

/** Older invoices are left alone. */
export const RECENT = hours(100 * 24);
/** A younger invoice is read again every day. */
const YOUNG = hours(14 * 24);
const AGAIN_AFTER = hours(24);

/** The book with the recent invoices of the list: new ones, and those to be read again. */
export function listed(book: InvoiceBook, invoices: readonly Invoice[], now: EpochMs): InvoiceBook {
  const recent = invoices
    .filter(({ date }) => date >= minus(now, RECENT))
    .toSorted((a, b) => a.date - b.date || a.id - b.id);
  const isNew = ({ id }: Invoice) => !book.invoices.some((known) => known.id === id);
  return {
    ...book,
    access: 'granted',
    invoices: recent.map((invoice) =>
      refreshed(
        book.invoices.find(({ id }) => id === invoice.id),
        invoice,
        now,
      ),
    ),
    // Even an invoice without items says something of the month that it bills.
    changed: months([...book.changed, ...recent.filter(isNew).map(monthBefore)]),
  };
}

const monthBefore = ({ date }: Invoice): MonthName => monthName(minus(date, hours(1)));

function refreshed(known: KnownInvoice | undefined, head: Invoice, now: EpochMs): KnownInvoice {
  const unread = { pagesRead: 0, pages: null };
  if (known === undefined) return { ...head, ...unread, readAt: null, hashes: [], months: [] };
  const isSame = known.subtotal === head.subtotal && known.tax === head.tax;
  if (!isSame) return { ...known, ...head, ...unread, hashes: [] };
  const { readAt } = known;
  const isYoung = between(head.date, now) < YOUNG;
  const isDue = isWhole(known) && readAt !== null && between(readAt, now) >= AGAIN_AFTER;
  return isYoung && isDue ? { ...known, ...unread } : known;
}

/** Whether every page of the invoice has been read. */
export const isWhole = ({ pages, pagesRead }: KnownInvoice): boolean =>
  pages !== null && pagesRead >= pages;

/** The book after the next page of the invoice was read. `hash` is that of its items. */
export function pageRead(
  book: InvoiceBook,
  invoice: KnownInvoice,
  page: { readonly items: readonly InvoiceItem[]; readonly pages: number; readonly hash: string },
  now: EpochMs,
): InvoiceBook {
  const { items, pages, hash } = page;
  const pagesRead = invoice.pagesRead + 1;
  const hashes = [...invoice.hashes];
  const isChanged = hashes[pagesRead - 1] !== hash || (pagesRead >= pages && hashes.length > pages);
  hashes[pagesRead - 1] = hash;
  const theirs = items.map((item) => monthOfItem(item, invoice));
  const read: KnownInvoice = {
    ...invoice,
    pages,
    pagesRead,
    readAt: now,
    hashes: pagesRead >= pages ? hashes.slice(0, pages) : hashes,
    months: months([...invoice.months, ...theirs]),
  };
  return {
    ...withInvoice(book, read),
    changed: isChanged ? months([...book.changed, ...invoice.months, ...theirs]) : book.changed,
  };
}

/** The book with the invoice, to be read from its first page on. */
export const toBeReadAgain = (book: InvoiceBook, invoice: KnownInvoice): InvoiceBook =>
  withInvoice(book, { ...invoice, pagesRead: 0, pages: null, hashes: [] });

const withInvoice = (book: InvoiceBook, invoice: KnownInvoice): InvoiceBook => ({
  ...book,
  invoices: book.invoices.map((known) => (known.id === invoice.id ? invoice : known)),
});

/**
 * The months that have changed and can be compared: an invoice was made after their end, and every
 * invoice that may bill them is read.
 */
export function comparable({ invoices, changed }: InvoiceBook): MonthName[] {
  const unread = invoices.filter((invoice) => !isWhole(invoice));
  return changed.filter(
    (month) =>
      invoices.some(({ date }) => date >= monthNamed(month).end) &&
      !unread.some((invoice) => mayBill(invoice, month)),
  );
}

/** An invoice that is read again bills the months that it did; of a new one, nothing is known yet. */
function mayBill({ date, pages, hashes, months: theirs }: KnownInvoice, month: MonthName): boolean {
  const isNew = hashes.length === 0 || (pages !== null && hashes.length < pages);
  return theirs.includes(month) || (isNew && date > monthNamed(month).start);
}

/** The book without the month among those that have changed. */
export const compared = (book: InvoiceBook, month: MonthName): InvoiceBook => ({
  ...book,
  changed: book.changed.filter((one) => one !== month),
});

const months = (names: readonly MonthName[]): MonthName[] => [...new Set(names)].toSorted();
