import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startLinodeSimulator } from '../../../../simulators/linode/simulator.ts';
import { aWorld, EPOCH, errors, labelsOf, type World } from '../../../support/simulated-linode.ts';

const statusOf = async ({ call }: World, id: number): Promise<string | number> => {
  const answer = await call('GET', `/linode/instances/${id}`);
  return answer.status === 200 ? answer.json.status : answer.status;
};

describe('a create', () => {
  it('answers 200 with the new Linode, whose time is rounded down to the second', async () => {
    const { create, simulator } = await aWorld();
    const { status, json } = await create({ label: 'web-1', tags: ['one', 'two', 'one'] });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      label: 'web-1',
      status: 'provisioning',
      created: '2026-11-22T12:00:00',
      updated: '2026-11-22T12:00:00',
      type: 'g6-nanode-1',
      image: 'linode/ubuntu24.04',
      region: 'us-east',
      tags: ['one', 'two'],
      specs: { disk: 25600, memory: 1024, vcpus: 1, gpus: 0, transfer: 1000 },
      has_user_data: false,
      backups: { enabled: false, schedule: { day: null, window: null } },
    });
    expect(json.host_uuid).toMatch(/^[0-9a-f]{40}$/);
    expect(simulator.instances()).toMatchObject([{ id: json.id, created: EPOCH, deleted: null }]);
  });

  it('gives ascending ids and distinct addresses, also beyond the test networks', async () => {
    const { create, simulator } = await aWorld({ settings: { rateLimited: false } });
    for (let index = 0; index < 800; index += 1) await create();
    const created = simulator.instances();
    expect(created.map(({ id }) => id)).toEqual(created.map((_, index) => 90_000_001 + index));
    expect(new Set(created.map(({ ipv4 }) => ipv4[0])).size).toBe(800);
    expect(new Set(created.map(({ ipv6 }) => ipv6)).size).toBe(800);
    expect(created[0]?.ipv4).toEqual(['192.0.2.1']);
    expect(created[799]?.ipv4).toEqual(['100.64.0.37']);
    expect(created[799]?.ipv6).toBe('2001:db8::f03c:0:31f/128');
  });

  it('shows write-only fields in no answer, only to tests by instances()', async () => {
    const userData = Buffer.from('#cloud-config').toString('base64');
    const secret = {
      root_pass: 'secretPassword1',
      authorized_keys: ['ssh-ed25519 AAAAsecret me'],
      metadata: { user_data: userData },
    };
    const { call, create, simulator } = await aWorld();
    const answer = await create(secret);
    const list = await call('GET', '/linode/instances');
    expect(answer.json.has_user_data).toBe(true);
    expect(answer.text + list.text).not.toMatch(/secret|root_pass|authorized|metadata|booted/);
    expect(simulator.instances()).toMatchObject([
      { rootPass: 'secretPassword1', authorizedKeys: secret.authorized_keys, userData },
    ]);
  });

  it('without a label gets a label with its id', async () => {
    const { create } = await aWorld();
    const { json } = await create({ label: undefined });
    expect(json.label).toBe(`linode${json.id}`);
  });

  it('gets backups where the account forces them, also against the request', async () => {
    const { call, create } = await aWorld({ settings: { backupsForced: true } });
    const { json } = await create({ backups_enabled: false });
    const schedule = { day: 'Scheduling', window: 'Scheduling' };
    expect(json.backups).toMatchObject({ enabled: true, schedule });
    expect((await call('GET', '/account/settings')).json.backups_enabled).toBe(true);
  });

  it('is refused with a body that is no JSON object', async () => {
    const { call } = await aWorld();
    for (const body of ['{"type":', '[]', '']) {
      const answer = await call('POST', '/linode/instances', { body });
      expect(answer).toMatchObject({ status: 400, json: errors(['Invalid JSON']) });
    }
  });

  it('is refused with all faults of its body at once', async () => {
    const { call } = await aWorld();
    const body = { type: 'none', region: 'nowhere', image: 'linode/none', label: 'x', tags: ['y'] };
    const answer = await call('POST', '/linode/instances', { body });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(
      errors(
        ['A valid plan type by that ID was not found', 'type'],
        ['region is not valid', 'region'],
        ['image is not valid', 'image'],
        ['Length must be 3-64 characters', 'label'],
        ['Must provide valid root_pass, authorized_keys, or authorized_users'],
        ['Length must be 3-50 characters', 'tags'],
      ),
    );
  });

  const bytes = (length: number) => Buffer.alloc(length, 'a').toString('base64');
  it.each<[string, object, string | undefined]>([
    ['no type', { type: undefined }, 'type'],
    ['no region', { region: undefined }, 'region'],
    ['a label of 2', { label: 'ab' }, 'label'],
    ['a label of 65', { label: 'a'.repeat(65) }, 'label'],
    ['a label with a space', { label: 'a b' }, 'label'],
    ['a label with a double dash', { label: 'a--b' }, 'label'],
    ['a label with a double underscore', { label: 'a__b' }, 'label'],
    ['a label with a double period', { label: 'a..b' }, 'label'],
    ['a label that begins with a digit', { label: '1ab' }, 'label'],
    ['a label that ends with a dash', { label: 'ab-' }, 'label'],
    ['a password of 6', { root_pass: '123456' }, 'root_pass'],
    ['a password of 129', { root_pass: 'a'.repeat(129) }, 'root_pass'],
    ['no way to log in', { root_pass: undefined, authorized_keys: [] }, undefined],
    ['a key that is none', { authorized_keys: ['ssh-rsa AAAA', 'x'] }, 'authorized_keys'],
    [
      'a key of a type that Linode refuses',
      { authorized_keys: ['sk-ssh-ed25519@openssh.com AAAA'] },
      'authorized_keys',
    ],
    ['a tag of 51', { tags: ['a'.repeat(51)] }, 'tags'],
    ['tags that are no list', { tags: 'one' }, 'tags'],
    ['user data that is no base64', { metadata: { user_data: '#cloud' } }, 'metadata.user_data'],
    ['user data too long', { metadata: { user_data: bytes(16_385) } }, 'metadata.user_data'],
    [
      'user data for an image without cloud-init',
      { image: 'linode/slackware15.0', metadata: { user_data: bytes(1) } },
      'metadata.user_data',
    ],
    [
      'user data in a region without Metadata',
      { region: 'us-sea', metadata: { user_data: bytes(1) } },
      'metadata.user_data',
    ],
    ['booted that is no boolean', { booted: 'yes' }, 'booted'],
    ['a firewall that is not there', { firewall_id: 7 }, 'firewall_id'],
    ['an odd maintenance policy', { maintenance_policy: 'never' }, 'maintenance_policy'],
  ])('refuses %s', async (_, body, field) => {
    const { create, simulator } = await aWorld({
      settings: { regionsWithout: { Metadata: ['us-sea'] } },
    });
    const { status, json } = await create(body);
    expect(status).toBe(400);
    expect(json.errors).toHaveLength(1);
    expect(json.errors[0].field).toBe(field);
    expect(simulator.instances()).toEqual([]);
  });

  it.each<[string, object]>([
    ['keys in place of a password', { root_pass: undefined, authorized_keys: ['ssh-rsa AAAA'] }],
    ['users in place of a password', { root_pass: undefined, authorized_users: ['me'] }],
    ['the longest of everything', { label: 'a'.repeat(64), root_pass: 'a'.repeat(128) }],
    ['the longest user data', { metadata: { user_data: bytes(16_384) } }],
    ['a deprecated image', { image: 'linode/ubuntu20.04' }],
    ['tags with = and spaces', { tags: ['onebuck=c1', 'example tag', 'a'.repeat(50)] }],
    ['nothing but a type and a region', { image: undefined, root_pass: undefined }],
    ['user data without an image', { image: null, metadata: { user_data: bytes(1) } }],
  ])('may have %s', async (_, body) => {
    const { create } = await aWorld();
    expect((await create(body)).status).toBe(200);
  });

  it.each([
    [{ stackscript_id: 1 }, 'The simulator does not have the field stackscript_id of this call'],
    [{ interfaces: [{ purpose: 'vpc', subnet_id: 1 }] }, 'The simulator does not have VPCs'],
    [
      { interfaces: [{ public: { ipv6: { ranges: [{ range: '/64' }] } } }] },
      'The simulator does not have chosen or additional public addresses',
    ],
  ])('answers 501 to %j, which the simulator does not have', async (body, reason) => {
    const { create } = await aWorld();
    expect(await create(body)).toMatchObject({ status: 501, json: errors([reason]) });
  });

  it('is checked for body, limit, capacity and label, in this order', async () => {
    const { create, simulator } = await aWorld({ settings: { accountLimit: 1 } });
    await create({ label: 'taken' });
    const wrong = { label: 'taken', type: 'g7-premium-2' };
    expect((await create({ ...wrong, root_pass: 'x' })).json.errors[0].field).toBe('root_pass');
    const limited = await create(wrong);
    expect(limited.status).toBe(400);
    expect(limited.json.errors[0].reason).toMatch(/limit for the number of active services/);
    simulator.updateSettings({ accountLimit: null });
    const withoutCapacity = await create(wrong);
    expect(withoutCapacity.status).toBe(403);
    expect(withoutCapacity.json.errors[0].reason).toMatch(
      /not currently available in the selected/,
    );
    expect(await create({ label: 'taken' })).toMatchObject({
      status: 400,
      json: errors(['Label must be unique among your linodes', 'label']),
    });
    expect(simulator.instances()).toHaveLength(1);
  });

  it('is refused for a sold-out type; only existing Linodes count for the limit', async () => {
    const soldOut = [{ type: 'g6-nanode-1', region: 'us-east' }];
    const { call, create } = await aWorld({ settings: { soldOut, accountLimit: 1 } });
    expect((await create()).status).toBe(403);
    const { json } = await create({ region: 'us-ord' });
    await call('DELETE', `/linode/instances/${json.id}`);
    expect((await create({ region: 'us-ord' })).status).toBe(200);
  });
});

