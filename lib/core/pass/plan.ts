import { microUsd } from '../base/money.ts';
import { clusterTag, type NodeLabel, ownershipTag, reapTag, type Tag } from '../base/names.ts';
import {
  durationMs,
  type EpochMs,
  earliest,
  latest,
  minutes,
  plus,
  seconds,
} from '../base/units.ts';
import { overspentAt, spentAt } from '../cluster/bills.ts';
import { type Life, lifeOf } from '../cluster/life.ts';
import type { Linode } from '../cluster/linode.ts';
import { membersOf } from '../cluster/members.ts';
import {
  createTroubleOf,
  type Deleting,
  type EndedRecord,
  isExisting,
  type LiveRecord,
  type NodeIn,
  type NodeRecord,
  nodesText,
  type Provisioning,
  type Running,
  takenOverIn,
  troublesOf,
  withHistory,
  withTrouble,
} from '../cluster/record.ts';
import { measureEvery } from '../cluster/transfer.ts';
import { nextNoticeAt } from '../notices/notices.ts';
import { arePricesOld, isPriceMissing } from './kinds.ts';
import {
  linodeOf,
  observe,
  possibleNodesOf,
  RESEND_AFTER,
  strippedLinodeOf,
  unknownLinodesOf,
} from './observe.ts';
import { inPhase, isUp, unsent, withoutLostCreates, withProgress } from './phase.ts';
import {
  abandonedTags,
  NO_RETAGGING,
  retagging,
  withReapTags,
  withRetagging,
} from './reap-tags.ts';
import type { Step } from './steps.ts';
import {
  ASK_AGAIN_AFTER,
  hasTaggedNode,
  isUnlisted,
  withTagLossDecided,
  withTakeoversNoted,
} from './tags.ts';
import { retryAt, strayRetryAt, withOverspendNoted } from './troubles.ts';

/** The most creates that a pass sends: Linode takes 20 in 15 s (docs/linode.md#rate-limits). */
export const CREATES_PER_PASS = 20;
const POLL_EVERY = seconds(10);
/** How often a pass looks at a running cluster, for nodes that somebody has deleted by hand. */
const CHECK_EVERY = minutes(30);
/**
 * The same, while nodes lack the tags by which lists and the sweeper find them, or prices could not
 * be read.
 */
const CHECK_SOON_EVERY = minutes(5);
/**
 * The least delay of a notice. The reaper starts passes up to a minute before they are due, and
 * only a teardown is worth a function that waits.
 */
const NOTICE_LATE = minutes(1);
/** How long a pass that creates, or deletes, keeps its cluster before another pass takes over. */
const CREATING_LEASE = seconds(120);
const DELETING_LEASE = seconds(30);

export type Plan =
  /**
   * `next` is the intent: save it, then carry out the steps. A step `wait` is the only step of its
   * plan. `life` is the life of `next`.
   */
  | {
      readonly next: LiveRecord;
      readonly steps: readonly [Step, ...Step[]];
      readonly life: Life;
    }
  | { readonly next: EndedRecord; readonly steps: readonly [] };

/**
 * Plans a pass over a cluster at `now`. `observed`: a complete list of Linodes; null: they could
 * not be listed. Carrying out the steps and planning again leads to a wait or to the end of the
 * cluster.
 */
export function plan(record: LiveRecord, observed: readonly Linode[] | null, now: EpochMs): Plan {
  // 1. Update the record by Linode's list.
  const seen = observed === null ? record : withListed(record, observed, now);
  const linodes = observed === null ? null : membersOf(seen, observed);
  // 2. Give up creates that can have no effect any more.
  const known = withoutLostCreates(seen, now, { isListed: linodes !== null });
  // 3. Move the cluster to the phase that its nodes and the time require.
  const life = lifeOf(known, now);
  const moved = withProgress(inPhase(known, life, now), record, now);
  const current = withOverspendNoted(moved, now);
  // 4. Plan what that phase requires.
  switch (current.phase) {
    case 'provisioning':
      return planProvisioning(current, linodes, life, now);
    case 'running':
      return planRunning(current, linodes, life, now);
    case 'deleting':
      return planDeleting(current, linodes, life, now);
  }
}

