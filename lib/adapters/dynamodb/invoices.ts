import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ClusterId } from '../../core/base/names.ts';
import type { EpochMs } from '../../core/base/units.ts';
import type { MonthName } from '../../core/billing/bill.ts';
import {
  EMPTY_BOOK,
  type InvoiceBook,
  type InvoicedMonth,
  type InvoiceItem,
  type ToldCluster,
} from '../../core/invoices/invoice.ts';
import type { InvoiceStore, PageRef } from '../../ports.ts';
import { IS_NEW, isAt, itemAt, itemsAt, putIf } from './clusters.ts';
import { fieldsOf, type Item } from './readable.ts';

/**
 * The ids of the items; stack/roles.yml has their forms. `invoices` is the book. `invoice-7-2` has the
 * items of the second page of the invoice 7, `invoiced-2026-11` what was found of a month, and
 * `invoiced-2026-11-c…` what was found of a cluster in it. None has keys of the indexes, so no list
 * shows them.
 */
const BOOK = 'invoices';
const pageId = ({ invoiceId, page }: PageRef): string => `invoice-${invoiceId}-${page}`;
const monthId = (month: MonthName): string => `invoiced-${month}`;
const clusterId = (month: MonthName, id: ClusterId): string => `${monthId(month)}-${id}`;

const VERSION = 1;

/**
 * What invoices say, in items beside the records. Everything is deflated JSON: a page of 500 items
 * takes about 10 KB of the 400 KB of an item, a cluster of 500 nodes less than 1 KB, since only its
 * sums are kept.
 */
export function createInvoiceStore(client: DynamoDBClient, TableName: string): InvoiceStore {
  const keep = async (id: string, content: unknown, keptUntil: EpochMs) => {
    const expiresAt = Math.ceil(keptUntil / 1_000);
    const Item = marshall({ id, version: VERSION, deflated: deflated(content), expiresAt });
    await client.send(new PutItemCommand({ TableName, Item }));
  };
  const read = async <T>(id: string): Promise<T | null> => {
    const item = await itemAt(client, TableName, id);
    return item === null ? null : contentOf<T>(item);
  };

  return {
    async book() {
      return (await read<InvoiceBook>(BOOK)) ?? EMPTY_BOOK;
    },

    async saveBook(book) {
      const { revision } = book;
      const next = { ...book, revision: revision + 1 };
      const content = { deflated: deflated(next), revision: next.revision };
      const Item = marshall({ id: BOOK, version: VERSION, ...content });
      const unchanged = revision === 0 ? IS_NEW : isAt(revision);
      return (await putIf(client, { TableName, Item, ...unchanged })) ? next : 'conflict';
    },

    keepPage: (page, items, keptUntil) => keep(pageId(page), items, keptUntil),
    page: (page) => read<readonly InvoiceItem[]>(pageId(page)),

    keepCluster: ({ id, month }, invoiced, keptUntil) =>
      keep(clusterId(month, id), invoiced, keptUntil),

    async clusters(ids, month) {
      const keys = ids.map((id) => clusterId(month, id));
      const found = new Map<ClusterId, ToldCluster>();
      for (const item of await itemsAt(client, TableName, keys)) {
        const id = item.id?.S?.slice(monthId(month).length + 1) as ClusterId;
        found.set(id, contentOf<ToldCluster>(item));
      }
      return found;
    },

    keepMonth: (month, invoiced, keptUntil) => keep(monthId(month), invoiced, keptUntil),
    month: (month) => read<InvoicedMonth>(monthId(month)),
  };
}

const deflated = (content: unknown): Uint8Array => deflateRawSync(JSON.stringify(content));

function contentOf<T>(item: Item): T {
  const { id, version, deflated: bytes } = fieldsOf(item);
  if (version !== VERSION) throw new Error(`${id} of version ${version} is not understood`);
  return JSON.parse(inflateRawSync(bytes as Uint8Array).toString()) as T;
}
