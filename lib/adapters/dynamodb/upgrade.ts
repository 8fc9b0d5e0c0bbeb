import type { NodeRecord } from '../../core/cluster/record.ts';
import type { Spec } from '../../core/cluster/spec.ts';

/** The version of the items that this code writes for small records, and for large ones. */
export const VERSION = 2;
export const DEFLATED_VERSION = 3;

/**
 * The record of an item of this or an earlier version, in today's form; readable.ts checks its
 * fields. Functions of an older deployment must not act on records of a newer version.
 */
export function upgraded(version: unknown, record: unknown): unknown {
  if (version === VERSION || version === DEFLATED_VERSION) return withAddedFields(record);
  if (version !== 1) return 'unknownVersion';
  const { nodes, ...rest } = (withAddedFields(record) ?? {}) as RecordOfVersion1;
  if (!Array.isArray(nodes)) return { ...rest, nodes };
  const renamed = (nodes as NodeOfVersion1[]).map((node) => ({
    ...node,
    state: states[node?.state],
  }));
  return { ...rest, nodes: renamed };
}

/** The fields of a spec that the first records lack. */
const ADDED = {
  transferGb: null,
  authorizedUsers: [],
  userDataBase64: null,
  network: null,
  setup: [],
  openPorts: [],
  job: null,
} satisfies Partial<Spec>;

function withAddedFields(record: unknown): unknown {
  const { spec } = (record ?? {}) as { readonly spec?: unknown };
  if (typeof spec !== 'object' || spec === null) return record;
  // Fields that the spec has stay where they are, so that equal records have equal JSON.
  return { ...(record as object), spec: { ...spec, ...ADDED, ...spec } };
}

interface RecordOfVersion1 {
  readonly nodes?: unknown;
}

interface NodeOfVersion1 {
  readonly state: keyof typeof states;
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
