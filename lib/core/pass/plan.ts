import { microUsd } from '../base/money.ts';
import {
  clusterTag,
  type NodeLabel,
  ownershipTag,
  reapTag,
  reapTimeOfTags,
  type Tag,
} from '../base/names.ts';
import { type EpochMs, earliest, epochMs, minus, minutes, plus, seconds } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  type Deleting,
  type EndedRecord,
  type EndReason,
  type LiveRecord,
  limitOf,
  type NodeIn,
  type NodeRecord,
  type Provisioning,
  type Running,
  spentAt,
  teardownOf,
  withHistory,
} from '../cluster/record.ts';
import { nextNoticeAt } from '../notices/notices.ts';
import { doubtfulOf, extrasOf, linodeOf, linodesOf, observe, RESEND_AFTER } from './observe.ts';

/** How many creates a pass sends: what Linode's rate limit takes at once (20 per 15 s). */
export const CREATES_PER_PASS = 20;
/** How long after its intent was saved a create may still leave. */
export const CREATE_WINDOW = seconds(60);
/** When a create that is not seen has certainly not landed: its window and its HTTP time-out. */
const SETTLED_AFTER = seconds(120);
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
/** A `reap` tag that is earlier than the teardown by more than this is moved; a later one always. */
const REAP_TAG_EARLY_MAX = minutes(5);
/** When another pass takes over from one that died while it created, or while it deleted. */
const CREATING_LEASE = seconds(120);
const DELETING_LEASE = seconds(30);

type StepArgs = {
  /** `sentAt`: when this try was planned; it must leave within CREATE_WINDOW of that. */
  createNode: { index: number; label: NodeLabel; tags: readonly Tag[]; sentAt: EpochMs };
  /** `seen`: Linode's list shows it with our tags; if not, that is to be checked first. */
  deleteNode: { index: number | null; linodeId: number; seen: boolean };
  /** A node that Linode's list should show and does not. */
  checkNode: { index: number; linodeId: number };
  /** A node whose `reap` tag tells another time than its teardown's. */
  retagNode: { index: number; linodeId: number; reap: Tag };
  /** `shared` tags may stand on other clusters' nodes, and are left while they do. */
  removeTags: { own: readonly Tag[]; shared: readonly Tag[] };
  wait: { reason: string; until: EpochMs };
};
type StepOf<Kind extends keyof StepArgs> = { readonly kind: Kind } & Readonly<StepArgs[Kind]>;

/** One thing to do, as data. */
export type Step = { [Kind in keyof StepArgs]: StepOf<Kind> }[keyof StepArgs];
export type ActiveStep = Exclude<Step, { kind: 'wait' }>;
export type Executors<Result> = {
  [Kind in ActiveStep['kind']]: (step: StepOf<Kind>) => Promise<Result>;
};

export type Plan =
  /** `next` is the intent: save it, then carry out the steps. A wait stands alone. */
  | { readonly next: LiveRecord; readonly steps: readonly [Step, ...Step[]] }
  | { readonly next: EndedRecord; readonly steps: readonly [] };

/**
 * What to do about a cluster now. `observed` are Linodes as a complete list shows them; null: they
 * could not be listed. Carrying the steps out and planning again ends in a wait or in the end.
 */
export function plan(record: LiveRecord, observed: readonly Linode[] | null, now: EpochMs): Plan {
  const linodes = observed === null ? null : linodesOf(record, observed);
  const seen = linodes === null ? record : settled(observe(record, linodes, now), now);
  const current = withProgress(moved(seen, now), record, now);
  switch (current.phase) {
    case 'provisioning':
      return planProvisioning(current, linodes, now);
    case 'running':
      return planRunning(current, linodes, now);
    case 'deleting':
      return planDeleting(current, linodes, now);
  }
}

/** Starts the destruction of a cluster; a second reason does not replace the first. */
export function beginDeleting(
  record: LiveRecord,
  now: EpochMs,
  end: { reason: EndReason; failure: string | null },
): Deleting {
  if (record.phase === 'deleting') return record;
  const why = end.failure === null ? end.reason : `${end.reason}: ${end.failure}`;
  const deleting: Deleting = {
    ...record,
    phase: 'deleting',
    dueAt: now,
    startedAt: record.phase === 'running' ? record.startedAt : null,
    deletingSince: now,
    endReason: end.reason,
    failure: end.failure,
    tagsRemoved: false,
  };
  return withHistory(deleting, now, `teardown begun (${why})`);
}

/**
 * Creates that the list does not show and that can't land any more were never made. While there is
 * time, a provisioning cluster sends them again instead, unless that has been refused.
 */
