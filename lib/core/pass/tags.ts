import { ownershipTag } from '../base/names.ts';
import { type EpochMs, latest, minutes, plus } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import { knownLabel } from '../cluster/members.ts';
import {
  type Existing,
  isExisting,
  type LiveRecord,
  machineSeenAgain,
  type NodeIn,
  type NodeRecord,
  nodesText,
  takenOverIn,
  withHistory,
} from '../cluster/record.ts';
import { TAGGING_TIME_MAX } from './steps.ts';

/** How long a look at a Linode by its id counts. */
export const ASK_AGAIN_AFTER = minutes(1);

/** Whether lists do not show the Linode, since it lacks a tag, so that its id must be asked for. */
export const isUnlisted = ({ checkedAt, untaggedAt, tagLostAt }: Existing): boolean =>
  checkedAt !== undefined || untaggedAt !== undefined || tagLostAt !== undefined;

/** The node without what was seen of its Linode while no list showed it with its tags. */
export function withoutSighting<N extends NodeRecord>(node: N): N {
  const { checkedAt: _, untaggedAt: __, tagLostAt: ___, ...rest } = node as N & Existing;
  return rest as unknown as N;
}

/**
 * The node whose Linode was seen without the ownership tag. If its label is another one, too, a
 * person took it over on purpose; otherwise the other nodes tell.
 */
export function withoutTag(node: NodeRecord, linode: Linode, now: EpochMs): NodeRecord {
  if (!isExisting(node)) return node;
  if (linode.label !== knownLabel(node)) return takenOver(node, now);
  const untaggedAt = node.untaggedAt ?? now;
  if (node.state === 'deleting') return { ...node, status: linode.status, untaggedAt };
  return { ...node, ...machineSeenAgain(node, linode, now), untaggedAt };
}

/** The node that a person has taken over. It counts for the cluster until `now`. */
export function takenOver(node: Existing, now: EpochMs): NodeIn<'gone'> {
  const { trouble: _, ...known } = withoutSighting(node);
  return { ...known, state: 'gone', billedUntil: now, takenOver: true };
}

/**
 * Decides what became of the nodes that were seen without the ownership tag:
 * 1. If another node of the cluster has the tag, a person has taken them over; but if a pass may
 *    have put the tag on that node after the others lost it, that says nothing.
 * 2. If all nodes that exist lack it, somebody has deleted the tag, or taken it off all Linodes:
 *    they are still the cluster's, by id and label.
 * 3. If the others have not been looked at, a later pass decides.
 *
 * `before` is the record before the list: a node that had lost the tag then, and has it now, has it
 * from Onebuck, which says nothing about the others.
 */
export function withTagLossDecided<R extends LiveRecord>(
  record: R,
  before: LiveRecord,
  listed: readonly Linode[],
  now: EpochMs,
): R {
  const existing = record.nodes.filter(isExisting);
  const untagged = existing.filter(({ untaggedAt }) => untaggedAt !== undefined);
  if (untagged.length === 0) return record;
  const since = latest(...(untagged.map((node) => node.untaggedAt ?? now) as [EpochMs]));
  if (hasTaggedNode(before, listed) || isFoundTagged(record, since)) {
    return hasJustRetagged(before)
      ? withTagLost(record, now)
      : withTakenOver(record, untagged, now);
  }
  const isUndecided = existing.some(
    (node) => isAlive(node) && node.untaggedAt === undefined && !isLost(before.nodes[node.index]),
  );
  return isUndecided ? record : withTagLost(record, now);
}

/** Whether a pass has put tags on nodes after the last list that showed all nodes with the tag. */
const hasJustRetagged = ({ retaggedAt, lookedAt }: LiveRecord): boolean =>
  retaggedAt !== undefined &&
  (lookedAt === undefined || lookedAt < plus(retaggedAt, TAGGING_TIME_MAX));

/**
 * Whether the tags of a node's Linode say whether all nodes lost a tag: a Linode that goes away
 * keeps its last tags.
 */
const isAlive = (node: Existing): boolean =>
  node.state === 'created' ? node.status !== 'deleting' : node.trouble !== undefined;

const isLost = (node: NodeRecord | undefined): boolean =>
  node !== undefined && isExisting(node) && node.tagLostAt !== undefined;

/** Whether a list shows a living node of the cluster with the tag, which had not lost it before. */
export function hasTaggedNode(record: LiveRecord, listed: readonly Linode[]): boolean {
  const ours = ownershipTag(record.stage);
  const tagged = new Set(listed.filter(({ tags }) => tags.includes(ours)).map(({ id }) => id));
  return record.nodes.some(
    (node) => isExisting(node) && isAlive(node) && !isLost(node) && tagged.has(node.linodeId),
  );
}

/** Whether a node of the cluster that no list shows was found with the ownership tag since then. */
const isFoundTagged = (record: LiveRecord, since: EpochMs): boolean =>
  record.nodes.some((node) => {
    if (!isExisting(node) || !isAlive(node)) return false;
    const { checkedAt, untaggedAt, tagLostAt } = node;
    const isChecked = checkedAt !== undefined && checkedAt > since;
    return isChecked && untaggedAt === undefined && tagLostAt === undefined;
  });

function withTakenOver<R extends LiveRecord>(record: R, taken: readonly Existing[], now: EpochMs) {
  const nodes = record.nodes.map((node) =>
    isExisting(node) && taken.includes(node) ? takenOver(node, now) : node,
  );
  return { ...record, nodes };
}

function withTagLost<R extends LiveRecord>(record: R, now: EpochMs): R {
  const nodes = record.nodes.map((node): NodeRecord => {
    if (!isExisting(node) || node.untaggedAt === undefined) return node;
    const { untaggedAt: _, ...known } = node;
    return { ...known, tagLostAt: now };
  });
  const tag = ownershipTag(record.stage);
  const event = `nodes lost the tag ${tag} at once: Onebuck knows them by id and label`;
  const tagLosses = (record.tagLosses ?? 0) + 1;
  return withHistory({ ...record, nodes, tagLosses }, now, event);
}

/** The record with an entry in its history about nodes that since `before` were taken over. */
export function withTakeoversNoted<R extends LiveRecord>(
  record: R,
  before: LiveRecord,
  at: EpochMs,
): R {
  const known = takenOverIn(before);
  const fresh = takenOverIn(record).filter((index) => !known.includes(index));
  if (fresh.length === 0) return record;
  return withHistory(record, at, `${nodesText(fresh)} taken over: lives on, billed to you`);
}
