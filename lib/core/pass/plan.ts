import { microUsd } from '../base/money.ts';
import { clusterTag, type NodeLabel, ownershipTag, reapTag, type Tag } from '../base/names.ts';
import { type EpochMs, earliest, minutes, plus, seconds } from '../base/units.ts';
import { spentAt } from '../cluster/bills.ts';
import { type Life, lifeOf } from '../cluster/life.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  type Deleting,
  type EndedRecord,
  type LiveRecord,
  type NodeIn,
  type NodeRecord,
  type Provisioning,
  type Running,
  withHistory,
  withTrouble,
} from '../cluster/record.ts';
import { nextNoticeAt } from '../notices/notices.ts';
import {
  linodeOf,
  linodesOf,
  observe,
  possibleNodesOf,
  RESEND_AFTER,
  unknownLinodesOf,
} from './observe.ts';
import { inPhase, isUp, neverCreated, withoutLostCreates, withProgress } from './phase.ts';
import { abandonedTags, NO_RETAGGING, retagging, withReapTags } from './reap-tags.ts';
import type { Step } from './steps.ts';

/** How many creates a pass sends: what Linode's rate limit takes at once (20 per 15 s). */
export const CREATES_PER_PASS = 20;
const POLL_EVERY = seconds(10);
/** How often a running cluster is looked at, for nodes that were deleted by hand. */
const CHECK_EVERY = minutes(30);
/** How soon a node found by its id, but not in the list, is asked for again. */
const ASK_AGAIN_AFTER = minutes(1);
/**
 * By how much a notice is told late at least: the reaper starts passes up to a minute before they
 * are due, and only a teardown is worth the waiting.
 */
const NOTICE_LATE = minutes(1);
/** When another pass takes over from one that died while it created, or while it deleted. */
const CREATING_LEASE = seconds(120);
const DELETING_LEASE = seconds(30);

export type Plan =
  /**
   * `next` is the intent: save it, then carry out the steps. A wait stands by itself. `life` is how
   * long `next` may live.
   */
  | {
      readonly next: LiveRecord;
      readonly steps: readonly [Step, ...Step[]];
      readonly life: Life;
    }
  | { readonly next: EndedRecord; readonly steps: readonly [] };

/**
 * What to do about a cluster now. `observed` are Linodes as a complete list shows them; null: they
 * could not be listed. Carrying the steps out and planning again ends in a wait or in the end.
 */
export function plan(record: LiveRecord, observed: readonly Linode[] | null, now: EpochMs): Plan {
  // 1. What Linode shows of the cluster goes into the record.
  const linodes = observed === null ? null : linodesOf(record, observed);
  const seen = linodes === null ? record : observe(record, linodes, now);
  // 2. Creates that will make nothing any more are given up.
  const known = withoutLostCreates(seen, now, { isListed: linodes !== null });
  // 3. The cluster moves to the phase that its nodes and the time call for.
  const life = lifeOf(known, now);
  const current = withProgress(inPhase(known, life, now), record, now);
  // 4. That phase says what is to be done.
  switch (current.phase) {
    case 'provisioning':
      return planProvisioning(current, linodes, life, now);
    case 'running':
      return planRunning(current, linodes, life, now);
    case 'deleting':
      return planDeleting(current, linodes, life, now);
  }
}

/**
 * 1. Where list and record differ, that is put right.
 * 2. `reap` tags that name a wrong time are moved.
 * 3. What is not up when the time to come up has ended is destroyed.
 * 4. Until then, nodes are created, and created again where a create was lost.
 */
