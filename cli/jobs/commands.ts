import type { Cluster, Job } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { listClusters, listLive, unreadableSentence } from '../../client/clusters.ts';
import { countdown } from '../../client/durations.ts';
import { getJob, isJobOver, stopJob } from '../../client/jobs.ts';
import { dollars } from '../../client/money.ts';
import { type Context, serverNow, show } from '../context.ts';
import { CliError } from '../errors.ts';
import { findCluster } from '../find.ts';
import { areOfOthers, type Block, printable, table } from '../format.ts';
import { titleOf } from '../fuse.ts';
import { patiently } from '../patience.ts';
import { followLog } from './follow.ts';
import { createLogPrinter } from './log.ts';
import { fetchResults, folderOf } from './results.ts';
import { followToEnd } from './run.ts';

/** The cluster of the name that has a job, also if it has ended. */
export async function findJob(api: Api, named: string, exact = false): Promise<Cluster> {
  const cluster = await findCluster(api, named, { exact, ended: !exact });
  if (cluster.spec.job !== null) return cluster;
  throw new CliError('notFound', `${titleOf(cluster)} has no job: "onebuck ps --all" lists those.`);
}

export async function attach(
  context: Context,
  named: string,
  { into }: { readonly into?: string },
): Promise<number> {
  const api = context.api();
  const { id } = await findJob(api, named);
  return followToEnd(context, api, id, folderOf(into));
}

export interface LogsOptions {
  readonly follow: boolean;
  readonly rank?: string;
}

/** The log of a job so far, or also as it grows. */
export async function logs(context: Context, named: string, options: LogsOptions): Promise<void> {
  const api = context.api();
  const { id } = await findJob(api, named);
  const job = await patiently(context, () => getJob(api, id));
  const all = job.nodes.map(({ index }) => index);
  const ranks = options.rank === undefined ? all : all.filter((one) => `${one}` === options.rank);
  if (ranks.length === 0) {
    const message = `Node ${printable(`${options.rank}`)} does not run the job: give one of ${all.join(', ')}.`;
    throw new CliError('notFound', message);
  }
  if (options.follow) return followLog(context, api, { id, ranks });
  await createLogPrinter(context, api, { id, ranks }).finish(job);
}

export async function results(
  context: Context,
  named: string,
  { into }: { readonly into?: string },
): Promise<void> {
  const api = context.api();
  const cluster = await findJob(api, named);
  const { results, place } = await fetchResults(context, api, cluster, folderOf(into));
  show(context, { results }, () => {
    if (place !== null) return `Results in ${printable(place)}`;
    const job = cluster.job;
    const isYet = job !== null && !isJobOver(job);
    return `${titleOf(cluster)} has no results${isYet ? ' yet: its job is not over' : ''}.`;
  });
}

/** Stops the job; the cluster then ends by itself. */
export async function stop(context: Context, named: string): Promise<void> {
  const api = context.api();
  const found = await findJob(api, named, true);
  const job = found.job;
  if (found.endedAt !== null || (job !== null && isJobOver(job))) {
    return show(context, found, () => `The job of ${titleOf(found)} is over: ${job?.state}.`);
  }
  const stopping = await stopJob(api, found.id);
  const grace = countdown((found.spec.job?.gracePeriodSeconds ?? 0) * 1_000).slice(3);
  const words =
    `${titleOf(stopping)} is told to stop: the command gets SIGTERM and ${grace} min, and what there ` +
    `is of its results is saved. Then the cluster ends. "onebuck attach ${stopping.id}" follows.`;
  show(context, stopping, () => words);
}

export interface PsOptions {
  readonly all: boolean;
  readonly owner?: string;
}

/** The clusters that have a job: the live ones, or those that ended, too. */
export async function ps(context: Context, { all, owner }: PsOptions): Promise<void> {
  const api = context.api();
  const listed = all ? listClusters(api, { owner }) : listLive(api, owner);
  const [{ clusters, unreadable }, now] = await Promise.all([listed, serverNow(api)]);
  const found = clusters.filter(({ spec }) => spec.job !== null);
  const missing = unreadableSentence(unreadable);
  show(context, { clusters: found, ...(missing === null ? {} : { unreadable }) }, () => [
    found.length > 0
      ? jobsTable(found, now)
      : all
        ? 'There is no job: "onebuck run" starts one.'
        : 'No job runs; --all shows those that are over.',
    ...(missing === null ? [] : ['', missing]),
  ]);
}

const COMMAND_CHARACTERS_MAX = 32;

function jobsTable(clusters: readonly Cluster[], nowMs: number): Block {
  const hasOwners = areOfOthers(clusters);
  const rows = clusters.map((cluster) => {
    const job = cluster.job;
    return [
      ...(hasOwners ? [printable(cluster.owner)] : []),
      cluster.id,
      printable(cluster.name ?? ''),
      shortened(cluster.spec.job?.command ?? ''),
      job?.state ?? '',
      `${job?.exitCode ?? ''}`,
      job === null ? '' : timeOf(job, nowMs),
      `${cluster.nodes.length}`,
      dollars(cluster.spentUsd),
      dollars(cluster.budgetUsd),
    ];
  });
  const head = ['ID', 'NAME', 'COMMAND', 'STATE', 'EXIT', 'TIME', 'NODES', 'SPENT', 'BUDGET'];
  return table([...(hasOwners ? ['OWNER'] : []), ...head], rows);
}

/** For how long the command has run, or ran. */
function timeOf({ startedAt, endedAt }: Pick<Job, 'startedAt' | 'endedAt'>, nowMs: number): string {
  if (startedAt === null) return '';
  return countdown((endedAt === null ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt));
}

function shortened(command: string): string {
  const line = printable(command.trim().replaceAll(/\s+/g, ' '));
  const max = COMMAND_CHARACTERS_MAX;
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}
