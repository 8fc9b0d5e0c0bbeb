import { ADMIN, type ClusterId } from '../core/base/names.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  minus,
  plus,
} from '../core/base/units.ts';
import { type MonthName, monthName, monthNamed } from '../core/billing/bill.ts';
import {
  comparable,
  compared,
  isWhole,
  listed,
  pageRead,
  RECENT,
  toBeReadAgain,
} from '../core/invoices/book.ts';
import {
  type BilledItem,
  compareMonth,
  knownOf,
  type RecordedCluster,
  recordedIn,
} from '../core/invoices/compare.ts';
import {
  byKind,
  type Difference,
  differenceKinds,
  isAlarming,
  type LabelledDifference,
} from '../core/invoices/differences.ts';
import {
  type InvoiceBook,
  type InvoicedMonth,
  type InvoiceItem,
  type KnownInvoice,
  monthOfItem,
  type ToldCluster,
} from '../core/invoices/invoice.ts';
import { clusterNamedIn, isOtherService, type Known } from '../core/invoices/match.ts';
import type { InvoiceNotice } from '../core/notices/invoices.ts';
import { reasonOf } from '../errors.ts';
import type {
  Clock,
  ClusterStore,
  InvoiceStore,
  LinodeApi,
  Log,
  Metrics,
  Notifier,
} from '../ports.ts';
import { forEachAtMost } from './at-most.ts';
import { hashOf } from './ids.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { CLOCKS_APART_MAX } from './report.ts';

export interface InvoiceDeps {
  readonly clock: Clock;
  readonly linode: Pick<LinodeApi, 'invoices' | 'invoiceItems'>;
  readonly store: Pick<ClusterStore, 'livedIn' | 'getMany'>;
  readonly invoices: InvoiceStore;
  readonly metrics: Metrics;
  readonly notifier: Notifier;
  readonly log: Log;
  readonly stage: string;
  /** How long what was found of a month is kept after the month's end, as records are. */
  readonly endedKept: DurationMs;
}

export interface InvoiceLimits {
  /** After this instant, neither page nor month is begun. */
  readonly by: EpochMs;
  readonly noticesMs: DurationMs;
}

/** Of the 200 lists that Linode answers in a minute; the next run goes on where this one stops. */
const PAGES_MAX = 60;
const WRITES_AT_ONCE = 20;
/** How many clusters that did not live in the month are looked up; items of the rest are unknown. */
const OTHERS_MAX = 200;
/** How long the items of an invoice are kept: while the invoice may be read again, and some days. */
const PAGES_KEPT = hours(130 * 24);

/**
 * Reads the invoices that are new, have changed or may have, and compares each month that they bill
 * whole with the records. What was found is kept beside the records, and people are told of each
 * difference once, or twice with the same id where a run dies in between. A run reads at most 60
 * pages of items; the next goes on after the last. May be repeated at any point. Without the scope
 * for invoices nothing is read, and the book says so.
 */
export async function reconcileInvoices(deps: InvoiceDeps, limits: InvoiceLimits): Promise<void> {
  const { linode, invoices, clock, log } = deps;
  const before = await invoices.book();
  const list = await linode.invoices(limits.by);
  if (list === 'unreadable') return noteDenied(deps, before);
  let book = await saved(deps, listed(before, list, clock.now()));
  if (book === 'conflict') return;
  const failures = new Map<number, unknown>();
  book = await readPages(deps, book, limits.by, failures);
  if (book === 'conflict') return;
  const outbox = createOutbox(deps, limits);
  for (const month of comparable(book)) {
    if (clock.now() > limits.by) break;
    const isDone = isForgotten(deps, month) || (await compareAndKeep(deps, book, month, outbox));
    book = await saved(deps, isDone ? compared(book, month) : withLostPages(book));
    if (book === 'conflict') break;
  }
  if (book !== 'conflict' && !book.invoices.every(isWhole)) {
    log.info('invoices are not read whole yet; the next run goes on');
  }
  for (const failure of failures.values()) throw failure;
}

/**
 * Whether invoices or records of the month may be gone: what a late correction bills of it is not
 * compared, as all else would seem to lack.
 */
