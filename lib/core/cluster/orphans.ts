import { clusterOfTags, ownershipTag, reapTimeOfTags } from '../base/names.ts';
import { type EpochMs, minutes, plus } from '../base/units.ts';
import { lifeOf } from './life.ts';
import type { Linode } from './linode.ts';
import { type ClusterRecord, isLive } from './record.ts';

/** How long a live cluster's teardown may be overdue before the sweeper destroys its nodes. */
const OVERDUE_AFTER = minutes(1);
/** A Linode with neither record nor `reap` tag is spared this long: its tags may yet be set. */
const UNMARKED_GRACE = minutes(15);

export interface Orphan {
  readonly linode: Linode;
  /** When the sweeper is to destroy the Linode; may lie in the future. */
  readonly at: EpochMs;
  readonly reason: string;
}

/**
 * The Linodes of this deployment that no live record protects, now or from `at` on. `records` must
 * have been read after `linodes` were listed, so that a record written in between protects its
 * nodes. null: the records can't be read, and only the `reap` tags decide.
 */
export function findOrphans(
  linodes: readonly Linode[],
  records: readonly ClusterRecord[] | null,
  context: { readonly stage: string; readonly now: EpochMs },
): Orphan[] {
  const byId = new Map(records?.map((record) => [record.id, record]));
  const ours = linodes.filter(({ tags }) => tags.includes(ownershipTag(context.stage)));
  return ours.flatMap((linode): Orphan[] => {
    const id = clusterOfTags(linode.tags);
    const record = id === null ? undefined : byId.get(id);
    const expiry =
      record === undefined
        ? withoutRecord(linode, records !== null)
        : withRecord(record, context.now);
    return expiry === null ? [] : [{ linode, ...expiry }];
  });
}

type Expiry = Omit<Orphan, 'linode'> | null;

function withRecord(record: ClusterRecord, now: EpochMs): Expiry {
  if (!isLive(record)) return { at: record.endedAt, reason: `its cluster is ${record.phase}` };
  if (record.phase === 'deleting') {
    const at = plus(record.deletingSince, OVERDUE_AFTER);
    return { at, reason: 'its cluster should have been destroyed by now' };
  }
  const at = plus(lifeOf(record, now).teardownAt, OVERDUE_AFTER);
  return { at, reason: 'the teardown of its cluster is overdue' };
}

function withoutRecord(linode: Linode, recordsRead: boolean): Expiry {
  const why = recordsRead ? 'it has no record' : 'the records can not be read';
  const reapAt = reapTimeOfTags(linode.tags);
  if (reapAt !== null) return { at: reapAt, reason: `${why} and its reap time has come` };
  if (!recordsRead) return null;
  const at = plus(linode.created, UNMARKED_GRACE);
  return { at, reason: `${why} and no reap tag` };
}
