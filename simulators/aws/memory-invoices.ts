import { EMPTY_BOOK } from '../../lib/core/invoices/invoice.ts';
import type { InvoiceStore } from '../../lib/ports.ts';

/** InvoiceStore in memory; nothing in it expires. */
export function createMemoryInvoices(): InvoiceStore & { clear(): void } {
  const kept = new Map<string, unknown>();
  const read = <T>(key: string): T | undefined => kept.get(key) as T | undefined;
  let book = EMPTY_BOOK;
  return {
    book: async () => book,
    async saveBook(next) {
      if (next.revision !== book.revision) return 'conflict';
      book = { ...next, revision: next.revision + 1 };
      return book;
    },
    keepPage: async ({ invoiceId, page }, items) => void kept.set(`${invoiceId}/${page}`, items),
    page: async ({ invoiceId, page }) => read(`${invoiceId}/${page}`) ?? null,
    keepCluster: async ({ id, month }, invoiced) => void kept.set(`${month}/${id}`, invoiced),
    clusters: async (ids, month) =>
      new Map(
        ids.flatMap((id) => {
          const invoiced = kept.get(`${month}/${id}`);
          return invoiced === undefined ? [] : [[id, invoiced as never] as const];
        }),
      ),
    keepMonth: async (month, invoiced) => void kept.set(month, invoiced),
    month: async (month) => read(month) ?? null,
    clear() {
      kept.clear();
      book = EMPTY_BOOK;
    },
  };
}
