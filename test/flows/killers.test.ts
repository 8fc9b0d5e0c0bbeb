import { describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import { OUR_TAG } from '../support/builders.ts';
import { aWorld, createStranger, START, type World } from '../support/flow-world.ts';

let world: World;

const BUDGET = 1_000_000;

describe('the reaper alone', () => {
  it('keeps the budget, without one sweep', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.reapUntil(plus(START, hours(14)));
    expect([world.left(id), world.billed(id)]).toEqual([0, 975_000]);
  });
});

describe('the sweeper alone', () => {
  it.each([0, 1, 2, 3, 4])(
    'keeps the budget of live clusters when the reaper is dead, %i minutes out of step',
    async (offset) => {
      world = await aWorld();
      const { id } = await world.launch();
      await world.reap();
      world.clock.set(plus(world.clock.now(), minutes(offset)));
      await world.sweepUntil(plus(START, hours(14)));
      expect([world.left(id), world.billed(id)]).toEqual([0, 975_000]);
    },
  );

  it('keeps the budget when the table was emptied in mid-flight', async () => {
    let emptied = false;
    world = await aWorld({
      around: (store) => ({
        getMany: async (ids) => (emptied ? [] : store.getMany(ids)),
      }),
    });
    const { id } = await world.launch();
    await world.reap();
    emptied = true;
    await world.sweepUntil(plus(START, hours(12)));
    expect(world.left(id), 'before its time').toBe(10);
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(BUDGET);
  });

  it('keeps the budget when DynamoDB refuses every call', async () => {
    const refuse = async () => {
      throw new Error('DynamoDB refuses');
    };
    let refused = false;
    world = await aWorld({
      around: (store) => ({
        getMany: async (ids) => (refused ? refuse() : store.getMany(ids)),
      }),
    });
    const { id } = await world.launch();
    await world.reap();
    refused = true;
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(BUDGET);
    expect(world.log.some(({ level }) => level === 'error')).toBe(true);
  });

  it('destroys what an ended cluster left, and no live cluster before its time', async () => {
    world = await aWorld();
    const live = await world.launch();
    const ended = await world.launch({ nodes: 1 });
    await world.reap();
    await world.destroy(ended.id);
    await world.reapUntil(plus(START, minutes(10)));
    await createStranger(world, 'landed-late', [OUR_TAG, `onebuck=${ended.id}`]);
    await world.sweep();
    expect([world.left(ended.id), world.left(live.id)]).toEqual([0, 10]);
  });

  it('destroys what it waited for though the list then lacks it, and nothing that is gone', async () => {
    world = await aWorld();
    const { id } = await world.launch({ maxHours: 1 });
    await world.reap();
    const [one] = world.linode.instances(`onebuck=${id}`);
    world.clock.set(plus(START, minutes(55)));
    world.linode.setFaults([{ kind: 'truncatedList', items: 10, skip: 2, times: 1 }]);
    world.clock.alarm(plus(START, minutes(56)), () => {
      void world.byHand('DELETE', `/linode/instances/${one?.id}`);
    });
    expect(await world.sweep()).toEqual({ destroyed: 9 });
    expect([world.left(id), world.billed(id)]).toEqual([0, 75_000]);
  });

  it('does nothing, and throws, when it can not list every page', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.reap();
    world.clock.set(plus(START, hours(20)));
    const list = { method: 'GET', path: '^/linode/instances$' } as const;
    world.linode.setFaults([{ kind: 'html200', ...list }]);
    expect(await world.sweep()).toMatchObject({ code: 'linodeUnavailable' });
    expect(world.left(id)).toBe(10);
  });
});

describe('an orphan that can not be destroyed', () => {
  it('does not keep the sweeper from what falls due later', async () => {
    world = await aWorld();
    const stuck = await createStranger(world, 'stuck', [OUR_TAG, 'reap=20200101T0000Z']);
    const { id } = await world.launch({ maxHours: 1 });
    await world.reap();
    world.linode.setFaults([
      { kind: 'status500', method: 'DELETE', path: `^/linode/instances/${stuck}$` },
    ]);
    world.clock.set(plus(START, minutes(55)));
    expect(await world.sweep()).toMatchObject({ code: 'linodeUnavailable' });
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBe(75_000);
  });
});

describe("strangers' Linodes", () => {
  it('are never touched: no tag, another stage, or a tag that only looks like ours', async () => {
    world = await aWorld();
    const strangers = [
      await createStranger(world, 'a-plain-server', []),
      await createStranger(world, 'of-another-stage', ['onebuck-prod', 'onebuck=caaaaaaaaaa']),
      await createStranger(world, 'of-a-longer-stage', [`${OUR_TAG}-2`, 'reap=20200101T0000Z']),
      await createStranger(world, 'overdue-elsewhere', ['reap=20200101T0000Z']),
    ];
    const { id } = await world.launch();
    await createStranger(world, 'with-our-cluster-tag-alone', [`onebuck=${id}`]);
    await world.reapUntil(plus(START, hours(14)));
    await world.sweepUntil(plus(START, hours(15)));
    const kept = world.alive();
    expect(kept.map((one) => one.id)).toEqual(expect.arrayContaining(strangers));
    expect(kept).toHaveLength(5);
    const touched = world.linode.requests()['PUT /linode/instances/{}'];
    expect(touched).toBeUndefined();
  });
});

describe('a scheduled launch', () => {
  it('comes once for each key, also when two arrive at once', async () => {
    world = await aWorld();
    const [one, two] = await Promise.all([
      world.launch({}, 'night 1'),
      world.launch({}, 'night 1'),
    ]);
    expect(one.id).toBe(two.id);
    expect((await world.launch({}, 'night 2')).id).not.toBe(one.id);
    await expect(world.launch({ nodes: 2 }, 'night 1')).rejects.toMatchObject({ code: 'conflict' });
  });
});