function withListed(record: LiveRecord, listed: readonly Linode[], now: EpochMs): LiveRecord {
  const decided = withTagLossDecided(observe(record, listed, now), record, listed, now);
  const noted = withTakeoversNoted(decided, record, now);
  const members = membersOf(noted, listed);
  const created = noted.nodes.filter(({ state }) => state === 'created');
  const areAllListed = created.every((node) => linodeOf(node, members) !== undefined);
  // What became of a node is not looked at before it is decided whose the node is.
  const ours = ownershipTag(record.stage);
  const isOpen = record.nodes.some((node) => strippedLinodeOf(node, listed, ours) !== undefined);
  const isWhole = created.length > 0 && areAllListed && !isOpen;
  if (noted.phase === 'deleting' || !isWhole) return noted;
  return { ...noted, lookedAt: now };
}

/**
 * Until the cluster has its turn, nothing. Then:
 * 1. Correct differences between list and record.
 * 2. Replace `reap` tags that name a wrong time.
 * 3. When the time to come up has ended, delete the nodes that are not up.
 * 4. Until then, create nodes, and send lost creates again.
 */
function planProvisioning(
  record: Provisioning,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const dueAt = earliest(plus(now, CREATING_LEASE), life.teardownAt);
  // Until Linode deletes a late node, there is nothing to wait for but the next deletion.
  const pollEvery = troublesOf(record).length > 0 ? minutes(1) : POLL_EVERY;
  const poll = earliest(plus(now, pollEvery), life.teardownAt);
  const turn = earliest(record.createFrom ?? now, life.teardownAt);
  if (now < turn && record.nodes.every(({ state }) => state === 'planned')) {
    return waiting(record, life, {
      reason: 'clusters before it come up',
      until: turn,
      dueAt: turn,
    });
  }
  if (linodes === null) {
    return waiting(record, life, { reason: 'Linodes could not be listed', until: poll, dueAt });
  }
  const retags = retagging(record, linodes, life, now);
  const creates = planCreates(record, life, now);
  const steps: Step[] = [
    ...corrections(record, linodes, now),
    ...retags.steps,
    ...deletionsOfLateNodes(record, linodes, now),
    ...creates.steps,
  ];
  const [first, ...rest] = steps;
  if (first === undefined) {
    return waiting(record, life, { reason: 'nodes are coming up', until: poll, dueAt });
  }
  const tagged = withReapTags({ ...creates.next, dueAt }, creates.borne);
  return { next: withRetagging(tagged, retags, now), steps: [first, ...rest], life };
}

interface Creates {
  readonly next: Provisioning;
  readonly steps: readonly Step[];
  /** The `reap` tags that the new nodes may bear. */
  readonly borne: readonly Tag[];
}

/** The creates that a pass sends, and the record that notes that they may have left. */
function planCreates(record: Provisioning, { teardownAt }: Life, now: EpochMs): Creates {
  // The cluster of a job that has failed, or is to stop, needs no further nodes.
  const isOver = now >= record.provisionBy || record.endBy !== undefined;
  const sendable = isOver ? [] : record.nodes.filter(isSendable(now));
  const sending = sendable.slice(0, CREATES_PER_PASS);
  if (sending.length === 0) return { next: record, steps: [], borne: [] };
  // The earliest `reap` tag so far: the teardown time moves while nodes come up, and no tag may be
  // later than it.
  const current = reapTag(teardownAt);
  const [reap = current] = [...record.reapTags, current].sort();
  const nodes = record.nodes.map((node) => (sending.includes(node) ? asSent(node, now) : node));
  return {
    next: withResends({ ...record, nodes }, sending, now),
    steps: sending.map(({ index, label }) =>
      createNode(record, { index, label, reap, sentAt: now }),
    ),
    borne: [reap],
  };
}

function withResends(
  record: Provisioning,
  sending: readonly NodeRecord[],
  now: EpochMs,
): Provisioning {
  const resent = sending.filter(({ state }) => state === 'creating').map(({ index }) => index);
  if (resent.length === 0) return record;
  return withHistory(
    record,
    now,
    `asked Linode again for node ${resent.join(', ')}: no answer came`,
  );
}

const isSendable = (now: EpochMs) => (node: NodeRecord) =>
  node.state === 'planned' ||
  (node.state === 'creating' && node.refused === undefined && now - node.triedAt >= RESEND_AFTER);

