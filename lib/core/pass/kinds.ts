import { formatUsd, type MicroUsd } from '../base/money.ts';
import { type EpochMs, latest, minus, minutes, plus, toIso } from '../base/units.ts';
import {
  isSameKind,
  kindOf,
  kindPriceOf,
  PRICES_AGE_MAX,
  presentPriceOf,
  raisedPrice,
} from '../cluster/kinds.ts';
import { lifeOf } from '../cluster/life.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  type Kind,
  type KindPrice,
  type LiveRecord,
  type NodeIn,
  nodesText,
  withHistory,
} from '../cluster/record.ts';

/** A node that changes more often than this can not be billed: its record would not stay small. */
const CHANGES_MAX = 4;
/** How long passes may try to look up a price before it counts as unknown. */
const PRICED_WITHIN = minutes(10);
/** Less than an hour, so that each second look at a running cluster reads prices. */
const PRICES_KEPT = minutes(50);
/** So near to its teardown, a pass reads no prices. */
const NEAR = minutes(1);
/** How many rises of one price a record holds. */
const RISES_MAX = 8;

/** The node with the change that its Linode shows, if somebody resized or migrated it. */
export function withKindSeen<N extends NodeIn<'created'> | NodeIn<'deleting'>>(
  node: N,
  linode: Linode,
  record: LiveRecord,
  now: EpochMs,
): N {
  const { type, region } = linode;
  const was = kindOf(record, node);
  if (isSameKind({ type, region }, was)) return node;
  const { changes = [], billedFrom } = node;
  const from = latest(changes.at(-1)?.to ?? billedFrom, record.lookedAt ?? billedFrom, billedFrom);
  return { ...node, changes: [...changes, { type, region, from, to: now }] };
}

/**
 * Whether a pass reads prices with its list: if a kind has none yet, and about each hour, since
 * Linode may raise the price of Linodes that exist. Nothing may hold up a teardown that is due.
 */
export function arePricesDue(record: LiveRecord, now: EpochMs): boolean {
  // The teardown time comes last, since reckoning it takes the most time.
  if (!arePricesOld(record, now) && !isPriceMissing(record)) return false;
  return record.phase === 'deleting' || now < minus(lifeOf(record, now).teardownAt, NEAR);
}

export const arePricesOld = ({ pricesReadAt, createdAt }: LiveRecord, now: EpochMs): boolean =>
  now >= plus(pricesReadAt ?? createdAt, PRICES_KEPT);

/** Whether a node became a kind whose price no pass has read. */
export const isPriceMissing = (record: LiveRecord): boolean =>
  kindsOf(record).some((kind) => kindPriceOf(record, kind) === undefined);

/** The kind of a node whose price can't be known; null: there is none. */
export function unpricedKind(record: LiveRecord, now: EpochMs): Kind | null {
  for (const node of record.nodes) {
    if (!('changes' in node) || node.changes === undefined) continue;
    for (const change of node.changes) {
      const known = kindPriceOf(record, change);
      const isLate = known === undefined && now >= plus(change.to, PRICED_WITHIN);
      if (isLate || known?.price === null || node.changes.length > CHANGES_MAX) return change;
    }
  }
  return null;
}

/** What was read of prices. */
export interface PricesRead {
  readonly found: readonly KindPrice[];
  /** The price of a GB of transfer in the dearest region of the nodes; null: none is known. */
  readonly gbPrice: MicroUsd | null;
  /** Whether Linode manages the account; false if the token can't read that. */
  readonly isManaged: boolean;
}

/** The record with the prices of its kinds, and what they mean in the history. */
export function withPricesRead(
  record: LiveRecord,
  { found, isManaged, gbPrice }: PricesRead,
  at: EpochMs,
): LiveRecord {
  const known = found.reduce((current, kindPrice) => {
    const before = presentPriceOf(current, kindPrice);
    if (before === undefined) return withKindPrice(current, kindPrice, at);
    return withPriceRise(current, before, kindPrice, at);
  }, record);
  const next = withGbPrice({ ...known, pricesReadAt: at }, gbPrice, at);
  if (!isManaged || next.managedAt !== undefined) return next;
  return withHistory({ ...next, managedAt: at }, at, 'Linode manages the account from now on');
}

/** Of transfer, the highest price ever read counts for all of it. */
function withGbPrice(record: LiveRecord, found: MicroUsd | null, at: EpochMs): LiveRecord {
  const known = record.gbPrice ?? record.bought.transfer?.gbPrice;
  if (known === undefined || found === null || found <= known) return record;
  const cost = `a GB of transfer costs ${formatUsd(found)} now`;
  return withHistory({ ...record, gbPrice: found }, at, cost);
}

function withKindPrice(record: LiveRecord, found: KindPrice, at: EpochMs): LiveRecord {
  const next = { ...record, kindPrices: [...(record.kindPrices ?? []), found] };
  const indexes = record.nodes.flatMap((node) =>
    'linodeId' in node && isSameKind(kindOf(record, node), found) ? [node.index] : [],
  );
  const { type, region, price } = found;
  const cost = price === null ? 'whose price is unknown' : `at ${formatUsd(price.hourly)} an hour`;
  const event = `${nodesText(indexes)} became ${type} in ${region}, ${cost}: ${untilOf(next, at)}`;
  return withHistory(next, at, event);
}

function withPriceRise(
  record: LiveRecord,
  before: KindPrice,
  found: KindPrice,
  at: EpochMs,
): LiveRecord {
  const raised = raisedPrice(before, found);
  if (raised === null) return record;
  const { type, region } = found;
  const from = minus(record.pricesReadAt ?? record.createdAt, PRICES_AGE_MAX);
  const { priceRises = [] } = record;
  const earlier = priceRises.filter((rise) => isSameKind(rise, found));
  const last = earlier.length >= RISES_MAX ? earlier.at(-1) : undefined;
  // The record must stay small: after so many rises, a further one counts from the last on.
  const since = last ?? { from, to: at };
  const rise = { type, region, ...raised, from: since.from, to: since.to };
  const next = { ...record, priceRises: [...priceRises.filter((one) => one !== last), rise] };
  const cost = `${type} in ${region} to ${formatUsd(raised.price.hourly)} an hour`;
  return withHistory(next, at, `Linode has raised the price of ${cost}: ${untilOf(next, at)}`);
}

const untilOf = (record: LiveRecord, at: EpochMs): string =>
  `lasts until ${toIso(lifeOf(record, at).teardownAt)}`;

/** Each kind of the nodes once: what was bought, and what people made of it. */
export function kindsOf({ bought, nodes }: LiveRecord): Kind[] {
  const changes = nodes.flatMap((node) => ('changes' in node ? (node.changes ?? []) : []));
  const all = [bought, ...changes].map(({ type, region }) => ({ type, region }));
  return all.filter((kind, row) => all.findIndex((other) => isSameKind(other, kind)) === row);
}
