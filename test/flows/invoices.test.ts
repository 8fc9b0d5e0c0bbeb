import { beforeEach, describe, expect, it } from 'vitest';
import { report } from '../../lib/app/report.ts';
import { sum, toUsd } from '../../lib/core/base/money.ts';
import { type EpochMs, epochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { spend } from '../../lib/core/billing/bill.ts';
import { billedNodes } from '../../lib/core/cluster/bills.ts';
import { type ClusterRecord, ENDED_KEPT, type NodeRecord } from '../../lib/core/cluster/record.ts';
import { renderReport } from '../../lib/http/render-report.ts';
import type { InvoiceItem } from '../../simulators/linode/simulator.ts';
import { aBought, anEnded, aRunning, at, created, gone, price } from '../support/builders.ts';
import { id } from '../support/cluster-store-contract.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';
import { callLinode } from '../support/simulated-linode.ts';

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

/** 300 clusters of 20 owners in March 2026: some from February on, some into April, some live. */
const FEBRUARY = at('2026-02-25T00:00:00Z');
const TYPES = [
  ['g6-nanode-1', price(0.0075, 5)],
  ['g6-standard-1', price(0.018, 12)],
  ['g6-standard-2', price(0.036, 24)],
] as const;

interface Planned {
  readonly n: number;
  readonly from: EpochMs;
  readonly until: EpochMs | null;
  readonly nodes: number;
}

const plans: readonly Planned[] = Array.from({ length: 300 }, (_, n) => {
  const from = plus(FEBRUARY, minutes((n * 7_919) % (35 * 24 * 60)));
  const until = n % 25 === 0 ? null : plus(from, minutes(1 + ((n * 104_729) % 4_500)));
  return { n, from, until, nodes: 1 + (n % 4) };
});

/** Has the simulated Linode create and delete the nodes of all clusters, in the order of time. */
async function lived(): Promise<ClusterRecord[]> {
  const ids = new Map<string, number>();
  const events = plans.flatMap(({ n, from, until, nodes }) =>
    Array.from({ length: nodes }, (_, index) => `onebuck-${id(n)}-${index}`).flatMap((label) => [
      { at: from, label, isEnd: false, type: TYPES[n % 3]?.[0] },
      ...(until === null ? [] : [{ at: until, label, isEnd: true, type: undefined }]),
    ]),
  );
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    world.clock.set(epochMs(event.at));
    if (event.isEnd) {
      await callLinode(world.linode, 'DELETE', `/linode/instances/${ids.get(event.label)}`);
      continue;
    }
    const body = { type: event.type, region: 'us-east', label: event.label };
    const { json } = await callLinode(world.linode, 'POST', '/linode/instances', { body });
    ids.set(event.label, json.id);
  }
  return plans.map((plan) => recordOf(plan, ids));
}

function recordOf({ n, from, until, nodes }: Planned, ids: ReadonlyMap<string, number>) {
  const [type, paid] = TYPES[n % 3] ?? TYPES[0];
  const common = {
    ...{ id: id(n), owner: `owner${n % 20}`, createdAt: from },
    bought: aBought({ type, price: paid }),
  };
  const machines = Array.from({ length: nodes }, (_, index): NodeRecord => {
    const linodeId = ids.get(`onebuck-${id(n)}-${index}`) ?? 0;
    const machine = { linodeId, billedFrom: from, label: `onebuck-${id(n)}-${index}` as const };
    return until === null
      ? created(index, machine)
      : gone(index, { ...machine, billedUntil: until });
  });
  if (until === null) return aRunning({ ...common, nodes: machines });
  const ended = anEnded({ ...common, nodes: machines, endedAt: until });
  return { ...ended, spent: spend(billedNodes(ended), until) };
}

describe('a month of 300 clusters of 20 owners', () => {
  it('comes to the same micro-dollar in report, rows, owners and invoice', async () => {
    world = await aWorld({
      linode: { rateLimited: false, invoices: { monthEndHour: 'both' } },
    });
    const records = await lived();
    for (const record of records) await world.store.insert(record);
    world.clock.set(at('2026-04-01T06:00:00Z'));
    await world.readInvoices();
    const { total, byOwner, byCluster, account } = await reportOn(MARCH);
    const billed = sum(byCluster.map((one) => one.billed));
    const invoiced = byCluster.reduce((all, one) => all + (one.invoiced?.invoiced ?? 0), 0);
    const items = await itemsOfMarch();
    expect(billed).toBe(total.billed);
    expect(sum((byOwner ?? []).map((one) => one.billed))).toBe(total.billed);
    expect(invoiced).toBe(total.billed);
    expect(items.reduce((all, { microUsd }) => all + microUsd, 0)).toBe(total.billed);
    expect(byCluster.flatMap((one) => one.invoiced?.differences ?? [])).toEqual([]);
    expect(account).toMatchObject({ differences: [], evidence: { startMonth: 0, endMonth: 0 } });
    expect(account?.evidence.bothMonths).toBeGreaterThan(5);
    expect(world.invoiceNotices).toEqual([]);
    // Quoted in docs/reliability.md.
    expect([
      total.clusters,
      items.length,
      total.nodeHours,
      toUsd(total.billed),
    ]).toMatchInlineSnapshot(`
      [
        279,
        697,
        35078,
        733.871,
      ]
    `);
  });
});

/** The items of the simulated Linode's invoices for March, as its API shows them. */
async function itemsOfMarch(): Promise<Pick<InvoiceItem, 'microUsd'>[]> {
  const { json } = await callLinode(world.linode, 'GET', '/account/invoices');
  const found: { microUsd: number }[] = [];
  for (const { id: invoiceId } of json.data) {
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const path = `/account/invoices/${invoiceId}/items?page=${page}&page_size=500`;
      const shown = (await callLinode(world.linode, 'GET', path)).json;
      pages = shown.pages;
      for (const { from, amount } of shown.data) {
        if (from.startsWith(MARCH)) found.push({ microUsd: Math.round(amount * 1e6) });
      }
    }
  }
  return found;
}