function isForgotten({ clock, log, endedKept }: InvoiceDeps, month: MonthName): boolean {
  const kept = minus(clock.now(), durationMs(Math.min(RECENT, endedKept)));
  if (monthNamed(month).start >= kept) return false;
  log.warn('month not compared: its invoices and records are not all kept', { month });
  return true;
}

type Saved = InvoiceBook | 'conflict';

async function noteDenied({ invoices, log }: InvoiceDeps, book: InvoiceBook): Promise<void> {
  if (book.access === 'denied') return;
  log.warn('invoices are not read: the Linode token lacks the scope account:read_only');
  await invoices.saveBook({ ...book, access: 'denied' });
}

/** `conflict`: another run is at work, and goes on. */
async function saved({ invoices, log }: InvoiceDeps, book: InvoiceBook): Promise<Saved> {
  const result = await invoices.saveBook(book);
  if (result === 'conflict') log.info('another run reads the invoices');
  return result;
}

/**
 * Reads pages until every invoice is read, or enough pages, or the time is up. An invoice of which a
 * page can't be read goes to `failures`, by its id, and harms no other.
 */
async function readPages(
  deps: InvoiceDeps,
  start: InvoiceBook,
  by: EpochMs,
  failures: Map<number, unknown>,
): Promise<Saved> {
  let book: Saved = start;
  for (let pages = 0; pages < PAGES_MAX && deps.clock.now() <= by; pages += 1) {
    const next: KnownInvoice | undefined = book.invoices.find(
      (invoice) => !isWhole(invoice) && !failures.has(invoice.id),
    );
    if (next === undefined) return book;
    const { id, pagesRead } = next;
    const read: LinodePage | null = await deps.linode
      .invoiceItems(id, pagesRead + 1, by)
      .catch((error: unknown) => {
        deps.log.error('page of an invoice not read', { invoiceId: id, reason: reasonOf(error) });
        failures.set(id, error);
        return null;
      });
    if (read !== null) book = await pageKept(deps, book, next, read);
    if (book === 'conflict') return book;
  }
  return book;
}

type LinodePage = Awaited<ReturnType<LinodeApi['invoiceItems']>>;

/** Keeps the next page of the invoice, as Linode answered it. */
async function pageKept(
  deps: InvoiceDeps,
  book: InvoiceBook,
  invoice: KnownInvoice,
  read: LinodePage,
): Promise<Saved> {
  const { invoices, clock, log } = deps;
  const page = { invoiceId: invoice.id, page: invoice.pagesRead + 1 };
  // The invoice was listed just now: its pages are fewer than before, or it is being made.
  if (read === 'notFound' || read === 'unreadable') {
    log.warn('page of an invoice not read', { ...page, reason: read });
    const isEmpty = invoice.pagesRead > 0;
    return saved(deps, isEmpty ? toBeReadAgain(book, invoice) : withoutInvoice(book, invoice));
  }
  if (read.unreadable > 0)
    log.error('items of an invoice are unreadable', { ...page, ...read, items: undefined });
  const items = read.items.filter(({ label }) => !isOtherService(label));
  await invoices.keepPage(page, items, plus(clock.now(), PAGES_KEPT));
  const hash = hashOf(items);
  return saved(deps, pageRead(book, invoice, { items, pages: read.pages, hash }, clock.now()));
}

const withoutInvoice = (book: InvoiceBook, { id }: KnownInvoice): InvoiceBook => ({
  ...book,
  invoices: book.invoices.filter((known) => known.id !== id),
});

/** The invoices are read again, since pages of them are not kept any more. */
const withLostPages = (book: InvoiceBook): InvoiceBook => book.invoices.reduce(toBeReadAgain, book);

