import { describe, expect, it } from 'vitest';
import { type ClusterId, reapTag, reapTimeOfTags } from '../../lib/core/base/names.ts';
import { epochMs, hours, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../lib/core/cluster/record.ts';
import type { ClusterStore } from '../../lib/ports.ts';
import { NO_RECORDS, OUR_TAG, teardownOf } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

/** Launches a cluster, and runs the reaper for an hour; the cluster then runs. */
async function launchRunning(spec: Readonly<Record<string, unknown>> = {}): Promise<ClusterId> {
  const { id } = await world.launch(spec);
  await world.reapUntil(plus(START, hours(1)));
  expect(await world.record(id)).toMatchObject({ phase: 'running' });
  return id;
}

/** The distinct reap tags on the cluster's Linodes; '' for a Linode without a reap tag. */
const reapTagsOf = (id: ClusterId) =>
  new Set(
    world
      .existingLinodes(id)
      .map(({ tags }) => tags.filter((tag) => tag.startsWith('reap=')).join()),
  );

async function tagsOfAccount(): Promise<string[]> {
  const { data } = await world.callByHand('GET', '/tags');
  return data.map(({ label }: { label: string }) => label);
}

const teardown = (record: ClusterRecord) => teardownOf(record, world.clock.now());

/** A store in which the sweeper finds no record from when `isLost` is set. */
function losableStore() {
  const state = { isLost: false };
  const replaceStore = (store: ClusterStore): Partial<ClusterStore> => ({
    getMany: async (ids) => (state.isLost ? NO_RECORDS : store.getMany(ids)),
  });
  return { state, replaceStore };
}

describe('raising the budget of running nodes', () => {
  it('from $1 to $2 moves teardown time and reap tags from 13 to 26 hours', async () => {
    world = await aWorld();
    const id = await launchRunning();
    const [before] = reapTagsOf(id);
    const created = Math.min(...world.existingLinodes(id).map((linode) => linode.created));
    expect(teardown(await world.record(id)) - created).toBe(hours(13) - minutes(3));

    const changed = await world.change(id, { budgetUsd: 2 });
    expect(teardown(changed) - created).toBe(hours(26) - minutes(3));
    await world.tickAndPass();
    expect(reapTagsOf(id)).toEqual(new Set([reapTag(teardown(changed))]));
    expect(await tagsOfAccount()).not.toContain(before);
    expect(world.existingLinodes(id).every(({ tags }) => tags.includes(`onebuck=${id}`))).toBe(
      true,
    );

    await world.reapUntil(plus(START, hours(25)));
    expect(world.linodeCount(id)).toBe(10);
    await world.reapUntil(plus(START, hours(27)));
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'budget' });
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 1_950_000]);
    expect((await tagsOfAccount()).filter((tag) => /^(reap|onebuck)=/.test(tag))).toEqual([]);
  });

  it('holds by the reap tags when reaper and table are lost after the tags moved', async () => {
    const { state, replaceStore } = losableStore();
    world = await aWorld({ replaceStore });
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 2 });
    await world.tickAndPass();
    state.isLost = true;
    await world.sweepUntil(plus(START, hours(25)));
    expect(world.linodeCount(id)).toBe(10);
    await world.sweepUntil(plus(START, hours(27)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(2_000_000);
  });

  it('keeps the old budget when reaper and table are lost before the reap tags move', async () => {
    const { state, replaceStore } = losableStore();
    world = await aWorld({ replaceStore });
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 2 });
    state.isLost = true;
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(1_000_000);
  });

  it('holds by the record when Linode lets no reap tag be moved', async () => {
    world = await aWorld();
    // Only two nodes: a pass tries for minutes to tag each of them.
    const id = await launchRunning({ nodes: 2, budgetUsd: 0.05 });
    const put = { method: 'PUT', path: '^/linode/instances/\\d+$' };
    world.linode.setFaults([{ kind: 'status500', ...put }]);
    await world.change(id, { budgetUsd: 0.1 });
    // Four hours: longer than the old budget of $0.05 pays.
    await world.reapUntil(plus(START, hours(4)));
    expect(world.linodeCount(id)).toBe(2);
    expect(world.log.some(({ message }) => message === 'reap tag not moved')).toBe(true);
    world.linode.setFaults([]);
    await world.reapUntil(plus(START, hours(5)));
    expect(reapTagsOf(id)).toEqual(new Set([reapTag(teardown(await world.record(id)))]));
  });
});

