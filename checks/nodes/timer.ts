import { expect, until } from '../deploy/expect.ts';
import type { Cluster } from './cluster.ts';
import { LINODE_IS_BEHIND_MS, type World } from './world.ts';

/** How long after the teardown time the timer of n0 calls at the earliest. */
const TIMER_MS = 15_000;

export interface Timers {
  /** Waits for the end of both clusters, and expects that their nodes have caused it. */
  expectEnd(): Promise<void>;
}

/**
 * Launches two clusters, and stops all rules of EventBridge as soon as they run. Of one cluster, the
 * node is rebooted.
 */
export async function launchTimers(world: World): Promise<Timers> {
  const { launch, ready, stack, report, reboot } = world;
  const launched = [
    await launch({ nodes: 1, maxHours: 1 }),
    await launch({ nodes: 1, maxHours: 1 }),
  ];
  const clusters = await Promise.all(launched.map(({ id }) => ready(id, 60)));
  await until('both clusters run', 60, async () => {
    const shown = await Promise.all(clusters.map(({ id }) => world.cluster(id)));
    return shown.every(({ status }) => status === 'running');
  });
  stack.stopRules();
  const ids = clusters.map(({ id }) => id).join(' and ');
  report(`${ids} run; from now on neither reaper nor sweeper does`);
  await reboot(clusters[1]?.nodes[0]);
  report(`the node of ${clusters[1]?.id} has been rebooted`);
  return {
    async expectEnd() {
      for (const running of clusters) await expectEndByNode(world, running);
    },
  };
}

async function expectEndByNode(world: World, { id, teardownAt }: Cluster): Promise<void> {
  const { cluster, simulator, report } = world;
  let shown = await cluster(id);
  await until(`${id} is deleted`, 300, async () => {
    shown = await cluster(id);
    return shown.status === 'deleted';
  });
  expect(shown.endReason === 'maxHours', `${id} ended by ${shown.endReason}`);
  const tag = `onebuck=${id}`;
  const [linode] = simulator.instances(tag);
  const deletedAt = (linode?.deleted ?? 0) + LINODE_IS_BEHIND_MS;
  const late = deletedAt - Date.parse(teardownAt);
  expect(late >= TIMER_MS, `${id} was destroyed ${late} ms after its teardown time, by another`);
  const { totalMicroUsd } = simulator.bill(tag);
  expect(totalMicroUsd <= 7_500, `Linode bills ${totalMicroUsd} micro-dollars for ${id}`);
  report(
    `the timer of its node has ended ${id}, ${Math.round(late / 1000)} s after the teardown time`,
  );
}
