import { expect, it } from 'vitest';
import type { ClusterShare, Report } from '../../../lib/app/report.ts';
import { NOTHING } from '../../../lib/core/cluster/month-totals.ts';
import { amount } from '../../../lib/core/invoices/amount.ts';
import { renderReport } from '../../../lib/http/render-report.ts';
import { reportSchema } from '../../../lib/http/schemas.ts';
import { anEnded, aRunning, at, ID, LAUNCH, usd } from '../../support/builders.ts';
import { anInvoicedCluster } from '../../support/invoice-store-contract.ts';

const total = {
  ...{ clusters: 1, nodeHours: 5 },
  ...{ billed: usd(0.0375), saved: usd(3.63), overspent: usd(0) },
};
const month = { month: '2026-11', at: '2026-11-20T12:00:00.000Z' };
const anns = {
  ...{ clusters: 1, nodeHours: 5 },
  ...{ billedUsd: 0.0375, savedUsd: 3.63, overspentUsd: 0 },
};
const noBill = { forecastUsd: 0, invoicedUsd: 0, taxUsd: 0, byCluster: [], differences: [] };

const aReport = (over: Partial<Report> = {}): Report => ({
  ...{ month: '2026-11', at: at('2026-11-20T12:00:00Z'), nextCursor: null },
  ...{ total, byOwner: null, byCluster: [], account: null, unreadable: [] },
  ...over,
});

const aShare = (over: Partial<ClusterShare> = {}): ClusterShare => ({
  ...{
    record: anEnded({ endedAt: at('2026-11-10T18:00:00Z') }),
    nodeHours: 8,
    hourly: usd(0.0075),
  },
  ...{
    forecast: usd(0.09),
    billed: usd(0.06),
    invoiced: anInvoicedCluster({ tax: amount(1_000) }),
  },
  ...over,
});

it('shows money in dollars, totals by owner only to the admin, and unreadable clusters', () => {
  expect(renderReport(aReport(), null)).toEqual({
    ...month,
    ...anns,
    ...noBill,
    monthlyCapUsd: null,
  });
  expect(renderReport(aReport({ total: NOTHING }), null)).toEqual({
    ...{ ...month, ...noBill, monthlyCapUsd: null },
    ...{ clusters: 0, nodeHours: 0, billedUsd: 0, savedUsd: 0, overspentUsd: 0 },
  });
  expect(renderReport(aReport({ nextCursor: 'next' }), null)).toMatchObject({ nextCursor: 'next' });
  const byOwner = [{ owner: 'ann', ...total }];
  const owners = [{ owner: 'ann', ...anns }];
  expect(renderReport(aReport({ byOwner, unreadable: [ID] }), usd(20))).toEqual({
    ...{ ...month, ...anns, ...noBill, monthlyCapUsd: 20, owners, unreadable: [ID] },
  });
});

it('shows the three figures of each cluster side by side, and why two of them differ', () => {
  const { byCluster, ...sums } = renderReport(aReport({ byCluster: [aShare()] }), null);
  expect(byCluster).toEqual([
    {
      ...{ id: ID, name: null, owner: 'ann', type: 'g6-nanode-1', region: 'us-east', nodes: 2 },
      ...{ launchedAt: '2026-11-10T15:00:00.000Z', endedAt: '2026-11-10T18:00:00.000Z' },
      ...{ nodeHours: 8, hourlyUsd: 0.0075 },
      ...{ forecastUsd: 0.09, billedUsd: 0.06, invoicedUsd: 0.0525, differenceUsd: -0.0075 },
      differences: [
        {
          ...{ kind: 'hours', usd: -0.0075 },
          text: 'Linode bills other hours than recorded for 1 node: −$0.0075.',
          advice: expect.stringContaining("Compare the item's dates"),
        },
      ],
      invoiceIds: [7],
    },
  ]);
  expect(sums).toMatchObject({ forecastUsd: 0.09, invoicedUsd: 0.0525, taxUsd: 0.001 });
});

it('shows null where an invoice or a forecast is missing, and a credit below 0', () => {
  const live = aShare({ record: aRunning(), forecast: null, invoiced: null });
  const shown = renderReport(aReport({ byCluster: [aShare(), live] }), null);
  expect(shown).toMatchObject({ forecastUsd: null, invoicedUsd: null, taxUsd: null });
  expect(shown.byCluster[1]).toMatchObject({
    ...{ endedAt: null, forecastUsd: null, invoicedUsd: null, differenceUsd: null },
    ...{ differences: [], invoiceIds: [] },
  });
  const credit = aShare({ invoiced: anInvoicedCluster({ invoiced: amount(-5_000) }) });
  expect(renderReport(aReport({ byCluster: [credit] }), null)).toMatchObject({
    invoicedUsd: -0.005,
  });
});

it('shows what belongs to no cluster, and what the invoices teach, within the schema', () => {
  const account = {
    invoiceIds: [7],
    differences: [
      { kind: 'transfer', amount: amount(1_500_000), count: 1, labels: ['Transfer Overage'] },
    ],
    evidence: { startMonth: 3, endMonth: 0, bothMonths: 0 },
    told: [],
  } as const;
  const shown = renderReport(aReport({ account, byCluster: [aShare()] }), null, 'startMonth');
  expect(shown).toMatchObject({
    differences: [{ kind: 'transfer', usd: 1.5, labels: ['Transfer Overage'] }],
    learnt: [
      {
        ...{ rule: 'monthEndHour', reading: 'startMonth', seen: 3, invoiceIds: [7] },
        setting: 'startMonth',
      },
    ],
  });
  expect(reportSchema.safeParse(JSON.parse(JSON.stringify(shown))).success).toBe(true);
});

it('fits an answer of Lambda with 3,000 clusters that each differ in four ways', () => {
  const differences = (['price', 'backups', 'notInvoiced', 'hours'] as const).map((kind) => ({
    ...{ kind, amount: amount(7_500), count: 500 },
  }));
  const share = aShare({
    record: aRunning({ createdAt: LAUNCH, owner: 'o'.repeat(64) }),
    invoiced: anInvoicedCluster({ differences }),
  });
  const byCluster = Array.from({ length: 3_000 }, () => share);
  const shown = JSON.stringify(renderReport(aReport({ byCluster }), null));
  expect(Buffer.byteLength(shown)).toBeLessThan(6_000_000);
});
