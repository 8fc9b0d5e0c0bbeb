import { formatUsd } from '../base/money.ts';
import { type EpochMs, latest, minutes, plus, toIso } from '../base/units.ts';
import { isSameKind, kindOf, kindPriceOf } from '../cluster/kinds.ts';
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
import type { Step } from './steps.ts';

/** A node that changes more often than this can not be billed: its record would not stay small. */
const CHANGES_MAX = 4;
/** How long passes may try to look up a price before it counts as unknown. */
const PRICED_WITHIN = minutes(10);

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

/** The steps that look up the prices of what people made of the nodes. */
export function priceLookups(record: LiveRecord): Step[] {
  const kinds = changedKinds(record).filter((kind) => kindPriceOf(record, kind) === undefined);
  return kinds.map(({ type, region }) => ({ kind: 'readPrice', type, region }));
}

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

/** The record with the price of a kind, and what it means in the history. */
export function withKindPrice(record: LiveRecord, found: KindPrice, at: EpochMs): LiveRecord {
  const { kindPrices = [] } = record;
  const next = { ...record, kindPrices: [...kindPrices, found] };
  const indexes = record.nodes.flatMap((node) =>
    'linodeId' in node && isSameKind(kindOf(record, node), found) ? [node.index] : [],
  );
  const { type, region, price } = found;
  const cost = price === null ? 'whose price is unknown' : `at ${formatUsd(price.hourly)} an hour`;
  const until = `lasts until ${toIso(lifeOf(next, at).teardownAt)}`;
  const event = `${nodesText(indexes)} became ${type} in ${region}, ${cost}: ${until}`;
  return withHistory(next, at, event);
}

function changedKinds({ nodes }: LiveRecord): Kind[] {
  const all = nodes.flatMap((node) => ('changes' in node ? (node.changes ?? []) : []));
  return all.filter((kind, row) => all.findIndex((other) => isSameKind(other, kind)) === row);
}
