import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { getCluster, isLive, nodesReady } from '../client/clusters.ts';
import { fingerprint, isBusy, pauseMs, whileBusy } from '../client/poll.ts';
import { clockFrom, type Reading, readServerTime } from '../client/server-clock.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { findCluster } from './find.ts';
import { endSentence, fuseLine, fuseLines } from './fuse.ts';
import { patiently } from './patience.ts';

/** The first looks come close together, to learn how fast the server's clock goes. */
const FIRST_PAUSE_MS = 300;
/** How often the countdown is drawn in between. */
const DRAW_MS = 500;

export async function watch(context: Context, named: string): Promise<void> {
  const api = context.api();
  const { id } = await findCluster(api, named);
  const watching = context.onInterrupt(() => `Cluster ${id} lives on: "onebuck rm ${id}" ends it.`);
  try {
    const cluster = await watchToEnd(context, api, id);
    if (cluster.status === 'failed') {
      // In words, the end is on stdout already.
      throw new CliError('failed', context.json ? endSentence(cluster) : '', cluster);
    }
  } finally {
    watching.over();
  }
}

async function watchToEnd(context: Context, api: Api, id: string): Promise<Cluster> {
  const { terminal, json } = context;
  const isDrawn = terminal.canRedraw && !json;
  const tellChange = changeTeller(context);
  let first: Reading | null = null;
  const look = async () => {
    const [cluster, reading] = await Promise.all([getCluster(api, id), readServerTime(api)]);
    first ??= reading;
    return { cluster, clock: clockFrom(first, reading) };
  };
  let seen = await look();
  let unchanged = 0;
  for (let pause = FIRST_PAUSE_MS; isLive(seen.cluster); ) {
    const { cluster, clock } = seen;
    if (!isDrawn) tellChange(cluster, clock.now());
    const until = Date.now() + pause;
    for (let left = pause; left > 0; left = until - Date.now()) {
      if (isDrawn) terminal.redraw(fuseLines(cluster, clock.now(), terminal.look()));
      await delay(Math.min(DRAW_MS, left));
    }
    seen = await patiently(context, look);
    const isSame = fingerprint([cluster]) === fingerprint([seen.cluster]);
    unchanged = isSame ? unchanged + 1 : 0;
    const busy = isBusy([seen.cluster], seen.clock.now());
    pause = pauseMs({ ...whileBusy, unchanged, busy, rate: seen.clock.rate });
  }
  const { cluster, clock } = seen;
  if (isDrawn) terminal.redraw([endSentence(cluster)]);
  else if (json) tellChange(cluster, clock.now());
  else terminal.out(endSentence(cluster));
  return cluster;
}

/** A line whenever the status, the nodes, the money or the teardown time changed. */
function changeTeller({ terminal, json }: Context) {
  let last = '';
  return (cluster: Cluster, nowMs: number) => {
    const { status, spentUsd, budgetUsd, teardownAt } = cluster;
    const key = JSON.stringify([status, nodesReady(cluster), spentUsd, budgetUsd, teardownAt]);
    if (key === last) return;
    last = key;
    terminal.out(json ? JSON.stringify(cluster) : fuseLine(cluster, nowMs, terminal.look()));
  };
}
