import { describe, expect, it } from 'vitest';
import { type ClusterId, reapTag, reapTimeOfTags } from '../../lib/core/base/names.ts';
import { epochMs, hours, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../lib/core/cluster/record.ts';
import type { ClusterStore } from '../../lib/ports.ts';
import { OUR_TAG, teardownOf } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

/** A cluster that runs, one hour after its launch. */
async function launchRunning(spec: Readonly<Record<string, unknown>> = {}): Promise<ClusterId> {
  const { id } = await world.launch(spec);
  await world.reapUntil(plus(START, hours(1)));
  expect(await world.record(id)).toMatchObject({ phase: 'running' });
  return id;
}

/** The reap tags that the cluster's nodes bear. */
const reapTagsOf = (id: ClusterId) =>
  new Set(world.alive(id).map(({ tags }) => tags.filter((tag) => tag.startsWith('reap=')).join()));

async function tagsOfAccount(): Promise<string[]> {
  const { data } = await world.byHand('GET', '/tags');
  return data.map(({ label }: { label: string }) => label);
}

const teardown = (record: ClusterRecord) => teardownOf(record, world.clock.now());

/** A store whose records the sweeper can't find any more, once `lost` is set. */
function losable() {
  const state = { lost: false };
  const around = (store: ClusterStore): Partial<ClusterStore> => ({
    getMany: async (ids) => (state.lost ? [] : store.getMany(ids)),
  });
  return { state, around };
}

describe('raising the budget of running nodes', () => {
  it('from $1 to $2 moves the teardown from 13 to 26 hours; tags follow, and the bill keeps to it', async () => {
    world = await aWorld();
    const id = await launchRunning();
    const [before] = reapTagsOf(id);
    const created = Math.min(...world.alive(id).map((one) => one.created));
    expect(teardown(await world.record(id)) - created).toBe(hours(13) - minutes(3));

    const changed = await world.change(id, { budgetUsd: 2 });
    expect(teardown(changed) - created).toBe(hours(26) - minutes(3));
    await world.reap();
    expect(reapTagsOf(id)).toEqual(new Set([reapTag(teardown(changed))]));
    expect(await tagsOfAccount()).not.toContain(before);
    expect(world.alive(id).every(({ tags }) => tags.includes(`onebuck=${id}`))).toBe(true);

    await world.reapUntil(plus(START, hours(25)));
    expect(world.left(id)).toBe(10);
    await world.reapUntil(plus(START, hours(27)));
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'budget' });
    expect([world.left(id), world.billed(id)]).toEqual([0, 1_950_000]);
    expect((await tagsOfAccount()).filter((tag) => /^(reap|onebuck)=/.test(tag))).toEqual([]);
  });

  it('holds by the tags alone when reaper and table are lost after they were moved', async () => {
    const { state, around } = losable();
    world = await aWorld({ around });
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 2 });
    await world.reap();
    state.lost = true;
    await world.sweepUntil(plus(START, hours(25)));
    expect(world.left(id)).toBe(10);
    await world.sweepUntil(plus(START, hours(27)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(2_000_000);
  });

  it('keeps the old budget when reaper and table are lost before they are moved', async () => {
    const { state, around } = losable();
    world = await aWorld({ around });
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 2 });
    state.lost = true;
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(1_000_000);
  });

  it('keeps the new budget by the record alone when no tag can be moved', async () => {
    world = await aWorld();
    // Of two nodes, as each pass tries for minutes to tag each.
    const id = await launchRunning({ nodes: 2, budgetUsd: 0.05 });
    const put = { method: 'PUT', path: '^/linode/instances/\\d+$' };
    world.linode.setFaults([{ kind: 'status500', ...put }]);
    await world.change(id, { budgetUsd: 0.1 });
    // Past the end of the old budget.
    await world.reapUntil(plus(START, hours(4)));
    expect(world.left(id)).toBe(2);
    expect(world.log.some(({ message }) => message === 'reap tag not moved')).toBe(true);
    world.linode.setFaults([]);
    await world.reapUntil(plus(START, hours(5)));
    expect(reapTagsOf(id)).toEqual(new Set([reapTag(teardown(await world.record(id)))]));
  });
});

