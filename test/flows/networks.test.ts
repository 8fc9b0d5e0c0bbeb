import { describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import { rangeOf, sharingIn } from '../../simulation/subnets.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const TWO = { nodes: 2, budgetUsd: 0.1 };
const vlans = async (): Promise<string[]> => {
  const { data } = await world.callByHand('GET', '/networking/vlans');
  return data.map(({ label }: { label: string }) => label);
};

/** The addresses that the simulated Linode has given in VLANs, by the cluster of each Linode. */
const ranges = () =>
  world
    .existingLinodes()
    .flatMap(({ label, interfaces }) =>
      interfaces.flatMap((one) =>
        one.purpose === 'vlan' && one.address !== null
          ? rangeOf(label.split('-')[1] as `c${string}`, one.address)
          : [],
      ),
    );

describe('private networks', () => {
  it('of 12 clusters launched at once in a region share no subnet', async () => {
    world = await aWorld();
    const records = await Promise.all(Array.from({ length: 12 }, () => world.launch(TWO)));
    expect(new Set(records.map(({ network }) => network?.subnet.block)).size).toBe(12);
    await world.reapUntil(plus(START, minutes(5)));
    expect(ranges()).toHaveLength(24);
    expect(sharingIn(ranges())).toBeNull();
    expect(await vlans()).toEqual(['onebuck-test']);
  });
});

describe('isolated networks', () => {
  it('are refused beyond ten in a region, before anything is bought, and go at the end', async () => {
    world = await aWorld();
    for (let index = 0; index < 10; index += 1) {
      await world.launch({ ...TWO, network: 'isolated' });
      await world.tickAndPass();
    }
    expect(new Set(await vlans()).size).toBe(10);
    await expect(world.launch({ ...TWO, network: 'isolated' })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^us-east has 10 VLANs, and Linode allows 10 in a region: /),
    });
    await expect(world.launch({ ...TWO, network: 'private' })).rejects.toMatchObject({
      code: 'refused',
    });
    expect(world.existingLinodes()).toHaveLength(20);

    await world.reapUntil(plus(START, hours(8)));
    await world.sweep();
    expect([world.existingLinodes(), await vlans()]).toEqual([[], []]);
  });

  it('launched at once beyond ten end as failed launches, with the reason of Linode', async () => {
    world = await aWorld();
    const launched = await Promise.all(
      Array.from({ length: 11 }, () => world.launch({ ...TWO, network: 'isolated' })),
    );
    await world.reapUntil(plus(START, minutes(10)));
    const records = await Promise.all(launched.map(({ id }) => world.record(id)));
    const failed = records.filter(({ phase }) => phase === 'failed');
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({
      failure: expect.stringContaining('the maximum of 10 VLANs in this region'),
    });
    expect(records.filter(({ phase }) => phase === 'running')).toHaveLength(10);
  });

  it('that a pass could not delete go by the sweeper, but none of another deployment', async () => {
    world = await aWorld();
    const { id } = await world.launch({ ...TWO, network: 'isolated' });
    await world.tickAndPass();
    expect(await vlans()).toEqual([`onebuck-${id}`]);
    await world.destroy(id);
    await world.reapUntil(plus(START, hours(1)));
    expect(await vlans()).toEqual([]);

    // Linode may still count a deleted Linode when the pass deletes the VLAN: here one comes back.
    const [own, others] = [`onebuck-${id}`, 'onebuck-cotherone22'];
    for (const label of [own, others]) {
      const interfaces = [{ purpose: 'public' }, { purpose: 'vlan', label }];
      const body = { type: 'g6-nanode-1', region: 'us-east', interfaces };
      const { id: linodeId } = await world.callByHand('POST', '/linode/instances', body);
      await world.sweep();
      expect(await vlans()).toContain(label);
      await world.callByHand('DELETE', `/linode/instances/${linodeId}`);
    }
    world.clock.set(plus(START, hours(2)));
    await world.sweep();
    expect(await vlans()).toEqual([others]);
  });
});
