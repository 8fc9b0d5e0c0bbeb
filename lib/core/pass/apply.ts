import type { Tag } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  type LiveRecord,
  machineOf,
  machineSeenAgain,
  type NodeRecord,
  withHistory,
} from '../cluster/record.ts';
import { withBackupsLearned } from './observe.ts';

/** What came of a step. */
export type Outcome =
  | { readonly kind: 'created'; readonly index: number; readonly linode: Linode }
  | { readonly kind: 'refused'; readonly index: number; readonly reason: string }
  /** The create did not leave, or was turned away at the door: nothing was made. */
  | {
      readonly kind: 'notSent';
      readonly index: number;
      readonly reason: string;
      readonly retryAt: EpochMs;
    }
  /** The deletion was answered: by `existed`, it ended a Linode, or there was none. */
  | { readonly kind: 'deletionAccepted'; readonly index: number | null; readonly existed: boolean }
  /** Linode knows it no more, though nobody asked us to delete it. */
  | { readonly kind: 'vanished'; readonly index: number }
  /** It exists without our tags: somebody took it over, and it is not ours to touch. */
  | { readonly kind: 'takenOver'; readonly index: number }
  | { readonly kind: 'present'; readonly index: number; readonly linode: Linode }
  | { readonly kind: 'retagged' }
  /** Linode did not take a node's tags; they are left alone for a while. */
  | { readonly kind: 'tagsRefused'; readonly until: EpochMs }
  /** These are gone from the account, or borne by others. */
  | { readonly kind: 'tagsRemoved'; readonly shared: readonly Tag[] }
  /** Nothing is known to have changed; the next pass looks again. */
  | { readonly kind: 'failed'; readonly reason: string };

/** The record with what came of a pass's steps, as known at `at`. */
export function apply(record: LiveRecord, outcomes: readonly Outcome[], at: EpochMs): LiveRecord {
  return withBackupsLearned(
    outcomes.reduce((current, outcome) => applyOne(current, outcome, at), record),
  );
}

function applyOne(record: LiveRecord, outcome: Outcome, at: EpochMs): LiveRecord {
  switch (outcome.kind) {
    case 'failed':
    case 'retagged':
      return record;
    case 'tagsRefused':
      return { ...record, retagAfter: outcome.until };
    case 'tagsRemoved': {
      // On its way out, what comes late may bring them back: then they are removed again.
      if (record.phase === 'deleting') return { ...record, tagsRemoved: true };
      const { shared } = outcome;
      return { ...record, reapTags: record.reapTags.filter((tag) => !shared.includes(tag)) };
    }
    case 'deletionAccepted': {
      const { index, existed } = outcome;
      if (index !== null) return withNode(record, index, (node) => withDeletion(node, existed, at));
      const event = 'destroyed a Linode with its tags that is none of its nodes';
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
          ? 'is gone, though not by us'
          : 'lost our tag: it is no longer ours, lives on and is billed on';
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

/** A refusal speaks for its own try alone: an earlier one may still land, and stays billed. */
function withRefusal(node: NodeRecord, reason: string): NodeRecord {
  const { index, label } = node;
  const only = node.state !== 'creating' || node.sentAt === node.triedAt;
  return only ? { state: 'neverCreated', index, label, reason } : { ...node, refused: reason };
}

function withDeletion(node: NodeRecord, existed: boolean, at: EpochMs): NodeRecord {
  if (node.state === 'created') return { ...node, state: 'deleting', billedUntil: at };
  // It was there after all: billed until this answer. Otherwise the earlier answer stands.
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
    // With an earlier try unresolved it may still exist, and stays billed.
    const only = node.state === 'creating' && node.sentAt === node.triedAt;
    return only ? { state: 'planned', index, label } : node;
  }
  const machine =
    node.state === 'created'
      ? machineSeenAgain(node, outcome.linode, at)
      : machineOf(outcome.linode, at);
  const checked = outcome.kind === 'present' ? { checkedAt: at } : {};
  return { state: 'created', index, label, ...machine, ...checked };
}