function planProvisioning(
  record: Provisioning,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const dueAt = earliest(plus(now, CREATING_LEASE), life.teardownAt);
  const poll = earliest(plus(now, POLL_EVERY), life.teardownAt);
  if (linodes === null) {
    return waiting(record, life, { reason: 'Linodes could not be listed', until: poll, dueAt });
  }
  const { steps: retags, borne } = retagging(record, linodes, life, now);
  const creates = creating(record, life, now);
  const steps: Step[] = [
    ...corrections(record, linodes, now),
    ...retags,
    ...deletionsOfLateNodes(record, linodes, now),
    ...creates.steps,
  ];
  const [first, ...rest] = steps;
  if (first === undefined) {
    return waiting(record, life, { reason: 'nodes are coming up', until: poll, dueAt });
  }
  const next = withReapTags({ ...creates.next, dueAt }, [...creates.borne, ...borne]);
  return { next, steps: [first, ...rest], life };
}

interface Creating {
  readonly next: Provisioning;
  readonly steps: readonly Step[];
  readonly borne: readonly Tag[];
}

/** The creates that a pass sends, and the record which says that they may have left. */
function creating(record: Provisioning, { teardownAt }: Life, now: EpochMs): Creating {
  const sendable = now >= record.provisionBy ? [] : record.nodes.filter(isSendable(now));
  const sending = sendable.slice(0, CREATES_PER_PASS);
  if (sending.length === 0) return { next: record, steps: [], borne: [] };
  // The earliest that was ever sent: one sent again must bear the same tags to be adopted.
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
  const again = sending.filter(({ state }) => state === 'creating').map(({ index }) => index);
  if (again.length === 0) return record;
  return withHistory(record, now, `asked again for node ${again.join(', ')}: no answer came`);
}

const isSendable = (now: EpochMs) => (node: NodeRecord) =>
  node.state === 'planned' ||
  (node.state === 'creating' && node.refused === undefined && now - node.triedAt >= RESEND_AFTER);

