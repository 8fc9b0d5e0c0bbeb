import { clusterOfTags, ownershipTag, reapTimeOfTags } from '../base/names.ts';
import { type EpochMs, minutes, plus } from '../base/units.ts';
import { lifeOf } from './life.ts';
import type { Linode } from './linode.ts';
import { type ClusterRecord, isLive } from './record.ts';

/** How long a live cluster's teardown may be overdue before the sweeper does it instead. */
const OVERDUE_AFTER = minutes(1);
/** How old a Linode without record and without `reap` tag must be: its tags may be in the making. */
const UNMARKED_GRACE = minutes(15);

export interface Orphan {
  readonly linode: Linode;
  /** From when it is to be destroyed; may lie in the future. */
  readonly at: EpochMs;
  readonly reason: string;
}

/**
 * Which Linodes of this deployment no live record protects, and from when. `records` must have been
 * read after `linodes` were listed, so that a record written in between protects its nodes; null:
 * the records can't be read, and only what the `reap` tag says counts.
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
    const found =
      record === undefined
        ? withoutRecord(linode, records !== null)
        : withRecord(record, context.now);
    return found === null ? [] : [{ linode, ...found }];
  });
}

type Verdict = Omit<Orphan, 'linode'> | null;

function withRecord(record: ClusterRecord, now: EpochMs): Verdict {
  if (!isLive(record)) return { at: record.endedAt, reason: `its cluster is ${record.phase}` };
  if (record.phase === 'deleting') {
    const at = plus(record.deletingSince, OVERDUE_AFTER);
    return { at, reason: 'its cluster should have been destroyed by now' };
  }
  const at = plus(lifeOf(record, now).teardownAt, OVERDUE_AFTER);
  return { at, reason: 'the teardown of its cluster is overdue' };
}

function withoutRecord(linode: Linode, recordsRead: boolean): Verdict {
  const why = recordsRead ? 'it has no record' : 'the records can not be read';
  const reapAt = reapTimeOfTags(linode.tags);
  if (reapAt !== null) return { at: reapAt, reason: `${why} and its reap time has come` };
  if (!recordsRead) return null;
  const at = plus(linode.created, UNMARKED_GRACE);
  return { at, reason: `${why} and no reap tag` };
}