describe('the interfaces of a create', () => {
  const LEGACY = { interface_generation: 'legacy_config' };
  const OWN = { interface_generation: 'linode' };
  const open = { purpose: 'public' };
  const vlan = (label: string, address?: string) => ({
    ...{ purpose: 'vlan', label },
    ...(address === undefined ? {} : { ipam_address: address }),
  });
  const ownOpen = { public: {}, firewall_id: -1 };
  const ownVlan = (label: string, ipam_address?: string) => ({
    vlan: { vlan_label: label, ...(ipam_address === undefined ? {} : { ipam_address }) },
  });

  it.each<[string, object, object[]]>([
    ['none', LEGACY, [open]],
    ['none, with interfaces of its own', OWN, []],
    ['a VLAN alone', { interfaces: [vlan('lab')] }, [{ ...vlan('lab'), address: null }]],
    [
      'a public one and two VLANs',
      { ...LEGACY, interfaces: [open, vlan('a', '10.0.0.1/24'), vlan('b', '10.0.0.1/24')] },
      ['a', 'b'].map((label) => ({ ...vlan(label), address: '10.0.0.1/24' })),
    ],
    [
      'a public one and a VLAN of its own',
      { ...OWN, interfaces: [ownOpen, ownVlan('lab', '10.128.0.1/22')] },
      [open, { ...vlan('lab'), address: '10.128.0.1/22' }],
    ],
  ])('are kept in their order, in one form for both generations: %s', async (_, body, kept) => {
    const { create, simulator } = await aWorld();
    const { json } = await create(body);
    const { interface_generation: asked = 'legacy_config' } = body as Partial<typeof OWN>;
    expect(json.interface_generation).toBe(asked);
    const [made] = simulator.instances();
    expect(made?.interfaces.slice(-kept.length || 3)).toEqual(kept);
    // Without an interface nothing boots.
    expect(made?.runningAt === null).toBe(kept.length === 0);
  });

  it.each<[string, object, string]>([
    ['four', { interfaces: [open, vlan('a'), vlan('b'), vlan('c')] }, 'interfaces'],
    ['one VLAN twice', { interfaces: [vlan('a'), vlan('a')] }, 'interfaces'],
    ['two public ones', { interfaces: [open, open] }, 'interfaces'],
    ['no list', { interfaces: 'public' }, 'interfaces'],
    ['an unknown purpose', { interfaces: [{ purpose: 'lan' }] }, 'interfaces.0.purpose'],
    ['a VLAN without a label', { interfaces: [{ purpose: 'vlan' }] }, 'interfaces.0.label'],
    ['a doubled dash', { interfaces: [vlan('a--b')] }, 'interfaces.0.label'],
    ['a label of 65', { interfaces: [vlan('a'.repeat(65))] }, 'interfaces.0.label'],
    [
      'an address without a prefix',
      { interfaces: [vlan('a', '10.0.0.1')] },
      'interfaces.0.ipam_address',
    ],
    [
      'an address that is none',
      { interfaces: [vlan('a', '10.0.0.256/24')] },
      'interfaces.0.ipam_address',
    ],
    [
      'a primary VLAN',
      { interfaces: [open, { ...vlan('a'), primary: true }] },
      'interfaces.1.primary',
    ],
    ['an address of a public one', { interfaces: [{ ...open, label: 'a' }] }, 'interfaces.0.label'],
    ['an unknown field', { interfaces: [{ ...open, colour: 'blue' }] }, 'interfaces.0.colour'],
    ['the other generation', { ...OWN, interfaces: [vlan('a')] }, 'interfaces.0.purpose'],
    [
      'a firewall for a VLAN',
      { ...OWN, interfaces: [{ ...ownVlan('a'), firewall_id: -1 }] },
      'interfaces.0.firewall_id',
    ],
    [
      'a default route over a VLAN',
      { ...OWN, interfaces: [{ ...ownVlan('a'), default_route: {} }] },
      'interfaces.0.default_route',
    ],
    [
      'no word about the firewall',
      { ...OWN, interfaces: [{ public: {} }] },
      'interfaces.0.firewall_id',
    ],
    ['a firewall of the Linode', { ...OWN, interfaces: [ownOpen], firewall_id: -1 }, 'firewall_id'],
    ['Network Helper for the old ones', { ...LEGACY, network_helper: true }, 'network_helper'],
  ])('are refused: %s', async (_, body, field) => {
    const { create, simulator } = await aWorld();
    const { status, json } = await create(body);
    expect(status).toBe(400);
    expect(json.errors.map((error: { field: string }) => error.field)).toContain(field);
    expect(simulator.instances()).toEqual([]);
  });

  it.each([
    ['legacy_config_only', 'legacy_config', [200, 400]],
    ['legacy_config_default_but_linode_allowed', 'legacy_config', [200, 200]],
    ['linode_default_but_legacy_config_allowed', 'linode', [200, 200]],
    ['linode_only', 'linode', [400, 200]],
  ])('are of the generation that the account allows: %s', async (allowed, first, statuses) => {
    const { create } = await aWorld({ settings: { interfacesForNewLinodes: allowed } });
    expect((await create()).json.interface_generation).toBe(first);
    const answers = [await create(LEGACY), await create({ ...OWN, interfaces: [ownOpen] })];
    expect(answers.map(({ status }) => status)).toEqual(statuses);
  });

  it('have no firewall, or the default one, which lets no ssh in, unless they say none', async () => {
    const { create, simulator } = await aWorld();
    await create();
    simulator.updateSettings({ defaultFirewall: 7 });
    for (const firewall_id of [undefined, null, 7, -1]) await create({ firewall_id });
    for (const firewall_id of [undefined, 7, -1]) {
      await create({ ...OWN, interfaces: [{ ...ownOpen, firewall_id }] });
    }
    const firewalls = simulator.instances().map(({ firewallId }) => firewallId);
    expect(firewalls).toEqual([null, 7, 7, 7, null, 7, 7, null]);
  });
});

