import type { ClusterId } from '../core/base/names.ts';
import type { Log, Nudge } from '../ports.ts';

/**
 * Nudges a pass. A lost nudge costs a minute at most: the record is due, and the next tick of the
 * reaper sees it.
 */
export async function nudgeOrLeaveToReaper(
  { nudge, log }: { readonly nudge: Nudge; readonly log: Log },
  id: ClusterId,
): Promise<void> {
  await nudge.reconcile([{ clusterId: id }]).catch((error: unknown) => {
    log.warn('nudge lost', { clusterId: id, reason: String(error) });
  });
}
