import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sum } from '../../../../lib/core/base/money.ts';
import { type EpochMs, epochMs, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { overspentAt, spentAt, spentByMonthOf } from '../../../../lib/core/cluster/bills.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import { type Granted, keepsToLimit } from '../../../../lib/core/cluster/limited.ts';
import { totalsOf } from '../../../../lib/core/cluster/month-totals.ts';
import type { LiveRecord, Running } from '../../../../lib/core/cluster/record.ts';
import { isMonthNew, sendersOf, withSent } from '../../../../lib/core/cluster/sent.ts';
import { limitOf, measureEvery, transferOf } from '../../../../lib/core/cluster/transfer.ts';
import { withEventNotices } from '../../../../lib/core/notices/events.ts';
import { type PassRequest, planBatches } from '../../../../lib/core/pass/batches.ts';
import { withPricesRead } from '../../../../lib/core/pass/kinds.ts';
import { isMeasureDue } from '../../../../lib/core/pass/measure.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  at,
  created,
  gone,
  LAUNCH,
  usd,
} from '../../../support/builders.ts';

const GB = 1e9;
const NOW = plus(LAUNCH, minutes(60));
const TERMS = { gb: 1_000, gbPrice: usd(0.005) };
const bought = aBought({ transfer: TERMS });
const record: Running = aRunning({ bought });
const later = (count: number): EpochMs => plus(LAUNCH, minutes(count));
/** The record after both nodes were measured. */
const measured = (
  gb: number,
  now = NOW,
  before: LiveRecord = record,
  granted: Granted | null = null,
): LiveRecord =>
  withSent(
    before,
    new Map([
      [0, gb * GB],
      [1, 0],
    ]),
    now,
    granted,
  );

