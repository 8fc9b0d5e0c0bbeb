import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EpochMs, hours, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { spentAt } from '../../../../lib/core/cluster/bills.ts';
import type { LiveRecord, NodeRecord } from '../../../../lib/core/cluster/record.ts';
import { apply, type Outcome } from '../../../../lib/core/pass/apply.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  aRunning,
  created,
  creating,
  deleting,
  eventsOf,
  gone,
  LAUNCH,
  linodeIdOf,
  neverCreated,
  planned,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, minutes(5));
/** The node after the outcome of a step for it. */
const nodeAfter = (node: NodeRecord, outcome: Outcome) =>
  apply(aCluster({ nodes: [node] }), [outcome], NOW).nodes[0];
const lastEvent = (record: LiveRecord) => eventsOf(record).at(-1);

describe('a create', () => {
  it('that was answered makes the node created, billed from the time in the answer', () => {
    const billedFrom = plus(LAUNCH, seconds(2));
    const linode = aLinode({ status: 'provisioning', created: billedFrom });
    expect(nodeAfter(creating(0), { kind: 'created', index: 0, linode })).toEqual(
      created(0, { status: 'provisioning', billedFrom }),
    );
  });

  it('that was answered with backups makes backups assumed, and the teardown earlier', () => {
    const record = aCluster({ nodes: [creating(0), planned(1)], budget: usd(0.15) });
    const answer = (backupsEnabled: boolean): Outcome => ({
      kind: 'created',
      index: 0,
      linode: aLinode({ backupsEnabled }),
    });
    const plain = apply(record, [answer(false)], NOW);
    const backed = apply(record, [answer(true)], NOW);
    expect(plain.bought.backupsAssumed).toBe(false);
    expect(backed.bought.backupsAssumed).toBe(true);
    expect(teardownOf(backed, LAUNCH)).toBeLessThan(teardownOf(plain, LAUNCH));
  });

  it('that was refused makes the node neverCreated, with the reason', () => {
    const refused: Outcome = { kind: 'refused', index: 0, reason: 'no capacity' };
    const record = apply(aCluster({ nodes: [creating(0)] }), [refused], NOW);
    expect(record.nodes).toEqual([neverCreated(0, 'no capacity')]);
    expect(lastEvent(record)).toBe('node 0 refused: no capacity');
  });

  it('that was refused keeps the node creating if an earlier create may still land', () => {
    const again = creating(0, { triedAt: plus(LAUNCH, seconds(30)) });
    const refused: Outcome = { kind: 'refused', index: 0, reason: 'account limit' };
    expect(nodeAfter(again, refused)).toEqual({ ...again, refused: 'account limit' });
  });

  it('that was not sent makes the node planned again', () => {
    const notSent: Outcome = { kind: 'notSent', index: 0, reason: 'rate limit', retryAt: NOW };
    const createTrouble = { since: NOW, reason: 'rate limit' };
    expect(nodeAfter(creating(0), notSent)).toEqual({ ...planned(0), createTrouble });
  });

  it('that was not sent keeps the node creating if an earlier create may still land', () => {
    const notSent: Outcome = { kind: 'notSent', index: 0, reason: 'rate limit', retryAt: NOW };
    const again = creating(0, { triedAt: plus(LAUNCH, seconds(30)) });
    const createTrouble = { since: NOW, reason: 'rate limit' };
    expect(nodeAfter(again, notSent)).toEqual({ ...again, createTrouble });
  });

  it.each(['failed', 'notSent'] as const)('that %s keeps the reason, and since when', (kind) => {
    const outcome = (reason: string) => ({ kind, index: 0, reason, retryAt: NOW }) as Outcome;
    const again = creating(0, { triedAt: plus(LAUNCH, seconds(30)) });
    const then = (node: NodeRecord, reason: string, at: EpochMs) =>
      apply(aCluster({ nodes: [node] }), [outcome(reason)], at).nodes[0] as NodeRecord;
    const first = then(again, '500', NOW);
    expect(first).toEqual({ ...again, createTrouble: { since: NOW, reason: '500' } });
    expect(then(first, '500', plus(NOW, minutes(1)))).toEqual(first);
    const other = { since: plus(NOW, minutes(1)), reason: '503' };
    expect(then(first, '503', other.since)).toEqual({ ...again, createTrouble: other });
    expect(then(first, 'x'.repeat(1_000), NOW)).toEqual({
      ...again,
      createTrouble: { since: NOW, reason: 'x'.repeat(160) },
    });
    // The Linode of an earlier create was found meanwhile.
    expect(then(created(0), '500', NOW)).toEqual(created(0));
  });

  it('that was refused, or answered, has no reason of an earlier create any more', () => {
    const createTrouble = { since: LAUNCH, reason: '500' };
    const again = creating(0, { triedAt: plus(LAUNCH, seconds(30)) });
    const node = { ...again, createTrouble };
    const refused: Outcome = { kind: 'refused', index: 0, reason: 'account limit' };
    expect(nodeAfter(node, refused)).toEqual({ ...again, refused: 'account limit' });
    const answered: Outcome = { kind: 'created', index: 0, linode: aLinode() };
    expect(nodeAfter(node, answered)).toEqual(created(0));
  });

  it('that was not sent keeps a node created that was found meanwhile', () => {
    const notSent: Outcome = { kind: 'notSent', index: 0, reason: 'rate limit', retryAt: NOW };
    expect(nodeAfter(created(0), notSent)).toEqual(created(0));
  });

  it('whose answer was lost keeps the node creating, and billed', () => {
    const record = aCluster({ nodes: [creating(0), planned(1)] });
    const lost = apply(record, [{ kind: 'failed', reason: 'no answer' }], NOW);
    expect(lost).toEqual(record);
    expect(spentAt(lost, NOW)).toBe(usd(0.0075));
  });
});

