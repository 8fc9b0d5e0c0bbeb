import type { ClusterRecord } from '../core/cluster/record.ts';
import { isLive } from '../core/cluster/record.ts';
import { beginDeleting } from '../core/pass/phase.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, Log, Nudge } from '../ports.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';
import { getCluster } from './read-clusters.ts';

/**
 * How often a change tries again: passes and requests write the same record, so that a few
 * conflicts in a row are normal.
 */
export const CONFLICTS_MAX = 20;

export interface ClusterDeps {
  readonly clock: Clock;
  readonly store: ClusterStore;
  readonly nudge: Nudge;
  readonly log: Log;
}

/**
 * Begins the teardown of a cluster. A second call changes nothing; nor does a call for a cluster
 * that has ended.
 */
export async function destroyCluster(
  deps: ClusterDeps,
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const record = await getCluster(deps, owner, id);
    if (!isLive(record) || record.phase === 'deleting') return record;
    const end = { reason: 'requested', failure: null } as const;
    const saved = await deps.store.save(beginDeleting(record, deps.clock.now(), end));
    if (saved === 'conflict') continue;
    await nudgeOrLeaveToReaper(deps, record.id);
    return saved;
  }
  throw new AppError('conflict', `Cluster ${id} is changing fast. Send the DELETE again.`);
}