function settled(record: LiveRecord, now: EpochMs): LiveRecord {
  const resends = record.phase === 'provisioning' && now < record.provisionBy;
  const nodes = record.nodes.map((node) => {
    if (node.state !== 'sent' || now - node.triedAt < SETTLED_AFTER) return node;
    if (node.refused === undefined && resends) return node;
    return never(node, node.refused ?? 'its create was not answered and did not take effect');
  });
  return { ...record, nodes };
}

/** The record in the phase that its nodes and the time call for. */
function moved(record: LiveRecord, now: EpochMs): LiveRecord {
  if (record.phase === 'deleting') return record;
  const states = new Set(record.nodes.map(({ state }) => state));
  const begin = (reason: EndReason, failure: string | null = null) =>
    beginDeleting(record, now, { reason, failure });

  if (now >= teardownOf(record, now)) return begin(limitOf(record, now));
  const refusal = record.nodes.find((node) => node.state === 'never');
  const allOrNothing = record.spec.onPartial === 'destroy';
  if (record.phase === 'provisioning' && refusal?.state === 'never' && allOrNothing) {
    return begin('failed', refusal.reason);
  }
  if (!['planned', 'sent', 'made'].some((state) => states.has(state as NodeRecord['state']))) {
    return states.has('gone') || states.has('deleted')
      ? begin('lost')
      : begin('failed', refusal?.state === 'never' ? refusal.reason : 'no node came up');
  }
  return record.phase === 'running' ? record : movedWhileProvisioning(record, now);
}

function movedWhileProvisioning(record: Provisioning, now: EpochMs): LiveRecord {
  const up = record.nodes.filter(isUp);
  const coming = record.nodes.filter((node) => isComing(node) && !isUp(node));
  if (coming.length === 0) {
    const running: Running = { ...record, phase: 'running', startedAt: now };
    return withHistory(running, now, `running (${count(up.length, record)} up)`);
  }
  if (now < record.provisionBy) return record;
  if (record.spec.onPartial === 'keep' && up.length > 0) {
    return { ...record, nodes: record.nodes.map((node) => givenUp(node)) };
  }
  const failure = `only ${count(up.length, record)} were running when the time to come up ended`;
  return beginDeleting(record, now, { reason: 'failed', failure });
}

/** Tells of the nodes that have come up since `before`, while others have not. */
function withProgress(record: LiveRecord, before: LiveRecord, now: EpochMs): LiveRecord {
  const up = record.nodes.filter(isUp).length;
  const isProgress = record.phase === 'provisioning' && up > before.nodes.filter(isUp).length;
  return isProgress ? withHistory(record, now, `${count(up, record)} up`) : record;
}

const isUp = (node: NodeRecord) => node.state === 'made' && node.status === 'running';
const isComing = (node: NodeRecord) => ['planned', 'sent', 'made'].includes(node.state);
const count = (up: number, { nodes }: LiveRecord) => `${up} of ${nodes.length} nodes`;

const givenUp = (node: NodeRecord): NodeRecord =>
  node.state === 'planned' ? never(node, 'not created before the time to come up ended') : node;

function never({ index, label }: NodeRecord, reason: string): NodeIn<'never'> {
  return { state: 'never', index, label, reason };
}

function planProvisioning(
  record: Provisioning,
  linodes: readonly Linode[] | null,
  now: EpochMs,
): Plan {
  const teardownAt = teardownOf(record, now);
  if (linodes === null) {
    return waiting(record, {
      reason: 'Linodes could not be listed',
      until: earliest(plus(now, POLL_EVERY), teardownAt),
      dueAt: earliest(plus(now, CREATING_LEASE), teardownAt),
    });
  }
  const sendable = now >= record.provisionBy ? [] : record.nodes.filter(isSendable(now));
  const sending = sendable.slice(0, CREATES_PER_PASS);
  // The earliest that was ever sent: one sent again must bear the same tags to be adopted.
  const current = reapTag(teardownAt);
  const [reap = current] = [...record.reapTags, current].sort();
  const tags = retags(record, linodes, now);
  const steps: Step[] = [
    ...corrections(record, linodes, now),
    ...tags.steps,
    ...latecomers(record, linodes, now),
    ...sending.map(({ index, label }) => createNode(record, { index, label, reap, sentAt: now })),
  ];
  const [first, ...rest] = steps;
  if (first === undefined) {
    return waiting(record, {
      reason: 'nodes are coming up',
      until: earliest(plus(now, POLL_EVERY), teardownAt),
      dueAt: earliest(plus(now, CREATING_LEASE), teardownAt),
    });
  }
  const bearing = [...(sending.length === 0 ? [] : [reap]), ...tags.bearing];
  const next: Provisioning = {
    ...record,
    dueAt: earliest(plus(now, CREATING_LEASE), teardownAt),
    nodes: record.nodes.map((node) => (sending.includes(node) ? sent(node, now) : node)),
    reapTags: [...new Set([...record.reapTags, ...bearing])],
  };
  return { next: withResends(next, sending, now), steps: [first, ...rest] };
}

