import { describe, expect, it } from 'vitest';
import { at } from '../../../support/builders.ts';
import { errors, LATER, page, served } from '../../../support/linode-server.ts';
import { READER, simulated } from '../../../support/simulated-linode.ts';

const invoice = {
  id: 7,
  date: '2026-12-01T00:00:00',
  label: 'Invoice #7',
  subtotal: 1.5,
  tax: 0.1,
  total: 1.6,
};
const item = {
  label: 'Nanode 1GB - web (1)',
  type: 'hourly',
  quantity: 3,
  unit_price: '0.0075',
  amount: 0.0225,
  tax: 0,
  total: 0.0225,
  from: '2026-11-22T12:00:00',
  to: '2026-11-22T14:30:00',
  region: null,
};
const read = {
  label: 'Nanode 1GB - web (1)',
  quantity: 3,
  unitPrice: 7_500,
  amount: 22_500,
  isExact: true,
  tax: 0,
  from: at('2026-11-22T12:00:00Z'),
};

describe('the list of invoices', () => {
  it('is read from all pages, each invoice once', async () => {
    const second = { ...invoice, id: 8, date: '2027-01-01T00:00:00' };
    const { api, requests } = await served([
      page([invoice], { pages: 2, results: 2 }),
      page([invoice, second], { page: 2, pages: 2, results: 2 }),
    ]);
    expect(await api.invoices(LATER)).toEqual([
      { id: 7, date: at('2026-12-01T00:00:00Z'), subtotal: 1_500_000, tax: 100_000 },
      { id: 8, date: at('2027-01-01T00:00:00Z'), subtotal: 1_500_000, tax: 100_000 },
    ]);
    expect(requests.map(({ query }) => `${query}`)).toEqual([
      'page=1&page_size=500',
      'page=2&page_size=500',
    ]);
  });

  it('is unreadable without the scope, and an error with a token that is not valid', async () => {
    const scopes = { 'x-oauth-scopes': 'linodes:read_write' };
    const text = 'Your OAuth token is not authorized to use this endpoint.';
    const lacking = await served([{ status: 401, headers: scopes, json: errors(text) }]);
    expect(await lacking.api.invoices(LATER)).toBe('unreadable');
    const { api } = await served(() => ({ status: 401, json: errors('Invalid Token') }));
    await expect(api.invoices(LATER)).rejects.toMatchObject({ code: 'linodeDenied' });
  });
});

describe('the items of an invoice', () => {
  it('are read a page at a time, with fields that Onebuck does not know', async () => {
    const { api } = await served([page([{ ...item, colour: 'blue' }], { page: 2, pages: 3 })]);
    const found = await api.invoiceItems(7, 2, LATER);
    expect(found).toEqual({ items: [read], pages: 3, unreadable: 0 });
  });

  it.each<[string, object, object]>([
    ['no region', { region: undefined }, {}],
    [
      'null everywhere but in the amount',
      { quantity: null, unit_price: null, tax: null, from: null },
      { quantity: null, unitPrice: null, from: null },
    ],
    ['an amount in a text', { amount: '0,0225' }, {}],
    ['a price with another decimal separator', { unit_price: '0,0075' }, {}],
    ['a price that is not clear', { unit_price: '1,234' }, { unitPrice: null }],
    ['a time that is none', { from: 'November' }, { from: null }],
    ['half an hour', { quantity: 2.5 }, { quantity: null }],
    ['a finer amount', { amount: 0.0225001 }, { amount: 22_501, isExact: false }],
    ['a credit', { amount: -3 }, { amount: -3_000_000 }],
  ])('are read with %s', async (_, raw, expected) => {
    const { api } = await served([page([{ ...item, ...raw }])]);
    expect(await api.invoiceItems(7, 1, LATER)).toMatchObject({
      items: [{ ...read, ...expected }],
    });
  });

  it('that have no amount are counted and logged, and hide no others', async () => {
    const { api, logged } = await served([page([{ ...item, amount: null }, item])]);
    expect(await api.invoiceItems(7, 1, LATER)).toEqual({ items: [read], pages: 1, unreadable: 1 });
    expect(JSON.stringify(logged)).toContain('data.0: amount');
  });

  it('of an empty invoice are one page without items', async () => {
    const { api } = await served([page([], { pages: 0, results: 0 })]);
    expect(await api.invoiceItems(7, 1, LATER)).toEqual({ items: [], pages: 1, unreadable: 0 });
  });

  it('are not found if the invoice has no such page', async () => {
    const { api } = await served([{ status: 404, json: errors('Not found') }]);
    expect(await api.invoiceItems(7, 9, LATER)).toBe('notFound');
  });
});

it('the simulated Linode shows what it bills, and nothing without the scope', async () => {
  const { api, simulator, clock } = await simulated({ settings: { invoices: { taxPercent: 10 } } });
  await fetch(`${simulator.url}/linode/instances`, {
    method: 'POST',
    headers: { Authorization: 'Bearer token-of-the-account' },
    body: JSON.stringify({ type: 'g6-nanode-1', region: 'us-east', label: 'web' }),
  });
  clock.set(at('2026-02-01T00:00:00Z'));
  const found = await api.invoices(at('2026-02-01T01:00:00Z'));
  expect(found).toMatchObject([
    { date: at('2026-02-01T00:00:00Z'), subtotal: 5_000_000, tax: 500_000 },
  ]);
  const reader = await simulated({ token: async () => READER });
  expect(await reader.api.invoices(LATER)).toBe('unreadable');
  expect(await reader.api.invoiceItems(7, 1, LATER)).toBe('unreadable');
});
