import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  durationMs,
  type EpochMs,
  hours,
  latest,
  minutes,
  plus,
} from '../../../../lib/core/base/units.ts';
import { type Change, changeCluster } from '../../../../lib/core/cluster/change.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import type {
  ClusterRecord,
  LiveRecord,
  NoticeKind,
  Running,
} from '../../../../lib/core/cluster/record.ts';
import { messageOf } from '../../../../lib/core/notices/message.ts';
import {
  type Notice,
  nextNoticeAt,
  withEndNotice,
  withNotice,
  withWarningsPassed,
} from '../../../../lib/core/notices/notices.ts';
import { beginDeleting } from '../../../../lib/core/pass/phase.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import {
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  created,
  gone,
  LAUNCH,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const A_MOMENT = durationMs(1);
const MARGIN = minutes(3);
const hoursIn = (length: number): EpochMs => plus(LAUNCH, minutes(Math.round(length * 60)));

/** A running cluster of two nanodes, at $0.015 a started hour, whose budget pays `length` hours. */
const lasting = (length: number, overrides: Partial<Running> = {}) =>
  aRunning({ budget: usd(0.015 * length), ...overrides });

const noted = (record: LiveRecord, now: EpochMs) => withNotice(record, lifeOf(record, now), now);
const nextAt = (record: LiveRecord, now: EpochMs) =>
  record.phase === 'running' ? nextNoticeAt(record, lifeOf(record, now), now) : null;

/** All notices of a cluster if a pass runs each time when the next notice is due. */
function noticesOf(record: Running): { kind: NoticeKind; at: number }[] {
  const notices: { kind: NoticeKind; at: number }[] = [];
  let current = record;
  for (let now: EpochMs | null = record.startedAt; now !== null; now = nextAt(current, now)) {
    const { record: next, notice } = noted(current, now);
    if (notice !== null) notices.push({ kind: notice.kind, at: now - LAUNCH });
    current = next as Running;
  }
  return notices;
}

