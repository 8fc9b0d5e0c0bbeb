import { describe, expect, it } from 'vitest';
import { hours, plus } from '../../../../../lib/core/base/units.ts';
import { NOTHING } from '../../../../../lib/core/cluster/month-totals.ts';
import type { ClusterRecord } from '../../../../../lib/core/cluster/record.ts';
import { type Digest, digestsOf } from '../../../../../lib/core/notices/digest/digest.ts';
import { lastEnded, monthPeriod } from '../../../../../lib/core/notices/digest/period.ts';
import {
  EMPTY_TALLY,
  ROWS_MAX,
  withRecords,
} from '../../../../../lib/core/notices/digest/tally.ts';
import { messageOf } from '../../../../../lib/core/notices/message.ts';
import type { ScheduleRecord } from '../../../../../lib/core/schedule/schedule.ts';
import {
  anEnded,
  aRunning,
  aSchedule,
  aSpec,
  at,
  created,
  gone,
  LAUNCH,
  usd,
} from '../../../../support/builders.ts';
import { id } from '../../../../support/cluster-store-contract.ts';

const NOVEMBER = monthPeriod('2026-11');
const WEEK_47 = lastEnded('weekly', at('2026-11-23T00:00:00Z'));

/** An ended cluster of one node that existed for `length` hours. */
const endedAfter = (n: number, length: number, overrides: Partial<ClusterRecord> = {}) => {
  const createdAt = overrides.createdAt ?? LAUNCH;
  const endedAt = plus(createdAt, hours(length));
  const nodes = [gone(0, { billedFrom: createdAt, billedUntil: endedAt })];
  const spent = usd(length * 0.0075);
  return anEnded({ id: id(n), createdAt, endedAt, nodes, spent, ...(overrides as object) });
};

interface Around {
  readonly period?: typeof NOVEMBER;
  readonly schedules?: readonly ScheduleRecord[];
  readonly cap?: number | null;
}

function digests(records: readonly ClusterRecord[], around: Around = {}): Digest[] {
  const { period = NOVEMBER, schedules = [], cap = null } = around;
  const tally = withRecords(
    EMPTY_TALLY,
    { records, unreadable: [] },
    period,
    plus(period.end, hours(1)),
  );
  const capOf = () => (cap === null ? null : usd(cap));
  return digestsOf(tally, { stage: 'test', period, schedules, capOf, admin: 'admin' });
}
const textOf = (digest: Digest | undefined) => messageOf(digest as Digest).text;

