import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLinodeApi } from '../../../../lib/adapters/linode/client.ts';
import { plus, seconds } from '../../../../lib/core/base/units.ts';
import type { FaultKind } from '../../../../simulators/linode/simulator.ts';
import { aClock, anAccount, LINODE_TOKEN, silentLog } from '../../../support/doubles.ts';
import {
  aRawLinode,
  aRequest,
  LABEL,
  LATER,
  LIMITS,
  START,
  TAGS,
} from '../../../support/linode-server.ts';
import { callLinode, READER, simulated } from '../../../support/simulated-linode.ts';

type Simulated = Awaited<ReturnType<typeof simulated>>;

/** The client in front of the simulated Linode, with a fault in the first create. */
function simulatedWith(
  kind: Exclude<FaultKind, 'status429' | 'staleList' | 'truncatedList'>,
): Promise<Simulated> {
  const faults = [{ kind, method: 'POST', times: 1 }];
  return simulated({ faults });
}

const VLAN = { label: 'onebuck-dev', address: '10.128.0.1/24' };
const IN_VLAN = { purpose: 'vlan', ...VLAN };

const existingIn = ({ simulator }: Simulated) =>
  simulator.instances().filter(({ deleted }) => deleted === null);

describe('with the simulated Linode', () => {
  it('the client reads the catalogue', async () => {
    const { api } = await simulated();
    const types = await api.types(LATER);
    const nanode = types.value.find(({ id }) => id === 'g6-nanode-1');
    expect(nanode?.price).toMatchObject({ hourly: 7_500, monthly: 5_000_000 });
    expect(types.maxAge).toBe(seconds(60));
    expect((await api.regions(LATER)).value.map(({ id }) => id)).toContain('us-east');
    expect((await api.images(LATER)).value.map(({ id }) => id)).toContain('linode/debian12');
  });

  it('the client reads what transfer costs, and what a type adds to the pool', async () => {
    const { api, simulator } = await simulated();
    expect(await api.transferPrices(LATER)).toEqual({
      value: { gb: 5_000, byRegion: { 'id-cgk': 15_000, 'br-gru': 7_000 } },
      maxAge: seconds(60),
    });
    const { value: types } = await api.types(LATER);
    const transferOf = (wanted: string) => types.find(({ id }) => id === wanted)?.transferGb;
    expect([transferOf('g6-nanode-1'), transferOf('g8-dedicated-4-2')]).toEqual([1_000, 0]);
    simulator.updateSettings({ transferKnown: false });
    expect((await api.transferPrices(LATER)).value).toBeNull();
    simulator.setFaults([{ kind: 'maintenance503' }]);
    await expect(api.transferPrices(LATER)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  });

  it('the client reads what a Linode has sent, with the scope that it has anyway', async () => {
    const tokens = { [READER]: 'linodes:read_only' };
    const { api, simulator, clock } = await simulated({ tokens });
    const outcome = await api.create(aRequest(), LIMITS);
    if (outcome.kind !== 'created') throw new Error(JSON.stringify(outcome));
    const { id } = outcome.linode;
    simulator.send(id, 5_000_000_001);
    clock.set(plus(START, seconds(1)));
    expect(await api.bytesSent(id, LATER)).toBe(5_000_000_001);
    const reader = await callLinode(simulator, 'GET', `/linode/instances/${id}/transfer`, {
      token: READER,
    });
    expect(reader.status).toBe(200);
    await api.delete(id, LATER);
    expect(await api.bytesSent(id, LATER)).toBe('notFound');
  });

  it('measures without an answer hold up no look at a Linode', async () => {
    const clock = aClock(START);
    const body = JSON.stringify(aRawLinode({ id: 7 }));
    const answer = { status: 200, header: () => 'application/json', text: body };
    const api = createLinodeApi({
      transport: (call) =>
        call.path.endsWith('/transfer') ? new Promise(() => {}) : Promise.resolve(answer),
      clock,
      log: silentLog,
      token: async () => LINODE_TOKEN,
    });
    for (let n = 0; n < 30; n += 1) void api.bytesSent(7, LATER);
    expect(await api.get(7, LATER)).toMatchObject({ id: 7 });
  });

  it('the client reads which types a region has sold out', async () => {
    const soldOut = [{ type: 'g6-nanode-1', region: 'us-ord' }];
    const { api } = await simulated({ settings: { soldOut } });
    const rows = await api.availability('us-ord', LATER);
    expect(rows).toContainEqual({ type: 'g6-nanode-1', available: false });
    expect(rows).toContainEqual({ type: 'g7-premium-2', available: true });
    expect(await api.availability('us-east', LATER)).not.toContainEqual(
      expect.objectContaining({ type: 'g6-nanode-1' }),
    );
    await expect(api.availability('us-mars', LATER)).rejects.toMatchObject({
      code: 'linodeRejected',
    });
  });

  it.each([true, false])(
    'the client reads whether backups are forced (%s)',
    async (backupsForced) => {
      const { api } = await simulated({ settings: { backupsForced } });
      expect(await api.accountSettings(LATER)).toEqual(anAccount({ backupsForced }));
      const outcome = await api.create(aRequest(), LIMITS);
      expect(outcome).toMatchObject({ kind: 'created', linode: { backupsEnabled: backupsForced } });
    },
  );

  it('a Linode is created, found by id, tag and label, and deleted twice', async () => {
    const { api, clock } = await simulated();
    const outcome = await api.create(aRequest(), LIMITS);
    if (outcome.kind !== 'created') throw new Error(JSON.stringify(outcome));
    const { linode } = outcome;
    expect(linode).toMatchObject({ label: LABEL, tags: TAGS, created: START, region: 'us-east' });
    for (const tag of TAGS) expect(await api.listByTag(tag, LATER)).toEqual([linode]);
    expect(await api.findByLabel(LABEL, LATER)).toEqual(linode);

    clock.set(plus(START, seconds(61)));
    expect(await api.get(linode.id, LATER)).toMatchObject({ status: 'running' });
    expect(await api.delete(linode.id, LATER)).toBe('deleted');
    expect(await api.delete(linode.id, LATER)).toBe('notFound');
    expect(await api.get(linode.id, LATER)).toBe('notFound');
    expect(await api.listByTag('onebuck-dev', LATER)).toEqual([]);
    expect(await api.findByLabel(LABEL, LATER)).toBe('notFound');
  });

  it.each(['legacy_config', 'linode'] as const)(
    'a Linode with interfaces of %s has no firewall, though the account has a default one',
    async (interfaces) => {
      const { api, simulator } = await simulated({ settings: { defaultFirewall: 7 } });
      await api.create(aRequest({ interfaces, vlan: VLAN }), LIMITS);
      expect(simulator.instances()).toMatchObject([
        {
          interfaceGeneration: interfaces,
          interfaces: [{ purpose: 'public' }, IN_VLAN],
          networkHelper: true,
          firewallId: null,
        },
      ]);
    },
  );

  it('the eleventh VLAN of a region is refused, in words that say so', async () => {
    const { api } = await simulated();
    const inVlan = (n: number) =>
      aRequest({ label: `onebuck-cabcdefghij-${n}`, vlan: { ...VLAN, label: `lab-${n}` } });
    for (let n = 0; n < 10; n += 1) await api.create(inVlan(n), LIMITS);
    expect(await api.create(inVlan(10), LIMITS)).toEqual({
      kind: 'refused',
      reason: 'You have reached the maximum of 10 VLANs in this region. (interfaces)',
    });
  });

  it('a tag is deleted twice', async () => {
    const { api } = await simulated();
    await api.create(aRequest(), LIMITS);
    await api.deleteTag('onebuck=cabcdefghij', LATER);
    await api.deleteTag('onebuck=cabcdefghij', LATER);
    expect(await api.listByTag('onebuck=cabcdefghij', LATER)).toEqual([]);
    expect(await api.listByTag('onebuck-dev', LATER)).toHaveLength(1);
  });

  it.each(['dropAfter', 'hangAfter', 'status408After', 'error500After', 'busyAfter'] as const)(
    'a create that took effect is adopted after %s, with its VLAN',
    async (kind) => {
      const world = await simulatedWith(kind);
      const outcome = await world.api.create(aRequest({ vlan: VLAN }), LIMITS);
      expect(outcome).toMatchObject({ kind: 'created', linode: { label: LABEL, tags: TAGS } });
      expect(existingIn(world)).toMatchObject([{ interfaces: [{ purpose: 'public' }, IN_VLAN] }]);
    },
  );

  it.each([
    'dropBefore',
    'hang',
    'status408',
    'status500',
    'html502',
    'status503',
    'maintenance503',
    'nginx400',
    'html200',
    'busy',
  ] as const)(
    'a create without effect has an unknown result after %s, and can be repeated',
    async (kind) => {
      const world = await simulatedWith(kind);
      const create = () => world.api.create(aRequest({ vlan: VLAN }), LIMITS);
      expect(await create()).toMatchObject({ kind: 'unknown' });
      expect(existingIn(world)).toHaveLength(0);
      expect(await world.api.vlans('us-east', LATER)).toEqual([]);
      expect(await create()).toMatchObject({ kind: 'created' });
      expect(existingIn(world)).toHaveLength(1);
      expect(await world.api.vlans('us-east', LATER)).toEqual([
        { region: 'us-east', label: VLAN.label, linodes: 1 },
      ]);
    },
  );

  it('a Linode with the label is adopted if it has the tags, and otherwise refused', async () => {
    const world = await simulated();
    const first = await world.api.create(aRequest(), LIMITS);
    expect(await world.api.create(aRequest(), LIMITS)).toEqual(first);
    const other = aRequest({ tags: ['onebuck-prod'] });
    expect(await world.api.create(other, LIMITS)).toMatchObject({ kind: 'refused' });
    expect(existingIn(world)).toHaveLength(1);
  });

  it.each(['capacity', 'limit'] as const)('a create is refused by the fault "%s"', async (kind) => {
    const world = await simulatedWith(kind);
    const outcome = await world.api.create(aRequest(), LIMITS);
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/contact/i) });
    expect(existingIn(world)).toHaveLength(0);
  });

  it('a create waits after a 429, and is sent again', async () => {
    const faults = [{ kind: 'status429', method: 'POST', times: 1, retryAfterSeconds: 8 } as const];
    const { api, clock } = await simulated({ faults });
    expect(await api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'created' });
    expect(clock.now()).toBeGreaterThanOrEqual(plus(START, seconds(8)));
  });

  it('25 creates at once all succeed, and none is over the rate limit', async () => {
    const posts = () => world.simulator.requests()['POST /linode/instances'];
    // The clock must stand still until the first 20 creates have arrived.
    const whileAsleep = async () => {
      while ((posts()?.total ?? 0) < 20) await turn();
    };
    const world = await simulated({ whileAsleep });
    const outcomes = await Promise.all(
      Array.from({ length: 25 }, (_, index) =>
        world.api.create(aRequest({ label: `onebuck-cabcdefghij-${index}` }), LIMITS),
      ),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(25).fill('created'));
    expect(posts()).toEqual({ total: 25, byStatus: { 200: 25 } });
    const late = existingIn(world).filter(({ created }) => created > START);
    expect(late).toHaveLength(5);
  });

  it('a fresh token replaces a refused token', async () => {
    const token = async ({ fresh }: { fresh: boolean }) =>
      fresh ? LINODE_TOKEN : 'token-that-was-revoked';
    const world = await simulated({ token });
    expect(await world.api.listByTag('onebuck-dev', LATER)).toEqual([]);
    expect(await world.api.create(aRequest(), LIMITS)).toMatchObject({ kind: 'created' });
    expect(existingIn(world)).toHaveLength(1);
  });

  it('an invalid token and a token without a scope throw different errors', async () => {
    const revoked = await simulated({ token: async () => 'token-that-was-revoked' });
    const scoped = await simulated({ token: async () => READER });
    const invalid = { code: 'linodeDenied', message: expect.stringMatching(/wrong, expired or/) };
    const lacking = { code: 'linodeDenied', message: expect.stringMatching(/linodes:read_write/) };

    await expect(revoked.api.listByTag('onebuck-dev', LATER)).rejects.toMatchObject(invalid);
    await expect(revoked.api.create(aRequest(), LIMITS)).rejects.toMatchObject(invalid);
    await expect(revoked.api.accountSettings(LATER)).rejects.toMatchObject(invalid);
    expect(await scoped.api.listByTag('onebuck-dev', LATER)).toEqual([]);
    await expect(scoped.api.create(aRequest(), LIMITS)).rejects.toMatchObject(lacking);
    await expect(scoped.api.delete(1, LATER)).rejects.toMatchObject(lacking);
    expect(await scoped.api.accountSettings(LATER)).toBe('unreadable');
  });

  it('a list with fewer items than it says throws', async () => {
    const faults = [{ kind: 'truncatedList', items: 1, keepTotals: true } as const];
    const { api, simulator } = await simulated();
    await api.create(aRequest(), LIMITS);
    simulator.setFaults(faults);
    await expect(api.listByTag('onebuck-dev', LATER)).rejects.toMatchObject({
      code: 'linodeUnavailable',
    });
  });
});