describe('a running cluster', () => {
  it('of thirteen hours has notices of launch, half, 80 % and near teardown', () => {
    expect(noticesOf(lasting(13))).toEqual([
      { kind: 'launched', at: 0 },
      // With the 7th hour 54 % of the bill is spent, with the 11th 85 %.
      { kind: 'half', at: hours(6) + A_MOMENT },
      { kind: 'mostly', at: hours(10) + A_MOMENT },
      { kind: 'teardownSoon', at: hours(13) - MARGIN - minutes(10) },
    ]);
  });

  it('of two hours has no notice of half, which is billed when it comes up', () => {
    expect(noticesOf(lasting(2)).map(({ kind }) => kind)).toEqual([
      ...['launched', 'mostly', 'teardownSoon'],
    ]);
  });

  it('of one hour has only notices of launch and near teardown', () => {
    expect(noticesOf(lasting(1)).map(({ kind }) => kind)).toEqual(['launched', 'teardownSoon']);
  });

  it('that lives less than 20 minutes has only the notice of launch, with its end', () => {
    expect(noticesOf(lasting(1, { startedAt: plus(LAUNCH, minutes(38)) }))).toEqual([
      { kind: 'launched', at: minutes(38) },
    ]);
  });

  it('has a notice of near teardown if it lives at least 20 minutes', () => {
    const teardown = plus(hoursIn(1), durationMs(-MARGIN));
    const startedAt = plus(teardown, durationMs(-minutes(20)));
    const kinds = (at: EpochMs) => noticesOf(lasting(1, { startedAt: at })).map(({ kind }) => kind);
    expect(kinds(startedAt)).toEqual(['launched', 'teardownSoon']);
    expect(kinds(plus(startedAt, A_MOMENT))).toEqual(['launched']);
  });

  it('has the notice of launch in its first 10 minutes, and not later', () => {
    const kindIn = (at: EpochMs) => noted(lasting(13), at).notice?.kind;
    expect(kindIn(plus(LAUNCH, minutes(10)))).toBe('launched');
    expect(kindIn(plus(LAUNCH, durationMs(minutes(10) + 1)))).toBeUndefined();
  });

  it('counts the share of what it will have cost at its end, not of its budget', () => {
    const byHours = noticesOf(lasting(1_000, { maxHours: 4 }));
    expect(byHours.slice(1, 3)).toEqual([
      { kind: 'half', at: hours(1) + A_MOMENT },
      { kind: 'mostly', at: hours(3) + A_MOMENT },
    ]);
  });

  it('tells only the latest of what came due since the last pass, and never the others', () => {
    const { record, notice } = noted(lasting(13, { notified: ['launched'] }), hoursIn(11));
    expect(notice?.kind).toBe('mostly');
    expect(record.notified).toEqual(['launched', 'half', 'mostly']);
    expect(nextAt(record, hoursIn(11))).toBe(plus(hoursIn(13), durationMs(-MARGIN - minutes(10))));
  });

  it('whose record is older than notices is not flooded with stale ones', () => {
    expect(noted(lasting(13), hoursIn(1))).toMatchObject({
      notice: null,
      record: { notified: ['launched'] },
    });
    expect(noted(lasting(13), hoursIn(11)).notice?.kind).toBe('mostly');
  });

  /** The record as a pass leaves it after the owner has changed its limits at `now`. */
  function changedTo(record: LiveRecord, change: Change, now: EpochMs): Running {
    const result = changeCluster(record, change, { now, owner: 'ann' });
    if (result.kind !== 'changed') throw new Error(result.kind);
    const { next } = result;
    return noted(withWarningsPassed(next, lifeOf(next, now), now), now).record as Running;
  }
  const hoursPaid = (length: number) => ({ budget: usd(0.015 * length) });
  const kindAt = (record: LiveRecord, now: EpochMs) => noted(record, now).notice?.kind;
  /** A cluster of 13 hours that has sent all its warnings. */
  const warned = () => {
    let record: LiveRecord = lasting(13);
    for (const length of [0, 6.5, 10.5, 12.8]) record = noted(record, hoursIn(length)).record;
    return record as Running;
  };

  it.each([
    ['more budget', lasting(13), hoursPaid(100)],
    ['more hours', lasting(1_000, { maxHours: 13 }), { maxHours: 100 }],
  ])('with %s is warned again, once, as all warnings lie ahead again', (_, record, change) => {
    let current: LiveRecord = record;
    for (const length of [0, 6.5, 10.5, 12.8]) current = noted(current, hoursIn(length)).record;
    expect(current.notified).toEqual(['launched', 'half', 'mostly', 'teardownSoon']);
    const extended = changedTo(current, change, hoursIn(12.9));
    expect(noticesOf({ ...extended, startedAt: hoursIn(12.9) })).toEqual([
      { kind: 'half', at: hours(49) + A_MOMENT },
      { kind: 'mostly', at: hours(79) + A_MOMENT },
      { kind: 'teardownSoon', at: hours(100) - MARGIN - minutes(10) },
    ]);
  });

  it('that is extended by an hour is warned again of its teardown only', () => {
    const extended = changedTo(warned(), hoursPaid(14), hoursIn(12.9));
    expect(noticesOf({ ...extended, startedAt: hoursIn(12.9) })).toEqual([
      { kind: 'teardownSoon', at: hours(14) - MARGIN - minutes(10) },
    ]);
  });

  it('that lasts longer since somebody deleted a node is warned again', () => {
    const record = warned();
    const nodes = [created(0), gone(1, { billedUntil: hoursIn(1) })];
    expect(noted({ ...record, nodes }, hoursIn(12.9)).record.notified).toEqual([
      ...['launched', 'half'],
    ]);
  });

  it('whose budget is lowered is not warned again', () => {
    const { record } = noted(lasting(13), hoursIn(6.5));
    const lowered = changedTo(record, hoursPaid(9), hoursIn(7));
    expect(lowered.notified).toEqual(['launched', 'half']);
    expect(noticesOf({ ...lowered, startedAt: hoursIn(7) })).toEqual([
      { kind: 'mostly', at: hours(7) + A_MOMENT },
      { kind: 'teardownSoon', at: hours(9) - MARGIN - minutes(10) },
    ]);
  });

  it('whose budget is raised and then lowered again is not warned again', () => {
    const raised = changedTo(warned(), hoursPaid(100), hoursIn(12.82));
    expect(raised.notified).toEqual(['launched']);
    const back = changedTo(raised, hoursPaid(13), hoursIn(12.83));
    expect(kindAt(back, hoursIn(12.84))).toBeUndefined();
    const lower = changedTo(raised, hoursPaid(20), hoursIn(12.83));
    expect(noticesOf({ ...lower, startedAt: hoursIn(12.83) })).toEqual([
      { kind: 'mostly', at: hours(15) + A_MOMENT },
      { kind: 'teardownSoon', at: hours(20) - MARGIN - minutes(10) },
    ]);
  });

  it('of a record without teardown times of its warnings is warned of what lies ahead', () => {
    const record = lasting(100, { notified: ['launched', 'half', 'mostly'] });
    expect(nextAt(record, hoursIn(12))).toBe(hoursIn(49) + A_MOMENT);
  });

  it('is told of half after a raise, where it had come up with that much billed', () => {
    const { record } = noted(lasting(2), LAUNCH);
    expect(nextAt({ ...record, budget: usd(0.015 * 10) }, LAUNCH)).toBe(hoursIn(4) + A_MOMENT);
  });

  it('gives back the same record where there is nothing to tell', () => {
    const record = lasting(13, { notified: ['launched'] });
    expect(noted(record, hoursIn(1)).record).toBe(record);
  });

  it('has its next pass a minute after there is something to tell', () => {
    const now = plus(hoursIn(6), durationMs(-minutes(5)));
    const record = lasting(13, { notified: ['launched'], pricesReadAt: now });
    const list = [0, 1].map((index) =>
      aLinode({ index, tags: ['onebuck-test', `onebuck=${record.id}`, 'reap=20261111T0357Z'] }),
    );
    const until = plus(hoursIn(6), durationMs(A_MOMENT + minutes(1)));
    expect(plan(record, list, now)).toMatchObject({
      next: { dueAt: until },
      steps: [{ kind: 'wait', reason: 'the next notice', until }],
    });
  });
});

