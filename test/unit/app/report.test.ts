import { describe, expect, it } from 'vitest';
import { createClusterStore } from '../../../lib/adapters/dynamodb/clusters.ts';
import { type ReportQuery, report } from '../../../lib/app/report.ts';
import { type EpochMs, hours, plus, seconds } from '../../../lib/core/base/units.ts';
import { NOTHING } from '../../../lib/core/cluster/month-totals.ts';
import { type ClusterRecord, ENDED_KEPT } from '../../../lib/core/cluster/record.ts';
import { createMemoryInvoices } from '../../../simulators/aws/memory-invoices.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { anEnded, aRunning, at, created, gone, LAUNCH, usd } from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { aClock } from '../../support/doubles.ts';
import { anInvoicedCluster } from '../../support/invoice-store-contract.ts';
import { anEmptyTable, TABLE } from '../../support/table.ts';

const NOW = at('2026-11-20T12:00:00Z');
const ALL: ReportQuery = { month: '2026-11', owner: null, cursor: null };

const invoices = createMemoryInvoices();

async function reportOn(...records: readonly ClusterRecord[]) {
  const store = createClusterStore(await anEmptyTable(), TABLE.TableName);
  for (const record of records) await store.insert(record);
  return (owner: string, query: Partial<ReportQuery> = {}) =>
    report({ clock: aClock(NOW), store, invoices, endedKept: ENDED_KEPT }, owner, {
      ...ALL,
      ...query,
    });
}

/** An ended cluster of one node that existed for `length` hours. */
const endedAfter = (n: number, owner: string, length: number, createdAt: EpochMs = LAUNCH) => {
  const endedAt = plus(createdAt, hours(length));
  const nodes = [gone(0, { billedFrom: createdAt, billedUntil: endedAt })];
  return anEnded({ id: id(n), owner, createdAt, endedAt, nodes });
};

