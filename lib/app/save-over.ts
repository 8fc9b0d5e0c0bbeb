import type { ClusterRecord, LiveRecord } from '../core/cluster/record.ts';
import type { ClusterStore, Log, Nudge } from '../ports.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';

/**
 * How often a change tries again: passes and requests write the same record, so that a few
 * conflicts in a row are normal.
 */
export const CONFLICTS_MAX = 20;

/**
 * Saves what `next` makes of the record that `read` reads, and nudges a pass over it. If somebody
 * has saved the record meanwhile, reads it and asks `next` again. Where `next` answers with null,
 * nothing is saved, and the record is as it was read. `conflict`: it kept changing.
 */
export async function saveOver<R extends ClusterRecord | 'notFound'>(
  deps: { readonly store: Pick<ClusterStore, 'save'>; readonly nudge: Nudge; readonly log: Log },
  read: () => Promise<R>,
  next: (record: R) => LiveRecord | null | Promise<LiveRecord | null>,
): Promise<R | ClusterRecord | 'conflict'> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt += 1) {
    const record = await read();
    const changed = await next(record);
    if (changed === null) return record;
    const saved = await deps.store.save(changed);
    if (saved === 'conflict') continue;
    await nudgeOrLeaveToReaper(deps, changed.id);
    return saved;
  }
  return 'conflict';
}