function asSent(node: NodeRecord, now: EpochMs): NodeIn<'creating'> {
  const { index, label } = node;
  const sentAt = node.state === 'creating' ? node.sentAt : now;
  return { state: 'creating', index, label, sentAt, triedAt: now };
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
 * Skips Linodes that are being deleted already, which the list may show for a while, and those that
 * may be nodes whose creates were not answered.
 */
function deletionsOfUnknown(record: LiveRecord, linodes: readonly Linode[]): Step[] {
  const doubtful = possibleNodesOf(record, linodes);
  const extras = unknownLinodesOf(record, linodes).filter(
    (one) => one.status !== 'deleting' && !doubtful.includes(one),
  );
  return extras.map(({ id }) => ({ kind: 'deleteNode', index: null, linodeId: id, seen: true }));
}

/** Where list and record differ: Linodes that should not be there, and nodes that should. */
function corrections(
  record: Provisioning | Running,
  linodes: readonly Linode[],
  now: EpochMs,
): Step[] {
  return [
    ...deletionsOfUnknown(record, linodes),
    ...record.nodes.flatMap((node): Step[] => {
      if (node.state === 'deleting') return deletion(node, linodes);
      if (node.state !== 'created' || linodeOf(node, linodes) !== undefined) return [];
      // A node that has lost the cluster's tag stays out of the list: asking at once never ends.
      const { index, linodeId, checkedAt } = node;
      const isKnown = checkedAt !== undefined && now - checkedAt < ASK_AGAIN_AFTER;
      return isKnown ? [] : [{ kind: 'checkNode', index, linodeId }];
    }),
  ];
}

/** With `onPartial: keep`, what was not up in time is destroyed and the rest is kept. */
function deletionsOfLateNodes(
  record: Provisioning,
  linodes: readonly Linode[],
  now: EpochMs,
): Step[] {
  if (now < record.provisionBy) return [];
  const late = record.nodes.filter((node) => node.state === 'created' && !isUp(node));
  return late.flatMap((node) => deletion(node, linodes));
}

/**
 * 1. Where list and record differ, that is put right.
 * 2. `reap` tags that name a wrong time are moved.
 * 3. When nothing of that is to be done, tags that no node bears any more leave the account.
 * 4. Else there is nothing to do before the teardown, the next notice or the next look.
 */
function planRunning(
  record: Running,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const { steps: retags, borne } =
    linodes === null ? NO_RETAGGING : retagging(record, linodes, life, now);
  const fixes = linodes === null ? [] : [...corrections(record, linodes, now), ...retags];
  const abandoned = linodes === null ? [] : abandonedTags(record, linodes);
  const tidying: Step[] =
    fixes.length > 0 || abandoned.length === 0
      ? []
      : [{ kind: 'removeTags', own: [], shared: abandoned }];
  const [first, ...rest] = [...fixes, ...tidying];
  if (first === undefined) return waitingToEnd(record, life, now);
  const dueAt = earliest(plus(now, DELETING_LEASE), life.teardownAt);
  return { next: withReapTags({ ...record, dueAt }, borne), steps: [first, ...rest], life };
}

function waitingToEnd(record: Running, life: Life, now: EpochMs): Plan {
  const { retagAfter = now } = record;
  const { teardownAt, limit } = life;
  const lookAt = earliest(plus(now, CHECK_EVERY), retagAfter > now ? retagAfter : teardownAt);
  const noticeAt = plus(nextNoticeAt(record, life, now) ?? teardownAt, NOTICE_LATE);
  const until = earliest(lookAt, noticeAt, teardownAt);
  const reason =
    until === teardownAt
      ? `the teardown, which the ${limit} sets`
      : until === noticeAt
        ? 'the next notice'
        : 'the next look at its nodes';
  return waiting(record, life, { reason, until, dueAt: until });
}

/**
 * 1. Nothing new is created: nodes whose creates were not sent are recorded as never created.
 * 2. All that exists is deleted, also what the list does not show.
 * 3. A create whose reply was lost is waited for until it can't land any more.
 * 4. When a complete list shows nothing, the tags go; the next list that shows nothing ends it.
 */
function planDeleting(
  record: Deleting,
  linodes: readonly Linode[] | null,
  life: Life,
  now: EpochMs,
): Plan {
  const nodes = record.nodes.map((node) =>
    node.state === 'planned' ? neverCreated(node, 'the cluster ended before it was created') : node,
  );
  const current: Deleting = { ...record, nodes };
  const deletions = [
    ...nodes.flatMap((node) => deletion(node, linodes)),
    ...(linodes === null ? [] : deletionsOfUnknown(current, linodes)),
  ];
  const dueAt = plus(now, DELETING_LEASE);
  const [first, ...rest] = deletions;
  if (first !== undefined) {
    // What came late has brought the tags back.
    return { next: { ...current, dueAt, tagsRemoved: false }, steps: [first, ...rest], life };
  }
  const isOver = nodes.every(({ state }) => state === 'gone' || state === 'neverCreated');
  if (linodes === null || linodes.length > 0 || !isOver) {
    const until = plus(now, POLL_EVERY);
    return waiting(current, life, { reason: 'nodes are going', until, dueAt: until });
  }
  if (!current.tagsRemoved) {
    const own = [clusterTag(record.id)];
    const step: Step = { kind: 'removeTags', own, shared: record.reapTags };
    return { next: { ...current, dueAt }, steps: [step], life };
  }
  return { next: ended(current, now), steps: [] };
}

function deletion(node: NodeRecord, linodes: readonly Linode[] | null): Step[] {
  if (node.state !== 'created' && node.state !== 'deleting') return [];
  const linode = linodes === null ? undefined : linodeOf(node, linodes);
  // Once Linode has accepted a deletion, only a list that shows the node alive is reason for another.
  const isGoing = linode === undefined || linode.status === 'deleting';
  if (node.state === 'deleting' && isGoing) return [];
  const { index, linodeId } = node;
  return [{ kind: 'deleteNode', index, linodeId, seen: linode !== undefined }];
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
  const end = withHistory({ ...common, endedAt: now, spent, overspent }, now, 'gone');
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
