import { describe, expect, it } from 'vitest';
import { type InvoiceDeps, reconcileInvoices } from '../../../lib/app/reconcile-invoices.ts';
import { report } from '../../../lib/app/report.ts';
import { epochMs, hours, minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import { type ClusterRecord, ENDED_KEPT } from '../../../lib/core/cluster/record.ts';
import { amount } from '../../../lib/core/invoices/amount.ts';
import type { Invoice, InvoiceItem } from '../../../lib/core/invoices/invoice.ts';
import type { InvoiceNotice } from '../../../lib/core/notices/invoices.ts';
import { messageOf } from '../../../lib/core/notices/message.ts';
import { renderReport } from '../../../lib/http/render-report.ts';
import type { InvoiceStore } from '../../../lib/ports.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import {
  aBought,
  anEnded,
  at,
  gone,
  ID,
  LAUNCH,
  OTHER_ID,
  STAGE,
  usd,
} from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { aClock, aRecordingLog, recordingMetrics } from '../../support/doubles.ts';
import { anItem } from '../../support/invoice-store-contract.ts';

const NOVEMBER = '2026-11';
const FIRST = at('2026-12-01T00:00:00Z');
const PAGE = 500;

/** An ended cluster of one node that lived for three hours of a nanode: $0.0225. */
const aCluster = (over: Partial<ClusterRecord> & { linodeId?: number } = {}): ClusterRecord => {
  const { linodeId = 101, ...rest } = over;
  const billedUntil = plus(LAUNCH, hours(3));
  const nodes = [gone(0, { linodeId, billedFrom: LAUNCH, billedUntil })];
  return anEnded({ nodes, endedAt: billedUntil, spent: usd(0.0225), ...(rest as object) });
};

const anInvoice = (over: Partial<Invoice> = {}): Invoice => ({
  id: 7,
  date: FIRST,
  subtotal: amount(22_500),
  tax: amount(0),
  ...over,
});

interface Billed extends Invoice {
  readonly items: readonly InvoiceItem[];
}

/** The use case over tables in memory and invoices that the test sets. */
async function aWorld(records: readonly ClusterRecord[], invoices: readonly Billed[]) {
  const { clusters, invoices: memory } = createMemoryTable();
  for (const record of records) await clusters.insert(record);
  const clock = aClock(plus(FIRST, hours(3)));
  const log = aRecordingLog();
  const metrics = recordingMetrics();
  const notices: InvoiceNotice[] = [];
  const world = {
    invoices: [...invoices],
    isDenied: false,
    /** The pages that were read, as `invoice/page`. */
    pages: [] as string[],
    writes: [] as string[],
  };
  const store: InvoiceStore = {
    ...memory,
    keepCluster: async (ref, ...rest) => {
      world.writes.push(ref.id);
      await memory.keepCluster(ref, ...rest);
    },
  };
  const deps: InvoiceDeps = {
    clock,
    linode: {
      async invoices() {
        return world.isDenied ? 'unreadable' : world.invoices;
      },
      async invoiceItems(invoiceId, page) {
        const items = world.invoices.find((one) => one.id === invoiceId)?.items ?? [];
        const pages = Math.max(1, Math.ceil(items.length / PAGE));
        if (page > pages) return 'notFound';
        world.pages.push(`${invoiceId}/${page}`);
        const shown = items.slice((page - 1) * PAGE, page * PAGE);
        return { items: shown, pages, unreadable: 0 };
      },
    },
    store: clusters,
    invoices: store,
    metrics,
    notifier: { send: async (notice) => void notices.push(notice as InvoiceNotice) },
    log,
    stage: STAGE,
    endedKept: ENDED_KEPT,
  };
  const run = (over: Partial<InvoiceDeps> = {}) =>
    reconcileInvoices(
      { ...deps, ...over },
      {
        by: plus(clock.now(), minutes(4)),
        noticesMs: seconds(5),
      },
    );
  const kept = async (month = NOVEMBER) =>
    Object.fromEntries(
      await memory.clusters(
        records.map((one) => one.id),
        month,
      ),
    );
  return { world, run, kept, clock, log, metrics, notices, store, clusters };
}