describe('a measure', () => {
  it('is due with each look at a running cluster whose transfer counts', () => {
    expect(isMeasureDue(record, NOW)).toBe(true);
    expect(isMeasureDue(aRunning(), NOW)).toBe(false);
    expect(isMeasureDue(aRunning({ bought, nodes: [gone(0), gone(1)] }), NOW)).toBe(false);
    const lately = measured(1);
    expect(isMeasureDue(lately, plus(NOW, seconds(89)))).toBe(false);
    expect(isMeasureDue(lately, plus(NOW, seconds(90)))).toBe(true);
  });

  it('is due of a cluster that comes up slowly each 5 minutes, from 10 minutes on', () => {
    const slow = aCluster({ bought, nodes: record.nodes });
    expect(isMeasureDue(slow, plus(LAUNCH, seconds(599)))).toBe(false);
    expect(isMeasureDue(slow, later(10))).toBe(true);
    const known = measured(0, later(10), slow);
    expect(isMeasureDue(known, plus(LAUNCH, seconds(899)))).toBe(false);
    expect(isMeasureDue(known, later(15))).toBe(true);
    expect(isMeasureDue(aCluster({ bought, nodes: [] }), NOW)).toBe(false);
  });

  it('is due once more right before the nodes are deleted', () => {
    const { teardownAt } = lifeOf(measured(1), NOW);
    const last = measured(1, epochMs(teardownAt - 20_000));
    expect(isMeasureDue(last, epochMs(teardownAt - 1))).toBe(false);
    expect(isMeasureDue(last, teardownAt)).toBe(true);
    const { sent } = measured(1);
    if (sent === undefined) throw new Error('not measured');
    const begun = aDeleting({ bought, deletingSince: plus(NOW, seconds(10)), sent });
    expect(isMeasureDue(begun, plus(NOW, seconds(10)))).toBe(true);
    const again = { ...begun, sent: { ...sent, at: plus(NOW, seconds(11)) } };
    expect(isMeasureDue(again, plus(NOW, seconds(30)))).toBe(false);
  });

  describe('of nodes with a limit', () => {
    const limited = { ...record, limited: true } as const;
    const granted = { version: 1, month: '2026-11', bytes: [10 * GB, 0], earlier: {} };
    const of = (gb: number, before: LiveRecord = limited, now = NOW) =>
      measured(gb, now, before, granted);

    it('trusts them up to 1.3 times their allowance, a GB, and 0.37 GB an hour', () => {
      expect(of(14.3).sent?.inDoubt).toBeUndefined();
      expect(of(14.3).sent?.granted).toBeGreaterThan(14.3 * GB);
      const most = Math.ceil(10e9 / 0.93) + Math.ceil(367_080_000 / 0.93);
      expect(of(1).sent?.granted).toBe(most);
      expect(of(14.5).sent?.inDoubt).toEqual([0]);
    });

    it('finds that one sends far more, for good, after two in a row, and says so once', () => {
      const doubted = of(14.5);
      expect(doubted.sent?.unlimited).toBeUndefined();
      expect(keepsToLimit(doubted)).toBe(false);
      expect(measureEvery(doubted, NOW)).toBeLessThanOrEqual(minutes(5));
      const found = of(15, doubted, later(65));
      expect(found.sent).toMatchObject({ unlimited: true });
      expect(found.history.at(-1)?.event).toBe(
        'node 0 has sent 15 GB this month, and was allowed 10 GB: the nodes do not keep to their limit',
      );
      const again = of(16, found, later(90));
      expect(again.sent).toMatchObject({ unlimited: true });
      expect(again.history).toHaveLength(found.history.length);
    });

    it('trusts them again if the next one shows less, as the figure was wrong', () => {
      const doubted = of(100);
      const other = withSent(doubted, new Map([[1, 0]]), later(65), granted);
      expect(other.sent?.inDoubt, 'it was not measured since').toEqual([0]);
      const well = of(2, other, later(70));
      expect(keepsToLimit(well)).toBe(true);
      expect(of(100, well, later(75)).sent?.unlimited).toBeUndefined();
      const nodes = [gone(0, { billedUntil: later(63) }), created(1)];
      const left = withSent({ ...doubted, nodes }, new Map([[1, 0]]), later(65), granted);
      expect(keepsToLimit(left), 'it is gone').toBe(true);
    });

    it('finds one of many, though these send less than they are allowed', () => {
      const nodes = Array.from({ length: 100 }, (_, index) => created(index));
      const all = { version: 1, month: '2026-11', bytes: nodes.map(() => 10 * GB), earlier: {} };
      const found = new Map(nodes.map(({ index }) => [index, index === 99 ? 40 * GB : GB]));
      const one = { ...limited, nodes, budget: usd(100) };
      expect(withSent(one, found, NOW, all).sent?.inDoubt).toEqual([99]);
    });

    it('trusts them in the first hour of a month, as figures of the last one may linger', () => {
      const nodes = [created(0), created(1)];
      const old = { ...limited, nodes, budget: usd(9) };
      const first = of(600, old, at('2026-12-01T00:10:00Z'));
      const second = of(600, first, at('2026-12-01T00:59:00Z'));
      expect(keepsToLimit(second)).toBe(true);
      expect(of(600, second, at('2026-12-01T01:00:00Z')).sent?.inDoubt).toEqual([0]);
    });
  });

  it('waits at the beginning of a month, as figures of the last one may linger', () => {
    expect(isMeasureDue(record, at('2026-12-01T00:09:59Z'))).toBe(false);
    expect(isMeasureDue(record, at('2026-12-01T00:10:00Z'))).toBe(true);
  });

  it('keeps the most that was seen of each node, and the highest rate, which fades by half', () => {
    const first = measured(60);
    expect(first.sent).toMatchObject({ at: NOW, bytes: [60 * GB, 0], rate: 60 * GB });
    const second = measured(50, later(120), first);
    expect(second.sent).toMatchObject({ bytes: [60 * GB, 0], rate: 30 * GB });
  });

  it('of some nodes expects of the others what these have sent since', () => {
    const part = withSent(measured(0), new Map([[0, 10 * GB]]), later(90));
    expect(part.sent).toMatchObject({
      ...{ at: later(90), bytes: [10 * GB, 0], rate: 40 * GB },
      ...{ measuredAt: [later(90), NOW], expected: [0, 10 * GB] },
    });
    expect(withSent(part, new Map(), later(95))).toBe(part);
    // The node that was measured last is the last to be measured again.
    expect(sendersOf(part).map(({ index }) => index)).toEqual([1, 0]);
    const other = withSent(part, new Map([[1, GB]]), later(120));
    expect(other.sent).toMatchObject({ bytes: [10 * GB, GB], expected: [3_333_333_334, 0] });
  });

  it('expects of a node at least what it has sent itself in the mean', () => {
    const { sent } = withSent(measured(60), new Map([[1, 0]]), later(90));
    expect(sent).toMatchObject({ bytes: [60 * GB, 0], expected: [30 * GB, 0] });
  });

  it('expects of a node that is gone what it may have sent until then', () => {
    const nodes = [gone(0, { billedUntil: later(70) }), created(1)];
    const { sent } = withSent({ ...measured(0), nodes }, new Map([[1, 30 * GB]]), later(90));
    expect(sent).toMatchObject({ bytes: [0, 30 * GB], expected: [10 * GB, 0], rate: 60 * GB });
  });

  it('comes near the truth whichever nodes it could measure, also over the end of a month', () => {
    const aMeasure = fc.record({
      after: fc.integer({ min: 2, max: 12 * 60 }),
      seen: fc.array(fc.nat(5), { maxLength: 6 }),
    });
    const perMinute = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(fc.array(aMeasure, { minLength: 1 }), perMinute, (measures, mb) => {
        // All nodes send alike, so the others tell exactly what one sends that is never measured.
        const nodes = Array.from({ length: 6 }, (_, index) => created(index));
        const since = at('2026-11-30T12:00:00Z');
        const born = nodes.map((node) => ({ ...node, billedFrom: since }));
        const sentBy = (from: EpochMs, now: EpochMs) => ((now - from) / 60_000) * mb * 1e6;
        const turn = at('2026-12-01T00:00:00Z');
        let one: LiveRecord = { ...record, nodes: born };
        let now = since;
        for (const { after, seen } of measures) {
          now = plus(now, minutes(after));
          if (isMonthNew(now)) continue;
          const begin = now < turn ? since : turn;
          const found = seen
            .filter((index) => index > 0)
            .map((index) => [index, sentBy(begin, now)]);
          one = withSent(one, new Map(found as [number, number][]), now);
          const { sent } = one;
          if (found.length === 0 || sent === undefined) continue;
          expect(sent.at).toBe(now);
          const known = sent.bytes.reduce((sum, bytes) => sum + bytes, 0);
          const all = known + sent.expected.reduce((sum, bytes) => sum + bytes, 0);
          const rounding = 6 * measures.length * 1_000;
          expect(Math.abs(all - 6 * sentBy(begin, now))).toBeLessThan(rounding);
          expect(Math.abs(sent.rate - 6 * 60 * mb * 1e6)).toBeLessThan(rounding);
          expect(sent.bytes[0]).toBe(0);
          const november = sent.before['2026-11'] ?? 6 * sentBy(since, turn);
          expect(Math.abs(november - 6 * sentBy(since, turn))).toBeLessThan(rounding);
        }
      }),
    );
  });

  it('of a large cluster in turns loses nothing of what its nodes begin to send late', () => {
    const nodes = Array.from({ length: 500 }, (_, index) => created(index));
    const sentBy = (now: EpochMs) => (Math.max(0, now - later(600)) / minutes(60)) * 4 * GB;
    let one: LiveRecord = { ...record, nodes, budget: usd(1_000) };
    for (let minute = 30; minute <= 22 * 60; minute += 30) {
      const now = later(minute);
      const measurable = sendersOf(one).slice(0, 200);
      one = withSent(one, new Map(measurable.map(({ index }) => [index, sentBy(now)])), now);
    }
    const now = later(22 * 60);
    const real = 500 * sentBy(now);
    const brought = (500 * 1_000 * 21) / 720;
    const beyond = transferOf(one, now)?.beyondGb ?? 0;
    expect(beyond).toBeGreaterThan((real / GB - brought) * 0.99);
    expect(beyond).toBeLessThan((real / GB - brought) * 1.05);
  });

  it('in another month begins anew, and keeps what the last one may have had', () => {
    const before = at('2026-11-30T23:00:00Z');
    const november = measured(600, before, { ...record, startedAt: LAUNCH });
    const { rate = 0 } = november.sent ?? {};
    const december = measured(3, at('2026-12-01T01:00:00Z'), november);
    expect(december.sent).toMatchObject({ month: '2026-12', bytes: [3 * GB, 0] });
    expect(december.sent?.before['2026-11']).toBe(600 * GB + rate);
  });
});