describe('lowering the budget', () => {
  it('ends the cluster earlier, within the new one', async () => {
    world = await aWorld();
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 0.3 });
    await world.reap();
    const [tag = ''] = reapTagsOf(id);
    expect(reapTimeOfTags([tag])).toBeLessThan(plus(START, hours(4)));
    await world.reapUntil(plus(START, hours(5)));
    expect([world.left(id), world.billed(id)]).toEqual([0, 300_000]);
    expect(await world.record(id)).toMatchObject({ spent: 300_000, overspent: 0 });
  });

  it('to the least that can be kept ends it before the next hour starts', async () => {
    world = await aWorld();
    const id = await launchRunning();
    const refused = await world.change(id, { budgetUsd: 0.01 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'refused' });
    const { smallestBudgetUsd } = (refused as { details: { members: Record<string, number> } })
      .details.members;
    await world.change(id, { budgetUsd: smallestBudgetUsd });
    await world.reapUntil(plus(START, hours(4)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual((smallestBudgetUsd ?? 0) * 1e6);
  });

  it('keeps the old budget when reaper and table are lost before the tags are moved', async () => {
    const { state, around } = losable();
    world = await aWorld({ around });
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 0.3 });
    state.lost = true;
    await world.sweepUntil(plus(START, hours(14)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(1_000_000);
  });

  it('keeps the new budget by the record when the reaper is dead and no tag was moved', async () => {
    world = await aWorld();
    const id = await launchRunning();
    await world.change(id, { budgetUsd: 0.3 });
    await world.sweepUntil(plus(START, hours(5)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(300_000);
  });
});

describe('a change at the teardown time', () => {
  it('is refused from then on, and taken just before, whoever else is at it', async () => {
    world = await aWorld();
    const id = await launchRunning();
    const at = teardown(await world.record(id));
    world.clock.set(epochMs(at - 1));
    await world.change(id, { budgetUsd: 2 });
    const later = teardown(await world.record(id));
    world.clock.set(later);
    await expect(world.change(id, { budgetUsd: 3 })).rejects.toMatchObject({ code: 'conflict' });
    await world.reap();
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(2_000_000);
  });

  it('loses or wins against the reaper as a whole', async () => {
    world = await aWorld();
    const id = await launchRunning();
    world.clock.set(epochMs(teardown(await world.record(id)) - 1));
    const [changed] = await Promise.allSettled([
      world.change(id, { budgetUsd: 2 }),
      world.reconcile(id),
    ]);
    const budget = changed.status === 'fulfilled' ? 2_000_000 : 1_000_000;
    await world.reapUntil(plus(START, hours(28)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(budget);
    expect(await world.record(id)).toMatchObject({ budget, overspent: 0 });
  });
});

it('ten changes at once: none is lost, the last holds, and it is counted once', async () => {
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
  it('up and down move the teardown; lifted, the budget ends it', async () => {
    world = await aWorld();
    const id = await launchRunning({ maxHours: 2 });
    for (const maxHours of [6, 3, null]) {
      const changed = await world.change(id, { maxHours });
      await world.reap();
      expect(reapTagsOf(id)).toEqual(new Set([reapTag(teardown(changed))]));
    }
    await world.reapUntil(plus(START, hours(14)));
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'budget' });
    expect([world.left(id), world.billed(id)]).toEqual([0, 975_000]);
  });

  it('are refused below the hours begun, with the least that would do', async () => {
    world = await aWorld();
    const id = await launchRunning();
    await world.reapUntil(plus(START, minutes(130)));
    const refused = { code: 'refused', details: { members: { smallestMaxHours: 3 } } };
    await expect(world.change(id, { maxHours: 2 })).rejects.toMatchObject(refused);
    await world.change(id, { maxHours: 3 });
    await world.reapUntil(plus(START, hours(4)));
    expect([world.left(id), world.billed(id)]).toEqual([0, 225_000]);
  });
});

it.each([
  ['raised', 2, 2_000_000, 27],
  ['lowered', 0.3, 1_000_000, 14],
])(
  'with half of the tags moved, and reaper and table lost, a budget that was %s is kept',
  async (_, budgetUsd, billMax, end) => {
    const { state, around } = losable();
    world = await aWorld({ around });
    const id = await launchRunning();
    const put = { method: 'PUT', path: '^/linode/instances/\\d+$' };
    world.linode.setFaults([{ kind: 'status500', skip: 5, ...put }]);
    await world.change(id, { budgetUsd });
    await world.reconcile(id);
    expect(reapTagsOf(id).size).toBe(2);
    state.lost = true;
    await world.sweepUntil(plus(START, hours(end)));
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(billMax);
  },
);

describe('a change and a DELETE at once', () => {
  /** Whose save is late, and by how much, decides who wins. */
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
  ] as const)('end it within what it cost, late by %j', async (late, outcomes) => {
    world = await aWorld({ around: lateSaves(late) });
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
    expect(world.left(id)).toBe(0);
    expect(world.billed(id)).toBeLessThanOrEqual(150_000);
    // A raise that lost is counted until the sweeper looks, and no longer.
    await world.sweep();
    await world.sweep();
    expect((await world.ledger.read()).open.size).toBe(0);
  });
});

