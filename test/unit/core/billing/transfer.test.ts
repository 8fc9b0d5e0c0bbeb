import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd } from '../../../../lib/core/base/money.ts';
import {
  durationMs,
  type EpochMs,
  epochMs,
  hours,
  minutes,
  plus,
} from '../../../../lib/core/base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../../../../lib/core/billing/bill.ts';
import { readAs } from '../../../../lib/core/billing/price.ts';
import {
  broughtByMonth,
  lastAffordableWith,
  reserveFor,
  type Sending,
  sentByMonth,
  sliceFor,
  type Transfer,
  transferCost,
} from '../../../../lib/core/billing/transfer.ts';
import { at, price, usd } from '../../../support/builders.ts';

const GB = 1e9;
const START = at('2026-11-10T00:00:00Z');
const TERMS = { gb: 1_000, gbPrice: usd(0.005) };
const NANODE = { billedFrom: START, billedUntil: null, price: price(0.0075, 5) };
const TEN: readonly BilledNode[] = Array.from({ length: 10 }, () => NANODE);
const atHour = (count: number): EpochMs => epochMs(START + Math.round(count * 3_600_000));

const sending = (overrides: Partial<Sending> = {}): Sending => ({
  byMonth: {},
  at: START,
  peak: 0,
  peakUntil: START,
  mean: 0,
  until: null,
  limit: null,
  ...overrides,
});
const transfer = (overrides: Partial<Transfer> = {}): Transfer => ({
  terms: TERMS,
  bringers: TEN,
  sending: null,
  reserved: microUsd(0),
  ...overrides,
});

describe('the slice of each node', () => {
  it.each<[string, number, number, number]>([
    [
      'the background of a single node, less what it sends slowly in 17 minutes',
      1_000,
      1,
      832_080_000,
    ],
    ['its share of a small cluster', 1_000, 4, 134_580_000],
    ['half of 93 MB in a larger one, however large', 1_000, 100, 46_500_000],
    [
      'half its share of a GB where so little remains, as the type brings nothing',
      0,
      100,
      4_650_000,
    ],
  ])('is %s', (_what, gb, nodes, bytes) => {
    expect(sliceFor({ gb }, nodes)).toBe(bytes);
  });
});

describe('what nodes bring', () => {
  it.each<[string, number, number]>([
    ['nothing in their first hour', 1, 0],
    ['a 720th of a month for each whole hour before, in whole GB', 13, 166],
    ['no more at the end of an hour than within it', 12.5, 166],
    ['no more than a month has', 24 * 20.9, 6_958],
  ])('is %s', (_what, lived, gb) => {
    expect(broughtByMonth(TEN, TERMS, atHour(lived))).toEqual({ '2026-11': gb });
  });

  it('counts in the month of its hours, and an hour across the end of a month in none', () => {
    const from = at('2026-11-30T20:30:00Z');
    const nodes = TEN.map((node) => ({ ...node, billedFrom: from }));
    const billedOnce = nodes.map((node) => ({ ...node, price: readAs(node.price, 'startMonth') }));
    for (const bringers of [nodes, billedOnce]) {
      // In November 20:30 to 23:30, in December 0:30 to 3:30.
      expect(broughtByMonth(bringers, TERMS, at('2026-12-01T04:10:00Z'))).toEqual({
        '2026-11': Math.floor(30_000 / 720),
        '2026-12': Math.floor(30_000 / 744),
      });
    }
  });

  it('is nothing of a type that brings nothing', () => {
    const none = broughtByMonth(TEN, { ...TERMS, gb: 0 }, atHour(13));
    expect(none).toEqual({ '2026-11': 0 });
  });
});

