import { describe, expect, it } from 'vitest';
import {
  type EpochMs,
  hours,
  minus,
  minutes,
  plus,
  seconds,
} from '../../../../lib/core/base/units.ts';
import type { NoticeKey } from '../../../../lib/core/cluster/record.ts';
import { withEventNotices } from '../../../../lib/core/notices/events.ts';
import { messageOf } from '../../../../lib/core/notices/message.ts';
import {
  aBought,
  aDeleting,
  aRunning,
  created,
  gone,
  LAUNCH,
  usd,
} from '../../../support/builders.ts';

const NOW = plus(plus(LAUNCH, hours(2)), seconds(1));
const trouble = { since: LAUNCH, reason: 'locked', tries: 1, triedAt: LAUNCH };
const stuck = [created(0, { trouble }), created(1)];
const bothStuck = [created(0, { trouble }), created(1, { trouble })];
const noticesOf = (record: Parameters<typeof withEventNotices>[0]) =>
  withEventNotices(record, NOW, { slowed: false });

describe('a notice about what nobody planned', () => {
  it('is not due while all goes as planned', () => {
    const record = aRunning();
    expect(noticesOf(record)).toEqual({ record, notices: [] });
  });

  it('says that a node can not be deleted, and why; once, until there are more nodes', () => {
    const notified: NoticeKey[] = ['launched'];
    const first = noticesOf(aDeleting({ nodes: stuck, notified }));
    expect(first.notices).toMatchObject([{ kind: 'undeletable', key: 'undeletable/1' }]);
    expect(first.record.notified).toEqual(['launched', 'undeletable/1']);
    expect(noticesOf(first.record).notices).toEqual([]);
    const second = noticesOf({ ...first.record, nodes: bothStuck });
    expect(second.notices).toMatchObject([{ key: 'undeletable/2' }]);
    expect(second.record.notified).toEqual(['launched', 'undeletable/2']);
    expect(noticesOf({ ...second.record, nodes: stuck }).notices, 'fewer').toEqual([]);
  });

  it('says that the bill has passed the budget, by how much and why', () => {
    const record = aDeleting({ nodes: stuck, budget: usd(0.04), overBudgetAt: NOW });
    const { notices } = noticesOf({ ...record, notified: ['undeletable/1'] });
    expect(notices).toMatchObject([
      { kind: 'overBudget', overspent: usd(0.005), spent: usd(0.045) },
    ]);
    const [message] = notices.map(messageOf);
    expect(message).toMatchObject({
      subject: 'Onebuck test: cluster cabcdefg234 is $0.005 over its budget',
      text:
        'Cluster cabcdefg234 (2 × g6-nanode-1) is $0.005 over its budget of $0.04, and Linode ' +
        'bills on. Its nodes can not be deleted: node 0: locked.',
      json: { id: 'cabcdefg234/overBudget/1', kind: 'overBudget', overspentUsd: 0.005 },
    });
  });

  it('gives the reason of the last pass where no node was refused', () => {
    const overBudgetAt = NOW;
    const outage = { since: NOW, reason: 'Linode does not answer' };
    const { notices } = noticesOf(aDeleting({ budget: usd(0.04), overBudgetAt, trouble: outage }));
    expect(notices[0]?.detail).toMatch(/can not be deleted: Linode does not answer\.$/);
    const unknown = noticesOf(aDeleting({ budget: usd(0.04), overBudgetAt }));
    expect(unknown.notices[0]?.detail).toMatch(/and Linode bills on\.$/);
  });

  it('says that nothing can be measured of what the nodes send, after an hour', () => {
    const bought = aBought({ transfer: { gb: 1_000, gbPrice: usd(0.005) } });
    const never = aRunning({ bought });
    const [notice] = noticesOf(never).notices;
    expect(notice).toMatchObject({ kind: 'unmeasured', subject: 'sends what can not be measured' });
    expect(notice?.detail).toMatch(/counts as nothing: its bill may pass its budget/);
    const sentAt = (at: EpochMs) => ({ at, measuredAt: [at, null], month: '2026-11', rate: 0 });
    const zeros = { bytes: [0, 0], expected: [0, 0], before: {} };
    const measuredAt = (at: EpochMs) => noticesOf({ ...never, sent: { ...sentAt(at), ...zeros } });
    expect(measuredAt(minus(NOW, hours(1))).notices[0]?.detail).toMatch(/at the highest rate seen/);
    expect(measuredAt(minus(NOW, minutes(59))).notices).toEqual([]);
    expect(noticesOf(aRunning()).notices, 'no transfer counts').toEqual([]);
    const nodes = [gone(0), gone(1)];
    expect(noticesOf(aRunning({ bought, nodes })).notices, 'nobody sends').toEqual([]);
  });

  it('has a subject of at most 100 characters for the longest stage and 500 nodes', () => {
    const nodes = Array.from({ length: 500 }, (_, index) => created(index, { trouble }));
    const { notices } = noticesOf(aDeleting({ nodes, stage: 'a-stage-of-20-letters' }));
    const [message] = notices.map(messageOf);
    expect(message?.subject.length).toBeLessThanOrEqual(100);
    expect(message?.subject).toMatch(/can not get rid of 500 nodes$/);
  });
});