describe('a VLAN', () => {
  const inVlan = (label: string) => ({ interfaces: [{ purpose: 'vlan', label }] });
  const vlansOf = async ({ call }: World, filter = {}) =>
    (await call('GET', '/networking/vlans', { filter })).json.data;

  it('is of its region, made by its first Linode, and listed with all of them', async () => {
    const world = await aWorld();
    const first = (await world.create(inVlan('lab'))).json.id;
    world.advanceSeconds(60);
    const second = (await world.create(inVlan('lab'))).json.id;
    const other = (await world.create({ ...inVlan('lab'), region: 'us-ord' })).json.id;
    expect(await vlansOf(world)).toEqual([
      { region: 'us-east', label: 'lab', linodes: [first, second], created: '2026-11-22T12:00:00' },
      { region: 'us-ord', label: 'lab', linodes: [other], created: '2026-11-22T12:01:00' },
    ]);
    expect(await vlansOf(world, { label: 'lab', region: 'us-ord' })).toHaveLength(1);
  });

  it('can be deleted once its last Linode is gone, and not before', async () => {
    const world = await aWorld({ settings: { lingerDeletingSeconds: 10 } });
    const { id } = (await world.create(inVlan('lab'))).json;
    const remove = async () => (await world.call('DELETE', '/networking/vlans/us-east/lab')).status;
    expect(await remove()).toBe(400);
    await world.call('DELETE', `/linode/instances/${id}`);
    expect(await remove()).toBe(400);
    world.advanceSeconds(10);
    expect(await vlansOf(world)).toMatchObject([{ linodes: [] }]);
    expect(await remove()).toBe(200);
    expect(await vlansOf(world)).toEqual([]);
    expect(await remove()).toBe(404);
  });

  it('is one of ten in its region, also without Linodes', async () => {
    const world = await aWorld();
    const ids: number[] = [];
    for (let n = 0; n < 10; n += 1) ids.push((await world.create(inVlan(`v-${n}`))).json.id);
    const refused = await world.create(inVlan('v-10'));
    expect(refused.status).toBe(400);
    expect(refused.json.errors[0]).toMatchObject({ field: 'interfaces' });
    expect((await world.create({ ...inVlan('v-10'), region: 'us-ord' })).status).toBe(200);
    expect((await world.create(inVlan('v-9'))).status).toBe(200);
    expect((await world.create()).status).toBe(200);
    await world.call('DELETE', `/linode/instances/${ids[0]}`);
    expect((await world.create(inVlan('v-10'))).status).toBe(400);
    await world.call('DELETE', '/networking/vlans/us-east/v-0');
    expect((await world.create(inVlan('v-10'))).status).toBe(200);
  });
});

