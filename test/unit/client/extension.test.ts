import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../client/answers.ts';
import { dollarsMore, type Extension, extensionOf, outlookOf } from '../../../client/extension.ts';
import { type EpochMs, hours, minutes, plus, toIso } from '../../../lib/core/base/units.ts';
import { readAs } from '../../../lib/core/billing/price.ts';
import { changeCluster, parseChange } from '../../../lib/core/cluster/change.ts';
import { lifeOf } from '../../../lib/core/cluster/life.ts';
import type { Running } from '../../../lib/core/cluster/record.ts';
import { renderCluster } from '../../../lib/http/render.ts';
import {
  aBought,
  aCluster,
  aRunning,
  at,
  created,
  gone,
  neverCreated,
  planned,
  price,
  usd,
} from '../../support/builders.ts';
import { aCluster as anAnswer } from './builders.ts';

/** What was bought: a nanode's price, with a monthly price only if given. */
const bought = (monthly: number | null = null) => aBought({ price: price(0.0075, monthly) });
const startedAt = (...isos: readonly string[]) =>
  isos.map((iso, index) => created(index, { billedFrom: at(iso) }));
/** A minute after the nodes of the builders were created. */
const LATE = '2026-11-10T15:01:00Z';
/** A minute after the creation of the cluster's youngest node. */
const nowOf = (record: Running): EpochMs =>
  plus(Math.max(...startsOf(record)) as EpochMs, minutes(1));
const startsOf = ({ nodes }: Pick<Running, 'nodes'>) =>
  nodes.flatMap((node) => ('billedFrom' in node ? [node.billedFrom] : []));

/** The extension that a client asks for by the API's answer, and its effect. */
function extend(record: Running, more: number, now = nowOf(record)) {
  const extension = extensionOf(renderCluster(record, now) as Cluster, more, now);
  if (extension === null) return expect.fail('the cluster cannot be extended');
  return { extension, ...withChange(record, extension.change, now) };
}

/** The record after the change, and by how much the API moves the teardown time, in ms. */
function withChange(record: Running, change: Extension['change'], now: EpochMs) {
  const limits = { nodesMax: 100, budgetMax: usd(1_000_000) };
  const parsed = parseChange(change, limits as never);
  if (!parsed.ok) return expect.fail(JSON.stringify(parsed.faults));
  const changed = changeCluster(record, parsed.change, { now, owner: 'ann' });
  if (changed.kind !== 'changed') return expect.fail(changed.kind);
  const { next } = changed;
  return { next, byMs: lifeOf(next, now).teardownAt - lifeOf(record, now).teardownAt };
}

describe('an hour more', () => {
  it('costs an hour of each node, less the rest of the budget', () => {
    const record = aRunning({
      budget: usd(1),
      bought: bought(),
      nodes: Array.from({ length: 10 }, (_, index) => created(index)),
    });
    expect(extend(record, 1)).toMatchObject({
      extension: { change: { budgetUsd: 1.05 }, costUsd: 0.075 },
      byMs: hours(1),
    });
  });

  it('raises maxHours where they end the cluster, and no budget that pays the hours', () => {
    const record = aRunning({ budget: usd(1), maxHours: 5, bought: bought() });
    expect(extend(record, 2)).toMatchObject({
      extension: { change: { maxHours: 7 }, costUsd: 0.03 },
      byMs: hours(2),
    });
  });

  it('raises budget and maxHours where both end the cluster', () => {
    const record = aRunning({ budget: usd(0.075), maxHours: 5, bought: bought() });
    expect(extend(record, 1).extension.change).toEqual({ budgetUsd: 0.09, maxHours: 6 });
  });

  it('does not raise maxHours where the budget ends the cluster before', () => {
    const record = aRunning({ budget: usd(0.06), maxHours: 5, bought: bought() });
    expect(extend(record, 1).extension.change).toEqual({ budgetUsd: 0.075 });
  });

  it('is null where the cluster is in deletion', () => {
    const going = { status: 'deleting', affordableHours: null } as const;
    expect(extensionOf(anAnswer(going), 1, 0)).toBeNull();
    expect(extensionOf(anAnswer({ ...going, teardownAt: null }), 1, 0)).toBeNull();
  });
});

