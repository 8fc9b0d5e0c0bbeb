import type { ClusterRecord } from '../core/cluster/record.ts';
import { isLive } from '../core/cluster/record.ts';
import { beginDeleting } from '../core/pass/phase.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, Log, Nudge } from '../ports.ts';
import { getCluster } from './read-clusters.ts';
import { saveOver } from './save-over.ts';

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
  const end = { reason: 'requested', failure: null } as const;
  const destroyed = await saveOver(
    deps,
    () => getCluster(deps, owner, id),
    (record) =>
      !isLive(record) || record.phase === 'deleting'
        ? null
        : beginDeleting(record, deps.clock.now(), end),
  );
  if (destroyed !== 'conflict') return destroyed;
  throw new AppError('conflict', `Cluster ${id} is changing fast. Send the DELETE again.`);
}