describe('a Linode', () => {
  it.each<[string, object, [number, string][]]>([
    [
      'an image',
      {},
      [
        [44.9, 'provisioning'],
        [45, 'booting'],
        [59.9, 'booting'],
        [60, 'running'],
      ],
    ],
    [
      'an image, not booted',
      { booted: false },
      [
        [44.9, 'provisioning'],
        [45, 'offline'],
        [99, 'offline'],
      ],
    ],
    [
      'no image',
      { image: null },
      [
        [4.9, 'provisioning'],
        [5, 'offline'],
        [99, 'offline'],
      ],
    ],
  ])('goes through its states with %s', async (_, body, steps) => {
    const world = await aWorld();
    const { json } = await world.create(body);
    for (const [seconds, status] of steps) {
      world.clock.now = EPOCH + seconds * 1000;
      expect(await statusOf(world, json.id)).toBe(status);
    }
  });

  it('boots in the time of the settings, and never with a stuck label', async () => {
    const settings = { imageSeconds: 10, bootSeconds: 1, stuckLabels: ['-stuck$'] };
    const world = await aWorld({ settings });
    const { json: booting } = await world.create();
    const { json: stuck } = await world.create({ label: 'node-stuck' });
    world.advanceSeconds(11);
    expect(await statusOf(world, booting.id)).toBe('running');
    world.advanceSeconds(86_400);
    expect(await statusOf(world, stuck.id)).toBe('provisioning');
  });

  it('goes back in its states when the clock is set back', async () => {
    const world = await aWorld();
    const { json } = await world.create();
    world.advanceSeconds(60);
    expect(await statusOf(world, json.id)).toBe('running');
    world.advanceSeconds(-30);
    expect(await statusOf(world, json.id)).toBe('provisioning');
  });

  it('is gone at once when deleted, and its label is free', async () => {
    const world = await aWorld();
    const { call, create, simulator } = world;
    const { json } = await create({ label: 'again' });
    world.advanceSeconds(1.5);
    const answer = await call('DELETE', `/linode/instances/${json.id}`);
    expect([answer.status, answer.text]).toEqual([200, '{}']);
    expect(await statusOf(world, json.id)).toBe(404);
    expect((await call('GET', '/linode/instances')).json.results).toBe(0);
    expect((await call('DELETE', `/linode/instances/${json.id}`)).status).toBe(404);
    expect((await create({ label: 'again' })).status).toBe(200);
    expect(simulator.instances()[0]).toMatchObject({ id: json.id, deleted: EPOCH + 1500 });
  });

  it('stays listed as deleting by the settings, with its label and without a bill', async () => {
    const world = await aWorld({ settings: { lingerDeletingSeconds: 30 } });
    const { call, create, simulator } = world;
    const { json } = await create({ label: 'slow' });
    await call('DELETE', `/linode/instances/${json.id}`);
    world.advanceSeconds(29);
    expect(await statusOf(world, json.id)).toBe('deleting');
    expect((await create({ label: 'slow' })).status).toBe(400);
    const body = { tags: ['late'] };
    const change = await call('PUT', `/linode/instances/${json.id}`, { body });
    expect(change).toMatchObject({ status: 400, json: errors(['Linode busy.']) });
    expect((await call('DELETE', `/linode/instances/${json.id}`)).status).toBe(200);
    expect(simulator.instances()).toMatchObject([{ deleted: EPOCH }]);
    world.advanceSeconds(1);
    expect(await statusOf(world, json.id)).toBe(404);
    expect((await create({ label: 'slow' })).status).toBe(200);
  });
});

