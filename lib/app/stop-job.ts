import { type ClusterRecord, isLive } from '../core/cluster/record.ts';
import { withJobStopped } from '../core/pass/job-over.ts';
import { AppError } from '../errors.ts';
import type { ClusterDeps } from './destroy-cluster.ts';
import { clusterWithJob } from './read-job.ts';
import { saveOver } from './save-over.ts';

/**
 * Asks the agents to end the job of a cluster; then the cluster ends as its spec says. A second call
 * changes nothing; nor does a call for a job or a cluster that has ended.
 */
export async function stopJob(
  deps: ClusterDeps,
  owner: string,
  id: string,
): Promise<ClusterRecord> {
  const stopped = await saveOver(
    deps,
    () => clusterWithJob(deps, owner, id),
    (record: ClusterRecord) => {
      const next = isLive(record) ? withJobStopped(record, deps.clock.now(), owner) : record;
      return next === record || !isLive(next) ? null : next;
    },
  );
  if (stopped !== 'conflict') return stopped;
  throw new AppError('conflict', `Cluster ${id} is changing fast. Send the DELETE again.`);
}