describe('the spend', () => {
  it('has the started GB that were sent beyond what the nodes brought', () => {
    // 13 whole hours of two nodes bring 36 GB.
    const sent = measured(100, later(13 * 60));
    expect(transferOf(sent, later(13 * 60))).toMatchObject({
      ...{ sentGb: 100, broughtGb: 33, beyondGb: 67, cost: usd(0.335) },
    });
    expect(spentAt(sent, later(13 * 60))).toBe(usd(26 * 0.0075 + 0.335));
    expect(overspentAt({ ...sent, budget: usd(0.5) }, later(13 * 60))).toBe(usd(0.03));
  });

  it('counts at the highest rate after the last measure, until the last node is gone', () => {
    const sent = measured(60);
    const end = plus(NOW, minutes(3));
    const nodes = [gone(0, { billedUntil: end }), gone(1, { billedUntil: NOW })];
    const ended = anEnded({ ...sent, nodes, endedAt: later(90) } as never);
    // A GB a minute for three minutes; the node brings a GB in its first hour.
    expect(transferOf(ended, ended.endedAt)?.beyondGb).toBe(62);
  });

  it('of all months adds up, in bills and in reports', () => {
    const aSent = fc.record({
      gb: fc.integer({ min: 0, max: 3_000 }),
      before: fc.integer({ min: 0, max: 3_000 }),
      lived: fc.integer({ min: 24 * 21 * 60, max: 24 * 40 * 60 }),
    });
    fc.assert(
      fc.property(aSent, ({ gb, before, lived }) => {
        const now = later(lived);
        const sent = {
          ...{ at: now, month: '2026-12', bytes: [gb * GB, 0], rate: 0 },
          ...{ measuredAt: [now, now], expected: [0, 0] },
          before: { '2026-11': before * GB },
        };
        const one = { ...record, sent, budget: usd(3) };
        const total = spentAt(one, now);
        expect(sum(Object.values(spentByMonthOf(one, now)))).toBe(total);
        const shares = ['2026-11', '2026-12'].map((month) => totalsOf(one, month, now));
        expect(sum(shares.map(({ billed }) => billed))).toBe(total);
        expect(sum(shares.map(({ overspent }) => overspent))).toBe(Math.max(0, total - usd(3)));
      }),
    );
  });

  it('is as before for records of versions that knew no transfer', () => {
    const old = aRunning();
    expect(transferOf(old, NOW)).toBeNull();
    expect(lifeOf(old, NOW)).toEqual(lifeOf(record, NOW));
    expect(measureEvery(old, NOW)).toBe(minutes(30));
  });

  it('counts a node that somebody resized or migrated as bringing nothing from then on', () => {
    const changes = [{ type: 'g6-standard-2', region: 'us-east', from: later(60), to: later(90) }];
    const nodes = [created(0, { changes }), created(1)];
    const brought = transferOf({ ...record, nodes }, later(24 * 60))?.broughtGb;
    expect(brought).toBe(Math.floor((1_000 * 23) / 720));
  });
});