it('a reap tag that is gone from the account comes back with the next look', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [tag = ''] = reapTagsOf(id);
  await world.byHand('DELETE', `/tags/${encodeURIComponent(tag)}`);
  expect(reapTagsOf(id)).toEqual(new Set(['']));
  await world.reapUntil(plus(START, hours(2)));
  expect(reapTagsOf(id)).toEqual(new Set([tag]));
});

it('a node that the list still shows after it is gone is asked for seldom, not at once', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [gone] = world.alive(id);
  await world.byHand('DELETE', `/linode/instances/${gone?.id}`);
  // The second counts what is asked for one by one, and does not strike before the hundredth.
  const one = { kind: 'status500', method: 'GET', path: '^/linode/instances/\\d+$' } as const;
  world.linode.setFaults([
    { kind: 'staleList', seconds: 45 },
    { ...one, skip: 100 },
  ]);
  await world.change(id, { budgetUsd: 2 });
  await world.reconcile(id);
  // Ten nodes now and then, and the one that is gone every ten seconds.
  expect(world.linode.faults()[1]?.matched).toBeLessThanOrEqual(30);
  expect((await world.record(id)).nodes[0]).toMatchObject({ state: 'gone' });
});

it('a reap tag that a pass puts late, after a change back, is replaced and leaves the account', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [right = ''] = reapTagsOf(id);
  const late = reapTag(plus(START, hours(26)));
  for (const { id: linodeId } of world.alive(id)) {
    const tags = [OUR_TAG, `onebuck=${id}`, late];
    await world.byHand('PUT', `/linode/instances/${linodeId}`, { tags });
  }
  await world.reapUntil(plus(START, hours(2)));
  expect(reapTagsOf(id)).toEqual(new Set([right]));
  expect(await tagsOfAccount()).not.toContain(late);
});

it('a node that was taken over is not tagged', async () => {
  world = await aWorld();
  const id = await launchRunning();
  const [taken] = world.alive(id);
  const tags = [`onebuck=${id}`, 'mine'];
  await world.byHand('PUT', `/linode/instances/${taken?.id}`, { tags });
  await world.change(id, { budgetUsd: 2 });
  await world.reapUntil(plus(START, hours(2)));
  const now = world.linode.instances().find((one) => one.id === taken?.id);
  expect(now?.tags).toEqual(tags);
});

it('the history tells how nodes came up, and what was asked for again', async () => {
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

it('the history keeps the launch and the newest, however often a create is asked for', async () => {
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

it.each([seconds(0), minutes(2)])('takes a change %i ms after the launch', async (after) => {
  world = await aWorld();
  const { id } = await world.launch();
  await world.reconcile(id);
  world.clock.set(plus(world.clock.now(), after));
  await world.change(id, { maxHours: 3 });
  await world.reapUntil(plus(START, hours(5)));
  expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'maxHours' });
  expect([world.left(id), world.billed(id)]).toEqual([0, 225_000]);
});
