import { describe, expect, it } from 'vitest';
import { offer } from '../../lib/app/offer.ts';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import { aWorld, NANODES, START, type World } from '../support/flow-world.ts';

let world: World;

const quote = (input: unknown = NANODES) =>
  offer(world, input, plus(world.clock.now(), minutes(1)));

describe('an account that Linode manages', () => {
  it('gets no quote and no cluster: each Linode would cost more than any budget allows for', async () => {
    world = await aWorld({ inMemory: true, linode: { managed: true } });
    for (const attempt of [quote, () => world.launch({ nodes: 1, budgetUsd: 0.05 })]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('about $100 a month more for each Linode'),
      });
    }
    await world.reapUntil(plus(START, hours(1)));
    expect(world.existingLinodes()).toEqual([]);
    expect(world.linode.bill().totalMicroUsd).toBe(0);
  });

  it('would have paid many times the budget of a nanode', async () => {
    world = await aWorld({ inMemory: true, linode: { managed: true } });
    const body = { label: 'managed', type: 'g6-nanode-1', region: 'us-east', tags: [] };
    await world.callByHand('POST', '/linode/instances', body);
    world.clock.set(plus(START, hours(6)));
    expect(world.linode.bill().totalMicroUsd).toBe(6 * (7_500 + 150_000));
  });
});

describe('an account that takes only Linode interfaces', () => {
  const LINODE_ONLY = { interfacesForNewLinodes: 'linode_only' };

  it('gets clusters of Linodes with those, and without a firewall', async () => {
    world = await aWorld({ inMemory: true, linode: { ...LINODE_ONLY, defaultFirewall: 7 } });
    const { bought } = await world.launch({ nodes: 2, budgetUsd: 0.05 });
    expect(bought).toMatchObject({ interfaces: 'linode' });
    await world.reapUntil(plus(START, minutes(2)));
    expect(world.linode.instances()).toMatchObject(
      Array(2).fill({ interfaceGeneration: 'linode', firewallId: null }),
    );
  });

  it('gets none in a region without them', async () => {
    const regionsWithout = { 'Linode Interfaces': [NANODES.region] };
    world = await aWorld({ inMemory: true, linode: { ...LINODE_ONLY, regionsWithout } });
    await expect(quote()).rejects.toMatchObject({
      details: { faults: [{ path: 'region', message: expect.stringContaining('which us-') }] },
    });
  });
});

describe('a default firewall of the account', () => {
  it.each([
    ['legacy_config', { interfacesForNewLinodes: 'linode_default_but_legacy_config_allowed' }],
    ['linode', { interfacesForNewLinodes: 'linode_only' }],
  ])('is not attached, as the quote says, with interfaces of %s', async (generation, settings) => {
    world = await aWorld({ inMemory: true, linode: { ...settings, defaultFirewall: 7 } });
    expect((await quote()).advice.warnings).toEqual([
      expect.stringMatching(/^the account's default firewall \(7\) is not attached to the nodes/),
    ]);
    const asked: string[] = [];
    const defaultFirewall = async (interfaces: string) => {
      asked.push(interfaces);
      return null;
    };
    const catalogue = { ...world.catalogue, defaultFirewall };
    await offer({ ...world, catalogue }, NANODES, plus(world.clock.now(), minutes(1)));
    expect(asked).toEqual([generation]);
  });

  it.each([
    ['their own', NANODES, /not attached .*: a firewall on each node guards it instead/],
    [
      'none, of an image without cloud-init',
      { ...NANODES, image: 'linode/slackware15.0' },
      /not attached .*: nothing of Onebuck's guards them instead$/,
    ],
  ])('leaves nodes with %s', async (_, spec, warning) => {
    world = await aWorld({ inMemory: true, linode: { defaultFirewall: 7 } });
    const { warnings } = (await quote(spec)).advice;
    expect(warnings).toContainEqual(expect.stringMatching(warning));
  });

  it.each(['missingScope', 'status500'] as const)(
    'that the token cannot read (%s) gives no warning',
    async (kind) => {
      world = await aWorld({ inMemory: true, linode: { defaultFirewall: 7 } });
      world.linode.setFaults([{ kind, path: '^/networking/firewalls/settings$' }]);
      expect((await quote()).advice.warnings).toEqual([]);
    },
  );
});

describe('an account without Network Helper', () => {
  it.each([
    ['of the old interfaces, in a private network', {}, NANODES, 1],
    ['of the old interfaces, without a network', {}, { ...NANODES, network: 'none' }, 0],
    ['that ask for it by themselves', { interfacesForNewLinodes: 'linode_only' }, NANODES, 0],
  ])('is warned of for nodes %s', async (_, settings, spec, times) => {
    world = await aWorld({ inMemory: true, linode: { ...settings, networkHelper: false } });
    const { warnings } = (await quote(spec)).advice;
    expect(warnings.filter((text) => text.startsWith('Network Helper is off'))).toHaveLength(times);
  });
});

it("a quote says that the token can't read the account's settings", async () => {
  world = await aWorld({ inMemory: true });
  expect((await quote()).advice.warnings).toEqual([]);
  world.clock.set(plus(START, minutes(10)));
  world.linode.setFaults([{ kind: 'missingScope', path: '^/account/settings$' }]);
  const { advice, bought } = await quote();
  expect(bought.backupsAssumed).toBe(true);
  expect(advice.warnings).toEqual([
    expect.stringMatching(/can not read the account's settings .* about \$100 a month more/),
  ]);
});