function asSent(node: NodeRecord, now: EpochMs): NodeIn<'creating'> {
  const { index, label } = node;
  const sentAt = node.state === 'creating' ? node.sentAt : now;
  // The reason stays until this create ends: people see it while they wait.
  return { state: 'creating', index, label, sentAt, triedAt: now, ...createTroubleOf(node) };
}

function createNode(
  record: LiveRecord,
  node: { index: number; label: NodeLabel; reap: Tag; sentAt: EpochMs },
): Step {
  const { index, label, reap, sentAt } = node;
  const tags = [ownershipTag(record.stage), clusterTag(record.id), reap, ...record.spec.tags];
  return { kind: 'createNode', index, label, tags, sentAt };
}

/**
 * Deletes unknown Linodes. Skips those that are `deleting`, which the list may show for a while,
 * and those that may be nodes whose creates were not answered.
 */
function deletionsOfUnknown(record: LiveRecord, linodes: readonly Linode[], now: EpochMs): Step[] {
  const due = aliveUnknown(record, linodes).filter(({ id }) => {
    const at = strayRetryAt(record, id);
    return at === null || at <= now;
  });
  return due.map(({ id }) => ({ kind: 'deleteNode', index: null, linodeId: id, seen: true }));
}

function aliveUnknown(record: LiveRecord, linodes: readonly Linode[]): Linode[] {
  const possible = possibleNodesOf(record, linodes);
  return unknownLinodesOf(record, linodes).filter(
    (linode) => linode.status !== 'deleting' && !possible.includes(linode),
  );
}

/**
 * Corrects differences between list and record: Linodes that should not be listed, and nodes that
 * should be.
 */
function corrections(
  record: Provisioning | Running,
  linodes: readonly Linode[],
  now: EpochMs,
): Step[] {
  return [
    ...deletionsOfUnknown(record, linodes, now),
    ...record.nodes.flatMap((node): Step[] => [
      ...(node.state === 'deleting' ? deletion(record, node, linodes, now) : []),
      ...check(record, node, linodes, now),
    ]),
  ];
}

/** Asks for a node by its id, if the list should show it and does not. */
function check(
  record: LiveRecord,
  node: NodeRecord,
  linodes: readonly Linode[],
  now: EpochMs,
): Step[] {
  if (!isExisting(node) || linodeOf(node, linodes) !== undefined) return [];
  if (node.state === 'deleting' && !isUnlisted(node)) return [];
  // A node whose tags can't be put back is never listed again: without this pause, every pass would
  // ask for it at once.
  const { index, linodeId, checkedAt, tagLostAt } = node;
  const changedAt = node.state === 'deleting' ? node.billedUntil : (tagLostAt ?? node.billedFrom);
  const pause = node.state === 'deleting' ? POLL_EVERY : ASK_AGAIN_AFTER;
  const isKnown = checkedAt !== undefined && checkedAt > changedAt && now - checkedAt < pause;
  return isKnown ? [] : [{ kind: 'checkNode', index, linodeId, ...others(record, linodes) }];
}

/**
 * In a teardown, the next list may show no other node any more. Until then, a later pass with a
 * newer list decides what became of a node without the ownership tag.
 */
const others = (record: LiveRecord, linodes: readonly Linode[]) =>
  record.phase === 'deleting' && hasTaggedNode(record, linodes)
    ? ({ othersTagged: true } as const)
    : {};

/** Deletes the nodes that were not up in time; with `onPartial: keep`, the others live on. */
function deletionsOfLateNodes(
  record: Provisioning,
  linodes: readonly Linode[],
  now: EpochMs,
): Step[] {
  if (now < record.provisionBy) return [];
  const late = record.nodes.filter((node) => node.state === 'created' && !isUp(node));
  return late.flatMap((node) => deletion(record, node, linodes, now));
}

/**
 * 1. Correct differences between list and record.
 * 2. Replace `reap` tags that name a wrong time.
 * 3. If neither is needed, remove tags from the account that no node bears any more.
 * 4. If no step is needed, wait for the teardown, the next notice or the next look.
 */