describe('what nodes send', () => {
  it('goes on at the peak, then in the mean, until the last node is gone', () => {
    const sent = sending({
      byMonth: { '2026-11': 7 * GB },
      peak: 2 * GB,
      peakUntil: atHour(3),
      mean: GB,
      until: atHour(10),
    });
    expect([0, 2, 3, 5, 10, 12].map((hour) => sentByMonth(sent, atHour(hour))['2026-11'])).toEqual(
      [7, 11, 13, 15, 20, 20].map((gb) => gb * GB),
    );
  });

  it('counts in the month in which it is sent', () => {
    const sent = sending({ at: at('2026-11-30T22:00:00Z'), mean: GB });
    expect(sentByMonth(sent, at('2026-12-01T03:00:00Z'))).toEqual({
      '2026-11': 2 * GB,
      '2026-12': 3 * GB,
    });
  });
});

describe('beyond what they bring', () => {
  it('each started GB costs its price', () => {
    const of = (bytes: number) =>
      transferCost(transfer({ sending: sending({ byMonth: { '2026-11': bytes } }) }), atHour(13));
    expect([166 * GB, 166 * GB + 1, 466 * GB].map(of)).toEqual([0, usd(0.005), usd(1.5)]);
  });

  it('each month counts by itself', () => {
    const byMonth = { '2026-10': 2 * GB, '2026-11': 10 * GB };
    expect(transferCost(transfer({ sending: sending({ byMonth }) }), atHour(13))).toBe(usd(0.01));
  });

  it.each([
    ['a GB of a few nodes', 10, 1_000, 1],
    ['0.1 GB of each of many', 500, 1_000, 50],
    ['a GB of any number that bring nothing', 500, 0, 1],
  ])(
    'no background traffic costs: %s; with a byte more, all that is sent counts',
    (_of, count, gb, free) => {
      const bringers = Array.from({ length: count }, () => NANODE);
      const of = (bytes: number) => {
        const sent = sending({ byMonth: { '2026-11': bytes } });
        const one = transfer({ terms: { ...TERMS, gb }, bringers, sending: sent });
        return transferCost(one, atHour(1));
      };
      expect(of(free * GB)).toBe(0);
      expect(of(free * GB + 1)).toBe((free + 1) * usd(0.005));
    },
  );
});

