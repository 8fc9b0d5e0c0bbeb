import { describe, expect, it } from 'vitest';
import { plus, seconds } from '../../lib/core/base/units.ts';
import type { CreateRequest, LinodeApi } from '../../lib/ports.ts';
import { type Exchange, onExchange } from '../../simulators/linode/exchange.ts';
import type { SimulatorOptions } from '../../simulators/linode/simulator.ts';
import { aRequest, LABEL, LATER, LIMITS, START, TAGS } from '../support/linode-server.ts';
import { hasShared, readShared, skipped } from '../support/shared.ts';
import { READER, simulated } from '../support/simulated-linode.ts';
import { contractOf } from './contract.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB ann@example.org';

const VLAN = { label: 'onebuck-dev', address: '10.128.0.1/24' };

type Watched = Awaited<ReturnType<typeof watched>>;

/** Onebuck's client in front of the simulated Linode, and all exchanges between the two. */
async function watched(options: Parameters<typeof simulated>[0] = {}) {
  const { api, simulator } = await simulated(options);
  const exchanges: Exchange[] = [];
  const host = new URL(simulator.url).host;
  onExchange((exchange) => {
    if (exchange.request.headers.host === host) exchanges.push(exchange);
  });
  const create = (over?: Partial<CreateRequest>) => api.create(aRequest(over), LIMITS);
  return { api, simulator, exchanges, create };
}

async function createdBy(create: ReturnType<LinodeApi['create']>) {
  const outcome = await create;
  if (outcome.kind !== 'created') throw new Error(`the create is ${outcome.kind}`);
  return outcome.linode;
}