describe('the teardown time', () => {
  it('moves with what was sent and may be sent until the next measure', () => {
    const quiet = lifeOf(measured(0), NOW);
    const busy = lifeOf(measured(150), NOW);
    expect(busy.teardownAt).toBeLessThan(quiet.teardownAt);
    expect(busy.bill).toBeLessThanOrEqual(record.budget);
  });

  it('leaves what is reserved, whether it is sent or not', () => {
    const planned = { ...record, transferGb: 100, transferReserved: usd(0.4) };
    const { teardownAt, bill } = lifeOf(planned, NOW);
    // $0.60 is 40 hours of two nodes.
    expect(teardownAt).toBe(later(40 * 60 - 3));
    expect(bill).toBe(usd(1));
    const sent = { ...measured(90), transferGb: 100, transferReserved: usd(0.4) };
    expect(lifeOf(sent, NOW).bill).toBeLessThanOrEqual(usd(1));
    expect(lifeOf(sent, NOW).teardownAt).toBeLessThan(teardownAt);
  });
});

describe('the next measure', () => {
  it.each([
    ['5 minutes later if nothing is sent', 0, 5],
    ['sooner the less is left for the rate that was seen', 174, 3],
    ['at least each second tick, though nothing is left', 400, 2],
  ])('comes %s', (_when, gb, count) => {
    const every = measureEvery(measured(gb), NOW);
    expect(Math.floor(every / minutes(1))).toBe(count);
  });

  it('comes with the next look of nodes that slow themselves down in time', () => {
    const limited = { ...record, limited: true } as const;
    expect(measureEvery(measured(0, NOW, limited), NOW)).toBe(minutes(30));
    // In 17 minutes, its slow nodes could send the last of what costs nothing, and no more is paid.
    const poor = { gb: 0, gbPrice: TERMS.gbPrice };
    const exact = { ...limited, bought: aBought({ transfer: poor }), budget: usd(0.03) };
    expect(Math.floor(measureEvery(measured(0, NOW, exact), NOW) / minutes(1))).toBe(8);
    expect(measureEvery({ ...measured(150, NOW, limited), budget: usd(2) }, NOW)).toBe(minutes(5));
  });

  it('does not bring the teardown nearer by not being there yet', () => {
    const poor = { gb: 0, gbPrice: TERMS.gbPrice };
    const exact = {
      limited: true,
      bought: aBought({ transfer: poor }),
      budget: usd(0.03),
    } as const;
    const measure = measured(0, NOW, { ...record, ...exact, marginMs: minutes(10) });
    const every = measureEvery(measure, NOW);
    const at = plus(NOW, minutes(Math.floor(every / minutes(1))));
    expect(lifeOf(measure, at).teardownAt).toBe(lifeOf(measure, NOW).teardownAt);
    expect(measureEvery(measure, at)).toBeLessThan(every);
  });

  it('comes 5 minutes after the nodes are up', () => {
    expect(measureEvery(record, NOW)).toBe(minutes(5));
  });

  it('is left to later ticks where more nodes are due than a tick may measure', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => created(index));
    const due = Array.from({ length: 5 }, (_, index) => ({
      ...aRunning({ bought, nodes, budget: usd(1_000), dueAt: epochMs(NOW + index) }),
      id: `c${'abcdefghij'.slice(0, 9)}${'abcde'[index]}` as never,
    }));
    const requests = planBatches(due, NOW).flat() as PassRequest[];
    expect(requests.filter(({ unmeasured }) => unmeasured !== true)).toHaveLength(3);
    const old = due.map((one) => ({ ...one, bought: aBought() }));
    expect(
      planBatches(old, NOW)
        .flat()
        .some(({ unmeasured }) => unmeasured),
    ).toBe(false);
  });
});

