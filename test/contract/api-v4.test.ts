import {
  type APIError,
  baseRequest,
  type CreateLinodeRequest,
  createLinode,
  createTag,
  deleteLinode,
  deleteTag,
  type Filter,
  getAccountInfo,
  getAccountSettings,
  getEvent,
  getEvents,
  getFirewallSettings,
  getImage,
  getImages,
  getLinode,
  getLinodes,
  getLinodeTypes,
  getProfile,
  getRegion,
  getRegionAvailabilities,
  getRegionAvailability,
  getRegions,
  getTags,
  getType,
  getVlans,
  setToken,
  updateLinode,
} from '@linode/api-v4';
import { describe, expect, it, onTestFinished } from 'vitest';
import { images, regions, types } from '../../simulators/linode/catalogue.ts';
import type { LinodeSimulator, SimulatorOptions } from '../../simulators/linode/simulator.ts';
import { LINODE_TOKEN } from '../support/doubles.ts';
import { READER, startSimulator } from '../support/simulated-linode.ts';

/*
 * Linode's own client for JavaScript, which Linode's Cloud Manager uses, against the simulator. The
 * client validates its requests; setup.ts checks the simulator's answers against the contract.
 */

const NOW = Date.parse('2026-11-22T12:00:00.250Z');
const NANODE = {
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  root_pass: 'aLongPasswordIndeed1!',
};

/** Starts the simulator. The client always calls api.linode.com: an interceptor changes the URL. */
async function simulator(
  options: Partial<SimulatorOptions> & { readonly token?: string } = {},
): Promise<LinodeSimulator> {
  const { token = LINODE_TOKEN, ...rest } = options;
  const tokens = { [READER]: 'linodes:read_only' };
  const started = await startSimulator({ now: () => NOW, tokens, ...rest });
  const { origin } = new URL(started.url);
  const interceptors = [
    setToken(token),
    baseRequest.interceptors.request.use((config) => {
      config.url = config.url?.replace('https://api.linode.com', origin) ?? '';
      return config;
    }),
  ];
  onTestFinished(() => {
    for (const id of interceptors) baseRequest.interceptors.request.eject(id);
  });
  return started;
}

const create = (label: string, over: Partial<CreateLinodeRequest> = {}) =>
  createLinode({ ...NANODE, label, ...over });

async function errorsOf(call: Promise<unknown>): Promise<{ status: number; errors: APIError[] }> {
  const error = await call.then(
    () => ({ response: { status: 200, data: { errors: [] } } }),
    (reason) => reason,
  );
  return { status: error.response.status, errors: error.response.data.errors };
}

describe('the catalogue, for @linode/api-v4,', () => {
  it('has types, regions and images, as lists and each by its id', async () => {
    await simulator();
    expect((await getLinodeTypes()).data).toEqual([...types.values()]);
    expect(await getType('g6-nanode-1')).toMatchObject({ price: { hourly: 0.0075, monthly: 5 } });
    expect((await getRegions()).data).toEqual([...regions.values()]);
    expect(await getRegion('us-east')).toMatchObject({ id: 'us-east', country: 'us' });
    expect((await getImages()).data).toEqual([...images.values()]);
    expect(await getImage('linode/debian12')).toMatchObject({ label: 'Debian 12' });
  });

  it('lists what is sold out, in all regions or in one', async () => {
    const soldOut = [{ type: 'g6-nanode-1', region: 'us-east' }];
    await simulator({ settings: { soldOut } });
    const row = { region: 'us-east', plan: 'g6-nanode-1', available: false };
    expect(await getRegionAvailability('us-east')).toContainEqual(row);
    expect((await getRegionAvailabilities({}, { plan: 'g6-nanode-1' })).data).toEqual([row]);
  });

  it('can be filtered and ordered by its fields', async () => {
    await simulator();
    const filter: Filter = { vendor: 'Debian', '+order_by': 'label', '+order': 'desc' };
    const { data } = await getImages({}, filter);
    expect(data.map(({ id }) => id)).toEqual(['linode/debian13', 'linode/debian12']);
  });
});