function withResends(
  record: Provisioning,
  sending: readonly NodeRecord[],
  now: EpochMs,
): Provisioning {
  const again = sending.filter(({ state }) => state === 'sent').map(({ index }) => index);
  if (again.length === 0) return record;
  return withHistory(record, now, `asked again for node ${again.join(', ')}: no answer came`);
}

const isSendable = (now: EpochMs) => (node: NodeRecord) =>
  node.state === 'planned' ||
  (node.state === 'sent' && node.refused === undefined && now - node.triedAt >= RESEND_AFTER);

function sent(node: NodeRecord, now: EpochMs): NodeIn<'sent'> {
  const { index, label } = node;
  const sentAt = node.state === 'sent' ? node.sentAt : now;
  return { state: 'sent', index, label, sentAt, triedAt: now };
}

function createNode(
  record: LiveRecord,
  node: { index: number; label: NodeLabel; reap: Tag; sentAt: EpochMs },
): Step {
  const { index, label, reap, sentAt } = node;
  const tags = [ownershipTag(record.stage), clusterTag(record.id), reap, ...record.spec.tags];
  return { kind: 'createNode', index, label, tags, sentAt };
}

/** One that is going already needs no second deletion, however long the list shows it. */
function deletionsOfExtras(record: LiveRecord, linodes: readonly Linode[]): Step[] {
  const doubtful = doubtfulOf(record, linodes);
  const extras = extrasOf(record, linodes).filter(
    (one) => one.status !== 'deleting' && !doubtful.includes(one),
  );
  return extras.map(({ id }) => ({ kind: 'deleteNode', index: null, linodeId: id, seen: true }));
}

/** Where list and record differ: what is there and should not be, and the reverse. */
function corrections(
  record: Provisioning | Running,
  linodes: readonly Linode[],
  now: EpochMs,
): Step[] {
  return [
    ...deletionsOfExtras(record, linodes),
    ...record.nodes.flatMap((node): Step[] => {
      if (node.state === 'deleted') return deletion(node, linodes);
      if (node.state !== 'made' || linodeOf(node, linodes) !== undefined) return [];
      // One that has lost the cluster's tag stays out of the list: to ask at once would never end.
      const { index, linodeId, checkedAt } = node;
      const known = checkedAt !== undefined && now - checkedAt < ASK_AGAIN_AFTER;
      return known ? [] : [{ kind: 'checkNode', index, linodeId }];
    }),
  ];
}

/**
 * Nodes whose `reap` tag is missing, too late, or so early that the sweeper, if it had nothing else
 * to go by, would end the cluster well before its time. While nodes are coming up the teardown
 * moves with them, and all bear the earliest; then only what is too late matters.
 */
function retags(
  record: Provisioning | Running,
  linodes: readonly Linode[],
  now: EpochMs,
): { readonly steps: Step[]; readonly bearing: readonly Tag[] } {
  if (record.retagAfter !== undefined && now < record.retagAfter) return NO_TAGS;
  const teardownAt = teardownOf(record, now);
  const earliestFine =
    record.phase === 'running' ? minus(teardownAt, REAP_TAG_EARLY_MAX) : BEGINNING_OF_TIME;
  const reap = reapTag(teardownAt);
  const wrong = record.nodes.flatMap((node) => {
    const linode = node.state === 'made' ? linodeOf(node, linodes) : undefined;
    if (linode === undefined || linode.status === 'deleting') return [];
    const reapAt = reapTimeOfTags(linode.tags);
    if (reapAt !== null && reapAt >= earliestFine && reapAt <= teardownAt) return [];
    return [{ index: node.index, linode }];
  });
  if (wrong.length === 0) return NO_TAGS;
  const steps = wrong.map(
    ({ index, linode }): Step => ({ kind: 'retagNode', index, linodeId: linode.id, reap }),
  );
  // Also those that the record has forgotten, and a pass put late: they are to leave the account.
  const replaced = wrong.flatMap(({ linode }) => linode.tags.filter(isReapTag));
  return { steps, bearing: [reap, ...replaced] };
}

const isReapTag = (tag: Tag) => reapTimeOfTags([tag]) !== null;

const NO_TAGS = { steps: [], bearing: [] };
const BEGINNING_OF_TIME = epochMs(0);

/** Tags that its nodes bore, and bear no more. */
const unborne = ({ reapTags }: LiveRecord, linodes: readonly Linode[]): Tag[] =>
  reapTags.filter((tag) => !linodes.some(({ tags }) => tags.includes(tag)));

