import type { Instance } from './instance.ts';

/**
 * The most that the firewall of a node lets out once its allowance is used up, in bytes a second:
 * 64 kB of all packets, and 32 kB of small ones.
 */
export const SLOWED_BYTES_PER_SECOND = 96_000;

export interface Month {
  readonly start: number;
  readonly end: number;
}

/** The calendar month (UTC). */
export function monthAt(at: number): Month {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
}

/** Such as `2026-11`. */
export const monthNameAt = (at: number): string => new Date(at).toISOString().slice(0, 7);

/** A part of a month in which a Linode sends at one rate, or all at once if it has no length. */
interface Piece {
  readonly from: number;
  readonly until: number;
  readonly bytesPerSecond: number;
  /** What was sent in the month before this piece, and by its end. */
  readonly before: number;
  readonly after: number;
}

/** The bytes that the Linode sent from `from` until `to`. */
export function bytesBetween(instance: Instance, from: number, to: number): number {
  let bytes = 0;
  for (let at = from; at < to; at = monthAt(at).end) {
    const pieces = piecesIn(instance, monthAt(at));
    bytes += sentBy(pieces, Math.min(to, monthAt(at).end)) - sentBy(pieces, at);
  }
  return bytes;
}

/** The bytes that the Linode sent in the calendar month of `at` up to `at`. */
export const bytesInMonth = (instance: Instance, at: number): number =>
  bytesBetween(instance, monthAt(at).start, at);

/** What the Linode itself has counted of that: since its counter last began anew. */
export const countedInMonth = (instance: Instance, at: number): number =>
  bytesInMonth(instance, at) - uncountedAt(instance, at);

/** What the Linode has sent in the month of `at` and does not count. */
export function uncountedAt(instance: Instance, at: number): number {
  const lostAt = lostBefore(instance, at);
  return lostAt === null ? 0 : bytesInMonth(instance, lostAt);
}

/** Since when the Linode counts, in seconds of the epoch. */
export const countsSince = ({ created, limit }: Instance): number =>
  Math.floor((limit?.lostAt?.at(-1) ?? created) / 1_000);

/** When the Linode last lost its counter in the month of `at`; null: it did not. */
const lostBefore = ({ limit }: Instance, at: number): number | null =>
  limit?.lostAt?.findLast((one) => one <= at && one >= monthAt(at).start) ?? null;

/**
 * The bytes that the Linode may send at full rate in the month of `at`, by its own counter, as far as
 * it knows by `at`.
 */
export function allowanceAt(instance: Instance, at: number): number {
  const { limit } = instance;
  if (limit === undefined || at >= (limit.goneAt ?? at + 1)) return Number.POSITIVE_INFINITY;
  const month = monthNameAt(at);
  const since = lostBefore(instance, at) ?? 0;
  const known = limit.grants.filter(
    (grant) => grant.month === month && grant.at <= at && grant.at >= since,
  );
  return Math.max(limit.slice, ...known.map(({ bytes }) => bytes));
}

/**
 * When the Linode, from `from` on, has first counted so many bytes in the month of `from`, if nothing
 * is granted meanwhile; null: it does not in that month.
 */
export function reachesAt(instance: Instance, counted: number, from: number): number | null {
  const bytes = counted + uncountedAt(instance, from);
  const pieces = piecesIn(instance, monthAt(from));
  if (sentBy(pieces, from) >= bytes) return from;
  const piece = pieces.find(({ after }) => after >= bytes);
  if (piece === undefined) return null;
  if (piece.until === piece.from) return piece.from + 1;
  return Math.ceil(piece.from + ((bytes - piece.before) / piece.bytesPerSecond) * 1_000);
}

/** What was sent before `at`. */
function sentBy(pieces: readonly Piece[], at: number): number {
  const piece = pieces.findLast(({ from }) => from < at);
  if (piece === undefined) return 0;
  if (piece.until <= at) return piece.after;
  return piece.before + ((at - piece.from) / 1_000) * piece.bytesPerSecond;
}

/** The pieces of each month, by its start. A Linode is made anew with each change. */
const known = new WeakMap<Instance, Map<number, readonly Piece[]>>();

function piecesIn(instance: Instance, month: Month): readonly Piece[] {
  const months = known.get(instance) ?? new Map<number, readonly Piece[]>();
  known.set(instance, months);
  const pieces = months.get(month.start) ?? newPieces(instance, month);
  months.set(month.start, pieces);
  return pieces;
}

/**
 * What the Linode sends in the month: all that it wants to as long as its allowance lasts, and what
 * the firewall lets out after that. What the firewall drops is not sent later.
 */
function newPieces(instance: Instance, month: Month): Piece[] {
  const { created, deleted, sends = [], sentAtOnce = [], limit } = instance;
  const start = Math.max(month.start, created);
  const end = Math.min(month.end, deleted ?? month.end);
  const wants = sends.map(({ fromSeconds, untilSeconds, bytesPerSecond }) => ({
    from: created + fromSeconds * 1_000,
    until: untilSeconds === null ? end : created + untilSeconds * 1_000,
    bytesPerSecond,
  }));
  const isSilent = wants.every((want) => want.from >= end || want.until <= start);
  if (isSilent && sentAtOnce.length === 0) return [];
  const changes = [
    ...wants.flatMap(({ from, until }) => [from, until]),
    ...sentAtOnce.map(({ at }) => at),
    ...(limit?.grants ?? []).map(({ at }) => at),
    ...(limit?.lostAt ?? []),
    limit?.goneAt ?? start,
  ];
  const inside = changes.filter((at) => at > start && at < end);
  const times = [...new Set([start, ...inside, end])].toSorted((a, b) => a - b);
  const pieces: Piece[] = [];
  let sent = 0;
  let uncounted = 0;
  const add = (from: number, until: number, bytesPerSecond: number, after: number): void => {
    if (after > sent) pieces.push({ from, until, bytesPerSecond, before: sent, after });
    sent = after;
  };
  for (const [index, from] of times.slice(0, -1).entries()) {
    const until = times[index + 1] ?? end;
    if (limit?.lostAt?.includes(from)) uncounted = sent;
    const allowance = uncounted + allowanceAt(instance, from);
    const left = () => Math.max(0, allowance - sent);
    for (const { at, bytes } of sentAtOnce) {
      if (at === from) add(from, from, 0, sent + Math.min(bytes, left()));
    }
    const active = wants.filter((want) => want.from <= from && want.until > from);
    const wanted = active.reduce((total, { bytesPerSecond }) => total + bytesPerSecond, 0);
    const full = wanted === 0 ? until : Math.min(until, from + (left() / wanted) * 1_000);
    const sentBySpeed = sent + ((full - from) / 1_000) * wanted;
    add(from, full, wanted, full < until ? Math.max(sent, allowance) : sentBySpeed);
    const slowed = Math.min(wanted, SLOWED_BYTES_PER_SECOND);
    add(full, until, slowed, sent + ((until - full) / 1_000) * slowed);
  }
  return pieces;
}