describe('a deletion', () => {
  const accepted = { kind: 'deletionAccepted', index: 0, linodeId: linodeIdOf(0) } as const;
  const refused = {
    kind: 'deletionRefused',
    index: 0,
    linodeId: linodeIdOf(0),
    reason: 'it is locked',
  } as const;
  const stray = { ...accepted, index: null, linodeId: 7, existed: true } as const;

  it('that was answered ends the bill of the node, whether or not it existed', () => {
    for (const existed of [true, false]) {
      expect(nodeAfter(created(0), { ...accepted, existed })).toEqual(
        deleting(0, { billedUntil: NOW }),
      );
    }
  });

  it('of a deleting node that still existed bills it until the later answer', () => {
    expect(nodeAfter(deleting(0), { ...accepted, existed: true })).toEqual(
      deleting(0, { billedUntil: NOW, accepted: 2 }),
    );
  });

  it('that Linode refuses leaves the node billed, says why, and is in the history', () => {
    const record = apply(aRunning(), [refused], NOW);
    const trouble = { since: NOW, reason: 'it is locked', tries: 1, triedAt: NOW };
    expect(record.nodes[0]).toEqual(created(0, { trouble }));
    expect(lastEvent(record)).toBe("can't delete node 0: it is locked");
    const later = plus(NOW, minutes(1));
    const again = apply(record, [refused], later);
    expect(again.nodes[0]).toEqual(
      created(0, { trouble: { ...trouble, tries: 2, triedAt: later } }),
    );
    expect(again.history, 'the reason is the same').toEqual(record.history);
    expect(spentAt(again, plus(LAUNCH, hours(2)))).toBe(usd(0.03));
  });

  it('that Linode refused first and accepts later ends the trouble', () => {
    const record = apply(apply(aRunning(), [refused], NOW), [{ ...accepted, existed: true }], NOW);
    expect(record.nodes[0]).toEqual(deleting(0, { billedUntil: NOW }));
  });

  it('without effect is counted, and bills the node until Linode says that it is gone', () => {
    const trouble = { since: LAUNCH, reason: 'lives', tries: 2, triedAt: LAUNCH };
    const node = deleting(0, { accepted: 2, trouble });
    const again = nodeAfter(node, { ...accepted, existed: true });
    expect(again).toEqual(
      deleting(0, {
        billedUntil: NOW,
        accepted: 3,
        trouble: { ...trouble, tries: 3, triedAt: NOW },
      }),
    );
    const gone = nodeAfter(node, { ...accepted, existed: false });
    expect(gone).toEqual(deleting(0, { billedUntil: NOW, accepted: 2 }));
  });

  it('of a deleting node that was gone keeps the end of its bill', () => {
    for (const node of [deleting(0), gone(0)]) {
      expect(nodeAfter(node, { ...accepted, existed: false })).toEqual(node);
    }
  });

  it('of a node that never existed, or is gone, changes nothing', () => {
    for (const node of [planned(0), neverCreated(0), gone(0)]) {
      expect(nodeAfter(node, { ...accepted, existed: true })).toEqual(node);
    }
  });

  it('of a Linode that is no node is in the history, if the Linode existed', () => {
    const record = aRunning();
    const extra = (existed: boolean): Outcome => ({
      kind: 'deletionAccepted',
      index: null,
      linodeId: 7,
      existed,
    });
    expect(lastEvent(apply(record, [extra(true)], NOW))).toMatch(
      /^destroyed a Linode that has its/,
    );
    expect(apply(record, [extra(true)], NOW).nodes).toEqual(record.nodes);
    expect(apply(record, [extra(false)], NOW)).toEqual(record);
  });

  it('of a Linode that is no node is in the history once, however often it is repeated', () => {
    const once = apply(aRunning(), [stray], NOW);
    expect(once.strays).toEqual([{ linodeId: 7, tries: 1, triedAt: NOW }]);
    const later = plus(NOW, minutes(1));
    const twice = apply(once, [{ ...stray, kind: 'deletionRefused', reason: 'locked' }], later);
    expect(twice.strays).toEqual([{ linodeId: 7, tries: 2, triedAt: later }]);
    expect(apply(twice, [stray], later).history).toEqual(once.history);
  });

  it('of the tags is recorded by a cluster in deletion', () => {
    const record = aDeleting();
    expect(apply(record, [{ kind: 'tagsRemoved', shared: [] }], NOW)).toEqual({
      ...record,
      tagsRemoved: true,
    });
  });

  it('of some reap tags removes only those from the record of a running cluster', () => {
    const record = aRunning({ reapTags: ['reap=20261110T1600Z', 'reap=20261110T1700Z'] });
    const shared = ['reap=20261110T1600Z'];
    expect(apply(record, [{ kind: 'tagsRemoved', shared }], NOW)).toEqual({
      ...record,
      reapTags: ['reap=20261110T1700Z'],
    });
  });
});