describe('report', () => {
  it("has an owner's totals of the month, of ended and of live clusters", async () => {
    const live = aRunning({ id: id(3), owner: 'ann', nodes: [created(0)] });
    const reportFor = await reportOn(endedAfter(1, 'ann', 5), endedAfter(2, 'bob', 7), live);
    const hoursOn = 9 * 24 + 21; // of the live cluster, from 15:00 on the 10th to noon on the 20th
    expect(await reportFor('ann')).toMatchObject({
      month: '2026-11',
      at: NOW,
      total: {
        clusters: 2,
        nodeHours: 5 + hoursOn,
        billed: usd((5 + hoursOn) * 0.0075),
        saved: usd((489 - 5 + 489 - hoursOn) * 0.0075),
        overspent: usd((hoursOn - 133) * 0.0075 - 0.0025),
      },
      byOwner: null,
      unreadable: [],
      nextCursor: null,
    });
    expect(await reportFor('eve')).toMatchObject({ total: NOTHING, byOwner: null });
  });

  it('reads 20 pages at most, and the next part from its cursor; the parts add up', async () => {
    const { clusters } = createMemoryTable();
    const count = 2_150;
    for (let n = 0; n < count; n += 1) {
      const owner = n % 2 === 0 ? 'ann' : 'bob';
      await clusters.insert(endedAfter(n, owner, 1, plus(LAUNCH, seconds(-n))));
    }
    const read = (cursor: string | null) =>
      report({ clock: aClock(NOW), store: clusters, invoices, endedKept: ENDED_KEPT }, 'admin', {
        ...ALL,
        cursor,
      });
    const first = await read(null);
    expect(first.total.clusters).toBe(2_000);
    const second = await read(first.nextCursor);
    expect([second.total.clusters, second.nextCursor]).toEqual([150, null]);
  });

  it('has at most as many clusters as an answer has room for', async () => {
    async function* livedIn() {
      for (let page = 0; page < 8; page += 1) {
        const records = Array.from({ length: 500 }, (_, n) => endedAfter(500 * page + n, 'ann', 1));
        yield { records, unreadable: [], nextCursor: `${page}` };
      }
    }
    const deps = { clock: aClock(NOW), store: { livedIn }, invoices, endedKept: ENDED_KEPT };
    const { byCluster, nextCursor } = await report(deps, 'ann', ALL);
    expect([byCluster.length, nextCursor]).toEqual([2_500, '4']);
  });

  it('names a cluster whose record can not be read, and counts all others', async () => {
    const damaged = { ...aRunning({ id: id(2) }), budget: 'much' as never };
    const reportFor = await reportOn(endedAfter(1, 'ann', 5), damaged, endedAfter(3, 'ann', 2));
    for (const owner of ['ann', 'admin']) {
      const { total, unreadable } = await reportFor(owner);
      expect([total.nodeHours, unreadable]).toEqual([7, [id(2)]]);
    }
    expect(await reportFor('bob')).toMatchObject({ unreadable: [] });
  });

  it("has everybody's totals for the admin, by owner and dearest first", async () => {
    const reportFor = await reportOn(
      endedAfter(1, 'ann', 5),
      endedAfter(2, 'bob', 7),
      endedAfter(3, 'ann', 1),
    );
    const all = await reportFor('admin');
    expect(all.total).toMatchObject({ clusters: 3, nodeHours: 13, billed: usd(13 * 0.0075) });
    expect(all.byOwner).toMatchObject([
      { owner: 'bob', clusters: 1, nodeHours: 7 },
      { owner: 'ann', clusters: 2, nodeHours: 6 },
    ]);
    const anns = await reportFor('admin', { owner: 'ann' });
    expect(anns.total).toMatchObject({ clusters: 2, nodeHours: 6 });
    expect(anns.byOwner).toMatchObject([{ owner: 'ann', nodeHours: 6 }]);
  });

  it('counts the part of a cluster that is billed in the month, whenever it began', async () => {
    const reportFor = await reportOn(endedAfter(1, 'ann', 24 * 5, at('2026-10-30T00:00:00Z')));
    expect((await reportFor('ann', { month: '2026-10' })).total).toMatchObject({ nodeHours: 48 });
    expect((await reportFor('ann')).total).toMatchObject({ clusters: 1, nodeHours: 72 });
    expect((await reportFor('ann', { month: '2026-09' })).total).toMatchObject({ clusters: 0 });
  });

  it("counts a node in the month of Linode's clock, where Onebuck's was in the next", async () => {
    const nodes = [created(0, { billedFrom: at('2026-10-31T23:59:58Z') })];
    const reportFor = await reportOn(aRunning({ createdAt: at('2026-11-01T00:00:01Z'), nodes }));
    expect((await reportFor('ann', { month: '2026-10' })).total).toMatchObject({ clusters: 1 });
  });

  it('has a share for each cluster, with what was forecast and invoiced', async () => {
    const forecast = { '2026-11': usd(0.05) };
    const records = [
      { ...endedAfter(1, 'ann', 5), forecast },
      endedAfter(2, 'bob', 7),
      { ...endedAfter(3, 'ann', 3, at('2026-10-30T00:00:00Z')), forecast },
    ];
    const store = createClusterStore(await anEmptyTable(), TABLE.TableName);
    for (const record of records) await store.insert(record);
    const invoiced = createMemoryInvoices();
    const read = (owner: string, query: Partial<ReportQuery> = {}) =>
      report({ clock: aClock(NOW), store, invoices: invoiced, endedKept: ENDED_KEPT }, owner, {
        ...ALL,
        ...query,
      });
    await invoiced.keepCluster({ id: id(1), month: '2026-11' }, anInvoicedCluster(), NOW);
    // Before an invoice bills the whole month, what is known of its clusters is not shown.
    const before = await read('admin');
    expect([before.account, before.byCluster.map((one) => one.invoiced)]).toEqual([
      null,
      [null, null],
    ]);
    const month = {
      ...{ invoiceIds: [7], differences: [], told: [] },
      evidence: { startMonth: 0, endMonth: 0, bothMonths: 0 },
    };
    await invoiced.keepMonth('2026-11', month, NOW);
    const { byCluster, account } = await read('admin');
    expect(account).toEqual(month);
    const rows = byCluster.map((one) => [
      one.record.id,
      one.nodeHours,
      one.billed,
      one.forecast,
      one.invoiced,
    ]);
    expect(rows.toSorted()).toEqual([
      [id(1), 5, usd(0.0375), usd(0.05), anInvoicedCluster()],
      [id(2), 7, usd(0.0525), null, null],
    ]);
    expect((await read('ann', { month: '2026-10' })).byCluster).toMatchObject([{ forecast: 0 }]);
    for (const query of [{ owner: 'ann' }, { owner: null }]) {
      const anns = await read(query.owner === null ? 'ann' : 'admin', query);
      expect([anns.account, anns.byCluster.map((one) => one.record.id)]).toEqual([null, [id(1)]]);
    }
  });

  it('is of the present month where the query names no month', async () => {
    const reportFor = await reportOn(endedAfter(1, 'ann', 5));
    expect(await reportFor('ann', { month: null })).toEqual(await reportFor('ann'));
  });

  it('refuses an owner the report of another owner', async () => {
    const reportFor = await reportOn();
    await expect(reportFor('ann', { owner: 'bob' })).rejects.toMatchObject({ code: 'invalid' });
  });

  it.each([
    ['2026-13', 'must be a month'],
    ['November', 'must be a month'],
    // Records are kept for 400 days: since 16 October 2025, so November is the first whole month.
    ['2025-10', 'must be 2025-11 or later'],
  ])('refuses the month %s', async (month, message) => {
    const reportFor = await reportOn();
    await expect(reportFor('ann', { month })).rejects.toMatchObject({
      code: 'invalid',
      details: { faults: [{ path: 'month', message: expect.stringContaining(message) }] },
    });
    await expect(reportFor('ann', { month: '2025-11' })).resolves.toMatchObject({ byOwner: null });
  });
});
