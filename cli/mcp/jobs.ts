import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../../client/answers.ts';
import { getCluster, isLive } from '../../client/clusters.ts';
import { bytesOf, getJob, getJobLog, isJobOver, stopJob } from '../../client/jobs.ts';
import { createLogLines, shownLine } from '../../client/log-lines.ts';
import { dollars } from '../../client/money.ts';
import { pauseMs, whileBusy } from '../../client/poll.ts';
import { CliError } from '../errors.ts';
import { titleOf } from '../fuse.ts';
import { findJob } from '../jobs/commands.ts';
import { fetchResults, folderOf } from '../jobs/results.ts';
import { collectUpload, upload as send, uploadSentence } from '../jobs/upload.ts';
import type { Answer, Asking } from './answers.ts';
import { endOf } from './exec.ts';
import type { Session } from './session.ts';

/* The tools for jobs. */

/** Uploads files and folders of this machine, as the person could who started the server. */
export async function upload(
  { api, context }: Session,
  { paths }: { readonly paths: readonly string[] },
): Promise<Answer> {
  const collected = await collectUpload(context, paths);
  if (collected === null) throw new CliError('usage', 'Give at least one path.');
  const id = await send(context, api, collected);
  return { sentences: [uploadSentence(collected), `Give ${id} as one of job.inputs at launch.`] };
}

/** How many bytes of a log's end are read, and how many characters of it an agent gets. */
const LOG_BYTES_MAX = 60_000;
const LOG_CHARACTERS_MAX = 40_000;

export async function logs(
  { api }: Session,
  { cluster: named, rank = 0 }: { readonly cluster: string; readonly rank?: number | undefined },
): Promise<Answer> {
  const { id } = await findJob(api, named);
  const { nodes } = await getJob(api, id);
  const node = nodes.find(({ index }) => index === rank);
  if (node === undefined) throw new CliError('notFound', `Node ${rank} does not run the job.`);
  const from = Math.max(0, node.logBytes - LOG_BYTES_MAX);
  const part = await getJobLog(api, id, rank, from);
  const lines = createLogLines();
  const all = [...lines.push(bytesOf(part)), ...lines.end()];
  const text = all.map((line) => shownLine(line, { colours: false })).join('\n');
  const before = from === 0 ? '' : `(${from} bytes before) `;
  return {
    sentences: [
      `Node ${rank} is ${node.state}${node.exitCode === null ? '' : `, exit ${node.exitCode}`}.`,
      text === '' ? 'It has printed nothing yet.' : `${before}${endOf(text, LOG_CHARACTERS_MAX)}`,
    ],
  };
}

export async function results(
  { api, context }: Session,
  { cluster: named, into }: { readonly cluster: string; readonly into: string },
): Promise<Answer> {
  const cluster = await findJob(api, named);
  const { place } = await fetchResults(context, api, cluster, folderOf(into));
  return { sentences: [place === null ? 'There are no results.' : `Results in ${resolve(place)}`] };
}

export async function stop(
  { api, launched }: Session,
  { cluster: named }: { readonly cluster: string },
  asking: Asking,
): Promise<Answer> {
  const found = await findJob(api, named, true);
  if (!launched.has(found.id)) {
    const question = `Stop the job of ${titleOf(found)}, which this agent has not launched?`;
    asking.confirm(question, question, `A person can do it: onebuck stop ${found.id}.`);
  }
  const cluster = await stopJob(api, found.id);
  const what = 'is told to stop: it saves its results, and then its cluster ends.';
  return { sentences: [`${titleOf(cluster)} ${what}`] };
}

/** The cluster when its job is over, or when `until` has passed. */
export async function whenOver(
  { api }: Pick<Session, 'api'>,
  cluster: Cluster,
  { until, signal }: { readonly until: number; readonly signal: AbortSignal },
): Promise<Cluster> {
  let found = cluster;
  const isGoingOn = () => {
    const job = found.job;
    return job !== null && !isJobOver(job) && isLive(found);
  };
  while (isGoingOn() && Date.now() < until) {
    await delay(pauseMs(whileBusy), undefined, { signal });
    found = await getCluster(api, found.id);
  }
  return found;
}

/** How the cluster's job is, in a sentence; none if it has no job. */
export function jobSentences(cluster: Cluster): string[] {
  const job = cluster.job;
  if (job === null) return [];
  const { state, exitCode, reason } = job;
  const saved = cluster.saved;
  return [
    `Its job is ${state}${exitCode === null ? '' : `, exit ${exitCode}`}` +
      `${reason === null ? '' : `: ${reason.replace(/\.$/, '')}`}.`,
    ...(saved === null ? [] : [`Its end saved ${dollars(saved.untilTeardownUsd)}.`]),
  ];
}