function planRunning(
  record: Running,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const retags = linodes === null ? NO_RETAGGING : retagging(record, linodes, life, now);
  const fixes = linodes === null ? [] : [...corrections(record, linodes, now), ...retags.steps];
  const abandoned = linodes === null ? [] : abandonedTags(record, linodes);
  const tidying: Step[] =
    fixes.length > 0 || abandoned.length === 0
      ? []
      : [{ kind: 'removeTags', own: [], shared: abandoned }];
  const [first, ...rest] = [...fixes, ...tidying];
  if (first === undefined) return waitingToEnd(record, linodes, life, now);
  const dueAt = earliest(plus(now, DELETING_LEASE), life.teardownAt);
  const next = withRetagging({ ...record, dueAt }, retags, now);
  return { next, steps: [first, ...rest], life };
}

function waitingToEnd(
  record: Running,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const { retagAfter = now } = record;
  const { teardownAt, limit } = life;
  const hasLostTags = record.nodes.some((node) => isExisting(node) && node.tagLostAt !== undefined);
  const isSoon = hasLostTags || arePricesOld(record, now);
  const checkEvery = isPriceMissing(record) ? POLL_EVERY : isSoon ? CHECK_SOON_EVERY : CHECK_EVERY;
  const measureAt = plus(now, measureEvery(record, now));
  const tagsAt = retagAfter > now ? retagAfter : teardownAt;
  const lookAt = earliest(plus(now, checkEvery), measureAt, tagsAt);
  const noticeAt = plus(nextNoticeAt(record, life, now) ?? teardownAt, NOTICE_LATE);
  const going = record.nodes.filter(({ state }) => state === 'deleting');
  const { retries } = retriesOf(record, going, linodes, now);
  const until = earliest(lookAt, noticeAt, teardownAt, ...retries);
  const reason =
    until === teardownAt
      ? `the teardown, which the ${limit} sets`
      : until === noticeAt
        ? 'the next notice'
        : 'the next look at its nodes';
  return waiting(record, life, { reason, until, dueAt: until });
}

/**
 * 1. Create nothing more: record unsent nodes as never created.
 * 2. Delete every node that exists, whether the list shows it or not.
 * 3. Wait for creates whose reply was lost, until they can't land any more.
 * 4. When a complete list shows no Linode of the cluster, remove its tags. When the next list shows
 *    none either, the cluster has ended.
 */
function planDeleting(
  record: Deleting,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const nodes = record.nodes.map((node) =>
    node.state === 'planned' ? unsent(node, 'the cluster ended before it was created') : node,
  );
  const current: Deleting = { ...record, nodes };
  const deletions = [
    ...nodes.flatMap((node) => deletion(current, node, linodes, now)),
    ...nodes.flatMap((node) =>
      node.state === 'deleting' && linodes !== null ? check(current, node, linodes, now) : [],
    ),
    ...(linodes === null ? [] : deletionsOfUnknown(current, linodes, now)),
  ];
  const dueAt = plus(now, DELETING_LEASE);
  const [first, ...rest] = deletions;
  if (first !== undefined) {
    // A Linode that came late has brought its tags back into the account.
    return { next: { ...current, dueAt, tagsRemoved: false }, steps: [first, ...rest], life };
  }
  const isOver = nodes.every(({ state }) => state === 'gone' || state === 'neverCreated');
  if (linodes === null || linodes.length > 0 || !isOver) {
    return waitingForEnd(current, linodes, life, now);
  }
  if (!current.tagsRemoved) {
    const own = [clusterTag(record.id)];
    const { network } = record;
    const vlan = network?.kind === 'isolated' && { vlan: network.vlan };
    const step: Step = { kind: 'removeTags', own, shared: record.reapTags, ...vlan };
    return { next: { ...current, dueAt }, steps: [step], life };
  }
  return { next: ended(current, now), steps: [] };
}

/**
 * Waits for the next list, or, if Linode does not delete any of the nodes, for the next deletion of
 * one of them. Looks when the bill passes the budget, too, but at most every `POLL_EVERY`: with
 * transfer, the last affordable instant may move on with `now`.
 */
function waitingForEnd(
  record: Deleting,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const left = record.nodes.filter(({ state }) => !['gone', 'neverCreated'].includes(state));
  const { retries, areAllPaused } = retriesOf(record, left, linodes, now);
  const poll = plus(now, POLL_EVERY);
  if (!areAllPaused) {
    return waiting(record, life, { reason: 'nodes are going', until: poll, dueAt: poll });
  }
  const passesBudgetAt = plus(life.lastAffordable, durationMs(1));
  const isToPass = passesBudgetAt > now && overspentAt(record, now) === 0;
  const due = isToPass ? [...retries, latest(poll, passesBudgetAt)] : retries;
  const until = earliest(...(due as [EpochMs, ...EpochMs[]]));
  return waiting(record, life, { reason: 'Linode does not delete nodes', until, dueAt: until });
}