/** false: pages are missing. */
async function compareAndKeep(
  deps: InvoiceDeps,
  book: InvoiceBook,
  month: MonthName,
  outbox: Outbox,
): Promise<boolean> {
  const { invoices, log, endedKept } = deps;
  const items = await itemsOf(deps, book, month);
  if (items === null) return false;
  const records = await recordsOf(deps, month);
  const { clusters, owners } = records;
  const known = await knownFrom(deps, records, items.ofMonth, month);
  const found = compareMonth(clusters, items.ofMonth, known, items.nearby);
  if (found.unreadable > 0) {
    log.warn('items are of records that can not be read', { month, items: found.unreadable });
  }
  const invoiceIds = invoicesBilling(book, month);
  const news = new News(deps, { month, invoiceId: Math.max(...invoiceIds) });
  const keptUntil = plus(monthNamed(month).end, endedKept);
  const kept = await invoices.clusters([...found.clusters.keys()], month);
  const results = [...found.clusters].flatMap(([id, invoiced]) => {
    const known = kept.get(id);
    const fresh = news.of(invoiced.differences, known?.told ?? []);
    const result: ToldCluster = { ...invoiced, told: [...(known?.told ?? []), ...fresh.keys] };
    if (JSON.stringify(known) === JSON.stringify(result)) return [];
    news.add(owners.get(id) ?? ADMIN, id, fresh.differences);
    return [{ id, result }];
  });
  const before = await invoices.month(month);
  const fresh = news.of(found.differences, before?.told ?? []);
  const told = [...(before?.told ?? []), ...fresh.keys];
  const { differences, evidence } = found;
  const result: InvoicedMonth = { invoiceIds, differences, evidence, told };
  news.addUnknown(fresh.differences as LabelledDifference[]);
  // A run that dies after this sends the same notices again; none is marked as told and lost.
  news.send(outbox);
  await outbox.flush();
  await forEachAtMost(WRITES_AT_ONCE, results, (one) =>
    invoices.keepCluster({ id: one.id, month }, one.result, keptUntil),
  );
  await invoices.keepMonth(month, result, keptUntil);
  return true;
}

/** Those with items of the month, and the first that was made after its end. */
function invoicesBilling(book: InvoiceBook, month: MonthName): number[] {
  const { end } = monthNamed(month);
  const closing = book.invoices.find(({ date }) => date >= end);
  const theirs = book.invoices.filter(
    (invoice) => invoice.months.includes(month) || invoice === closing,
  );
  return theirs.map(({ id }) => id).toSorted((a, b) => a - b);
}

/**
 * The items of the month, of all invoices, and those of the months before and after; null: a page is
 * not kept any more.
 */
async function itemsOf(
  { invoices }: InvoiceDeps,
  book: InvoiceBook,
  month: MonthName,
): Promise<{ ofMonth: BilledItem[]; nearby: InvoiceItem[] } | null> {
  const ofMonth: BilledItem[] = [];
  const nearby: InvoiceItem[] = [];
  const { start, end } = monthNamed(month);
  const around = [monthName(minus(start, hours(1))), month, monthName(end)];
  const isAround = ({ months }: KnownInvoice) => months.some((one) => around.includes(one));
  for (const invoice of book.invoices.filter(isAround)) {
    for (let page = 1; page <= (invoice.pages ?? 0); page += 1) {
      const items = await invoices.page({ invoiceId: invoice.id, page });
      if (items === null) return null;
      for (const item of items) {
        const its = monthOfItem(item, invoice);
        if (its === month) ofMonth.push({ invoiceId: invoice.id, item });
        else if (around.includes(its)) nearby.push(item);
      }
    }
  }
  return { ofMonth, nearby };
}

/** What the records say of the month, without the records themselves, which are large. */
async function recordsOf({ store, clock }: InvoiceDeps, month: MonthName) {
  const { start, end } = monthNamed(month);
  const clusters: RecordedCluster[] = [];
  const owners = new Map<ClusterId, string>();
  const sizes = new Map<ClusterId, number>();
  const unreadable = new Set<ClusterId>();
  const query = {
    owner: null,
    from: minus(start, CLOCKS_APART_MAX),
    to: plus(end, CLOCKS_APART_MAX),
    cursor: null,
  };
  for await (const page of store.livedIn(query)) {
    for (const { id } of page.unreadable) unreadable.add(id);
    for (const record of page.records) {
      clusters.push(recordedIn(record, month, clock.now()));
      owners.set(record.id, record.owner);
      sizes.set(record.id, record.nodes.length);
    }
  }
  return { clusters, owners, sizes, unreadable };
}

/**
 * What the records know of the month, and of clusters that did not live in it, as far as items name
 * them: Linode may bill a Linode on that its record takes for gone.
 */
