import { beforeEach, describe, expect, it } from 'vitest';
import { hours, plus } from '../../lib/core/base/units.ts';
import { amount } from '../../lib/core/invoices/amount.ts';
import { EMPTY_BOOK, type InvoiceItem, type ToldCluster } from '../../lib/core/invoices/invoice.ts';
import type { InvoiceStore } from '../../lib/ports.ts';
import { ID, LAUNCH, OTHER_ID } from './builders.ts';
import { id } from './cluster-store-contract.ts';

const KEPT = plus(LAUNCH, hours(24));
const NOVEMBER = '2026-11';

export const anInvoicedCluster = (over: Partial<ToldCluster> = {}): ToldCluster => ({
  recorded: amount(60_000),
  invoiced: amount(52_500),
  tax: amount(0),
  differences: [{ kind: 'hours', amount: amount(-7_500), count: 1 }],
  invoiceIds: [7],
  told: ['7/hours'],
  ...over,
});

export const anItem = (over: Partial<InvoiceItem> = {}): InvoiceItem => ({
  label: `Nanode 1GB - onebuck-${ID}-0 (101)`,
  quantity: 3,
  unitPrice: amount(7_500),
  amount: amount(22_500),
  isExact: true,
  tax: amount(0),
  from: LAUNCH,
  ...over,
});

/** Tests what lib/ports.ts promises of InvoiceStore. `anEmptyStore` returns one without invoices. */
export function invoiceStoreContract(
  name: string,
  anEmptyStore: () => Promise<InvoiceStore>,
): void {
  describe(name, () => {
    let store: InvoiceStore;
    beforeEach(async () => {
      store = await anEmptyStore();
    });

    it('has an empty book, no page, no month and no cluster at first', async () => {
      expect(await store.book()).toEqual(EMPTY_BOOK);
      expect(await store.page({ invoiceId: 7, page: 1 })).toBeNull();
      expect(await store.month(NOVEMBER)).toBeNull();
      expect(await store.clusters([ID], NOVEMBER)).toEqual(new Map());
    });

    it('lets one of two writers of the book win, and shows the book whole', async () => {
      const known = {
        ...{ id: 7, date: LAUNCH, subtotal: amount(5), tax: amount(-1), pagesRead: 1, pages: 2 },
        ...{ readAt: LAUNCH, hashes: ['a'], months: [NOVEMBER] },
      };
      const book = { ...EMPTY_BOOK, access: 'granted', invoices: [known] } as const;
      expect(await store.saveBook(book)).toEqual({ ...book, revision: 1 });
      expect(await store.saveBook(book)).toBe('conflict');
      expect(await store.book()).toEqual({ ...book, revision: 1 });
      expect(await store.saveBook({ ...EMPTY_BOOK, revision: 1 })).toMatchObject({ revision: 2 });
    });

    it('keeps a page of 500 items, in place of the page before', async () => {
      const page = { invoiceId: 7, page: 2 };
      const items = Array.from({ length: 500 }, (_, n) =>
        anItem({ label: `Dedicated 32GB - a-long-label-${'x'.repeat(40)} (${90_000_000 + n})` }),
      );
      await store.keepPage(page, [anItem()], KEPT);
      await store.keepPage(page, items, KEPT);
      expect(await store.page(page)).toEqual(items);
      expect(await store.page({ ...page, page: 1 })).toBeNull();
      expect(await store.page({ ...page, invoiceId: 72 })).toBeNull();
    });

    it('keeps what was invoiced for each cluster and month apart', async () => {
      const other = anInvoicedCluster({ invoiceIds: [8] });
      await store.keepCluster({ id: ID, month: NOVEMBER }, anInvoicedCluster(), KEPT);
      await store.keepCluster({ id: ID, month: '2026-12' }, other, KEPT);
      const ids = [ID, OTHER_ID];
      expect(await store.clusters(ids, NOVEMBER)).toEqual(new Map([[ID, anInvoicedCluster()]]));
      expect(await store.clusters(ids, '2026-12')).toEqual(new Map([[ID, other]]));
    });

    it('reads 120 clusters at once', async () => {
      const ids = Array.from({ length: 120 }, (_, n) => id(n));
      for (const one of ids) {
        await store.keepCluster({ id: one, month: NOVEMBER }, anInvoicedCluster(), KEPT);
      }
      expect((await store.clusters(ids, NOVEMBER)).size).toBe(120);
    });

    it('keeps what was found of a month', async () => {
      const found = {
        invoiceIds: [7, 8],
        differences: [
          { kind: 'transfer', amount: amount(1_500_000), count: 1, labels: ['Transfer Overage'] },
        ],
        evidence: { startMonth: 3, endMonth: 0, bothMonths: 0 },
        told: [],
      } as const;
      await store.keepMonth(NOVEMBER, found, KEPT);
      expect(await store.month(NOVEMBER)).toEqual(found);
      expect(await store.month('2026-12')).toBeNull();
    });
  });
}
