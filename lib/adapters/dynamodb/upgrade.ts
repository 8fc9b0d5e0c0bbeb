import type { ClusterRecord, NodeRecord } from '../../core/cluster/record.ts';

/** The version of the items that this code writes. */
export const VERSION = 2;

/**
 * The record of an item of this or an earlier version, in today's form. Throws on a newer version:
 * functions of an older deployment must not act on records that they can't read.
 */
export function upgraded(version: unknown, record: unknown): ClusterRecord {
  if (version === VERSION) return record as ClusterRecord;
  if (version !== 1) throw new Error(`an item of version ${version} is not understood`);
  const old = record as RecordOfVersion1;
  const nodes = old.nodes.map((node) => ({ ...node, state: states[node.state] }));
  return { ...old, nodes } as object as ClusterRecord;
}

interface RecordOfVersion1 {
  readonly nodes: readonly { readonly state: keyof typeof states }[];
}

/** Today's node states by their names in version 1. */
const states = {
  planned: 'planned',
  sent: 'creating',
  made: 'created',
  deleted: 'deleting',
  gone: 'gone',
  never: 'neverCreated',
} as const satisfies Record<string, NodeRecord['state']>;