describe.skipIf(!hasShared)(`Linode's contract${skipped}`, () => {
  const contract = hasShared ? contractOf(readShared('linode-openapi.json')) : null;

  /** Expects no violation, and exactly the operations `answered`, with their statuses in order. */
  function expectKept({ exchanges }: Watched, answered: Record<string, number[]>) {
    expect(exchanges.flatMap((exchange) => contract?.violations(exchange))).toEqual([]);
    const statuses: Record<string, number[]> = {};
    for (const exchange of exchanges) {
      const { reply } = exchange;
      const name = String(contract?.operationOf(exchange));
      const status = typeof reply === 'string' ? 0 : reply.status;
      statuses[name] = [...(statuses[name] ?? []), status];
    }
    expect(statuses).toEqual(answered);
  }

  it("is kept by the client's reading of the catalogue", async () => {
    const world = await watched();
    const { api } = world;
    expect((await api.types(LATER)).value.length).toBeGreaterThan(10);
    expect((await api.regions(LATER)).value.length).toBeGreaterThan(5);
    expect((await api.images(LATER)).value.length).toBeGreaterThan(5);
    expect((await api.availability('us-east', LATER)).length).toBeGreaterThan(0);
    await expect(api.availability('xx-none', LATER)).rejects.toMatchObject({
      code: 'linodeRejected',
    });
    expect((await api.transferPrices(LATER)).value).not.toBeNull();
    expectKept(world, {
      'GET /network-transfer/prices': [200],
      'GET /linode/types': [200],
      'GET /regions': [200],
      'GET /images': [200],
      'GET /regions/{regionId}/availability': [200, 404],
    });
  });

  it.each([true, false])(
    "is kept by the client's reading of the settings, with backups forced: %s",
    async (forced) => {
      const world = await watched({ settings: { backupsForced: forced } });
      expect(await world.api.accountSettings(LATER)).toMatchObject({ backupsForced: forced });
      await createdBy(world.create());
      expectKept(world, {
        'GET /account/settings': [200],
        'POST /linode/instances': [200],
      });
    },
  );

  it.each<[string, Partial<CreateRequest>]>([
    ['a password and user data', {}],
    ['a password and no user data', { userData: null }],
    [
      'keys and neither password nor user data',
      { rootPassword: null, authorizedKeys: [KEY], userData: null },
    ],
    ['keys, a password and user data', { authorizedKeys: [KEY, KEY] }],
    ['no tags', { tags: [] }],
    ['a type without monthly price', { type: 'g8-dedicated-4-2' }],
    ['a region with prices of its own', { region: 'id-cgk', type: 'g7-premium-2' }],
    ['a VLAN', { vlan: VLAN }],
    ['interfaces of its own', { interfaces: 'linode' }],
    ['interfaces of its own and a VLAN', { interfaces: 'linode', vlan: VLAN }],
  ])('is kept by a create with %s', async (_name, over) => {
    const world = await watched();
    await createdBy(world.create(over));
    expectKept(world, { 'POST /linode/instances': [200] });
  });

  it('is kept by the calls for VLANs and for default firewalls', async () => {
    const world = await watched();
    const { api } = world;
    expect(await api.vlans('us-east', LATER)).toEqual([]);
    const { id } = await createdBy(world.create({ vlan: VLAN }));
    expect(await api.vlans('us-east', LATER)).toEqual([
      { region: 'us-east', label: 'onebuck-dev', linodes: 1 },
    ]);
    expect(await api.vlans(null, LATER)).toHaveLength(1);
    expect(await api.vlans('us-ord', LATER)).toEqual([]);
    await expect(api.deleteVlan('us-east', 'onebuck-dev', LATER)).rejects.toMatchObject({
      code: 'linodeRejected',
    });
    await api.delete(id, LATER);
    expect(await api.deleteVlan('us-east', 'onebuck-dev', LATER)).toBe('deleted');
    expect(await api.deleteVlan('us-east', 'onebuck-dev', LATER)).toBe('notFound');
    expect(await api.defaultFirewalls(LATER)).toEqual({ legacy_config: null, linode: null });
    world.simulator.updateSettings({ defaultFirewall: 7 });
    expect(await api.defaultFirewalls(LATER)).toEqual({ legacy_config: 7, linode: 7 });
    expectKept(world, {
      'GET /networking/vlans': [200, 200, 200, 200],
      'POST /linode/instances': [200],
      'DELETE /networking/vlans/{regionId}/{label}': [400, 200, 404],
      'DELETE /linode/instances/{linodeId}': [200],
      'GET /networking/firewalls/settings': [200, 200],
    });
  });

  it('is kept by the reading of invoices, with every kind of item', async () => {
    let now: number = START;
    const extraItems = [
      { label: 'Storage Volume - v (7) - 20 GB', quantity: 9, unitPrice: 0.00015 },
    ];
    const invoices = { overageGb: 3, taxPercent: 7, extraItems };
    const world = await watched({ now: () => now, settings: { invoices, backupsForced: true } });
    const { api } = world;
    expect(await api.invoices(LATER)).toEqual([]);
    await createdBy(world.create());
    now = Date.UTC(2026, 1, 1);
    const found = await api.invoices(LATER);
    const [invoice] = found === 'unreadable' ? [] : found;
    expect(await api.invoiceItems(invoice?.id ?? 0, 1, LATER)).toMatchObject({ pages: 1 });
    expect(await api.invoiceItems(7, 1, LATER)).toBe('notFound');
    expectKept(world, {
      'GET /account/invoices': [200, 200],
      'POST /linode/instances': [200],
      'GET /account/invoices/{invoiceId}/items': [200, 404],
    });
  });

  it('is kept by the calls for a Linode in each state, until it is gone', async () => {
    let now: number = START;
    const settings = { lingerDeletingSeconds: 10 };
    const world = await watched({ now: () => now, settings });
    const { api } = world;
    const { id } = await createdBy(world.create());
    const states = [(await api.get(id, LATER)) as { status: string }];
    for (const after of [50, 61]) {
      now = plus(START, seconds(after));
      states.push((await api.get(id, LATER)) as { status: string });
    }
    expect(await api.setTags(id, TAGS.slice(1), LATER)).toMatchObject({ tags: TAGS.slice(1) });
    expect(await api.delete(id, LATER)).toBe('deleted');
    states.push((await api.get(id, LATER)) as { status: string });
    now = plus(START, seconds(120));
    const names = states.map(({ status }) => status);
    expect(names).toEqual(['provisioning', 'booting', 'running', 'deleting']);
    expect(await api.get(id, LATER)).toBe('notFound');
    expect(await api.delete(id, LATER)).toBe('notFound');
    expect(await api.setTags(id, TAGS, LATER)).toBe('notFound');
    expectKept(world, {
      'POST /linode/instances': [200],
      'GET /linode/instances/{linodeId}': [200, 200, 200, 200, 404],
      'PUT /linode/instances/{linodeId}': [200, 404],
      'DELETE /linode/instances/{linodeId}': [200, 404],
    });
  });

  it('is kept by lists of no Linode, of one Linode, and of more than a page', async () => {
    const rateLimits = { createInstance: { count: 600, seconds: 15 } };
    const world = await watched({ settings: { rateLimits } });
    const { api, create } = world;
    expect(await api.listByTag('onebuck-dev', LATER)).toEqual([]);
    await createdBy(create());
    expect(await api.findByLabel(LABEL, LATER)).toMatchObject({ label: LABEL });
    const labels = Array.from({ length: 500 }, (_, n) => `onebuck-cabcdefghij-${n + 1}` as const);
    for (const label of labels) await createdBy(create({ label }));
    expect(await api.listByTag('onebuck-dev', LATER)).toHaveLength(501);
    expectKept(world, {
      'GET /linode/instances': [200, 200, 200, 200],
      'POST /linode/instances': Array(501).fill(200),
    });
  });

  it('is kept by the deletion of a tag, and of a tag that does not exist', async () => {
    const world = await watched();
    await createdBy(world.create());
    await world.api.deleteTag('onebuck=cabcdefghij', LATER);
    await world.api.deleteTag('onebuck=cabcdefghij', LATER);
    expectKept(world, {
      'POST /linode/instances': [200],
      'DELETE /tags/{tagLabel}': [200, 404],
    });
  });

  it.each<[string, number, Partial<CreateRequest>, SimulatorOptions['settings']]>([
    ['several faults at once', 400, { type: 'g6-none', region: 'xx-none' }, {}],
    ['a body without password or keys', 400, { rootPassword: null }, {}],
    [
      'user data in a region without Metadata',
      400,
      {},
      { regionsWithout: { Metadata: ['us-east'] } },
    ],
    ['the account at its limit', 400, {}, { accountLimit: 0 }],
    ['a plan that is sold out', 403, {}, { soldOut: [{ type: 'g6-nanode-1', region: 'us-east' }] }],
    ['interfaces not allowed', 400, {}, { interfacesForNewLinodes: 'linode_only' }],
    ['a VLAN where none is', 400, { vlan: VLAN }, { regionsWithout: { Vlans: ['us-east'] } }],
    [
      'interfaces of its own where none are',
      400,
      { interfaces: 'linode' },
      { regionsWithout: { 'Linode Interfaces': ['us-east'] } },
    ],
  ])('is kept by a create that Linode refuses: %s', async (_name, status, over, settings = {}) => {
    const world = await watched({ settings });
    expect(await world.create(over)).toMatchObject({ kind: 'refused' });
    expectKept(world, { 'POST /linode/instances': [status] });
  });

  it('is kept by a create whose label is taken, and the lookup of the label', async () => {
    const world = await watched();
    const first = await world.create();
    expect(await world.create()).toEqual(first);
    expectKept(world, {
      'POST /linode/instances': [200, 400],
      'GET /linode/instances': [200],
    });
  });

  it('is kept by calls with an invalid token, or one that lacks a scope', async () => {
    const invalid = await watched({ token: async () => 'token-that-was-revoked' });
    const scoped = await watched({ token: async () => READER });
    const denied = { code: 'linodeDenied' };
    for (const { api, create } of [invalid, scoped]) {
      await expect(create()).rejects.toMatchObject(denied);
      await expect(api.delete(1, LATER)).rejects.toMatchObject(denied);
      await expect(api.deleteTag('onebuck-dev', LATER)).rejects.toMatchObject(denied);
    }
    await expect(invalid.api.listByTag('onebuck-dev', LATER)).rejects.toMatchObject(denied);
    expect(await scoped.api.accountSettings(LATER)).toBe('unreadable');
    // Each call reads an invalid token afresh once, and so is sent twice.
    expectKept(invalid, {
      'POST /linode/instances': [401, 401],
      'DELETE /linode/instances/{linodeId}': [401, 401],
      'DELETE /tags/{tagLabel}': [401, 401],
      'GET /linode/instances': [401, 401],
    });
    expectKept(scoped, {
      'POST /linode/instances': [401],
      'DELETE /linode/instances/{linodeId}': [401],
      'DELETE /tags/{tagLabel}': [401],
      'GET /account/settings': [401],
    });
  });

  it('is kept by calls beyond the rate limits, and for a busy Linode', async () => {
    const rateLimits = { others: { count: 2, seconds: 15 } };
    const faults = [
      { kind: 'status429', method: 'POST', times: 1 },
      { kind: 'busy', method: 'PUT', times: 1 },
    ] as const;
    const world = await watched({ settings: { rateLimits }, faults });
    const { api, create } = world;
    const { id } = await createdBy(create());
    for (const _ of ['first', 'second', 'third']) await api.get(id, LATER);
    await api.setTags(id, TAGS, LATER);
    expectKept(world, {
      'POST /linode/instances': [429, 200],
      'GET /linode/instances/{linodeId}': [200, 200, 429, 200],
      'PUT /linode/instances/{linodeId}': [400, 200],
    });
  });
});