describe('lowering the budget', () => {
  it('ends the cluster earlier, and the bill stays within the new budget', async () => {
    world = await aWorld();
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 0.3 });
    await world.tickAndPass();
    const [tag = ''] = reapTagsOf(id);
    expect(reapTimeOfTags([tag])).toBeLessThan(plus(START, hours(4)));
    await world.reapUntil(plus(START, hours(5)));
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 300_000]);
    expect(await world.record(id)).toMatchObject({ spent: 300_000, overspent: 0 });
  });

  it('to the smallest accepted budget ends the cluster before the next hour starts', async () => {
    world = await aWorld();
    const id = await launchRunning();
    const refused = await world.change(id, { budgetUsd: 0.01 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'refused' });
    const { smallestBudgetUsd } = (refused as { details: { members: Record<string, number> } })
      .details.members;
    await world.change(id, { budgetUsd: smallestBudgetUsd });
    await world.reapUntil(plus(START, hours(4)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual((smallestBudgetUsd ?? 0) * 1e6);
  });

  it('keeps the old budget when reaper and table are lost before the reap tags move', async () => {
    const { state, replaceStore } = losableStore();
    world = await aWorld({ replaceStore });
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 0.3 });
    state.isLost = true;
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(1_000_000);
  });

  it('keeps the new budget by the record when the reaper is dead and no tag moved', async () => {
    world = await aWorld();
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 0.3 });
    await world.sweepUntil(plus(START, hours(5)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(300_000);
  });
});

describe('a change at the teardown time', () => {
  it('is refused from the teardown time on, and accepted a millisecond before', async () => {
    world = await aWorld();
    const id = await launchRunning();
    const at = teardown(await world.record(id));
    world.clock.set(epochMs(at - 1));
    await world.change(id, { budgetUsd: 2 });
    const later = teardown(await world.record(id));
    world.clock.set(later);
    await expect(world.change(id, { budgetUsd: 3 })).rejects.toMatchObject({ code: 'conflict' });
    await world.tickAndPass();
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(2_000_000);
  });

  it('either fails, or is kept by a pass that starts at the same instant', async () => {
    world = await aWorld();
    const id = await launchRunning();
    world.clock.set(epochMs(teardown(await world.record(id)) - 1));
    const [changed] = await Promise.allSettled([
      world.change(id, { budgetUsd: 2 }),
      world.reconcile(id),
    ]);
    const budget = changed.status === 'fulfilled' ? 2_000_000 : 1_000_000;
    await world.reapUntil(plus(START, hours(28)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(budget);
    expect(await world.record(id)).toMatchObject({ budget, overspent: 0 });
  });
});

it('ten changes at once are all kept, and the ledger counts the last budget once', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const budgets = Array.from({ length: 10 }, (_, index) => 2 + index);
  await Promise.all(budgets.map((budgetUsd) => world.change(id, { budgetUsd })));
  const record = await world.record(id);
  const changes = record.history.filter(({ event }) => event.startsWith('budget '));
  expect(changes).toHaveLength(10);
  expect(changes.at(-1)?.event).toContain(`to $${record.budget / 1e6}.00`);
  world.clock.set(plus(world.clock.now(), minutes(3)));
  await world.sweep();
  const { open } = await world.ledger.read();
  expect([...open.values()].map(({ budget }) => budget)).toEqual([record.budget]);
});

describe('changes of maxHours of running nodes', () => {
  it('move the teardown time; without maxHours the budget ends the cluster', async () => {
    world = await aWorld();
    const id = await launchRunning({ maxHours: 2 });
    for (const maxHours of [6, 3, null]) {
      const changed = await world.change(id, { maxHours });
      await world.tickAndPass();
      expect(reapTagsOf(id)).toEqual(new Set([reapTag(teardown(changed))]));
    }
    await world.reapUntil(plus(START, hours(14)));
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'budget' });
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 975_000]);
  });

  it('are refused below the number of started hours, with the smallest that would do', async () => {
    world = await aWorld();
    const id = await launchRunning();
    await world.reapUntil(plus(START, minutes(130)));
    const refused = { code: 'refused', details: { members: { smallestMaxHours: 3 } } };
    await expect(world.change(id, { maxHours: 2 })).rejects.toMatchObject(refused);
    await world.change(id, { maxHours: 3 });
    await world.reapUntil(plus(START, hours(4)));
    expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 225_000]);
  });
});