describe('an update', () => {
  it('renames a Linode and replaces its tags', async () => {
    const { call, create, advanceSeconds } = await aWorld();
    const { json } = await create({ tags: ['old'] });
    advanceSeconds(1);
    const body = { label: 'renamed', tags: ['new'] };
    const answer = await call('PUT', `/linode/instances/${json.id}`, { body });
    expect(answer.json).toMatchObject({ ...body, updated: '2026-11-22T12:00:01' });
    expect((await call('GET', `/linode/instances/${json.id}`)).json).toEqual(answer.json);
    expect((await call('GET', '/tags')).json.data).toEqual([{ label: 'old' }, { label: 'new' }]);
  });

  it("may not use another Linode's label, but its own", async () => {
    const { call, create } = await aWorld();
    await create({ label: 'first' });
    const { json } = await create({ label: 'second' });
    const path = `/linode/instances/${json.id}`;
    expect((await call('PUT', path, { body: { label: 'first' } })).status).toBe(400);
    expect((await call('PUT', path, { body: { label: 'second' } })).status).toBe(200);
    expect((await call('PUT', path, { body: { label: '-' } })).json.errors[0].field).toBe('label');
    expect((await call('PUT', path, { body: { tags: [1] } })).json.errors[0].field).toBe('tags');
    expect((await call('PUT', path, { body: { expiration: null } })).status).toBe(501);
  });

  it('accepts all fields of its answer, and changes the writable ones', async () => {
    const { call, create } = await aWorld();
    const { json } = await create({ tags: ['old'] });
    const path = `/linode/instances/${json.id}`;
    const { alerts, backups, watchdog_enabled } = json;
    const { enabled, schedule } = backups;
    const fixed = { alerts, backups: { enabled, schedule }, watchdog_enabled };
    const change = { group: 'web', maintenance_policy: 'linode/power_off_on', tags: ['new'] };
    const answer = await call('PUT', path, { body: { ...fixed, ...change } });
    expect(answer).toMatchObject({ status: 200, json: { ...json, ...change } });
    expect((await call('GET', path)).json).toEqual(answer.json);
  });

  it.each([
    ['watchdog_enabled', { watchdog_enabled: false }],
    ['alerts', { alerts: { cpu: 10 } }],
    ['backups', { backups: { schedule: { day: 'Sunday', window: 'W0' } } }],
    ['alerts, backups', { alerts: null, backups: null }],
  ])('answers 501 to another value of %s, and changes nothing', async (names, body) => {
    const { call, create } = await aWorld();
    const { json } = await create();
    const path = `/linode/instances/${json.id}`;
    const answer = await call('PUT', path, { body: { ...body, tags: ['new'] } });
    const reason = `The simulator does not have another value of ${names}`;
    expect(answer).toMatchObject({ status: 501, json: errors([reason]) });
    expect((await call('GET', path)).json).toEqual(json);
  });

  it('refuses an unknown group and policy', async () => {
    const { call, create } = await aWorld();
    const { json } = await create();
    const body = { group: 5, maintenance_policy: 'linode/wait' };
    expect(await call('PUT', `/linode/instances/${json.id}`, { body })).toMatchObject({
      status: 400,
      json: errors(
        ['group is not valid', 'group'],
        ['Unsupported maintenance policy slug format.', 'maintenance_policy'],
      ),
    });
  });

  it('leaves a tag listed after its Linodes are gone, until the tag is deleted', async () => {
    const { call, create } = await aWorld();
    const { json } = await create({ tags: ['onebuck=c1'] });
    await call('DELETE', `/linode/instances/${json.id}`);
    expect((await call('GET', '/tags/onebuck%3Dc1')).json).toMatchObject({ data: [], results: 0 });
    expect((await call('DELETE', '/tags/onebuck%3Dc1')).text).toBe('{}');
    expect((await call('GET', '/tags/onebuck%3Dc1')).status).toBe(404);
    expect((await call('GET', '/tags')).json.results).toBe(0);
  });

  it('that deletes a tag takes it off all Linodes but those deleted before', async () => {
    const { call, create, simulator } = await aWorld();
    const { json: gone } = await create({ tags: ['red', 'blue'] });
    await call('DELETE', `/linode/instances/${gone.id}`);
    const { json } = await create({ tags: ['red', 'blue'] });
    await call('DELETE', '/tags/red');
    expect((await call('GET', `/linode/instances/${json.id}`)).json.tags).toEqual(['blue']);
    expect(simulator.instances()).toMatchObject([
      { tags: ['red', 'blue'], tagsAtCreation: ['red', 'blue'] },
      { tags: ['blue'], tagsAtCreation: ['red', 'blue'] },
    ]);
    expect(simulator.instances('red')).toHaveLength(2);
  });

  it('by POST /tags puts a tag on Linodes, and the tag lists them', async () => {
    const { call, create } = await aWorld();
    const { json } = await create({ tags: ['old'] });
    const body = { label: 'more', linodes: [json.id] };
    expect((await call('POST', '/tags', { body })).json).toEqual({ label: 'more' });
    const { json: page } = await call('GET', '/tags/more');
    expect(page.data).toMatchObject([{ type: 'linode', data: { tags: ['old', 'more'] } }]);
    const tooShort = await call('POST', '/tags', { body: { label: 'ab' } });
    expect(tooShort.json).toEqual(errors(['Length must be 3-50 characters', 'label']));
    const unknown = await call('POST', '/tags', { body: { label: 'abc', linodes: [1] } });
    expect(unknown.json.errors[0].field).toBe('linodes');
  });

  it('by POST /tags takes empty lists of other objects, but no others', async () => {
    const { call } = await aWorld();
    const none = { linodes: null, domains: null, nodebalancers: [], volumes: null };
    const body = { label: 'tag', ...none, reserved_ipv4_addresses: [] };
    expect((await call('POST', '/tags', { body })).json).toEqual({ label: 'tag' });
    const other = await call('POST', '/tags', { body: { label: 'two', linodes: 5, volumes: [1] } });
    expect(other).toMatchObject({
      status: 400,
      json: errors(['linodes is not valid', 'linodes'], ['volumes is not valid', 'volumes']),
    });
    expect((await call('GET', '/tags')).json.data).toEqual([{ label: 'tag' }]);
  });
});