describe('the invoice of a month', () => {
  it('is kept for each cluster, and nobody is told if it equals the record', async () => {
    const { run, kept, notices, metrics, store } = await aWorld(
      [aCluster()],
      [{ ...anInvoice(), items: [anItem({ tax: amount(100) })] }],
    );
    await run();
    expect(await kept()).toEqual({
      [ID]: {
        ...{ recorded: 22_500, invoiced: 22_500, tax: 100, differences: [] },
        ...{ invoiceIds: [7], told: [] },
      },
    });
    expect(await store.month(NOVEMBER)).toMatchObject({ invoiceIds: [7], differences: [] });
    expect([notices, metrics.emitted]).toEqual([[], []]);
  });

  it('that differs is told once to each owner, with the reason and what to do', async () => {
    const records = [
      aCluster(),
      aCluster({ id: OTHER_ID, linodeId: 102 }),
      aCluster({ id: id(3), linodeId: 103, owner: 'bob' }),
    ];
    const items = [
      anItem({ quantity: 5, amount: amount(37_500) }),
      anItem({ label: 'Linode 102', quantity: 4, amount: amount(30_000) }),
      anItem({ label: 'onebuck-cunknown222-0', amount: amount(1) }),
    ];
    const world = await aWorld(records, [{ ...anInvoice(), items }]);
    await world.run();
    const told = world.notices.map(messageOf);
    expect(told.map(({ json }) => [json.owner, json.difference, json.differenceUsd])).toEqual([
      ['ann', 'hours', 0.0225],
      ['bob', 'notInvoiced', -0.0225],
      ['admin', 'unknownLinode', 0.000001],
    ]);
    expect(told[0]).toMatchObject({
      subject: 'Onebuck test: invoice 7 has other hours',
      text: expect.stringMatching(
        /2 nodes: \+\$0\.0225\..*cabcdefg234 \+\$0\.015.*ask its support/,
      ),
    });
    expect(world.metrics.emitted).toEqual([{ InvoiceDifferences: 3 }]);
    const logged = world.log.entries.filter(({ level }) => level === 'error');
    expect(logged.map(({ message }) => message)).toEqual(
      Array(3).fill('an invoice differs from the records'),
    );
    world.clock.set(plus(world.clock.now(), hours(48)));
    await world.run();
    expect(world.notices).toHaveLength(3);
  });

  it('has the transfer that the record counts, and nobody is told of it', async () => {
    const at = plus(LAUNCH, hours(3));
    const sent = {
      ...{ at, month: NOVEMBER, bytes: [150e9], measuredAt: [at], expected: [0] },
      before: {},
      rate: 0,
    };
    const cluster = aCluster({
      bought: aBought({ transfer: { gb: 0, gbPrice: usd(0.005) } }),
      sent,
      spent: usd(0.7725),
    });
    const overage = anItem({ label: 'Outbound Transfer Overage', amount: amount(750_000) });
    const world = await aWorld([cluster], [{ ...anInvoice(), items: [anItem(), overage] }]);
    await world.run();
    expect(await world.kept()).toMatchObject({
      [ID]: { recorded: 772_500, invoiced: 772_500, differences: [] },
    });
    expect(await world.store.month(NOVEMBER)).toMatchObject({ differences: [] });
    expect(world.notices).toEqual([]);
    const { clock, clusters, store } = world;
    const deps = { clock, store: clusters, invoices: store, endedKept: ENDED_KEPT };
    const found = await report(deps, 'admin', { month: NOVEMBER, owner: null, cursor: null });
    expect(renderReport(found, null)).toMatchObject({
      ...{ billedUsd: 0.7725, invoicedUsd: 0.7725, differences: [] },
      byCluster: [{ billedUsd: 0.7725, invoicedUsd: 0.7725, differenceUsd: 0, differences: [] }],
    });
  });

  it('is not compared before an invoice is made after its end', async () => {
    const early = anInvoice({ date: at('2026-11-20T00:00:00Z') });
    const world = await aWorld(
      [aCluster()],
      [{ ...early, items: [anItem({ quantity: 2, amount: amount(15_000) })] }],
    );
    await world.run();
    expect([await world.kept(), await world.store.month(NOVEMBER)]).toEqual([{}, null]);
    world.world.invoices.push({
      ...anInvoice({ id: 8 }),
      items: [anItem({ quantity: 1, amount: amount(7_500) })],
    });
    await world.run();
    expect(await world.kept()).toMatchObject({
      [ID]: { invoiced: 22_500, differences: [], invoiceIds: [7, 8] },
    });
    expect(world.notices).toEqual([]);
  });

  it('without any item of ours is compared, too: all nodes lack theirs', async () => {
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [] }]);
    await world.run();
    expect(await world.kept()).toMatchObject({ [ID]: { differences: [{ kind: 'notInvoiced' }] } });
  });

  it('bills a Linode on whose cluster had ended before: the admin is told, and it is no unknown', async () => {
    const world = await aWorld(
      [aCluster()],
      [
        { ...anInvoice(), items: [anItem()] },
        {
          ...anInvoice({ id: 8, date: at('2027-01-01T05:00:00Z') }),
          items: [
            anItem({ from: at('2026-12-01T00:00:00Z'), quantity: 744, amount: amount(5_000_000) }),
            anItem({ from: at('2026-12-05T00:00:00Z'), label: 'onebuck-cunknown222-0' }),
          ],
        },
      ],
    );
    world.clock.set(at('2027-01-01T06:00:00Z'));
    await world.run();
    expect(await world.kept()).toMatchObject({ [ID]: { differences: [] } });
    expect(await world.kept('2026-12')).toEqual({});
    expect(
      world.notices.map(messageOf).map(({ json, text }) => [json.owner, json.difference, text]),
    ).toEqual([
      ['admin', 'unknownLinode', expect.stringContaining('onebuck-cunknown222-0')],
      ['admin', 'billedOn', expect.stringContaining(`onebuck-${ID}-0`)],
    ]);
    const billedOn = { kind: 'billedOn', amount: 5_000_000, count: 1 };
    expect((await world.store.month('2026-12'))?.differences).toMatchObject([{}, billedOn]);
  });

  it('of a record that can not be read is no unknown Linode', async () => {
    const damaged = { ...aCluster(), budget: 'much' as never };
    const table = createMemoryTable();
    await table.clusters.insert(damaged);
    table.poison(ID);
    const world = await aWorld([], [{ ...anInvoice(), items: [anItem()] }]);
    await world.run({ store: table.clusters });
    expect([world.notices, (await world.store.month(NOVEMBER))?.differences]).toEqual([[], []]);
    expect(world.log.entries.map(({ message }) => message)).toContain(
      'items are of records that can not be read',
    );
  });
});