/* Two nodes of $0.0075 an hour each, created at 20:30 on the last day of November. */
describe('an hour more at a month’s end', () => {
  const nodes = startedAt('2026-11-30T20:30:00Z', '2026-11-30T20:30:00Z');
  const lasting = (budget: number) => aRunning({ budget: usd(budget), bought: bought(), nodes });

  it('costs twice as much where the month ends in that hour', () => {
    // The budget pays three hours, to 23:30; the fourth hour is billed in both months.
    const record = lasting(0.045);
    expect(toIso(lifeOf(record, nowOf(record)).lastAffordable)).toBe('2026-11-30T23:30:00.000Z');
    expect(extend(record, 1)).toMatchObject({
      extension: { change: { budgetUsd: 0.075 }, costUsd: 0.03 },
      byMs: hours(1),
    });
  });

  it('costs no more than usual where that hour is billed once', () => {
    const price = readAs(bought().price, 'startMonth');
    const record = { ...lasting(0.045), bought: { ...bought(), price } };
    expect(extend(record, 1)).toMatchObject({
      extension: { change: { budgetUsd: 0.06 }, costUsd: 0.015 },
      byMs: hours(1),
    });
  });

  it('is a whole hour where the budget would end the cluster with the month', () => {
    // The budget pays the fourth hour in November only, so the cluster would end at midnight.
    const record = lasting(0.06);
    expect(toIso(lifeOf(record, nowOf(record)).lastAffordable)).toBe('2026-12-01T00:00:00.000Z');
    const { extension, next } = extend(record, 1);
    // The extension costs the fourth hour in December and the fifth hour; the budget has half.
    expect(extension).toEqual({ change: { budgetUsd: 0.09 }, costUsd: 0.03 });
    expect(toIso(lifeOf(next, nowOf(record)).lastAffordable)).toBe('2026-12-01T01:30:00.000Z');
  });

  it('costs no more than usual where the month ends at an hour mark', () => {
    const record = aRunning({
      ...{ budget: usd(0.03), bought: bought() },
      nodes: startedAt('2026-11-30T22:00:00Z', '2026-11-30T22:00:00Z'),
    });
    expect(extend(record, 1)).toMatchObject({
      extension: { change: { budgetUsd: 0.045 }, costUsd: 0.015 },
      byMs: hours(1),
    });
  });

  it('costs no more than usual once the month has ended', () => {
    expect(extend(lasting(0.075), 1).extension).toEqual({
      ...{ change: { budgetUsd: 0.09 }, costUsd: 0.015 },
    });
  });

  it('raises the budget for the month’s end even where maxHours end the cluster', () => {
    const record = { ...lasting(0.06), maxHours: 3 };
    expect(extend(record, 1)).toMatchObject({
      extension: { change: { budgetUsd: 0.075, maxHours: 4 }, costUsd: 0.03 },
      byMs: hours(1),
    });
  });

  it('costs one hour twice of many hours', () => {
    expect(extend(lasting(0.03), 48)).toMatchObject({
      extension: { change: { budgetUsd: 0.765 }, costUsd: 0.735 },
      byMs: hours(48),
    });
  });
});