/**
 * When to send the next deletions of these nodes and of the cluster's strays. `areAllPaused`: there
 * are some, and none of them may be going.
 */
function retriesOf(
  record: LiveRecord,
  nodes: readonly NodeRecord[],
  linodes: readonly Linode[] | null,
  now: EpochMs,
): { readonly retries: readonly EpochMs[]; readonly areAllPaused: boolean } {
  const strays = aliveUnknown(record, linodes ?? []);
  const retries = [
    ...nodes.flatMap((node) => nextDeletionAt(node, linodes, now) ?? []),
    ...strays.flatMap(({ id }) => strayRetryAt(record, id) ?? []),
  ];
  const areAllPaused = retries.length > 0 && retries.length === nodes.length + strays.length;
  return { retries, areAllPaused };
}

/** When to send the next deletion of a node that Linode has not deleted; null: it may be going. */
function nextDeletionAt(
  node: NodeRecord,
  linodes: readonly Linode[] | null,
  now: EpochMs,
): EpochMs | null {
  if (!isExisting(node)) return null;
  if (node.state === 'deleting' && isGoing(node, linodes)) return null;
  const at = retryAt(node);
  return at === null || at <= now ? null : at;
}

/**
 * Whether a list confirms that Linode deletes the node, or, if no list shows it, the last look at
 * its id; without either, an answer did.
 */
function isGoing(node: NodeIn<'deleting'>, linodes: readonly Linode[] | null): boolean {
  const linode = linodes === null ? undefined : linodeOf(node, linodes);
  if (linode !== undefined) return linode.status === 'deleting';
  const { checkedAt, billedUntil, status } = node;
  return checkedAt === undefined || checkedAt <= billedUntil || status === 'deleting';
}

/**
 * Once Linode has accepted a deletion, only a list that shows the node alive justifies another. The
 * next deletion waits ever longer if the last ones had no effect; but the first of a teardown is
 * sent at once.
 */
function deletion(
  record: LiveRecord,
  node: NodeRecord,
  linodes: readonly Linode[] | null,
  now: EpochMs,
): Step[] {
  if (!isExisting(node)) return [];
  if (node.state === 'deleting' && isGoing(node, linodes)) return [];
  const triedAt = node.trouble?.triedAt ?? (node.state === 'deleting' ? node.billedUntil : null);
  const isFirst =
    triedAt === null || (record.phase === 'deleting' && triedAt < record.deletingSince);
  if (!isFirst && now < (retryAt(node) ?? now)) return [];
  const { index, linodeId } = node;
  const seen = linodes !== null && linodeOf(node, linodes) !== undefined;
  const unlisted = { unlisted: true, ...others(record, linodes ?? []) } as const;
  const isUnlistedNow = linodes !== null && !seen;
  return [{ kind: 'deleteNode', index, linodeId, seen, ...(isUnlistedNow ? unlisted : {}) }];
}

function ended(record: Deleting, now: EpochMs): EndedRecord {
  const {
    phase: _,
    dueAt: __,
    deletingSince: ___,
    tagsRemoved: ____,
    ...common
  } = withTrouble(record, [], now);
  const spent = spentAt(record, now);
  const overspent = microUsd(Math.max(0, spent - record.budget));
  const taken = takenOverIn(record);
  const event = taken.length === 0 ? 'gone' : `gone, but ${nodesText(taken)}, taken over: lives on`;
  const end = withHistory({ ...common, endedAt: now, spent, overspent }, now, event);
  return record.endReason === 'failed' ? { ...end, phase: 'failed' } : { ...end, phase: 'deleted' };
}

function waiting(
  record: LiveRecord,
  life: Life,
  wait: { reason: string; until: EpochMs; dueAt: EpochMs },
): Plan {
  const { reason, until, dueAt } = wait;
  return { next: { ...record, dueAt }, steps: [{ kind: 'wait', reason, until }], life };
}