describe('the calls of a tick', () => {
  const clusterOf = (index: number, count: number, overrides: Partial<Running> = {}) => ({
    ...aRunning({
      bought,
      nodes: Array.from({ length: count }, (_, node) => created(node)),
      budget: usd(1_000),
      dueAt: epochMs(NOW + index),
    }),
    ...overrides,
    id: `c${'abcdefghij'.slice(0, 9)}${'abcde'[index]}` as never,
  });
  const measuredOf = (records: LiveRecord[]) =>
    planBatches(records, NOW)
      .flat()
      .filter(({ unmeasured }) => unmeasured !== true)
      .map(({ clusterId }) => records.findIndex(({ id }) => id === clusterId));

  it('have room for the measures of one large cluster', () => {
    expect(measuredOf([clusterOf(0, 500), clusterOf(1, 10)])).toEqual([0]);
    expect(measuredOf([clusterOf(0, 10), clusterOf(1, 500)])).toEqual([0]);
  });

  it('leave none for it beside as many deletions as a tick may send', () => {
    const due = { budget: usd(0.0075), dueAt: NOW };
    const teardowns = [clusterOf(0, 500, due), clusterOf(1, 500, due), clusterOf(2, 200, due)];
    expect(measuredOf(teardowns)).toEqual([2]);
  });
});

