import { describe, expect, it } from 'vitest';
import { billCsv } from '../../client/bill.ts';
import { report } from '../../lib/app/report.ts';
import { type MicroUsd, sum, toUsd } from '../../lib/core/base/money.ts';
import { type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import {
  type MonthName,
  monthName,
  monthNamed,
  spendByMonth,
} from '../../lib/core/billing/bill.ts';
import { billedNodes, spentByMonthOf } from '../../lib/core/cluster/bills.ts';
import {
  type ClusterRecord,
  ENDED_KEPT,
  type NodeRecord,
  type Sent,
} from '../../lib/core/cluster/record.ts';
import type { Digest } from '../../lib/core/notices/digest/digest.ts';
import { messageOf } from '../../lib/core/notices/message.ts';
import { renderReport } from '../../lib/http/render-report.ts';
import { aBought, anEnded, aRunning, at, created, gone, price, usd } from '../support/builders.ts';
import { id } from '../support/cluster-store-contract.ts';
import { aWorld, type World } from '../support/flow-world.ts';
import { callLinode } from '../support/simulated-linode.ts';

const FEBRUARY = at('2026-02-25T00:00:00Z');
const MARCH: MonthName = '2026-03';
/** When the functions `digest` and `invoices` run. */
const APRIL = at('2026-04-01T06:00:00Z');

const TYPES = [
  { type: 'g6-nanode-1', price: price(0.0075, 5), gb: 1_000 },
  { type: 'g6-standard-1', price: price(0.018, 12), gb: 2_000 },
  { type: 'g6-standard-2', price: price(0.036, 24), gb: 4_000 },
] as const;

/** One of 300 clusters of 20 owners. */
interface Planned {
  readonly n: number;
  readonly machine: (typeof TYPES)[number];
  readonly from: EpochMs;
  /** null: it still lives in April. */
  readonly until: EpochMs | null;
  readonly nodes: number;
  /** Of each node, to the internet, for its whole life. */
  readonly bytesPerSecond: number;
}

/**
 * Some live from February on, some into April, and some on; every fourth sends, most of them more
 * than their nodes bring.
 */
const plans: readonly Planned[] = Array.from({ length: 300 }, (_, n) => {
  const from = plus(FEBRUARY, minutes((n * 7_919) % (35 * 24 * 60)));
  const until = plus(from, minutes(1 + ((n * 104_729) % 4_500)));
  return {
    ...{ n, from, machine: TYPES[n % 3] ?? TYPES[0], nodes: 1 + (n % 7) },
    until: n % 25 === 0 || until > APRIL ? null : until,
    bytesPerSecond: n % 4 === 0 ? 1e6 * (1 + (n % 31)) : 0,
  };
});

const labelOf = (n: number, index: number) => `onebuck-${id(n)}-${index}` as const;

/** What each Linode sends, as a setting of the simulated Linode. */
const sends = plans
  .filter(({ bytesPerSecond }) => bytesPerSecond > 0)
  .map(({ n, bytesPerSecond }) => {
    return { label: `-${id(n)}-`, fromSeconds: 0, untilSeconds: null, bytesPerSecond };
  });

/** Has the simulated Linode create and delete all nodes; returns the records of their clusters. */
async function lived(world: World): Promise<ClusterRecord[]> {
  const ids = new Map<string, number>();
  const events = plans.flatMap(({ n, from, until, nodes, machine }) =>
    Array.from({ length: nodes }, (_, index) => labelOf(n, index)).flatMap((label) => [
      { at: from, label, isEnd: false, type: machine.type },
      ...(until === null ? [] : [{ at: until, label, isEnd: true, type: machine.type }]),
    ]),
  );
  for (const { at: time, label, isEnd, type } of events.toSorted((a, b) => a.at - b.at)) {
    world.clock.set(time);
    if (isEnd) {
      await callLinode(world.linode, 'DELETE', `/linode/instances/${ids.get(label)}`);
      continue;
    }
    const body = { type, region: 'us-east', label };
    const { json } = await callLinode(world.linode, 'POST', '/linode/instances', { body });
    ids.set(label, json.id);
  }
  return plans.map((plan) => recordOf(plan, ids));
}

function recordOf(plan: Planned, ids: ReadonlyMap<string, number> = new Map()): ClusterRecord {
  const { n, machine, from, until, nodes: count } = plan;
  const { gb, ...paid } = machine;
  const sent = sentBy(plan);
  const common = {
    ...{ id: id(n), owner: `owner${n % 20}`, createdAt: from, budget: usd(100) },
    bought: aBought({ ...paid, transfer: { gb, gbPrice: usd(0.005) } }),
    ...(sent === null ? {} : { sent }),
  };
  const nodes = Array.from({ length: count }, (_, index): NodeRecord => {
    const label = labelOf(n, index);
    const node = { linodeId: ids.get(label) ?? index, billedFrom: from, label };
    return until === null ? created(index, node) : gone(index, { ...node, billedUntil: until });
  });
  if (until === null) return aRunning({ ...common, nodes });
  const ended = anEnded({ ...common, nodes, endedAt: until });
  return { ...ended, spent: sum(Object.values(spentByMonthOf(ended, until))) };
}

/** What was measured of the cluster's nodes at its end, or in April; null: they send nothing. */
function sentBy({ from, until, nodes, bytesPerSecond }: Planned): Sent | null {
  if (bytesPerSecond === 0) return null;
  const measuredAt = until ?? APRIL;
  const ofNode: Record<MonthName, number> = {};
  for (let start: EpochMs = from; start < measuredAt; ) {
    const { end } = monthNamed(monthName(start));
    const seconds = (Math.min(end, measuredAt) - start) / 1_000;
    ofNode[monthName(start)] = seconds * bytesPerSecond;
    start = end;
  }
  const month = monthName(measuredAt);
  const { [month]: last = 0, ...earlier } = ofNode;
  const ofEach = <T>(value: T) => Array.from({ length: nodes }, () => value);
  return {
    ...{ at: measuredAt, month, rate: 0 },
    bytes: ofEach(last),
    measuredAt: ofEach(measuredAt),
    expected: ofEach(0),
    before: Object.fromEntries(Object.entries(earlier).map(([name, one]) => [name, one * nodes])),
  };
}

describe('a month of 300 clusters of 20 owners', () => {
  it('comes to the same in report, rows, owners, digests, both CSVs, and the invoice', async () => {
    const linode = { rateLimited: false, sends, invoices: { monthEndHour: 'both' } } as const;
    const world = await aWorld({ linode });
    const records = await lived(world);
    for (const record of records) await world.store.insert(record);
    world.clock.set(APRIL);
    await world.readInvoices();
    expect(await world.sendDigests('monthly')).toBeUndefined();
    world.clock.set(at('2026-04-09T12:34:56Z'));
    const { clock, store, invoices } = world;
    const query = { month: MARCH, owner: null, cursor: null };
    const deps = { clock, store, invoices, endedKept: ENDED_KEPT };
    const reported = await report(deps, 'admin', query);
    const { total, byOwner, byCluster, account } = reported;

    // 1. Report, rows, owners, digests and CSVs are the same to the micro-dollar.
    expect(sum(byCluster.map(({ billed }) => billed))).toBe(total.billed);
    expect(sum((byOwner ?? []).map(({ billed }) => billed))).toBe(total.billed);
    const [admin, ...owners] = world.digestsSent;
    expect(admin?.tally.totals).toEqual(total);
    expect(admin?.byOwner?.map(({ cap: _, ...totals }) => totals)).toEqual(byOwner);
    expect(owners).toHaveLength(20);
    for (const { owner, tally } of owners) {
      expect({ owner, ...tally.totals }).toEqual(byOwner?.find((one) => one.owner === owner));
    }
    expect(sumOf('billedUsd', csvOf(admin as Digest))).toBe(total.billed);
    expect(sum(owners.map((digest) => sumOf('billedUsd', csvOf(digest))))).toBe(total.billed);
    const finance = billCsv(renderReport(reported, null));
    expect(sumOf('billedUsd', finance)).toBe(total.billed);

    // 2. The hours are those of the invoice.
    const items = await itemsOf(world, MARCH);
    const hourly = items.filter(({ type }) => type === 'hourly');
    const ofHours = sum(records.map(hoursCostIn));
    expect(sum(hourly.map(({ amount }) => amount))).toBe(ofHours);

    // 3. Linode bills transfer in one item, for the pool to which clusters bring that send nothing:
    //    it is less than the records count, and each cluster has its share of it. What clusters have
    //    less than recorded is all by which report and invoice differ.
    const [pool, ...others] = items.filter(({ type }) => type === 'misc');
    expect(others).toEqual([]);
    expect(pool?.amount).toBeLessThan(total.billed - ofHours);
    const invoiced = sum(items.map(({ amount }) => amount));
    const differences = byCluster.flatMap((one) => one.invoiced?.differences ?? []);
    expect(new Set(differences.map(({ kind }) => kind))).toEqual(new Set(['transfer']));
    const less = differences.reduce((all, { amount }) => all + amount, 0);
    expect(total.billed + less).toBe(invoiced);
    expect(sumOf('invoicedUsd', finance)).toBe(invoiced);
    expect(account).toMatchObject({ differences: [], evidence: { startMonth: 0, endMonth: 0 } });
    expect(account?.evidence.bothMonths).toBeGreaterThan(5);
    expect(world.invoiceNotices).toEqual([]);

    // Quoted in docs/reliability.md.
    expect({
      ...{ clusters: total.clusters, nodes: hourly.length, nodeHours: total.nodeHours },
      hoursUsd: toUsd(ofHours),
      billedUsd: toUsd(total.billed),
      poolUsd: toUsd(pool?.amount ?? usd(0)),
      invoicedUsd: toUsd(invoiced),
    }).toMatchInlineSnapshot(`
      {
        "billedUsd": 4282.2875,
        "clusters": 279,
        "hoursUsd": 1136.9375,
        "invoicedUsd": 3646.1975,
        "nodeHours": 53416,
        "nodes": 1105,
        "poolUsd": 2509.26,
      }
    `);
  });

  it('comes to the same in its weeks as in its months', async () => {
    const records = plans.map((plan) => recordOf(plan)).filter(({ phase }) => phase === 'deleted');
    const world = await aWorld();
    for (const record of records) await world.store.insert(record);
    for (let n = 0; n < 8; n += 1) {
      world.clock.set(plus(at('2026-03-02T02:00:00Z'), hours(n * 7 * 24)));
      await world.sendDigests('weekly');
    }
    const ofAll = world.digestsSent.filter(({ byOwner }) => byOwner !== null);
    const spent = records.reduce((all, record) => all + ('spent' in record ? record.spent : 0), 0);
    expect(sum(ofAll.map(({ tally }) => tally.totals.billed))).toBe(spent);
    expect(ofAll.reduce((all, { tally }) => all + tally.ended, 0)).toBe(records.length);
  });
});

const hoursCostIn = (record: ClusterRecord): MicroUsd =>
  spendByMonth(billedNodes(record), APRIL)[MARCH] ?? usd(0);

const csvOf = (digest: Digest): string[] => `${messageOf(digest).json.csv}`.trimEnd().split('\r\n');

/** The sum of a column of a table whose names have no comma. */
function sumOf(name: string, [head = '', ...rows]: readonly string[]): MicroUsd {
  const column = head.split(',').indexOf(name);
  return sum(rows.map((row) => usd(Number(row.split(',')[column]))));
}

/** The items of the simulated Linode's invoices for the month, as its API shows them. */
async function itemsOf({ linode }: World, month: MonthName) {
  const { json } = await callLinode(linode, 'GET', '/account/invoices');
  const found: { type: 'hourly' | 'misc'; amount: MicroUsd }[] = [];
  for (const { id: invoiceId } of json.data) {
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const path = `/account/invoices/${invoiceId}/items?page=${page}&page_size=500`;
      const shown = (await callLinode(linode, 'GET', path)).json;
      pages = shown.pages;
      for (const { from, type, amount } of shown.data) {
        if (from.startsWith(month)) found.push({ type, amount: usd(amount) });
      }
    }
  }
  return found;
}
