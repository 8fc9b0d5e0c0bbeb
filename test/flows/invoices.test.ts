import { beforeEach, describe, expect, it } from 'vitest';
import { report } from '../../lib/app/report.ts';
import { hours, plus } from '../../lib/core/base/units.ts';
import { ENDED_KEPT } from '../../lib/core/cluster/record.ts';
import { renderReport } from '../../lib/http/render-report.ts';
import { at } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

const MARCH = '2026-03';

let world: World;

async function reportOn(month: string, owner = 'admin') {
  const { clock, store, invoices } = world;
  const deps = { clock, store, invoices, endedKept: ENDED_KEPT };
  return report(deps, owner, { month, owner: null, cursor: null });
}

const rendered = async (month: string, owner?: string) =>
  renderReport(await reportOn(month, owner), null);

describe('a cluster that lives to its teardown time', () => {
  beforeEach(async () => {
    world = await aWorld({ linode: { invoices: { monthEndHour: 'both', taxPercent: 8 } } });
    await world.launch({ nodes: 10, budgetUsd: 1 });
    await world.reapUntil(plus(START, hours(14)));
  });

  it('is forecast, recorded and invoiced the same to the micro-dollar', async () => {
    world.clock.set(at('2026-04-01T06:00:00Z'));
    const before = await rendered(MARCH);
    expect(before).toMatchObject({ billedUsd: 0.975, invoicedUsd: null, taxUsd: null });
    await world.readInvoices();
    const { byCluster, ...sums } = await rendered(MARCH);
    const figures = { forecastUsd: 0.975, billedUsd: 0.975, invoicedUsd: 0.975 };
    expect(sums).toMatchObject({ ...figures, taxUsd: 0.078, differences: [] });
    expect(byCluster).toMatchObject([
      { ...figures, differenceUsd: 0, differences: [], nodeHours: 130 },
    ]);
    expect(world.invoiceNotices).toEqual([]);
    expect(await rendered(MARCH, 'ann')).toMatchObject({ ...figures, differences: [] });
  });

  it('is told of if Linode bills it otherwise, and again if an old invoice is corrected', async () => {
    world.linode.updateSettings({
      invoices: { differences: [{ labels: '-3$', kind: 'price', factor: 2 }], overageGb: 10 },
    });
    world.clock.set(at('2026-04-01T06:00:00Z'));
    await world.readInvoices();
    const { byCluster, differences } = await rendered(MARCH);
    expect(byCluster).toMatchObject([
      {
        ...{ invoicedUsd: 1.0725, differenceUsd: 0.0975 },
        differences: [
          { kind: 'price', usd: 0.0975, advice: expect.stringContaining('price list') },
        ],
      },
    ]);
    expect(differences).toMatchObject([{ kind: 'transfer', usd: 0.05 }]);
    const told = () =>
      world.invoiceNotices.map(({ owner, difference }) => [owner, difference.kind]);
    expect(told()).toEqual([
      ['ann', 'price'],
      ['admin', 'transfer'],
    ]);
    const [invoiceId] = byCluster[0]?.invoiceIds ?? [];
    world.linode.correctInvoice(invoiceId ?? 0, { labels: '-3 ', factor: 0.5 });
    world.clock.set(at('2026-04-01T12:00:00Z'));
    await world.readInvoices();
    expect((await rendered(MARCH)).byCluster).toMatchObject([{ invoicedUsd: 0.975 }]);
    expect(told()).toHaveLength(2);
  });
});
