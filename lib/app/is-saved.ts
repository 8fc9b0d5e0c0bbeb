import { isDeepStrictEqual } from 'node:util';
import type { ClusterRecord } from '../core/cluster/record.ts';
import type { ClusterStore } from '../ports.ts';

/**
 * Whether `record` was saved, although its save was a conflict: AWS's client repeats a save whose
 * answer was lost, and then conflicts with itself. `record` is as it was given to the save, with a
 * last entry of its history that no other save has. Somebody may have saved newer records since.
 */
export async function isSaved(
  store: Pick<ClusterStore, 'get'>,
  record: ClusterRecord,
): Promise<boolean> {
  const found = await store.get(record.id);
  if (found === 'notFound' || found.revision <= record.revision) return false;
  const event = record.history.at(-1);
  return found.history.some((entry) => isDeepStrictEqual(entry, event));
}
