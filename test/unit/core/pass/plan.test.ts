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
import { membersOf } from '../../../../lib/core/cluster/members.ts';
import {
  type ClusterRecord,
  isLive,
  type LiveRecord,
  type NodeRecord,
  type Provisioning,
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
/** The instant so many seconds after the launch. */
const secondsIn = (length: number): EpochMs => plus(LAUNCH, seconds(length));
const kindsOf = ({ steps }: Plan) => steps.map(({ kind }) => kind);
const ofKind = <K extends Step['kind']>({ steps }: { steps: readonly Step[] }, kind: K) =>
  steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind);
/** The indices of the nodes that the plan creates. */
const createdBy = (planned: Plan) => ofKind(planned, 'createNode').map(({ index }) => index);
/** The ids of the Linodes that the plan deletes. */
const deletedBy = (planned: Plan) => ofKind(planned, 'deleteNode').map(({ linodeId }) => linodeId);
const keeping = aSpec({ onPartial: 'keep' });

describe('a new cluster', () => {
  it('creates its nodes with label and tags, and has the intent in the record', () => {
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

  it('creates 20 nodes in a pass, and the other nodes in the next passes', () => {
    const nodes = Array.from({ length: 45 }, (_, index) => planned(index));
    const first = plan(aCluster({ nodes, budget: usd(9) }), [], LAUNCH);
    expect(createdBy(first)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    const second = plan(first.next as LiveRecord, [], secondsIn(1));
    expect(createdBy(second)).toEqual(Array.from({ length: 20 }, (_, index) => 20 + index));
    const third = plan(second.next as LiveRecord, [], secondsIn(2));
    expect(createdBy(third)).toEqual([40, 41, 42, 43, 44]);
  });

  it('waits and creates no node while Linode does not list its Linodes', () => {
    const record = aCluster();
    expect(plan(record, null, LAUNCH)).toEqual({
      next: { ...record, dueAt: secondsIn(120) },
      steps: [{ kind: 'wait', reason: 'Linodes could not be listed', until: secondsIn(10) }],
      life: lifeOf(record, LAUNCH),
    });
  });

  it('is torn down before any create when the budget affords no hour any more', () => {
    const planned = plan(aCluster({ budget: usd(0.0149) }), [], LAUNCH);
    expect(planned.next).toMatchObject({ phase: 'deleting', endReason: 'budget' });
    expect(createdBy(planned)).toEqual([]);
  });
});

describe('a cluster that is coming up', () => {
  it('is due for a pass every 10 seconds', () => {
    const record = aCluster({ nodes: [created(0, { status: 'booting' })] });
    const list = [aLinode({ status: 'booting' })];
    expect(plan(record, list, NOW)).toEqual({
      next: { ...record, dueAt: plus(NOW, seconds(120)), lookedAt: NOW },
      steps: [{ kind: 'wait', reason: 'nodes are coming up', until: plus(NOW, seconds(10)) }],
      life: lifeOf(record, NOW),
    });
  });

  it('adopts a Linode by its label after a lost reply, and does not create it again', () => {
    const record = aCluster({ nodes: [creating(0), creating(1)] });
    const adopted = plan(record, [aLinode({ id: 7, status: 'booting' })], secondsIn(30));
    expect(adopted.next.nodes[0]).toEqual(created(0, { linodeId: 7, status: 'booting' }));
    expect(createdBy(adopted)).toEqual([1]);
  });

  it('sends a create with a lost reply again after 30 seconds, and keeps its first sentAt', () => {
    const record = aCluster({ nodes: [creating(0)] });
    expect(kindsOf(plan(record, [], secondsIn(29)))).toEqual(['wait']);
    const again = plan(record, [], secondsIn(30));
    expect(createdBy(again)).toEqual([0]);
    expect(again.next.nodes).toEqual([creating(0, { sentAt: LAUNCH, triedAt: secondsIn(30) })]);
    expect(kindsOf(plan(again.next as LiveRecord, [], secondsIn(59)))).toEqual(['wait']);
  });

  it('adopts a Linode of its tags under another label in place of an unanswered create', () => {
    const record = aCluster({ nodes: [creating(0)] });
    const renamed = aLinode({ id: 7, label: 'db-primary', tags: [...OUR_TAGS, REAP_TAG] });
    const early = plan(record, [renamed], secondsIn(29));
    expect(kindsOf(early)).toEqual(['wait']);
    const later = plan(record, [renamed], secondsIn(30));
    expect([...createdBy(later), ...deletedBy(later)]).toEqual([]);
    expect(later.next.nodes).toMatchObject([{ state: 'created', linodeId: 7 }]);
  });

  it('sends a create again with the same reap tag as before', () => {
    const first = plan(aCluster({ nodes: [creating(0), planned(1)] }), [], secondsIn(20));
    const tags = ofKind(first, 'createNode')[0]?.tags;
    const later = { ...(first.next as LiveRecord), nodes: [planned(0), creating(1)] };
    const again = plan(later, [], secondsIn(600));
    expect(ofKind(again, 'createNode').map((step) => step.tags)).toEqual([tags, tags]);
    expect(again.next.reapTags).toEqual(first.next.reapTags);
  });

  it('records the reap tags of its creates, and sends the tag of the teardown time', () => {
    const record = aCluster({ reapTags: ['reap=20270101T0000Z'] });
    const reap = reapTag(teardownOf(record, LAUNCH));
    const { next, steps } = plan(record, [], LAUNCH);
    expect(next.reapTags).toEqual(['reap=20270101T0000Z', reap]);
    expect(steps[0]).toMatchObject({ tags: [...OUR_TAGS, reap] });
  });

  it('has an event for the creates that it sends again, and none for first creates', () => {
    const nodes = [creating(0), planned(1), creating(2)];
    const again = plan(aCluster({ nodes }), [], secondsIn(30));
    expect(createdBy(again)).toEqual([0, 1, 2]);
    expect(eventsOf(again.next as LiveRecord).slice(1)).toEqual([
      'asked Linode again for node 0, 2: no answer came',
    ]);
    expect(eventsOf(plan(aCluster(), [], LAUNCH).next as LiveRecord)).toHaveLength(1);
  });

  it('has an event with the number of nodes up, whenever more nodes are up than before', () => {
    const nodes = [created(0, { status: 'booting' }), created(1, { status: 'booting' })];
    const list = [aLinode(), aLinode({ index: 1, status: 'booting' })];
    const next = plan(aCluster({ nodes }), list, NOW).next as LiveRecord;
    expect(eventsOf(next).slice(1)).toEqual(['1 of 2 nodes up']);
    expect(eventsOf(plan(next, list, NOW).next as LiveRecord)).toEqual(eventsOf(next));
  });

  it('has five minutes more to come up, at least, whenever another node is up', () => {
    const nodes = [created(0, { status: 'booting' }), created(1, { status: 'booting' })];
    const list = [aLinode(), aLinode({ index: 1, status: 'booting' })];
    const late = aCluster({ nodes, provisionBy: plus(NOW, seconds(10)) });
    const { provisionBy } = plan(late, list, NOW).next as Provisioning;
    expect(provisionBy).toBe(plus(NOW, minutes(5)));
    const early = aCluster({ nodes, provisionBy: plus(NOW, minutes(9)) });
    expect((plan(early, list, NOW).next as Provisioning).provisionBy).toBe(early.provisionBy);
  });

  it('waits for its turn, and then creates its nodes', () => {
    const turn = plus(LAUNCH, seconds(90));
    const waiting = aCluster({ createFrom: turn });
    expect(plan(waiting, [], LAUNCH)).toMatchObject({
      next: { dueAt: turn, nodes: [{ state: 'planned' }, { state: 'planned' }] },
      steps: [{ kind: 'wait', until: turn }],
    });
    expect(createdBy(plan(waiting, [], turn))).toEqual([0, 1]);
  });

  it('tags a node that bears no reap tag; a check of a node records no reap tag', () => {
    const nodes = [created(0, { status: 'booting' }), created(1)];
    const record = aCluster({ nodes });
    const bare = aLinode({ status: 'booting', tags: OUR_TAGS });
    const retagged = plan(record, [bare, aLinode({ index: 1 })], NOW);
    expect(retagged.steps).toMatchObject([{ kind: 'retagNode', index: 0, reap: REAP_TAG }]);
    const checked = plan(record, tagged(record, [aLinode({ status: 'booting' })]), NOW);
    expect(kindsOf(checked)).toEqual(['checkNode']);
    expect(checked.next.reapTags).toEqual([]);
  });

  it('does not create a refused node again, but waits for its earlier create', () => {
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

  it('assumes backups for all nodes once a created node has them, and ends earlier', () => {
    const record = aCluster({ nodes: [creating(0), planned(1)], budget: usd(0.1) });
    const without = plan(record, [aLinode()], secondsIn(1));
    const backed = plan(record, [aLinode({ backupsEnabled: true })], secondsIn(1));
    expect(backed.next.bought.backupsAssumed).toBe(true);
    expect(teardownOf(backed.next, NOW)).toBeLessThan(teardownOf(without.next, NOW));
    expect(ofKind(backed, 'createNode')[0]?.tags).toContain('reap=20261110T1857Z');
    expect(ofKind(without, 'createNode')[0]?.tags).toContain('reap=20261110T2057Z');
  });

  it('is running once all its nodes run, and waits for the next look at its nodes', () => {
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

  it('waits no longer than until its teardown time', () => {
    const nodes = [created(0, { status: 'booting' })];
    const limits = { budget: usd(0.0075), provisionBy: secondsIn(9_999) };
    const near = plus(teardownOf(aCluster({ nodes, ...limits }), NOW), seconds(-4));
    const record = aCluster({ nodes, ...limits, pricesReadAt: near });
    const list = tagged(record, [aLinode({ status: 'booting' })]);
    for (const observed of [list, null]) {
      const waiting = plan(record, observed, near);
      expect(waiting.steps).toMatchObject([{ kind: 'wait', until: plus(near, seconds(4)) }]);
      expect(waiting.next).toMatchObject({ dueAt: plus(near, seconds(4)) });
    }
  });
});

describe('a refused node', () => {
  const nodes = [created(0), neverCreated(1, 'no capacity')];

  it('fails the cluster, and every created node is destroyed', () => {
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

  it('fails the cluster before its planned nodes are created', () => {
    const refused = plan(aCluster({ nodes: [...nodes, planned(2)] }), [aLinode()], NOW);
    expect(createdBy(refused)).toEqual([]);
    expect(statesOf(refused.next)).toEqual(['created', 'neverCreated', 'neverCreated']);
  });

  it('does not stop a cluster whose onPartial is keep', () => {
    const kept = plan(aCluster({ nodes, spec: keeping }), [aLinode()], NOW);
    expect(kept.next.phase).toBe('running');
    expect(eventsOf(kept.next as LiveRecord).at(-1)).toBe('running (1 of 2 nodes up)');
    const more = aCluster({ nodes: [...nodes, planned(2)], spec: keeping });
    expect(createdBy(plan(more, [aLinode()], NOW))).toEqual([2]);
  });

  it('fails a cluster that has no other node to keep', () => {
    const record = aCluster({ nodes: [neverCreated(0, 'bad image')], spec: keeping });
    const empty = plan(record, [], NOW);
    expect(empty.next).toMatchObject({ endReason: 'failed', failure: 'bad image' });
    expect(kindsOf(empty)).toEqual(['removeTags']);
  });

  it('is created after all when Linode lists its Linode', () => {
    const seen = plan(aRunning({ nodes }), [aLinode(), aLinode({ index: 1 })], NOW);
    expect(seen.next.nodes).toEqual([created(0), created(1)]);
  });
});

describe('when the time to come up has ended', () => {
  const LATE = secondsIn(20 * 60);
  const booting = created(1, { status: 'booting' });
  const list = [aLinode(), aLinode({ index: 1, status: 'booting' })];

  it('a cluster with a node that is not up has failed', () => {
    const record = aCluster({ nodes: [created(0), booting] });
    expect(kindsOf(plan(record, list, plus(LATE, durationMs(-1))))).toEqual(['wait']);
    const failed = plan(record, list, LATE);
    expect(failed.next).toMatchObject({
      phase: 'deleting',
      endReason: 'failed',
      failure:
        'only 1 of 2 nodes were running when the time to come up ended; ' +
        'node 1: its Linode was booting',
    });
    expect(deletedBy(failed)).toEqual([linodeIdOf(0), linodeIdOf(1)]);
  });

  it('the failure names the last reason of each node that is not up', () => {
    const createTrouble = { since: LAUNCH, reason: 'Linode refused the token.' };
    const recently = { triedAt: secondsIn(20 * 60 - 30) };
    const nodes = [
      ...[0, 1, 2].map((index) => ({ ...planned(index), createTrouble })),
      { ...creating(3, recently), createTrouble: { since: LAUNCH, reason: '500: sorry' } },
      { ...planned(4), createTrouble },
      { ...creating(5, recently), refused: 'no capacity' },
      creating(6, recently),
      created(7),
    ];
    const { next } = plan(aCluster({ nodes }), [aLinode({ index: 7 })], LATE);
    expect(next).toMatchObject({
      failure:
        'only 1 of 8 nodes were running when the time to come up ended; ' +
        'nodes 0-2, 4: Linode refused the token; node 3: 500: sorry; node 5: no capacity; ' +
        'node 6: no answer about its create came',
    });
    const reason = 'the cluster ended before it was created';
    expect(next.nodes[4]).toEqual(neverCreated(4, `${reason}: Linode refused the token.`));
  });

  it('the failure names why Linodes could not be listed where no node has a reason', () => {
    const trouble = { since: LAUNCH, reason: 'GET /linode/instances: 503: sorry' };
    const nodes = [creating(0, { triedAt: secondsIn(20 * 60 - 30) })];
    expect(plan(aCluster({ nodes, trouble }), null, LATE).next).toMatchObject({
      failure:
        'only 0 of 1 nodes were running when the time to come up ended; ' +
        'node 0: GET /linode/instances: 503: sorry',
    });
  });

  it('the failure is short, however many reasons there are', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => ({
      ...planned(index),
      createTrouble: { since: LAUNCH, reason: `${index} ${'x'.repeat(100)}` },
    }));
    const { next } = plan(aCluster({ nodes }), [], LATE);
    expect('failure' in next && next.failure).toHaveLength(600);
  });

  it('a create that goes out again keeps the reason of the last one', () => {
    const createTrouble = { since: LAUNCH, reason: '500: sorry' };
    const now = secondsIn(60);
    const nodes = [
      { ...planned(0), createTrouble },
      { ...creating(1), createTrouble },
    ];
    expect(plan(aCluster({ nodes }), [], now).next.nodes).toEqual([
      { ...creating(0, { sentAt: now }), createTrouble },
      { ...creating(1, { triedAt: now }), createTrouble },
    ]);
  });

  it('a cluster fails for its create without an answer, which is not sent again', () => {
    const record = aCluster({ nodes: [creating(0, { triedAt: secondsIn(20 * 60 - 120) })] });
    const failed = plan(record, [], LATE);
    const failure = 'its create was not answered and did not take effect';
    expect(failed.next).toMatchObject({ endReason: 'failed', failure });
    expect(failed.next.nodes).toEqual([neverCreated(0, failure)]);
  });

  it('a cluster without any list of its Linodes has failed, and deletes no planned node', () => {
    const failed = plan(aCluster(), null, LATE);
    expect(failed.next).toMatchObject({ phase: 'deleting', endReason: 'failed' });
    const reason = 'the cluster ended before it was created';
    expect(failed.next.nodes).toEqual([neverCreated(0, reason), neverCreated(1, reason)]);
    expect(kindsOf(failed)).toEqual(['wait']);
  });

  it('with onPartial keep, nodes that are up stay, and all others are deleted or given up', () => {
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

    const withGone = aCluster({
      nodes: [created(0), gone(1), neverCreated(2), nodes[3] ?? creating(3)],
    });
    const soon = plan({ ...withGone, spec: keeping }, [aLinode()], plus(LATE, seconds(59)));
    expect(kindsOf(soon)).toEqual(['wait']);
    const running = plan({ ...withGone, spec: keeping }, [aLinode()], plus(LATE, seconds(60)));
    expect(running.next.phase).toBe('running');
    expect(statesOf(running.next)).toEqual(['created', 'gone', 'neverCreated', 'neverCreated']);
  });

  it('with onPartial keep, a cluster fails if none of its nodes is up', () => {
    const record = aCluster({ nodes: [booting], spec: keeping });
    expect(plan(record, list.slice(1), LATE).next).toMatchObject({ endReason: 'failed' });
    // Linode last listed node 0 as running, but the record has it as deleting.
    const late = aCluster({ nodes: [deleting(0), planned(1)], spec: keeping });
    expect(plan(late, null, LATE).next).toMatchObject({ phase: 'deleting', endReason: 'failed' });
  });

  it('a node that was deleted but is still listed alive is deleted again, by one step', () => {
    const nodes = [created(0), deleting(1), creating(2, { triedAt: secondsIn(20 * 60 - 60) })];
    const record = aCluster({ nodes, spec: keeping });
    const again = plan(record, tagged(record, list, LATE), LATE);
    expect(again.steps).toEqual([
      { kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: true },
    ]);
  });
});

/** The Linodes with the reap tag of the record's teardown time. */
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
  ])('are corrected where the tag of a node %s, with the intent in the record', (_, tag) => {
    const planned = plan({ ...record, reapTags: [] }, withTag(tag), NOW);
    expect(planned.steps).toEqual([retag]);
    expect(planned.next).toMatchObject({ dueAt: plus(NOW, seconds(30)) });
    expect(planned.next.reapTags).toContain(REAP_TAG);
  });

  it.each(['reap=20261113T0857Z', 'reap=20261113T0852Z'])('are left as they are at %s', (tag) => {
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

  it('that nodes bear but the record lacks are recorded, for their later removal', () => {
    const late = 'reap=20261116T0357Z';
    const planned = plan(record, withTag(late), NOW);
    expect(planned.steps).toEqual([retag]);
    expect(planned.next.reapTags).toEqual([REAP_TAG, late]);
    const foreign = plan(record, withTag('reap=tomorrow'), NOW);
    expect(foreign.next.reapTags).toEqual([REAP_TAG]);
  });

  it('that no node bears any more are removed from the account, then from the record', () => {
    const old = 'reap=20261112T0000Z';
    const planned = plan({ ...record, reapTags: [old, REAP_TAG] }, list, NOW);
    expect(planned.steps).toEqual([{ kind: 'removeTags', own: [], shared: [old] }]);
    const outcome = { kind: 'tagsRemoved', shared: [old] } as const;
    expect(apply(planned.next as LiveRecord, [outcome], NOW).reapTags).toEqual([REAP_TAG]);
  });

  it('are removed only in a pass that has no other step', () => {
    const old = 'reap=20261112T0000Z';
    const planned = plan({ ...record, reapTags: [old, REAP_TAG] }, [aLinode()], NOW);
    expect(kindsOf(planned)).toEqual(['checkNode']);
  });

  it('are not sent for two minutes after Linode refused them', () => {
    const until = plus(NOW, minutes(2));
    const refused = apply(record, [{ kind: 'tagsRefused', until }], NOW);
    const waiting = plan(refused, withTag(null), NOW);
    expect(waiting.steps).toMatchObject([{ kind: 'wait', until }]);
    expect(plan(refused, withTag(null), until).steps).toEqual([retag]);
  });

  it('are not corrected on a node in deletion, nor on a Linode that is not ours', () => {
    const inDeletion = [aLinode({ status: 'deleting', tags: OUR_TAGS }), aLinode({ index: 1 })];
    expect(kindsOf(plan(record, inDeletion, NOW))).toEqual(['wait']);
    const doomed = { ...record, nodes: [deleting(0), created(1)] };
    const alive = tagged(doomed, [aLinode({ index: 1 })]);
    expect(kindsOf(plan(doomed, [aLinode({ tags: OUR_TAGS }), ...alive], NOW))).toEqual([
      'deleteNode',
    ]);
    const stranger = [aLinode({ tags: ['reap=20300101T0000Z'] }), aLinode({ index: 1 })];
    const taken = plan(record, stranger, NOW);
    expect(taken.next.nodes).toMatchObject([{ state: 'gone', takenOver: true }, {}]);
    expect(kindsOf(taken)).not.toContain('deleteNode');
  });
});

describe('a running cluster', () => {
  const list = [aLinode(), aLinode({ index: 1 })];

  it('is due for a pass every half hour, and then at its teardown time', () => {
    const warned = { notified: ['launched', 'teardownSoon'] } as const;
    const record = aRunning({
      budget: usd(0.015),
      ...warned,
      warnedOf: { teardownSoon: secondsIn(57 * 60) },
    });
    const shown = tagged(record, list);
    expect(plan(record, shown, LAUNCH)).toEqual({
      next: { ...record, dueAt: secondsIn(30 * 60), lookedAt: LAUNCH },
      steps: [{ kind: 'wait', reason: 'the next look at its nodes', until: secondsIn(30 * 60) }],
      life: lifeOf(record, LAUNCH),
    });
    expect(plan(record, shown, secondsIn(30 * 60)).steps).toEqual([
      { kind: 'wait', reason: 'the teardown, which the budget sets', until: secondsIn(57 * 60) },
    ]);
  });

  it('waits no longer than until its teardown time, even if a retag is due after it', () => {
    const teardownAt = teardownOf(aRunning({ budget: usd(0.015) }), LAUNCH);
    const now = plus(teardownAt, minutes(-5));
    const later = plus(teardownAt, minutes(5));
    const budget = usd(0.015);
    const known = { notified: ['teardownSoon' as const], pricesReadAt: now };
    const record = aRunning({ budget, retagAfter: later, ...known });
    expect(plan(record, tagged(record, list), now).steps).toMatchObject([
      { kind: 'wait', until: teardownAt },
    ]);
  });

  it('waits for its teardown time even while Linode does not list its Linodes', () => {
    expect(plan(aRunning(), null, NOW).steps).toMatchObject([{ kind: 'wait' }]);
  });

  it('finds a relabelled node by its id', () => {
    const renamed = [aLinode({ label: 'web-1' }), aLinode({ index: 1 })];
    expect(kindsOf(plan(aRunning(), renamed, NOW))).toEqual(['wait']);
  });

  it('deletes a Linode with its tags that is none of its nodes, unless already in deletion', () => {
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

  it('goes on without a node that is gone, and its budget lasts longer', () => {
    const record = aRunning({ nodes: [created(0), gone(1)] });
    const smaller = plan(record, [aLinode()], NOW);
    expect(smaller.next.phase).toBe('running');
    expect(teardownOf(smaller.next, NOW)).toBeGreaterThan(teardownOf(aRunning(), NOW));
  });

  it('deletes a node again that was deleted but is listed alive', () => {
    const record = aRunning({ nodes: [created(0), deleting(1)] });
    expect(deletedBy(plan(record, list, NOW))).toEqual([linodeIdOf(1)]);
    const inDeletion = tagged(record, [aLinode(), aLinode({ index: 1, status: 'deleting' })]);
    expect(kindsOf(plan(record, inDeletion, NOW))).toEqual(['wait']);
  });

  it('is lost when none of its nodes is left', () => {
    const lost = plan(aRunning({ nodes: [gone(0), neverCreated(1)] }), [], NOW);
    expect(lost.next).toMatchObject({ phase: 'deleting', endReason: 'lost', failure: null });
    const going = plan(aRunning({ nodes: [deleting(0), neverCreated(1)] }), null, NOW);
    expect(going.next).toMatchObject({ phase: 'deleting', endReason: 'lost', failure: null });
  });

  it('is torn down at the last hour mark that the budget affords, less the safety margin', () => {
    const before = at('2026-11-10T16:56:59.999Z');
    const record = aRunning({ budget: usd(0.03), pricesReadAt: before });
    expect(kindsOf(plan(record, tagged(record, list), before))).toEqual(['wait']);
    const torn = plan(record, list, at('2026-11-10T16:57:00Z'));
    expect(torn.next).toMatchObject({ phase: 'deleting', endReason: 'budget', startedAt: LAUNCH });
    expect(deletedBy(torn)).toEqual([linodeIdOf(0), linodeIdOf(1)]);
  });

  it('is torn down by maxHours where they end before the budget', () => {
    const record = aRunning({ maxHours: 1 });
    expect(plan(record, list, secondsIn(57 * 60)).next).toMatchObject({ endReason: 'maxHours' });
  });

  it('is torn down in time even while Linode does not list its Linodes', () => {
    const now = at('2026-11-10T16:57:00Z');
    const torn = plan(aRunning({ budget: usd(0.03), pricesReadAt: now }), null, now);
    expect(torn.steps).toEqual([
      { kind: 'deleteNode', index: 0, linodeId: linodeIdOf(0), seen: false },
      { kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: false },
    ]);
  });
});

describe('beginDeleting', () => {
  it('keeps the reason of a teardown that has begun', () => {
    const record = aDeleting({ endReason: 'budget' });
    expect(beginDeleting(record, NOW, { reason: 'requested', failure: null })).toBe(record);
  });

  it('makes the cluster due at once, and records the reason as an event', () => {
    const begun = beginDeleting(aRunning(), NOW, { reason: 'requested', failure: null });
    expect(begun).toMatchObject({ dueAt: NOW, deletingSince: NOW, tagsRemoved: false });
    expect(eventsOf(begun).at(-1)).toBe('teardown begun (requested)');
  });
});

describe('a cluster in deletion', () => {
  const withoutNodes = aDeleting({ nodes: [gone(0), neverCreated(1)] });

  it('deletes every node that exists, even a node that Linode does not list', () => {
    const nodes = [created(0), created(1), planned(2), deleting(3), gone(4), neverCreated(5)];
    const going = plan(aDeleting({ nodes }), [aLinode()], NOW);
    expect(going.steps).toEqual([
      { kind: 'deleteNode', index: 0, linodeId: linodeIdOf(0), seen: true },
      {
        ...{ kind: 'deleteNode', index: 1, linodeId: linodeIdOf(1), seen: false },
        ...{ unlisted: true, othersTagged: true },
      },
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

  it('deletes a Linode with its tags even if it is none of its nodes', () => {
    const going = plan(withoutNodes, [aLinode({ id: 7, label: 'copy' })], NOW);
    expect(going.steps).toEqual([{ kind: 'deleteNode', index: null, linodeId: 7, seen: true }]);
  });

  it('waits while Linode lists a deleted node, and deletes the node again if listed alive', () => {
    const record = aDeleting({ nodes: [deleting(0)] });
    expect(plan(record, [aLinode({ status: 'deleting' })], NOW).steps).toEqual([
      { kind: 'wait', reason: 'nodes are going', until: plus(NOW, seconds(10)) },
    ]);
    expect(deletedBy(plan(record, [aLinode()], NOW))).toEqual([linodeIdOf(0)]);
  });

  it('deletes the renamed Linode of a create without an answer, as the node of that create', () => {
    const renamed = aLinode({ id: 7, label: 'db-primary' });
    const going = plan(aDeleting({ nodes: [creating(0)] }), [renamed], LAUNCH);
    expect(going.steps).toEqual([{ kind: 'deleteNode', index: 0, linodeId: 7, seen: true }]);
  });

  it('waits for a Linode in deletion that is none of its nodes', () => {
    expect(kindsOf(plan(withoutNodes, [aLinode({ id: 7, status: 'deleting' })], NOW))).toEqual([
      'wait',
    ]);
  });

  it('deletes a gone node again that an old list shows, and goes by the next list', () => {
    const stale = plan(withoutNodes, [aLinode()], NOW);
    expect(deletedBy(stale)).toEqual([linodeIdOf(0)]);
    const next = apply(
      stale.next as LiveRecord,
      [{ kind: 'deletionAccepted', index: 0, linodeId: linodeIdOf(0), existed: false }],
      NOW,
    );
    expect(statesOf(next)).toEqual(['deleting', 'neverCreated']);
    expect(kindsOf(plan(next, [], NOW))).toEqual(['removeTags']);
  });

  it('does not end while a create may still take effect, though all other nodes are gone', () => {
    const record = aDeleting({ nodes: [gone(0), creating(1), neverCreated(2)], tagsRemoved: true });
    expect(kindsOf(plan(record, [], secondsIn(119)))).toEqual(['wait']);
    expect(plan(record, [], secondsIn(120)).next).toMatchObject({ phase: 'deleted' });
  });

  it('waits two minutes for a create with a lost reply, and deletes its Linode', () => {
    const record = aDeleting({ nodes: [creating(0)] });
    const early = plan(record, [], secondsIn(119));
    expect(kindsOf(early)).toEqual(['wait']);
    expect(statesOf(early.next)).toEqual(['creating']);
    expect(statesOf(plan(record, [], secondsIn(120)).next)).toEqual(['neverCreated']);
    expect(deletedBy(plan(record, [aLinode()], secondsIn(119)))).toEqual([linodeIdOf(0)]);
  });

  it('changes no state of a node while Linode does not list its Linodes', () => {
    const record = aDeleting({ nodes: [creating(0), deleting(1), neverCreated(2)] });
    const blind = plan(record, null, secondsIn(9_999));
    expect(kindsOf(blind)).toEqual(['wait']);
    expect(statesOf(blind.next)).toEqual(['creating', 'deleting', 'neverCreated']);
    expect(kindsOf(plan({ ...withoutNodes, tagsRemoved: true }, null, NOW))).toEqual(['wait']);
  });

  it('removes its VLAN with its tags, if it had one of its own', () => {
    const stepsWith = (kind: 'private' | 'isolated') => {
      const network = { kind, vlan: 'onebuck-lab', subnet: { block: 0, bits: 24 } } as const;
      return plan({ ...withoutNodes, network }, [], NOW).steps;
    };
    const own = ['onebuck=cabcdefg234'];
    expect(stepsWith('isolated')).toEqual([
      { kind: 'removeTags', own, shared: [], vlan: 'onebuck-lab' },
    ]);
    expect(stepsWith('private')).toEqual([{ kind: 'removeTags', own, shared: [] }]);
  });

  it('removes its tags after one empty list, and ends after the next', () => {
    const reapTags = ['reap=20261110T1557Z'];
    const emptied = plan({ ...withoutNodes, reapTags }, [], NOW);
    expect(emptied.steps).toEqual([
      { kind: 'removeTags', own: ['onebuck=cabcdefg234'], shared: reapTags },
    ]);
    const ended = plan({ ...withoutNodes, reapTags, tagsRemoved: true }, [], NOW);
    expect(ended).toMatchObject({ steps: [], next: { phase: 'deleted', endedAt: NOW } });
    expect('dueAt' in ended.next).toBe(false);
    expect(ended.next.history.at(-1)).toEqual({ at: NOW, event: 'gone' });
  });

  it('removes its tags again if a late Linode brought them back', () => {
    const late = plan({ ...withoutNodes, tagsRemoved: true }, [aLinode({ index: 1 })], NOW);
    expect(late.next).toMatchObject({ tagsRemoved: false });
  });

  it('ends as failed with its failure and its spend', () => {
    const nodes = [gone(0, { billedUntil: secondsIn(3_601) }), neverCreated(1)];
    const end = { endReason: 'failed', failure: 'no capacity', tagsRemoved: true } as const;
    expect(plan(aDeleting({ nodes, ...end }), [], secondsIn(9_999)).next).toMatchObject({
      phase: 'failed',
      failure: 'no capacity',
      spent: usd(0.015),
      overspent: 0,
    });
  });

  it('ends with the overspend, if the bill is over the budget', () => {
    const nodes = [gone(0, { billedUntil: secondsIn(3_601) })];
    const record = aDeleting({ nodes, tagsRemoved: true, budget: usd(0.01) });
    expect(plan(record, [], secondsIn(9_999)).next).toMatchObject({ overspent: usd(0.005) });
  });
});

describe('a Linode that is not ours', () => {
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

  it('but once was a node is checked before it is deleted', () => {
    const list = [aLinode({ tags: [] })];
    const renamed = [aLinode({ tags: [], label: 'mine' })];
    for (const record of [aRunning({ nodes: [created(0)] }), aDeleting({ nodes: [created(0)] })]) {
      expect(kindsOf(plan(record, renamed, NOW))).not.toContain('deleteNode');
    }
    expect(plan(aDeleting({ nodes: [created(0)] }), [], NOW).steps).toMatchObject([
      { kind: 'deleteNode', seen: false },
    ]);
    expect(list[0]?.label).toBe(created(0).label);
  });
});

/*
 * Arbitrary records and lists of Linodes, which need not agree with each other: after lost replies
 * and late lists they may differ in any way.
 */
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
      .chain((length) => fc.tuple(...Array.from({ length }, (_, index) => aNodeAt(index)))),
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
/** Linodes of nodes under their own or another label and id, and Linodes of no node. */
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
      linodes.findIndex((candidate) => candidate[key] === linode[key]) === row;
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

  it('names only Linodes with our tags, and recorded nodes that are checked first', () => {
    always((record, list, now) => {
      const recorded = new Set(record.nodes.flatMap((n) => ('linodeId' in n ? n.linodeId : [])));
      const next = plan(record, list, now).next;
      const ours = new Set(membersOf(next, list ?? []).map(({ id }) => id));
      for (const step of plan(record, list, now).steps) {
        if (!('linodeId' in step)) continue;
        const isChecked = step.kind === 'checkNode' || (step.kind === 'deleteNode' && !step.seen);
        expect(isChecked ? recorded : ours).toContain(step.linodeId);
      }
    });
  });

  it('is the same for any order of the list', () => {
    fc.assert(
      fc.property(aRecord, aList, fc.array(fc.nat()), aTime, (record, list, keys, now) => {
        const order = new Map(list.map(({ id }, row) => [id, keys[row] ?? 0]));
        const mixed = list.toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
        const expected = plan(record, list, now);
        const reordered = plan(record, mixed.reverse(), now);
        expect(reordered.next).toEqual(expected.next);
        expect(stepsSorted(reordered)).toEqual(stepsSorted(expected));
      }),
      RUNS,
    );
  });

  it('creates a node at most once, never if listed, and with the intent in the record', () => {
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

  it('creates no node of a cluster in deletion, and leaves none of its nodes planned', () => {
    always((record, list, now) => {
      const planned = plan(record, list, now);
      if (planned.next.phase === 'provisioning') return;
      expect(createdBy(planned)).toEqual([]);
      if (planned.next.phase !== 'running') expect(statesOf(planned.next)).not.toContain('planned');
    });
  });

  it('begins the teardown at the teardown time at the latest', () => {
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

  it('deletes every created node of a cluster in deletion, listed or not', () => {
    always((record, list, now) => {
      const planned = plan(record, list, now);
      if (planned.next.phase !== 'deleting') return;
      const living = planned.next.nodes.flatMap((n) => (n.state === 'created' ? n.linodeId : []));
      expect(deletedBy(planned)).toEqual(expect.arrayContaining(living));
    });
  });

  it('ends a cluster only when a list shows none of its Linodes', () => {
    always((record, list, now) => {
      const { next } = plan(record, list, now);
      if (isLive(next)) return;
      expect(list?.filter(isOurs)).toEqual([]);
      for (const state of statesOf(next)) expect(['gone', 'neverCreated']).toContain(state);
    });
  });

  it('has a wait as its only step and until a later instant, and is due later', () => {
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

  it('never has a smaller spend than the plan before, while all nodes live', () => {
    const someRunning = fc
      .array(fc.record({ backups: fc.boolean(), billedFrom: someSeconds(300) }), { minLength: 1 })
      .map((all) => aRunning({ nodes: all.map((fields, index) => created(index, fields)) }));
    const looks = fc.array(fc.tuple(fc.nat(4_000), aListOrNone), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(someRunning, looks, (first, all) => {
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

/** A fault in one round of a life. `nodes`: the nodes that the fault strikes, as bits. */
interface Fault {
  readonly kind:
    | 'unlisted' // Linode does not answer the list.
    | 'lost' // The reply to a create is lost; its Linode exists `delay` seconds later.
    | 'dropped' // A create has no reply and no effect.
    | 'refused' // Linode refuses a create.
    | 'notSent' // The pass does not send a create.
    | 'undeleted' // Deletions have no reply and no effect.
    | 'diedBefore' // The pass dies after it has saved its intent.
    | 'diedAfter'; // The pass dies before it saves the outcomes of its steps.
  readonly nodes: number;
  readonly delay: number;
}

/** A Linode of the model; `deletedAt` is null while it lives. */
interface LinodeRow extends Linode {
  readonly deletedAt: EpochMs | null;
}

/** A model of Linode: labels are unique, and a list may show deleted Linodes for a while. */
class ModelLinode {
  now: EpochMs = LAUNCH;
  readonly #all: LinodeRow[] = [];
  readonly #pending: { at: EpochMs; label: string; tags: readonly string[] }[] = [];
  readonly #options;

  constructor(options: { bootSeconds: number; lagSeconds: number; lingerSeconds: number }) {
    this.#options = options;
  }

  add(...linodes: readonly Linode[]) {
    this.#all.push(...linodes.map((linode) => ({ ...linode, deletedAt: null })));
  }

  /** All Linodes, deleted ones included, with those of the creates that took effect by now. */
  get all(): readonly LinodeRow[] {
    for (const { at: landsAt, label, tags } of this.#pending) {
      // If another create of the label took effect before, this create is the sweeper's to undo.
      if (landsAt > this.now || this.#all.some((linode) => linode.label === label)) continue;
      const id = 1_000 + this.#all.length;
      const linode = aLinode({ id, label, tags, created: landsAt, status: 'booting' });
      this.#all.push({ ...linode, deletedAt: null });
    }
    return this.#all;
  }

  get living(): readonly LinodeRow[] {
    return this.all.filter(({ deletedAt }) => deletedAt === null);
  }

  /** The place in `all` of the living Linode; -1: there is none. */
  #placeOf(linodeId: number): number {
    return this.all.findIndex(({ id, deletedAt }) => id === linodeId && deletedAt === null);
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
        const place = this.#placeOf(linodeId);
        const linode = this.#all[place];
        if (linode === undefined)
          return { kind: 'deletionAccepted', index, linodeId, existed: false };
        if (!linode.tags.includes(`onebuck-${STAGE}`)) {
          expect({ step, isChecked: !step.seen }).toMatchObject({ isChecked: true });
          return { kind: 'untagged', index: index ?? -1, linode, isTakenOver: true };
        }
        this.#all[place] = { ...linode, deletedAt: this.now };
        return { kind: 'deletionAccepted', index, linodeId, existed: true };
      }
      case 'checkNode': {
        const { index, linodeId } = step;
        const linode = this.living.find(({ id }) => id === linodeId);
        if (linode === undefined) return { kind: 'vanished', index };
        return linode.tags.includes(`onebuck-${STAGE}`)
          ? { kind: 'present', index, linode }
          : { kind: 'untagged', index, linode, isTakenOver: true };
      }
      case 'retagNode': {
        const { index, linodeId, reap } = step;
        const place = this.#placeOf(linodeId);
        const linode = this.#all[place];
        if (linode === undefined) return { kind: 'retagged' };
        if (!linode.tags.includes(`onebuck-${STAGE}`)) {
          return { kind: 'untagged', index, linode, isTakenOver: true };
        }
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

describe('plans carried out, pass after pass,', () => {
  it('come to a wait or the end in fewer than 8 passes, for any nodes and any list', () => {
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
  readonly nodes: number;
  /** The budget in hours of the cluster, whole hours and a part of an hour. */
  readonly hoursWorth: number;
  readonly spare: number;
  readonly onPartial: 'destroy' | 'keep';
  readonly maxHours: number | null;
  /** Seconds after the launch at which somebody ends the cluster; null: nobody does. */
  readonly endAfter: number | null;
  /** By the number of the round, from 0. */
  readonly faults: ReadonlyMap<number, Fault>;
  readonly linode: ModelLinode;
}

/** The cluster at the end of its life; still live if 1000 rounds did not end it. */
function live({ linode, faults, ...life }: Life): ClusterRecord {
  const hourly = 0.0075 * life.nodes;
  let record: ClusterRecord = aCluster({
    nodes: Array.from({ length: life.nodes }, (_, index) => planned(index)),
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
    // When a pass has died, the next pass starts when the record is due.
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
  nodes: fc.integer({ min: 1, max: 4 }),
  hoursWorth: fc.integer({ min: 1, max: 3 }),
  spare: fc.constantFrom(0, 0.3, 0.9),
  onPartial: fc.constantFrom('destroy' as const, 'keep' as const),
  maxHours: fc.option(fc.integer({ min: 1, max: 3 })),
  endAfter: fc.option(fc.nat(7_200)),
  // At most 4 faults: each pass that dies takes 30 seconds of the safety margin of 3 minutes.
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

describe('a cluster, whatever fault strikes its passes,', () => {
  it('ends within its budget, without a Linode left and without a node created twice', () => {
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
