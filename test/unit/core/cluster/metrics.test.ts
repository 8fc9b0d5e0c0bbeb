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
  it('is one whose teardown time was 2 minutes ago and that no pass has touched since', () => {
    const record = aRunning({ budget: usd(0.015) });
    const time = plus(teardownOf(record, LAUNCH), minutes(2));
    expect(isOverdue(record, minus(time, seconds(1)))).toBe(false);
    expect(isOverdue(record, time)).toBe(true);
  });

  it('is one whose teardown has gone on for 2 minutes, for whatever reason it began', () => {
    const record = aDeleting({ deletingSince: LAUNCH, nodes: [deleting(0), created(1)] });
    expect(isOverdue(record, later(119_999))).toBe(false);
    expect(isOverdue(record, later(120_000))).toBe(true);
  });

  it.each([
    ['all deletions were taken', aDeleting({ nodes: [deleting(0), gone(1)] })],
    ['nothing was ever made', aDeleting({ nodes: [neverCreated(0), planned(1)] })],
    ['it has ended', anEnded({ nodes: [created(0)] })],
    ['its teardown is yet to come', aRunning({ budget: usd(2) })],
  ])('is none of which %s', (_, record) => {
    expect(isOverdue(record, later(hours(2)))).toBe(false);
  });

  it('may have a node of which only the create is known', () => {
    expect(isOverdue(aDeleting({ nodes: [creating(0)] }), later(minutes(2)))).toBe(true);
  });
});

describe('what lives', () => {
  it('is all live clusters, their budgets, and the hours of the nodes that may exist', () => {
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

  it('is nothing where nothing does', () => {
    expect(livingOf([])).toEqual({ clusters: 0, openBudget: 0, hourly: 0 });
  });
});

describe('the lead of a teardown', () => {
  // Two nodes for $0.0075 an hour each: a cent and a half lasts one hour.
  const limits = { budget: usd(0.015) };
  const begun = later(minutes(57));
  const before = aDeleting({ ...limits, deletingSince: begun, endReason: 'budget' });
  const ended = (...untils: number[]) =>
    anEnded({
      ...limits,
      nodes: untils.map((until, index) => gone(index, { billedUntil: later(until) })),
    });

  it('is from the last deletion to the last hour mark that the budget affords', () => {
    const took = ended(minutes(57) + seconds(2), minutes(57) + seconds(9));
    expect(teardownLeadOf(before, took)).toBe(minutes(3) - seconds(9));
  });

  it('is what maxHours leaves, where they end the cluster', () => {
    const hour = { ...before, budget: usd(9), maxHours: 1, endReason: 'maxHours' as const };
    const took = { ...ended(minutes(58), minutes(58)), ...{ budget: usd(9), maxHours: 1 } };
    expect(teardownLeadOf(hour, { ...took, endReason: 'maxHours' })).toBe(minutes(2));
  });

  it('is negative where the deletion came too late', () => {
    expect(teardownLeadOf(before, ended(minutes(58), minutes(61)))).toBe(-minutes(1));
  });

  it('does not count on a node that was gone before', () => {
    // Its hour is billed, and the other's second hour would be one too many.
    const took = ended(minutes(10), minutes(59));
    expect(teardownLeadOf(before, took)).toBe(minutes(1));
  });

  it('is none where no limit ended the cluster, or no node was there to delete', () => {
    const took = ended(minutes(58), minutes(58));
    expect(teardownLeadOf(before, { ...took, endReason: 'requested' })).toBeNull();
    expect(teardownLeadOf(before, ended(minutes(10), minutes(12)))).toBeNull();
    expect(teardownLeadOf(aRunning(limits), took)).toBeNull();
    const nothing = anEnded({ nodes: [neverCreated(0)], endedAt: at('2026-11-10T12:00:00Z') });
    expect(teardownLeadOf(before, nothing)).toBeNull();
  });
});
