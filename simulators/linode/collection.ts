import { ApiError, notFound } from './api-error.ts';
import { type Filter, parseFilter } from './filter.ts';
import { type Row, rowJson } from './json.ts';

/** The part of a call that decides which page of a collection the answer is. */
export interface CollectionRequest {
  readonly query: URLSearchParams;
  /** The header X-Filter. */
  readonly filter: string | undefined;
  /** A fault that cuts the last `items` off the collection; null: no fault. */
  readonly truncated: { readonly items: number; readonly keepTotals: boolean } | null;
}

/**
 * JSON of one page of the rows that the filter matches. `filterable` are the fields that a filter
 * may name. `rows` may leave out rows that the filter does not match.
 */
export function pageOf(
  request: CollectionRequest,
  filterable: readonly string[],
  rows: (filter: Filter) => readonly Row[],
): string {
  const size = bounded(request.query, { name: 'page_size', least: 25, most: 500, otherwise: 100 });
  const page = bounded(request.query, { name: 'page', least: 1, most: null, otherwise: 1 });
  const filter = parseFilter(request.filter, new Set(filterable));
  const all = rows(filter).filter(filter.matches);
  if (filter.compare !== null) all.sort(filter.compare);

  const kept = all.slice(0, Math.max(0, all.length - (request.truncated?.items ?? 0)));
  const results = request.truncated?.keepTotals === true ? all.length : kept.length;
  const pages = Math.max(1, Math.ceil(results / size));
  if (page > pages) throw notFound();
  const data = kept
    .slice((page - 1) * size, page * size)
    .map(rowJson)
    .join(', ');
  return `{"data": [${data}], "page": ${page}, "pages": ${pages}, "results": ${results}}`;
}

interface Bounds {
  readonly name: string;
  readonly least: number;
  readonly most: number | null;
  readonly otherwise: number;
}

function bounded(query: URLSearchParams, { name, least, most, otherwise }: Bounds): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && (most === null || value <= most)) return value;
  const reason = most === null ? `Must be at least ${least}` : `Must be ${least}-${most}`;
  throw new ApiError(400, { reason, field: name });
}
