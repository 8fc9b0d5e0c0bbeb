import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { InvoiceSettings } from '../../../../simulators/linode/simulator.ts';
import { type Answer, at, aWorld, EPOCH, type World } from '../../../support/simulated-linode.ts';

/** A world in which `invoices` says how invoices are made. */
const aBilledWorld = (invoices: Partial<InvoiceSettings> = {}) =>
  aWorld({ settings: { invoices } });

const data = async (answer: Promise<Answer>) => (await answer).json.data;
const invoicesOf = (world: World) => data(world.call('GET', '/account/invoices'));
const itemsOf = (world: World, id: number) =>
  data(world.call('GET', `/account/invoices/${id}/items`));

/** The items of all invoices, as a person would read them. */
async function linesOf(world: World): Promise<string[]> {
  const lines: string[] = [];
  for (const { id, date } of await invoicesOf(world)) {
    for (const item of await itemsOf(world, id)) {
      const { quantity, unit_price: price, amount, from, to } = item;
      lines.push(`${date}: ${quantity} × ${price} = ${amount}, ${from} to ${to}`);
    }
  }
  return lines;
}

async function create(world: World, body: object = {}): Promise<number> {
  return (await world.create(body)).json.id;
}

it('makes an invoice on the first of a month, with the started hours of each Linode', async () => {
  const world = await aBilledWorld();
  const id = await create(world, { label: 'web' });
  world.advanceSeconds(2.5 * 3_600);
  await world.call('DELETE', `/linode/instances/${id}`);
  expect(await invoicesOf(world)).toEqual([]);
  world.clock.now = at('2026-12-01T00:00:00Z') - 1;
  expect(await invoicesOf(world)).toEqual([]);
  world.clock.now += 1;
  const [invoice, ...others] = await invoicesOf(world);
  expect(others).toEqual([]);
  expect(invoice).toMatchObject({ date: '2026-12-01T00:00:00', subtotal: 0.0225, total: 0.0225 });
  expect(await itemsOf(world, invoice.id)).toEqual([
    {
      label: `Nanode 1GB - web (${id})`,
      type: 'hourly',
      quantity: 3,
      unit_price: '0.0075',
      amount: 0.0225,
      tax: 0,
      total: 0.0225,
      from: '2026-11-22T12:00:00',
      to: '2026-11-22T14:30:00',
      region: 'us-east',
    },
  ]);
});

it.each([
  ['once', '2026-12-01T00:00:00: 9 × 0.0075 = 0.0675, 2026-11-30T15:30:00 to 2026-11-30T23:59:59'],
  ['both', '2026-12-01T00:00:00: 9 × 0.0075 = 0.0675, 2026-11-30T15:30:00 to 2026-11-30T23:59:59'],
] as const)('bills the hour across the month end %s', async (monthEndHour, november) => {
  const world = await aBilledWorld({ monthEndHour });
  world.clock.now = at('2026-11-30T15:30:00Z');
  const id = await create(world);
  world.clock.now = at('2026-12-01T01:10:00Z');
  await world.call('DELETE', `/linode/instances/${id}`);
  world.clock.now = at('2027-01-01T00:00:00Z');
  const hours = monthEndHour === 'once' ? '1 × 0.0075 = 0.0075' : '2 × 0.0075 = 0.015';
  const december = `2027-01-01T00:00:00: ${hours}, 2026-12-01T00:00:00 to 2026-12-01T01:10:00`;
  expect(await linesOf(world)).toEqual([november, december]);
});

it('bills a month at the monthly price at most, and backups by themselves', async () => {
  const world = await aBilledWorld({ differences: [{ labels: '^saved$', kind: 'backups' }] });
  world.clock.now = at('2026-12-01T00:00:00Z');
  await create(world, { label: 'saved' });
  world.clock.now = at('2027-01-01T00:00:00Z');
  const [invoice] = (await invoicesOf(world)).slice(-1);
  const items = await itemsOf(world, invoice.id);
  expect(items.map(({ amount }: { amount: number }) => amount)).toEqual([5, 2]);
  expect(items[1].label).toMatch(/^Backup Service - Nanode 1GB - saved/);
});