it('the client replaces the tags of a Linode twice, and none of a deleted Linode', async () => {
  const { api } = await simulated();
  const made = await api.create(aRequest(), LIMITS);
  if (made.kind !== 'created') throw new Error(`it is ${made.kind}`);
  const { id } = made.linode;
  const tags = [...TAGS.slice(0, 2), 'reap=20260102T0000Z'];
  for (const _ of ['once', 'twice']) {
    expect(await api.setTags(id, tags, LATER)).toMatchObject({ id, tags });
  }
  expect(await api.get(id, LATER)).toMatchObject({ tags });
  expect(await api.listByTag('reap=20260102T0000Z', LATER)).toMatchObject([{ id }]);
  expect(await api.listByTag('reap=20260101T0157Z', LATER)).toEqual([]);
  await api.delete(id, LATER);
  expect(await api.setTags(id, tags, LATER)).toBe('notFound');
});

it.each(['busy', 'busyAfter', 'dropBefore', 'dropAfter', 'error500After'] as const)(
  'the client puts tags again after %s, until the Linode has them',
  async (kind) => {
    const { api, simulator } = await simulated();
    const made = await api.create(aRequest(), LIMITS);
    if (made.kind !== 'created') throw new Error(`it is ${made.kind}`);
    simulator.setFaults([{ kind, method: 'PUT', times: 2 }]);
    const tags = [...TAGS.slice(0, 2), 'reap=20260102T0000Z'];
    expect(await api.setTags(made.linode.id, tags, LATER)).toMatchObject({ tags });
    expect(simulator.instances()).toMatchObject([{ tags, deleted: null }]);
  },
);

it('the client throws when it puts tags with a token that may only read', async () => {
  const { api } = await simulated({ token: async () => READER });
  await expect(api.setTags(1, TAGS, LATER)).rejects.toMatchObject({ code: 'linodeDenied' });
});
