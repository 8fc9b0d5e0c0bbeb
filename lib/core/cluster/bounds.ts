import type { ClusterRecord } from './record.ts';

/**
 * The most addresses of a node that a record keeps. A node has one public address, and few more if
 * a person adds some.
 */
const ADDRESSES_MAX = 4;
/** The most `reap` tags that a record keeps. A tag that is forgotten stays in the account. */
const REAP_TAGS_MAX = 200;
/** The bytes of each text to which a record is shortened, one after the other, until it fits. */
const TEXT_BYTES = [1_000, 250, 64] as const;

/**
 * The record with its texts cut so that it takes at most `bytesMax` bytes as JSON. Cut are the texts
 * that Linode or chance determine: reasons and other texts of nodes, events of the history, the
 * failure and the trouble; each keeps at least 64 bytes. The spec stays whole: its bounds leave
 * enough room for all that a life can add (docs/decisions.md).
 */
export function withinBytes<R extends ClusterRecord>(record: R, bytesMax: number): R {
  let cut = record;
  for (const textMax of TEXT_BYTES) {
    cut = withTextsCut(cut, textMax);
    if (bytesOf(JSON.stringify(cut)) <= bytesMax) break;
  }
  return cut;
}

function withTextsCut<R extends ClusterRecord>(record: R, bytesMax: number): R {
  const cut = (text: string) => cutTo(text, bytesMax);
  const { trouble } = record;
  return {
    ...record,
    nodes: record.nodes.map((node) => withAllTextsCut(node, cut)),
    reapTags: record.reapTags.slice(-REAP_TAGS_MAX),
    history: record.history.map((entry) => ({ ...entry, event: cut(entry.event) })),
    ...(trouble === undefined ? {} : { trouble: { ...trouble, reason: cut(trouble.reason) } }),
    ...('failure' in record && record.failure !== null && { failure: cut(record.failure) }),
  };
}

/** Cuts every text in the node, so that a field that is added later has a bound, too. */
function withAllTextsCut<Part>(part: Part, cut: (text: string) => string): Part {
  const cutPart = (value: unknown): unknown => {
    if (typeof value === 'string') return cut(value);
    if (Array.isArray(value)) return value.slice(0, ADDRESSES_MAX).map(cutPart);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cutPart(inner)]));
  };
  return cutPart(part) as Part;
}

const ELLIPSIS = '…';

/** The text, or its beginning and an ellipsis, in at most `bytesMax` bytes of UTF-8. */
export function cutTo(text: string, bytesMax: number): string {
  // A character of UTF-16 takes at most three bytes.
  if (text.length * 3 <= bytesMax || bytesOf(text) <= bytesMax) return text;
  const room = new Uint8Array(bytesMax - bytesOf(ELLIPSIS));
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read) + ELLIPSIS;
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
