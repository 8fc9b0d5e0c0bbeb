import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeLabel, reapTag, withReapTag } from '../../../../lib/core/base/names.ts';
import {
  between,
  durationMs,
  type EpochMs,
  epochMs,
  hours,
  minutes,
  plus,
  seconds,
} from '../../../../lib/core/base/units.ts';
import { spend } from '../../../../lib/core/billing/bill.ts';
import { spentAt } from '../../../../lib/core/cluster/bills.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import type { Linode } from '../../../../lib/core/cluster/linode.ts';
import {
  type ClusterRecord,
  isLive,
  type LiveRecord,
  type NodeRecord,
} from '../../../../lib/core/cluster/record.ts';
import { apply, type Outcome } from '../../../../lib/core/pass/apply.ts';
import { beginDeleting } from '../../../../lib/core/pass/phase.ts';
import { type Plan, plan } from '../../../../lib/core/pass/plan.ts';
import type { ActiveStep, Step } from '../../../../lib/core/pass/steps.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  aLinode,
  aRunning,
  aSpec,
  at,
  created,
  creating,
  deleting,
  eventsOf,
  gone,
  ID,
  LAUNCH,
  linodeIdOf,
  neverCreated,
  OTHER_ID,
  OUR_TAGS,
  planned,
  price,
  REAP_TAG,
  STAGE,
  statesOf,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const NOW = plus(LAUNCH, minutes(5));
const secondsIn = (count: number): EpochMs => plus(LAUNCH, seconds(count));
const kindsOf = ({ steps }: Plan) => steps.map(({ kind }) => kind);
const ofKind = <K extends Step['kind']>({ steps }: { steps: readonly Step[] }, kind: K) =>
  steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind);
const createdBy = (made: Plan) => ofKind(made, 'createNode').map(({ index }) => index);
const deletedBy = (made: Plan) => ofKind(made, 'deleteNode').map(({ linodeId }) => linodeId);
const keeping = aSpec({ onPartial: 'keep' });

