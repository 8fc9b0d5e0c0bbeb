import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MicroUsd, microUsd } from '../../../../lib/core/base/money.ts';
import { epochMs, hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { firstHourCost } from '../../../../lib/core/billing/bill.ts';
import {
  hoursAfforded,
  type Quotable,
  quote,
  quoteOf,
} from '../../../../lib/core/cluster/quote.ts';
import { aBought, aSpec, at, LAUNCH, price, usd } from '../../../support/builders.ts';

const nanode = price(0.0075, 5);
const quoted = (overrides: Partial<Quotable> = {}) =>
  quote({
    price: nanode,
    nodes: 10,
    budget: usd(1),
    maxHours: null,
    transferGb: null,
    terms: null,
    marginMs: minutes(3),
    from: LAUNCH,
    ...overrides,
  });

describe('quote', () => {
  it('has 13 hours and a spend of $0.975 for ten nanodes with a budget of $1', () => {
    expect(quoted()).toEqual({
      startsAt: LAUNCH,
      hourly: usd(0.075),
      firstHour: usd(0.075),
      smallestBudget: usd(0.075),
      affordableHours: 13,
      teardownAt: at('2026-11-11T03:57:00Z'),
      spentAtTeardown: usd(0.975),
      unspent: usd(0.025),
      transfer: null,
    });
  });

  it('counts the hours of nodes that Linode creates minutes after the first', () => {
    // The last 20 of 500 nodes are created 6 minutes after the first 20, at $3.75 an hour in all.
    const many = { nodes: 500, budget: usd(6) };
    const { affordableHours, teardownAt, spentAtTeardown } = quoted(many);
    expect(affordableHours).toBe(1);
    expect(teardownAt).toBeGreaterThan(plus(LAUNCH, hours(1)));
    // 60 nodes have begun their second hour by then.
    expect(spentAtTeardown).toBe(usd(4.2));
  });

  it('has one hour for the smallest budget, of which nothing is left', () => {
    expect(quoted({ budget: usd(0.075) })).toMatchObject({
      affordableHours: 1,
      teardownAt: plus(LAUNCH, minutes(57)),
      unspent: 0,
    });
  });

  it('has no hour below the smallest budget, and names the smallest', () => {
    expect(quoted({ budget: microUsd(74_999) })).toEqual({
      startsAt: LAUNCH,
      hourly: usd(0.075),
      firstHour: usd(0.075),
      smallestBudget: usd(0.075),
      affordableHours: 0,
      teardownAt: LAUNCH,
      spentAtTeardown: 0,
      unspent: 74_999,
      transfer: null,
    });
  });

  it('ends after maxHours where they end before the budget', () => {
    expect(quoted({ maxHours: 2 })).toMatchObject({
      affordableHours: 2,
      teardownAt: plus(LAUNCH, minutes(117)),
      spentAtTeardown: usd(0.15),
      unspent: usd(0.85),
    });
  });

  it('needs a budget for two hours where the first hour runs into the next month', () => {
    const from = at('2026-11-30T23:30:00Z');
    expect(quoted({ from, budget: usd(0.1) })).toMatchObject({
      hourly: usd(0.075),
      firstHour: usd(0.15),
      smallestBudget: usd(0.15),
      affordableHours: 0,
    });
  });
});

const anInput = fc
  .record({
    hourly: fc.integer({ min: 1, max: 5_000_000 }),
    capHours: fc.option(fc.integer({ min: 1, max: 700 })),
    nodes: fc.integer({ min: 1, max: 100 }),
    budget: fc.integer({ min: 0, max: 1_000_000_000 }),
    maxHours: fc.option(fc.integer({ min: 1, max: 1_000 })),
    margin: fc.integer({ min: 1, max: 30 }),
    from: fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2027-01-01T00:00Z') }),
  })
  .map(({ hourly, capHours, nodes, budget, maxHours, margin, from }) => ({
    price: {
      hourly: microUsd(hourly),
      monthly: capHours === null ? null : microUsd(hourly * capHours),
    },
    nodes,
    budget: microUsd(budget),
    maxHours,
    transferGb: null,
    terms: null,
    marginMs: minutes(margin),
    from: epochMs(from),
  }));

it('the quote of a spec has its limits, and the price of assumed backups', () => {
  const spec = aSpec({ nodes: 10, budget: usd(1), maxHours: 5 });
  const [bought, from] = [aBought(), LAUNCH];
  expect(quoteOf(spec, bought, minutes(3), from)).toEqual(quoted({ maxHours: 5 }));
  // Ten nodes at $0.0075 and backups at $0.003 cost $0.105 a started hour.
  expect(quoteOf(spec, { ...bought, backupsAssumed: true }, minutes(3), from)).toMatchObject({
    hourly: usd(0.105),
    spentAtTeardown: usd(0.525),
  });
});

describe('always', () => {
  it('the spend and the unspent rest are together the budget', () => {
    fc.assert(
      fc.property(anInput, (input) => {
        const { spentAtTeardown, unspent } = quote(input);
        expect(spentAtTeardown + unspent).toBe(input.budget);
        expect(spentAtTeardown).toBeGreaterThanOrEqual(0);
        expect(unspent).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('the smallest budget affords an hour, and a micro-dollar less affords none', () => {
    fc.assert(
      fc.property(anInput, (input) => {
        const { smallestBudget } = quote(input);
        expect(smallestBudget).toBe(firstHourCost(input.price, input.nodes, input.from));
        const hoursOf = (budget: MicroUsd) => quote({ ...input, budget }).affordableHours;
        expect(hoursOf(smallestBudget)).toBeGreaterThanOrEqual(1);
        expect(hoursOf(microUsd(smallestBudget - 1))).toBe(0);
      }),
    );
  });

  it('the teardown starts the safety margin before the end of the last hour, or later', () => {
    fc.assert(
      fc.property(anInput, (input) => {
        const { affordableHours, teardownAt } = quote(input);
        fc.pre(affordableHours > 0);
        const end = plus(input.from, hours(affordableHours));
        expect(teardownAt).toBeGreaterThanOrEqual(end - input.marginMs);
        const { maxHours } = input;
        if (maxHours !== null) expect(affordableHours).toBeLessThanOrEqual(maxHours);
      }),
    );
  });

  it('hoursAfforded has the hours of the quote of nodes that Linode creates together', () => {
    const terms = { gb: 1_000, gbPrice: usd(0.005) };
    const aPlan = fc.option(fc.integer({ min: 0, max: 5_000 }));
    fc.assert(
      fc.property(anInput, fc.integer({ min: 1, max: 20 }), aPlan, (input, nodes, transferGb) => {
        const planned = { ...input, nodes, transferGb, terms };
        expect(hoursAfforded(planned)).toBe(quote(planned).affordableHours);
      }),
    );
  });

  it('hoursAfforded has at most an hour more or less than the quote of more nodes', () => {
    fc.assert(
      fc.property(anInput, (input) => {
        const differs = Math.abs(hoursAfforded(input) - quote(input).affordableHours);
        expect(differs).toBeLessThanOrEqual(1);
      }),
    );
  });
});
