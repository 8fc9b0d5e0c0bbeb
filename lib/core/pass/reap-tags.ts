import { reapTag, reapTimeOfTags, type Tag } from '../base/names.ts';
import { type EpochMs, minus, minutes } from '../base/units.ts';
import type { Life } from '../cluster/life.ts';
import type { Linode } from '../cluster/linode.ts';
import type { LiveRecord, Provisioning, Running } from '../cluster/record.ts';
import { linodeOf } from './observe.ts';
import type { Step } from './steps.ts';

/** A `reap` tag that is earlier than the teardown by more than this is moved; a later one always. */
const EARLY_MAX = minutes(5);

/** What to do about `reap` tags, and which of them nodes of the cluster may bear from then on. */
export interface Retagging {
  readonly steps: readonly Step[];
  readonly borne: readonly Tag[];
}

export const NO_RETAGGING: Retagging = { steps: [], borne: [] };

/**
 * Nodes whose `reap` tag is missing, too late, or so early that the sweeper, if it had nothing else
 * to go by, would end the cluster well before its time.
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
  // The replaced ones too, even if the record does not know them: they are to leave the account.
  const replaced = wrong.flatMap(({ linode }) => linode.tags.filter(isReapTag));
  return { steps, borne: [reap, ...replaced] };
}

/**
 * While nodes are coming up the teardown time moves with them, and all bear the earliest: then only a
 * tag that is too late is wrong.
 */
function isRight({ phase }: LiveRecord, { tags }: Linode, teardownAt: EpochMs): boolean {
  const reapAt = reapTimeOfTags(tags);
  if (reapAt === null || reapAt > teardownAt) return false;
  return phase === 'provisioning' || reapAt >= minus(teardownAt, EARLY_MAX);
}

const isReapTag = (tag: Tag) => reapTimeOfTags([tag]) !== null;

/** Tags that nodes of the cluster bore, and bear no more. */
export const abandonedTags = (
  { reapTags }: LiveRecord,
  linodes: readonly Linode[],
): readonly Tag[] => reapTags.filter((tag) => !linodes.some(({ tags }) => tags.includes(tag)));

/** The record that knows these tags, too. */
export const withReapTags = <R extends LiveRecord>(record: R, tags: readonly Tag[]): R => ({
  ...record,
  reapTags: [...new Set([...record.reapTags, ...tags])],
});
