import { clusterOfLabel, ownershipTag, type Tag } from '../base/names.ts';
import { type EpochMs, seconds } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import { isKnownWithoutTag, membersOf } from '../cluster/members.ts';
import {
  type Common,
  isExisting,
  type LiveRecord,
  machineOf,
  machineSeenAgain,
  type NodeRecord,
} from '../cluster/record.ts';
import { withKindSeen } from './kinds.ts';
import { isUnlisted, withoutSighting, withoutTag } from './tags.ts';
import { withoutGoneStrays, withoutMachine, withSurvival, withTroublesNoted } from './troubles.ts';

/**
 * How long after a create, if its reply was lost and the list does not show its Linode, a pass
 * sends it again with the same label.
 */
export const RESEND_AFTER = seconds(30);

/** The Linode of a node: found by id once the id is known, so that a new label does not hide it. */
export function linodeOf(node: NodeRecord, linodes: readonly Linode[]): Linode | undefined {
  return 'linodeId' in node
    ? linodes.find(({ id }) => id === node.linodeId)
    : linodes.find(({ label }) => label === node.label);
}

/**
 * The Linodes of the cluster that no node accounts for, such as a copy made by hand. A Linode with
 * the label of another cluster's node is that node, whatever its tags say.
 */
export function unknownLinodesOf(record: Common, linodes: readonly Linode[]): Linode[] {
  const known = new Set(record.nodes.map((node) => linodeOf(node, linodes)?.id));
  return linodes.filter(({ id, label }) => {
    const named = clusterOfLabel(label);
    return !known.has(id) && (named === null || named === record.id);
  });
}

/**
 * The unknown Linodes that may be nodes whose creates were not answered: somebody may have changed
 * their label. A Linode of another type or region can't be one of these nodes.
 */
export function possibleNodesOf(record: Common, linodes: readonly Linode[]): Linode[] {
  if (!record.nodes.some(({ state }) => state === 'creating')) return [];
  const { type, region } = record.bought;
  return unknownLinodesOf(record, linodes)
    .filter((linode) => linode.type === type && linode.region === region)
    .sort((a, b) => a.id - b.id);
}

/**
 * The record updated by Linode's list. A node missing from the list proves little by itself,
 * because the list may lag: only a node whose deletion was accepted becomes `gone`.
 */
export function observe<R extends LiveRecord>(record: R, listed: readonly Linode[], now: EpochMs) {
  const linodes = membersOf(record, listed);
  const ours = ownershipTag(record.stage);
  const nodes = record.nodes.map((node) => {
    const stripped = strippedLinodeOf(node, listed, ours);
    if (stripped !== undefined) return withoutTag(node, stripped, now);
    const linode = linodeOf(node, linodes);
    const seen = observed(node, linode, now, ours);
    if (linode === undefined || !isExisting(seen) || linode.status === 'deleting') return seen;
    return withKindSeen(seen, linode, record, now);
  });
  const seen = withoutGoneStrays({ ...record, nodes }, linodes);
  const next = withRelabelled(seen, linodes, now);
  return withTroublesNoted(withBackupsLearned(next), record, now);
}

/** The Linode of a node, if it lacks the ownership tag and is not known to have lost it. */
export function strippedLinodeOf(
  node: NodeRecord,
  listed: readonly Linode[],
  ours: Tag,
): Linode | undefined {
  if (!('linodeId' in node)) return undefined;
  const linode = linodeOf(node, listed);
  if (linode === undefined || linode.tags.includes(ours)) return undefined;
  return isKnownWithoutTag(node, linode) ? undefined : linode;
}

/**
 * Before a create is sent again, a Linode that may come from the first create is taken for it,
 * since Linode would bill two Linodes of one node. Until then, the list may yet show the Linode
 * under the node's label.
 */
function withRelabelled<R extends LiveRecord>(
  record: R,
  linodes: readonly Linode[],
  now: EpochMs,
): R {
  const possible = possibleNodesOf(record, linodes);
  const nodes = record.nodes.map((node) => {
    if (node.state !== 'creating') return node;
    const isTime = record.phase === 'deleting' || now - node.triedAt >= RESEND_AFTER;
    return observed(node, isTime ? possible.shift() : undefined, now, ownershipTag(record.stage));
  });
  return { ...record, nodes };
}

function observed(
  node: NodeRecord,
  linode: Linode | undefined,
  now: EpochMs,
  ours: Tag,
): NodeRecord {
  if (linode === undefined) {
    // No list showed the Linode before its deletion either: only its id tells whether it exists.
    if (node.state === 'deleting' && isUnlisted(node)) return node;
    // Linode accepted the deletion, and its list agrees.
    return node.state === 'deleting' ? withoutMachine(node, now) : node;
  }
  const { index, label } = node;
  const isTagged = linode.tags.includes(ours);
  switch (node.state) {
    case 'planned':
    case 'creating':
    case 'neverCreated': // its create landed after a pass had given it up
      return { state: 'created', index, label, ...machineOf(linode, now) };
    case 'created':
      return {
        ...{ state: 'created', index, label, ...machineSeenAgain(node, linode, now) },
        ...(node.trouble === undefined ? {} : { trouble: node.trouble }),
        ...(isTagged || node.tagLostAt === undefined ? {} : { tagLostAt: node.tagLostAt }),
      };
    case 'deleting':
    case 'gone': {
      // The person who took the node over has given it back.
      if (node.state === 'gone' && node.takenOver) {
        return { state: 'created', index, label, ...machineSeenAgain(node, linode, now) };
      }
      // This list is older than the one without the node, or nothing was deleted.
      const known = isTagged ? withoutSighting(node) : node;
      const deleting = { ...known, state: 'deleting', status: linode.status } as const;
      return linode.status === 'deleting' ? deleting : withSurvival(deleting, now);
    }
  }
}

/**
 * The record after a node has shown backups. Onebuck does not ask for them, so the account forces
 * them: they are assumed for the nodes that have not been seen, too.
 */
export function withBackupsLearned<R extends Common>(record: R): R {
  const { bought, nodes } = record;
  const forced = nodes.some((node) => 'backups' in node && node.backups);
  if (!forced || bought.backupsAssumed) return record;
  return { ...record, bought: { ...bought, backupsAssumed: true } };
}