describe('a new cluster', () => {
  it('has its nodes created, tagged and labelled, with the intent in the record', () => {
    const record = aCluster({ spec: aSpec({ tags: ['blue'] }) });
    const { next, steps } = plan(record, [], LAUNCH);
    const reap = reapTag(teardownOf(record, LAUNCH));
    const tags = ['onebuck-test', 'onebuck=cabcdefg234', reap, 'blue'];
    expect(steps).toEqual([
      { kind: 'createNode', index: 0, label: 'onebuck-cabcdefg234-0', tags, sentAt: LAUNCH },
      { kind: 'createNode', index: 1, label: 'onebuck-cabcdefg234-1', tags, sentAt: LAUNCH },
    ]);
    expect(next).toEqual({
      ...record,
      nodes: [creating(0), creating(1)],
      reapTags: [reap],
      dueAt: secondsIn(120),
    });
  });

  it('has 20 nodes created in a pass, and the rest in those that follow', () => {
    const nodes = Array.from({ length: 45 }, (_, index) => planned(index));
    const first = plan(aCluster({ nodes, budget: usd(9) }), [], LAUNCH);
    expect(createdBy(first)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    const second = plan(first.next as LiveRecord, [], secondsIn(1));
    expect(createdBy(second)).toEqual(Array.from({ length: 20 }, (_, index) => 20 + index));
    const third = plan(second.next as LiveRecord, [], secondsIn(2));
    expect(createdBy(third)).toEqual([40, 41, 42, 43, 44]);
  });

  it('waits, and buys nothing, while its Linodes can not be listed', () => {
    const record = aCluster();
    expect(plan(record, null, LAUNCH)).toEqual({
      next: { ...record, dueAt: secondsIn(120) },
      steps: [{ kind: 'wait', reason: 'Linodes could not be listed', until: secondsIn(10) }],
      life: lifeOf(record, LAUNCH),
    });
  });

  it('is not begun when no hour of it fits the budget any more', () => {
    const planned = plan(aCluster({ budget: usd(0.0149) }), [], LAUNCH);
    expect(planned.next).toMatchObject({ phase: 'deleting', endReason: 'budget' });
    expect(createdBy(planned)).toEqual([]);
  });
});

describe('a cluster that is coming up', () => {
  it('is looked at every 10 seconds', () => {
    const record = aCluster({ nodes: [created(0, { status: 'booting' })] });
    const list = [aLinode({ status: 'booting' })];
    expect(plan(record, list, NOW)).toEqual({
      next: { ...record, dueAt: plus(NOW, seconds(120)) },
      steps: [{ kind: 'wait', reason: 'nodes are coming up', until: plus(NOW, seconds(10)) }],
      life: lifeOf(record, NOW),
    });
  });

  it('adopts by its label what a lost reply left behind, and creates it no more', () => {
    const record = aCluster({ nodes: [creating(0), creating(1)] });
    const adopted = plan(record, [aLinode({ id: 7, status: 'booting' })], secondsIn(30));
    expect(adopted.next.nodes[0]).toEqual(created(0, { linodeId: 7, status: 'booting' }));
    expect(createdBy(adopted)).toEqual([1]);
  });

  it('sends a create with a lost reply again after 30 seconds, and keeps when it was first', () => {
    const record = aCluster({ nodes: [creating(0)] });
    expect(kindsOf(plan(record, [], secondsIn(29)))).toEqual(['wait']);
    const again = plan(record, [], secondsIn(30));
    expect(createdBy(again)).toEqual([0]);
    expect(again.next.nodes).toEqual([creating(0, { sentAt: LAUNCH, triedAt: secondsIn(30) })]);
    expect(kindsOf(plan(again.next as LiveRecord, [], secondsIn(59)))).toEqual(['wait']);
  });

  it('does not send it again where a Linode under another label may be it, nor destroys that', () => {
    const record = aCluster({ nodes: [creating(0)] });
    const renamed = aLinode({ id: 7, label: 'db-primary', tags: [...OUR_TAGS, REAP_TAG] });
    const early = plan(record, [renamed], secondsIn(29));
    expect(kindsOf(early)).toEqual(['wait']);
    const later = plan(record, [renamed], secondsIn(30));
    expect([...createdBy(later), ...deletedBy(later)]).toEqual([]);
    expect(later.next.nodes).toMatchObject([{ state: 'created', linodeId: 7 }]);
  });

  it('sends it with the same reap tag, without which it would not be adopted', () => {
    const first = plan(aCluster({ nodes: [creating(0), planned(1)] }), [], secondsIn(20));
    const tags = ofKind(first, 'createNode')[0]?.tags;
    const later = { ...(first.next as LiveRecord), nodes: [planned(0), creating(1)] };
    const again = plan(later, [], secondsIn(600));
    expect(ofKind(again, 'createNode').map((step) => step.tags)).toEqual([tags, tags]);
    expect(again.next.reapTags).toEqual(first.next.reapTags);
  });

  it('collects the reap tags that its nodes were created with, and sends the earliest', () => {
    const record = aCluster({ reapTags: ['reap=20270101T0000Z'] });
    const reap = reapTag(teardownOf(record, LAUNCH));
    const { next, steps } = plan(record, [], LAUNCH);
    expect(next.reapTags).toEqual(['reap=20270101T0000Z', reap]);
    expect(steps[0]).toMatchObject({ tags: [...OUR_TAGS, reap] });
  });

  it('tells for which nodes it asks again, and of none that it asks for the first time', () => {
    const nodes = [creating(0), planned(1), creating(2)];
    const again = plan(aCluster({ nodes }), [], secondsIn(30));
    expect(createdBy(again)).toEqual([0, 1, 2]);
    expect(eventsOf(again.next as LiveRecord).slice(1)).toEqual([
      'asked Linode again for node 0, 2: no answer came',
    ]);
    expect(eventsOf(plan(aCluster(), [], LAUNCH).next as LiveRecord)).toHaveLength(1);
  });

  it('tells how many of its nodes are up when there are more than before', () => {
    const nodes = [created(0, { status: 'booting' }), created(1, { status: 'booting' })];
    const list = [aLinode(), aLinode({ index: 1, status: 'booting' })];
    const one = plan(aCluster({ nodes }), list, NOW).next as LiveRecord;
    expect(eventsOf(one).slice(1)).toEqual(['1 of 2 nodes up']);
    expect(eventsOf(plan(one, list, NOW).next as LiveRecord)).toEqual(eventsOf(one));
  });

  it('has a node that bears no reap tag given one, and a check leaves its reap tags be', () => {
    const nodes = [created(0, { status: 'booting' }), created(1)];
    const record = aCluster({ nodes });
    const bare = aLinode({ status: 'booting', tags: OUR_TAGS });
    const retagged = plan(record, [bare, aLinode({ index: 1 })], NOW);
    expect(retagged.steps).toMatchObject([{ kind: 'retagNode', index: 0, reap: REAP_TAG }]);
    const checked = plan(record, tagged(record, [aLinode({ status: 'booting' })]), NOW);
    expect(kindsOf(checked)).toEqual(['checkNode']);
    expect(checked.next.reapTags).toEqual([]);
  });

  it('does not ask again for a node that was refused, and waits for its earlier create', () => {
    const refused = { ...creating(0, { triedAt: secondsIn(30) }), refused: 'account limit' };
    const record = aCluster({ nodes: [refused] });
    expect(kindsOf(plan(record, [], secondsIn(149)))).toEqual(['wait']);
    expect(plan(record, [], secondsIn(150)).next).toMatchObject({
      phase: 'deleting',
      endReason: 'failed',
      failure: 'account limit',
    });
    const landed = plan(record, [aLinode()], secondsIn(60));
    expect(landed.next).toMatchObject({ phase: 'running', nodes: [created(0)] });
  });

  it('learns from a created node that backups are forced, and ends earlier', () => {
    const record = aCluster({ nodes: [creating(0), planned(1)], budget: usd(0.1) });
    const plain = plan(record, [aLinode()], secondsIn(1));
    const backed = plan(record, [aLinode({ backupsEnabled: true })], secondsIn(1));
    expect(backed.next.bought.backupsAssumed).toBe(true);
    expect(teardownOf(backed.next, NOW)).toBeLessThan(teardownOf(plain.next, NOW));
    expect(ofKind(backed, 'createNode')[0]?.tags).toContain('reap=20261110T1857Z');
    expect(ofKind(plain, 'createNode')[0]?.tags).toContain('reap=20261110T2057Z');
  });

  it('is running once all its nodes are, and so waits for the next look at them', () => {
    const record = aCluster({ nodes: [created(0, { status: 'booting' }), creating(1)] });
    const up = plan(record, [aLinode(), aLinode({ index: 1 })], NOW);
    expect(up.next).toMatchObject({
      phase: 'running',
      startedAt: NOW,
      nodes: [created(0), created(1)],
    });
    expect(eventsOf(up.next as LiveRecord).at(-1)).toBe('running (2 of 2 nodes up)');
    expect(up.steps).toMatchObject([{ kind: 'wait', until: plus(NOW, minutes(30)) }]);
  });

  it('waits no longer than until the teardown time', () => {
    const nodes = [created(0, { status: 'booting' })];
    const record = aCluster({ nodes, budget: usd(0.0075), provisionBy: secondsIn(9_999) });
    const list = tagged(record, [aLinode({ status: 'booting' })]);
    const near = plus(teardownOf(record, NOW), seconds(-4));
    for (const observed of [list, null]) {
      const waiting = plan(record, observed, near);
      expect(waiting.steps).toMatchObject([{ kind: 'wait', until: plus(near, seconds(4)) }]);
      expect(waiting.next).toMatchObject({ dueAt: plus(near, seconds(4)) });
    }
  });
});

describe('a refused node', () => {
  const nodes = [created(0), neverCreated(1, 'no capacity')];

  it('ends the launch, and all that was made is destroyed', () => {
    const refused = plan(aCluster({ nodes }), [aLinode()], NOW);
    expect(refused.next).toMatchObject({
      phase: 'deleting',
      endReason: 'failed',
      failure: 'no capacity',
      deletingSince: NOW,
      startedAt: null,
    });
    expect(refused.steps).toEqual([
      { kind: 'deleteNode', index: 0, linodeId: linodeIdOf(0), seen: true },
    ]);
    expect(eventsOf(refused.next as LiveRecord).at(-1)).toBe(
      'teardown begun (failed: no capacity)',
    );
  });

  it('ends it before what is still planned is created', () => {
    const refused = plan(aCluster({ nodes: [...nodes, planned(2)] }), [aLinode()], NOW);
    expect(createdBy(refused)).toEqual([]);
    expect(statesOf(refused.next)).toEqual(['created', 'neverCreated', 'neverCreated']);
  });

  it('is done without where the rest is to be kept', () => {
    const kept = plan(aCluster({ nodes, spec: keeping }), [aLinode()], NOW);
    expect(kept.next.phase).toBe('running');
    expect(eventsOf(kept.next as LiveRecord).at(-1)).toBe('running (1 of 2 nodes up)');
    const more = aCluster({ nodes: [...nodes, planned(2)], spec: keeping });
    expect(createdBy(plan(more, [aLinode()], NOW))).toEqual([2]);
  });

  it('ends a cluster of which there is nothing else to keep', () => {
    const record = aCluster({ nodes: [neverCreated(0, 'bad image')], spec: keeping });
    const empty = plan(record, [], NOW);
    expect(empty.next).toMatchObject({ endReason: 'failed', failure: 'bad image' });
    expect(kindsOf(empty)).toEqual(['removeTags']);
  });

  it('is a node after all when its Linode is seen', () => {
    const seen = plan(aRunning({ nodes }), [aLinode(), aLinode({ index: 1 })], NOW);
    expect(seen.next.nodes).toEqual([created(0), created(1)]);
  });
});

describe('when the time to come up has ended', () => {
  const LATE = secondsIn(20 * 60);
  const booting = created(1, { status: 'booting' });
  const list = [aLinode(), aLinode({ index: 1, status: 'booting' })];

  it('a cluster that is not all up has failed', () => {
    const record = aCluster({ nodes: [created(0), booting] });
    expect(kindsOf(plan(record, list, plus(LATE, durationMs(-1))))).toEqual(['wait']);
    const failed = plan(record, list, LATE);
    expect(failed.next).toMatchObject({
      phase: 'deleting',
      endReason: 'failed',
      failure: 'only 1 of 2 nodes were running when the time to come up ended',
    });
    expect(deletedBy(failed)).toEqual([linodeIdOf(0), linodeIdOf(1)]);
  });

  it('a create without an answer is not sent once more, and is why it has failed', () => {
    const record = aCluster({ nodes: [creating(0, { triedAt: secondsIn(20 * 60 - 120) })] });
    const failed = plan(record, [], LATE);
    const failure = 'its create was not answered and did not take effect';
    expect(failed.next).toMatchObject({ endReason: 'failed', failure });
    expect(failed.next.nodes).toEqual([neverCreated(0, failure)]);
  });

  it('one that never could be listed has failed, and deletes nothing it never made', () => {
    const failed = plan(aCluster(), null, LATE);
    expect(failed.next).toMatchObject({ phase: 'deleting', endReason: 'failed' });
    const reason = 'the cluster ended before it was created';
    expect(failed.next.nodes).toEqual([neverCreated(0, reason), neverCreated(1, reason)]);
    expect(kindsOf(failed)).toEqual(['wait']);
  });

  it('what is up is kept where it should be, and what is not is destroyed or given up', () => {
    const nodes = [
      created(0),
      booting,
      planned(2),
      creating(3, { triedAt: secondsIn(20 * 60 - 60) }),
    ];
    const record = aCluster({ nodes, spec: keeping });
    const kept = plan(record, tagged(record, list, LATE), LATE);
    expect(kept.next.phase).toBe('provisioning');
    expect(statesOf(kept.next)).toEqual(['created', 'created', 'neverCreated', 'creating']);
    const reason = 'not created before the time to come up ended';
    expect(kept.next.nodes[2]).toEqual(neverCreated(2, reason));
    expect(kept.steps).toEqual([
      { kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: true },
    ]);

    const settled = aCluster({
      nodes: [created(0), gone(1), neverCreated(2), nodes[3] ?? creating(3)],
    });
    const soon = plan({ ...settled, spec: keeping }, [aLinode()], plus(LATE, seconds(59)));
    expect(kindsOf(soon)).toEqual(['wait']);
    const running = plan({ ...settled, spec: keeping }, [aLinode()], plus(LATE, seconds(60)));
    expect(running.next.phase).toBe('running');
    expect(statesOf(running.next)).toEqual(['created', 'gone', 'neverCreated', 'neverCreated']);
  });

  it('nothing is kept where nothing is up', () => {
    const record = aCluster({ nodes: [booting], spec: keeping });
    expect(plan(record, list.slice(1), LATE).next).toMatchObject({ endReason: 'failed' });
    // It ran when it was last seen, but has been deleted since.
    const late = aCluster({ nodes: [deleting(0), planned(1)], spec: keeping });
    expect(plan(late, null, LATE).next).toMatchObject({ phase: 'deleting', endReason: 'failed' });
  });

  it('one that was deleted and lives is deleted again, once', () => {
    const nodes = [created(0), deleting(1), creating(2, { triedAt: secondsIn(20 * 60 - 60) })];
    const record = aCluster({ nodes, spec: keeping });
    const again = plan(record, tagged(record, list, LATE), LATE);
    expect(again.steps).toEqual([
      { kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: true },
    ]);
  });
});

/** The Linodes with the tag that tells the record's teardown time. */
function tagged(record: LiveRecord, linodes: readonly Linode[], now = NOW): Linode[] {
  const reap = reapTag(teardownOf(record, now));
  return linodes.map((linode) => ({ ...linode, tags: withReapTag(linode.tags, reap) }));
}

describe('the reap tags of a running cluster', () => {
  const record = aRunning({ reapTags: [REAP_TAG] });
  const list = [aLinode(), aLinode({ index: 1 })];
  const withTag = (tag: string | null) => [
    aLinode({ tags: [...OUR_TAGS, 'mine', ...(tag === null ? [] : [tag])] }),
    aLinode({ index: 1 }),
  ];
  const retag = { kind: 'retagNode', index: 0, linodeId: linodeIdOf(0), reap: REAP_TAG };

  it.each([
    ['is missing', null],
    ['can not be read', 'reap=tomorrow'],
    ['is later than the teardown', 'reap=20261113T0858Z'],
    ['is more than 5 minutes earlier', 'reap=20261113T0851Z'],
  ])('are set right where one %s, with the intent in the record', (_, tag) => {
    const planned = plan({ ...record, reapTags: [] }, withTag(tag), NOW);
    expect(planned.steps).toEqual([retag]);
    expect(planned.next).toMatchObject({ dueAt: plus(NOW, seconds(30)) });
    expect(planned.next.reapTags).toContain(REAP_TAG);
  });

  it.each(['reap=20261113T0857Z', 'reap=20261113T0852Z'])('stay as they are at %s', (tag) => {
    const waiting = plan({ ...record, reapTags: [tag, REAP_TAG] }, withTag(tag), NOW);
    expect(kindsOf(waiting)).toEqual(['wait']);
  });

  it('follow a change of the budget, on all nodes', () => {
    const raised = { ...record, budget: usd(2) };
    const reap = 'reap=20261116T0357Z';
    expect(plan(raised, list, NOW).steps).toEqual([
      { ...retag, reap },
      { ...retag, index: 1, linodeId: linodeIdOf(1), reap },
    ]);
  });

  it('that the record had forgotten are known again, so that they leave the account', () => {
    const late = 'reap=20261116T0357Z';
    const planned = plan(record, withTag(late), NOW);
    expect(planned.steps).toEqual([retag]);
    expect(planned.next.reapTags).toEqual([REAP_TAG, late]);
    const foreign = plan(record, withTag('reap=tomorrow'), NOW);
    expect(foreign.next.reapTags).toEqual([REAP_TAG]);
  });

  it('that no node bears any more are removed, then forgotten', () => {
    const old = 'reap=20261112T0000Z';
    const planned = plan({ ...record, reapTags: [old, REAP_TAG] }, list, NOW);
    expect(planned.steps).toEqual([{ kind: 'removeTags', own: [], shared: [old] }]);
    const outcome = { kind: 'tagsRemoved', shared: [old] } as const;
    expect(apply(planned.next as LiveRecord, [outcome], NOW).reapTags).toEqual([REAP_TAG]);
  });

  it('wait for their removal until there is nothing else to do', () => {
    const old = 'reap=20261112T0000Z';
    const planned = plan({ ...record, reapTags: [old, REAP_TAG] }, [aLinode()], NOW);
    expect(kindsOf(planned)).toEqual(['checkNode']);
  });

  it('are left alone for a while where Linode did not take them', () => {
    const until = plus(NOW, minutes(2));
    const refused = apply(record, [{ kind: 'tagsRefused', until }], NOW);
    const waiting = plan(refused, withTag(null), NOW);
    expect(waiting.steps).toMatchObject([{ kind: 'wait', until }]);
    expect(plan(refused, withTag(null), until).steps).toEqual([retag]);
  });

  it('of a node on its way out, or that is not ours, are none of its business', () => {
    const going = [aLinode({ status: 'deleting', tags: OUR_TAGS }), aLinode({ index: 1 })];
    expect(kindsOf(plan(record, going, NOW))).toEqual(['wait']);
    const doomed = { ...record, nodes: [deleting(0), created(1)] };
    const alive = tagged(doomed, [aLinode({ index: 1 })]);
    expect(kindsOf(plan(doomed, [aLinode({ tags: OUR_TAGS }), ...alive], NOW))).toEqual([
      'deleteNode',
    ]);
    const stranger = [aLinode({ tags: ['reap=20300101T0000Z'] }), aLinode({ index: 1 })];
    expect(kindsOf(plan(record, stranger, NOW))).toEqual(['checkNode']);
  });
});

describe('a running cluster', () => {
  const list = [aLinode(), aLinode({ index: 1 })];

  it('is looked at every half hour, and then waits for its teardown time', () => {
    const record = aRunning({ budget: usd(0.015), notified: ['launched', 'teardownSoon'] });
    const shown = tagged(record, list);
    expect(plan(record, shown, LAUNCH)).toEqual({
      next: { ...record, dueAt: secondsIn(30 * 60) },
      steps: [{ kind: 'wait', reason: 'the next look at its nodes', until: secondsIn(30 * 60) }],
      life: lifeOf(record, LAUNCH),
    });
    expect(plan(record, shown, secondsIn(30 * 60)).steps).toEqual([
      { kind: 'wait', reason: 'the teardown, which the budget sets', until: secondsIn(57 * 60) },
    ]);
  });

  it('waits no longer than until its teardown time, whatever is to come after it', () => {
    const teardownAt = teardownOf(aRunning({ budget: usd(0.015) }), LAUNCH);
    const now = plus(teardownAt, minutes(-5));
    const later = plus(teardownAt, minutes(5));
    const record = aRunning({ budget: usd(0.015), retagAfter: later, notified: ['teardownSoon'] });
    expect(plan(record, tagged(record, list), now).steps).toMatchObject([
      { kind: 'wait', until: teardownAt },
    ]);
  });

  it('waits for its teardown time also while its Linodes can not be listed', () => {
    expect(plan(aRunning(), null, NOW).steps).toMatchObject([{ kind: 'wait' }]);
  });

  it('finds a relabelled node by its id', () => {
    const renamed = [aLinode({ label: 'web-1' }), aLinode({ index: 1 })];
    expect(kindsOf(plan(aRunning(), renamed, NOW))).toEqual(['wait']);
  });

  it('destroys a Linode with its tags that is none of its nodes, unless it is going', () => {
    const copy = (status: Linode['status']) => [...list, aLinode({ id: 7, label: 'copy', status })];
    const found = plan(aRunning(), copy('running'), NOW);
    expect(found.steps).toEqual([{ kind: 'deleteNode', index: null, linodeId: 7, seen: true }]);
    expect(found.next).toMatchObject({ dueAt: plus(NOW, seconds(30)) });
    expect(kindsOf(plan(aRunning(), copy('deleting'), NOW))).toEqual(['wait']);
  });

  it('checks a node that the list does not show, once a minute', () => {
    const check = [{ kind: 'checkNode', index: 1, linodeId: linodeIdOf(1) }];
    expect(plan(aRunning(), [aLinode()], NOW).steps).toEqual(check);
    const checked = aRunning({ nodes: [created(0), created(1, { checkedAt: NOW })] });
    expect(kindsOf(plan(checked, [aLinode()], plus(NOW, seconds(59))))).toEqual(['wait']);
    expect(plan(checked, [aLinode()], plus(NOW, seconds(60))).steps).toEqual(check);
  });

  it('goes on without a node that has vanished, and lets its budget last longer', () => {
    const record = aRunning({ nodes: [created(0), gone(1)] });
    const less = plan(record, [aLinode()], NOW);
    expect(less.next.phase).toBe('running');
    expect(teardownOf(less.next, NOW)).toBeGreaterThan(teardownOf(aRunning(), NOW));
  });

  it('destroys a node again that was deleted and is shown alive', () => {
    const record = aRunning({ nodes: [created(0), deleting(1)] });
    expect(deletedBy(plan(record, list, NOW))).toEqual([linodeIdOf(1)]);
    const going = tagged(record, [aLinode(), aLinode({ index: 1, status: 'deleting' })]);
    expect(kindsOf(plan(record, going, NOW))).toEqual(['wait']);
  });

  it('is lost when none of its nodes is left', () => {
    const lost = plan(aRunning({ nodes: [gone(0), neverCreated(1)] }), [], NOW);
    expect(lost.next).toMatchObject({ phase: 'deleting', endReason: 'lost', failure: null });
    const going = plan(aRunning({ nodes: [deleting(0), neverCreated(1)] }), null, NOW);
    expect(going.next).toMatchObject({ phase: 'deleting', endReason: 'lost', failure: null });
  });

  it('is torn down at the last hour mark that the budget affords, less the margin', () => {
    const record = aRunning({ budget: usd(0.03) });
    expect(kindsOf(plan(record, tagged(record, list), at('2026-11-10T16:56:59.999Z')))).toEqual([
      'wait',
    ]);
    const torn = plan(record, list, at('2026-11-10T16:57:00Z'));
    expect(torn.next).toMatchObject({ phase: 'deleting', endReason: 'budget', startedAt: LAUNCH });
    expect(deletedBy(torn)).toEqual([linodeIdOf(0), linodeIdOf(1)]);
  });

  it('is torn down at the most hours where that comes first', () => {
    const record = aRunning({ maxHours: 1 });
    expect(plan(record, list, secondsIn(57 * 60)).next).toMatchObject({ endReason: 'maxHours' });
  });

  it('is torn down in time also while its Linodes can not be listed', () => {
    const torn = plan(aRunning({ budget: usd(0.03) }), null, at('2026-11-10T16:57:00Z'));
    expect(torn.steps).toEqual([
      { kind: 'deleteNode', index: 0, linodeId: linodeIdOf(0), seen: false },
      { kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: false },
    ]);
  });
});

describe('beginDeleting', () => {
  it('does not replace the first reason by a second', () => {
    const record = aDeleting({ endReason: 'budget' });
    expect(beginDeleting(record, NOW, { reason: 'requested', failure: null })).toBe(record);
  });

  it('makes the cluster due at once, and tells why', () => {
    const begun = beginDeleting(aRunning(), NOW, { reason: 'requested', failure: null });
    expect(begun).toMatchObject({ dueAt: NOW, deletingSince: NOW, tagsRemoved: false });
    expect(eventsOf(begun).at(-1)).toBe('teardown begun (requested)');
  });
});

describe('a cluster that is going', () => {
  const over = aDeleting({ nodes: [gone(0), neverCreated(1)] });

  it('has everything that exists deleted, also what the list does not show', () => {
    const nodes = [created(0), created(1), planned(2), deleting(3), gone(4), neverCreated(5)];
    const going = plan(aDeleting({ nodes }), [aLinode()], NOW);
    expect(going.steps).toEqual([
      { kind: 'deleteNode', index: 0, linodeId: linodeIdOf(0), seen: true },
      { kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: false },
    ]);
    expect(statesOf(going.next)).toEqual([
      'created',
      'created',
      'neverCreated',
      'gone',
      'gone',
      'neverCreated',
    ]);
    expect(going.next).toMatchObject({ dueAt: plus(NOW, seconds(30)) });
  });

  it('has what bears its tags deleted even if it is none of its nodes', () => {
    const going = plan(over, [aLinode({ id: 7, label: 'copy' })], NOW);
    expect(going.steps).toEqual([{ kind: 'deleteNode', index: null, linodeId: 7, seen: true }]);
  });

  it('waits while a deleted node lingers in the list, and deletes it again if it lives', () => {
    const record = aDeleting({ nodes: [deleting(0)] });
    expect(plan(record, [aLinode({ status: 'deleting' })], NOW).steps).toEqual([
      { kind: 'wait', reason: 'nodes are going', until: plus(NOW, seconds(10)) },
    ]);
    expect(deletedBy(plan(record, [aLinode()], NOW))).toEqual([linodeIdOf(0)]);
  });

  it('has a node destroyed, and billed, whose create was not answered and whose label changed', () => {
    const renamed = aLinode({ id: 7, label: 'db-primary' });
    const going = plan(aDeleting({ nodes: [creating(0)] }), [renamed], LAUNCH);
    expect(going.steps).toEqual([{ kind: 'deleteNode', index: 0, linodeId: 7, seen: true }]);
  });

  it('waits for a Linode that lingers in the list and is none of its nodes', () => {
    expect(kindsOf(plan(over, [aLinode({ id: 7, status: 'deleting' })], NOW))).toEqual(['wait']);
  });

  it('takes back that a node is gone when an old list shows it, and believes the next', () => {
    const stale = plan(over, [aLinode()], NOW);
    expect(deletedBy(stale)).toEqual([linodeIdOf(0)]);
    const next = apply(
      stale.next as LiveRecord,
      [{ kind: 'deletionAccepted', index: 0, existed: false }],
      NOW,
    );
    expect(statesOf(next)).toEqual(['deleting', 'neverCreated']);
    expect(kindsOf(plan(next, [], NOW))).toEqual(['removeTags']);
  });

  it('is not over while one create may still land, however many others are gone', () => {
    const record = aDeleting({ nodes: [gone(0), creating(1), neverCreated(2)], tagsRemoved: true });
    expect(kindsOf(plan(record, [], secondsIn(119)))).toEqual(['wait']);
    expect(plan(record, [], secondsIn(120)).next).toMatchObject({ phase: 'deleted' });
  });

  it('waits two minutes for a create with a lost reply, and deletes what lands', () => {
    const record = aDeleting({ nodes: [creating(0)] });
    const early = plan(record, [], secondsIn(119));
    expect(kindsOf(early)).toEqual(['wait']);
    expect(statesOf(early.next)).toEqual(['creating']);
    expect(statesOf(plan(record, [], secondsIn(120)).next)).toEqual(['neverCreated']);
    expect(deletedBy(plan(record, [aLinode()], secondsIn(119)))).toEqual([linodeIdOf(0)]);
  });

  it('concludes nothing while its Linodes can not be listed', () => {
    const record = aDeleting({ nodes: [creating(0), deleting(1), neverCreated(2)] });
    const blind = plan(record, null, secondsIn(9_999));
    expect(kindsOf(blind)).toEqual(['wait']);
    expect(statesOf(blind.next)).toEqual(['creating', 'deleting', 'neverCreated']);
    expect(kindsOf(plan({ ...over, tagsRemoved: true }, null, NOW))).toEqual(['wait']);
  });

  it('has its tags removed when a list shows nothing, and is over when the next does', () => {
    const reapTags = ['reap=20261110T1557Z'];
    const bare = plan({ ...over, reapTags }, [], NOW);
    expect(bare.steps).toEqual([
      { kind: 'removeTags', own: ['onebuck=cabcdefg234'], shared: reapTags },
    ]);
    const ended = plan({ ...over, reapTags, tagsRemoved: true }, [], NOW);
    expect(ended).toMatchObject({ steps: [], next: { phase: 'deleted', endedAt: NOW } });
    expect('dueAt' in ended.next).toBe(false);
    expect(ended.next.history.at(-1)).toEqual({ at: NOW, event: 'gone' });
  });

  it('has its tags removed once more if something came late and brought them back', () => {
    const late = plan({ ...over, tagsRemoved: true }, [aLinode({ index: 1 })], NOW);
    expect(late.next).toMatchObject({ tagsRemoved: false });
  });

  it('ends as failed if that is why, with what it cost', () => {
    const nodes = [gone(0, { billedUntil: secondsIn(3_601) }), neverCreated(1)];
    const end = { endReason: 'failed', failure: 'no capacity', tagsRemoved: true } as const;
    expect(plan(aDeleting({ nodes, ...end }), [], secondsIn(9_999)).next).toMatchObject({
      phase: 'failed',
      failure: 'no capacity',
      spent: usd(0.015),
      overspent: 0,
    });
  });

  it('tells by how much the bill is over the budget', () => {
    const nodes = [gone(0, { billedUntil: secondsIn(3_601) })];
    const record = aDeleting({ nodes, tagsRemoved: true, budget: usd(0.01) });
    expect(plan(record, [], secondsIn(9_999)).next).toMatchObject({ overspent: usd(0.005) });
  });
});

describe("a stranger's Linode", () => {
  it.each([
    ['no tags', []],
    ["another stage's tags", ['onebuck-prod', 'onebuck=cabcdefg234']],
    ["another cluster's tags", ['onebuck-test', `onebuck=${OTHER_ID}`]],
  ])('with the label of a node but %s is neither adopted nor deleted', (_, tags) => {
    const list = [aLinode({ tags })];
    expect(createdBy(plan(aCluster({ nodes: [planned(0)] }), list, NOW))).toEqual([0]);
    expect(kindsOf(plan(aDeleting({ nodes: [neverCreated(0)] }), list, NOW))).toEqual([
      'removeTags',
    ]);
  });

  it('that once was a node is checked before it is deleted', () => {
    const list = [aLinode({ tags: [] })];
    expect(kindsOf(plan(aRunning({ nodes: [created(0)] }), list, NOW))).toEqual(['checkNode']);
    expect(plan(aDeleting({ nodes: [created(0)] }), list, NOW).steps).toMatchObject([
      { kind: 'deleteNode', seen: false },
    ]);
  });
});

/** Records and lists of all kinds, related to each other as loosely as may ever be. */
const someSeconds = (max: number) => fc.integer({ min: 0, max }).map(secondsIn);
const aStatus = fc.constantFrom<Linode['status']>('running', 'booting', 'deleting', 'offline');
const aNodeAt = (index: number): fc.Arbitrary<NodeRecord> =>
  fc.oneof(
    fc.constant(planned(index)),
    fc
      .record({ sentAt: someSeconds(60), later: fc.nat(200), refused: fc.boolean() })
      .map(({ sentAt, later, refused }) => ({
        ...creating(index, { sentAt, triedAt: plus(sentAt, seconds(later)) }),
        ...(refused && later > 0 ? { refused: 'account limit' } : {}),
      })),
    fc
      .record({ billedFrom: someSeconds(300), status: aStatus, backups: fc.boolean() })
      .map((machine) => created(index, machine)),
    fc
      .record({ billedUntil: someSeconds(4_000) })
      .map(({ billedUntil }) => deleting(index, { billedUntil })),
    fc
      .record({ billedUntil: someSeconds(4_000) })
      .map(({ billedUntil }) => gone(index, { billedUntil })),
    fc.constant(neverCreated(index)),
  );
const aRecord: fc.Arbitrary<LiveRecord> = fc
  .record({
    nodes: fc
      .integer({ min: 1, max: 5 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => aNodeAt(index)))),
    phase: fc.constantFrom('provisioning', 'running', 'deleting'),
    onPartial: fc.constantFrom('destroy' as const, 'keep' as const),
    budget: fc.integer({ min: 0, max: 300 }).map((thousandths) => usd(thousandths / 1_000)),
    maxHours: fc.option(fc.integer({ min: 1, max: 4 })),
    tagsRemoved: fc.boolean(),
  })
  .map(({ phase, onPartial, tagsRemoved, ...rest }) => {
    const spec = aSpec({ onPartial });
    if (phase === 'provisioning') return aCluster({ ...rest, spec });
    if (phase === 'running') return aRunning({ ...rest, spec });
    return aDeleting({ ...rest, spec, tagsRemoved });
  });
