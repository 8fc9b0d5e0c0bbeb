import type { ClusterId } from '../core/base/names.ts';
import { NO_REPORTS, type Reports } from '../core/cluster/readiness.ts';
import type { ClusterRecord } from '../core/cluster/record.ts';
import { reasonOf } from '../errors.ts';
import type { AgentReports, Log } from '../ports.ts';

interface Deps {
  readonly reports: Pick<AgentReports, 'read'>;
  readonly log: Log;
}

/**
 * What the agents of the clusters have said. Never throws: without the reports the clusters are
 * still shown, and destroyed.
 */
export async function reportsOn(
  { reports, log }: Deps,
  records: readonly ClusterRecord[],
): Promise<ReadonlyMap<ClusterId, Reports>> {
  const ids = records.filter(({ agent }) => agent === true).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  return reports.read(ids).catch((error: unknown) => {
    log.warn('reports of agents not read', { reason: reasonOf(error) });
    return new Map<ClusterId, Reports>();
  });
}

export const reportsOf = async (deps: Deps, record: ClusterRecord): Promise<Reports> =>
  (await reportsOn(deps, [record])).get(record.id) ?? NO_REPORTS;
