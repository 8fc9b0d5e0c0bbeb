import { describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import {
  afterLook,
  afterTry,
  isForCapacity,
  nextTryAt,
  windowEnd,
} from '../../../../lib/core/schedule/retry.ts';
import type { Run, ScheduleRecord } from '../../../../lib/core/schedule/schedule.ts';
import {
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  aSchedule,
  at,
  ID,
} from '../../../support/builders.ts';

const AT = at('2026-11-11T02:30:00Z');
const minutesIn = (length: number) => plus(AT, minutes(length));
const retry = { forMinutes: 60, everyMinutes: 15 };
const retrying = (overrides: Partial<ScheduleRecord> = {}) => aSchedule({ retry, ...overrides });
const NO_CAPACITY =
  'The Linode plan you chose is not currently available in the selected region. Please select ' +
  'another region or plan type, or contact Support for assistance.';

describe('isForCapacity', () => {
  it.each([
    NO_CAPACITY,
    "You've reached a limit for the number of active services on your account.",
    'Account Limit reached. Please open a support ticket.',
    'type g6-nanode-1 is sold out in us-east at the moment: choose another type or region',
  ])('is true of %s', (reason) => expect(isForCapacity(reason)).toBe(true));

  it.each([
    'only 0 of 2 nodes were running when the time to come up ended; nodes 0-1: 500: sorry',
    'root_pass is too weak',
    'The smallest budget that would do is $0.015; you gave $0.01.',
    "The open budgets of all clusters would come to $12.00, over the deployment's cap of $10.00",
  ])('is false of %s', (reason) => expect(isForCapacity(reason)).toBe(false));
});

describe('the next try of a run', () => {
  it('is so many minutes after the last, before the window ends', () => {
    expect(nextTryAt(retrying(), AT, minutesIn(1))).toBe(minutesIn(16));
    expect(nextTryAt(retrying(), AT, minutesIn(44))).toBe(minutesIn(59));
    expect(nextTryAt(retrying(), AT, minutesIn(45))).toBeNull();
    expect(windowEnd(retrying(), AT)).toBe(minutesIn(60));
  });

  it('is before the next occurrence', () => {
    const often = retrying({ cron: '*/20 * * * *' });
    expect(windowEnd(often, AT)).toBe(minutesIn(10));
    expect(nextTryAt(often, AT, AT)).toBeNull();
    const once = retrying({ cron: '30 2 11 11 *' });
    expect(windowEnd(once, AT)).toBe(minutesIn(60));
  });

  it('is none of a schedule without retry, or that is paused', () => {
    expect(nextTryAt(aSchedule(), AT, AT)).toBeNull();
    expect(windowEnd(aSchedule(), AT)).toBe(AT);
    expect(nextTryAt(retrying({ enabled: false }), AT, AT)).toBeNull();
    expect(windowEnd(retrying({ enabled: false }), AT)).toBe(AT);
  });
});

describe('a try', () => {
  const refused: Run = { at: AT, result: 'refused', reason: NO_CAPACITY };
  const launched: Run = { at: AT, result: 'launched', clusterId: ID };

  it('that launched a cluster is followed by a look at the cluster', () => {
    const tried = { run: launched, tries: 1, forCapacity: false };
    expect(afterTry(aSchedule(), tried, AT)).toEqual({
      run: launched,
      pending: { at: AT, clusterId: ID, tries: 1, lookAt: minutesIn(2) },
    });
  });

  it('that was refused for capacity is followed by another try, and counted', () => {
    expect(afterTry(retrying(), { run: refused, tries: 1, forCapacity: true }, AT)).toEqual({
      run: refused,
      pending: { at: AT, clusterId: null, tries: 1, lookAt: minutesIn(15) },
    });
    expect(afterTry(retrying(), { run: refused, tries: 2, forCapacity: true }, AT)).toEqual({
      run: { ...refused, tries: 2 },
      pending: { at: AT, clusterId: null, tries: 2, lookAt: minutesIn(15) },
    });
  });

  it('that was refused for another reason, or without retry, is final', () => {
    const tried = { run: refused, tries: 1, forCapacity: false };
    expect(afterTry(retrying(), tried, AT).pending).toBeNull();
    expect(afterTry(aSchedule(), { ...tried, forCapacity: true }, AT).pending).toBeNull();
    expect(afterTry(retrying(), { ...tried, forCapacity: true }, minutesIn(46)).pending).toBeNull();
  });
});

describe('a look at the cluster of a run', () => {
  const pending = { at: AT, clusterId: ID, tries: 1, lookAt: minutesIn(2) };
  const failed = (failure: string | null) =>
    anEnded({ phase: 'failed', endReason: 'failed', failure });

  it.each([
    ['comes up', aCluster()],
    ['is being destroyed, having failed', aDeleting({ endReason: 'failed' })],
  ])('that %s is followed by another look', (_, cluster) => {
    expect(afterLook(aSchedule(), pending, cluster, minutesIn(2))).toEqual({
      run: null,
      pending: { ...pending, lookAt: minutesIn(3) },
    });
  });

  it.each([
    ['is up', aRunning()],
    ['somebody destroys', aDeleting()],
    ['is gone', anEnded()],
    ['has no record any more', null],
  ])('that %s is the last', (_, cluster) => {
    expect(afterLook(retrying(), pending, cluster, minutesIn(2))).toEqual({
      run: null,
      pending: null,
    });
  });

  it('that has failed makes the run failed, and for capacity brings another try', () => {
    const run = { at: AT, result: 'failed', clusterId: ID } as const;
    const { nodes } = anEnded();
    expect(nodes.length).toBeGreaterThan(0);
    expect(afterLook(retrying(), pending, failed(NO_CAPACITY), minutesIn(2))).toEqual({
      run: { ...run, reason: NO_CAPACITY },
      pending: { at: AT, clusterId: null, tries: 1, lookAt: minutesIn(17) },
    });
    expect(afterLook(aSchedule(), pending, failed(NO_CAPACITY), minutesIn(2))).toEqual({
      ...{ run: { ...run, reason: NO_CAPACITY }, pending: null },
    });
    expect(afterLook(retrying(), pending, failed('a bad image'), minutesIn(2)).pending).toBeNull();
    const third = { ...pending, tries: 3 };
    expect(afterLook(retrying(), third, failed(null), plus(AT, hours(1)))).toEqual({
      run: { ...run, reason: 'no node came up', tries: 3 },
      pending: null,
    });
  });
});
