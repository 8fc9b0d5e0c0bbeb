import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lifespan } from '../../../client/fuse.ts';
import { cordPath, layOut } from '../../../web/src/fuse.ts';

const HOUR = 3_600_000;
const FROM = Date.parse('2026-11-10T10:00:00Z');
const aLifespan = (overrides: Partial<Lifespan> = {}): Lifespan => ({
  from: FROM,
  hours: 10,
  teardownAt: FROM + 10 * HOUR - 180_000,
  ...overrides,
});

describe('a fuse', () => {
  it('is burnt until now, and paid until the end of the started hour', () => {
    expect(layOut(aLifespan(), FROM + 2.5 * HOUR, 1000)).toMatchObject({ burntX: 250, paidX: 300 });
  });

  it('is cut at the teardown time, a little before its end', () => {
    expect(layOut(aLifespan(), FROM, 1000).cutX).toBeCloseTo(995);
  });

  it('marks each hour, and labels as many marks as the width has room for', () => {
    const { marks } = layOut(aLifespan({ hours: 13 }), FROM, 300);
    expect(marks).toHaveLength(14);
    expect(marks.filter(({ label }) => label).map(({ label }) => label)).toEqual([
      '0',
      '2',
      '4',
      '6',
      '8',
      '10',
      '12',
    ]);
  });

  it('of a hundred days has a mark for each day', () => {
    const { marks } = layOut(aLifespan({ hours: 2400 }), FROM, 600);
    expect(marks.length).toBeLessThan(130);
    expect(marks[1]?.hour).toBe(24);
  });

  it('is always within its width, and never burns backwards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.double({ min: -2, max: 6000, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        (hours, width, after, later) => {
          const lifespan = aLifespan({ hours, teardownAt: FROM + hours * HOUR - 180_000 });
          const now = FROM + after * HOUR;
          const fuse = layOut(lifespan, now, width);
          for (const x of [fuse.burntX, fuse.paidX, fuse.cutX]) {
            expect(x).toBeGreaterThanOrEqual(0);
            expect(x).toBeLessThanOrEqual(width);
          }
          expect(fuse.paidX).toBeGreaterThanOrEqual(fuse.burntX);
          expect(layOut(lifespan, now + later * HOUR, width).burntX).toBeGreaterThanOrEqual(
            fuse.burntX,
          );
        },
      ),
    );
  });
});

describe('cordPath', () => {
  it('is a path of lines from one end of the cord to the other', () => {
    expect(cordPath(10, 25, 0)).toMatch(/^M10\.0 .*L12\.0 .*L18\.0 .*L24\.0 .*L25\.0 [-\d.]+$/);
  });

  it('is empty where the cord has no length', () => {
    expect(cordPath(10, 10, 0)).toBe('');
  });
});
