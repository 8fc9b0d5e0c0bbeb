import { describe, expect, it } from 'vitest';
import { changeCluster } from '../../../lib/app/change-cluster.ts';
import { destroyCluster } from '../../../lib/app/destroy-cluster.ts';
import { hours, minutes, plus } from '../../../lib/core/base/units.ts';
import type { Running } from '../../../lib/core/cluster/record.ts';
import { aBought, ID, usd } from '../../support/builders.ts';
import { aRunningWorld } from './running-world.ts';

async function aWorld(overrides: Partial<Running> = {}) {
  const world = await aRunningWorld({ overrides });
  const by = plus(world.deps.clock.now(), minutes(1));
  const change = (input: object) => changeCluster(world.deps, { owner: 'ann', id: ID, input, by });
  return Object.assign(world, { change });
}

describe('a change of the budget', () => {
  it('is applied to the record that a pass has saved in between', async () => {
    const { change, record, openBudget, letPassSaveInBetween } = await aWorld();
    letPassSaveInBetween();
    await change({ budgetUsd: 2 });
    expect(await record()).toMatchObject({ budget: usd(2), reapTags: ['reap=x'] });
    expect(await openBudget()).toBe(usd(2));
  });

  it('to a higher budget is in the ledger before it is in the record', async () => {
    const world = await aWorld();
    const seenBeforeSave: unknown[] = [];
    world.beforeSave = async () => void seenBeforeSave.push(await world.openBudget());
    await world.change({ budgetUsd: 2 });
    expect(seenBeforeSave).toEqual([usd(2)]);
  });

  it('beyond a cap is refused, and the record stays as it is', async () => {
    const { change, record, openBudget } = await aWorld();
    await expect(change({ budgetUsd: 6 })).rejects.toMatchObject({ code: 'refused' });
    expect([(await record()).budget, await openBudget()]).toEqual([usd(1), usd(1)]);
  });

  it('of a cluster that the ledger lacks is a conflict, and the record stays', async () => {
    const { change, record, ledger } = await aWorld();
    await ledger.save({ ...(await ledger.read()), open: new Map() });
    await expect(change({ budgetUsd: 2 })).rejects.toMatchObject({ code: 'conflict' });
    expect(await record()).toMatchObject({ budget: usd(1) });
  });

  it('is answered, though its save was repeated, and somebody has ended the cluster since', async () => {
    const world = await aWorld();
    world.repeatsSaves = true;
    world.afterSave = async () => {
      world.repeatsSaves = false;
      await destroyCluster(world.deps, 'ann', ID);
    };
    const answer = await world.change({ budgetUsd: 2 });
    expect(answer).toMatchObject({ phase: 'running', budget: usd(2), revision: 2 });
    expect(await world.record()).toMatchObject({ phase: 'deleting', budget: usd(2), revision: 3 });
  });

  it('to a lower budget is in the ledger after it is in the record', async () => {
    const { change, deps, openBudget } = await aWorld();
    deps.clock.set(plus(deps.clock.now(), minutes(5)));
    await change({ budgetUsd: 0.5 });
    expect(await openBudget()).toBe(usd(0.5));
  });
});

describe('a lower budget of nodes that keep to a limit', () => {
  const bought = aBought({ transfer: { gb: 1_000, gbPrice: usd(0.005) } });
  it('is refused if it does not pay what they were granted, which the answer says', async () => {
    const { change, deps, record } = await aWorld({ bought, limited: true, agent: true });
    // 95 GB, of which nothing is measured yet.
    const granted = { version: 1, month: '2026-11', bytes: [95e9, 0], earlier: {} };
    await deps.allowances.grant(ID, granted, plus(deps.clock.now(), hours(99)));
    await expect(change({ budgetUsd: 0.5 })).rejects.toMatchObject({
      code: 'refused',
      message:
        '$0.015 is billed already, and its nodes may still send $0.515 of transfer that they are ' +
        'allowed. The smallest budget that can still be kept is $0.53; to end it now, DELETE ' +
        `/clusters/${ID}.`,
      details: { members: { smallestBudgetUsd: 0.53 } },
    });
    expect(await record()).toMatchObject({ budget: usd(1) });
    expect(await change({ budgetUsd: 0.53 })).toMatchObject({ budget: usd(0.53) });
  });

  it('is refused without a word of that where no node has a limit', async () => {
    const { change } = await aWorld({ bought });
    await expect(change({ budgetUsd: 0.01 })).rejects.toMatchObject({
      message: expect.stringMatching(/^\$0\.015 is billed already\. The smallest .* is \$0\.015;/),
    });
  });
});
