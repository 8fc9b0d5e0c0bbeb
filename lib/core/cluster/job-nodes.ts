import type { EpochMs } from '../base/units.ts';
import { type Job, runnersOf } from '../job/job.ts';
import {
  isSilent,
  type JobNodes,
  type JobOutcome,
  type JobProgress,
  outcomeOf,
  type RankProgress,
} from '../job/progress.ts';
import type { Reports } from './readiness.ts';
import { type ClusterRecord, isLive, type LiveRecord, type NodeRecord } from './record.ts';

/** A record whose spec has a job. */
export type WithJob<R extends ClusterRecord> = R & { readonly spec: { readonly job: Job } };

export const hasJob = <R extends ClusterRecord>(record: R): record is WithJob<R> =>
  record.spec.job !== null;

const isToCome = ({ state }: NodeRecord): boolean =>
  state === 'planned' || state === 'creating' || state === 'created';

/**
 * The nodes of a cluster as its job sees them. A node that was never created does not count, since
 * the spec has left the decision to Onebuck; but nobody runs a command of node 0 in its place.
 */
export function jobNodesOf(record: WithJob<ClusterRecord>, reports: Reports): JobNodes {
  const { nodes, phase } = record;
  const { job } = record.spec;
  const runners = runnersOf(job, nodes.length).filter(
    (index) => index === 0 || nodes[index]?.state !== 'neverCreated',
  );
  const live = nodes.filter(isToCome).map(({ index }) => index);
  const failed = live.flatMap((index): [number, string][] => {
    const report = reports.get(index);
    return report?.kind === 'failed' ? [[index, report.reason]] : [];
  });
  const upAt = phase === 'provisioning' ? null : record.startedAt;
  return { live, runners, failed: new Map(failed), upAt };
}

/**
 * How the job of a live cluster has ended; null: it has not. `ranks`: what the nodes have told that
 * run it; with it, a node counts as lost that has been silent for long.
 */
export function jobOutcomeOf(
  record: WithJob<LiveRecord>,
  told: {
    readonly progress: JobProgress;
    readonly reports: Reports;
    readonly ranks: ReadonlyMap<number, RankProgress>;
  },
  now: EpochMs,
): JobOutcome | null {
  const nodes = jobNodesOf(record, told.reports);
  const lost = nodes.runners.flatMap((index): [number, string][] => {
    if (!nodes.live.includes(index)) return [[index, 'is gone']];
    const rank = told.ranks.get(index);
    if (rank === undefined || !isSilent(rank, told.progress, now)) return [];
    return [[index, 'has been silent for too long']];
  });
  return outcomeOf(nodes, told.progress, new Map(lost), now);
}

/** How the job ended; null: it has not. What had not ended when its cluster did was stopped. */
export function jobEndOf(
  record: WithJob<ClusterRecord>,
  progress: JobProgress,
  reports: Reports,
): JobOutcome | null {
  if (record.jobEnd !== undefined) return record.jobEnd;
  if (isLive(record)) return null;
  const nodes = jobNodesOf(record, reports);
  const lost = new Map(nodes.runners.map((index) => [index, 'went with its cluster']));
  const outcome = outcomeOf(nodes, progress, lost, record.endedAt);
  return outcome === null || outcome.state === 'done' ? outcome : { ...outcome, state: 'stopped' };
}