async function knownFrom(
  { store, clock, log }: InvoiceDeps,
  { clusters, sizes, unreadable }: Awaited<ReturnType<typeof recordsOf>>,
  items: readonly BilledItem[],
  month: MonthName,
): Promise<Known> {
  const names = items.flatMap(({ item }) => clusterNamedIn(item.label) ?? []);
  const others = [...new Set(names)].filter((id) => !sizes.has(id) && !unreadable.has(id));
  if (others.length > OTHERS_MAX) {
    log.warn('items name more clusters than are looked up', { month, clusters: others.length });
  }
  const found = await store.getMany(others.slice(0, OTHERS_MAX));
  return knownOf(
    [...clusters, ...found.records.map((record) => recordedIn(record, month, clock.now()))],
    new Map([...sizes, ...found.records.map(({ id, nodes }) => [id, nodes.length] as const)]),
    new Set([...unreadable, ...found.unreadable.map(({ id }) => id)]),
  );
}

/** The differences of a month of which nobody has been told yet. */
class News {
  readonly #deps: InvoiceDeps;
  readonly #of: { readonly month: MonthName; readonly invoiceId: number };
  /** By owner. */
  readonly #clusters = new Map<string, { id: ClusterId; difference: Difference }[]>();
  #unknown: readonly LabelledDifference[] = [];

  constructor(deps: InvoiceDeps, of: { readonly month: MonthName; readonly invoiceId: number }) {
    this.#deps = deps;
    this.#of = of;
  }

  /** The differences that are to be told, and that were not, with their keys. */
  of<D extends Difference>(
    differences: readonly D[],
    told: readonly string[],
  ): { differences: D[]; keys: string[] } {
    const keyOf = ({ kind }: Difference) => `${this.#of.invoiceId}/${kind}`;
    const fresh = differences.filter((one) => isAlarming(one) && !told.includes(keyOf(one)));
    return { differences: fresh, keys: fresh.map(keyOf) };
  }

  add(owner: string, id: ClusterId, differences: readonly Difference[]): void {
    const theirs = this.#clusters.get(owner) ?? [];
    this.#clusters.set(owner, [
      ...theirs,
      ...differences.map((difference) => ({ id, difference })),
    ]);
  }

  addUnknown(differences: readonly LabelledDifference[]): void {
    this.#unknown = differences;
  }

  /** A notice, a line of the log and a metric: for each owner and each kind. */
  send(outbox: Outbox): void {
    const { log, metrics } = this.#deps;
    const notices = [...this.#ofClusters(), ...this.#ofUnknown()];
    for (const notice of notices) {
      const { owner, month, invoiceId, difference, clusters } = notice;
      const ids = clusters.slice(0, 10).map(({ id }) => id);
      const details = { owner, month, invoiceId, ...difference, clusters: ids };
      log.error('an invoice differs from the records', details);
      outbox.send(notice);
    }
    if (notices.length > 0) metrics.emit(() => ({ InvoiceDifferences: notices.length }));
  }

  #ofClusters(): InvoiceNotice[] {
    const byOwner = [...this.#clusters].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return byOwner.flatMap(([owner, all]) =>
      differenceKinds.flatMap((kind) => {
        const clusters = all.filter(({ difference }) => difference.kind === kind);
        const [difference] = byKind(clusters.map((one) => one.difference));
        return difference === undefined ? [] : [this.#notice(owner, difference, clusters, [])];
      }),
    );
  }

  #ofUnknown(): InvoiceNotice[] {
    return this.#unknown.map(({ labels, ...difference }) =>
      this.#notice(ADMIN, difference, [], labels),
    );
  }

  #notice(
    owner: string,
    difference: Difference,
    clusters: InvoiceNotice['clusters'],
    labels: readonly string[],
  ): InvoiceNotice {
    const { stage, clock } = this.#deps;
    const [only, ...others] = clusters;
    const clusterId = only === undefined || others.length > 0 ? null : only.id;
    const base = { kind: 'invoiceDiffers', owner, stage, at: clock.now() } as const;
    return { ...base, ...this.#of, difference, clusters, labels, clusterId };
  }
}
