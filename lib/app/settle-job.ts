import type { ClusterId } from '../core/base/names.ts';
import { type EpochMs, minutes, plus, seconds } from '../core/base/units.ts';
import { hasJob, jobOutcomeOf, type WithJob } from '../core/cluster/job-nodes.ts';
import { lifeOf } from '../core/cluster/life.ts';
import { NO_REPORTS } from '../core/cluster/readiness.ts';
import { isLive, type LiveRecord } from '../core/cluster/record.ts';
import { runnersOf } from '../core/job/job.ts';
import { type JobOutcome, NO_PROGRESS, type RankProgress } from '../core/job/progress.ts';
import { withJobOver } from '../core/pass/job-over.ts';
import { AppError } from '../errors.ts';
import type { AgentReports, JobReports } from '../ports.ts';
import type { ClusterDeps } from './destroy-cluster.ts';
import { saveOver } from './save-over.ts';

export interface JobDeps {
  readonly jobs: Pick<JobReports, 'read' | 'readRanks'>;
  readonly reports: Pick<AgentReports, 'read'>;
}

/** What the agents of the cluster have told of its nodes, and of its job. */
export async function toldOf({ jobs, reports }: JobDeps, id: ClusterId) {
  const [told, said] = await Promise.all([jobs.read([id]), reports.read([id])]);
  return { progress: told.get(id) ?? NO_PROGRESS, reports: said.get(id) ?? NO_REPORTS };
}

/**
 * How the job of the cluster has ended, by what its agents have told; null: it has not, or the
 * cluster has none, or its end is in the record. `countsSilent`: whether a node that has been silent
 * for long counts as lost, for which each node's own item is read.
 */
export async function outcomeTold(
  { jobs, reports }: JobDeps,
  record: LiveRecord,
  { now, countsSilent }: { readonly now: EpochMs; readonly countsSilent: boolean },
): Promise<JobOutcome | null> {
  const { id, phase, jobEnd } = record;
  if (!hasJob(record) || jobEnd !== undefined || phase === 'deleting') return null;
  const told = await toldOf({ jobs, reports }, id);
  const { progress } = told;
  const open = runnersOf(record.spec.job, record.nodes.length).filter(
    (index) => !progress.ended.has(index),
  );
  const isAsked = countsSilent && (progress.startedAt !== null || progress.staged.size > 0);
  const ranks = isAsked ? await jobs.readRanks(id, open) : NO_RANKS;
  const outcome = jobOutcomeOf(record, { ...told, ranks }, now);
  if (outcome?.state === 'stopped' && isEndNear(record, now)) return null;
  if (outcome === null || outcome.node === null || outcome.reason !== null) return outcome;
  // What went wrong on the node, in its agent's words, unless the exit code says all.
  const { node } = outcome;
  const reason = (await jobs.readRanks(id, [node])).get(node)?.reason ?? null;
  return { ...outcome, reason };
}

/**
 * Whether the agents ended the command because the teardown time is near, which then ends the cluster,
 * too. It is not, if it was moved at the last moment, or if somebody has asked for the stop.
 */
function isEndNear(record: WithJob<LiveRecord>, now: EpochMs): boolean {
  if (record.jobStopAt !== undefined) return false;
  const soon = plus(plus(now, seconds(record.spec.job.gracePeriodSeconds)), minutes(1));
  return lifeOf(record, now).teardownAt <= soon;
}

const NO_RANKS: ReadonlyMap<number, RankProgress> = new Map();

/**
 * Ends the cluster, as its spec says, if its job is over by what its agents have told. May be called
 * at any time, and twice. AppError `tooMany` if the cluster keeps changing: call again.
 */
export async function settleJob(deps: ClusterDeps & JobDeps, id: ClusterId): Promise<void> {
  const { clock, store, log } = deps;
  let outcome: JobOutcome | null = null;
  const settled = await saveOver(
    deps,
    () => store.get(id),
    async (record) => {
      outcome = null;
      if (record === 'notFound' || !isLive(record)) return null;
      const now = clock.now();
      outcome = await outcomeTold(deps, record, { now, countsSilent: false });
      return outcome === null ? null : withJobOver(record, outcome, now);
    },
  );
  if (settled === 'conflict') {
    throw new AppError('tooMany', `Cluster ${id} is changing fast. Call again.`);
  }
  if (outcome === null) return;
  const { state, exitCode } = outcome as JobOutcome;
  log.info('job over', { clusterId: id, state, exitCode });
}
