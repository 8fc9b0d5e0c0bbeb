import { describe, expect, it } from 'vitest';
import { fuseOf, type Lifespan, lifespanOf, markStep, nextMark } from '../../../client/fuse.ts';
import { aCluster } from './builders.ts';

const HOUR = 3_600_000;
const FROM = Date.parse('2026-11-10T10:00:00Z');
/** Four hours, cut three minutes before their end. */
const aLifespan = (some: Partial<Lifespan> = {}): Lifespan => ({
  ...{ from: FROM, hours: 4, teardownAt: FROM + 4 * HOUR - 180_000 },
  ...some,
});
const at = (hours: number) => FROM + hours * HOUR;

describe('the lifespan of a cluster', () => {
  it('begins with its first node, and lasts as long as its budget', () => {
    const [one, two] = aCluster().nodes as [never, never];
    const late = { ...(one as object), createdAt: '2026-11-10T10:00:30.000Z' } as never;
    expect(lifespanOf(aCluster({ nodes: [late, two] }))).toEqual(aLifespan());
  });

  it('has not begun before there is a node', () => {
    const nodes = aCluster().nodes.map((node) => ({ ...node, createdAt: null }));
    expect(lifespanOf(aCluster({ nodes }))).toEqual(aLifespan({ from: null }));
  });

  it('is none for a cluster on its way out', () => {
    expect(lifespanOf(aCluster({ status: 'deleting', affordableHours: null }))).toBeNull();
  });
});

describe('a fuse', () => {
  it.each([
    ['before it is lit', -1, 0, 1],
    ['as it is lit', 0, 0, 1],
    ['within an hour', 1.5, 1.5, 2],
    ['at an hour mark', 2, 2, 2],
    ['when all is burnt', 4, 4, 4],
    ['where the teardown is late', 5.5, 4, 4],
  ])('is burnt and paid as far as time has come: %s', (_, hours, burnt, paid) => {
    expect(fuseOf(aLifespan(), at(hours))).toEqual({ hours: 4, burnt, paid, cut: 3.95 });
  });

  it('burns nothing, and nothing is paid, before the first node is billed', () => {
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
  ])('%d ms in, the hours up to mark %d are paid', (after, hour) => {
    expect(nextMark(aLifespan(), FROM + after)).toBe(at(hour));
  });

  it.each([
    [4, 3, 3],
    [30, 13, 24],
    [9_000, 8_761, 9_000],
  ])('of %d hours has marks that fit: at least %d apart, so %d', (hours, least, step) => {
    expect(markStep(hours, (some) => some >= least)).toBe(step);
  });
});