it.each([
  ['raised', 2, 2_000_000, 27],
  ['lowered', 0.3, 1_000_000, 14],
])(
  'a budget that was %s is kept when reaper and table are lost with half of the reap tags moved',
  async (_, budgetUsd, billMax, end) => {
    const { state, replaceStore } = losableStore();
    world = await aWorld({ replaceStore });
    const id = await launchRunning();
    const put = { method: 'PUT', path: '^/linode/instances/\\d+$' };
    world.linode.setFaults([{ kind: 'status500', skip: 5, ...put }]);
    await world.change(id, { budgetUsd });
    await world.reconcile(id);
    expect(reapTagsOf(id).size).toBe(2);
    state.isLost = true;
    await world.sweepUntil(plus(START, hours(end)));
    expect(world.linodeCount(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(billMax);
  },
);

describe('a change and a DELETE at once', () => {
  /** Delays the saves of the change and of the DELETE, by turns of the event loop. */
  const lateSaves = (late: Late) => (store: ClusterStore) => ({
    save: async (record: ClusterRecord) => {
      const turns = record.phase === 'running' ? late.change : late.deletion;
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      return store.save(record);
    },
  });
  interface Late {
    readonly change: number;
    readonly deletion: number;
  }

  it.each([
    [{ change: 2_000, deletion: 0 }, ['rejected']],
    [{ change: 0, deletion: 2_000 }, ['fulfilled']],
    ...[0, 1, 3, 10, 30, 100].map(
      (deletion) => [{ change: 0, deletion }, ['fulfilled', 'rejected']] as const,
    ),
  ] as const)(
    'end the cluster, and no budget stays open, where the saves are late by %j',
    async (late, outcomes) => {
      world = await aWorld({ replaceStore: lateSaves(late) });
      const id = await launchRunning();
      const [changed, deleted] = await Promise.allSettled([
        world.change(id, { budgetUsd: 2 }),
        world.destroy(id),
      ]);
      expect(outcomes).toContain(changed.status);
      expect(deleted.status).toBe('fulfilled');
      if (changed.status === 'rejected') expect(changed.reason).toMatchObject({ code: 'conflict' });
      await world.reapUntil(plus(START, hours(3)));
      const budget = changed.status === 'fulfilled' ? 2_000_000 : 1_000_000;
      const end = { phase: 'deleted', endReason: 'requested', budget, overspent: 0 };
      expect(await world.record(id)).toMatchObject(end);
      expect(world.linodeCount(id)).toBe(0);
      expect(world.billed(id)).toBeLessThanOrEqual(150_000);
      // The ledger counts a raise that failed until the sweeper's audit.
      await world.sweep();
      await world.sweep();
      expect((await world.ledger.read()).open.size).toBe(0);
    },
  );
});

it('a reap tag that a person deletes from the account is put back by the next pass', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [tag = ''] = reapTagsOf(id);
  await world.callByHand('DELETE', `/tags/${encodeURIComponent(tag)}`);
  expect(reapTagsOf(id)).toEqual(new Set(['']));
  await world.reapUntil(plus(START, hours(2)));
  expect(reapTagsOf(id)).toEqual(new Set([tag]));
});

it('a deleted node that the list still shows is looked up only every ten seconds', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [gone] = world.existingLinodes(id);
  await world.callByHand('DELETE', `/linode/instances/${gone?.id}`);
  // The second fault only counts the GETs of single Linodes: it would strike the hundred-and-first.
  const counter = { kind: 'status500', method: 'GET', path: '^/linode/instances/\\d+$' } as const;
  world.linode.setFaults([
    { kind: 'staleList', seconds: 45 },
    { ...counter, skip: 100 },
  ]);
  await world.change(id, { budgetUsd: 2 });
  await world.reconcile(id);
  // The pass looks up all ten nodes a few times, and the deleted node every ten seconds.
  expect(world.linode.faults()[1]?.matched).toBeLessThanOrEqual(30);
  expect((await world.record(id)).nodes[0]).toMatchObject({ state: 'gone' });
});

