import { describe, expect, it } from 'vitest';
import { clusterTag } from '../../../../lib/core/base/names.ts';
import { type EpochMs, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import { apply } from '../../../../lib/core/pass/apply.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import {
  aDeleting,
  aLinode,
  aRunning,
  created,
  deleting,
  eventsOf,
  gone,
  ID,
  LAUNCH,
  linodeIdOf,
  OUR_TAG,
  OUR_TAGS,
  REAP_TAG,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, minutes(30));
const LATER = plus(NOW, seconds(10));
const withoutOurs = [clusterTag(ID), REAP_TAG];
const stripped = (index: number, tags: string[] = withoutOurs) => aLinode({ index, tags });
const both = [stripped(0), stripped(1)];
const planned = (record: LiveRecord, linodes: ReturnType<typeof aLinode>[], now: EpochMs = NOW) => {
  const { next, steps } = plan(record, linodes, now);
  return { next: next as LiveRecord, steps };
};
const lost = (index: number) => created(index, { tagLostAt: NOW });
const LOST = 'nodes lost the tag onebuck-test at once: Onebuck knows them by id and label';

describe('one node without the ownership tag', () => {
  it('was taken over where another has the tag: it is left alone, and the record says so', () => {
    const { next, steps } = planned(aRunning(), [stripped(0), aLinode({ index: 1 })]);
    expect(next.nodes[0]).toEqual(gone(0, { billedUntil: NOW, takenOver: true }));
    expect(eventsOf(next).at(-1)).toBe('node 0 taken over: lives on, billed to you');
    expect(steps.map((step) => ('linodeId' in step ? step.linodeId : null))).not.toContain(
      linodeIdOf(0),
    );
  });

  it('was taken over on purpose if its label is another one, too', () => {
    const { next } = planned(aRunning({ nodes: [created(0)] }), [
      { ...stripped(0), label: 'mine' },
    ]);
    expect(next).toMatchObject({ phase: 'deleting', endReason: 'takenOver' });
    expect(next.nodes).toMatchObject([{ state: 'gone', takenOver: true }]);
  });

  it('waits for a look at the others where the list does not show them', () => {
    const { next, steps } = planned(aRunning(), [stripped(0)]);
    expect(next.nodes).toEqual([created(0, { untaggedAt: NOW }), created(1)]);
    const check = { kind: 'checkNode', index: 1, linodeId: linodeIdOf(1) };
    expect(steps).toMatchObject([{ kind: 'checkNode', index: 0 }, check]);
    const found = aLinode({ index: 1 });
    const present = apply(next, [{ kind: 'present', index: 1, linode: found }], LATER);
    expect(planned(present, [stripped(0)], LATER).next.nodes[0]).toMatchObject({ takenOver: true });
    const isTakenOver = false;
    const untagged = { kind: 'untagged', index: 1, linode: stripped(1), isTakenOver } as const;
    const alsoLost = apply(next, [untagged], LATER);
    expect(planned(alsoLost, [stripped(0)], LATER).next).toMatchObject({ tagLosses: 1 });
  });

  it('is a node again when the person gives it back', () => {
    const taken = gone(0, { billedUntil: NOW, takenOver: true });
    const { next } = planned(aRunning({ nodes: [taken, created(1)] }), [
      aLinode(),
      aLinode({ index: 1 }),
    ]);
    expect(next.nodes[0]).toEqual(created(0));
  });

  it('lives on after the end of its cluster, and the history says so', () => {
    const nodes = [gone(0, { takenOver: true }), gone(1)];
    const { next } = planned(aDeleting({ nodes, tagsRemoved: true }), []);
    expect(eventsOf(next).at(-1)).toBe('gone, but node 0, taken over: lives on');
  });

  it('is taken over in a teardown if a list shows another with the tag', () => {
    const { steps } = planned(aDeleting(), [aLinode({ index: 1 })]);
    const first = { kind: 'deleteNode', index: 0, linodeId: linodeIdOf(0), seen: false };
    expect(steps[0]).toEqual({ ...first, unlisted: true, othersTagged: true });
    const { steps: undecided } = planned(aDeleting(), []);
    expect(undecided[0]).toEqual({ ...first, unlisted: true });
  });

  it('that is going away says nothing about the others: it keeps its last tags', () => {
    const nodes = [created(0), deleting(1)];
    const going = aLinode({ index: 1, status: 'deleting' });
    const { next } = planned(aDeleting({ nodes }), [stripped(0), going]);
    expect(next).toMatchObject({ tagLosses: 1, nodes: [{ state: 'created', tagLostAt: NOW }, {}] });
  });
});

