import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, hours, plus } from '../../../../lib/core/base/units.ts';
import { lastAffordable, spend } from '../../../../lib/core/billing/bill.ts';
import { readAs } from '../../../../lib/core/billing/price.ts';
import { newNodePrice, stretchesOf } from '../../../../lib/core/cluster/kinds.ts';
import { aBought, created, LAUNCH, price, usd } from '../../../support/builders.ts';

const HOUR = hours(1);
const bought = aBought({ price: price(0.01) });
const onceAt = (hourly: number) => readAs(price(hourly), 'startMonth');
const kind = { type: 'g6-standard-2', region: 'us-east' };
const recordAt = (hourly: number) => ({
  bought,
  kindPrices: [{ ...kind, price: price(hourly), backupsPrice: null }],
});
const changed = (from: number, to: number) =>
  created(0, {
    changes: [{ ...kind, from: plus(LAUNCH, from as never), to: plus(LAUNCH, to as never) }],
  });

it('bills a changed node as what it was until it was seen, and as what it is from the last look', () => {
  const node = changed(1.6 * HOUR, 2.1 * HOUR);
  expect(stretchesOf(recordAt(0.03), node, null)).toEqual([
    { billedFrom: LAUNCH, billedUntil: plus(LAUNCH, (2.1 * HOUR) as never), price: price(0.01) },
    {
      billedFrom: plus(LAUNCH, HOUR),
      billedUntil: null,
      price: price(0.03),
      hoursFrom: LAUNCH,
    },
  ]);
});

it('goes on at the dearest price that was seen', () => {
  const [, now] = stretchesOf(recordAt(0.001), changed(HOUR, 2 * HOUR), null);
  expect(now?.price).toEqual(price(0.01));
});

it('lets maxHours count from the creation of a changed node', () => {
  const nodes = stretchesOf(recordAt(0.03), changed(2 * HOUR, 3 * HOUR), null);
  const limits = { budget: usd(100), maxHours: 5 };
  expect(lastAffordable(nodes, limits)).toBe(plus(LAUNCH, hours(5)));
});

it('is never below the bill, by any reading of the hour in which the Linode changed', () => {
  const minute = fc.integer({ min: 0, max: 600 });
  const property = fc.property(
    fc.tuple(minute, minute, minute, minute),
    fc.integer({ min: 1, max: 60 }),
    (minutesDrawn, cents) => {
      const [from, at, to, end] = minutesDrawn
        .toSorted((a, b) => a - b)
        .map((drawn) => drawn * 60_000) as [number, number, number, number];
      const hourly = cents / 1_000;
      const spent = spend(
        stretchesOf(recordAt(hourly), changed(from, to), null),
        epochMs(LAUNCH + end),
      );
      const hoursOf = (length: number) => Math.max(1, Math.ceil(length / HOUR));
      // As two Linodes, one after the other, each for its started hours.
      const asTwo = hoursOf(at) * usd(0.01) + hoursOf(end - at) * usd(hourly);
      // As one, whose started hours cost what it was at their end.
      const whole = Math.floor(at / HOUR);
      const asOne = whole * usd(0.01) + Math.max(1, hoursOf(end) - whole) * usd(hourly);
      expect(spent).toBeGreaterThanOrEqual(Math.max(asTwo, end > at ? asOne : 0));
    },
  );
  fc.assert(property);
});

it('bills both months again where a node may have become another kind', () => {
  const once = { ...recordAt(0.03), bought: { ...bought, price: onceAt(0.01) } };
  const prices = (of: { bought: typeof bought }) =>
    stretchesOf(of, changed(1.6 * HOUR, 2.1 * HOUR), null).map((stretch) => stretch.price);
  expect(prices(once)).toEqual([onceAt(0.01), price(0.03)]);
  // Even as what it was at first, as its hours may begin at other instants now.
  expect(prices({ bought: { ...once.bought, ...kind } })).toEqual([onceAt(0.01), price(0.01)]);
});

describe('a price that Linode raises', () => {
  const at = (hour: number) => plus(LAUNCH, (hour * HOUR) as never);
  const rise = (from: number, to: number, hourly: number) => ({
    ...{ type: bought.type, region: bought.region, from: at(from), to: at(to) },
    ...{ price: price(hourly), backupsPrice: price(0.006) },
  });
  const raised = (...priceRises: ReturnType<typeof rise>[]) => ({ bought, priceRises });

  it('counts from the hour in which it was last seen as it was, and no hour counts twice', () => {
    const record = raised(rise(2.5, 3.4, 0.02), rise(4.1, 5.1, 0.03));
    const stretches = stretchesOf(record, created(0), null);
    expect(stretches).toMatchObject([
      { billedFrom: LAUNCH, billedUntil: at(2), price: price(0.01) },
      { billedFrom: at(2), billedUntil: at(4), price: price(0.02), hoursFrom: LAUNCH },
      { billedFrom: at(4), billedUntil: null, price: price(0.03), hoursFrom: LAUNCH },
    ]);
    expect(spend(stretches, at(6))).toBe(usd(0.02 + 0.04 + 0.06));
  });

  it('counts from the creation of a node that came after it', () => {
    const stretches = stretchesOf(raised(rise(-2, -1, 0.02)), created(0), null);
    expect(stretches).toMatchObject([{ billedFrom: LAUNCH, price: price(0.02) }]);
  });

  it('does not count for a node that was gone by then', () => {
    expect(stretchesOf(raised(rise(2.5, 3.4, 0.02)), created(0), at(1.5))).toEqual([
      { billedFrom: LAUNCH, billedUntil: at(1.5), price: price(0.01) },
    ]);
  });

  it('counts with the price of backups, for nodes that have them', () => {
    const [, then] = stretchesOf(raised(rise(1, 2, 0.02)), created(0, { backups: true }), null);
    expect(then?.price).toEqual(price(0.026));
  });

  it('bills hours across a month’s end as the price at the launch does', () => {
    const once = { ...bought, price: onceAt(0.01) };
    const record = { ...raised(rise(1, 2, 0.02)), bought: once };
    const [before, then] = stretchesOf(record, created(0), null);
    expect([before?.price, then?.price]).toEqual([onceAt(0.01), onceAt(0.02)]);
    expect(newNodePrice(record)).toEqual(onceAt(0.02));
    expect(newNodePrice({ bought: { ...once, backupsAssumed: true } })).toEqual(onceAt(0.013));
  });

  it('of another kind does not count', () => {
    const other = { ...rise(1, 2, 0.02), region: 'br-gru' };
    expect(stretchesOf({ bought, priceRises: [other] }, created(0), null)).toHaveLength(1);
  });

  it('is the price of nodes that do not exist yet', () => {
    expect(newNodePrice({ bought })).toEqual(price(0.01));
    const record = raised(rise(1, 2, 0.02), rise(2, 3, 0.03));
    expect(newNodePrice(record)).toEqual(price(0.03));
    const withBackups = { ...record, bought: { ...bought, backupsAssumed: true } };
    expect(newNodePrice(withBackups)).toEqual(price(0.036));
    const unknown = { ...bought, backupsPrice: null, backupsAssumed: true };
    expect(newNodePrice({ bought: unknown })).toEqual(price(0.01));
  });
});
