import { type DurationMs, durationMs, type EpochMs } from '../../core/base/units.ts';
import type { AppError } from '../../errors.ts';
import type { Cacheable, Clock } from '../../ports.ts';
import { type Call, errorOf, illShaped } from './answer.ts';
import type { LinodeHttp } from './http.ts';
import { type Decoder, decodePage, type Page } from './wire.ts';

export interface List<T> {
  readonly path: string;
  readonly item: Decoder<T>;
  /**
   * A filter, for lists that Linode can order by id. A list with a filter is read in the order of
   * ids.
   */
  readonly filter?: Readonly<Record<string, unknown>>;
}

interface ListDeps {
  readonly http: Pick<LinodeHttp, 'send'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** The largest page that Linode gives: docs/linode.md#lists. */
const PAGE_SIZE = 500;
const PAGES_MAX = 200;
const WALKS_MAX = 5;

/**
 * Every item of a list, each once; throws rather than return only some of them. The list may change
 * while its pages are read. In the order of ids, new items come last and do no harm, but a removed
 * item moves the following ones up, past the page being read. Then the reading starts again. The
 * result may be used for as long as each of its pages.
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
  { http, clock }: ListDeps,
  list: List<T>,
  by: EpochMs,
): Promise<Cacheable<T[]> | 'changed'> {
  const byId = new Map<number | string, T>();
  let rowsCount = 0;
  let last: Page<T> | null = null;
  let maxAge: DurationMs | null = null;
  for (let number = 1; last === null || number <= last.pages; number += 1) {
    if (last !== null && clock.now() > by) throw timeIsUp(list);
    const read: Cacheable<Page<T>> | 'notFound' = await readPage(http, list, number, by);
    if (read === 'notFound') return 'changed';
    const page = read.value;
    if (last !== null && hasShifted(list, last, page)) return 'changed';
    if (page.pages > PAGES_MAX) throw unusable(list, `pages is above ${PAGES_MAX}`);
    // An empty list has been seen to have 0 pages and no first page.
    if (page.page !== number && page.results > 0) throw unusable(list, 'page is another one');
    for (const item of page.data) byId.set(item.id, item);
    rowsCount += page.data.length;
    maxAge = shorter(maxAge, read.maxAge);
    last = page;
  }
  const isWhole = last !== null && rowsCount >= last.results;
  return isWhole ? { value: [...byId.values()], maxAge } : 'changed';
}

const shorter = (a: DurationMs | null, b: DurationMs | null): DurationMs | null =>
  a === null || b === null ? (a ?? b) : durationMs(Math.min(a, b));

const hasShifted = <T>(list: List<T>, before: Page<T>, after: Page<T>): boolean =>
  list.filter === undefined ? after.results !== before.results : after.results < before.results;

/** `notFound`: the list has fewer pages by now. */
async function readPage<T>(
  http: ListDeps['http'],
  list: List<T>,
  number: number,
  by: EpochMs,
): Promise<Cacheable<Page<T>> | 'notFound'> {
  const call: Call = {
    ...callOf(list),
    query: `page=${number}&page_size=${PAGE_SIZE}`,
    ...(list.filter === undefined ? {} : { filter: { ...list.filter, '+order_by': 'id' } }),
  };
  const verdict = await http.send(call, by);
  if (verdict.kind === 'rejected' && verdict.status === 404 && number > 1) return 'notFound';
  if (verdict.kind !== 'ok') throw errorOf(call, verdict);
  const decoded = decodePage(list.item)(verdict.body);
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