describe('Linodes, for @linode/api-v4,', () => {
  it('are created, shown, listed, tagged and deleted', async () => {
    const started = await simulator();
    const created = await create('web-1', { tags: ['one'], booted: true });
    expect(created).toMatchObject({ label: 'web-1', status: 'provisioning', tags: ['one'] });
    expect(await getLinode(created.id)).toEqual(created);
    expect((await getLinodes()).data).toEqual([created]);
    const tagged = await updateLinode(created.id, { tags: ['one', 'two'] });
    expect(tagged).toEqual({ ...created, tags: ['one', 'two'], updated: tagged.updated });
    expect(await deleteLinode(created.id)).toEqual({});
    expect((await getLinodes()).data).toEqual([]);
    expect(started.instances()).toMatchObject([{ label: 'web-1', deleted: NOW }]);
  });

  it('are created with every option that the client has for a simple Linode', async () => {
    await simulator();
    const created = await create('web-1', {
      authorized_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB ann@example.org'],
      backups_enabled: true,
      disk_encryption: 'disabled',
      interface_generation: 'legacy_config',
      maintenance_policy: 'linode/power_off_on',
      metadata: { user_data: 'I2Nsb3VkLWNvbmZpZwo=' },
      swap_size: 512,
    });
    expect(created).toMatchObject({
      backups: { enabled: true, schedule: { day: 'Scheduling' } },
      disk_encryption: 'disabled',
      has_user_data: true,
      maintenance_policy: 'linode/power_off_on',
    });
  });

  it.each<[string, Partial<CreateLinodeRequest>]>([
    [
      'a configuration profile',
      {
        interface_generation: 'legacy_config',
        firewall_id: -1,
        interfaces: [
          { purpose: 'public', label: null, ipam_address: null },
          { purpose: 'vlan', label: 'lab', ipam_address: '10.0.0.1/24' },
        ],
      },
    ],
    [
      'their own',
      {
        interface_generation: 'linode',
        network_helper: true,
        interfaces: [
          {
            ...{ firewall_id: -1, vpc: null, vlan: null, default_route: { ipv4: true } },
            public: { ipv4: { addresses: [{ address: 'auto', primary: true }] } },
          },
          {
            ...{ vpc: null, public: null, default_route: null, firewall_id: null },
            vlan: { vlan_label: 'lab', ipam_address: '10.0.0.1/24' },
          },
        ],
      },
    ],
  ])('are created in a VLAN, with interfaces of %s', async (_name, networks) => {
    const started = await simulator({ settings: { defaultFirewall: 7 } });
    const { id, interface_generation: generation } = await create('web-1', networks);
    expect(generation).toBe(networks.interface_generation);
    expect(started.instances()).toMatchObject([
      {
        interfaces: [
          { purpose: 'public' },
          { purpose: 'vlan', label: 'lab', address: '10.0.0.1/24' },
        ],
        firewallId: null,
      },
    ]);
    const { data } = await getVlans({}, { region: 'us-east' });
    expect(data).toMatchObject([{ region: 'us-east', label: 'lab', linodes: [id] }]);
    expect((await getFirewallSettings()).default_firewall_ids).toMatchObject({ linode: 7 });
  });

  it('can be renamed and get another maintenance policy', async () => {
    await simulator();
    const { id } = await create('web-1');
    const maintenance_policy = 'linode/power_off_on';
    const change = { label: 'web-2', maintenance_policy } as const;
    expect(await updateLinode(id, change)).toMatchObject(change);
    expect(await getLinode(id)).toMatchObject(change);
  });

  it.each<[string, Filter, string[]]>([
    ['a tag', { tags: 'blue' }, ['web-1', 'web-3']],
    ['a label', { label: 'web-2' }, ['web-2']],
    ['both of two conditions', { '+and': [{ tags: 'blue' }, { region: 'us-ord' }] }, ['web-3']],
    [
      'either of two conditions',
      { '+or': [{ label: 'web-2' }, { tags: 'last' }] },
      ['web-2', 'web-3'],
    ],
    ['part of a label', { label: { '+contains': 'eb-3' } }, ['web-3']],
    ['part of a tag', { tags: { '+contains': 'lu' } }, ['web-1', 'web-3']],
    ['a tag that no Linode has', { tags: 'bl' }, []],
    ['an order', { '+order_by': 'label', '+order': 'desc' }, ['web-3', 'web-2', 'web-1']],
    ['another region', { region: { '+neq': 'us-east' } }, ['web-3']],
  ])('are filtered by %s', async (_name, filter, labels) => {
    await simulator();
    await create('web-1', { tags: ['blue'] });
    await create('web-2');
    await create('web-3', { tags: ['blue', 'last'], region: 'us-ord' });
    const { data, results } = await getLinodes({}, filter);
    expect(data.map(({ label }) => label)).toEqual(labels);
    expect(results).toBe(labels.length);
  });

  it('are listed page by page', async () => {
    await simulator({ settings: { rateLimited: false } });
    const labels = Array.from({ length: 30 }, (_, index) => `web-${index}`);
    for (const label of labels) await create(label);
    const pages = [1, 2].map((page) => getLinodes({ page, page_size: 25 }));
    const [first, second] = await Promise.all(pages);
    expect(first).toMatchObject({ page: 1, pages: 2, results: 30 });
    const found = [...(first?.data ?? []), ...(second?.data ?? [])].map(({ label }) => label);
    expect(found).toEqual(labels);
  });
});

