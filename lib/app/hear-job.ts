import type { ClusterId } from '../core/base/names.ts';
import { type DurationMs, type EpochMs, hours } from '../core/base/units.ts';
import type { AgentCall } from '../core/cluster/agent-call.ts';
import { jobNodesOf, type WithJob } from '../core/cluster/job-nodes.ts';
import { reasonFrom } from '../core/cluster/readiness.ts';
import type { LiveRecord } from '../core/cluster/record.ts';
import { runnersOf } from '../core/job/job.ts';
import { keptKey, logKey, resultsKey, SEGMENT_BYTES, uploadKey } from '../core/job/keys.ts';
import { NO_PROGRESS, type Results, startOf } from '../core/job/progress.ts';
import { AppError } from '../errors.ts';
import type { JobFiles, JobNews, JobReports } from '../ports.ts';
import type { ClusterDeps } from './destroy-cluster.ts';
import { newId } from './ids.ts';
import type { RateLimit } from './rate-limit.ts';
import { type JobDeps, settleJob, toldOf } from './settle-job.ts';

export interface HearJobDeps extends ClusterDeps, JobDeps {
  readonly jobs: JobReports;
  /** null: the deployment has no bucket for jobs. */
  readonly files: JobFiles | null;
  /** For each node, the uploads that it may begin. */
  readonly uploads: RateLimit;
}

/** How long a URL for a node is good. */
const URL_LIFE: DurationMs = hours(1);
/** How often a node sends its log while it grows, unless many nodes do. */
const LOG_EVERY_SECONDS = 20;
/** Of so many nodes, each may call as often; API Gateway admits five calls a second of all nodes. */
const NODES_AT_FULL_RATE = 60;
/** How many nodes may ask each second whether to start. */
const ASKING_MAX = 3;

/** What an answer to an agent has beside the rest, where its cluster has a job. */
export interface HeardOfJob {
  /** Whether the agent is to end the command now, and to tell what there is. */
  readonly stop: boolean;
  readonly job?: {
    readonly command: string;
    readonly on: 'head' | 'all';
    readonly env: Readonly<Record<string, string>>;
    readonly tasks: string | null;
    readonly results: readonly string[];
    readonly gracePeriodSeconds: number;
    readonly logEverySeconds: number;
    readonly inputs: readonly { readonly url: string; readonly bytes: number }[];
  };
  readonly start?: 'wait' | 'go' | 'never';
  readonly reason?: string;
  /** With `go`, where the job has tasks: which of so many parts of them is the node's. */
  readonly share?: { readonly index: number; readonly of: number };
  /** With `wait`: when to ask again. */
  readonly askAgainSeconds?: number;
  readonly upload?: { readonly url: string; readonly name: string };
}

/**
 * Hears what a node's agent says of the job of its cluster, or answers what the agent needs for it.
 * If the job is over by that, the cluster ends as its spec says: this is all that an agent can bring
 * about.
 *
 * AppError `invalid` if the call lacks what its event needs; `tooMany` beyond the limit of uploads;
 * also if the cluster is changing too fast to end; the agent calls again.
 */
export async function hearJob(
  deps: HearJobDeps,
  record: WithJob<LiveRecord>,
  call: AgentCall & { readonly rank: number },
  { now, keptUntil }: { readonly now: EpochMs; readonly keptUntil: EpochMs },
): Promise<HeardOfJob> {
  const { jobs } = deps;
  const { id, nodes, spec } = record;
  const { rank, event } = call;
  const tell = (news: JobNews) => jobs.tell(id, rank, news, keptUntil);
  const isRunner = runnersOf(spec.job, nodes.length).includes(rank);
  const heard: HeardOfJob = { stop: record.jobStopAt !== undefined };
  switch (event) {
    case 'failed':
      await settleJob(deps, id);
      return heard;
    case 'alive':
      if (isRunner && record.jobEnd === undefined) await tell({ kind: 'heard', at: now });
      return heard;
    case 'job':
      return { ...heard, job: await jobFor(deps, record) };
    case 'staged':
      await tell({ kind: 'staged', at: now });
      return { ...heard, ...(await startFor(deps, record, { rank, now })) };
    case 'upload': {
      const bytes = needed(call.bytes, 'bytes', event);
      if (!deps.uploads.take(`${id}/${rank}`)) {
        throw new AppError('tooMany', 'The node uploads too often. Call again in a minute.');
      }
      const name = newId('r');
      await tell({ kind: 'heard', at: now });
      const url = await filesOf(deps).uploadUrl(resultsKey(id, rank, name), bytes, URL_LIFE);
      return { ...heard, upload: { url, name } };
    }
  }
  // The rest is of the command, which only these nodes run; but others may not get that far.
  if (!isRunner && !(await isLame(deps, id, call))) return heard;
  switch (event) {
    case 'started':
      await tell({ kind: 'started', at: now });
      return heard;
    case 'log': {
      const segment = needed(call.segment, 'segment', event);
      const bytes = Buffer.from(needed(call.data, 'data', event), 'base64');
      await filesOf(deps).put(logKey(id, rank, segment), bytes);
      await tell({ kind: 'log', at: now, bytes: segment * SEGMENT_BYTES + bytes.length });
      return heard;
    }
    case 'exited':
      await tell({ kind: 'exited', at: now, exitCode: call.exitCode });
      return heard;
    case 'ended': {
      const { lastCall: isLastCall, detail } = call;
      const exitCode = isRunner ? call.exitCode : null;
      const results = isRunner ? await resultsIn(deps, record, call) : null;
      const lost = call.results !== null && results === null ? 'its results did not arrive' : '';
      const said = [reasonFrom(detail ?? '', nodes.length), lost].filter((part) => part !== '');
      const reason = said.length === 0 ? null : said.join('; ');
      await tell({ kind: 'ended', at: now, exitCode, isLastCall, reason, results });
      await settleJob(deps, id);
      return heard;
    }
    default:
      return heard;
  }
}

