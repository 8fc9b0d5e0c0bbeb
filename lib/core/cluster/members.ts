import { clusterOfLabel, clusterOfTags, ownershipTag } from '../base/names.ts';
import type { Linode } from './linode.ts';
import { type Common, isExisting, type NodeRecord } from './record.ts';

/**
 * The Linodes of a cluster. Of the Linodes that bear the ownership tag: those with an id that the
 * record has for a node, with the cluster's tag, or, without the tag of any cluster, with the label
 * of one of its nodes. Of the others: those with the id and the label of a node, if all nodes lost
 * the ownership tag at once.
 */
export function membersOf(record: Common, linodes: readonly Linode[]): Linode[] {
  const ours = ownershipTag(record.stage);
  const byId = nodesById(record);
  return linodes.filter((linode) => {
    const node = byId.get(linode.id);
    if (!linode.tags.includes(ours)) return node !== undefined && isKnownWithoutTag(node, linode);
    return node !== undefined || clusterNamedBy(linode) === record.id;
  });
}

/** The cluster that a Linode's tags name, or else its label; null: neither names one. */
export const clusterNamedBy = ({ tags, label }: Pick<Linode, 'tags' | 'label'>) =>
  clusterOfTags(tags) ?? (tags.some(isClusterTag) ? null : clusterOfLabel(label));

const isClusterTag = (tag: string) => tag.startsWith('onebuck=');

/** The nodes whose Linode is known, by the Linode's id. */
export const nodesById = ({ nodes }: Common): ReadonlyMap<number, NodeRecord> =>
  new Map(nodes.flatMap((node) => ('linodeId' in node ? [[node.linodeId, node]] : [])));

/** Whether a Linode without the ownership tag is still the node's: it has lost the tag. */
export const isKnownWithoutTag = (node: NodeRecord, { label }: Pick<Linode, 'label'>): boolean =>
  isExisting(node) && node.tagLostAt !== undefined && knownLabel(node) === label;

/** The label of a node's Linode as last seen: people may change it. */
export const knownLabel = (node: NodeRecord): string =>
  ('knownAs' in node ? node.knownAs : undefined) ?? node.label;