describe('more hours of any cluster', () => {
  it('move the teardown time by at least as many hours, and smaller limits would not', () => {
    const start = at('2026-11-30T12:00:00Z');
    const cluster = fc.record({
      startMinute: fc.integer({ min: 0, max: 24 * 60 }),
      delaysMs: fc.array(fc.integer({ min: 0, max: 40 * 60_000 }), { minLength: 1, maxLength: 6 }),
      budgetMicro: fc.integer({ min: 1, max: 2_000_000 }),
      maxHours: fc.option(fc.integer({ min: 2, max: 60 })),
      others: fc.array(fc.constantFrom('gone', 'neverCreated'), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(cluster, fc.integer({ min: 1, max: 60 }), (drawn, more) => {
        const { startMinute, delaysMs, budgetMicro, maxHours, others } = drawn;
        const from = plus(start, minutes(startMinute));
        const record = aRunning({
          nodes: [
            ...delaysMs.map((ms, index) => created(index, { billedFrom: plus(from, ms as never) })),
            ...others.map((state) =>
              state === 'gone'
                ? gone(9, { billedFrom: from, billedUntil: plus(from, minutes(1)) })
                : neverCreated(9),
            ),
          ],
          // At least two hours for each node, so that the teardown has not begun.
          budget: usd(0.03 * delaysMs.length + 0.015 * others.length + budgetMicro / 1e6),
          ...{ maxHours, bought: bought() },
        });
        const now = nowOf(record);
        const { extension, byMs } = extend(record, more);
        expect(byMs).toBeGreaterThanOrEqual(hours(more));
        const { budgetUsd, maxHours: hoursMax } = extension.change;
        const smallerLimits = [
          ...(budgetUsd === undefined
            ? []
            : [{ budgetUsd: (Math.round(Number(budgetUsd) * 1e6) - 1) / 1e6 }]),
          ...(typeof hoursMax === 'number' ? [{ maxHours: hoursMax - 1 }] : []),
        ];
        expect(smallerLimits.length).toBeGreaterThan(0);
        for (const smaller of smallerLimits) {
          const short = withChange(record, { ...extension.change, ...smaller }, now);
          expect(short.byMs).toBeLessThan(hours(more));
        }
      }),
    );
  });
});

describe('more hours where the API’s answer does not show the whole bill', () => {
  it('are paid in full where a node is gone, whose bill the budget has paid', () => {
    const record = aRunning({
      ...{ budget: usd(0.2), bought: bought() },
      nodes: [created(0), created(1), gone(2, { billedUntil: at('2026-11-10T18:30:00Z') })],
    });
    const now = at('2026-11-10T19:00:00Z');
    const { extension, byMs } = extend(record, 3, now);
    // Its 4 hours of $0.2 leave $0.17 for the others, of which 11 hours take $0.165.
    expect(extension).toEqual({ change: { budgetUsd: 0.24 }, costUsd: 0.045 });
    expect(byMs).toBe(hours(3));
  });

  it.each([
    ['were never created', (index: number) => neverCreated(index)],
    ['were deleted, being late', (index: number) => gone(index, { billedUntil: at(LATE) })],
  ])('buy as many hours where 7 of 10 nodes %s', (_, other) => {
    const up = [created(0), created(1), created(2)];
    const nodes = [...up, ...Array.from({ length: 7 }, (_unused, index) => other(index + 3))];
    const record = aRunning({ budget: usd(0.3), bought: bought(), nodes });
    const { extension, byMs } = extend(record, 2);
    expect(extension.costUsd).toBe(0.045);
    expect(byMs).toBe(hours(2));
  });

  it('raise no budget that pays for them where the most hours end the cluster', () => {
    const record = aRunning({
      ...{ budget: usd(1), maxHours: 5, bought: bought() },
      nodes: [created(0), created(1), gone(2, { billedUntil: at(LATE) })],
    });
    const { extension, byMs } = extend(record, 2);
    expect(extension).toEqual({ change: { maxHours: 7 }, costUsd: 0.03 });
    expect(byMs).toBe(hours(2));
  });

  it('are none where no node is left', () => {
    const nodes = [gone(0, { billedUntil: at(LATE) })];
    const record = aRunning({ bought: bought(), nodes });
    const answer = renderCluster(record, at('2026-11-10T19:00:00Z')) as Cluster;
    expect(extensionOf(answer, 1, at('2026-11-10T19:00:00Z'))).toBeNull();
  });

  it('are paid in full where a node has reached its monthly price', () => {
    const record = aRunning({
      ...{ budget: usd(10.15), bought: bought(5) },
      nodes: startedAt('2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z'),
    });
    const { extension, byMs } = extend(record, 2);
    expect(extension).toEqual({ change: { budgetUsd: 10.18 }, costUsd: 0.03 });
    expect(byMs).toBe(hours(2));
  });

  it('are paid in full for planned nodes too', () => {
    const nodes = [created(0), planned(1), planned(2)];
    const record = aCluster({ budget: usd(0.1), bought: bought(), nodes });
    const now = at('2026-11-10T15:02:00Z');
    const { extension, byMs } = extend(record as never, 1, now);
    expect(extension.costUsd).toBe(0.0225);
    expect(byMs).toBeGreaterThanOrEqual(hours(1));
  });
});

describe('the outlook of other limits', () => {
  const answerOf = (record: Running, now: EpochMs) => renderCluster(record, now) as Cluster;

  it('is the teardown time and the bill that the API gives once they are set', () => {
    const limits = fc.record({
      budgetUsd: fc.integer({ min: 1, max: 200 }).map((cents) => cents / 100),
      maxHours: fc.option(fc.integer({ min: 1, max: 60 })),
    });
    let compared = 0;
    fc.assert(
      fc.property(limits, (change) => {
        const nodes = [created(0), created(1), gone(2, { billedUntil: at(LATE) })];
        const record = aRunning({ budget: usd(1), maxHours: 40, bought: bought(), nodes });
        const now = plus(nowOf(record), hours(2));
        const outlook = outlookOf(answerOf(record, now), change, now);
        const parsed = parseChange(change, { nodesMax: 9, budgetMax: usd(1_000) } as never);
        if (!parsed.ok || outlook === null) return expect.fail('no outlook');
        const changed = changeCluster(record, parsed.change, { now, owner: 'ann' });
        expect(outlook.teardownAt > now).toBe(changed.kind === 'changed');
        if (changed.kind !== 'changed') return;
        compared += 1;
        const after = answerOf(changed.next as Running, now);
        expect(toIso(outlook.teardownAt as EpochMs)).toBe(after.teardownAt);
        expect(outlook.spentUsd).toBe(after.spentAtTeardownUsd);
      }),
    );
    expect(compared).toBeGreaterThan(10);
  });

  it('is null where the cluster is in deletion, or its teardown comes earlier than its limits say', () => {
    expect(
      outlookOf(anAnswer({ status: 'deleting', affordableHours: null }), limits, 0),
    ).toBeNull();
    const early = anAnswer({ teardownAt: '2026-11-10T11:00:00.000Z' });
    expect(outlookOf(early, limits, Date.parse('2026-11-10T10:30:00Z'))).toBeNull();
  });
  const limits = { budgetUsd: 1, maxHours: null };
});

it('dollarsMore adds dollars to the budget exactly', () => {
  expect(dollarsMore({ budgetUsd: 0.1 }, 0.2)).toEqual({ budgetUsd: 0.3 });
});
