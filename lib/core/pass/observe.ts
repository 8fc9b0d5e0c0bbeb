import { clusterOfTags, ownershipTag } from '../base/names.ts';
import { type EpochMs, seconds } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  type Common,
  type LiveRecord,
  machineOf,
  machineSeenAgain,
  type NodeRecord,
} from '../cluster/record.ts';

/** When a create with a lost reply, not seen in the list since, is sent again: same label. */
export const RESEND_AFTER = seconds(30);

/** Linodes that bear both this deployment's tag and this cluster's: all that may be touched. */
export function linodesOf(record: Common, linodes: readonly Linode[]): Linode[] {
  const ours = ownershipTag(record.stage);
  return linodes.filter(({ tags }) => tags.includes(ours) && clusterOfTags(tags) === record.id);
}

/** The Linode of a node: by id once that is known, so that a new label does not hide it. */
export function linodeOf(node: NodeRecord, linodes: readonly Linode[]): Linode | undefined {
  return 'linodeId' in node
    ? linodes.find(({ id }) => id === node.linodeId)
    : linodes.find(({ label }) => label === node.label);
}

/** Linodes of the cluster that no node accounts for, such as a copy made by hand. */
export function unknownLinodesOf(record: Common, linodes: readonly Linode[]): Linode[] {
  const known = new Set(record.nodes.map((node) => linodeOf(node, linodes)?.id));
  return linodes.filter(({ id }) => !known.has(id));
}

/**
 * Extras that may be nodes whose creates were not answered: people can change a label meanwhile. A
 * Linode of another type or region was made by somebody else.
 */
export function possibleNodesOf(record: Common, linodes: readonly Linode[]): Linode[] {
  if (!record.nodes.some(({ state }) => state === 'creating')) return [];
  const { type, region } = record.bought;
  return unknownLinodesOf(record, linodes)
    .filter((one) => one.type === type && one.region === region)
    .sort((a, b) => a.id - b.id);
}

/** The record with what Linode shows folded in. That a node isn't shown proves little alone. */
export function observe<R extends LiveRecord>(record: R, linodes: readonly Linode[], now: EpochMs) {
  const nodes = record.nodes.map((node) => observed(node, linodeOf(node, linodes), now));
  return withBackupsLearned(withRelabelled({ ...record, nodes }, linodes, now));
}

/**
 * When it is time to send a create again, a Linode that may be the first one's is taken for it: two
 * of one node would both be billed. Before, the list may yet show it under its label.
 */
function withRelabelled<R extends LiveRecord>(
  record: R,
  linodes: readonly Linode[],
  now: EpochMs,
): R {
  const doubtful = possibleNodesOf(record, linodes);
  const nodes = record.nodes.map((node) => {
    if (node.state !== 'creating') return node;
    const isTime = record.phase === 'deleting' || now - node.triedAt >= RESEND_AFTER;
    return observed(node, isTime ? doubtful.shift() : undefined, now);
  });
  return { ...record, nodes };
}

function observed(node: NodeRecord, linode: Linode | undefined, now: EpochMs): NodeRecord {
  if (linode === undefined) {
    // Its deletion was answered, and now Linode's list agrees.
    return node.state === 'deleting' ? { ...node, state: 'gone' } : node;
  }
  const { index, label } = node;
  switch (node.state) {
    case 'planned':
    case 'creating':
    case 'neverCreated': // a create that landed late, after it had been given up
      return { state: 'created', index, label, ...machineOf(linode, now) };
    case 'created':
      return { state: 'created', index, label, ...machineSeenAgain(node, linode, now) };
    case 'deleting':
    case 'gone': // a list older than the one that showed it gone, or it was never deleted
      return { ...node, state: 'deleting', status: linode.status };
  }
}

/** A node with backups that were not asked for: the account forces them on the others too. */
export function withBackupsLearned<R extends Common>(record: R): R {
  const { bought, nodes } = record;
  const forced = nodes.some((node) => 'backups' in node && node.backups);
  if (!forced || bought.backupsAssumed) return record;
  return { ...record, bought: { ...bought, backupsAssumed: true } };
}