describe('a move of the reap tag', () => {
  it('that succeeded leaves the record as it is', () => {
    const record = aRunning({ retagAfter: LAUNCH });
    expect(apply(record, [{ kind: 'retagged' }], NOW)).toBe(record);
  });

  it('that Linode refused puts the next move off', () => {
    const record = aRunning();
    const until = plus(NOW, seconds(600));
    const refused = apply(record, [{ kind: 'tagsRefused', until }], NOW);
    expect(refused).toEqual({ ...record, retagAfter: until });
  });
});

describe('a check', () => {
  it('that finds the Linode updates the node, and the time of its check', () => {
    const linode = aLinode({ status: 'offline', created: plus(LAUNCH, seconds(9)) });
    expect(nodeAfter(created(0), { kind: 'present', index: 0, linode })).toEqual(
      created(0, { status: 'offline', checkedAt: NOW }),
    );
  });

  it('that finds no Linode makes the node gone, and is in the history', () => {
    const record = apply(aRunning(), [{ kind: 'vanished', index: 1 }], NOW);
    expect(record.nodes).toEqual([created(0), gone(1, { billedUntil: NOW })]);
    expect(lastEvent(record)).toBe('node 1 was deleted, though not by Onebuck');
  });

  it('that finds the Linode without the ownership tag makes the node gone, in the history', () => {
    const linode = aLinode({ tags: [] });
    const outcome: Outcome = { kind: 'untagged', index: 0, linode, isTakenOver: true };
    const record = apply(aRunning(), [outcome], NOW);
    expect(record.nodes).toEqual([gone(0, { billedUntil: NOW, takenOver: true }), created(1)]);
    expect(lastEvent(record)).toBe('node 0 taken over: lives on, billed to you');
  });

  it('that finds no Linode keeps the end of the bill of a deleted node', () => {
    expect(nodeAfter(deleting(0), { kind: 'vanished', index: 0 })).toEqual(gone(0));
    expect(nodeAfter(neverCreated(0), { kind: 'vanished', index: 0 })).toEqual(neverCreated(0));
  });
});

