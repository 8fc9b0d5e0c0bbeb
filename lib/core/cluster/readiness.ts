import { type EpochMs, latest } from '../base/units.ts';
import { cutTo } from './bounds.ts';
import type { ClusterRecord, NodeRecord } from './record.ts';

/** What a node's agent has said of its node. */
export type AgentReport =
  /** The node's cloud-init is done. */
  | { readonly kind: 'ready'; readonly at: EpochMs }
  /** The node's cloud-init, or the user's own script in it, has failed. */
  | { readonly kind: 'failed'; readonly at: EpochMs; readonly reason: string };

/** The reports of a cluster's nodes, by the nodes' indexes. */
export type Reports = ReadonlyMap<number, AgentReport>;

export const NO_REPORTS: Reports = new Map();

/**
 * The report that counts of two. The first `ready` counts for good, whatever comes after it: a late
 * or repeated call, or the cloud-init of a reboot, must not take back what people rely on. A node
 * that failed may yet become ready; until then its last reason counts.
 */
export const counting = (before: AgentReport | undefined, next: AgentReport): AgentReport =>
  before?.kind === 'ready' ? before : next;

/**
 * When the last of the cluster's nodes became ready; null: some are not. Nodes that were never
 * created, and nodes that went before the teardown, do not count; of a cluster whose nodes are all
 * gone, or going, all count that it had.
 */
export function readyAtOf({ nodes }: ClusterRecord, reports: Reports): EpochMs | null {
  const live = nodes.filter(({ state }) => isLiveIn[state]);
  const counted = live.length > 0 ? live : nodes.filter(({ state }) => state !== 'neverCreated');
  const ready = counted.flatMap(({ index }) => {
    const report = reports.get(index);
    return report?.kind === 'ready' ? [report.at] : [];
  });
  const [first, ...rest] = ready;
  return first === undefined || ready.length < counted.length ? null : latest(first, ...rest);
}

const isLiveIn: Readonly<Record<NodeRecord['state'], boolean>> = {
  planned: true,
  creating: true,
  created: true,
  deleting: false,
  gone: false,
  neverCreated: false,
};

/** The most bytes of a reason; fewer in a large cluster, so that all nodes' reasons fit an item. */
const reasonBytesMax = (nodes: number): number => (nodes <= 100 ? 500 : 160);

/**
 * What an agent says of a failure, as people may see it on a terminal or a page: one line, without
 * control and format characters, of at most 500 bytes, or 160 in a cluster of more than 100 nodes.
 */
export const reasonFrom = (detail: string, nodes: number): string =>
  cutTo(detail.replace(/[\p{C}\p{Z}]+/gu, ' ').trim(), reasonBytesMax(nodes));
