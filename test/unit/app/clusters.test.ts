import { describe, expect, it } from 'vitest';
import { createCaps } from '../../../lib/app/caps-keeper.ts';
import { changeCluster } from '../../../lib/app/change-cluster.ts';
import { destroyCluster } from '../../../lib/app/destroy-cluster.ts';
import { getCredentials, ownerSeen, waitForAddresses } from '../../../lib/app/read-clusters.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../../lib/core/cluster/record.ts';
import type { Secrets } from '../../../lib/ports.ts';
import type { Settings } from '../../../lib/settings.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aRunning, ID, LAUNCH, sent, usd } from '../../support/builders.ts';
import { aClock, quiet } from '../../support/doubles.ts';

it("shows an owner their own clusters, and the admin everybody's or one owner's", () => {
  expect(ownerSeen('ann', null)).toBe('ann');
  expect(ownerSeen('ann', 'ann')).toBe('ann');
  expect(ownerSeen('admin', null)).toBeNull();
  expect(ownerSeen('admin', 'ann')).toBe('ann');
  expect(ownerSeen('admin', 'admin')).toBe('admin');
});

it.each(['bob', 'admin', 'nobody'])("refuses ann who asks for %s's, there or not", (asked) => {
  expect(() => ownerSeen('ann', asked)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      details: { faults: [{ path: 'owner', message: expect.stringContaining('must be ann') }] },
    }),
  );
});

/** A running cluster of ann's with a dollar, in a table, and counted. */
async function aWorld() {
  const clock = aClock(plus(LAUNCH, minutes(30)));
  const table = createMemoryTable();
  const settings = { openBudgetMax: usd(5), openBudgetPerOwnerMax: null };
  const caps = createCaps({
    ...{ clock, ledger: table.ledger, random: () => 0 },
    settings: () => ({ ...settings, monthlySpendPerOwnerMax: null }),
  });
  const by = plus(clock.now(), minutes(1));
  const nudged: string[] = [];
  const world = {
    clock,
    table,
    nudged,
    store: table.clusters,
    caps,
    isNudgeLost: false,
    deps: () => ({
      ...{ clock, store: world.store, caps: world.caps, log: quiet },
      nudge: {
        async reconcile(id: ClusterId) {
          if (world.isNudgeLost) throw new Error('no function there');
          nudged.push(id);
        },
        runSchedule: async () => {},
      },
      settings: { nodesMax: 100, budgetMax: usd(50) } as Settings,
    }),
    change: (input: object) => changeCluster(world.deps(), { owner: 'ann', id: ID, input, by }),
    record: async () => (await table.clusters.get(ID)) as ClusterRecord,
    counted: async () => (await table.ledger.read()).open.get(ID)?.budget,
    /** A pass saves the record just before the next save that is tried. */
    passInBetween() {
      let isDone = false;
      world.store = {
        ...table.clusters,
        async save(record) {
          if (!isDone) {
            isDone = true;
            await table.clusters.save({ ...(await world.record()), reapTags: ['reap=x'] });
          }
          return table.clusters.save(record);
        },
      };
    },
  };
  await table.clusters.insert(aRunning());
  await caps.reserve({ ...claim, scheduleCap: null }, by);
  return world;
}

const claim = { id: ID, owner: 'ann', scheduleId: null, budget: usd(1) };

describe('a DELETE', () => {
  it('begins the teardown, and asks for the pass', async () => {
    const { deps, record, nudged } = await aWorld();
    await destroyCluster(deps(), 'ann', ID);
    expect(await record()).toMatchObject({ phase: 'deleting', endReason: 'requested' });
    expect(nudged).toEqual([ID]);
  });

  it('that meets a pass begins it all the same, over what the pass has saved', async () => {
    const { deps, record, passInBetween } = await aWorld();
    passInBetween();
    await destroyCluster(deps(), 'ann', ID);
    expect(await record()).toMatchObject({ phase: 'deleting', reapTags: ['reap=x'] });
  });

  it('holds though the nudge is lost: the cluster is due', async () => {
    const world = await aWorld();
    world.isNudgeLost = true;
    const deleting = await destroyCluster(world.deps(), 'ann', ID);
    expect(deleting).toMatchObject({ phase: 'deleting', dueAt: world.clock.now() });
  });

  it("of somebody else's cluster finds none, and the admin's may end it", async () => {
    const { deps, record } = await aWorld();
    const notFound = { code: 'notFound' };
    await expect(destroyCluster(deps(), 'bob', ID)).rejects.toMatchObject(notFound);
    expect(await record()).toMatchObject({ phase: 'running' });
    await destroyCluster(deps(), 'admin', ID);
    expect(await record()).toMatchObject({ phase: 'deleting' });
  });
});

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
    world.store = {
      ...world.table.clusters,
      async save(record) {
        counted.push(await world.counted());
        return world.table.clusters.save(record);
      },
    };
    await world.change({ budgetUsd: 2 });
    expect(counted).toEqual([usd(2)]);
  });

  it('beyond a cap is refused, and the record stays as it is', async () => {
    const { change, record, counted } = await aWorld();
    await expect(change({ budgetUsd: 6 })).rejects.toMatchObject({ code: 'refused' });
    expect([(await record()).budget, await counted()]).toEqual([usd(1), usd(1)]);
  });

  it('of a cluster that is not counted is put off, and the record stays as it is', async () => {
    const { change, record, table } = await aWorld();
    await table.ledger.save({ ...(await table.ledger.read()), open: new Map() });
    await expect(change({ budgetUsd: 2 })).rejects.toMatchObject({ code: 'conflict' });
    expect(await record()).toMatchObject({ budget: usd(1) });
  });

  it('to a lower one is counted after the record has it', async () => {
    const { change, clock, counted } = await aWorld();
    clock.set(plus(clock.now(), minutes(5)));
    await change({ budgetUsd: 0.5 });
    expect(await counted()).toBe(usd(0.5));
  });
});

it('waits for addresses until the time is up, and no longer', async () => {
  const { clock, store } = await aWorld();
  const until = plus(clock.now(), seconds(15));
  const coming = aRunning({ nodes: [sent(0)] });
  const get = async () => {
    if (clock.now() > plus(until, minutes(1))) throw new Error('nobody waits any more');
    return coming;
  };
  const waiting = waitForAddresses({ clock, store: { ...store, get } }, coming, until);
  expect((await waiting).nodes).toEqual([sent(0)]);
  expect(clock.now()).toBe(until);
});

it("shows root passwords to the cluster's owner, and not even to the admin", async () => {
  const { store } = await aWorld();
  const deps = { store, secrets: { passwordKey: async () => 'a key' } as Secrets };
  const [first] = await getCredentials(deps, 'ann', ID);
  expect(first).toMatchObject({ user: 'root', rootPassword: expect.any(String) });
  await expect(getCredentials(deps, 'admin', ID)).rejects.toMatchObject({ code: 'notFound' });
});
