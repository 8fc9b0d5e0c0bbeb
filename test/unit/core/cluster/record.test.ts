import { describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import {
  type Common,
  ENDED_KEPT,
  isLive,
  machineOf,
  machineSeenAgain,
  withHistory,
  withTrouble,
} from '../../../../lib/core/cluster/record.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  eventsOf,
  LAUNCH,
} from '../../../support/builders.ts';

const HALF_PAST = plus(LAUNCH, minutes(30));

describe('isLive', () => {
  it('holds for all that is yet to be destroyed', () => {
    expect([aCluster(), aRunning(), aDeleting()].map(isLive)).toEqual([true, true, true]);
    expect([anEnded(), anEnded({ phase: 'failed' })].map(isLive)).toEqual([false, false]);
  });
});

describe('withHistory', () => {
  it('keeps the first entry and the newest, 50 in all', () => {
    const told = Array.from({ length: 200 }).reduce<Common>(
      (record, _, count) => withHistory(record, LAUNCH, `event ${count}`),
      aCluster(),
    );
    expect(told.history).toHaveLength(50);
    expect(eventsOf(told).slice(0, 2)).toEqual(['launched by ann', 'event 151']);
    expect(eventsOf(told).at(-1)).toBe('event 199');
  });

  it('keeps all of them up to then, and begins with one', () => {
    const first = withHistory(aCluster({ history: [] }), LAUNCH, 'launched');
    expect(withHistory(first, HALF_PAST, 'running').history).toEqual([
      { at: LAUNCH, event: 'launched' },
      { at: HALF_PAST, event: 'running' },
    ]);
  });
});

it('the record of an ended cluster is kept for the reports of a whole year, leap or not', () => {
  expect(ENDED_KEPT).toBeGreaterThan(hours(366 * 24));
});

describe('machineOf', () => {
  it('is billed from when Linode says, or from when it was seen if that is earlier', () => {
    expect(machineOf(aLinode(), HALF_PAST).billedFrom).toBe(LAUNCH);
    expect(machineOf(aLinode({ created: HALF_PAST }), LAUNCH).billedFrom).toBe(LAUNCH);
  });

  it('seen again is never billed later or cheaper than it was', () => {
    const known = machineOf(aLinode({ backupsEnabled: true }), LAUNCH);
    const again = aLinode({ created: HALF_PAST, status: 'offline', backupsEnabled: false });
    expect(machineSeenAgain(known, again, HALF_PAST)).toEqual({ ...known, status: 'offline' });
  });
});

describe('withTrouble', () => {
  const record = aRunning();

  it('keeps what is in the way, and since when', () => {
    const first = withTrouble(record, ['429: too many', '429: too many', '503'], LAUNCH);
    expect(first.trouble).toEqual({ since: LAUNCH, reason: '429: too many; 503' });
    expect(withTrouble(first, ['429: too many', '503'], HALF_PAST)).toBe(first);
    expect(withTrouble(first, ['500'], HALF_PAST).trouble?.since).toBe(HALF_PAST);
  });

  it('leaves a record as it is where nothing was or is in the way', () => {
    expect(withTrouble(record, [], LAUNCH)).toBe(record);
    expect(withTrouble(withTrouble(record, ['503'], LAUNCH), [], HALF_PAST)).toEqual(record);
  });

  it('shortens what is too long to keep', () => {
    expect(withTrouble(record, ['x'.repeat(5_000)], LAUNCH).trouble?.reason).toHaveLength(300);
  });
});