describe('events', () => {
  const eventsOf = async ({ call }: World, id: number): Promise<[string, string, number][]> => {
    const order = { '+order_by': 'created', '+order': 'desc' };
    const filter = { 'entity.id': id, 'entity.type': 'linode', ...order };
    const { json } = await call('GET', '/account/events', { filter });
    return json.data.map((event: Record<string, unknown>) => [
      event.action,
      event.status,
      event.percent_complete,
    ]);
  };

  it('come in pairs: create and boot, then shutdown and delete', async () => {
    const world = await aWorld();
    const { json } = await world.create();
    await world.create();
    expect(await eventsOf(world, json.id)).toEqual([
      ['linode_create', 'started', 0],
      ['linode_boot', 'scheduled', 0],
    ]);
    world.advanceSeconds(52.5);
    expect(await eventsOf(world, json.id)).toEqual([
      ['linode_create', 'finished', 100],
      ['linode_boot', 'started', 50],
    ]);
    world.advanceSeconds(10);
    await world.call('DELETE', `/linode/instances/${json.id}`);
    expect(await eventsOf(world, json.id)).toEqual([
      ['linode_shutdown', 'started', 0],
      ['linode_delete', 'scheduled', 0],
      ['linode_create', 'finished', 100],
      ['linode_boot', 'finished', 100],
    ]);
    world.advanceSeconds(29);
    const [shutdown, deletion] = await eventsOf(world, json.id);
    expect([shutdown?.[1], deletion?.[1]]).toEqual(['finished', 'finished']);
  });

  it('are found by their id in the recorded shape, and end after 90 days', async () => {
    const { call, create, advanceSeconds } = await aWorld();
    const { json } = await create({ label: 'eventful' });
    advanceSeconds(45);
    const { json: page } = await call('GET', '/account/events', {
      filter: { action: 'linode_create' },
    });
    const [event] = page.data;
    expect(event).toMatchObject({
      created: '2026-11-22T12:00:00',
      time_remaining: 0,
      duration: 45,
      entity: { label: 'eventful', id: json.id, url: `/v4/linode/instances/${json.id}` },
      secondary_entity: { id: 'linode/ubuntu24.04', type: 'image', label: 'Ubuntu 24.04 LTS' },
    });
    expect((await call('GET', `/account/events/${event.id}`)).json).toEqual(event);
    advanceSeconds(90 * 86_400);
    expect((await call('GET', `/account/events/${event.id}`)).status).toBe(404);
    expect((await call('GET', '/account/events')).json.results).toBe(0);
  });
});

