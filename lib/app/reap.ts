import { type ClusterId, isScheduleId } from '../core/base/names.ts';
import { plus, seconds } from '../core/base/units.ts';
import { isOverdue } from '../core/cluster/metrics.ts';
import type { Clock, ClusterStore, Log, Metrics, Nudge } from '../ports.ts';

/** The reaper's own period: what falls due before its next tick is started now, and waits. */
const TICK = seconds(60);
const NUDGES_AT_ONCE = 20;

export interface ReapDeps {
  readonly clock: Clock;
  readonly store: Pick<ClusterStore, 'due' | 'getMany'>;
  readonly nudge: Nudge;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Nudges a pass for every cluster and schedule that is due before the next tick. One that can't be
 * nudged does not keep the others waiting. Then, whatever became of the nudges, counts the clusters
 * that should be gone and are not. At the end the first error is thrown.
 */
export async function reap(deps: ReapDeps): Promise<{ nudged: number }> {
  const { clock, store, nudge, log } = deps;
  const errors: unknown[] = [];
  const clusters: ClusterId[] = [];
  let nudged = 0;
  const under = new Set<Promise<void>>();
  for await (const id of store.due(plus(clock.now(), TICK))) {
    if (!isScheduleId(id)) clusters.push(id);
    const asked = isScheduleId(id) ? nudge.runSchedule(id) : nudge.reconcile(id);
    const one = asked.then(
      () => {
        nudged += 1;
      },
      (error: unknown) => {
        errors.push(error);
        log.error('nudge failed', { id, reason: String(error) });
      },
    );
    under.add(one);
    void one.finally(() => under.delete(one));
    if (under.size >= NUDGES_AT_ONCE) await Promise.race(under);
  }
  await Promise.all(under);
  await countOverdue(deps, clusters).catch((error: unknown) => {
    errors.push(error);
    log.error('overdue clusters not counted', { reason: String(error) });
  });
  if (errors.length > 0) throw errors[0];
  return { nudged };
}

/**
 * By the reaper, since it needs neither Linode nor a pass that lives: a live cluster that is past
 * its teardown is always due, whatever its passes die of.
 */
async function countOverdue(
  { clock, store, metrics, log }: ReapDeps,
  due: readonly ClusterId[],
): Promise<void> {
  if (due.length === 0) return;
  const records = await store.getMany(due);
  const overdue = records.filter((record) => isOverdue(record, clock.now()));
  for (const { id } of overdue) log.error('cluster is overdue', { clusterId: id });
  if (overdue.length > 0) metrics.emit(() => ({ OverdueClusters: overdue.length }));
}
