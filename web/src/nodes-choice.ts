import type { ClusterNode } from '../../client/answers.ts';
import type { Sort } from './sort.ts';

export type NodeStatus = ClusterNode['status'];
export type NodeSortKey = 'index' | 'status' | 'ipv4' | 'createdAt';

export interface NodeFilter {
  /** A part of the index, label or an address, as typed. */
  readonly search: string;
  /** Empty: any. */
  readonly status: NodeStatus | '';
}

/** The nodes that match, in order; equal ones by index, and those without a value last. */
export function chooseNodes(
  nodes: readonly ClusterNode[],
  { search, status }: NodeFilter,
  { key, isDown }: Sort<NodeSortKey>,
): readonly ClusterNode[] {
  const sought = search.trim().toLowerCase();
  const sign = isDown ? -1 : 1;
  return nodes
    .filter((node) => (status === '' || node.status === status) && isFound(node, sought))
    .toSorted((one, other) => {
      const [a, b] = [one[key], other[key]];
      if (a === b) return one.index - other.index;
      if (a === null) return 1;
      if (b === null) return -1;
      const order =
        typeof a === 'number' && typeof b === 'number'
          ? a - b
          : `${a}`.localeCompare(`${b}`, 'en', { numeric: true });
      return order * sign;
    });
}

/** A number is an index or a part of an address; anything else a part of a label or address. */
const isFound = ({ index, label, ipv4, ipv6 }: ClusterNode, sought: string): boolean =>
  sought === '' ||
  `${index}` === sought ||
  [label, ipv4, ipv6].some((text) => text?.toLowerCase().includes(sought));

/** Every status that a node has, and how many nodes have it, the most frequent first. */
export function statusesOf(nodes: readonly ClusterNode[]): readonly [NodeStatus, number][] {
  const counts = new Map<NodeStatus, number>();
  for (const { status } of nodes) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].toSorted(([, one], [, other]) => other - one);
}
