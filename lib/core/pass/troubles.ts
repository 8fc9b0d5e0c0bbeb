import { formatUsd } from '../base/money.ts';
import { type EpochMs, plus } from '../base/units.ts';
import { isBilledOn, overspentAt } from '../cluster/bills.ts';
import {
  deletionPause,
  type Existing,
  type LiveRecord,
  type NodeIn,
  troublesOf,
  troubleTexts,
  withHistory,
} from '../cluster/record.ts';

/** The reason of the trouble of a node whose deletions Linode accepts without effect. */
const IGNORED = 'Linode accepts its deletion, and still lists it';
/** Only after so many accepted deletions does a list that shows the Linode prove anything. */
const ACCEPTED_MIN = 2;

/** When a node's next deletion may be sent; null: at once. */
export function retryAt(node: Existing): EpochMs | null {
  const { trouble } = node;
  if (trouble !== undefined) return plus(trouble.triedAt, deletionPause(trouble.tries));
  if (node.state === 'created') return null;
  return plus(node.billedUntil, deletionPause(node.accepted ?? 1));
}

/**
 * A node that a list shows alive although Linode has accepted its deletion. The list may be older
 * than the deletion. But if the next deletion is due after two were accepted, they had no effect.
 */
export function withSurvival(node: NodeIn<'deleting'>, now: EpochMs): NodeIn<'deleting'> {
  const { accepted = 1, billedUntil, trouble } = node;
  if (trouble !== undefined) return { ...node, trouble: { ...trouble, seenAt: now } };
  if (accepted < ACCEPTED_MIN || now < (retryAt(node) ?? now)) return node;
  const survived = { since: now, reason: IGNORED, tries: accepted, triedAt: billedUntil };
  return { ...node, trouble: { ...survived, seenAt: now } };
}

/**
 * A node that a list shows no more. If it vanished after a list that showed it alive, and before
 * another deletion was accepted, it counts as billed until `now`.
 */
export function withoutMachine(node: NodeIn<'deleting'>, now: EpochMs): NodeIn<'gone'> {
  const { trouble, accepted: _, ...known } = node;
  const lived = trouble?.seenAt !== undefined && trouble.seenAt > node.billedUntil;
  return { ...known, state: 'gone', billedUntil: lived ? now : node.billedUntil };
}

/** The record after a deletion of a Linode that is none of its nodes. */
export function withStray<R extends LiveRecord>(record: R, linodeId: number, triedAt: EpochMs): R {
  const { strays = [] } = record;
  const tries = (strays.find((stray) => stray.linodeId === linodeId)?.tries ?? 0) + 1;
  const others = strays.filter((stray) => stray.linodeId !== linodeId);
  return { ...record, strays: [...others, { linodeId, tries, triedAt }] };
}

/** The record without the strays that a list does not show any more. */
export function withoutGoneStrays<R extends LiveRecord>(
  record: R,
  listed: readonly { readonly id: number }[],
): R {
  const { strays, ...rest } = record;
  if (strays === undefined) return record;
  const left = strays.filter(({ linodeId }) => listed.some(({ id }) => id === linodeId));
  if (left.length === strays.length) return record;
  return left.length === 0 ? (rest as R) : { ...record, strays: left };
}

/** When the next deletion of a Linode that is none of the nodes may be sent; null: at once. */
export function strayRetryAt({ strays = [] }: LiveRecord, id: number): EpochMs | null {
  const stray = strays.find(({ linodeId }) => linodeId === id);
  return stray === undefined ? null : plus(stray.triedAt, deletionPause(stray.tries));
}

/** The record with an entry in its history about nodes that since `before` can't be deleted. */
export function withTroublesNoted<R extends LiveRecord>(
  record: R,
  before: LiveRecord,
  at: EpochMs,
): R {
  const known = new Map(troublesOf(before).map(({ index, trouble }) => [index, trouble.reason]));
  const fresh = troublesOf(record).filter(
    ({ index, trouble }) => known.get(index) !== trouble.reason,
  );
  if (fresh.length === 0) return record;
  return withHistory(record, at, `can't delete ${troubleTexts(fresh).join('; ')}`);
}

/** The record with an entry in its history once the nodes that exist cost more than the budget. */
export function withOverspendNoted<R extends LiveRecord>(record: R, now: EpochMs): R {
  if (record.overBudgetAt !== undefined || !isBilledOn(record)) return record;
  if (overspentAt(record, now) === 0) return record;
  const budget = formatUsd(record.budget);
  const event = `has passed its budget of ${budget}, and Linode bills on`;
  return withHistory({ ...record, overBudgetAt: now }, now, event);
}
