import { describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import {
  type Common,
  ENDED_KEPT,
  isLive,
  machineOf,
  machineSeenAgain,
  reasonOfNode,
  troubleOf,
  withHistory,
  withTrouble,
} from '../../../../lib/core/cluster/record.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  created,
  creating,
  eventsOf,
  LAUNCH,
  neverCreated,
  planned,
} from '../../../support/builders.ts';

const HALF_PAST = plus(LAUNCH, minutes(30));

describe('isLive', () => {
  it('is true of clusters in provisioning, running and deletion', () => {
    expect([aCluster(), aRunning(), aDeleting()].map(isLive)).toEqual([true, true, true]);
    expect([anEnded(), anEnded({ phase: 'failed' })].map(isLive)).toEqual([false, false]);
  });
});

describe('withHistory', () => {
  it('keeps the first entry and the newest 49', () => {
    const record200 = Array.from({ length: 200 }).reduce<Common>(
      (record, _, index) => withHistory(record, LAUNCH, `event ${index}`),
      aCluster(),
    );
    expect(record200.history).toHaveLength(50);
    expect(eventsOf(record200).slice(0, 2)).toEqual(['launched by ann', 'event 151']);
    expect(eventsOf(record200).at(-1)).toBe('event 199');
  });

  it('keeps all entries up to 50, from the first on', () => {
    const first = withHistory(aCluster({ history: [] }), LAUNCH, 'launched');
    expect(withHistory(first, HALF_PAST, 'running').history).toEqual([
      { at: LAUNCH, event: 'launched' },
      { at: HALF_PAST, event: 'running' },
    ]);
  });
});

it('the record of an ended cluster is kept for over 366 days, for reports of a year', () => {
  expect(ENDED_KEPT).toBeGreaterThan(hours(366 * 24));
});

describe('machineOf', () => {
  it("is billed from Linode's time of its creation, or from when it was seen if earlier", () => {
    expect(machineOf(aLinode(), HALF_PAST).billedFrom).toBe(LAUNCH);
    expect(machineOf(aLinode({ created: HALF_PAST }), LAUNCH).billedFrom).toBe(LAUNCH);
  });

  it('seen again is billed from no later time, and for no lower price', () => {
    const known = machineOf(aLinode({ backupsEnabled: true }), LAUNCH);
    const again = aLinode({ created: HALF_PAST, status: 'offline', backupsEnabled: false });
    expect(machineSeenAgain(known, again, HALF_PAST)).toEqual({ ...known, status: 'offline' });
  });
});

describe('withTrouble', () => {
  const record = aRunning();

  it('records the reasons of the trouble, and since when it lasts', () => {
    const first = withTrouble(record, ['429: too many', '429: too many', '503'], LAUNCH);
    expect(first.trouble).toEqual({ since: LAUNCH, reason: '429: too many; 503' });
    expect(withTrouble(first, ['429: too many', '503'], HALF_PAST)).toBe(first);
    expect(withTrouble(first, ['500'], HALF_PAST).trouble?.since).toBe(HALF_PAST);
  });

  it('leaves a record without trouble as it is, and removes a trouble that ended', () => {
    expect(withTrouble(record, [], LAUNCH)).toBe(record);
    expect(withTrouble(withTrouble(record, ['503'], LAUNCH), [], HALF_PAST)).toEqual(record);
  });

  it('shortens a reason to 300 characters', () => {
    expect(withTrouble(record, ['x'.repeat(5_000)], LAUNCH).trouble?.reason).toHaveLength(300);
  });
});

describe('troubleOf', () => {
  const createTrouble = (reason: string, since = LAUNCH) => ({ createTrouble: { since, reason } });

  it('has the reasons of the creates that a cluster waits for, and the earliest time', () => {
    const nodes = [
      { ...planned(0), ...createTrouble('no such token', HALF_PAST) },
      { ...creating(1), ...createTrouble('500') },
      { ...creating(2), ...createTrouble('500') },
      created(3),
    ];
    const expected = { since: LAUNCH, reason: 'no such token; 500' };
    expect(troubleOf(aCluster({ nodes }))).toEqual(expected);
    const trouble = { since: HALF_PAST, reason: 'GET /linode/instances: 503' };
    expect(troubleOf(aCluster({ nodes, trouble }))).toEqual(trouble);
    expect(troubleOf(aDeleting({ nodes }))).toBeNull();
    expect(troubleOf(aDeleting({ nodes, trouble }))).toEqual(trouble);
  });

  it('is null where nothing is in the way, or the cluster has ended', () => {
    expect(troubleOf(aCluster())).toBeNull();
    expect(troubleOf(anEnded({ trouble: { since: LAUNCH, reason: '500' } }))).toBeNull();
  });
});

it('reasonOfNode says why a node is not created', () => {
  const createTrouble = { since: LAUNCH, reason: '500' };
  const reasons = [
    planned(0),
    { ...planned(0), createTrouble },
    { ...creating(0), createTrouble },
    { ...creating(0), refused: 'limit' },
    neverCreated(0, 'no capacity'),
    created(0),
  ].map(reasonOfNode);
  expect(reasons).toEqual([null, '500', '500', 'limit', 'no capacity', null]);
});
