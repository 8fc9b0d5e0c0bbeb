import { describe, expect, it } from 'vitest';
import { reapTag } from '../../../../lib/core/base/names.ts';
import { type EpochMs, hours, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import type { KindPrice, LiveRecord } from '../../../../lib/core/cluster/record.ts';
import { arePricesDue, kindsOf, withPricesRead } from '../../../../lib/core/pass/kinds.ts';
import { plan } from '../../../../lib/core/pass/plan.ts';
import {
  aBought,
  aDeleting,
  aLinode,
  aRunning,
  created,
  LAUNCH,
  OUR_TAGS,
  price,
  teardownOf,
} from '../../../support/builders.ts';

const NANODE = { type: 'g6-nanode-1', region: 'us-east' };
const at = (minute: number): EpochMs => plus(LAUNCH, minutes(minute));
const listed = (hourly: number, backups: number | null = 0.003): KindPrice => ({
  ...NANODE,
  price: price(hourly, 5),
  backupsPrice: backups === null ? null : price(backups, 2),
});
const record = aRunning({ nodes: [created(0), created(1)] });
const read = (before: LiveRecord, found: KindPrice[], minute: number, isManaged = false) =>
  withPricesRead(before, { found, isManaged, gbPrice: null }, at(minute));

describe('prices', () => {
  it('are read about each hour, and at once for a kind without a price', () => {
    expect(arePricesDue(record, at(49))).toBe(false);
    expect(arePricesDue(record, at(50))).toBe(true);
    const later = read(record, [listed(0.0075)], 50);
    expect([99, 100].map((minute) => arePricesDue(later, at(minute)))).toEqual([false, true]);
    const changes = [{ type: 'g6-standard-2', region: 'us-east', from: at(1), to: at(2) }];
    const changed = aRunning({ nodes: [created(0, { changes }), created(1, { changes })] });
    expect(arePricesDue(changed, at(2))).toBe(true);
    expect(kindsOf(changed)).toEqual([NANODE, { type: 'g6-standard-2', region: 'us-east' }]);
  });

  it('are not read when the teardown is due, and again while it lasts', () => {
    const teardownAt = teardownOf(record, LAUNCH);
    expect(arePricesDue(record, plus(teardownAt, minutes(-2)))).toBe(true);
    expect(arePricesDue(record, plus(teardownAt, minutes(-1)))).toBe(false);
    expect(arePricesDue(aDeleting({ nodes: [created(0)] }), at(500))).toBe(true);
  });

  it('that could not be read are looked for again in five minutes', () => {
    const running = aRunning({ nodes: [created(0)], notified: ['launched'] });
    const tags = [...OUR_TAGS, reapTag(teardownOf(running, at(50)))];
    const untilOf = (before: LiveRecord) => plan(before, [aLinode({ tags })], at(50)).steps[0];
    expect(untilOf(running)).toMatchObject({ kind: 'wait', until: at(55) });
    expect(untilOf({ ...running, pricesReadAt: at(50) })).toMatchObject({ until: at(80) });
  });

  it('of a new kind are looked for every ten seconds', () => {
    const changes = [{ type: 'g6-standard-2', region: 'us-east', from: at(1), to: at(2) }];
    const changed = aRunning({ nodes: [created(0, { changes })], notified: ['launched'] });
    const tags = [...OUR_TAGS, reapTag(teardownOf(changed, at(2)))];
    const linode = aLinode({ type: 'g6-standard-2', tags });
    const until = plus(at(2), seconds(10));
    expect(plan(changed, [linode], at(2)).steps).toMatchObject([{ kind: 'wait', until }]);
  });

  it('that are as they were change only when they were read', () => {
    expect(read(record, [listed(0.0075)], 60)).toEqual({ ...record, pricesReadAt: at(60) });
  });

  it('that have risen count from the last reading on, or from the launch', () => {
    const first = read(record, [listed(0.01)], 60);
    expect(first.priceRises).toEqual([{ ...listed(0.01), from: at(-1), to: at(60) }]);
    expect(first.history.at(-1)?.event).toMatch(
      /^Linode has raised the price of g6-nanode-1 in us-east to \$0\.01 an hour: lasts until 2/,
    );
    const again = read(first, [listed(0.01)], 110);
    expect(again.priceRises).toHaveLength(1);
    const second = read(again, [listed(0.02)], 170);
    expect(second.priceRises?.[1]).toEqual({ ...listed(0.02), from: at(109), to: at(170) });
  });

  it('that fall, or that no list has any more, leave the record as it was', () => {
    const gone = { ...NANODE, price: null, backupsPrice: null };
    for (const found of [listed(0.001), gone]) {
      expect(read(record, [found], 60).priceRises).toBeUndefined();
    }
    const risen = read(record, [listed(0.02)], 60);
    expect(read(risen, [listed(0.01)], 120).priceRises).toEqual(risen.priceRises);
  });

  it('of backups count where they rise, and stay known where no list has them', () => {
    const dearer = read(record, [listed(0.0075, 0.005)], 60);
    expect(dearer.priceRises).toMatchObject([{ backupsPrice: price(0.005, 2) }]);
    const without = read(record, [listed(0.01, null)], 60);
    expect(without.priceRises).toMatchObject([{ backupsPrice: price(0.003, 2) }]);
    const unknown = { ...record, bought: aBought({ backupsPrice: null }) };
    expect(read(unknown, [listed(0.0075)], 60).priceRises).toMatchObject([
      { backupsPrice: price(0.003, 2) },
    ]);
  });

  it('that rise again and again keep the record small, and the bill high', () => {
    let next: LiveRecord = record;
    for (let n = 1; n <= 20; n += 1) next = read(next, [listed(0.0075 + n / 1_000)], 60 * n);
    expect(next.priceRises).toHaveLength(8);
    expect(next.priceRises?.at(-1)).toMatchObject({
      ...{ price: price(0.0275, 5), to: plus(LAUNCH, hours(8)) },
    });
  });
});

it('notes once that Linode manages the account', () => {
  const first = read(record, [], 60, true);
  expect(first).toMatchObject({ managedAt: at(60) });
  expect(first.history.at(-1)?.event).toBe('Linode manages the account from now on');
  const second = read(first, [], 120, true);
  expect(second).toEqual({ ...first, pricesReadAt: at(120) });
});
