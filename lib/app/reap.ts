import { type ClusterId, isScheduleId } from '../core/base/names.ts';
import { plus, seconds } from '../core/base/units.ts';
import { isOverdue } from '../core/cluster/metrics.ts';
import type { Clock, ClusterStore, Log, Metrics, Nudge } from '../ports.ts';
import { forEachAtMost } from './at-most.ts';

/**
 * The period of the reaper's ticks: a tick starts every pass that falls due before the next tick,
 * and the pass waits until it is due.
 */
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
 * Nudges a pass for every cluster and schedule that is due before the next tick. A nudge that fails
 * does not keep the others waiting. After the nudges, whatever became of them, reports overdue
 * clusters. Throws the first error at the end.
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
  await reportOverdue(deps, clusters).catch((error: unknown) => {
    errors.push(error);
    log.error('overdue clusters not counted', { reason: String(error) });
  });
  if (errors.length > 0) throw errors[0];
  return { nudged };
}

/**
 * Logs and counts the overdue clusters among those that are due. The reaper does this, because it
 * needs neither Linode nor a living pass: a live cluster past its teardown time is always due,
 * whatever its passes die of.
 */
async function reportOverdue(
  { clock, store, metrics, log }: ReapDeps,
  due: readonly ClusterId[],
): Promise<void> {
  if (due.length === 0) return;
  const records = await store.getMany(due);
  const overdue = records.filter((record) => isOverdue(record, clock.now()));
  for (const { id } of overdue) log.error('cluster is overdue', { clusterId: id });
  if (overdue.length > 0) metrics.emit(() => ({ OverdueClusters: overdue.length }));
}
