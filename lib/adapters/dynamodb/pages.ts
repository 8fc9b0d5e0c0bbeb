import { isClusterId } from '../../core/base/names.ts';
import { type MonthName, monthNamed } from '../../core/billing/bill.ts';
import type { ClusterRecord } from '../../core/cluster/record.ts';
import { AppError } from '../../errors.ts';

/** Lambda answers with 6 MB at the most, and a record grows a little when it is shown. */
const PAGE_BYTES_MAX = 3_000_000;

/** From the first to the last instant, both in it. */
export interface CreatedRange {
  readonly from: number;
  readonly to: number;
}

export function createdIn(month: MonthName): CreatedRange {
  const { start, end } = monthNamed(month);
  return { from: start, to: end - 1 };
}

/**
 * A page of `limit` of the records, or of fewer if they are large. `records` are those that match,
 * in order, and one more than `limit` where there are as many. The cursor names the last record
 * that was given out, so that none is skipped or repeated.
 */
export function pageOf(records: readonly ClusterRecord[], limit: number) {
  const given = withinBytes(records.slice(0, limit));
  const last = given.at(-1);
  const more = records.length > given.length;
  return { records: given, nextCursor: more && last ? cursorOf(last) : null };
}

/** The first of them, and as many after it as an answer has room for. */
function withinBytes(records: readonly ClusterRecord[]): ClusterRecord[] {
  let bytes = 0;
  return records.filter((record, index) => {
    bytes += Buffer.byteLength(JSON.stringify(record));
    return index === 0 || bytes <= PAGE_BYTES_MAX;
  });
}

const cursorOf = ({ id, createdAt }: ClusterRecord) =>
  Buffer.from(`${createdAt}/${id}`).toString('base64url');

/** The record that the cursor names. DynamoDB refuses to start outside the range that it is asked. */
export function positionOf(
  cursor: string,
  created: CreatedRange | null,
): Pick<ClusterRecord, 'id' | 'createdAt'> {
  const [at = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('/');
  const createdAt = Number(at) as ClusterRecord['createdAt'];
  const isOutside = created !== null && (createdAt < created.from || createdAt > created.to);
  if (/^\d{1,15}$/.test(at) && isClusterId(id) && !isOutside) return { id, createdAt };
  const fault = { path: 'cursor', message: 'take nextCursor from the answer before, unchanged' };
  throw new AppError('invalid', 'The cursor is not one of ours.', { faults: [fault] });
}
