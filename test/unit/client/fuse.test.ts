import { describe, expect, it } from 'vitest';
import { fuseOf, type Lifespan, lifespanOf, markStep, nextMark } from '../../../client/fuse.ts';
import { aCluster } from './builders.ts';

const HOUR = 3_600_000;
const FROM = Date.parse('2026-11-10T10:00:00Z');
/** A lifespan of four hours, with the teardown three minutes before their end. */
const aLifespan = (overrides: Partial<Lifespan> = {}): Lifespan => ({
  ...{ from: FROM, hours: 4, teardownAt: FROM + 4 * HOUR - 180_000 },
  ...overrides,
});
const at = (hours: number) => FROM + hours * HOUR;

describe('the lifespan of a cluster', () => {
  it('begins with the first node, and lasts as many hours as the budget affords', () => {
    const [first, second] = aCluster().nodes as [never, never];
    const late = { ...(first as object), createdAt: '2026-11-10T10:00:30.000Z' } as never;
    expect(lifespanOf(aCluster({ nodes: [late, second] }))).toEqual(aLifespan());
  });

  it('has not begun before a node is created', () => {
    const nodes = aCluster().nodes.map((node) => ({ ...node, createdAt: null }));
    expect(lifespanOf(aCluster({ nodes }))).toEqual(aLifespan({ from: null }));
  });

  it('is null for a cluster in deletion', () => {
    expect(lifespanOf(aCluster({ status: 'deleting', affordableHours: null }))).toBeNull();
  });
});

describe('a fuse', () => {
  it.each([
    ['before its start', -1, 0, 1],
    ['at its start', 0, 0, 1],
    ['within an hour', 1.5, 1.5, 2],
    ['at an hour mark', 2, 2, 2],
    ['at its end', 4, 4, 4],
    ['where the teardown is late', 5.5, 4, 4],
  ])('has the burnt and the paid hours: %s', (_, hours, burnt, paid) => {
    expect(fuseOf(aLifespan(), at(hours))).toEqual({ hours: 4, burnt, paid, cut: 3.95 });
  });

  it('has neither burnt nor paid hours before the first node is billed', () => {
    const lifespan = aLifespan({ from: null });
    expect(fuseOf(lifespan, at(3))).toEqual({ hours: 4, burnt: 0, paid: 0, cut: 4 });
    expect(nextMark(lifespan, at(3))).toBeNull();
  });

  it.each([
    [0, 1],
    [1, 1],
    [HOUR, 1],
    [HOUR + 1, 2],
    [-5, 1],
  ])('%d ms after its start has its next mark at hour %d', (after, hour) => {
    expect(nextMark(aLifespan(), FROM + after)).toBe(at(hour));
  });

  it.each([
    [4, 3, 3],
    [30, 13, 24],
    [9_000, 8_761, 9_000],
  ])('of %d hours with marks at least %d hours apart has a mark every %d', (hours, least, step) => {
    expect(markStep(hours, (candidate) => candidate >= least)).toBe(step);
  });
});
