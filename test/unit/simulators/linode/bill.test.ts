import { describe, expect, it } from 'vitest';
import { at, aWorld, EPOCH } from '../../../support/simulated-linode.ts';

describe('bill', () => {
  const billed = async (options: {
    body?: object;
    hours: number;
    from?: string;
    forced?: boolean;
  }) => {
    const { body, hours, from = '2026-11-22T12:00:00.250Z', forced = false } = options;
    const world = await aWorld({ settings: { backupsForced: forced } });
    world.clock.now = at(from);
    const { json } = await world.create(body);
    world.clock.now += hours * 3_600_000;
    await world.call('DELETE', `/linode/instances/${json.id}`);
    world.advanceSeconds(365 * 86_400);
    const [entry] = world.simulator.bill().instances;
    return [entry?.hours, entry?.microUsd];
  };
  const ms = 1 / 3_600_000;

  it.each<[string, Parameters<typeof billed>[0], [number, number]]>([
    ['an instant as one hour', { hours: 0 }, [1, 7_500]],
    ['a full hour as one', { hours: 1 }, [1, 7_500]],
    ['a millisecond more as two', { hours: 1 + ms }, [2, 15_000]],
    ['13 hours at the price of 13', { hours: 13 }, [13, 97_500]],
    ['the price of the region', { hours: 2, body: { region: 'br-gru' } }, [2, 21_000]],
    ['backups that the request has', { hours: 2, body: { backups_enabled: true } }, [2, 21_000]],
    [
      'forced backups at the price of the region',
      { hours: 1, forced: true, body: { region: 'id-cgk' } },
      [1, 12_600],
    ],
    ['at most the monthly price', { hours: 720, from: '2026-11-01T00:00:00Z' }, [720, 5_000_000]],
    ['the last hour below the cap', { hours: 666, from: '2026-11-01T00:00:00Z' }, [666, 4_995_000]],
    [
      'a cap for the machine and one for its backups',
      { hours: 720, from: '2026-11-01T00:00:00Z', forced: true },
      [720, 7_000_000],
    ],
    [
      'a cap for each calendar month',
      { hours: 720 + 744 + 1, from: '2026-11-01T00:00:00Z' },
      [1465, 10_007_500],
    ],
    [
      'an hour across the end of a month in the month in which it starts',
      { hours: 721, from: '2026-10-31T23:30:00Z' },
      [721, 7_500 + 5_000_000],
    ],
    [
      'a type without cap for every hour',
      { hours: 744, from: '2026-12-01T00:00:00Z', body: { type: 'g8-dedicated-4-2' } },
      [744, 52_080_000],
    ],
    [
      'backups without a price as free',
      { hours: 1, body: { type: 'g8-dedicated-4-2' }, forced: true },
      [1, 70_000],
    ],
  ])('counts %s', async (_, options, [hours, microUsd]) => {
    expect(await billed(options)).toEqual([hours, microUsd]);
  });

  it('grows with the clock while a Linode exists, and can be of one tag', async () => {
    const { create, simulator, advanceSeconds } = await aWorld();
    await create({ tags: ['red'] });
    await create({ tags: ['blue'], type: 'g6-standard-1' });
    expect(simulator.bill()).toMatchObject({ totalMicroUsd: 25_500, totalUsd: 0.0255 });
    advanceSeconds(3 * 3600 + 1);
    expect(simulator.bill('red')).toMatchObject({
      totalMicroUsd: 30_000,
      instances: [{ tags: ['red'], type: 'g6-nanode-1', created: EPOCH, deleted: null, hours: 4 }],
    });
  });

  it('has the price at creation, also when the listed prices change', async () => {
    const { call, create, simulator } = await aWorld();
    await create();
    simulator.updateSettings({ priceFactor: 2 });
    await create({ type: 'g6-standard-1', region: 'br-gru' });
    const { instances } = simulator.bill();
    expect(instances.map(({ microUsd }) => microUsd)).toEqual([7_500, 50_000]);
    const { json } = await call('GET', '/linode/types/g6-nanode-1');
    expect(json.price).toEqual({ hourly: 0.015, monthly: 10 });
    const list = (await call('GET', '/linode/types')).json.data;
    expect(list[0]).toEqual(json);
  });

  it('has a higher price from the hour after a rise on, in the list at once', async () => {
    const { advanceSeconds, call, create, simulator } = await aWorld();
    await create();
    advanceSeconds(90 * 60);
    simulator.raisePrices(2);
    const { json } = await call('GET', '/linode/types/g6-nanode-1');
    expect(json.price).toEqual({ hourly: 0.015, monthly: 10 });
    expect(simulator.bill().totalMicroUsd).toBe(2 * 7_500);
    advanceSeconds(31 * 60);
    expect(simulator.bill().totalMicroUsd).toBe(2 * 7_500 + 15_000);
    await create();
    expect(simulator.bill().totalMicroUsd).toBe(2 * 7_500 + 2 * 15_000);
  });
});
