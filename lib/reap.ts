import { isScheduleId } from './core/names.ts';
import { plus, seconds } from './core/units.ts';
import type { Clock, ClusterStore, Log, Nudge } from './ports.ts';

/** The reaper's own period: what falls due before its next tick is started now, and waits. */
const TICK = seconds(60);
const NUDGES_AT_ONCE = 20;

/**
 * Nudges a pass for every cluster and schedule that is due before the next tick. One that can't be
 * nudged does not keep the others waiting; at the end the first such error is thrown.
 */
export async function reap(deps: {
  readonly clock: Clock;
  readonly store: ClusterStore;
  readonly nudge: Nudge;
  readonly log: Log;
}): Promise<{ nudged: number }> {
  const { clock, store, nudge, log } = deps;
  const errors: unknown[] = [];
  let nudged = 0;
  const under = new Set<Promise<void>>();
  for await (const id of store.due(plus(clock.now(), TICK))) {
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
  if (errors.length > 0) throw errors[0];
  return { nudged };
}