it('an outdated reap tag that a late pass puts on is replaced and then deleted', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [right = ''] = reapTagsOf(id);
  const late = reapTag(plus(START, hours(26)));
  for (const { id: linodeId } of world.existingLinodes(id)) {
    const tags = [OUR_TAG, `onebuck=${id}`, late];
    await world.callByHand('PUT', `/linode/instances/${linodeId}`, { tags });
  }
  await world.reapUntil(plus(START, hours(2)));
  expect(reapTagsOf(id)).toEqual(new Set([right]));
  expect(await tagsOfAccount()).not.toContain(late);
});

it('a node from which a person took the ownership tag gets no reap tag', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [taken] = world.existingLinodes(id);
  const tags = [`onebuck=${id}`, 'mine'];
  await world.callByHand('PUT', `/linode/instances/${taken?.id}`, { tags });
  await world.change(id, { budgetUsd: 2 });
  await world.reapUntil(plus(START, hours(2)));
  const now = world.linode.instances().find((linode) => linode.id === taken?.id);
  expect(now?.tags).toEqual(tags);
});

it('the history says how many nodes were up when, and which creates were sent again', async () => {
  world = await aWorld();
  const label = '-7$';
  world.linode.setFaults([{ kind: 'dropBefore', method: 'POST', label, times: 1 }]);
  const { id } = await world.launch();
  await world.reapUntil(plus(START, minutes(10)));
  const events = (await world.record(id)).history.map(({ event }) => event);
  expect(events).toContainEqual(expect.stringMatching(/^\d of 10 nodes up$/));
  expect(events).toContainEqual('asked Linode again for node 7: no answer came');
  expect(events).toContain('running (10 of 10 nodes up)');
});

it('the history keeps the launch and the newest events, and at most 50 entries', async () => {
  world = await aWorld();
  world.linode.setFaults([{ kind: 'dropBefore', method: 'POST', path: '^/linode/instances$' }]);
  const { id } = await world.launch({ nodes: 2 });
  await world.reapUntil(plus(START, hours(1)));
  const { phase, history } = await world.record(id);
  const events = history.map(({ event }) => event);
  expect(phase).toBe('failed');
  expect(history.length).toBeLessThanOrEqual(50);
  expect(events[0]).toMatch(/^launched by ann/);
  expect(events.filter((event) => event.startsWith('asked Linode again'))).not.toEqual([]);
  expect(events.at(-1)).toBe('gone');
});

it.each([seconds(0), minutes(2)])('accepts a change %i ms after the launch', async (after) => {
  world = await aWorld();
  const { id } = await world.launch();
  await world.reconcile(id);
  world.clock.set(plus(world.clock.now(), after));
  await world.change(id, { maxHours: 3 });
  await world.reapUntil(plus(START, hours(5)));
  expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'maxHours' });
  expect([world.linodeCount(id), world.billed(id)]).toEqual([0, 225_000]);
});
