import { describe, expect, it } from 'vitest';
import { hours, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import { NO_RECORDS, OUR_TAG } from '../support/builders.ts';
import { aWorld, createStranger, START, type World } from '../support/flow-world.ts';

let world: World;

const BUDGET = 1_000_000;

describe('the reaper', () => {
  it('keeps the budget while the sweeper never runs', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.reapUntil(plus(START, hours(14)));
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 975_000]);
  });
});

describe('the sweeper, while the reaper is dead,', () => {
  it.each([0, 1, 2, 3, 4])(
    'keeps the budget of a live cluster, with ticks %i minutes after the minute of the launch',
    async (offset) => {
      world = await aWorld();
      const { id } = await world.launch();
      await world.tickAndPass();
      world.clock.set(plus(world.clock.now(), minutes(offset)));
      await world.sweepUntil(plus(START, hours(14)));
      expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 975_000]);
    },
  );

  it('keeps the budget when the table is emptied while the cluster runs', async () => {
    let isEmptied = false;
    world = await aWorld({
      replaceStore: (store) => ({
        getMany: async (ids) => (isEmptied ? NO_RECORDS : store.getMany(ids)),
      }),
    });
    const { id } = await world.launch();
    await world.tickAndPass();
    isEmptied = true;
    await world.sweepUntil(plus(START, hours(12)));
    expect(world.linodeCount(id), 'before the teardown time').toBe(10);
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(BUDGET);
  });

  it('keeps the budget when DynamoDB refuses every call', async () => {
    const refuse = async () => {
      throw new Error('DynamoDB refuses');
    };
    let isRefusing = false;
    world = await aWorld({
      replaceStore: (store) => ({
        getMany: async (ids) => (isRefusing ? refuse() : store.getMany(ids)),
      }),
    });
    const { id } = await world.launch();
    await world.tickAndPass();
    isRefusing = true;
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(BUDGET);
    expect(world.log.some(({ level }) => level === 'error')).toBe(true);
  });

  it('destroys what an ended cluster left over, and no Linode of a live cluster', async () => {
    world = await aWorld();
    const live = await world.launch();
    const ended = await world.launch({ nodes: 1 });
    await world.tickAndPass();
    await world.destroy(ended.id);
    await world.reapUntil(plus(START, minutes(10)));
    await createStranger(world, 'landed-late', [OUR_TAG, `onebuck=${ended.id}`]);
    await world.sweep();
    expect([world.linodeCount(ended.id), world.linodeCount(live.id)]).toEqual([0, 10]);
  });

  it('destroys the Linodes that it waited for, though its second list is cut short', async () => {
    world = await aWorld();
    const { id } = await world.launch({ maxHours: 1 });
    await world.tickAndPass();
    const [deletedByHand] = world.linode.instances(`onebuck=${id}`);
    world.clock.set(plus(START, minutes(55)));
    const list = { method: 'GET', path: '^/linode/instances$' } as const;
    world.linode.setFaults([{ kind: 'truncatedList', items: 10, skip: 2, times: 1, ...list }]);
    world.clock.alarm(plus(START, minutes(56)), () => {
      void world.callByHand('DELETE', `/linode/instances/${deletedByHand?.id}`);
    });
    expect(await world.sweep()).toEqual({ destroyed: 9 });
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 75_000]);
  });

  it('destroys nothing, and throws, when it can not read every page of the list', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.tickAndPass();
    world.clock.set(plus(START, hours(20)));
    const list = { method: 'GET', path: '^/linode/instances$' } as const;
    world.linode.setFaults([{ kind: 'html200', ...list }]);
    expect(await world.sweep()).toMatchObject({ code: 'linodeUnavailable' });
    expect(world.linodeCount(id)).toBe(10);
  });
});

describe('the agents on the nodes, while reaper and sweeper are dead,', () => {
  it('keep the budget by their own calls, through HTTP and a nudge', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await world.reconcile(id);
    await world.agentsUntil(plus(START, hours(12)));
    expect(world.linodeCount(id), 'before the teardown time').toBe(10);
    await world.agentsUntil(plus(START, hours(14)));
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 975_000]);
    expect(world.logDetails('an agent nudges a pass').length).toBeGreaterThan(0);
  });

  it('keep the budget though only one of ten nodes still has an agent', async () => {
    world = await aWorld();
    const { id } = await world.launch({ maxHours: 2 });
    await world.reconcile(id);
    const isLast = ({ label }: { label: string }) => label.endsWith('-9');
    await world.agentsUntil(plus(START, hours(3)), isLast);
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 150_000]);
  });

  it('know a teardown time that was moved, from their calls of each six hours', async () => {
    world = await aWorld();
    const { id } = await world.launch({ budgetUsd: 0.6 });
    await world.reconcile(id);
    await world.agentsUntil(plus(START, hours(5)));
    await world.change(id, { budgetUsd: 1 });
    await world.agentsUntil(plus(START, hours(12)));
    expect(world.linodeCount(id), 'before the new teardown time').toBe(10);
    await world.agentsUntil(plus(START, hours(14)));
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 975_000]);
  });

  it('call again after a nudge that was lost', async () => {
    const [from, to] = [plus(START, minutes(57)), plus(START, seconds(57 * 60 + 40))];
    world = await aWorld({ isNudgeLost: (now) => now >= from && now < to });
    const { id } = await world.launch({ maxHours: 1 });
    await world.reconcile(id);
    await world.agentsUntil(plus(START, hours(2)));
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 75_000]);
    expect(world.logDetails('nudge lost').length).toBeGreaterThan(0);
  });
});

describe('an orphan that can not be destroyed', () => {
  it('does not keep the sweeper from destroying a cluster that falls due later', async () => {
    world = await aWorld();
    const stuck = await createStranger(world, 'stuck', [OUR_TAG, 'reap=20200101T0000Z']);
    const { id } = await world.launch({ maxHours: 1 });
    await world.tickAndPass();
    world.linode.setFaults([
      { kind: 'status500', method: 'DELETE', path: `^/linode/instances/${stuck}$` },
    ]);
    world.clock.set(plus(START, minutes(55)));
    expect(await world.sweep()).toMatchObject({ code: 'linodeUnavailable' });
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBe(75_000);
  });
});

describe("strangers' Linodes", () => {
  it('are never touched: without a tag, of another stage, with a tag like ours', async () => {
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
    const kept = world.existingLinodes();
    expect(kept.map((linode) => linode.id)).toEqual(expect.arrayContaining(strangers));
    expect(kept).toHaveLength(5);
    const touched = world.linode.requests()['PUT /linode/instances/{}'];
    expect(touched).toBeUndefined();
  });
});

describe('a scheduled launch', () => {
  it('launches one cluster for each idempotency key, also for two requests at once', async () => {
    world = await aWorld();
    const [first, second] = await Promise.all([
      world.launch({}, 'night 1'),
      world.launch({}, 'night 1'),
    ]);
    expect(first.id).toBe(second.id);
    expect((await world.launch({}, 'night 2')).id).not.toBe(first.id);
    await expect(world.launch({ nodes: 2 }, 'night 1')).rejects.toMatchObject({ code: 'conflict' });
  });
});
