import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Health } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { getCluster, isLive } from '../client/clusters.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { findCluster } from './find.ts';
import { endSentence, fuseLine, fuseLines, nodesUp } from './fuse.ts';
import { patiently } from './patience.ts';
import { ServerClock } from './server-clock.ts';

/** How often the server is asked, and how often the countdown is drawn in between. */
const ASK_MS = 2_000;
const ASK_MS_AT_FIRST = 300;
const DRAW_MS = 500;

export async function watch(context: Context, named: string): Promise<void> {
  const api = context.api();
  const { id } = await findCluster(api, named);
  const watching = context.onInterrupt(() => `Cluster ${id} lives on: "onebuck rm ${id}" ends it.`);
  try {
    const cluster = await watchToEnd(context, api, id);
    if (cluster.status === 'failed') throw new CliError('failed', '', cluster);
  } finally {
    watching.over();
  }
}

async function watchToEnd(context: Context, api: Api, id: string): Promise<Cluster> {
  const { terminal, json } = context;
  const clock = new ServerClock();
  const isDrawn = terminal.canRedraw && !json;
  const tellChange = changeTeller(context);
  let cluster = await ask(api, id, clock);
  for (let asked = 1; isLive(cluster); asked += 1) {
    const drawn = cluster;
    const draw = () => terminal.redraw(fuseLines(drawn, clock.now(Date.now()), terminal.look()));
    if (isDrawn) draw();
    else tellChange(cluster, clock.now(Date.now()));
    // The first answers come close together, to learn how fast the server's clock goes.
    const pause = asked === 1 ? ASK_MS_AT_FIRST : ASK_MS;
    const until = Date.now() + pause;
    while (Date.now() < until) {
      await delay(Math.min(DRAW_MS, Math.max(1, until - Date.now())));
      if (isDrawn) draw();
    }
    cluster = await patiently(context, () => ask(api, id, clock));
  }
  if (isDrawn) terminal.redraw([endSentence(cluster)]);
  else if (json) tellChange(cluster, clock.now(Date.now()));
  else terminal.out(endSentence(cluster));
  return cluster;
}

async function ask(api: Api, id: string, clock: ServerClock): Promise<Cluster> {
  const [cluster, health] = await Promise.all([
    getCluster(api, id),
    api.json<Health>('/health').then((answer) => ({ ...answer, localMs: Date.now() })),
  ]);
  clock.observe({ serverMs: Date.parse(health.time), localMs: health.localMs });
  return cluster;
}

/** A line whenever the status, the nodes, the money or the teardown time changed. */
function changeTeller({ terminal, json }: Context) {
  let last = '';
  return (cluster: Cluster, nowMs: number) => {
    const { status, spentUsd, budgetUsd, teardownAt } = cluster;
    const key = JSON.stringify([status, nodesUp(cluster), spentUsd, budgetUsd, teardownAt]);
    if (key === last) return;
    last = key;
    terminal.out(json ? JSON.stringify(cluster) : fuseLine(cluster, nowMs, terminal.look()));
  };
}