const someTags = fc.oneof(
  { weight: 4, arbitrary: fc.constant(OUR_TAGS) },
  { weight: 1, arbitrary: fc.subarray([...OUR_TAGS, `onebuck=${OTHER_ID}`, 'onebuck-prod']) },
);
/** Nodes under their label and id, or under another one; and what is no node at all. */
const aList: fc.Arbitrary<Linode[]> = fc
  .array(
    fc.record({
      index: fc.nat(6),
      hasOtherId: fc.boolean(),
      isRenamed: fc.boolean(),
      status: aStatus,
      tags: someTags,
      created: someSeconds(300),
      backupsEnabled: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((shown) => {
    const linodes = shown.map(({ index, hasOtherId, isRenamed, ...rest }, row) => ({
      ...aLinode({ index, ...rest }),
      ...(hasOtherId ? { id: 500 + row } : {}),
      ...(isRenamed ? { label: `renamed-${row}` } : {}),
    }));
    const isFirst = (key: 'id' | 'label') => (linode: Linode, row: number) =>
      linodes.findIndex((other) => other[key] === linode[key]) === row;
    return linodes.filter(
      (linode, row) => isFirst('id')(linode, row) && isFirst('label')(linode, row),
    );
  });
const aListOrNone = fc.option(aList, { freq: 5 });
const aTime = fc.oneof(someSeconds(400), someSeconds(5 * 3_600));
const RUNS = { numRuns: 300 };

const isOurs = ({ tags }: Linode) =>
  OUR_TAGS.every((tag) => tags.includes(tag)) && !tags.includes(`onebuck=${OTHER_ID}`);
const stepsSorted = ({ steps }: Plan) => steps.map((step) => JSON.stringify(step)).sort();

describe('a plan, always', () => {
  const always = (check: (record: LiveRecord, list: Linode[] | null, now: EpochMs) => void) =>
    fc.assert(fc.property(aRecord, aListOrNone, aTime, check), RUNS);

  it('names no Linode without our tags, but a recorded one that is checked first', () => {
    always((record, list, now) => {
      const recorded = new Set(record.nodes.flatMap((n) => ('linodeId' in n ? n.linodeId : [])));
      const ours = new Set((list ?? []).filter(isOurs).map(({ id }) => id));
      for (const step of plan(record, list, now).steps) {
        if (!('linodeId' in step)) continue;
        const isChecked = step.kind === 'checkNode' || (step.kind === 'deleteNode' && !step.seen);
        expect(isChecked ? recorded : ours).toContain(step.linodeId);
      }
    });
  });

  it('is the same for a list in any order', () => {
    fc.assert(
      fc.property(aRecord, aList, fc.array(fc.nat()), aTime, (record, list, keys, now) => {
        const order = new Map(list.map(({ id }, row) => [id, keys[row] ?? 0]));
        const mixed = list.toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
        const one = plan(record, list, now);
        const other = plan(record, mixed.reverse(), now);
        expect(other.next).toEqual(one.next);
        expect(stepsSorted(other)).toEqual(stepsSorted(one));
      }),
      RUNS,
    );
  });

  it('creates a node at most once, never one that is seen, its intent in the record', () => {
    always((record, list, now) => {
      const planned = plan(record, list, now);
      const creates = ofKind(planned, 'createNode');
      expect(new Set(createdBy(planned)).size).toBe(creates.length);
      const shown = (list ?? []).filter(isOurs).map(({ label }) => label);
      for (const { index, label } of creates) {
        expect(shown).not.toContain(label);
        expect(planned.next.nodes[index]).toMatchObject({ state: 'creating', label, triedAt: now });
      }
    });
  });

  it('creates nothing for a cluster that is going, and leaves none that still could be', () => {
    always((record, list, now) => {
      const planned = plan(record, list, now);
      if (planned.next.phase === 'provisioning') return;
      expect(createdBy(planned)).toEqual([]);
      if (planned.next.phase !== 'running') expect(statesOf(planned.next)).not.toContain('planned');
    });
  });

  it('lets no cluster live from the teardown time on, as known by then', () => {
    always((record, list, now) => {
      const planned = plan(record, list, now);
      const { next } = planned;
      if (isLive(next) && next.phase !== 'deleting') {
        expect(now).toBeLessThan(teardownOf(next, now));
      } else {
        expect(createdBy(planned)).toEqual([]);
      }
    });
  });

  it('deletes every node that exists once the cluster is going, seen or not', () => {
    always((record, list, now) => {
      const planned = plan(record, list, now);
      if (planned.next.phase !== 'deleting') return;
      const living = planned.next.nodes.flatMap((n) => (n.state === 'created' ? n.linodeId : []));
      expect(deletedBy(planned)).toEqual(expect.arrayContaining(living));
    });
  });

  it('ends a cluster only when a list shows none of it', () => {
    always((record, list, now) => {
      const { next } = plan(record, list, now);
      if (isLive(next)) return;
      expect(list?.filter(isOurs)).toEqual([]);
      for (const state of statesOf(next)) expect(['gone', 'neverCreated']).toContain(state);
    });
  });

  it('waits for something that lies ahead, alone, and is due again by then at the latest', () => {
    always((record, list, now) => {
      const { next, steps } = plan(record, list, now);
      if (!isLive(next)) return;
      expect(next.dueAt).toBeGreaterThan(now);
      const [wait] = ofKind({ steps }, 'wait');
      if (wait === undefined) return;
      expect(steps).toHaveLength(1);
      expect(wait.until).toBeGreaterThan(now);
    });
  });

  it('is due by the teardown time', () => {
    always((record, list, now) => {
      const { next } = plan(record, list, now);
      if (!isLive(next) || next.phase === 'deleting') return;
      expect(next.dueAt).toBeLessThanOrEqual(teardownOf(next, now));
    });
  });

  it('never finds that less was spent than the one before, while all nodes live', () => {
    const someMade = fc
      .array(fc.record({ backups: fc.boolean(), billedFrom: someSeconds(300) }), { minLength: 1 })
      .map((all) => aRunning({ nodes: all.map((one, index) => created(index, one)) }));
    const looks = fc.array(fc.tuple(fc.nat(4_000), aListOrNone), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(someMade, looks, (first, all) => {
        let [record, now, spent]: [ClusterRecord, EpochMs, number] = [first, secondsIn(300), 0];
        for (const [passed, list] of all) {
          now = plus(now, seconds(passed));
          if (!isLive(record)) return;
          record = plan(record, list, now).next;
          expect(spentAt(record, now)).toBeGreaterThanOrEqual(spent);
          spent = spentAt(record, now);
        }
      }),
      RUNS,
    );
  });
});

/** What strikes a round. `nodes` says which nodes, as bits. */
interface Fault {
  readonly kind:
    | 'unlisted' // the list can't be read
    | 'lost' // the reply to a create is lost, and the Linode appears `delay` seconds later
    | 'dropped' // the create is lost, reply and all
    | 'refused'
    | 'notSent'
    | 'undeleted' // deletions are not answered, and take no effect
    | 'diedBefore' // the pass dies once its intent is saved
    | 'diedAfter'; // the pass dies before it saves what came of its steps
  readonly nodes: number;
  readonly delay: number;
}

interface Living extends Linode {
  readonly deletedAt: EpochMs | null;
}

/** Linode as far as a plan can tell: labels are unique, and what is deleted may linger a while. */
class ModelLinode {
  now: EpochMs = LAUNCH;
  readonly #all: Living[] = [];
  readonly #pending: { at: EpochMs; label: string; tags: readonly string[] }[] = [];
  readonly #options;

  constructor(options: { bootSeconds: number; lagSeconds: number; lingerSeconds: number }) {
    this.#options = options;
  }

  add(...linodes: readonly Linode[]) {
    this.#all.push(...linodes.map((linode) => ({ ...linode, deletedAt: null })));
  }

  /** Everything that ever was, with the creates that have landed by now. */
  get all(): readonly Living[] {
    for (const { at: landsAt, label, tags } of this.#pending) {
      // One that lands after another try was made and deleted is left to the sweeper.
      if (landsAt > this.now || this.#all.some((one) => one.label === label)) continue;
      const id = 1_000 + this.#all.length;
      const linode = aLinode({ id, label, tags, created: landsAt, status: 'booting' });
      this.#all.push({ ...linode, deletedAt: null });
    }
    return this.#all;
  }

  get living(): readonly Living[] {
    return this.all.filter(({ deletedAt }) => deletedAt === null);
  }

  list(): Linode[] {
    const { bootSeconds, lagSeconds, lingerSeconds } = this.#options;
    const isWithin = (from: EpochMs, length: number) => between(from, this.now) < length * 1_000;
    return this.all.flatMap(({ deletedAt, ...linode }): Linode[] => {
      if (!isOurs(linode) || isWithin(linode.created, lagSeconds)) return [];
      if (deletedAt !== null) {
        return isWithin(deletedAt, lingerSeconds) ? [{ ...linode, status: 'deleting' }] : [];
      }
      return [{ ...linode, status: isWithin(linode.created, bootSeconds) ? 'booting' : 'running' }];
    });
  }

  carryOut(step: ActiveStep, fault: Fault | undefined): Outcome {
    const failed: Outcome = { kind: 'failed', reason: 'no answer' };
    switch (step.kind) {
      case 'createNode': {
        const { index } = step;
        const struck = fault !== undefined && ((fault.nodes >> index) & 1) === 1 ? fault.kind : '';
        if (struck === 'dropped') return failed;
        if (struck === 'refused') return { kind: 'refused', index, reason: 'no capacity' };
        if (struck === 'notSent') {
          return { kind: 'notSent', index, reason: 'late', retryAt: this.now };
        }
        const delay = struck === 'lost' ? (fault?.delay ?? 0) : 0;
        this.#pending.push({ ...step, at: plus(this.now, seconds(delay)) });
        const linode = this.all.find(({ label }) => label === step.label);
        if (linode === undefined) return failed;
        return step.tags.slice(0, 2).every((tag) => linode.tags.includes(tag))
          ? { kind: 'created', index, linode }
          : { kind: 'refused', index, reason: 'the label is in use' };
      }
      case 'deleteNode': {
        const { index, linodeId } = step;
        if (fault?.kind === 'undeleted') return failed;
        const place = this.all.findIndex((one) => one.id === linodeId && one.deletedAt === null);
        const linode = this.#all[place];
        if (linode === undefined) return { kind: 'deletionAccepted', index, existed: false };
        if (!linode.tags.includes(`onebuck-${STAGE}`)) {
          expect({ step, isChecked: !step.seen }).toMatchObject({ isChecked: true });
          return { kind: 'takenOver', index: index ?? -1 };
        }
        this.#all[place] = { ...linode, deletedAt: this.now };
        return { kind: 'deletionAccepted', index, existed: true };
      }
      case 'checkNode': {
        const { index, linodeId } = step;
        const linode = this.living.find(({ id }) => id === linodeId);
        if (linode === undefined) return { kind: 'vanished', index };
        return linode.tags.includes(`onebuck-${STAGE}`)
          ? { kind: 'present', index, linode }
          : { kind: 'takenOver', index };
      }
      case 'retagNode': {
        const { index, linodeId, reap } = step;
        const place = this.all.findIndex((one) => one.id === linodeId && one.deletedAt === null);
        const linode = this.#all[place];
        if (linode === undefined) return { kind: 'retagged' };
        if (!linode.tags.includes(`onebuck-${STAGE}`)) return { kind: 'takenOver', index };
        this.#all[place] = { ...linode, tags: withReapTag(linode.tags, reap) };
        return { kind: 'retagged' };
      }
      case 'removeTags':
        return { kind: 'tagsRemoved', shared: step.shared };
    }
  }
}

const activeSteps = ({ steps }: { steps: readonly Step[] }) =>
  steps.filter((step): step is ActiveStep => step.kind !== 'wait');

describe('a plan carried out and made again', () => {
  it('ends in a wait or the end, whatever the nodes, the list and what it hides', () => {
    fc.assert(
      fc.property(aRecord, aList, fc.nat(255), aTime, (first, list, hidden, now) => {
        const linode = new ModelLinode({ bootSeconds: 0, lagSeconds: 0, lingerSeconds: 600 });
        linode.now = now;
        linode.add(...list);
        const isShown = ({ id }: Linode) => ((hidden >> (id % 8)) & 1) === 0;
        let record: ClusterRecord = first;
        for (let round = 1; isLive(record); round += 1) {
          const planned = plan(record, linode.list().filter(isShown), linode.now);
          if (!isLive(planned.next) || planned.steps[0]?.kind === 'wait') return;
          const outcomes = activeSteps(planned).map((step) => linode.carryOut(step, undefined));
          record = apply(planned.next, outcomes, linode.now);
          linode.now = plus(linode.now, seconds(1));
          expect({ round, phase: record.phase, steps: planned.steps }).toSatisfy(
            (found) => found.round < 8,
          );
        }
      }),
      RUNS,
    );
  });
});

interface Life {
  readonly count: number;
  readonly hoursWorth: number;
  readonly spare: number;
  readonly onPartial: 'destroy' | 'keep';
  readonly maxHours: number | null;
  readonly endAfter: number | null;
  readonly faults: ReadonlyMap<number, Fault>;
  readonly linode: ModelLinode;
}

/** A cluster from its launch to its end, or as it is after far too many rounds. */
function live({ linode, faults, ...life }: Life): ClusterRecord {
  const hourly = 0.0075 * life.count;
  let record: ClusterRecord = aCluster({
    nodes: Array.from({ length: life.count }, (_, index) => planned(index)),
    bought: aBought({ price: price(0.0075) }),
    budget: usd(hourly * (life.hoursWorth + life.spare)),
    maxHours: life.maxHours,
    spec: aSpec({ onPartial: life.onPartial }),
  });
  for (let round = 0; isLive(record) && round < 1_000; round += 1) {
    const fault = faults.get(round);
    if (life.endAfter !== null && linode.now >= secondsIn(life.endAfter)) {
      record = beginDeleting(record, linode.now, { reason: 'requested', failure: null });
    }
    const planned = plan(record, fault?.kind === 'unlisted' ? null : linode.list(), linode.now);
    record = planned.next;
    if (!isLive(record)) break;
    const [first] = planned.steps;
    if (first?.kind === 'wait') {
      linode.now = first.until;
      continue;
    }
    // A pass that died is taken over by the next when the record is due.
    const takenOverAt = record.dueAt;
    if (fault?.kind === 'diedBefore') {
      linode.now = takenOverAt;
      continue;
    }
    const outcomes = activeSteps(planned).map((step) => linode.carryOut(step, fault));
    if (fault?.kind === 'diedAfter') {
      linode.now = takenOverAt;
      continue;
    }
    linode.now = plus(linode.now, seconds(1));
    record = apply(record, outcomes, linode.now);
    if (outcomes.some(({ kind }) => kind === 'failed')) linode.now = plus(linode.now, seconds(10));
  }
  return record;
}

const aFault: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constantFrom(
    'unlisted' as const,
    'lost' as const,
    'dropped' as const,
    'refused' as const,
    'notSent' as const,
    'undeleted' as const,
    'diedBefore' as const,
    'diedAfter' as const,
  ),
  nodes: fc.nat(15),
  delay: fc.nat(90),
});
const aLife: fc.Arbitrary<Life> = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  hoursWorth: fc.integer({ min: 1, max: 3 }),
  spare: fc.constantFrom(0, 0.3, 0.9),
  onPartial: fc.constantFrom('destroy' as const, 'keep' as const),
  maxHours: fc.option(fc.integer({ min: 1, max: 3 })),
  endAfter: fc.option(fc.nat(7_200)),
  // Few enough that the safety margin is not used up by passes that die, 30 seconds each.
  faults: fc
    .array(fc.tuple(fc.oneof(fc.nat(6), fc.nat(60)), aFault), { maxLength: 4 })
    .map((all) => new Map(all)),
  linode: fc
    .record({
      bootSeconds: fc.constantFrom(0, 60, 60, 9_999),
      lagSeconds: fc.constantFrom(0, 0, 15),
      lingerSeconds: fc.constantFrom(0, 25),
    })
    .map((options) => new ModelLinode(options)),
});

describe('a cluster, whatever happens to its passes,', () => {
  it('ends, within its budget, with nothing left behind and nothing made twice', () => {
    fc.assert(
      fc.property(aLife, (life) => {
        const { linode } = life;
        const record = live(life);
        expect(record.phase).toMatch(/^(deleted|failed)$/);
        if (isLive(record)) return;

        const endedAt = linode.now;
        linode.now = plus(linode.now, hours(1));
        expect(linode.living).toEqual([]);
        const labels = linode.all.map(({ label }) => label);
        expect(labels).toEqual([...new Set(labels)]);
        expect(labels.every((label) => label.startsWith(nodeLabel(ID, 0).slice(0, -1)))).toBe(true);

        const bill = spend(
          linode.all.map(({ created, deletedAt }) => ({
            billedFrom: created,
            billedUntil: deletedAt,
            price: record.bought.price,
          })),
          epochMs(endedAt),
        );
        expect(bill).toBeLessThanOrEqual(record.budget);
        expect(record.spent).toBeGreaterThanOrEqual(bill);
        expect(record.overspent).toBe(0);
      }),
      { numRuns: 600 },
    );
  });
});
