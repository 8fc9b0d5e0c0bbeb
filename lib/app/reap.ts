import { type ClusterId, isScheduleId } from '../core/base/names.ts';
import { plus, seconds } from '../core/base/units.ts';
import { isOverdue } from '../core/cluster/metrics.ts';
import type { Clock, ClusterStore, Log, Metrics, Nudge } from '../ports.ts';
import { forEachAtMost } from './at-most.ts';

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
  await forEachAtMost(NUDGES_AT_ONCE, store.due(plus(clock.now(), TICK)), async (id) => {
    if (!isScheduleId(id)) clusters.push(id);
    try {
      await (isScheduleId(id) ? nudge.runSchedule(id) : nudge.reconcile(id));
      nudged += 1;
    } catch (error) {
      errors.push(error);
      log.error('nudge failed', { id, reason: String(error) });
    }
  });
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
