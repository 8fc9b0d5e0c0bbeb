import { clusterTag, ownershipTag, reapTag, reapTimeOfTags, type Tag } from '../base/names.ts';
import { type EpochMs, minus, minutes } from '../base/units.ts';
import type { Life } from '../cluster/life.ts';
import type { Linode } from '../cluster/linode.ts';
import type { LiveRecord, Provisioning, Running } from '../cluster/record.ts';
import { linodeOf } from './observe.ts';
import type { Step } from './steps.ts';

/** How much earlier than the teardown time a `reap` tag may be. A later tag is always replaced. */
const EARLY_MAX = minutes(5);

/** The steps that replace `reap` tags, and the `reap` tags that nodes may bear from then on. */
export interface Retagging {
  readonly steps: readonly Step[];
  readonly borne: readonly Tag[];
}

export const NO_RETAGGING: Retagging = { steps: [], borne: [] };

/**
 * Puts back the ownership tag and the cluster's tag, and replaces `reap` tags that are missing, too late, or so early that the sweeper, if it had only the
 * tag to go by, would destroy the cluster well before its teardown time.
 */
export function retagging(
  record: Provisioning | Running,
  linodes: readonly Linode[],
  { teardownAt }: Life,
  now: EpochMs,
): Retagging {
  if (record.retagAfter !== undefined && now < record.retagAfter) return NO_RETAGGING;
  const reap = reapTag(teardownAt);
  const wrong = record.nodes.flatMap((node) => {
    const linode = node.state === 'created' ? linodeOf(node, linodes) : undefined;
    if (linode === undefined || linode.status === 'deleting') return [];
    return isRight(record, linode, teardownAt) ? [] : [{ index: node.index, linode }];
  });
  if (wrong.length === 0) return NO_RETAGGING;
  const steps = wrong.map(
    ({ index, linode }): Step => ({ kind: 'retagNode', index, linodeId: linode.id, reap }),
  );
  // Replaced tags count too, even if the record does not know them, so that a later pass removes
  // them from the account.
  const replaced = wrong.flatMap(({ linode }) => linode.tags.filter(isReapTag));
  return { steps, borne: [reap, ...replaced] };
}

/**
 * While nodes come up, the teardown time moves, and all nodes bear the earliest `reap` tag. Only a
 * tag later than the teardown time is wrong then.
 */
function isRight({ id, stage, phase }: LiveRecord, { tags }: Linode, teardownAt: EpochMs): boolean {
  if (![ownershipTag(stage), clusterTag(id)].every((tag) => tags.includes(tag))) return false;
  const reapAt = reapTimeOfTags(tags);
  if (reapAt === null || reapAt > teardownAt) return false;
  return phase === 'provisioning' || reapAt >= minus(teardownAt, EARLY_MAX);
}

const isReapTag = (tag: Tag) => reapTimeOfTags([tag]) !== null;

/** The `reap` tags that nodes of the cluster bore and that no listed Linode bears any more. */
export const abandonedTags = (
  { reapTags }: LiveRecord,
  linodes: readonly Linode[],
): readonly Tag[] => reapTags.filter((tag) => !linodes.some(({ tags }) => tags.includes(tag)));

/** The record with `tags` among its `reap` tags. */
export const withReapTags = <R extends LiveRecord>(record: R, tags: readonly Tag[]): R => ({
  ...record,
  reapTags: [...new Set([...record.reapTags, ...tags])],
});

/** The record of a pass that carries out the retagging, if it has steps. */
export const withRetagging = <R extends LiveRecord>(
  record: R,
  { steps, borne }: Retagging,
  now: EpochMs,
): R => (steps.length === 0 ? record : { ...withReapTags(record, borne), retaggedAt: now });
