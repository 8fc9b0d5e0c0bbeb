import { type EpochMs, seconds } from '../base/units.ts';
import type { Life } from '../cluster/life.ts';
import {
  type Deleting,
  type EndReason,
  type LiveRecord,
  type NodeIn,
  type NodeRecord,
  type Provisioning,
  type Running,
  withHistory,
} from '../cluster/record.ts';

/** When a create that is not seen has certainly not landed: its window and its HTTP time-out. */
const LANDED_BY = seconds(120);

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
 * The record without hope for creates that will make nothing any more:
 * 1. one that a complete list does not show, and that can't land any more, was never made, unless a
 *    provisioning cluster that still has time sends it again;
 * 2. one that was not sent before the time to come up ended is given up where `onPartial` is `keep`
 *    and there are others to keep.
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
      return neverCreated(node, 'not created before the time to come up ended');
    }
    if (node.state !== 'creating' || !isListed || now - node.triedAt < LANDED_BY) return node;
    if (node.refused === undefined && hasTime) return node;
    return neverCreated(
      node,
      node.refused ?? 'its create was not answered and did not take effect',
    );
  });
  return { ...record, nodes };
}

/** The record in the phase that its nodes and the time call for. */
export function inPhase(record: LiveRecord, { teardownAt, limit }: Life, now: EpochMs): LiveRecord {
  if (record.phase === 'deleting') return record;
  const begin = (reason: EndReason, failure: string | null = null) =>
    beginDeleting(record, now, { reason, failure });

  // 1. Its time is over.
  if (now >= teardownAt) return begin(limit);

  // 2. A node will never be, and all were wanted or none.
  const refusal = record.nodes.find((node) => node.state === 'neverCreated');
  const isAllOrNothing = record.phase === 'provisioning' && record.spec.onPartial === 'destroy';
  if (refusal !== undefined && isAllOrNothing) return begin('failed', refusal.reason);

  // 3. Nothing is left of it.
  if (!record.nodes.some(isComing)) {
    const hasLived = record.nodes.some(({ state }) => state === 'gone' || state === 'deleting');
    return hasLived ? begin('lost') : begin('failed', refusal?.reason ?? 'no node came up');
  }
  return record.phase === 'running' ? record : whileProvisioning(record, now);
}

function whileProvisioning(record: Provisioning, now: EpochMs): LiveRecord {
  const isKept = record.spec.onPartial === 'keep' && record.nodes.some(isUp);
  const isWaitedFor = record.nodes.some((node) => isComing(node) && !isUp(node));
  if (!isWaitedFor) {
    const running: Running = { ...record, phase: 'running', startedAt: now };
    return withHistory(running, now, `running (${countUp(record)} up)`);
  }
  if (now < record.provisionBy || isKept) return record;
  const failure = `only ${countUp(record)} were running when the time to come up ended`;
  return beginDeleting(record, now, { reason: 'failed', failure });
}

/** Puts into the history how many nodes are up, where more are than `before`. */
export function withProgress(record: LiveRecord, before: LiveRecord, now: EpochMs): LiveRecord {
  const up = (one: LiveRecord) => one.nodes.filter(isUp).length;
  const isProgress = record.phase === 'provisioning' && up(record) > up(before);
  return isProgress ? withHistory(record, now, `${countUp(record)} up`) : record;
}

export const isUp = (node: NodeRecord) => node.state === 'created' && node.status === 'running';

const isComing = (node: NodeRecord) => ['planned', 'creating', 'created'].includes(node.state);

const countUp = ({ nodes }: LiveRecord) => `${nodes.filter(isUp).length} of ${nodes.length} nodes`;

export function neverCreated({ index, label }: NodeRecord, reason: string): NodeIn<'neverCreated'> {
  return { state: 'neverCreated', index, label, reason };
}
