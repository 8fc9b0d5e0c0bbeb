import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Job } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { getCluster, isLive } from '../../client/clusters.ts';
import { getJob, isJobOver } from '../../client/jobs.ts';
import { plural } from '../../client/plural.ts';
import { pauseMs, whileBusy } from '../../client/poll.ts';
import type { Context } from '../context.ts';
import { nodesBar } from '../fuse.ts';
import { progressOf } from '../launch.ts';
import { patiently } from '../patience.ts';
import { createLogPrinter, type LogContext, type LogOptions } from './log.ts';

/** A laptop may be shut, or on a train, for long; whoever has had enough presses Ctrl-C. */
export const OUTAGE_MS_MAX = 24 * 3_600_000;
/** The longest pause between two looks at a job that runs and says nothing. */
const PAUSE_MS_MAX = 10_000;

/** A cluster whose job is over, as both were then. */
export interface Ended {
  readonly cluster: Cluster;
  readonly job: Job;
}

/**
 * Shows the nodes as they come up, and the log as it grows, until the job is over. Returns then, or
 * when the cluster has ended without an end of its job.
 */
export async function follow(context: Context, api: Api, id: string): Promise<Ended> {
  const ask = <Answer>(get: () => Promise<Answer>) => patiently(context, get, OUTAGE_MS_MAX);
  let cluster = await ask(() => getCluster(api, id));
  const show = progressTeller(context);
  const log = { id, ranks: null, mostMs: OUTAGE_MS_MAX };
  const job = await untilOver(context, api, log, async (job) => {
    // While the command runs, nothing but its log is told.
    if (job.state === 'running') show(job, null);
    else {
      cluster = await ask(() => getCluster(api, id));
      show(job, cluster);
    }
    return isJobOver(job) || (job.state !== 'running' && !isLive(cluster));
  });
  context.terminal.settle();
  return { cluster, job };
}

/** Prints the logs of some nodes, or of all that run the command, until the job is over. */
export async function followLog(
  context: LogContext,
  api: Api,
  log: Pick<Looking, 'id' | 'ranks'>,
): Promise<void> {
  const options = { ...log, mostMs: OUTAGE_MS_MAX };
  await untilOver(context, api, options, async (job) => isJobOver(job));
}

/**
 * Looks at the job, and prints what is new of its logs, until `isOver` says so, which is asked before
 * the log is. `ranks` null: those of all nodes that run the command.
 */
async function untilOver(
  context: LogContext,
  api: Api,
  { id, ranks, mostMs }: Looking,
  isOver: (job: Job) => Promise<boolean>,
): Promise<Job> {
  const look = () => patiently(context, () => getJob(api, id), mostMs);
  let job = await look();
  const all = job.nodes.map(({ index }) => index);
  const log = createLogPrinter(context, api, { id, ranks: ranks ?? all, mostMs });
  for (let pause = pauseMs(whileBusy); ; ) {
    if (await isOver(job)) {
      await log.finish(job);
      return job;
    }
    const isNew = await log.print(job);
    const isQuiet = job.state === 'running' && !isNew;
    pause = isQuiet ? Math.min(PAUSE_MS_MAX, pause * 1.5) : pauseMs(whileBusy);
    await delay(pause);
    job = await look();
  }
}

interface Looking extends Omit<LogOptions, 'ranks'> {
  readonly ranks: readonly number[] | null;
}

/** Draws the nodes' bar in a terminal while they come up; tells of each change in a line. */
function progressTeller({ terminal, json }: Context) {
  const isDrawn = terminal.canRedraw && !json;
  let told = '';
  return (job: Job, cluster: Cluster | null): void => {
    const lines = linesOf(job, cluster);
    if (isDrawn && job.state === 'waiting' && cluster !== null) {
      terminal.redraw([nodesBar(cluster, terminal.look()), ...lines]);
    } else if (lines.join() !== told) {
      terminal.settle();
      for (const line of lines) terminal.note(line);
    }
    told = lines.join();
  };
}

function linesOf(job: Job, cluster: Cluster | null): readonly string[] {
  switch (job.state) {
    case 'waiting':
      return cluster === null ? [] : [...progressOf(cluster), ...stagedLine(job, cluster)];
    case 'running':
      return [`The command runs on ${nodesWords(job)}.`];
    case 'collecting':
      return ['The command has ended. Its results are being collected.'];
    default:
      return [];
  }
}

/** Of a job on one node, the others say nothing of their inputs. */
function stagedLine({ nodes }: Job, { status }: Cluster): string[] {
  const staged = nodes.filter(({ stagedAt }) => stagedAt !== null).length;
  if (status !== 'running' || staged === 0 || nodes.length === 1) return [];
  return [`${staged} of ${nodes.length} nodes have what the command needs`];
}

const nodesWords = ({ nodes, on }: Job): string =>
  on === 'head' ? 'node 0' : plural(nodes.length, 'node');