describe('all nodes without the ownership tag', () => {
  it('are still ours, by id and label, and get their tags back', () => {
    const { next, steps } = planned(aRunning(), both);
    expect(next).toMatchObject({ tagLosses: 1, nodes: [lost(0), lost(1)] });
    expect(eventsOf(next).at(-1)).toBe(LOST);
    expect(steps.map(({ kind }) => kind)).toEqual(['retagNode', 'retagNode']);
    const again = planned(next, both, LATER).next;
    expect(again).toMatchObject({ tagLosses: 1, nodes: [lost(0), lost(1)] });
    const back = planned(next, [aLinode(), aLinode({ index: 1 })], LATER).next;
    expect(back.nodes).toEqual([created(0), created(1)]);
  });

  it('may have become another kind at any time since a list last showed them with it', () => {
    const seenAt = plus(LAUNCH, minutes(5));
    const resized = (tags: string[]) =>
      [0, 1].map((index) => aLinode({ index, tags, type: 'g6-standard-2' }));
    const { next } = planned(aRunning({ lookedAt: seenAt }), resized(withoutOurs));
    const later = planned(next, resized(OUR_TAGS), LATER).next;
    const changes = [{ type: 'g6-standard-2', region: 'us-east', from: seenAt, to: LATER }];
    expect(later.nodes).toMatchObject([{ changes }, { changes }]);
  });

  it('are not taken over where one has got its tag back from Onebuck before the others', () => {
    const record = aRunning({ nodes: [lost(0), created(1, { untaggedAt: NOW })] });
    const { next } = planned(record, [aLinode(), stripped(1)], LATER);
    expect(next.nodes).toEqual([created(0), created(1, { tagLostAt: LATER })]);
  });

  it('are not taken over where a pass has put tags on one after all had lost theirs', () => {
    const list = [stripped(0), aLinode({ index: 1 })];
    const before = { lookedAt: NOW, retaggedAt: NOW };
    const { next } = planned(aRunning(before), list, LATER);
    expect(next.nodes).toEqual([created(0, { tagLostAt: LATER }), created(1)]);
    // A list after the change of tags has shown both with the tag.
    const seen = planned(aRunning({ ...before, lookedAt: plus(NOW, seconds(10)) }), list, LATER);
    expect(seen.next.nodes[0]).toMatchObject({ state: 'gone', takenOver: true });
  });

  it('are looked up by id where no list shows them, and then get their tags back', () => {
    const outcomes = [0, 1].map((index) => ({
      ...({ kind: 'untagged', isTakenOver: false } as const),
      ...{ index, linode: stripped(index, []) },
    }));
    const seen = apply(aRunning(), outcomes, NOW);
    expect(seen.nodes).toMatchObject([{ untaggedAt: NOW }, { untaggedAt: NOW }]);
    const { next, steps } = planned(seen, [], LATER);
    expect(next.nodes).toMatchObject([{ tagLostAt: LATER }, { tagLostAt: LATER }]);
    expect(steps.map(({ kind }) => kind)).toEqual(['checkNode', 'checkNode']);
    const tagged = apply(next, [{ kind: 'present', index: 0, linode: aLinode() }], LATER);
    expect(tagged.nodes[0]).toEqual(created(0, { checkedAt: LATER }));
    const refused = apply(next, [{ kind: 'present', index: 0, linode: stripped(0, []) }], LATER);
    expect(refused.nodes[0]).toEqual(created(0, { checkedAt: LATER, tagLostAt: LATER }));
  });

  it('are destroyed in a teardown, and are gone only when their ids are', () => {
    const nodes = [lost(0), lost(1)];
    const { next, steps } = planned(aDeleting({ nodes }), []);
    expect(steps).toMatchObject([{ kind: 'deleteNode' }, { kind: 'deleteNode' }]);
    const accepted = { kind: 'deletionAccepted', existed: true, unlisted: true } as const;
    const outcomes = [0, 1].map((index) => ({ ...accepted, index, linodeId: linodeIdOf(index) }));
    const going = planned(apply(next, outcomes, LATER), [], LATER);
    expect(going.next.nodes).toMatchObject([{ state: 'deleting' }, { state: 'deleting' }]);
    expect(going.steps).toMatchObject([{ kind: 'checkNode' }, { kind: 'checkNode' }]);
    const vanished = [0, 1].map((index) => ({ kind: 'vanished', index }) as const);
    const over = apply(going.next, vanished, LATER);
    expect(over.nodes).toMatchObject([
      { state: 'gone', billedUntil: LATER },
      { state: 'gone', billedUntil: LATER },
    ]);
    expect(eventsOf(over)).toEqual(eventsOf(going.next));
  });
});

describe('the tag of the cluster', () => {
  it('is put back where a list by the ownership tag shows the node without it', () => {
    const { steps } = planned(aRunning(), [
      aLinode({ tags: [OUR_TAG, REAP_TAG] }),
      aLinode({ index: 1 }),
    ]);
    expect(steps).toMatchObject([{ kind: 'retagNode', index: 0, reap: REAP_TAG }]);
  });

  it('of another cluster does not make a node of this one unknown', () => {
    const other = { ...aLinode({ id: 7, tags: [...OUR_TAGS, REAP_TAG] }) };
    const theirs = { ...other, label: 'onebuck-cotherone22-0' };
    const list = [aLinode(), aLinode({ index: 1 }), theirs];
    expect(planned(aRunning(), list).steps).toMatchObject([{ kind: 'wait' }]);
    const copy = { ...other, label: 'a-copy' };
    expect(planned(aRunning(), [aLinode(), aLinode({ index: 1 }), copy]).steps).toMatchObject([
      { kind: 'deleteNode', linodeId: 7 },
    ]);
  });
});