describe('the digests of a period', () => {
  it('are one of all owners, and one of each owner but the admin', () => {
    const records = [
      endedAfter(1, 5, { owner: 'bob' }),
      endedAfter(2, 7, { owner: 'ann' }),
      endedAfter(3, 1, { owner: 'admin' }),
    ];
    const all = digests(records);
    expect(all.map(({ owner, byOwner }) => [owner, byOwner !== null])).toEqual([
      ['admin', true],
      ['ann', false],
      ['bob', false],
    ]);
    expect(all.map(({ tally }) => tally.totals.billed)).toEqual([13, 7, 5].map((n) => n * 7_500));
    expect(all[0]?.byOwner?.map(({ owner, billed }) => [owner, billed])).toEqual([
      ['ann', 7 * 7_500],
      ['bob', 5 * 7_500],
      ['admin', 7_500],
    ]);
  });

  it('are the admin’s alone where nothing happened', () => {
    const [admin, ...others] = digests([], { schedules: [aSchedule()] });
    expect(others).toEqual([]);
    expect(admin?.tally.totals).toEqual(NOTHING);
    expect(textOf(admin)).toContain('0 clusters, 0 node hours, $0.00 billed.');
  });

  it('tell what was saved in each of three ways', () => {
    const until = plus(LAUNCH, hours(4));
    const outcome = { state: 'done', exitCode: 0, node: null, reason: null } as const;
    const teardownAt = plus(LAUNCH, hours(10));
    const jobEnd = { ...outcome, at: until, teardownAt, billThen: usd(10 * 0.0075) };
    const done = endedAfter(1, 4, { endReason: 'done', jobEnd, budget: usd(0.1) });
    const [admin] = digests([done, endedAfter(2, 3, { budget: usd(0.03) })]);
    expect(admin?.tally).toMatchObject({
      totals: { saved: usd((489 - 4 + 489 - 3) * 0.0075) },
      unspent: usd(0.1 - 0.03 + 0.03 - 0.0225),
      early: usd(6 * 0.0075),
      ended: 2,
    });
    expect(textOf(admin)).toContain(
      [
        'Saved:',
        '  $7.2825, had the nodes been left on until the end of their month',
        '  $0.0775, of the budgets of ended clusters, not spent',
        '  $0.045, as clusters ended when their jobs were done',
      ].join('\n'),
    );
  });

  it('tell what failed, the most frequent first, with the first three that did', () => {
    const failed = (n: number, failure: string) => endedAfter(n, 1, { phase: 'failed', failure });
    const records = [
      failed(1, 'no capacity in us-east'),
      ...[2, 3, 4, 5].map((n) => failed(n, 'account limit reached')),
      endedAfter(6, 1, {
        endReason: 'done',
        jobEnd: {
          ...{ state: 'failed', exitCode: 3, node: 0, reason: 'out/ is missing' },
          ...{ at: LAUNCH, teardownAt: LAUNCH, billThen: usd(0) },
        },
      }),
    ];
    const schedule = aSchedule({
      runs: [
        { at: LAUNCH, result: 'refused', reason: 'the cap is reached' },
        { at: at('2026-10-31T23:00:00Z'), result: 'refused', reason: 'long ago' },
      ],
    });
    expect(textOf(digests(records, { schedules: [schedule] })[1])).toContain(
      [
        'What failed, and why:',
        `  4 × cluster: account limit reached (${id(2)}, ${id(3)}, ${id(4)}, …)`,
        `  1 × cluster: no capacity in us-east (${id(1)})`,
        `  1 × job: exit code 3, out/ is missing (${id(6)})`,
        '  1 × run: the cap is reached (sabcdefg234)',
      ].join('\n'),
    );
  });

  it('are whole where an owner with only failed runs has a name that every object has', () => {
    const runs = [{ at: LAUNCH, result: 'refused', reason: 'the cap is reached' }] as const;
    const schedules = ['constructor', '__proto__'].map((owner) => aSchedule({ owner, runs }));
    const [, ...own] = digests([endedAfter(1, 5)], { schedules });
    expect(own.map(({ owner, tally }) => [owner, tally.totals.clusters])).toEqual([
      ['__proto__', 0],
      ['ann', 1],
      ['constructor', 0],
    ]);
  });

  it('keep 20 reasons apart, and count all others together', () => {
    const records = Array.from({ length: 50 }, (_, n) =>
      endedAfter(n, 1, { phase: 'failed', failure: `reason ${n}` }),
    );
    const [{ failures = [] } = {}] = digests(records);
    expect(failures).toHaveLength(21);
    expect(failures[0]).toMatchObject({ reason: 'other reasons', count: 30 });
    expect(failures.reduce((sum, { count }) => sum + count, 0)).toBe(50);
  });

  it('name the five next runs, and how many schedules have others', () => {
    const schedules = [5, 3, 9, 1, 7, 2].map((n) =>
      aSchedule({
        id: `saaaaaaaaa${n}`,
        name: n === 1 ? 'nightly' : null,
        owner: n === 9 ? 'bob' : 'ann',
        nextAt: plus(NOVEMBER.end, hours(n)),
      }),
    );
    const paused = aSchedule({ id: 'sbbbbbbbbbb', nextAt: null });
    const [admin, ann] = digests([endedAfter(1, 1)], { schedules: [...schedules, paused] });
    expect(textOf(admin)).toContain(
      'Next runs of schedules:\n  2026-12-01T01:00:00.000Z  saaaaaaaaa1 (nightly) of ann\n',
    );
    expect(textOf(admin)).toContain('  and 1 more schedule');
    expect(ann?.nextRuns.map(({ scheduleId }) => scheduleId.at(-1))).toEqual([...'12357']);
  });

  it('tell of the month’s cap what bills and open budgets take of it at the end', () => {
    const before = endedAfter(1, 10, { createdAt: at('2026-11-02T00:00:00Z') });
    const live = aRunning({ id: id(2), budget: usd(2), createdAt: LAUNCH });
    const later = endedAfter(3, 9, { createdAt: at('2026-11-23T00:00:00Z') });
    const october = endedAfter(4, 9, { createdAt: at('2026-10-31T00:00:00Z') });
    const [admin, ann] = digests([before, live, later, october], { period: WEEK_47, cap: 4 });
    expect(ann?.cap).toEqual({ month: '2026-11', used: usd(2.075), limit: usd(4) });
    expect(textOf(ann)).toContain('Cap of 2026-11: $2.075 of $4.00 used (51 %).');
    expect(textOf(admin)).toContain(
      '  ann: 1 cluster, 336 node hours, $2.52; cap of 2026-11: $2.075 of $4.00 used (51 %)',
    );
    // The month is over, so that only its bills count.
    const [, whole] = digests([before, live, october], { cap: 4 });
    expect(whole?.cap?.used).toBe(whole?.tally.totals.billed);
  });

  it('list what still runs, with what it was billed by the end, and nothing launched later', () => {
    const live = aRunning({ createdAt: LAUNCH, nodes: [created(0), created(1)] });
    const later = endedAfter(3, 9, { createdAt: WEEK_47.end });
    const [admin] = digests([live, later], { period: WEEK_47 });
    // 297 hours from 15:00 on the 10th.
    expect(admin?.tally.running).toEqual({ clusters: 1, billed: usd(2 * 297 * 0.0075) });
    expect(textOf(admin)).toContain('Still running at its end: 1 cluster, so far $4.455.');
  });

  it('have of each cluster a row with its day, hours, price of an hour and amount', () => {
    const named = endedAfter(1, 5, { spec: aSpec({ name: '=1+1, "quoted"' }) });
    const live = aRunning({ id: id(2), nodes: [created(0), created(1)] });
    const [admin] = digests([named, live]);
    expect(messageOf(admin as Digest).json.csv).toBe(
      [
        'date,owner,id,name,type,region,nodes,nodeHours,hourlyUsd,billedUsd\r\n',
        `2026-11-10,ann,${id(1)},"'=1+1, ""quoted""",g6-nanode-1,us-east,1,5,0.0075,0.0375\r\n`,
        `2026-11-30,ann,${id(2)},,g6-nanode-1,us-east,2,978,0.0075,7.335\r\n`,
      ].join(''),
    );
  });

  it('have a row of a cluster that has only its transfer in the week, as in their totals', () => {
    const createdAt = at('2026-11-15T23:15:00Z');
    const endedAt = at('2026-11-16T00:10:00Z');
    const nodes = [gone(0, { billedFrom: createdAt, billedUntil: endedAt })];
    const record = anEnded({ id: id(1), createdAt, endedAt, nodes, spent: usd(0.5075) });
    const [admin, ann] = digests([record], { period: WEEK_47 });
    expect(ann?.tally.totals).toMatchObject({ clusters: 1, nodeHours: 0, billed: usd(0.5) });
    expect(admin?.byOwner).toMatchObject([{ owner: 'ann', billed: usd(0.5) }]);
    expect(textOf(ann)).toContain(
      '1 cluster, 0 node hours, $0.50 billed. 1 cluster ended.\nAn hour',
    );
    expect(messageOf(ann as Digest).json.csv).toContain(
      `\r\n2026-11-16,ann,${id(1)},,g6-nanode-1,us-east,1,0,0.0075,0.5\r\n`,
    );
  });

  it('keep a thousand rows, and say how many are left out', () => {
    const records = Array.from({ length: ROWS_MAX + 40 }, (_, n) =>
      endedAfter(n, 1, { owner: n % 2 === 0 ? 'ann' : 'bob' }),
    );
    const [admin, ann] = digests(records);
    expect(admin?.rows).toHaveLength(ROWS_MAX);
    expect(admin?.tally.totals.clusters).toBe(ROWS_MAX + 40);
    expect([ann?.rows.length, ann?.tally.rowsLeftOut]).toEqual([ROWS_MAX / 2, 20]);
    const { text, json } = messageOf(admin as Digest);
    expect(text).toContain(
      'The table of clusters lacks 40 clusters: onebuck report --month 2026-11',
    );
    expect(json).toMatchObject({ csvLeftOut: 40, ownersLeftOut: 0 });
  });

  it('have rows of each owner, however many clusters another has', () => {
    const records = Array.from({ length: ROWS_MAX + 100 }, (_, n) =>
      endedAfter(n, 1, { owner: n < ROWS_MAX + 90 ? 'ann' : `owner${n % 5}` }),
    );
    const pages = [records.slice(0, ROWS_MAX + 90), records.slice(ROWS_MAX + 90)];
    const tally = pages.reduce(
      (before, page) =>
        withRecords(before, { records: page, unreadable: [] }, NOVEMBER, NOVEMBER.end),
      EMPTY_TALLY,
    );
    const around = { stage: 'test', period: NOVEMBER, schedules: [], admin: 'admin' };
    const all = digestsOf(tally, { ...around, capOf: () => null });
    expect(all.map(({ rows, tally: own }) => [rows.length, own.rowsLeftOut])).toEqual([
      [ROWS_MAX, 100],
      [ROWS_MAX - 10, 100],
      ...Array.from({ length: 5 }, () => [2, 0]),
    ]);
    expect(all[0]?.rows.slice(-10).map(({ id: one }) => one)).toEqual(
      records.slice(-10).map((record) => record.id),
    );
  });

  it('of a week name the month whose report has the clusters that are left out', () => {
    const records = Array.from({ length: ROWS_MAX + 1 }, (_, n) => {
      const createdAt = plus(WEEK_47.start, hours(1));
      return endedAfter(n, 1, { createdAt, owner: `owner${n % 30}` });
    });
    const [admin] = digests(records, { period: WEEK_47 });
    expect(textOf(admin)).toContain(
      '  and 10 more owners: onebuck report --month 2026-11 has all\n\n' +
        'The table of clusters lacks 1 cluster: onebuck report --month 2026-11 --csv has all',
    );
  });
});

it('a digest has the same id each time, and another one for each period and reader', () => {
  const records = [endedAfter(1, 5)];
  const idsOf = (period: typeof NOVEMBER) =>
    digests(records, { period }).map((digest) => messageOf(digest).json.id);
  expect(idsOf(NOVEMBER)).toEqual(['digest/2026-11/all', 'digest/2026-11/owner/ann']);
  const week = lastEnded('weekly', at('2026-11-16T00:00:00Z'));
  expect(idsOf(week)).toEqual(['digest/2026-W46/all', 'digest/2026-W46/owner/ann']);
});

it('a digest of a week says in its text and its subject which days it is of', () => {
  const [admin] = digests([], { period: WEEK_47 });
  const { subject, text } = messageOf(admin as Digest);
  expect(subject).toBe('Onebuck test: 2026-W47 of all owners');
  expect(text).toMatch(
    /^Onebuck test, week 2026-W47, 2026-11-16 to 2026-11-22 \(UTC\): all owners\n\n/,
  );
});