function needed<T>(value: T | null, path: string, event: string): T {
  if (value !== null) return value;
  const message = `${path} is required with ${event}`;
  throw new AppError('invalid', `The agent's call lacks ${path}.`, { faults: [{ path, message }] });
}

function filesOf({ files }: Pick<HearJobDeps, 'files'>): JobFiles {
  if (files !== null) return files;
  throw new AppError('misconfigured', 'JOB_BUCKET is not set any more, which the job needs.');
}

async function jobFor(
  deps: HearJobDeps,
  record: WithJob<LiveRecord>,
): Promise<NonNullable<HeardOfJob['job']>> {
  const { command, on, env, tasks, results, gracePeriodSeconds, inputs } = record.spec.job;
  const running = runnersOf(record.spec.job, record.nodes.length).length;
  return {
    ...{ command, on, env, tasks, results, gracePeriodSeconds },
    logEverySeconds: LOG_EVERY_SECONDS * Math.ceil(running / NODES_AT_FULL_RATE),
    inputs: await Promise.all(
      inputs.map(async (upload) => {
        const files = filesOf(deps);
        const key = inputKey(record, upload);
        const [bytes, url] = await Promise.all([files.size(key), files.downloadUrl(key, URL_LIFE)]);
        return { bytes: bytes ?? 0, url };
      }),
    ),
  };
}

/** Where an input of the cluster's job is: a schedule keeps the inputs of its runs. */
export const inputKey = (
  { owner, scheduleId }: Pick<LiveRecord, 'owner' | 'scheduleId'>,
  upload: string,
): string => (scheduleId === null ? uploadKey(owner, upload) : keptKey(scheduleId, upload));

async function startFor(
  deps: HearJobDeps,
  record: WithJob<LiveRecord>,
  { rank, now }: { readonly rank: number; readonly now: EpochMs },
): Promise<Pick<HeardOfJob, 'start' | 'reason' | 'share' | 'askAgainSeconds'>> {
  const { id } = record;
  const { progress, reports } = await toldOf(deps, id);
  const nodes = jobNodesOf(record, reports);
  const start = startOf(nodes, progress, now);
  if (start.kind === 'never') {
    await settleJob(deps, id);
    return { start: 'never', reason: start.reason };
  }
  if (start.kind === 'go') {
    // No node is to come any more, so that every node is told the same.
    const share = { index: nodes.runners.indexOf(rank), of: nodes.runners.length };
    return { start: 'go', ...(record.spec.job.tasks === null ? {} : { share }) };
  }
  return { start: 'wait', askAgainSeconds: Math.ceil(nodes.runners.length / ASKING_MAX) };
}

/** Whether the node says that it can not begin, before the command has started anywhere. */
async function isLame(
  { jobs }: HearJobDeps,
  id: ClusterId,
  { event, exitCode }: AgentCall,
): Promise<boolean> {
  if (event !== 'ended' || exitCode === 0) return false;
  const { startedAt } = (await jobs.read([id])).get(id) ?? NO_PROGRESS;
  return startedAt === null;
}

/** The archive that the call names, if it is there as the call says. */
async function resultsIn(
  deps: HearJobDeps,
  { id }: LiveRecord,
  { rank, results }: AgentCall & { readonly rank: number },
): Promise<Results | null> {
  if (results === null) return null;
  const size = await filesOf(deps).size(resultsKey(id, rank, results.name));
  return size === results.bytes ? results : null;
}
