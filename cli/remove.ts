import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import {
  destroyCluster,
  getCluster,
  isLive,
  listLive,
  unreadableSentence,
} from '../client/clusters.ts';
import { destroySentence } from '../client/end.ts';
import { plural } from '../client/plural.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import { fullTime } from '../client/times.ts';
import { knownHostsFile } from './config.ts';
import { assertCanAsk, type Context, confirm, serverNow, show } from './context.ts';
import { CliError, withAdvice } from './errors.ts';
import { findCluster } from './find.ts';
import { printable } from './format.ts';
import { endSentence, titleOf } from './fuse.ts';
import { patiently } from './patience.ts';

export interface RemoveOptions {
  readonly yes: boolean;
  readonly wait: boolean;
  readonly owner?: string;
  readonly all: boolean;
}

/** Destroys one cluster, or all live clusters of an owner. */
export async function remove(
  context: Context,
  named: string | undefined,
  options: RemoveOptions,
): Promise<void> {
  const { yes, owner, all } = options;
  if (!yes) assertCanAsk(context.terminal, 'destroy');
  if (named !== undefined && owner === undefined && !all) {
    return removeOne(context, named, options);
  }
  if (named === undefined && owner !== undefined && all) return removeAll(context, owner, options);
  throw new CliError('usage', 'Give a cluster; or, for all of an owner, --owner and --all.');
}

async function removeOne(
  context: Context,
  named: string,
  { yes, wait }: Pick<RemoveOptions, 'yes' | 'wait'>,
): Promise<void> {
  const api = context.api();
  const found = await findCluster(api, named, { exact: yes });
  if (!isLive(found)) return show(context, found, () => endSentence(found));
  const cost = costSentence(found, await serverNow(api));
  if (found.status !== 'deleting') {
    await confirm(context, { yes, what: 'destroy', question: `${cost}\nDestroy it now?` });
  }
  const deleting = await destroy(context, api, found.id);
  if (!wait) {
    return show(context, deleting, () => [cost, `${titleOf(deleting)} is being destroyed.`]);
  }
  const [gone] = await untilGone(context, api, [deleting]);
  show(context, gone, () => (gone === undefined ? '' : endSentence(gone)));
}

async function removeAll(
  context: Context,
  owner: string,
  { yes, wait }: Pick<RemoveOptions, 'yes' | 'wait'>,
): Promise<void> {
  const api = context.api();
  const { clusters, unreadable } = await listLive(api, owner);
  const whose = printable(owner);
  const missing = unreadableSentence(unreadable);
  if (missing !== null) context.terminal.note(missing);
  if (clusters.length === 0) {
    return show(context, { clusters }, () => `No cluster of ${whose} lives.`);
  }
  const now = await serverNow(api);
  const costs = clusters.map((cluster) => costSentence(cluster, now));
  const these = `${plural(clusters.length, 'cluster')} of ${whose}`;
  const question = `${costs.join('\n')}\nDestroy ${these} now?`;
  await confirm(context, { yes, what: 'destroy', question });
  // One after the other: API Gateway admits two such requests a second.
  const deleting: Cluster[] = [];
  for (const { id } of clusters) {
    const begun = await patiently(context, () => destroy(context, api, id)).catch((error) => {
      const left = clusters.slice(deleting.length).map((cluster) => cluster.id);
      throw withAdvice(error, `Not destroyed: ${left.join(', ')}. The same command goes on.`);
    });
    deleting.push(begun);
  }
  if (!wait) {
    return show(context, { clusters: deleting }, () => `${these}: being destroyed.`);
  }
  const gone = await untilGone(context, api, deleting);
  show(context, { clusters: gone }, () => gone.map(endSentence));
}

async function destroy({ env }: Context, api: Api, id: string): Promise<Cluster> {
  const cluster = await destroyCluster(api, id);
  rmSync(knownHostsFile(env, id), { force: true });
  return cluster;
}

async function untilGone(
  context: Context,
  api: Api,
  deleting: readonly Cluster[],
): Promise<readonly Cluster[]> {
  const ids = deleting.map(({ id }) => id).join(', ');
  const waiting = context.onInterrupt(() => `Being destroyed all the same: ${ids}.`);
  try {
    let clusters = deleting;
    while (clusters.some(isLive)) {
      await delay(pauseMs(whileBusy));
      const next: Cluster[] = [];
      for (const cluster of clusters) {
        const { id } = cluster;
        const isGone = !isLive(cluster);
        next.push(isGone ? cluster : await patiently(context, () => getCluster(api, id)));
      }
      clusters = next;
    }
    return clusters;
  } finally {
    waiting.over();
  }
}

/** What destroying it now comes to. */
export function costSentence(cluster: Cluster, nowMs: number): string {
  const { nodes, type } = cluster;
  const cost = destroySentence(cluster, nowMs, (at) => fullTime(at, nowMs));
  return `${titleOf(cluster)} (${nodes.length} × ${type}): ${cost}`;
}
