import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Job } from '../../client/answers.ts';
import { type Api, mayPass } from '../../client/api.ts';
import { getCluster, isLive } from '../../client/clusters.ts';
import { roughly } from '../../client/durations.ts';
import { createIdempotencyKey } from '../../client/idempotency-key.ts';
import { dollars } from '../../client/money.ts';
import { pauseMs, whileBusy } from '../../client/poll.ts';
import type { Spec } from '../../client/spec.ts';
import { assertCanAsk, type Context, serverNow, showBlocks } from '../context.ts';
import { withAdvice } from '../errors.ts';
import { printable } from '../format.ts';
import { ending, endSentence, titleOf } from '../fuse.ts';
import { askByQuote, launchedLines, quoteOf, sendLaunch, warnOfNamesakes } from '../launch.ts';
import { patiently } from '../patience.ts';
import { specOf } from '../spec.ts';
import { type Ended, follow } from './follow.ts';
import { type JobOptions, jobFrom } from './options.ts';
import { fetchResults, folderOf } from './results.ts';
import { collectUpload, sendWithUpload, uploadSentence } from './upload.ts';

export interface RunOptions extends JobOptions {
  readonly yes: boolean;
  readonly detach: boolean;
  readonly into?: string;
  readonly idempotencyKey?: string;
}

/** What docker ends with, too, where the command has no exit code of its own. */
export const RUN_FAILED = 125;
/** The exit code of a command that SIGTERM has ended. */
const STOPPED = 143;

/** Launches a cluster that runs a command. Returns the exit code of the command. */
export async function run(
  context: Context,
  options: RunOptions,
  command: readonly string[],
): Promise<number> {
  const { terminal, env, json } = context;
  if (!options.yes) assertCanAsk(terminal, 'launch');
  const api = context.api();
  const { job: before, ...spec } = specOf(context, options);
  const job = jobFrom(options, command, { env, before });
  const into = folderOf(options.into);
  const collected = await collectUpload(context, options.upload);
  const asked: Spec = { ...spec, job };
  await warnOfNamesakes(context, api, spec.name);
  if (!options.yes) {
    await askByQuote(context, api, asked, collected === null ? [] : [uploadSentence(collected)]);
  } else if (collected !== null) {
    // Faults, and a budget that is too small, are found before anything is sent.
    await quoteOf(context, api, asked);
  }
  const key = options.idempotencyKey ?? createIdempotencyKey();
  const sending = { spec: asked, key, collected };
  const launched = await sendWithUpload(context, api, sending, (body) =>
    sendLaunch(context, api, body, key),
  );
  const { id } = launched;
  if (options.detach) {
    if (json) terminal.out(JSON.stringify(launched));
    else showBlocks(terminal, launchedLines(launched, await serverNow(api)));
    terminal.note(howToGoOn(id));
    return 0;
  }
  terminal.note(`${titleOf(launched)} is launched. Ctrl-C leaves it running.`);
  return followToEnd(context, api, id, into);
}

const howToGoOn = (id: string): string =>
  `"onebuck attach ${id}" follows it, "onebuck stop ${id}" stops it and saves its results.`;

/**
 * Shows the job until its cluster is gone or lives on without it, and fetches the results. Returns the
 * exit code of the command.
 */
export async function followToEnd(
  context: Context,
  api: Api,
  id: string,
  into: string,
): Promise<number> {
  const { terminal, json } = context;
  const attached = context.onInterrupt(() => `Detached: ${id} goes on. ${howToGoOn(id)}`);
  try {
    const ended = await follow(context, api, id);
    const { place } = await fetchResults(context, api, ended.cluster, into);
    const { cluster, job } = await untilSettled(context, api, ended);
    terminal.note(`${titleOf(cluster)}: ${closingLine(job, cluster, place)}`);
    const more = livesOn(job, cluster, await serverNow(api));
    if (more !== null) terminal.note(more);
    if (json) terminal.out(JSON.stringify(cluster));
    return exitCodeOf(job);
  } catch (error) {
    throw mayPass(error) ? withAdvice(error, `${id} goes on. ${howToGoOn(id)}`) : error;
  } finally {
    attached.over();
  }
}

/** For how long the end of a cluster is awaited whose job is over. */
const GONE_MS_MAX = 3 * 60_000;

/** The cluster when it is gone, if it ends with its job; else as it is. */
async function untilSettled(context: Context, api: Api, { cluster, job }: Ended): Promise<Ended> {
  const then = job.state === 'failed' ? job.onFailure : job.onDone;
  let last = cluster;
  const until = Date.now() + GONE_MS_MAX;
  while (then === 'destroy' && isLive(last) && Date.now() < until) {
    await delay(pauseMs(whileBusy));
    last = await patiently(context, () => getCluster(api, last.id));
  }
  return { cluster: last, job };
}

/** `done in 41 min, exit 0, $0.075 of $1.00, $0.90 not spent, results in out/` */
export function closingLine(job: Job, cluster: Cluster, place: string | null): string {
  const { state, exitCode, node, reason, endedAt } = job;
  const spent = `${dollars(cluster.spentUsd)} of ${dollars(cluster.budgetUsd)}`;
  const lasted = Date.parse(endedAt ?? cluster.endedAt ?? '') - Date.parse(cluster.createdAt);
  const time = Number.isNaN(lasted)
    ? ''
    : ` ${state === 'done' ? 'in' : 'after'} ${roughly(lasted)}`;
  const isAlone = job.nodes.length <= 1;
  const where = node === null || isAlone ? '' : ` on node ${node}`;
  const saved = cluster.saved?.untilTeardownUsd ?? 0;
  const isAsked = (cluster.spec.job?.results.length ?? 0) > 0;
  return [
    `${state}${time}`,
    exitCode === null ? `no exit code${where}` : `exit ${exitCode}${where}`,
    ...(reason === null ? [] : [printable(reason).replace(/\.$/, '')]),
    spent,
    ...(saved > 0 ? [`${dollars(saved)} not spent`] : []),
    ...(place === null ? (isAsked ? ['no results'] : []) : [`results in ${printable(place)}`]),
  ].join(', ');
}

/** What becomes of nodes that the end of the job leaves; null: they are gone, or on their way. */
function livesOn(job: Job, cluster: Cluster, nowMs: number): string | null {
  const { id } = cluster;
  if (!isLive(cluster)) return cluster.endReason === 'done' ? null : endSentence(cluster);
  if (cluster.status === 'deleting') return null;
  const free = job.state === 'failed' && job.onFailure === 'keepPaidHour';
  const look = free ? 'Its nodes live on, in the hour that is paid anyway' : 'Its nodes live on';
  return `${look}: ${ending(cluster, nowMs)}. "onebuck ssh ${id}" looks, "onebuck rm ${id}" ends it.`;
}

/** Of the command; that of a job without one says that Onebuck, not the command, has failed. */
export function exitCodeOf({ state, exitCode }: Pick<Job, 'state' | 'exitCode'>): number {
  if (state === 'done') return exitCode ?? 0;
  // A command that ended well when it was told to stop has not come to its own end.
  if (exitCode === 0) return state === 'stopped' ? STOPPED : RUN_FAILED;
  return exitCode ?? RUN_FAILED;
}