describe('the last affordable instant', () => {
  const limits = { budget: usd(1), maxHours: null };

  it('is that of the hours while nothing is beyond', () => {
    const quiet = sending({ byMonth: { '2026-11': 100 * GB }, at: atHour(8), mean: 10 * GB });
    for (const each of [null, quiet]) {
      const last = lastAffordableWith(transfer({ sending: each }), TEN, limits, atHour(8));
      expect(last).toBe(atHour(13));
    }
  });

  it('comes sooner for what was sent, what may be sent soon, and what is reserved', () => {
    const lastOf = (overrides: Partial<Transfer>) =>
      (lastAffordableWith(transfer(overrides), TEN, limits, atHour(1)) - START) / 3_600_000;
    const sent = sending({ byMonth: { '2026-11': 180 * GB }, at: atHour(1) });
    // 5 hours cost $0.375, and bring 55 GB by then: the others cost $0.625.
    expect(lastOf({ sending: sent })).toBeCloseTo(5, 3);
    expect(lastOf({ reserved: usd(0.7) })).toBe(4);
    const peak = { peak: 100 * GB, peakUntil: atHour(3) };
    expect(lastOf({ sending: { ...sent, ...peak } })).toBeLessThan(1.1);
  });

  it('is at once where the bill is beyond the budget, though nodes will bring more', () => {
    const terms = { gb: 1_000, gbPrice: usd(0.015) };
    const sent = sending({ byMonth: { '2026-11': 80 * GB }, at: atHour(1) });
    const last = lastAffordableWith(transfer({ terms, sending: sent }), TEN, limits, atHour(1));
    expect(last).toBe(atHour(1));
  });

  it('always keeps the bill within the budget from now on, to the second', () => {
    const aSending = fc.record({
      gb: fc.integer({ min: 0, max: 400 }),
      lived: fc.integer({ min: 1, max: 6 * 3_600 }),
      peak: fc.integer({ min: 0, max: 300 }),
      mean: fc.integer({ min: 0, max: 60 }),
      window: fc.integer({ min: 0, max: 90 }),
      gbPrice: fc.constantFrom(5_000, 7_000, 15_000),
      budget: fc.integer({ min: 100_000, max: 4_000_000 }),
      reserved: fc.integer({ min: 0, max: 90_000 }),
      from: fc.integer({ min: START, max: at('2026-11-30T23:59:59Z') }),
      later: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
    });
    fc.assert(
      fc.property(aSending, (drawn) => {
        const begin = epochMs(drawn.from);
        const now = epochMs(begin + drawn.lived * 1_000);
        const nodes = TEN.map((node) => ({ ...node, billedFrom: begin }));
        const all = transfer({
          terms: { gb: 1_000, gbPrice: microUsd(drawn.gbPrice) },
          bringers: nodes,
          reserved: microUsd(drawn.reserved),
          sending: sending({
            byMonth: { [new Date(now).toISOString().slice(0, 7)]: drawn.gb * GB },
            at: now,
            peak: drawn.peak * GB,
            peakUntil: plus(now, minutes(drawn.window)),
            mean: drawn.mean * GB,
          }),
        });
        const budget = microUsd(drawn.budget);
        const billAt = (instant: EpochMs) => spend(nodes, instant) + transferCost(all, instant);
        const last = lastAffordableWith(all, nodes, { budget, maxHours: null }, now);
        const hoursOnly = lastAffordable(nodes, { budget, maxHours: null });
        expect(last).toBeLessThanOrEqual(hoursOnly);
        if (last <= now) {
          const isBeyond = billAt(now) > budget || spend(nodes, now) + drawn.reserved > budget;
          expect(isBeyond || last === now).toBe(true);
          return;
        }
        const instants = drawn.later.map((part) =>
          epochMs(Math.floor(now + part * (Math.min(last, now + hours(200)) - now))),
        );
        for (const instant of [now, last, ...instants]) {
          expect(billAt(instant)).toBeLessThanOrEqual(budget);
        }
        expect(spend(nodes, last) + drawn.reserved).toBeLessThanOrEqual(budget);
      }),
      { numRuns: 300 },
    );
  });

  it('takes milliseconds for 500 nodes that send close to their budget for a month', () => {
    const many = Array.from({ length: 500 }, (_, index) => ({
      ...NANODE,
      billedFrom: plus(START, durationMs(Math.floor(index / 20) * 15_000)),
    }));
    const sent = sending({ byMonth: { '2026-11': 1 }, mean: 690 * GB, peakUntil: atHour(1) });
    const one = transfer({ bringers: many, sending: sent });
    const begun = performance.now();
    lastAffordableWith(one, many, { budget: usd(2_000), maxHours: null }, atHour(1));
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('what is held back', () => {
  const limits = { budget: usd(2.2), maxHours: null, marginMs: minutes(3) };
  const planned = { terms: TERMS, bringers: TEN };

  it('is nothing within what the nodes bring until their teardown', () => {
    expect(reserveFor(166, planned, TEN, { ...limits, budget: usd(1) })).toBe(0);
  });

  it('pays what is beyond, and the hours that are left bring what is within', () => {
    const dear = TEN.map((node) => ({ ...node, price: price(0.054, 36) }));
    const big = { terms: { ...TERMS, gb: 4_000 }, bringers: dear };
    // Ten at $0.54 an hour: $6 is 11 hours, which bring 555 GB; for 700 GB, $0.725 is held back,
    // so that 9 hours are left, which bring 444 GB: $1.28, which 8 hours leave: $1.56.
    const reserved = reserveFor(700, big, dear, { ...limits, budget: usd(6) });
    const left = microUsd(usd(6) - (reserved ?? 0));
    const last = lastAffordable(dear, { budget: left, maxHours: null });
    const brought = broughtByMonth(dear, big.terms, epochMs(last - limits.marginMs))['2026-11'];
    expect(reserved).toBe(5_000 * (700 - (brought ?? 0)));
    expect(reserved).toBeGreaterThan(0);
  });

  it('is nothing that holds if the budget does not pay it', () => {
    expect(reserveFor(480, planned, TEN, limits)).toBeNull();
  });
});
