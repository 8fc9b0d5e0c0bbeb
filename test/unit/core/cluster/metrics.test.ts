import { describe, expect, it } from 'vitest';
import { epochMs, hours, minus, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { isOverdue, livingOf, teardownLeadOf } from '../../../../lib/core/cluster/metrics.ts';
import {
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  at,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const later = (ms: number) => epochMs(LAUNCH + ms);

describe('an overdue cluster', () => {
  it('is past its teardown time by 2 minutes, and not yet in deletion', () => {
    const record = aRunning({ budget: usd(0.015) });
    const time = plus(teardownOf(record, LAUNCH), minutes(2));
    expect(isOverdue(record, minus(time, seconds(1)))).toBe(false);
    expect(isOverdue(record, time)).toBe(true);
  });

  it('is in deletion for 2 minutes, for any reason, and has a node left', () => {
    const record = aDeleting({ deletingSince: LAUNCH, nodes: [deleting(0), created(1)] });
    expect(isOverdue(record, later(119_999))).toBe(false);
    expect(isOverdue(record, later(120_000))).toBe(true);
  });

  it.each([
    ['Linode accepted all deletions', aDeleting({ nodes: [deleting(0), gone(1)] })],
    ['no node was ever created', aDeleting({ nodes: [neverCreated(0), planned(1)] })],
    ['it has ended', anEnded({ nodes: [created(0)] })],
    ['the teardown time has not come', aRunning({ budget: usd(2) })],
  ])('is no cluster of which %s', (_, record) => {
    expect(isOverdue(record, later(hours(2)))).toBe(false);
  });

  it('may have only a node whose create was not answered', () => {
    expect(isOverdue(aDeleting({ nodes: [creating(0)] }), later(minutes(2)))).toBe(true);
  });
});

describe('the metrics of live clusters', () => {
  it('are their number, their budgets, and the hourly price of nodes that may exist', () => {
    const records = [
      aCluster({ budget: usd(1), nodes: [creating(0), planned(1)] }),
      aRunning({ budget: usd(2), nodes: [created(0), created(1, { backups: true })] }),
      aDeleting({ budget: usd(4), nodes: [created(0), deleting(1), gone(2), neverCreated(3)] }),
      anEnded({ budget: usd(8) }),
    ];
    expect(livingOf(records)).toEqual({
      clusters: 3,
      openBudget: usd(7),
      hourly: usd(4 * 0.0075 + 0.003),
    });
  });

  it('are 0 where no cluster lives', () => {
    expect(livingOf([])).toEqual({ clusters: 0, openBudget: 0, hourly: 0 });
  });
});

describe('the lead of a teardown', () => {
  // Two nodes cost $0.015 an hour, so this budget lasts one hour.
  const limits = { budget: usd(0.015) };
  const deletingSince = later(minutes(57));
  const before = aDeleting({ ...limits, deletingSince, endReason: 'budget' });
  const ended = (...untils: number[]) =>
    anEnded({
      ...limits,
      nodes: untils.map((until, index) => gone(index, { billedUntil: later(until) })),
    });

  it('is from the last deletion to the last hour mark that the budget affords', () => {
    const after = ended(minutes(57) + seconds(2), minutes(57) + seconds(9));
    expect(teardownLeadOf(before, after)).toBe(minutes(3) - seconds(9));
  });

  it('is until the end of maxHours, where they end the cluster', () => {
    const hour = { ...before, budget: usd(9), maxHours: 1, endReason: 'maxHours' as const };
    const after = { ...ended(minutes(58), minutes(58)), ...{ budget: usd(9), maxHours: 1 } };
    expect(teardownLeadOf(hour, { ...after, endReason: 'maxHours' })).toBe(minutes(2));
  });

  it('is negative where the deletion came too late', () => {
    expect(teardownLeadOf(before, ended(minutes(58), minutes(61)))).toBe(-minutes(1));
  });

  it('is until the hour mark of the last node, where another was gone before', () => {
    // The gone node's hour is billed, so the budget affords no second hour of the other node.
    const after = ended(minutes(10), minutes(59));
    expect(teardownLeadOf(before, after)).toBe(minutes(1));
  });

  it('is null where no limit ended the cluster, or no node was left to delete', () => {
    const after = ended(minutes(58), minutes(58));
    expect(teardownLeadOf(before, { ...after, endReason: 'requested' })).toBeNull();
    expect(teardownLeadOf(before, ended(minutes(10), minutes(12)))).toBeNull();
    expect(teardownLeadOf(aRunning(limits), after)).toBeNull();
    const withoutNodes = anEnded({ nodes: [neverCreated(0)], endedAt: at('2026-11-10T12:00:00Z') });
    expect(teardownLeadOf(before, withoutNodes)).toBeNull();
  });
});