describe('a cluster that does not run', () => {
  it.each([
    ['coming up', aCluster()],
    ['being destroyed', aDeleting()],
    ['being destroyed, with its launch failed', aDeleting({ endReason: 'failed' })],
  ])('is not told of while it is %s', (_, record) => {
    expect(noted(record, hoursIn(1))).toEqual({ record, notice: null });
  });

  it.each([
    ['gone', anEnded({ overspent: usd(0.5) })],
    ['failed', anEnded({ phase: 'failed', endReason: 'failed', failure: 'no capacity' })],
  ] as const)('is told as %s when it has ended, once', (kind, record) => {
    const first = withEndNotice(record, hoursIn(1));
    expect(first.notice).toMatchObject({ kind, spent: usd(0.015), budget: usd(1) });
    expect(withEndNotice(first.record, hoursIn(2)).notice).toBeNull();
  });
});

describe('over any sequence of passes and changes', () => {
  interface Event {
    readonly afterMinutes: number;
    readonly what: 'pass' | 'delete' | { readonly budget: number } | { readonly maxHours: number };
  }
  const event: fc.Arbitrary<Event> = fc.record({
    afterMinutes: fc.integer({ min: 0, max: 200 }),
    what: fc.oneof(
      { weight: 5, arbitrary: fc.constant('pass' as const) },
      { weight: 2, arbitrary: fc.record({ budget: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 1, arbitrary: fc.record({ maxHours: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 1, arbitrary: fc.constant('delete' as const) },
    ),
  });
  const ORDER = ['launched', 'half', 'mostly', 'teardownSoon', 'gone'];
  const list = [aLinode(), aLinode({ index: 1 })];

  /** The notices of a life of passes, each of which carries out its plan at once. */
  function live(count: number, events: readonly Event[]) {
    let record: ClusterRecord = aCluster({
      nodes: [created(0), created(1)],
      budget: usd(0.015 * count),
    });
    let now = LAUNCH;
    const notices: { notice: Notice; phase: string }[] = [];
    for (const { afterMinutes, what } of events) {
      if (record.phase === 'deleted' || record.phase === 'failed') break;
      now = plus(now, minutes(afterMinutes));
      record = changed(record, what, now);
      const { next } = plan(record as LiveRecord, list, now);
      const after = 'dueAt' in next ? noted(next, now) : withEndNotice(next, now);
      if (after.notice !== null) notices.push({ notice: after.notice, phase: after.record.phase });
      record = after.record;
    }
    const ended = withEndNotice(anEnded({ ...notifiedOf(record) }), now);
    if (ended.notice !== null) notices.push({ notice: ended.notice, phase: 'deleted' });
    return notices;
  }

  const notifiedOf = ({ notified = [] }: ClusterRecord) => ({ notified });

  function changed(record: ClusterRecord, what: Event['what'], now: EpochMs): ClusterRecord {
    if (what === 'pass' || !('dueAt' in record)) return record;
    if (what === 'delete')
      return beginDeleting(record, now, { reason: 'requested', failure: null });
    const change = 'budget' in what ? { budget: usd(0.015 * what.budget) } : what;
    const result = changeCluster(record, change, { now, owner: 'ann' });
    if (result.kind !== 'changed') return record;
    return withWarningsPassed(result.next, lifeOf(result.next, now), now);
  }

  it('each kind is told once for a teardown time, in order but for limits that move, and none in vain', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(event), (count, events) => {
        const notices = live(count, events);
        const kinds = notices.map(({ notice }) => notice.kind);
        const sent = notices.map(({ notice }) => messageOf(notice).json.id);
        expect(new Set(sent).size).toBe(sent.length);
        expect(kinds.at(-1)).toBe('gone');
        for (const { notice, phase } of notices) {
          expect(phase).toBe(notice.kind === 'gone' ? 'deleted' : 'running');
        }
        const isUnchanged = events.every(({ what }) => what === 'pass' || what === 'delete');
        const order = kinds.map((kind) => ORDER.indexOf(kind));
        if (!isUnchanged) return;
        expect(new Set(kinds).size).toBe(kinds.length);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }),
    );
  });

  it('the next notice lies ahead, before the teardown, and is there when its time comes', () => {
    const record = fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      startedAfter: fc.integer({ min: 0, max: 45 }),
      at: fc.integer({ min: 0, max: 60 * 60 }),
    });
    fc.assert(
      fc.property(record, ({ count, startedAfter, at }) => {
        const startedAt = plus(LAUNCH, minutes(startedAfter));
        const now = latest(startedAt, plus(LAUNCH, minutes(at)));
        const { record } = noted(lasting(count, { startedAt }), now);
        const next = nextAt(record, now);
        if (next === null) return;
        expect(next).toBeGreaterThan(now);
        expect(next).toBeLessThan(teardownOf(record, now));
        expect(noted(record, next).notice).not.toBeNull();
        expect(noted(record, plus(next, durationMs(-1))).notice).toBeNull();
      }),
    );
  });
});
