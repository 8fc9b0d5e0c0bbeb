import { describe, expect, it } from 'vitest';
import { type EpochMs, epochMs, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { grantFor } from '../../../../lib/core/cluster/allowance.ts';
import { spentAt } from '../../../../lib/core/cluster/bills.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import { allowanceIn, type Granted } from '../../../../lib/core/cluster/limited.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import { unmeasuredTexts, withSent } from '../../../../lib/core/cluster/sent.ts';
import { measureEvery, transferOf } from '../../../../lib/core/cluster/transfer.ts';
import { isMeasureDue } from '../../../../lib/core/pass/measure.ts';
import { aBought, aRunning, at, created, price, usd } from '../../../support/builders.ts';

const GB = 1e9;
const TERMS = { gb: 1_000, gbPrice: usd(0.005) };

describe("a month's turn before the first measure", () => {
  const born = at('2026-11-30T23:48:00Z');
  const turn = at('2026-12-01T00:00:00Z');
  const nodes = Array.from({ length: 10 }, (_, index) => created(index, { billedFrom: born }));
  const record = aRunning({
    ...{ bought: aBought({ transfer: TERMS }), limited: true, agent: true, nodes },
    ...{ budget: usd(3), maxHours: 2, createdAt: born, startedAt: plus(born, minutes(1)) },
  });

  /** All nodes send a Gbit a second, as far as they may, from their third minute on. */
  function sentBy(end: EpochMs) {
    const sent = { november: nodes.map(() => 0), december: nodes.map(() => 0) };
    let granted: Granted | null = null;
    for (let now = plus(born, minutes(2)); now < end; now = plus(now, seconds(10))) {
      const month = now < turn ? sent.november : sent.december;
      for (const { index } of nodes) {
        const bytes = allowanceIn(record, granted, index, now < turn ? '2026-11' : '2026-12');
        const before = month[index] ?? 0;
        month[index] = Math.min(Math.max(bytes, before), before + 1.25 * GB);
        const asked = { rank: index, sentBytes: month[index] ?? 0, countedSince: 0 };
        granted = grantFor(record, granted, asked, now) ?? granted;
      }
    }
    return { ...sent, granted };
  }
  const gbOf = (bytes: readonly number[]) => bytes.reduce((sum, each) => sum + each, 0) / GB;

  it('pays the budget once, and the record has what was sent in both months', () => {
    const now = plus(turn, minutes(11));
    const { november, december, granted } = sentBy(now);
    expect(gbOf(november)).toBeGreaterThan(400);
    const hours = usd(20 * 0.0075);
    const transfer = usd(Math.ceil((gbOf(november) + gbOf(december)) / 0.93 - 13) * 0.005);
    expect(hours + transfer).toBeLessThanOrEqual(record.budget);
    const measured = new Map(december.map((bytes, index) => [index, Math.ceil(bytes / 0.93)]));
    const found: LiveRecord = withSent(record, measured, now, granted);
    const end = epochMs(born + 2 * 3_600_000);
    expect(spentAt(found, end)).toBeGreaterThanOrEqual(hours + transfer);
    expect(spentAt(found, end)).toBeLessThanOrEqual(record.budget);
  });
});

describe('grants of nodes that can not be measured', () => {
  const born = at('2026-11-10T00:00:00Z');
  const later = (count: number): EpochMs => plus(born, minutes(count));
  const bought = aBought({ price: price(0.054, null), transfer: { ...TERMS, gb: 4_000 } });
  const record = aRunning({
    ...{ bought, limited: true, agent: true, budget: usd(1), maxHours: 12 },
    ...{ nodes: [created(0, { billedFrom: born })], createdAt: born, startedAt: later(1) },
  });
  const granted = { version: 1, month: '2026-11', bytes: [150 * GB], earlier: {} };
  /** The bill at the teardown if all was sent that was granted. */
  const billAt = (one: LiveRecord, now: EpochMs): number => {
    const hours = Math.ceil((lifeOf(one, now).lastAffordable - born) / 3_600_000);
    const beyond = Math.ceil(150 / 0.93) - Math.floor((4_000 * (hours - 1)) / 720);
    return usd(hours * 0.054 + beyond * 0.005);
  };

  it('count as sent in the teardown time', () => {
    expect(billAt(record, later(30))).toBeGreaterThan(record.budget);
    const known = withSent(record, new Map(), later(30), granted);
    expect(billAt(known, later(30))).toBeLessThanOrEqual(record.budget);
    expect(withSent(record, new Map(), later(30))).toBe(record);
  });

  it('count also beside an earlier measure', () => {
    const first = withSent(record, new Map([[0, GB / 2]]), later(20));
    const known = withSent(first, new Map(), later(50), granted);
    expect(known.sent).toMatchObject({ at: later(20), bytes: [GB / 2] });
    expect(billAt(known, later(50))).toBeLessThanOrEqual(record.budget);
  });

  it('leave it said that nothing was measured', () => {
    const known = withSent(record, new Map(), later(90), granted);
    expect(transferOf(known, later(90))).toMatchObject({ sentGb: 0, measuredAt: null });
    expect(unmeasuredTexts(known, later(90))).toEqual([
      expect.stringContaining('2026-11-10T00:00:00.000Z, and counts as nothing'),
    ]);
    expect(measureEvery(known, later(90))).toBe(minutes(5));
    expect(isMeasureDue(known, later(90))).toBe(true);
  });

  it('count as sent in a month that ends before a measure', () => {
    const known = withSent(record, new Map(), later(90), granted);
    const december = at('2026-12-01T00:30:00Z');
    const begun = withSent(known, new Map([[0, GB]]), december, granted);
    expect(begun.sent?.month).toBe('2026-12');
    expect(begun.sent?.before['2026-11']).toBeGreaterThan((150 / 0.93) * GB);
    const unseen = withSent(known, new Map(), december, granted);
    expect(unseen.sent).toMatchObject({ month: '2026-12', measuredAt: [null], bytes: [0] });
    expect(unseen.sent?.before).toEqual(begun.sent?.before);
  });
});

describe("a month's turn between two measures", () => {
  it('counts once what nodes may have sent slowly until it', () => {
    const born = at('2026-12-31T20:00:00Z');
    const record = aRunning({
      ...{ bought: aBought({ transfer: TERMS }), limited: true, agent: true, budget: usd(1) },
      ...{ nodes: [created(0, { billedFrom: born })], createdAt: born, startedAt: born },
      maxHours: 24,
    });
    const before = at('2026-12-31T23:36:00Z');
    const granted = { version: 1, month: '2026-12', bytes: [9 * GB], earlier: {} };
    const known = withSent(record, new Map([[0, 8 * GB]]), before, granted);
    const ask = { rank: 0, sentBytes: GB, countedSince: 0 };
    const next = grantFor(known, granted, ask, at('2027-01-01T00:04:00Z'));
    const inAll = (9 * GB + 24 * 60 * 96_000) / 0.93;
    // Less what a node sends slowly in the last millisecond.
    expect(inAll - (next?.earlier['2026-12'] ?? 0)).toBeLessThan(104);
    const after = withSent(known, new Map([[0, GB]]), at('2027-01-01T00:26:00Z'), next);
    expect(after.sent?.grantedBefore).toEqual(next?.earlier);
    expect(after.sent?.before['2026-12']).toBeLessThanOrEqual(next?.earlier['2026-12'] ?? 0);
  });

  it('counts no less than was measured before it', () => {
    const born = at('2026-12-31T20:00:00Z');
    const record = aRunning({
      ...{ bought: aBought({ transfer: TERMS }), limited: true, agent: true, budget: usd(1) },
      ...{ nodes: [created(0, { billedFrom: born })], createdAt: born, startedAt: born },
    });
    const granted = {
      ...{ version: 2, month: '2027-01', bytes: [GB], earlier: { '2026-12': 9.8 * GB } },
    };
    const last = at('2026-12-31T23:59:58Z');
    const known = withSent(record, new Map([[0, 12 * GB]]), last, granted);
    const after = withSent(known, new Map([[0, GB]]), at('2027-01-01T00:26:00Z'), granted);
    expect(after.sent?.before['2026-12']).toBeGreaterThanOrEqual(12 * GB);
  });
});

describe('a measure', () => {
  const born = at('2026-11-30T23:00:00Z');
  const turn = at('2026-12-01T00:00:00Z');
  const nodes = [0, 1].map((index) => created(index, { billedFrom: born }));
  const record = aRunning({
    ...{ bought: aBought({ transfer: TERMS }), nodes, createdAt: born, startedAt: born },
  });

  it("right after a month's turn counts as none, as what it says may be of the month before", () => {
    const first = withSent(record, new Map([[0, GB]]), at('2026-11-30T23:30:00Z'));
    const late = withSent(first, new Map([[0, 2 * GB]]), plus(turn, seconds(1)));
    expect(late).toBe(first);
  });

  it('of a node that has just begun gives no rate at which it is expected to have sent since', () => {
    const soon = plus(born, seconds(1));
    const first = withSent(record, new Map([[0, GB / 10]]), soon);
    const next = withSent(first, new Map([[1, 0]]), plus(soon, minutes(30)));
    // 0.1 GB each 90 seconds.
    expect(next.sent?.expected[0]).toBeLessThanOrEqual(2 * GB);
  });

  it('of some nodes expects of the others no more than their limit lets them send', () => {
    const limited = { ...record, limited: true, agent: true, nodes, budget: usd(9) } as const;
    const now = plus(born, minutes(30));
    const granted = { version: 1, month: '2026-11', bytes: [8 * GB, 0], earlier: {} };
    const found = withSent(limited, new Map([[0, 8 * GB]]), now, granted);
    expect(found.sent?.expected[1]).toBe(8 * GB);
    expect(transferOf(found, now)?.sentGb).toBeLessThan(9.5);
    expect(spentAt(found, now)).toBeLessThan(usd(0.07));
  });
});