/** With `onPartial: keep`, what was not up in time is destroyed and the rest is kept. */
function latecomers(record: Provisioning, linodes: readonly Linode[], now: EpochMs): Step[] {
  if (now < record.provisionBy) return [];
  const late = record.nodes.filter((node) => node.state === 'made' && !isUp(node));
  return late.flatMap((node) => deletion(node, linodes));
}

function planRunning(record: Running, linodes: readonly Linode[] | null, now: EpochMs): Plan {
  const teardownAt = teardownOf(record, now);
  const tags = linodes === null ? NO_TAGS : retags(record, linodes, now);
  const fixes = linodes === null ? [] : [...corrections(record, linodes, now), ...tags.steps];
  const old = linodes === null || fixes.length > 0 ? [] : unborne(record, linodes);
  const tidying: Step[] = old.length === 0 ? [] : [{ kind: 'removeTags', own: [], shared: old }];
  const [first, ...rest] = [...fixes, ...tidying];
  if (first !== undefined) {
    const dueAt = earliest(plus(now, DELETING_LEASE), teardownAt);
    const reapTags = [...new Set([...record.reapTags, ...tags.bearing])];
    return { next: { ...record, dueAt, reapTags }, steps: [first, ...rest] };
  }
  const { retagAfter = now } = record;
  const again = retagAfter > now ? retagAfter : plus(now, CHECK_EVERY);
  const noticeAt = plus(nextNoticeAt(record, now) ?? teardownAt, NOTICE_LATE);
  const until = earliest(again, plus(now, CHECK_EVERY), noticeAt, teardownAt);
  return waiting(record, {
    reason: reasonToWait(until, teardownAt, noticeAt),
    until,
    dueAt: until,
  });
}

function reasonToWait(until: EpochMs, teardownAt: EpochMs, noticeAt: EpochMs): string {
  if (until === teardownAt) return 'the teardown time';
  return until === noticeAt ? 'the next notice' : 'the next look at its nodes';
}

/**
 * 1. Nothing new is created; what was never sent never was.
 * 2. All that exists is deleted, also what the list does not show.
 * 3. A create whose reply was lost is waited for until it can't land any more.
 * 4. When a complete list shows nothing, the tags go; the next list that shows nothing ends it.
 */
function planDeleting(record: Deleting, linodes: readonly Linode[] | null, now: EpochMs): Plan {
  const nodes = record.nodes.map((node) =>
    node.state === 'planned' ? never(node, 'the cluster ended before it was created') : node,
  );
  const current: Deleting = { ...record, nodes };
  const deletions = [
    ...nodes.flatMap((node) => deletion(node, linodes)),
    ...(linodes === null ? [] : deletionsOfExtras(current, linodes)),
  ];
  const [first, ...rest] = deletions;
  if (first !== undefined) {
    // What came late has brought the tags back.
    const next = { ...current, dueAt: plus(now, DELETING_LEASE), tagsRemoved: false };
    return { next, steps: [first, ...rest] };
  }
  const over = nodes.every(({ state }) => state === 'gone' || state === 'never');
  if (linodes === null || linodes.length > 0 || !over) {
    const until = plus(now, POLL_EVERY);
    return waiting(current, { reason: 'nodes are going', until, dueAt: until });
  }
  if (!current.tagsRemoved) {
    const next = { ...current, dueAt: plus(now, DELETING_LEASE) };
    const own = [clusterTag(record.id)];
    return { next, steps: [{ kind: 'removeTags', own, shared: record.reapTags }] };
  }
  return { next: ended(current, now), steps: [] };
}

function deletion(node: NodeRecord, linodes: readonly Linode[] | null): Step[] {
  if (node.state !== 'made' && node.state !== 'deleted') return [];
  const linode = linodes === null ? undefined : linodeOf(node, linodes);
  // Once its deletion was answered, only a list that shows it alive is reason for another.
  if (node.state === 'deleted' && (linode === undefined || linode.status === 'deleting')) return [];
  const { index, linodeId } = node;
  return [{ kind: 'deleteNode', index, linodeId, seen: linode !== undefined }];
}

function ended(record: Deleting, now: EpochMs): EndedRecord {
  const { phase: _, dueAt: __, deletingSince: ___, tagsRemoved: ____, ...common } = record;
  const spent = spentAt(record, now);
  const overspent = microUsd(Math.max(0, spent - record.budget));
  const end = { ...common, endedAt: now, spent, overspent };
  const told = withHistory(end, now, 'gone');
  return record.endReason === 'failed'
    ? { ...told, phase: 'failed' }
    : { ...told, phase: 'deleted' };
}

function waiting(
  record: LiveRecord,
  wait: { reason: string; until: EpochMs; dueAt: EpochMs },
): Plan {
  const { reason, until, dueAt } = wait;
  return { next: { ...record, dueAt }, steps: [{ kind: 'wait', reason, until }] };
}
