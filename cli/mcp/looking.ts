import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../../client/answers.ts';
import {
  getCluster,
  isComing,
  isLive,
  listLive,
  nodesReady,
  unreadableSentence,
} from '../../client/clusters.ts';
import { nextSentence, troubleSentence } from '../../client/end.ts';
import { dollars } from '../../client/money.ts';
import { pauseMs, whileBusy } from '../../client/poll.ts';
import { findCluster } from '../find.ts';
import { endSentence, money, titleOf } from '../fuse.ts';
import { type Answer, utc } from './answers.ts';
import { jobSentences, whenOver } from './jobs.ts';
import type { Session } from './session.ts';

/* The tools that look. */

interface Looked {
  /** undefined: all live clusters. */
  readonly cluster?: string | undefined;
  /** Waits for a while until all nodes run, and have said whether they are ready. */
  readonly waitUntilUp?: boolean | undefined;
  /** Waits for a while until the job is over. */
  readonly waitUntilDone?: boolean | undefined;
}

/** How long a tool may wait: clients give up after 60 s. */
const WAIT_MS_MAX = 45_000;

export async function status(
  session: Session,
  { cluster: named, waitUntilUp = false, waitUntilDone = false }: Looked,
  signal: AbortSignal,
): Promise<Answer> {
  const { api } = session;
  if (named !== undefined) {
    let found = await findCluster(api, named);
    const until = Date.now() + WAIT_MS_MAX;
    while (waitUntilUp && isComing(found) && Date.now() < until) {
      await delay(pauseMs(whileBusy), undefined, { signal });
      found = await getCluster(api, found.id);
    }
    return clusterAnswer(waitUntilDone ? await whenOver(session, found, { until, signal }) : found);
  }
  const { clusters, unreadable } = await listLive(api);
  const missing = unreadableSentence(unreadable);
  const lines = clusters.map(
    (cluster) =>
      `${titleOf(cluster)}: ${cluster.status}, ${nodesReady(cluster)}, ${money(cluster)}, ` +
      (cluster.teardownAt === null ? 'being destroyed' : `teardown at ${utc(cluster.teardownAt)}`),
  );
  return {
    sentences: [
      ...(lines.length > 0 ? lines : ['No cluster lives.']),
      ...(missing === null ? [] : [missing]),
    ],
  };
}

/** A cluster in sentences, and its data but for the nodes and the spec, which may be long. */
export function clusterAnswer(cluster: Cluster, more: readonly string[] = []): Answer {
  const next = nextSentence(cluster, utc);
  const trouble = troubleSentence(cluster, utc);
  const { nodes, spec: _spec, ...data } = cluster;
  return {
    sentences: [
      isLive(cluster)
        ? `${titleOf(cluster)}: ${cluster.status}, ${nodesReady(cluster)}. ${money(cluster)}, ` +
          `${dollars(cluster.hourlyUsd)} a started hour.`
        : endSentence(cluster),
      ...jobSentences(cluster),
      ...(next === null ? [] : [next]),
      ...(trouble === null ? [] : [trouble]),
      ...nodes.flatMap(({ index, reason }) =>
        reason === undefined ? [] : [`Node ${index}: ${reason}`],
      ),
      ...nodes.flatMap(({ index, agentReason }) =>
        agentReason === undefined ? [] : [`Node ${index} is not ready: ${agentReason}`],
      ),
      ...more,
    ],
    data,
  };
}
