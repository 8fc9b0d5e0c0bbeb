import type { Tag } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  createTroubleOf,
  type LiveRecord,
  machineOf,
  machineSeenAgain,
  type NodeRecord,
  withCreateTrouble,
  withHistory,
} from '../cluster/record.ts';
import { withBackupsLearned } from './observe.ts';

/** The outcome of a step. */
export type Outcome =
  | { readonly kind: 'created'; readonly index: number; readonly linode: Linode }
  | { readonly kind: 'refused'; readonly index: number; readonly reason: string }
  /**
   * The create was not sent, or Linode turned it away before it did anything: there is no Linode.
   */
  | {
      readonly kind: 'notSent';
      readonly index: number;
      readonly reason: string;
      readonly retryAt: EpochMs;
    }
  /**
   * Linode answered the deletion. `existed`: it deleted a Linode; else there was none to delete.
   */
  | { readonly kind: 'deletionAccepted'; readonly index: number | null; readonly existed: boolean }
  /** The node's Linode does not exist any more, though Onebuck did not delete it. */
  | { readonly kind: 'vanished'; readonly index: number }
  /**
   * The node's Linode exists without the ownership tag. Somebody took it over, so Onebuck must
   * leave it alone.
   */
  | { readonly kind: 'takenOver'; readonly index: number }
  | { readonly kind: 'present'; readonly index: number; readonly linode: Linode }
  | { readonly kind: 'retagged' }
  /** Linode refused a change of a node's tags. Passes leave tags alone until `until`. */
  | { readonly kind: 'tagsRefused'; readonly until: EpochMs }
  /** The `shared` tags are gone from the account, or Linodes of other clusters bear them. */
  | { readonly kind: 'tagsRemoved'; readonly shared: readonly Tag[] }
  /**
   * It is not known whether the step had an effect; the next pass observes again. `index`: the node
   * of a create; absent: the step was no create.
   */
  | { readonly kind: 'failed'; readonly index?: number; readonly reason: string };

/** The record with the outcomes of a pass's steps, as known at `at`. */
export function apply(record: LiveRecord, outcomes: readonly Outcome[], at: EpochMs): LiveRecord {
  return withBackupsLearned(
    outcomes.reduce((current, outcome) => withOutcome(current, outcome, at), record),
  );
}

function withOutcome(record: LiveRecord, outcome: Outcome, at: EpochMs): LiveRecord {
  switch (outcome.kind) {
    case 'retagged':
      return record;
    case 'failed': {
      const { index, reason } = outcome;
      if (index === undefined) return record;
      return withNode(record, index, (node) =>
        node.state === 'creating' ? withCreateTrouble(node, { reason, at }) : node,
      );
    }
    case 'tagsRefused':
      return { ...record, retagAfter: outcome.until };
    case 'tagsRemoved': {
      // While the cluster is being destroyed, a create that lands late may bring the tags back.
      // Then `tagsRemoved` is cleared, and the tags are removed again.
      if (record.phase === 'deleting') return { ...record, tagsRemoved: true };
      const { shared } = outcome;
      return { ...record, reapTags: record.reapTags.filter((tag) => !shared.includes(tag)) };
    }
    case 'deletionAccepted': {
      const { index, existed } = outcome;
      if (index !== null) return withNode(record, index, (node) => withDeletion(node, existed, at));
      const event = 'destroyed a Linode that has its tags and is none of its nodes';
      return existed ? withHistory(record, at, event) : record;
    }
    case 'refused': {
      const noted = withHistory(record, at, `node ${outcome.index} refused: ${outcome.reason}`);
      return withNode(noted, outcome.index, (node) => withRefusal(node, outcome.reason));
    }
    case 'vanished':
    case 'takenOver': {
      const how =
        outcome.kind === 'vanished'
          ? 'was deleted, though not by Onebuck'
          : 'lost the ownership tag: Onebuck leaves it alone, and Linode bills it on';
      const noted = withHistory(record, at, `node ${outcome.index} ${how}`);
      return withNode(noted, outcome.index, (node) => withEnd(node, at));
    }
    case 'created':
    case 'present':
    case 'notSent':
      return withNode(record, outcome.index, (node) => withAnswer(node, outcome, at));
  }
}

function withNode(
  record: LiveRecord,
  index: number,
  change: (node: NodeRecord) => NodeRecord,
): LiveRecord {
  const nodes = record.nodes.map((node) => (node.index === index ? change(node) : node));
  return { ...record, nodes };
}

/** A refusal answers the last create only. An earlier create may still land, and stays billed. */
function withRefusal(node: NodeRecord, reason: string): NodeRecord {
  const { index, label } = node;
  const isOnlyTry = node.state !== 'creating' || node.sentAt === node.triedAt;
  if (isOnlyTry) return { state: 'neverCreated', index, label, reason };
  const { createTrouble: _, ...others } = node;
  return { ...others, refused: reason };
}

function withDeletion(node: NodeRecord, existed: boolean, at: EpochMs): NodeRecord {
  if (node.state === 'created') return { ...node, state: 'deleting', billedUntil: at };
  // The Linode existed after all, and was billed until this answer. Otherwise the earlier answer
  // stands.
  if (node.state === 'deleting' && existed) return { ...node, billedUntil: at };
  return node;
}

function withEnd(node: NodeRecord, at: EpochMs): NodeRecord {
  if (node.state === 'created') return { ...node, state: 'gone', billedUntil: at };
  return node.state === 'deleting' ? { ...node, state: 'gone' } : node;
}

function withAnswer(
  node: NodeRecord,
  outcome: Extract<Outcome, { kind: 'created' | 'present' | 'notSent' }>,
  at: EpochMs,
): NodeRecord {
  const { index, label } = node;
  if (outcome.kind === 'notSent') {
    // An earlier create without an answer may still land, and stays billed.
    if (node.state !== 'creating') return node;
    const noted = withCreateTrouble(node, { reason: outcome.reason, at });
    if (node.sentAt !== node.triedAt) return noted;
    return { state: 'planned', index, label, ...createTroubleOf(noted) };
  }
  const machine =
    node.state === 'created'
      ? machineSeenAgain(node, outcome.linode, at)
      : machineOf(outcome.linode, at);
  const checked = outcome.kind === 'present' ? { checkedAt: at } : {};
  return { state: 'created', index, label, ...machine, ...checked };
}
