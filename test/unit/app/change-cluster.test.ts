import { describe, expect, it } from 'vitest';
import { changeCluster } from '../../../lib/app/change-cluster.ts';
import { minutes, plus } from '../../../lib/core/base/units.ts';
import { ID, usd } from '../../support/builders.ts';
import { aRunningWorld } from './running-world.ts';

async function aWorld() {
  const world = await aRunningWorld();
  const by = plus(world.deps.clock.now(), minutes(1));
  const change = (input: object) => changeCluster(world.deps, { owner: 'ann', id: ID, input, by });
  return Object.assign(world, { change });
}

describe('a change of the budget', () => {
  it('that meets a pass is made all the same, over what the pass has saved', async () => {
    const { change, record, counted, passInBetween } = await aWorld();
    passInBetween();
    await change({ budgetUsd: 2 });
    expect(await record()).toMatchObject({ budget: usd(2), reapTags: ['reap=x'] });
    expect(await counted()).toBe(usd(2));
  });

  it('to a higher one is counted before the record has it', async () => {
    const world = await aWorld();
    const counted: unknown[] = [];
    world.beforeSave = async () => void counted.push(await world.counted());
    await world.change({ budgetUsd: 2 });
    expect(counted).toEqual([usd(2)]);
  });

  it('beyond a cap is refused, and the record stays as it is', async () => {
    const { change, record, counted } = await aWorld();
    await expect(change({ budgetUsd: 6 })).rejects.toMatchObject({ code: 'refused' });
    expect([(await record()).budget, await counted()]).toEqual([usd(1), usd(1)]);
  });

  it('of a cluster that is not counted is put off, and the record stays as it is', async () => {
    const { change, record, ledger } = await aWorld();
    await ledger.save({ ...(await ledger.read()), open: new Map() });
    await expect(change({ budgetUsd: 2 })).rejects.toMatchObject({ code: 'conflict' });
    expect(await record()).toMatchObject({ budget: usd(1) });
  });

  it('to a lower one is counted after the record has it', async () => {
    const { change, deps, counted } = await aWorld();
    deps.clock.set(plus(deps.clock.now(), minutes(5)));
    await change({ budgetUsd: 0.5 });
    expect(await counted()).toBe(usd(0.5));
  });
});
