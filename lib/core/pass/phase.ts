import { type EpochMs, latest, minutes, plus, seconds, toIso } from '../base/units.ts';
import { type Life, lifeOf } from '../cluster/life.ts';
import {
  type Deleting,
  type EndReason,
  type LiveRecord,
  type NodeIn,
  type NodeRecord,
  type Provisioning,
  type Running,
  reasonOfNode,
  takenOverIn,
  withHistory,
} from '../cluster/record.ts';
import { LOOKAHEAD } from './batches.ts';
import { unpricedKind } from './kinds.ts';

/**
 * How long after it was planned a create may yet land: longer than its window (60 s) and its HTTP
 * time-out (30 s) together.
 */
const LANDED_BY = seconds(120);

/** The most characters of a failure that names the reasons of nodes. */
const FAILURE_CHARACTERS_MAX = 600;

/** The record at the start of its teardown. A second reason does not replace the first. */
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
 * The record with its teardown begun before the teardown time, as the reaper has asked. A change of
 * the budget may have moved the teardown time far away meanwhile: then the record stays as it is.
 */
export function withEarlyTeardown(record: LiveRecord, now: EpochMs): LiveRecord {
  if (record.phase === 'deleting') return record;
  const { teardownAt, limit } = lifeOf(record, now);
  if (now >= teardownAt || teardownAt - now > LOOKAHEAD) return record;
  const noted = withHistory(
    record,
    now,
    `begins its teardown before ${toIso(teardownAt)}: many Linodes are due at once`,
  );
  return beginDeleting(noted, now, { reason: limit, failure: null });
}

/**
 * The record with the nodes marked as never created whose creates have no effect any more:
 * 1. a create that can't land any more and that a complete list does not show, unless the cluster
 *    is provisioning and still has time to send it again;
 * 2. a create that was not sent before the time to come up ended, if `onPartial` is `keep` and
 *    other nodes are up.
 */
export function withoutLostCreates(
  record: LiveRecord,
  now: EpochMs,
  { isListed }: { readonly isListed: boolean },
): LiveRecord {
  const hasTime = record.phase === 'provisioning' && now < record.provisionBy;
  const keepsOthers =
    record.phase === 'provisioning' && record.spec.onPartial === 'keep' && record.nodes.some(isUp);
  const nodes = record.nodes.map((node) => {
    if (node.state === 'planned' && keepsOthers && !hasTime) {
      return unsent(node, 'not created before the time to come up ended');
    }
    if (node.state !== 'creating' || !isListed || now - node.triedAt < LANDED_BY) return node;
    if (node.refused === undefined && hasTime) return node;
    return neverCreated(
      node,
      reasonOfNode(node) ?? 'its create was not answered and did not take effect',
    );
  });
  return { ...record, nodes };
}

/** The record in the phase that its nodes and the time require. */
export function inPhase(record: LiveRecord, { teardownAt, limit }: Life, now: EpochMs): LiveRecord {
  if (record.phase === 'deleting') return record;
  const begin = (reason: EndReason, failure: string | null = null) =>
    beginDeleting(record, now, { reason, failure });

  // 1. The teardown time has come.
  if (now >= teardownAt) return begin(limit);

  // A node became what has no known price, so that no bill can be kept within the budget.
  const unpriced = unpricedKind(record, now);
  if (unpriced !== null) {
    return begin('unpriced', `${unpriced.type} in ${unpriced.region} has no known price`);
  }

  if (record.managedAt !== undefined) {
    return begin('unpriced', 'Linode manages the account now, at a price that no list has');
  }

  // 2. A node was never created, and the spec wants all nodes or none.
  const refusal = record.nodes.find((node) => node.state === 'neverCreated');
  const isAllOrNothing = record.phase === 'provisioning' && record.spec.onPartial === 'destroy';
  if (refusal !== undefined && isAllOrNothing) return begin('failed', refusal.reason);

  // 3. No node exists or is coming.
  if (!record.nodes.some(isComing)) {
    const hasLived = record.nodes.some(({ state }) => state === 'gone' || state === 'deleting');
    if (takenOverIn(record).length > 0) return begin('takenOver');
    return hasLived ? begin('lost') : begin('failed', refusal?.reason ?? 'no node came up');
  }
  return record.phase === 'running' ? record : whileProvisioning(record, now);
}

function whileProvisioning(record: Provisioning, now: EpochMs): LiveRecord {
  const isKept = record.spec.onPartial === 'keep' && record.nodes.some(isUp);
  const isWaitedFor = record.nodes.some((node) => isComing(node) && !isUp(node));
  if (!isWaitedFor) {
    const running: Running = { ...record, phase: 'running', startedAt: now };
    return withHistory(running, now, `running (${nodesUp(record)} up)`);
  }
  if (now < record.provisionBy || isKept) return record;
  const short = `only ${nodesUp(record)} were running when the time to come up ended`;
  const failure = [short, ...reasonsNotUp(record)].join('; ').slice(0, FAILURE_CHARACTERS_MAX);
  return beginDeleting(record, now, { reason: 'failed', failure });
}

/** `node 3: no answer came`, `nodes 0-1, 4: Linode refused the token`: a text for each reason. */
function reasonsNotUp(record: Provisioning): string[] {
  const byReason = new Map<string, number[]>();
  for (const node of record.nodes.filter((candidate) => !isUp(candidate))) {
    const reason = reasonNotUp(node, record).replace(/\.$/, '');
    byReason.set(reason, [...(byReason.get(reason) ?? []), node.index]);
  }
  return [...byReason].map(([reason, indices]) => {
    const noun = indices.length === 1 ? 'node' : 'nodes';
    return `${noun} ${rangesOf(indices)}: ${reason}`;
  });
}

function reasonNotUp(node: NodeRecord, { trouble }: Provisioning): string {
  if (node.state === 'created') return `its Linode was ${node.status}`;
  return reasonOfNode(node) ?? trouble?.reason ?? 'no answer about its create came';
}

/** Ascending numbers, runs of them in short: `0-2, 5`. */
function rangesOf(indices: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

/** How long a cluster has at least to come up, from when a further node came up. */
const TIME_AFTER_PROGRESS = minutes(5);

/**
 * If more nodes are up than in `before`: the record with an entry in its history, and with time for
 * the next nodes to come up.
 */
export function withProgress(record: LiveRecord, before: LiveRecord, now: EpochMs): LiveRecord {
  const countOf = ({ nodes }: LiveRecord) => nodes.filter(isUp).length;
  if (record.phase !== 'provisioning' || countOf(record) <= countOf(before)) return record;
  const provisionBy = latest(record.provisionBy, plus(now, TIME_AFTER_PROGRESS));
  return withHistory({ ...record, provisionBy }, now, `${nodesUp(record)} up`);
}

export const isUp = (node: NodeRecord) => node.state === 'created' && node.status === 'running';

const isComing = (node: NodeRecord) => ['planned', 'creating', 'created'].includes(node.state);

const nodesUp = ({ nodes }: LiveRecord) => `${nodes.filter(isUp).length} of ${nodes.length} nodes`;

function neverCreated({ index, label }: NodeRecord, reason: string): NodeIn<'neverCreated'> {
  return { state: 'neverCreated', index, label, reason };
}

/** A planned node as never created, with the reason why its creates had no effect, if there was. */
export function unsent(node: NodeIn<'planned'>, end: string): NodeIn<'neverCreated'> {
  const reason = reasonOfNode(node);
  return neverCreated(node, reason === null ? end : `${end}: ${reason}`);
}