it('bills at a threshold what has run up, and on the first only the rest', async () => {
  const world = await aBilledWorld();
  await create(world);
  world.advanceSeconds(10 * 3_600 - 60);
  world.simulator.makeInvoice();
  const response = await fetch(`${world.simulator.adminUrl}/invoices`, { method: 'POST' });
  expect(await response.json()).toMatchObject({ items: [] });
  world.clock.now = at('2026-12-01T00:00:00Z');
  const lines = await linesOf(world);
  expect(lines.map((line) => line.split(',')[0])).toEqual([
    '2026-11-22T21:59:00: 10 × 0.0075 = 0.075',
    '2026-12-01T00:00:00: 194 × 0.0075 = 1.455',
  ]);
});

it('bills what the settings plan otherwise: price, hours, nothing, cents, taxes, transfer', async () => {
  const world = await aBilledWorld({
    cents: true,
    decimalComma: true,
    taxPercent: 10,
    overageGb: 300,
    extraItems: [{ label: 'Linode 2GB - other (7)', quantity: 10, unitPrice: 0.018 }],
    differences: [
      { labels: '^dear$', kind: 'price', factor: 2 },
      { labels: '^long$', kind: 'hours', hours: 5 },
      { labels: '^free$', kind: 'missing' },
    ],
  });
  for (const label of ['dear', 'long', 'free']) {
    await world.call('DELETE', `/linode/instances/${await create(world, { label })}`);
  }
  world.simulator.makeInvoice();
  const [invoice] = await invoicesOf(world);
  expect(invoice).toMatchObject({ subtotal: 1.75, tax: 0.175, total: 1.925 });
  const items = await itemsOf(world, invoice.id);
  expect(
    items.map((item: Record<string, unknown>) => [
      item.label,
      item.quantity,
      item.unit_price,
      item.amount,
    ]),
  ).toEqual([
    [expect.stringContaining('dear'), 1, '0,015', 0.02],
    [expect.stringContaining('long'), 6, '0,0075', 0.05],
    ['Linode 2GB - other (7)', 10, '0,018', 0.18],
    ['Outbound Transfer Overage', 300, '0,005', 1.5],
  ]);
});

it('bills what Linodes have sent beyond the pool of their region', async () => {
  const sends = [{ label: '.', fromSeconds: 0, untilSeconds: null, bytesPerSecond: 28_000_000 }];
  const world = await aWorld({ settings: { sends } });
  await create(world, { region: 'br-gru' });
  await create(world);
  world.advanceSeconds(10 * 3_600);
  world.simulator.makeInvoice();
  const [invoice] = await invoicesOf(world);
  const items = (await itemsOf(world, invoice.id)).slice(2);
  expect(items).toMatchObject([
    { label: 'Outbound Transfer Overage', type: 'misc', unit_price: '0.007', region: 'br-gru' },
    { label: 'Outbound Transfer Overage', type: 'misc', unit_price: '0.005', region: null },
  ]);
  expect(items[0].quantity).toBeGreaterThan(900);
});

it('corrects an invoice, and keeps invoices over a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'invoices-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const stateFile = join(folder, 'state.json');
  const world = await aWorld({ stateFile });
  await create(world, { label: 'web' });
  const { id } = world.simulator.makeInvoice();
  world.simulator.correctInvoice(id, { labels: 'web', factor: 2 });
  expect(await invoicesOf(world)).toMatchObject([{ id, total: 0.015 }]);
  await create(world); // the file is written with the next change that a call makes
  await world.simulator.close();
  const again = await aWorld({ stateFile });
  expect(again.clock.now).toBe(EPOCH);
  expect(await invoicesOf(again)).toMatchObject([{ id, total: 0.015 }]);
});

it('shows pages of items, and no invoice without the scope', async () => {
  const world = await aWorld({
    tokens: { 'a-reader': 'linodes:read_only', 'an-accountant': 'account:read_only' },
    settings: { rateLimited: false },
  });
  for (let index = 0; index < 30; index += 1) await create(world);
  const { id } = world.simulator.makeInvoice();
  const token = 'an-accountant';
  const path = `/account/invoices/${id}`;
  const page = (await world.call('GET', `${path}/items?page=2&page_size=25`, { token })).json;
  expect([page.data.length, page.page, page.pages, page.results]).toEqual([5, 2, 2, 30]);
  expect((await world.call('GET', '/account/invoices/1/items')).status).toBe(404);
  for (const each of ['/account/invoices', `${path}/items`]) {
    expect((await world.call('GET', each, { token: 'a-reader' })).status, each).toBe(401);
  }
});