describe('the account', () => {
  it('has a balance of the bill of its Linodes so far', async () => {
    const { call, create, advanceSeconds } = await aWorld();
    await create({ type: 'g6-standard-2' });
    advanceSeconds(3_601);
    const { json } = await call('GET', '/account');
    expect(json).toMatchObject({ balance: 0, balance_uninvoiced: 0.07, active_promotions: [] });
  });
});

describe('the state file', () => {
  it('gives a second start the Linodes, tags, events and ids of the first', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linode-simulator-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const stateFile = join(folder, 'deeper', 'state.json');
    const first = await aWorld({ stateFile });
    const interfaces = [{ purpose: 'vlan', label: 'lab', ipam_address: '10.0.0.1/24' }];
    const { json: gone } = await first.create({ label: 'gone', tags: ['red'], interfaces });
    await first.call('DELETE', `/linode/instances/${gone.id}`);
    const made = await Promise.all(
      ['a', 'b', 'c', 'd'].map((letter) => first.create({ label: `kept-${letter}` })),
    );
    const events = await first.call('GET', '/account/events');
    await first.simulator.close();
    expect(readdirSync(join(folder, 'deeper'))).toEqual(['state.json']);

    const second = await aWorld({ stateFile });
    expect(labelsOf(await second.call('GET', '/linode/instances'))).toEqual(
      made.map(({ json }) => json.label),
    );
    expect((await second.call('GET', '/tags')).json.data).toEqual([{ label: 'red' }]);
    expect((await second.call('GET', '/account/events')).text).toBe(events.text);
    expect(second.simulator.bill()).toEqual(first.simulator.bill());
    expect(second.simulator.instances()).toEqual(first.simulator.instances());
    const { json: vlans } = await second.call('GET', '/networking/vlans');
    expect(vlans.data).toMatchObject([{ label: 'lab', region: 'us-east', linodes: [] }]);
    const { json: next } = await second.create();
    expect(next.id).toBe(gone.id + 5);
  });

  it('may be of before the simulator had interfaces: each Linode had a public one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linode-simulator-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const stateFile = join(folder, 'state.json');
    const first = await aWorld({ stateFile });
    await first.create({ label: 'old' });
    await first.simulator.close();
    const { vlans: _, instances, ...state } = JSON.parse(readFileSync(stateFile, 'utf8'));
    const [{ interfaces: __, firewallId: ___, ...old }] = instances;
    writeFileSync(stateFile, JSON.stringify({ ...state, instances: [old] }));
    const second = await aWorld({ stateFile });
    expect(second.simulator.instances()).toMatchObject([
      { label: 'old', interfaces: [{ purpose: 'public' }], firewallId: null },
    ]);
    expect((await second.call('GET', '/networking/vlans')).json.data).toEqual([]);
  });

  it('must be a state of the simulator, or the start fails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linode-simulator-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const stateFile = join(folder, 'state.json');
    writeFileSync(stateFile, '{}');
    const started = startLinodeSimulator({ now: () => EPOCH, tokens: {}, stateFile });
    await expect(started).rejects.toThrow(/not a state of this simulator/);
  });
});
