import { ownershipTag, type Tag } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';
import type { Linode } from '../cluster/linode.ts';
import {
  createTroubleOf,
  isExisting,
  type LiveRecord,
  machineOf,
  machineSeenAgain,
  type NodeRecord,
  type NodeTrouble,
  withCreateTrouble,
  withHistory,
} from '../cluster/record.ts';
import { withBackupsLearned } from './observe.ts';
import { takenOver, withoutSighting, withoutTag, withTakeoversNoted } from './tags.ts';
import { withoutMachine, withStray, withSurvival, withTroublesNoted } from './troubles.ts';

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
   * `index` null: the Linode is none of the nodes. `unlisted`: the Linode was found by its id only.
   */
  | {
      readonly kind: 'deletionAccepted';
      readonly index: number | null;
      readonly linodeId: number;
      readonly existed: boolean;
      readonly unlisted?: true;
    }
  /** Linode refused the deletion, for a reason that lies in the Linode. */
  | {
      readonly kind: 'deletionRefused';
      readonly index: number | null;
      readonly linodeId: number;
      readonly reason: string;
    }
  /** The node's Linode does not exist any more, though Onebuck did not delete it. */
  | { readonly kind: 'vanished'; readonly index: number }
  /**
   * The node's Linode exists without the ownership tag. `isTakenOver`: other nodes of the cluster
   * have it, so a person has taken this Linode over.
   */
  | {
      readonly kind: 'untagged';
      readonly index: number;
      readonly linode: Linode;
      readonly isTakenOver: boolean;
    }
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
  const next = outcomes.reduce((current, outcome) => withOutcome(current, outcome, at), record);
  const noted = withTakeoversNoted(next, record, at);
  return withTroublesNoted(withBackupsLearned(noted), record, at);
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
      const { index, existed, linodeId } = outcome;
      if (index !== null) {
        return withNode(record, index, (node) => withDeletion(node, outcome, at));
      }
      if (!existed) return record;
      const isFirst = !record.strays?.some((stray) => stray.linodeId === linodeId);
      const event = 'destroyed a Linode that has its tags and is none of its nodes';
      return withStray(isFirst ? withHistory(record, at, event) : record, linodeId, at);
    }
    case 'deletionRefused': {
      const { index, reason, linodeId } = outcome;
      if (index === null) return withStray(record, linodeId, at);
      return withNode(record, index, (node) => withRefusedDeletion(node, reason, at));
    }
    case 'refused': {
      const noted = withHistory(record, at, `node ${outcome.index} refused: ${outcome.reason}`);
      return withNode(noted, outcome.index, (node) => withRefusal(node, outcome.reason));
    }
    case 'vanished': {
      const { index } = outcome;
      const noted = withHistory(record, at, `node ${index} was deleted, though not by Onebuck`);
      const isOurs = record.nodes[index]?.state === 'deleting';
      return withNode(isOurs ? record : noted, index, (node) => withEnd(node, at));
    }
    case 'untagged': {
      const { index, linode, isTakenOver } = outcome;
      return withNode(record, index, (node) => {
        if (isTakenOver && isExisting(node)) return takenOver(node, at);
        const seen = withoutTag(node, linode, at);
        return isExisting(seen) ? { ...seen, checkedAt: at } : seen;
      });
    }
    case 'created':
    case 'present':
    case 'notSent':
      return withNode(record, outcome.index, (node) =>
        withAnswer(node, outcome, at, ownershipTag(record.stage)),
      );
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

function withDeletion(
  node: NodeRecord,
  { existed, unlisted }: Extract<Outcome, { kind: 'deletionAccepted' }>,
  at: EpochMs,
): NodeRecord {
  if (node.state === 'created') {
    const { trouble: _, ...alive } = existed ? node : withoutSighting(node);
    const found = unlisted && alive.checkedAt === undefined ? { checkedAt: at } : {};
    return { ...alive, ...found, state: 'deleting', billedUntil: at };
  }
  if (node.state !== 'deleting') return node;
  const { trouble, ...deleting } = node;
  // The Linode existed after all, and was billed until this answer.
  if (existed) {
    const accepted = (node.accepted ?? 1) + 1;
    const again = trouble === undefined ? {} : { trouble: triedAgain(trouble, at) };
    return { ...deleting, billedUntil: at, accepted, ...again };
  }
  // A Linode that lived on after its deletion was accepted is gone by now. Otherwise the earlier
  // answer stands.
  return trouble === undefined ? node : { ...deleting, billedUntil: at };
}

function withRefusedDeletion(node: NodeRecord, reason: string, at: EpochMs): NodeRecord {
  if (!isExisting(node)) return node;
  const { trouble } = node;
  const since = trouble?.reason === reason ? trouble.since : at;
  const tries = (trouble?.tries ?? 0) + 1;
  return { ...node, trouble: { since, reason, tries, triedAt: at } };
}

const triedAgain = (trouble: NodeTrouble, at: EpochMs): NodeTrouble => ({
  ...trouble,
  tries: trouble.tries + 1,
  triedAt: at,
});

function withEnd(node: NodeRecord, at: EpochMs): NodeRecord {
  if (node.state === 'created') {
    const { trouble: _, ...known } = withoutSighting(node);
    return { ...known, state: 'gone', billedUntil: at };
  }
  return node.state === 'deleting' ? withoutMachine(withoutSighting(node), at) : node;
}

function withAnswer(
  node: NodeRecord,
  outcome: Extract<Outcome, { kind: 'created' | 'present' | 'notSent' }>,
  at: EpochMs,
  ours: Tag,
): NodeRecord {
  const { index, label } = node;
  if (outcome.kind === 'notSent') {
    // An earlier create without an answer may still land, and stays billed.
    if (node.state !== 'creating') return node;
    const noted = withCreateTrouble(node, { reason: outcome.reason, at });
    if (node.sentAt !== node.triedAt) return noted;
    return { state: 'planned', index, label, ...createTroubleOf(noted) };
  }
  const { linode } = outcome;
  if (node.state === 'deleting') {
    const seen = { ...node, status: linode.status, checkedAt: at };
    return linode.status === 'deleting' ? seen : withSurvival(seen, at);
  }
  const machine =
    node.state === 'created'
      ? machineSeenAgain(node, outcome.linode, at)
      : machineOf(outcome.linode, at);
  const checked = outcome.kind === 'present' ? { checkedAt: at } : {};
  const isLost = node.state === 'created' && !linode.tags.includes(ours);
  const lost = isLost && node.tagLostAt !== undefined ? { tagLostAt: node.tagLostAt } : {};
  return { state: 'created', index, label, ...machine, ...checked, ...lost };
}