describe('several outcomes', () => {
  it('change only their own nodes', () => {
    const record = aCluster({ nodes: [creating(0), creating(1), creating(2)] });
    const outcomes: Outcome[] = [
      { kind: 'refused', index: 2, reason: 'no capacity' },
      { kind: 'failed', reason: 'no answer' },
      { kind: 'created', index: 0, linode: aLinode() },
    ];
    expect(apply(record, outcomes, NOW).nodes).toEqual([created(0), creating(1), neverCreated(2)]);
  });
});

const NODES = [planned, creating, created, deleting, gone, neverCreated];
const nodesOfAllKinds = fc
  .array(fc.constantFrom(...NODES), { minLength: 1, maxLength: 4 })
  .map((kinds) => kinds.map((kind, index): NodeRecord => kind(index)));
const anOutcome = fc
  .record({ index: fc.nat(3), existed: fc.boolean(), which: fc.nat(8) })
  .map(({ index, existed, which }): Outcome => {
    const linode = aLinode({ index, backupsEnabled: existed });
    const outcomes: readonly Outcome[] = [
      { kind: 'created', index, linode },
      { kind: 'present', index, linode },
      { kind: 'refused', index, reason: 'no' },
      { kind: 'notSent', index, reason: 'late', retryAt: NOW },
      { kind: 'deletionAccepted', index: existed ? index : null, linodeId: 7, existed },
      { kind: 'deletionRefused', index, linodeId: 7, reason: 'locked' },
      { kind: 'vanished', index },
      { kind: 'untagged', index, linode, isTakenOver: existed },
      { kind: 'failed', reason: 'lost' },
    ];
    return outcomes[which] ?? { kind: 'tagsRemoved', shared: [] };
  });

describe('always', () => {
  it('nodes keep their order, indexes and labels, and the record its phase', () => {
    fc.assert(
      fc.property(nodesOfAllKinds, fc.array(anOutcome), (nodes, outcomes) => {
        const record = aRunning({ nodes });
        const applied = apply(record, outcomes, NOW);
        const names = nodes.map(({ index, label }) => ({ index, label }));
        expect(applied.nodes).toMatchObject(names);
        expect(applied).toMatchObject({ phase: record.phase, dueAt: record.dueAt });
      }),
    );
  });

  it('a node becomes created only by an outcome that shows its Linode', () => {
    fc.assert(
      fc.property(nodesOfAllKinds, fc.array(anOutcome), (nodes, outcomes) => {
        const shown = new Set(
          outcomes.flatMap((outcome) => ('linode' in outcome ? [outcome.index] : [])),
        );
        const applied = apply(aRunning({ nodes }), outcomes, NOW);
        for (const [index, node] of applied.nodes.entries()) {
          const isNew = node.state === 'created' && nodes[index]?.state !== 'created';
          expect(isNew && !shown.has(index)).toBe(false);
        }
      }),
    );
  });

  it('the end of a node never lowers the spend', () => {
    const ends = anOutcome.filter(({ kind }) =>
      ['deletionAccepted', 'vanished', 'untagged'].includes(kind),
    );
    fc.assert(
      fc.property(nodesOfAllKinds, fc.array(ends), fc.nat(50), (nodes, outcomes, later) => {
        const record = aRunning({ nodes });
        const now = plus(LAUNCH, hours(later));
        const spent = spentAt(record, now);
        expect(spentAt(apply(record, outcomes, now), now)).toBeGreaterThanOrEqual(spent);
      }),
    );
  });
});
