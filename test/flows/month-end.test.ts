import { expect, it } from 'vitest';
import { report } from '../../lib/app/report.ts';
import { hours, plus } from '../../lib/core/base/units.ts';
import type { MonthEndHour } from '../../lib/core/billing/price.ts';
import { ENDED_KEPT } from '../../lib/core/cluster/record.ts';
import { messageOf } from '../../lib/core/notices/message.ts';
import { renderLaunchQuote } from '../../lib/http/render.ts';
import { renderReport } from '../../lib/http/render-report.ts';
import { at, usd } from '../support/builders.ts';
import { aWorld } from '../support/flow-world.ts';

/** The fourth hour from then on runs into April. */
const LAUNCH = at('2026-03-31T20:10:00Z');
const APRIL = at('2026-04-01T00:00:00Z');

/**
 * Ten nanodes for a dollar live to their teardown time, over the end of March, and Linode's invoices
 * of both months are read.
 */
async function lived(
  monthEndHour: MonthEndHour,
  invoiced: 'once' | 'both',
  limits: Readonly<Record<string, number>> = {},
) {
  const linode = { invoices: { monthEndHour: invoiced } };
  const world = await aWorld({ settings: { monthEndHour }, linode });
  const { clock, store, invoices } = world;
  clock.set(LAUNCH);
  const { id } = await world.launch({ nodes: 10, budgetUsd: 1, ...limits });
  const { affordableHours } = renderLaunchQuote(await world.record(id));
  await world.reapUntil(plus(LAUNCH, hours(14)));
  clock.set(at('2026-05-01T06:00:00Z'));
  await world.readInvoices();
  const deps = { clock, store, invoices, endedKept: ENDED_KEPT };
  const reportOn = async (month: string) =>
    renderReport(await report(deps, 'admin', { month, owner: null, cursor: null }), null);
  const reports = [await reportOn('2026-03'), await reportOn('2026-04')] as const;
  return { affordableHours, ended: await world.record(id), reports, world };
}

it('says so if Linode bills the hour twice although MONTH_END_HOUR has it once', async () => {
  const { ended, reports, world } = await lived('startMonth', 'both');
  expect(ended).toMatchObject({ spent: usd(0.975), overspent: 0 });
  const [march, april] = reports;
  expect(march).toMatchObject({ invoicedUsd: 0.3, differences: [] });
  expect(april).toMatchObject({
    ...{ billedUsd: 0.675, invoicedUsd: 0.75 },
    byCluster: [{ differences: [{ kind: 'monthEnd', usd: 0.075 }] }],
    learnt: [{ reading: 'bothMonths', seen: 10 }],
  });
  const told = world.invoiceNotices.map((notice) => [notice.month, messageOf(notice).text]);
  expect(told).toEqual([['2026-04', expect.stringContaining('Set MONTH_END_HOUR to bothMonths')]]);
});

it('shows what Linode bills in a month in which the record has no hour', async () => {
  const { ended, reports } = await lived('startMonth', 'both', { maxHours: 4 });
  expect(ended).toMatchObject({ spent: usd(0.3), endedAt: expect.toSatisfy((end) => end > APRIL) });
  expect(reports[0]).toMatchObject({ billedUsd: 0.3, invoicedUsd: 0.3, clusters: 1 });
  expect(reports[1]).toMatchObject({
    ...{ billedUsd: 0, invoicedUsd: 0.075, clusters: 0, nodeHours: 0 },
    byCluster: [{ id: ended.id, differences: [{ kind: 'monthEnd', usd: 0.075 }] }],
  });
});

it('a budget pays an hour more where Linode bills the hour across a month’s end once', async () => {
  const both = await lived('bothMonths', 'both');
  const once = await lived('startMonth', 'once');
  expect([both.affordableHours, once.affordableHours]).toEqual([12, 13]);
  expect(once.ended).toMatchObject({ spent: usd(0.975), overspent: 0 });
  // Four hours of each node begin in March, and nine in April.
  const bills = (
    [
      [0.3, 40],
      [0.675, 90],
    ] as const
  ).map(([sum, nodeHours]) => ({
    ...{ forecastUsd: sum, billedUsd: sum, invoicedUsd: sum, nodeHours },
    byCluster: [{ differenceUsd: 0, differences: [] }],
  }));
  expect(once.reports).toMatchObject(bills);
  expect(once.world.invoiceNotices).toEqual([]);
  expect(both.ended).toMatchObject({ spent: usd(0.975), overspent: 0 });
  expect(both.reports).toMatchObject([{ invoicedUsd: 0.3 }, { invoicedUsd: 0.675 }]);
});