describe('a teardown that Linode refuses', () => {
  const trouble = { since: NOW, reason: 'locked', tries: 9, triedAt: NOW, seenAt: NOW };
  const nodes = [created(0, { trouble }), created(1, { trouble })];
  const listed = [aLinode({ index: 0 }), aLinode({ index: 1 })];
  /** How long a pass at `now` waits for the next one. */
  const waitOf = (gb: number, budget: number, now = NOW) => {
    const stuck = measured(gb, NOW, aDeleting({ bought, nodes, budget: usd(budget) }));
    const [step] = plan(stuck, listed, now).steps;
    return step?.kind === 'wait' ? step.until - now : null;
  };

  it('is tried again after its pause, if transfer has passed the budget already', () => {
    expect(waitOf(400, 1)).toBe(minutes(5));
    expect(waitOf(400, 1, plus(NOW, seconds(200)))).toBe(seconds(100));
  });

  it('is looked at when the bill passes the budget, but at most every ten seconds', () => {
    // An hour of both nodes is paid; the second begins at the end of the first.
    expect(waitOf(0, 0.02, plus(NOW, seconds(-60)))).toBe(seconds(60) + 1);
    expect(waitOf(0, 0.02, plus(NOW, seconds(-1)))).toBe(seconds(10));
  });
});

describe('the notice of transfer', () => {
  const noted = (one: LiveRecord, slowed = false) => withEventNotices(one, NOW, { slowed });
  const noticesOf = (one: LiveRecord, slowed = false) =>
    noted(one, slowed).notices.filter(({ kind }) => kind === 'transfer');

  it('is sent at 80 % of what the nodes bring until their teardown, once', () => {
    const limit = limitOf(record, lifeOf(record, NOW));
    expect(limit).toBe(Math.floor((2_000 * 65) / 720));
    expect(noticesOf(measured(limit * 0.79))).toEqual([]);
    const sent = measured(limit * 0.8);
    expect(noticesOf(sent)).toMatchObject([{ subject: 'has sent 144 of 180 GB' }]);
    expect(noticesOf(noted(sent).record)).toEqual([]);
  });

  it('says what to do of nodes that slow themselves down', () => {
    const limited = { ...record, limited: true } as const;
    const granted = { version: 1, month: '2026-11', bytes: [125 * GB, 0], earlier: {} };
    const of = (gb: number, one: LiveRecord = limited) =>
      noticesOf(
        withSent(
          one,
          new Map([
            [0, gb * GB],
            [1, 0],
          ]),
          NOW,
          granted,
        ),
      );
    expect(of(143)).toEqual([]);
    const [notice] = of(144);
    expect(notice?.subject).toBe('has sent 144 of 180 GB');
    expect(notice?.detail).toContain('slow themselves down to 96 kB/s');
    expect(noticesOf(measured(150)).at(0)?.detail).not.toContain('slow');
  });

  it('is sent before that once nodes are slowed, and says so; once', () => {
    const limited = { ...measured(90), limited: true } as const;
    const [notice] = noticesOf(limited, true);
    expect(notice).toMatchObject({ subject: 'is slowed: it has sent 90 of 180 GB' });
    expect(notice?.detail).toMatch(/Nodes are slowed down to 96 kB\/s.*PATCH a larger transferGb/);
    expect(noticesOf(noted(limited, true).record, true)).toEqual([]);
    expect(noticesOf({ ...measured(0), limited: true }, true), 'nothing is sent').toEqual([]);
  });

  it('is sent again if somebody raises what is planned', () => {
    const planned = { ...measured(90), transferGb: 100 };
    const told = noted(planned).record;
    expect(noticesOf(told)).toEqual([]);
    expect(noticesOf({ ...told, transferGb: 110 })).toHaveLength(1);
    expect(noticesOf({ ...told, transferGb: 200 })).toEqual([]);
  });
});

it('a price of transfer that rises counts for all that is beyond; one that falls is not taken', () => {
  const read = (gbPrice: number) =>
    withPricesRead(measured(100), { found: [], isManaged: false, gbPrice: usd(gbPrice) }, NOW);
  expect(transferOf(read(0.01), NOW)?.cost).toBe(usd(1));
  expect(read(0.01).history.at(-1)?.event).toBe('a GB of transfer costs $0.01 now');
  expect(read(0.004).gbPrice).toBeUndefined();
});
