import { expect, it } from 'vitest';
import type { BilledCluster } from '../../../client/answers.ts';
import { type BillColumn, billRows, fitsOnPage } from '../../../web/src/bill-table.ts';
import { barsAround, monthsUpTo } from '../../../web/src/months.ts';

const row = (id: string, more: Partial<BilledCluster> = {}): BilledCluster => ({
  ...{ id, name: null, owner: 'ann', type: 'g6-nanode-1', region: 'us-east' },
  ...{ launchedAt: '2026-11-01T00:00:00.000Z', endedAt: '2026-11-02T00:00:00.000Z' },
  ...{ nodes: 1, nodeHours: 1, hourlyUsd: 0.0075, forecastUsd: null, billedUsd: 0.0075 },
  ...{ invoicedUsd: null, differenceUsd: null, differences: [], invoiceIds: [] },
  ...more,
});
const ROWS = [
  row('cb', { name: 'z', nodeHours: 9, billedUsd: 3, invoicedUsd: 1 }),
  row('ca', { owner: 'bob', endedAt: null, nodeHours: 9, billedUsd: 1 }),
  row('cc', { endedAt: '2026-11-01T05:00:00.000Z', nodeHours: 2, billedUsd: 2, invoicedUsd: 2 }),
];
const ids = (key: BillColumn, isDown = false, owner = '') =>
  billRows(ROWS, owner, { key, isDown }).map(({ id }) => id[1]);

it('the table of a bill sorts by each column both ways, and by id where two are alike', () => {
  expect(ids('name')).toEqual(['a', 'c', 'b']);
  expect(ids('ended')).toEqual(['c', 'b', 'a']);
  expect(ids('hours')).toEqual(['c', 'a', 'b']);
  expect(ids('hours', true)).toEqual(['a', 'b', 'c']);
  expect(ids('billed', true)).toEqual(['b', 'c', 'a']);
  expect(ids('invoiced')).toEqual(['a', 'b', 'c']);
});

it('the table of a bill may show one owner', () => {
  expect(ids('ended', false, 'ann')).toEqual(['c', 'b']);
});

it('a printed page has 24 clusters of one owner, or 5 below 20 owners and 5 kinds', () => {
  expect(fitsOnPage({ clusters: 24, owners: 1, kinds: 0 })).toBe(true);
  expect(fitsOnPage({ clusters: 25, owners: 1, kinds: 0 })).toBe(false);
  expect(fitsOnPage({ clusters: 5, owners: 20, kinds: 5 })).toBe(true);
  expect(fitsOnPage({ clusters: 300, owners: 20, kinds: 0 })).toBe(false);
  expect(fitsOnPage({ clusters: 9, owners: 500, kinds: 1 })).toBe(true);
});

it('the bars are those of the last months, or of the months up to an earlier one', () => {
  const months = monthsUpTo('2026-11', 13);
  const ends = ['2026-11', '2026-06', '2026-05', '2025-12', '2025-11'].map((chosen) => {
    const bars = barsAround(months, chosen, 6);
    return [bars.length, bars[0], bars.at(-1), bars.includes(chosen)];
  });
  expect(ends).toEqual([
    [6, '2026-06', '2026-11', true],
    [6, '2026-06', '2026-11', true],
    [6, '2025-12', '2026-05', true],
    [6, '2025-11', '2026-04', true],
    [6, '2025-11', '2026-04', true],
  ]);
});