describe('the account, for @linode/api-v4,', () => {
  it('has tags, which can be created, put on Linodes, listed and deleted', async () => {
    await simulator();
    const { id } = await create('web-1', { tags: ['one'] });
    expect(await createTag({ label: 'a/b c', linodes: [id] })).toEqual({ label: 'a/b c' });
    expect((await getTags()).data).toEqual([{ label: 'one' }, { label: 'a/b c' }]);
    expect((await getLinode(id)).tags).toEqual(['one', 'a/b c']);
    expect(await deleteTag('a/b c')).toEqual({});
    expect((await getLinode(id)).tags).toEqual(['one']);
  });

  it('has a profile, settings and events', async () => {
    await simulator({ settings: { backupsForced: true } });
    const { id } = await create('web-1');
    expect(await getProfile()).toMatchObject({ username: 'simulator', restricted: false });
    expect(await getAccountSettings()).toMatchObject({ backups_enabled: true });
    expect(await getAccountInfo()).toMatchObject({ country: 'US', balance: 0 });
    const filter = { 'entity.id': id, 'entity.type': 'linode', '+order_by': 'id' };
    const { data } = await getEvents({}, filter);
    expect(data.map(({ action }) => action)).toEqual(['linode_create', 'linode_boot']);
    expect(await getEvent(data[0]?.id ?? 0)).toEqual(data[0]);
  });
});

describe('errors, for @linode/api-v4,', () => {
  it('name every field at fault, and the label that is taken', async () => {
    await simulator();
    await create('web-1');
    expect(await errorsOf(create('web-2', { type: 'g6-none', region: 'xx-none' }))).toEqual({
      status: 400,
      errors: [
        { reason: 'A valid plan type by that ID was not found', field: 'type' },
        { reason: 'region is not valid', field: 'region' },
      ],
    });
    expect(await errorsOf(create('web-1'))).toEqual({
      status: 400,
      errors: [{ reason: 'Label must be unique among your linodes', field: 'label' }],
    });
  });

  it('name an unknown Linode, a wrong filter, and too small a page', async () => {
    await simulator();
    const notFound = { status: 404, errors: [{ reason: 'Not found' }] };
    expect(await errorsOf(getLinode(1))).toEqual(notFound);
    expect(await errorsOf(deleteLinode(1))).toEqual(notFound);
    expect(await errorsOf(getLinodes({}, { colour: 'blue' }))).toEqual({
      status: 400,
      errors: [{ reason: 'Cannot filter on colour', field: 'X-Filter' }],
    });
    expect(await errorsOf(getLinodes({ page_size: 10 }))).toEqual({
      status: 400,
      errors: [{ reason: 'Must be 25-500', field: 'page_size' }],
    });
  });

  it.each([
    ['an invalid token', { token: 'revoked' }, 401, 'Invalid Token'],
    [
      'a scope that the token lacks',
      { token: READER },
      401,
      'Your OAuth token is not authorized to use this endpoint.',
    ],
    [
      'the rate limit',
      { settings: { rateLimits: { createInstance: { count: 0, seconds: 15 } } } },
      429,
      'Too many requests',
    ],
  ])('report %s', async (_name, options, status, reason) => {
    await simulator(options);
    expect(await errorsOf(create('web-1'))).toEqual({ status, errors: [{ reason }] });
  });
});
