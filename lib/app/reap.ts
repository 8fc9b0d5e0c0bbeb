import { type ClusterId, isClusterId, type ScheduleId } from '../core/base/names.ts';
import { type EpochMs, plus } from '../core/base/units.ts';
import { isOverdue } from '../core/cluster/metrics.ts';
import { isLive } from '../core/cluster/record.ts';
import { type Batch, batchesOfIds, LOOKAHEAD, planBatches, TICK } from '../core/pass/batches.ts';
import type { Clock, ClusterStore, Log, ManyRead, Metrics, Nudge } from '../ports.ts';
import { forEachAtMost } from './at-most.ts';

const NUDGES_AT_ONCE = 20;
/**
 * How many clusters must be due within `LOOKAHEAD` before the reaper looks whether they are more
 * than the safety margin has time for. Fewer never are: 12 clusters of 100 nodes take a minute.
 */
const CROWD = 12;

export interface ReapDeps {
  readonly clock: Clock;
  readonly store: Pick<ClusterStore, 'due' | 'getMany'>;
  readonly nudge: Nudge;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Asks for the passes over all clusters and schedules that are due before the next tick, and for
 * the teardowns that must begin by then because too many are due later. A nudge that fails does not
 * keep the others waiting. Reports overdue clusters. Throws the first error at the end.
 */
export async function reap(deps: ReapDeps): Promise<{ nudged: number }> {
  const { clock, nudge, log } = deps;
  const errors: unknown[] = [];
  const attempt = async (what: object, work: () => Promise<void>) => {
    try {
      await work();
      return true;
    } catch (error) {
      errors.push(error);
      log.error('nudge failed', { ...what, reason: String(error) });
      return false;
    }
  };
  const due = await findDue(deps, errors);
  let nudged = 0;
  const { batches, read } = await planFor(deps, due, errors);
  await forEachAtMost(NUDGES_AT_ONCE, batches, async (batch) => {
    const ids = batch.map(({ clusterId }) => clusterId);
    if (await attempt({ ids }, () => nudge.reconcile(batch))) nudged += batch.length;
  });
  // Launches come last: each schedule has a function of its own, and teardowns need theirs.
  await forEachAtMost(NUDGES_AT_ONCE, due.schedules, async (id) => {
    if (await attempt({ id }, () => nudge.runSchedule(id))) nudged += 1;
  });
  reportOverdue(deps, read, clock.now());
  if (errors.length > 0) throw errors[0];
  return { nudged };
}

interface Due {
  readonly schedules: readonly ScheduleId[];
  /** The clusters that are due before the next tick. */
  readonly clusters: readonly ClusterId[];
  /** The clusters that are due later, within `LOOKAHEAD`. */
  readonly later: readonly ClusterId[];
}

/** An error while reading the index keeps nothing waiting that was read before. */
async function findDue({ clock, store, log }: ReapDeps, errors: unknown[]): Promise<Due> {
  const now = clock.now();
  const schedules: ScheduleId[] = [];
  const clusters: ClusterId[] = [];
  const later: ClusterId[] = [];
  try {
    for await (const { id, dueAt } of store.due(plus(now, LOOKAHEAD))) {
      const isSoon = dueAt <= plus(now, TICK);
      if (isClusterId(id)) (isSoon ? clusters : later).push(id);
      else if (isSoon) schedules.push(id);
    }
  } catch (error) {
    errors.push(error);
    log.error('the index of due items can not be read', { reason: String(error) });
  }
  return { schedules, clusters, later };
}

const NOTHING: ManyRead = { records: [], unreadable: [] };

/**
 * The batches of this tick, and the records of the clusters that are due. If the records can't be
 * read, every cluster that is due gets its pass, in any order.
 */
async function planFor(
  { clock, store, log }: ReapDeps,
  { clusters, later }: Due,
  errors: unknown[],
): Promise<{ batches: readonly Batch[]; read: ManyRead }> {
  const isCrowd = clusters.length + later.length >= CROWD;
  const ids = isCrowd ? [...clusters, ...later] : clusters;
  if (ids.length === 0) return { batches: [], read: NOTHING };
  try {
    const read = await store.getMany(ids);
    return { batches: planBatches(read.records.filter(isLive), clock.now()), read };
  } catch (error) {
    errors.push(error);
    log.error('records can not be read; passes are in no order', { reason: String(error) });
    return { batches: batchesOfIds(clusters), read: NOTHING };
  }
}

/**
 * Logs and counts the overdue clusters among those that are due. The reaper does this, because it
 * needs neither Linode nor a living pass: a live cluster past its teardown time is always due,
 * whatever its passes die of.
 */
function reportOverdue(
  { metrics, log }: ReapDeps,
  { records, unreadable }: ManyRead,
  now: EpochMs,
): void {
  for (const { id, unreadable: reason } of unreadable) {
    log.error('record is unreadable', { clusterId: id, reason });
  }
  const overdue = records.filter((record) => isOverdue(record, now));
  for (const { id } of overdue) log.error('cluster is overdue', { clusterId: id });
  if (overdue.length > 0) metrics.emit(() => ({ OverdueClusters: overdue.length }));
  if (unreadable.length > 0) metrics.emit(() => ({ UnreadableRecords: unreadable.length }));
}
