import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../client/answers.ts';
import type { Api } from '../client/api.ts';
import { destroyCluster, getCluster, isLive, listLive } from '../client/clusters.ts';
import { dollars } from '../client/money.ts';
import { pauseMs, whileBusy } from '../client/poll.ts';
import { apiOfInputs, messageOf, patiently, runStep, savedState, summarize } from './runner.ts';

/*
 * Destroys the cluster that main.ts launched. The runner starts this at the end of the job, whether
 * the job succeeded, failed or was cancelled.
 */

/** For how long a launch may still be under way whose answer main.ts did not live to see. */
const LAUNCH_MS_MAX = 30_000;
/** For how long to wait for the end. Onebuck goes on destroying all the same. */
const END_MS_MAX = 3 * 60_000;

async function destroyOfJob(): Promise<void> {
  const mark = savedState('mark');
  if (mark === undefined) return; // main.ts has not asked for a launch
  const api = apiOfInputs();
  const id = savedState('cluster') ?? (await findMarked(api, mark));
  if (id === null) {
    console.log('Nothing was launched.');
    return;
  }
  let cluster = await patiently(() => destroyCluster(api, id)).catch((error) => {
    throw new Error(
      `Cluster ${id} could not be destroyed: ${messageOf(error)} It ends by itself before it costs ` +
        `more than its budget; "onebuck rm ${id}" ends it now.`,
    );
  });
  const until = Date.now() + END_MS_MAX;
  while (isLive(cluster) && Date.now() < until) {
    await delay(pauseMs(whileBusy));
    cluster = await patiently(() => getCluster(api, id));
  }
  const sentence = sentenceOf(cluster);
  console.log(sentence);
  summarize(sentence);
}

/** The cluster with the tag, of which main.ts did not learn the id; null: there is none. */
async function findMarked(api: Api, mark: string): Promise<string | null> {
  // A refusal may have been the answer to the second try of a request.
  const until = Date.now() + (savedState('refused') === undefined ? LAUNCH_MS_MAX : 0);
  for (;;) {
    const { clusters } = await patiently(() => listLive(api));
    const found = clusters.find(({ spec }) => spec.tags.includes(mark));
    if (found !== undefined) return found.id;
    if (Date.now() > until) return null;
    await delay(pauseMs(whileBusy));
  }
}

function sentenceOf(cluster: Cluster): string {
  const cost = `${dollars(cluster.spentUsd)} of its budget of ${dollars(cluster.budgetUsd)}`;
  return isLive(cluster)
    ? `Cluster ${cluster.id} is being destroyed; until now it cost ${cost}.`
    : `Cluster ${cluster.id} is gone. It cost ${cost}.`;
}

await runStep(destroyOfJob);
