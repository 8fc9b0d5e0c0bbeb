import { type DurationMs, durationMs, type EpochMs } from '../../core/base/units.ts';
import type { Linode } from '../../core/cluster/linode.ts';
import { AppError, PartialListError } from '../../errors.ts';
import type { Cacheable, Clock, Log } from '../../ports.ts';
import { type Call, errorOf, illShaped } from './answer.ts';
import type { LinodeHttp } from './http.ts';
import { type Decoder, decodeLinode, decodePage, type Page } from './wire.ts';

export interface List<T> {
  readonly path: string;
  readonly item: Decoder<T>;
  readonly filter?: Readonly<Record<string, unknown>>;
}

interface ListDeps {
  readonly http: Pick<LinodeHttp, 'send'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Log, 'warn'>;
}

/** The largest page that Linode gives: docs/linode.md#lists. */
const PAGE_SIZE = 500;
const PAGES_MAX = 200;
const WALKS_MAX = 5;

/**
 * Every item of a short list, each once, without those that are not as they should be, which it
 * logs: one odd type must not keep people from all others. Throws rather than return only some of
 * the pages. If the list changes while its pages are read, the reading starts again. The result may
 * be used for as long as each of its pages.
 */
export async function listAll<T extends { readonly id: number | string }>(
  deps: ListDeps,
  list: List<T>,
  by: EpochMs,
): Promise<Cacheable<T[]>> {
  for (let walk = 1; walk <= WALKS_MAX; walk += 1) {
    const items = await walkPages(deps, list, by);
    if (items !== 'changed') return items;
    if (deps.clock.now() > by) throw timeIsUp(list);
  }
  throw unusable(list, `its pages did not fit together, ${WALKS_MAX} times`);
}

async function walkPages<T extends { readonly id: number | string }>(
  { http, clock, log }: ListDeps,
  list: List<T>,
  by: EpochMs,
): Promise<Cacheable<T[]> | 'changed'> {
  const skip = (fault: string) => log.warn('row of a list skipped', { path: list.path, fault });
  const byId = new Map<number | string, T>();
  let rowsCount = 0;
  let last: Page<T> | null = null;
  let maxAge: DurationMs | null = null;
  for (let number = 1; last === null || number <= last.pages; number += 1) {
    if (last !== null && clock.now() > by) throw timeIsUp(list);
    const read = await readPage(http, list, { number, skip, filter: list.filter }, by);
    if (read === 'notFound') return 'changed';
    const page: Page<T> = read.value;
    if (last !== null && page.results !== last.results) return 'changed';
    if (page.pages > PAGES_MAX) throw unusable(list, `pages is above ${PAGES_MAX}`);
    // An empty list has been seen to have 0 pages and no first page.
    if (page.page !== number && page.results > 0) throw unusable(list, 'page is another one');
    for (const item of page.data) byId.set(item.id, item);
    rowsCount += page.rows;
    maxAge = shorter(maxAge, read.maxAge);
    last = page;
  }
  const isWhole = last !== null && rowsCount >= last.results;
  return isWhole ? { value: [...byId.values()], maxAge } : 'changed';
}

const LINODES: List<Linode> = { path: '/linode/instances', item: decodeLinode };

/**
 * Every Linode that matches the filter, each once, in the order of ids. Each page begins after the
 * last id of the page before, so that a Linode that comes or goes meanwhile hides no other. If the
 * list can't be read to its end, throws `PartialListError` with the Linodes that were read.
 */
export async function listLinodes(
  { http, clock }: ListDeps,
  filter: Readonly<Record<string, unknown>>,
  by: EpochMs,
): Promise<Linode[]> {
  const found: Linode[] = [];
  let incomplete = 0;
  for (;;) {
    const after = found.at(-1)?.id ?? null;
    const page = await readAfter(http, filter, after, by).catch((error: unknown) => {
      throw partial(found, error);
    });
    const items = page.data.toSorted((a, b) => a.id - b.id);
    const isInOrder = items.every(({ id }, index) => id > (items[index - 1]?.id ?? after ?? 0));
    if (!isInOrder) throw partial(found, unusable(LINODES, 'its ids are not in order'));
    found.push(...items);
    const isLast = page.results <= items.length;
    if (isLast) return found;
    // A page that lacks some of its items is read again, from the last item that it had.
    if (items.length < Math.min(PAGE_SIZE, page.results)) incomplete += 1;
    if (incomplete >= WALKS_MAX) throw partial(found, unusable(LINODES, 'its pages lack items'));
    if (clock.now() > by) throw partial(found, timeIsUp(LINODES));
  }
}

async function readAfter(
  http: ListDeps['http'],
  wanted: Readonly<Record<string, unknown>>,
  after: number | null,
  by: EpochMs,
): Promise<Page<Linode>> {
  const filter = {
    ...wanted,
    ...(after !== null && { id: { '+gt': after } }),
    '+order_by': 'id',
  };
  const read = await readPage(http, LINODES, { number: 1, filter }, by);
  if (read === 'notFound') throw unusable(LINODES, 'it has no first page');
  return read.value;
}

function partial(found: readonly Linode[], error: unknown): unknown {
  if (found.length === 0 || !(error instanceof AppError)) return error;
  return new PartialListError(error, found);
}

const shorter = (a: DurationMs | null, b: DurationMs | null): DurationMs | null =>
  a === null || b === null ? (a ?? b) : durationMs(Math.min(a, b));

interface PageWish {
  readonly number: number;
  readonly filter?: Readonly<Record<string, unknown>> | undefined;
  /** Takes the fault of an item that is left out; absent: a wrong item makes the list wrong. */
  readonly skip?: (fault: string) => void;
}

/** `notFound`: the list has fewer pages by now. */
async function readPage<T>(
  http: ListDeps['http'],
  list: List<T>,
  { number, filter, skip }: PageWish,
  by: EpochMs,
): Promise<Cacheable<Page<T>> | 'notFound'> {
  const call: Call = {
    ...callOf(list),
    query: `page=${number}&page_size=${PAGE_SIZE}`,
    ...(filter === undefined ? {} : { filter }),
  };
  const verdict = await http.send(call, by);
  if (verdict.kind === 'rejected' && verdict.status === 404 && number > 1) return 'notFound';
  if (verdict.kind !== 'ok') throw errorOf(call, verdict);
  const decoded = decodePage(list.item, skip)(verdict.body);
  if (!decoded.ok) throw unusable(list, decoded.fault);
  return { value: decoded.value, maxAge: verdict.maxAge };
}

const callOf = <T>({ path }: List<T>): Call => ({ method: 'GET', path });

const unusable = <T>(list: List<T>, fault: string): AppError =>
  errorOf(callOf(list), illShaped(fault));

const timeIsUp = <T>(list: List<T>): AppError =>
  errorOf(callOf(list), {
    kind: 'failed',
    status: null,
    reason: 'no time was left to read every page',
  });
