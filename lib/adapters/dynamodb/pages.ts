import { isClusterId } from '../../core/base/names.ts';
import { type MonthName, monthNamed } from '../../core/billing/bill.ts';
import { AppError } from '../../errors.ts';
import { byReadability, type ManyRead, type Unreadable } from '../../ports.ts';

/**
 * The most bytes of a page. An answer of Lambda has at most 6 MB, and a record grows a little when
 * it is rendered.
 */
const PAGE_BYTES_MAX = 3_000_000;

/** The position of a record in a list. */
export interface Positioned {
  readonly id: string;
  readonly createdAt: number;
}

/** Instants in epoch ms, from the first to the last, both included. */
export interface CreatedRange {
  readonly from: number;
  readonly to: number;
}

export function createdIn(month: MonthName): CreatedRange {
  const { start, end } = monthNamed(month);
  return { from: start, to: end - 1 };
}

/**
 * A page of at most `limit` records, or fewer if they are large. `found` are the matching records
 * in order, one more than `limit` if there are as many, and those between them that can't be read.
 * The cursor names the last record of the page, so that the next page neither skips nor repeats a
 * record.
 */
export function pageOf<R extends Positioned>(
  found: readonly (R | Unreadable<R['id']>)[],
  limit: number,
): ManyRead<R> & { readonly nextCursor: string | null } {
  const { records: all } = byReadability<R>(found);
  const records = withinBytes(all.slice(0, limit));
  const last = records.at(-1);
  if (last === undefined || records.length === all.length) {
    return { ...byReadability<R>(found), nextCursor: null };
  }
  // The next page shows the records that can't be read after the last record of this page.
  const { unreadable } = byReadability<R>(found.slice(0, found.indexOf(last)));
  return { records, nextCursor: cursorOf(last), unreadable };
}

/** The first record, and as many of the following ones as an answer has room for. */
function withinBytes<R>(records: readonly R[]): R[] {
  let bytes = 0;
  return records.filter((record, index) => {
    bytes += Buffer.byteLength(JSON.stringify(record));
    return index === 0 || bytes <= PAGE_BYTES_MAX;
  });
}

export const cursorOf = ({ id, createdAt }: Positioned): string =>
  Buffer.from(`${createdAt}/${id}`).toString('base64url');

/**
 * The position that the cursor names. AppError `invalid` if there is none, or if it lies outside
 * `created`, where DynamoDB refuses to start.
 */
export function positionOf(
  cursor: string,
  created: CreatedRange | null,
  isId: (text: string) => boolean = isClusterId,
): Positioned {
  const [at = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('/');
  const createdAt = Number(at);
  const isOutside = created !== null && (createdAt < created.from || createdAt > created.to);
  if (/^\d{1,15}$/.test(at) && isId(id) && !isOutside) return { id, createdAt };
  const fault = { path: 'cursor', message: 'must be nextCursor of the page before, unchanged' };
  throw new AppError('invalid', 'The cursor is not one that Onebuck gave.', { faults: [fault] });
}