describe('reading again', () => {
  it('reads a young invoice once a day, an older one not at all, and writes nothing twice', async () => {
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [anItem()] }]);
    for (const [days, reads] of [
      [0, 1],
      [0.5, 1],
      [1, 2],
      [13, 3],
      [15, 3],
      [40, 3],
    ] as const) {
      world.clock.set(epochMs(FIRST + 3 * 3_600_000 + days * 86_400_000));
      await world.run();
      expect(world.world.pages.length, `after ${days} days`).toBe(reads);
    }
    expect(world.world.writes).toEqual([ID]);
  });

  it('finds a correction, of a new sum at once and of the same sum within a day', async () => {
    const second = { id: OTHER_ID, linodeId: 102 };
    const items = [anItem(), anItem({ label: 'Linode 102' })];
    const world = await aWorld([aCluster(), aCluster(second)], [{ ...anInvoice(), items }]);
    await world.run();
    const dearer = anItem({ amount: amount(30_000), quantity: 4 });
    world.world.invoices = [
      {
        ...anInvoice({ subtotal: amount(52_500) }),
        items: [dearer, anItem({ label: 'Linode 102' })],
      },
    ];
    await world.run();
    expect(await world.kept()).toMatchObject({
      [ID]: { invoiced: 30_000 },
      [OTHER_ID]: { invoiced: 22_500 },
    });
    expect(world.notices).toHaveLength(1);
    const cheaper = anItem({ label: 'Linode 102', amount: amount(15_000), quantity: 2 });
    world.world.invoices = [
      {
        ...anInvoice({ subtotal: amount(52_500) }),
        items: [anItem({ amount: amount(37_500), quantity: 5 }), cheaper],
      },
    ];
    await world.run();
    expect(await world.kept()).toMatchObject({ [OTHER_ID]: { invoiced: 22_500 } });
    world.clock.set(plus(world.clock.now(), hours(24)));
    await world.run();
    expect(await world.kept()).toMatchObject({
      [ID]: { invoiced: 37_500 },
      [OTHER_ID]: { invoiced: 15_000 },
    });
    // Of a kind and an invoice people are told once.
    expect(world.notices.map(({ clusterId }) => clusterId)).toEqual([ID, OTHER_ID]);
  });

  it('goes on after 60 pages in the next run, and compares only when all are read', async () => {
    const others = Array.from({ length: 64 * PAGE }, (_, n) =>
      anItem({ label: `Linode ${90_000_000 + n}` }),
    );
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [...others, anItem()] }]);
    await world.run();
    expect([world.world.pages.length, await world.kept()]).toEqual([60, {}]);
    await world.run();
    expect(world.world.pages).toEqual(Array.from({ length: 65 }, (_, n) => `7/${n + 1}`));
    expect(await world.kept()).toMatchObject({ [ID]: { differences: [] } });
  });

  it('goes on where a run died, whenever it died', async () => {
    const items = [
      ...Array.from({ length: 2 * PAGE }, (_, n) => anItem({ label: `Linode ${90_000_000 + n}` })),
      anItem({ quantity: 4, amount: amount(30_000) }),
    ];
    for (let calls = 1; ; calls += 1) {
      const world = await aWorld([aCluster()], [{ ...anInvoice(), items }]);
      let left = calls;
      const dying = Object.fromEntries(
        Object.entries(world.store).map(([name, method]) => [
          name,
          (...args: never[]) => {
            left -= 1;
            if (left === 0) throw new Error('the function died');
            return (method as (...args: never[]) => unknown)(...args);
          },
        ]),
      ) as unknown as InvoiceStore;
      const died = await world.run({ invoices: dying }).then(
        () => false,
        () => true,
      );
      await world.run();
      expect(await world.kept(), `${calls} calls`).toMatchObject({
        [ID]: { invoiced: 30_000, told: ['7/hours'] },
      });
      // Told, and if the run died before it was noted, told again with the same id.
      expect(new Set(world.notices.map((notice) => messageOf(notice).json.id)).size).toBe(1);
      expect(world.notices.length).toBeLessThanOrEqual(2);
      if (!died) break;
      expect(calls).toBeLessThan(40);
    }
  });

  it('compares a month while another invoice is not read whole, or read again', async () => {
    const others = Array.from({ length: 70 * PAGE }, (_, n) =>
      anItem({ label: `Linode ${90_000_000 + n}`, from: plus(FIRST, hours(1)) }),
    );
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [] }]);
    await world.run();
    const [invoice] = world.world.invoices;
    const next = anInvoice({ id: 8, date: at('2027-01-01T00:00:00Z') });
    world.clock.set(plus(next.date, hours(3)));
    world.world.invoices = [
      { ...anInvoice(), items: [] },
      { ...next, items: others },
    ];
    await world.run();
    await world.run();
    world.clock.set(plus(world.clock.now(), hours(24)));
    world.world.invoices = [
      { ...(invoice as Billed), subtotal: amount(1), items: [anItem()] },
      { ...next, items: others },
    ];
    await world.run();
    expect((await world.store.book()).invoices.map((one) => one.pages === one.pagesRead)).toEqual([
      true,
      false,
    ]);
    expect(await world.kept()).toMatchObject({ [ID]: { invoiced: 22_500, differences: [] } });
  });

  it('reads and compares all others if a page fails, and lets the error out', async () => {
    const bad = anInvoice({ id: 9, date: at('2026-10-01T00:00:00Z') });
    const world = await aWorld(
      [aCluster()],
      [
        { ...bad, items: [] },
        { ...anInvoice(), items: [anItem()] },
      ],
    );
    const failing = {
      invoices: async () => world.world.invoices,
      invoiceItems: async (invoiceId: number) => {
        if (invoiceId === 9) throw new Error('the page is ill-shaped');
        return { items: [anItem()], pages: 1, unreadable: 0 };
      },
    };
    await expect(world.run({ linode: failing })).rejects.toThrow('ill-shaped');
    expect(await world.kept()).toMatchObject({ [ID]: { invoiced: 22_500, differences: [] } });
    expect(world.log.entries).toContainEqual({
      level: 'error',
      message: 'page of an invoice not read',
      details: { invoiceId: 9, reason: 'the page is ill-shaped' },
    });
  });

  it('leaves a month alone whose first invoices are too old, or whose records are gone', async () => {
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [anItem()] }]);
    await world.run({ endedKept: hours(24 * 24) });
    expect([await world.kept(), world.notices]).toEqual([{}, []]);
    const late = anInvoice({ id: 8, date: at('2027-03-12T00:00:00Z') });
    const other = { label: 'Linode 102', from: plus(LAUNCH, hours(1)) };
    world.world.invoices.push({ ...late, items: [anItem(other)] });
    world.clock.set(plus(late.date, hours(3)));
    await world.run();
    expect([await world.kept(), world.notices]).toEqual([{}, []]);
    expect(await world.store.book()).toMatchObject({ changed: ['2027-03'] });
  });

  it('reads an invoice again whose pages are lost', async () => {
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [anItem()] }]);
    await world.run({ invoices: { ...world.store, page: async () => null } });
    expect(await world.kept()).toEqual({});
    await world.run();
    expect(await world.kept()).toMatchObject({ [ID]: { differences: [] } });
  });

  it('leaves the invoices to another run that writes at the same time', async () => {
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [anItem()] }]);
    await world.run({ invoices: { ...world.store, saveBook: async () => 'conflict' } });
    expect([world.world.pages, await world.kept()]).toEqual([[], {}]);
  });

  it('forgets an invoice that Linode lists, and has no items of', async () => {
    const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [anItem()] }]);
    const linode = {
      invoices: async () => [anInvoice()],
      invoiceItems: async () => 'notFound' as const,
    };
    await world.run({ linode });
    expect(await world.store.book()).toMatchObject({ invoices: [] });
    await world.run();
    expect(await world.kept()).toMatchObject({ [ID]: { differences: [] } });
  });
});

it('without the scope the book says so, once, and nothing fails', async () => {
  const world = await aWorld([aCluster()], [{ ...anInvoice(), items: [anItem()] }]);
  world.world.isDenied = true;
  await world.run();
  await world.run();
  expect(await world.store.book()).toMatchObject({ access: 'denied', revision: 1 });
  expect(world.log.entries).toEqual([
    {
      level: 'warn',
      message: 'invoices are not read: the Linode token lacks the scope account:read_only',
      details: {},
    },
  ]);
  world.world.isDenied = false;
  await world.run();
  expect(await world.store.book()).toMatchObject({ access: 'granted' });
  expect(await world.kept()).toMatchObject({ [ID]: { differences: [] } });
});
