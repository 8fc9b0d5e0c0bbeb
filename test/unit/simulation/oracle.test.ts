import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceToMicroUsd } from '../../../lib/core/base/money.ts';
import { epochMs } from '../../../lib/core/base/units.ts';
import { spend } from '../../../lib/core/billing/bill.ts';
import { billUntil, Oracle, overageUntil } from '../../../simulation/oracle.ts';
import { types } from '../../../simulators/linode/catalogue.ts';
import { at } from '../../support/builders.ts';
import { anInstanceAt } from '../../support/instances.ts';

const HOUR = 3_600_000;

describe('the oracle bills', () => {
  const NOON = at('2026-11-10T12:00:00.250Z');

  it.each([
    ['an instant as an hour', 0, 7_500],
    ['an hour as one', HOUR, 7_500],
    ['a millisecond more as two', HOUR + 1, 15_000],
    ['thirteen hours as thirteen', 13 * HOUR, 97_500],
  ])('%s', (_, ms, bill) => {
    expect(billUntil(anInstanceAt(NOON), NOON - 250 + ms)).toBe(bill);
  });

  it('an hour that touches two months in both', () => {
    const created = at('2026-11-30T23:30:00Z');
    expect(billUntil(anInstanceAt(created), created + HOUR)).toBe(15_000);
    expect(billUntil(anInstanceAt(created), at('2026-12-01T00:00:00Z'))).toBe(7_500);
    expect(billUntil(anInstanceAt(created), at('2026-12-01T00:00:00.001Z'))).toBe(15_000);
  });

  it('a month at its price, and each month anew', () => {
    const created = at('2026-11-01T00:00:00Z');
    expect(billUntil(anInstanceAt(created), at('2026-12-01T00:00:00Z'))).toBe(5_000_000);
    expect(billUntil(anInstanceAt(created), at('2026-12-01T10:00:00Z'))).toBe(5_075_000);
  });

  it('from the whole second that Linode shows', () => {
    const created = at('2026-11-10T12:00:00.999Z');
    expect(billUntil(anInstanceAt(created), at('2026-11-10T13:00:00Z'))).toBe(7_500);
    expect(billUntil(anInstanceAt(created), at('2026-11-10T13:00:00.001Z'))).toBe(15_000);
  });

  it('backups beside the machine, at the prices of the region', () => {
    const linode = anInstanceAt(NOON, { region: 'br-gru', backups_enabled: true });
    expect(billUntil(linode, NOON + 1)).toBe(10_500 + 4_000);
  });

  it('each started GB beyond what the whole hours of Linodes bring', () => {
    const sends = [{ fromSeconds: 0, untilSeconds: null, bytesPerSecond: 500_000 }];
    const linodes = Array.from({ length: 10 }, (_, id) => ({
      ...anInstanceAt(NOON, {}, id),
      sends,
    }));
    const overage = (hours: number) => overageUntil(linodes, () => NOON - 250 + hours * HOUR);
    // 18 GB an hour, of which the first of two hours brings 13.
    expect([1, 2].map(overage)).toEqual([18 * 5_000, (36 - 13) * 5_000]);
    const there = linodes.map((linode) => ({ ...linode, region: 'id-cgk' }));
    expect(overageUntil(there, () => NOON + HOUR - 250)).toBe(18 * 15_000);
  });

  it('transfer of each month by itself, and of a burst only while it lasts', () => {
    const created = at('2026-11-30T23:30:00Z');
    const burst = [{ fromSeconds: 1_200, untilSeconds: 2_400, bytesPerSecond: 3e6 }];
    const linode = { ...anInstanceAt(created), sends: burst };
    // 1.8 GB in each of the two months.
    expect(overageUntil([linode], () => created + 5 * HOUR)).toBe(2 * 5_000);
    expect(overageUntil([linode], () => created + HOUR)).toBe(4 * 5_000);
    // 0.6 GB are background traffic.
    const quiet = { ...linode, sends: [{ ...burst[0], bytesPerSecond: 1e6 }] };
    expect(overageUntil([quiet as typeof linode], () => created + HOUR)).toBe(0);
  });

  it('while time passes, the amount that it bills at the end', () => {
    const oracle = new Oracle();
    const running = anInstanceAt(NOON);
    for (let now: number = NOON; now < NOON + 4.5 * HOUR; now += 61_234)
      oracle.advance([running], now);
    expect(oracle.billOf([1])).toBe(37_500);
    oracle.advance([{ ...running, deleted: NOON - 250 + 5 * HOUR }], NOON + 9 * HOUR);
    expect(oracle.billOf([1])).toBe(37_500);
    expect(oracle.billOf([2])).toBe(0);
  });

  it('the same as lib/core/billing, which computes the bill in another way', () => {
    const { price } = types.get('g6-standard-1') as { price: { hourly: number; monthly: number } };
    const microUsdPrice = {
      hourly: priceToMicroUsd(price.hourly),
      monthly: priceToMicroUsd(price.monthly),
    };
    const year = at('2026-01-01T00:00:00Z');
    const length = fc.oneof(
      fc.nat({ max: 3 * HOUR }),
      fc.nat({ max: 800 * HOUR }),
      fc.nat({ max: 60 }).map((hours) => hours * HOUR),
    );
    const property = fc.property(fc.nat({ max: 365 * 24 * HOUR }), length, (from, ms) => {
      const created = year + from;
      const linode = anInstanceAt(created, { type: 'g6-standard-1' });
      const node = {
        billedFrom: epochMs(created - (created % 1_000)),
        billedUntil: null,
        price: microUsdPrice,
      };
      expect(spend([node], epochMs(created + ms))).toBe(billUntil(linode, created + ms));
    });
    fc.assert(property, { numRuns: 300 });
  });
});
