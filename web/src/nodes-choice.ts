import type { ClusterNode } from '../../client/answers.ts';
import type { Sort } from './sort.ts';

/** A node's status as people see it: one that is up says whether it is ready, if it has said so. */
export type NodeStatus = ClusterNode['status'] | 'ready' | 'not ready';
export type NodeSortKey = 'index' | 'status' | 'ipv4' | 'createdAt';

export interface NodeFilter {
  /** A part of the index, label or an address, as typed. */
  readonly search: string;
  /** Empty: any. */
  readonly status: NodeStatus | '';
}

export function statusOf({ status, readyAt, agentReason }: ClusterNode): NodeStatus {
  if (status !== 'running') return status;
  if (readyAt !== null) return 'ready';
  return agentReason === undefined ? status : 'not ready';
}

/** The nodes that match, in order; equal ones by index, and those without a value last. */
export function chooseNodes(
  nodes: readonly ClusterNode[],
  { search, status }: NodeFilter,
  { key, isDown }: Sort<NodeSortKey>,
): readonly ClusterNode[] {
  const sought = search.trim().toLowerCase();
  const found = nodes.filter(
    (node) => (status === '' || statusOf(node) === status) && isFound(node, sought),
  );
  return inOrder(found, (node) => sortValueOf(node, key), isDown);
}

/** Nodes in the order of a value; equal ones by index, and those without a value last. */
export function inOrder<Node extends { readonly index: number }>(
  nodes: readonly Node[],
  sortedBy: (node: Node) => number | string | null,
  isDown: boolean,
): readonly Node[] {
  const sign = isDown ? -1 : 1;
  return nodes.toSorted((one, other) => {
    const [a, b] = [sortedBy(one), sortedBy(other)];
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

const sortValueOf = (node: ClusterNode, key: NodeSortKey) =>
  key === 'status' ? statusOf(node) : node[key];

/**
 * A number is an index or a part of an address; anything else a part of a label or address. All
 * private addresses begin alike, and so are found by the whole address.
 */
const isFound = ({ index, label, ipv4, ipv6, privateIp }: ClusterNode, sought: string): boolean =>
  sought === '' ||
  `${index}` === sought ||
  privateIp === sought ||
  [label, ipv4, ipv6].some((text) => text?.toLowerCase().includes(sought));

/** Every status that a node has, and how many nodes have it, the most frequent first. */
export const statusesOf = (nodes: readonly ClusterNode[]): readonly [NodeStatus, number][] =>
  countsOf(nodes.map(statusOf));

/** Each value, and how often it is there, the most frequent first. */
export function countsOf<Value>(values: readonly Value[]): readonly [Value, number][] {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, one], [, other]) => other - one);
}
