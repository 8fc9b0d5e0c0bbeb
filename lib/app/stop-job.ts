import { type ClusterRecord, isLive } from '../core/cluster/record.ts';
import { withJobStopped } from '../core/pass/job-over.ts';
import { AppError } from '../errors.ts';
import { type ClusterDeps, CONFLICTS_MAX } from './destroy-cluster.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';
import { clusterWithJob } from './read-job.ts';

/**
 * Asks the agents to end the job of a cluster; then the cluster ends as its spec says. A second call
 * changes nothing; nor does a call for a job or a cluster that has ended.
 */
export async function stopJob(
  deps: ClusterDeps,
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const record = await clusterWithJob(deps, owner, id);
    if (!isLive(record)) return record;
    const stopped = withJobStopped(record, deps.clock.now(), owner);
    if (stopped === record) return record;
    const saved = await deps.store.save(stopped);
    if (saved === 'conflict') continue;
    await nudgeOrLeaveToReaper(deps, record.id);
    return saved;
  }
  throw new AppError('conflict', `Cluster ${id} is changing fast. Send the DELETE again.`);
}
