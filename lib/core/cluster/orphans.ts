import {
  type ClusterId,
  clusterOfLabel,
  clusterOfTags,
  ownershipTag,
  reapTimeOfTags,
} from '../base/names.ts';
import { type EpochMs, minutes, plus } from '../base/units.ts';
import { lifeOf } from './life.ts';
import type { Linode } from './linode.ts';
import { nodesById } from './members.ts';
import { type ClusterRecord, isLive } from './record.ts';

/** How long a live cluster's teardown may be overdue before the sweeper destroys its nodes. */
const OVERDUE_AFTER = minutes(1);
/**
 * A Linode whose record is missing or unreadable, and that has no `reap` tag, is spared this long:
 * its tags may yet be set.
 */
const UNMARKED_GRACE = minutes(15);

export interface Orphan {
  readonly linode: Linode;
  /** When the sweeper is to destroy the Linode; may lie in the future. */
  readonly at: EpochMs;
  readonly reason: string;
}

/** What is known of the clusters of all listed Linodes. */
export interface Known {
  readonly records: readonly ClusterRecord[];
  /** The clusters whose records can't be read: how long they may live is unknown. */
  readonly unreadable: readonly { readonly id: ClusterId }[];
}

/**
 * The Linodes of this deployment that no live record protects, now or from `at` on. The records
 * must have been read after `linodes` were listed, so that a record written in between protects its
 * nodes. null: no record can be read, and only the `reap` tags decide. A Linode whose own record is
 * unreadable lives until the time in its `reap` tag.
 */
export function findOrphans(
  linodes: readonly Linode[],
  known: Known | null,
  context: { readonly stage: string; readonly now: EpochMs },
): Orphan[] {
  const recordOf = protectorsIn(known?.records ?? []);
  const unreadable = new Set(known?.unreadable.map(({ id }) => id));
  const ours = linodes.filter(({ tags }) => tags.includes(ownershipTag(context.stage)));
  const whyWithout = (linode: Linode): Why => {
    if (known === null) return 'the records can not be read';
    const isUnreadable = clustersNamedBy(linode).some((id) => unreadable.has(id));
    return isUnreadable ? 'its record is unreadable' : 'it has no record';
  };
  /** A cluster's life is reckoned once, not for each of its Linodes. */
  const expiries = new Map(
    known?.records.map((record) => [record, withRecord(record, context.now)]),
  );
  return ours.flatMap((linode): Orphan[] => {
    const record = recordOf(linode);
    const expiry =
      record === undefined
        ? withoutRecord(linode, whyWithout(linode))
        : (expiries.get(record) ?? null);
    return expiry === null ? [] : [{ linode, ...expiry }];
  });
}

/**
 * Finds the record that protects a Linode: the one that has its id for a node, the one that its tags
 * name, or the one that its label names; of these the first whose cluster is live, else the first.
 */
function protectorsIn(records: readonly ClusterRecord[]) {
  const byId = new Map(records.map((record) => [record.id, record]));
  const byLinodeId = new Map(
    records.flatMap((record) => [...nodesById(record).keys()].map((id) => [id, record])),
  );
  return (linode: Linode): ClusterRecord | undefined => {
    const candidates = [
      byLinodeId.get(linode.id),
      ...clustersNamedBy(linode).map((id) => byId.get(id)),
    ].filter((record) => record !== undefined);
    return candidates.find(isLive) ?? candidates[0];
  };
}

/** The clusters that a Linode's tags and its label name. */
export const clustersNamedBy = ({ tags, label }: Linode): ClusterId[] =>
  [clusterOfTags(tags), clusterOfLabel(label)].filter((id) => id !== null);

type Expiry = Omit<Orphan, 'linode'> | null;

function withRecord(record: ClusterRecord, now: EpochMs): Omit<Orphan, 'linode'> {
  if (!isLive(record)) return { at: record.endedAt, reason: `its cluster is ${record.phase}` };
  if (record.phase === 'deleting') {
    const at = plus(record.deletingSince, OVERDUE_AFTER);
    return { at, reason: 'its cluster should have been destroyed by now' };
  }
  const at = plus(lifeOf(record, now).teardownAt, OVERDUE_AFTER);
  return { at, reason: 'the teardown of its cluster is overdue' };
}

type Why = 'it has no record' | 'its record is unreadable' | 'the records can not be read';

function withoutRecord(linode: Linode, why: Why): Expiry {
  const reapAt = reapTimeOfTags(linode.tags);
  if (reapAt !== null) return { at: reapAt, reason: `${why} and its reap time has come` };
  // The records may be readable again in a moment. One unreadable record stays so, and without a
  // tag nothing says how long its budget lasts.
  if (why === 'the records can not be read') return null;
  const at = plus(linode.created, UNMARKED_GRACE);
  return { at, reason: `${why} and no reap tag` };
}
