import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toUsd } from '../../../../lib/core/base/money.ts';
import { epochMs, minutes, plus } from '../../../../lib/core/base/units.ts';
import type { LinodeType } from '../../../../lib/core/catalogue/lists.ts';
import { type ShapeLimits, shapesFor, type Work } from '../../../../lib/core/catalogue/shapes.ts';
import { quote } from '../../../../lib/core/cluster/quote.ts';
import { price, usd } from '../../../support/builders.ts';

const aType = (id: string, vcpus: number, hourly: number, gpus = 0) => ({
  type: {
    ...{ id, label: id, class: 'standard', vcpus, gpus, memoryMb: 1_024, diskMb: 25_600 },
    transferGb: 1_000,
    price: { ...price(hourly, null), byRegion: {} },
    backupsPrice: null,
  } satisfies LinodeType,
  price: price(hourly, null),
});
const NANODE = aType('g6-nanode-1', 1, 0.0075);
const DEDICATED = aType('g6-dedicated-4', 4, 0.108);
const GPU = aType('g1-gpu-rtx6000-1', 8, 1.5, 1);
/** The middle of a month, so that no hour is billed twice. */
const from = epochMs(Date.parse('2026-11-10T08:00:00Z'));
const limits: ShapeLimits = {
  ...{ budget: usd(1), nodesMin: 1, nodesMax: 100, hoursMax: 1_000 },
  ...{ marginMs: minutes(3), from, transfer: null },
};
const vcpuHours = (count: number): Work => ({ unit: 'vcpu', hours: count });
const told = (work: Work, overrides: Partial<ShapeLimits> = {}, types = [NANODE]) =>
  shapesFor(work, types, { ...limits, ...overrides }).shapes.map(
    ({ type, nodes, hours, cost }) => `${nodes} × ${type.id}, ${hours} h, $${toUsd(cost)}`,
  );

describe('the clusters that do some work within a budget', () => {
  it('are the fastest, the cheapest, and some between them', () => {
    expect(told(vcpuHours(100))).toEqual([
      '66 × g6-nanode-1, 2 h, $0.99',
      '1 × g6-nanode-1, 101 h, $0.7575',
      '53 × g6-nanode-1, 2 h, $0.795',
      '35 × g6-nanode-1, 3 h, $0.7875',
      '26 × g6-nanode-1, 4 h, $0.78',
      '17 × g6-nanode-1, 6 h, $0.765',
    ]);
  });

  it('pay for the hour that boot, the last hour and the safety margin take up', () => {
    expect(told(vcpuHours(1), { nodesMax: 1 })).toEqual(['1 × g6-nanode-1, 2 h, $0.015']);
    expect(told(vcpuHours(0.9), { nodesMax: 1 })).toEqual(['1 × g6-nanode-1, 1 h, $0.0075']);
  });

  it('waste what they pay for time without work', () => {
    const [shape] = shapesFor(vcpuHours(0.5), [NANODE], { ...limits, nodesMax: 1 }).shapes;
    expect(shape).toMatchObject({ wasted: usd(0.00375), takes: minutes(32) });
  });

  it('are of the types whose processors work', () => {
    const work: Work = { unit: 'gpu', hours: 0.5 };
    expect(told(work, { budget: usd(2) }, [NANODE, GPU])).toEqual([
      '1 × g1-gpu-rtx6000-1, 1 h, $1.5',
    ]);
  });

  it('name the smallest budget that would do where the budget does not', () => {
    const { shapes, smallestBudget } = shapesFor(vcpuHours(1_000), [NANODE, DEDICATED], limits);
    expect(shapes).toEqual([]);
    expect(toUsd(smallestBudget ?? usd(0))).toBeCloseTo(7.5, 0);
    const none = shapesFor({ unit: 'gpu', hours: 1 }, [NANODE], limits);
    expect(none).toEqual({ shapes: [], smallestBudget: null });
  });

  const work = fc.integer({ min: 1, max: 200_000 }).map((count) => vcpuHours(count / 100));
  const bounds = fc.record({
    budget: fc.integer({ min: 1, max: 50_000 }).map((mills) => usd(mills / 1_000)),
    nodesMax: fc.integer({ min: 1, max: 60 }),
    from: fc.integer({ min: 0, max: 40 * 24 * 60 }).map((count) => plus(from, minutes(count))),
    transfer: fc.option(
      fc.integer({ min: 0, max: 3_000 }).map((gb) => ({ gb, gbPrice: usd(0.005) })),
    ),
  });

  it('last long enough by their own quotes, at no more than their cost', () => {
    fc.assert(
      fc.property(work, bounds, (asked, given) => {
        const all = { ...limits, ...given };
        for (const shape of shapesFor(asked, [NANODE, DEDICATED], all).shapes) {
          const { nodes, hours: maxHours, cost: budget } = shape;
          const offered = { price: shape.type.price ?? NANODE.price, nodes, budget, maxHours };
          const { gb = null, gbPrice = usd(0) } = all.transfer ?? {};
          const terms = all.transfer && { gb: shape.type.transferGb, gbPrice };
          const planned = { transferGb: gb, terms };
          const quoted = quote({ ...offered, ...planned, marginMs: all.marginMs, from: all.from });
          expect(quoted.spentAtTeardown).toBeLessThanOrEqual(shape.cost);
          expect(quoted.teardownAt).toBeGreaterThanOrEqual(plus(all.from, shape.takes));
          expect(shape.cost).toBeLessThanOrEqual(all.budget);
          expect(shape.wasted).toBeLessThanOrEqual(shape.cost);
        }
      }),
    );
  });

  it('leave out no cluster that is faster than the fastest, or cheaper than the cheapest', () => {
    fc.assert(
      fc.property(
        work,
        bounds,
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(NANODE, DEDICATED),
        (asked, given, nodes, one) => {
          const all = { ...limits, ...given };
          const found = shapesFor(asked, [NANODE, DEDICATED], all);
          const alone = { ...all, nodesMin: nodes, nodesMax: nodes };
          const [other] = nodes > all.nodesMax ? [] : shapesFor(asked, [one], alone).shapes;
          if (other === undefined) return;
          const [fastest, cheapest = fastest] = found.shapes;
          expect(fastest?.takes).toBeLessThanOrEqual(other.takes);
          expect(cheapest?.cost).toBeLessThanOrEqual(other.cost);
          expect(found.smallestBudget).toBeLessThanOrEqual(other.cost);
        },
      ),
    );
  });

  it('cost no more than the monthly price in a month', () => {
    const capped = { ...NANODE, price: price(0.0075, 5) };
    const inOneMonth = { ...limits, from: epochMs(Date.parse('2026-11-01T00:00:00Z')) };
    const bounds = { ...inOneMonth, budget: usd(20), nodesMax: 1 };
    const [shape] = shapesFor(vcpuHours(690), [capped], bounds).shapes;
    expect(shape).toMatchObject({ hours: 691, cost: usd(5) });
  });
});
