import type { ClusterId } from '../core/base/names.ts';
import { type DurationMs, type EpochMs, hours, plus } from '../core/base/units.ts';
import { hasJob, type WithJob } from '../core/cluster/job-nodes.ts';
import type { ClusterRecord } from '../core/cluster/record.ts';
import { runnersOf } from '../core/job/job.ts';
import { logKey, resultsKey, SEGMENT_BYTES } from '../core/job/keys.ts';
import {
  type JobProgress,
  NO_PROGRESS,
  NO_RANK_PROGRESS,
  type RankProgress,
  type Results,
} from '../core/job/progress.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { Clock, ClusterStore, JobFiles, JobReports, Log } from '../ports.ts';
import { getCluster } from './read-clusters.ts';

export interface ReadJobDeps {
  readonly store: Pick<ClusterStore, 'get'>;
  readonly jobs: Pick<JobReports, 'readRanks'>;
}

/** What the agents have told of the clusters' jobs. Never throws, as with their reports. */
export async function jobsOn(
  { jobs, log }: { readonly jobs: Pick<JobReports, 'read'>; readonly log: Log },
  records: readonly ClusterRecord[],
): Promise<ReadonlyMap<ClusterId, JobProgress>> {
  const ids = records.filter(hasJob).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  return jobs.read(ids).catch((error: unknown) => {
    log.warn('news of jobs not read', { reason: reasonOf(error) });
    return new Map<ClusterId, JobProgress>();
  });
}

export const jobOn = async (
  deps: Parameters<typeof jobsOn>[0],
  record: ClusterRecord,
): Promise<JobProgress> => (await jobsOn(deps, [record])).get(record.id) ?? NO_PROGRESS;

/** A cluster of the owner that has a job; AppError `notFound` if there is none. */
export async function clusterWithJob(
  deps: Pick<ReadJobDeps, 'store'>,
  owner: string,
  id: string,
): Promise<WithJob<ClusterRecord>> {
  const record = await getCluster(deps, owner, id);
  if (hasJob(record)) return record;
  throw new AppError('notFound', `Cluster ${id} has no job: its spec has none.`);
}

/** What each node that runs the job has told, by its index. */
export async function ranksOf(
  { jobs }: Pick<ReadJobDeps, 'jobs'>,
  { id, nodes, spec }: WithJob<ClusterRecord>,
): Promise<ReadonlyMap<number, RankProgress>> {
  const runners = runnersOf(spec.job, nodes.length);
  const told = await jobs.readRanks(id, runners);
  return new Map(runners.map((index) => [index, told.get(index) ?? NO_RANK_PROGRESS]));
}

/** A part of the output of the command on one node. */
export interface LogPart {
  /** How long the log is by now. */
  readonly bytes: number;
  readonly data: Uint8Array;
  /** Where the next part begins. */
  readonly next: number;
  /** Whether this part ends the log, and nothing follows. */
  readonly isWhole: boolean;
}

/** The most segments of a part: 1 MiB. */
const PART_SEGMENTS_MAX = 16;

/**
 * The log of a node from the byte `from` on, at most 1 MiB of it. AppError `invalid` if the node
 * doesn't run the job.
 */
export async function readLog(
  deps: ReadJobDeps & { readonly files: JobFiles | null },
  { owner, id, rank, from }: { owner: string; id: string; rank: number; from: number },
): Promise<LogPart> {
  const record = await clusterWithJob(deps, owner, id);
  const runners = runnersOf(record.spec.job, record.nodes.length);
  if (!runners.includes(rank)) {
    const message = runners.length === 1 ? 'must be 0, which runs the job alone' : 'has no node';
    throw new AppError('invalid', `Node ${rank} does not run the job.`, {
      faults: [{ path: 'rank', message: `rank ${message}` }],
    });
  }
  const told = (await deps.jobs.readRanks(record.id, [rank])).get(rank) ?? NO_RANK_PROGRESS;
  const { logBytes: bytes, endedAt } = told;
  const first = Math.floor(from / SEGMENT_BYTES);
  const last = Math.min(Math.ceil(bytes / SEGMENT_BYTES), first + PART_SEGMENTS_MAX);
  const { files } = deps;
  const segments =
    files === null || from >= bytes
      ? []
      : await Promise.all(
          Array.from({ length: last - first }, (_, index) =>
            files.get(logKey(record.id, rank, first + index)),
          ),
        );
  const start = first * SEGMENT_BYTES;
  const found = Buffer.concat(wholeFrom(segments)).subarray(from - start, bytes - start);
  // What has expired, or is not there yet, is not waited for where the log has ended.
  const isOver = endedAt !== null;
  const next = isOver && found.length === 0 ? Math.max(from, bytes) : from + found.length;
  return { bytes, data: found, next, isWhole: isOver && next >= bytes };
}

/** The segments up to the first that is missing, or is not full and so the last. */
function wholeFrom(segments: readonly (Uint8Array | null)[]): Uint8Array[] {
  const whole: Uint8Array[] = [];
  for (const segment of segments) {
    if (segment === null) break;
    whole.push(segment);
    if (segment.length < SEGMENT_BYTES) break;
  }
  return whole;
}

/** How long a URL for results is good. */
const URL_LIFE: DurationMs = hours(1);

export interface OfferedResults extends Results {
  readonly index: number;
  /** The name under which people save it. */
  readonly filename: string;
  readonly url: string;
  readonly expiresAt: EpochMs;
}

/** The archives of results that there are, each with a URL. */
export async function readResults(
  deps: ReadJobDeps & { readonly files: JobFiles | null; readonly clock: Clock },
  owner: string,
  id: string,
): Promise<OfferedResults[]> {
  const { files } = deps;
  const record = await clusterWithJob(deps, owner, id);
  if (files === null) return [];
  const ranks = await ranksOf(deps, record);
  const offered = [...ranks].map(async ([index, { results }]): Promise<OfferedResults[]> => {
    if (results === null) return [];
    const key = resultsKey(record.id, index, results.name);
    // Results expire before the record of their cluster does.
    if ((await files.size(key)) === null) return [];
    const filename = `n${index}.tar.gz`;
    const url = await files.downloadUrl(key, URL_LIFE, filename);
    return [{ ...results, index, filename, url, expiresAt: plus(deps.clock.now(), URL_LIFE) }];
  });
  return (await Promise.all(offered)).flat();
}
