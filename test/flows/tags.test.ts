import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../lib/core/base/names.ts';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import { renderCluster } from '../../lib/http/render.ts';
import { OUR_TAG } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const deleteTag = (tag: string) => world.callByHand('DELETE', `/tags/${encodeURIComponent(tag)}`);
const changeNode = (id: number, change: object) =>
  world.callByHand('PUT', `/linode/instances/${id}`, change);
const instancesOf = (id: ClusterId) =>
  world.linode.instances().filter(({ label }) => label.startsWith(`onebuck-${id}-`));
const billOf = (id: ClusterId) =>
  world.linode
    .bill()
    .instances.filter(({ label }) => label.startsWith(`onebuck-${id}-`))
    .reduce((sum, { microUsd }) => sum + microUsd, 0);
const aliveOf = (id: ClusterId) => instancesOf(id).filter(({ deleted }) => deleted === null);
const kinds = () => world.notices.map(({ kind }) => kind);
const metricOf = (name: 'TagsLost' | 'TakenOver') =>
  world.emitted.reduce((sum, values) => sum + (values[name] ?? 0), 0);

/** Two clusters, of ten nodes and of one, that have run for an hour. */
async function twoClusters() {
  world = await aWorld({ inMemory: true });
  const ten = await world.launch({ budgetUsd: 0.3 });
  const one = await world.launch({ nodes: 1, budgetUsd: 0.03 });
  await world.reapUntil(plus(START, hours(1)));
  return [ten.id, one.id] as const;
}

describe('the ownership tag, deleted from the account,', () => {
  it.each([
    ['by itself', () => [OUR_TAG]],
    ['with the tags of the clusters', (ids) => [OUR_TAG, ...ids.map((id) => `onebuck=${id}`)]],
  ] as [string, (ids: readonly ClusterId[]) => string[]][])(
    '%s is put back, and the nodes are destroyed in time',
    async (_, tagsOf) => {
      const ids = await twoClusters();
      for (const tag of tagsOf(ids)) await deleteTag(tag);
      await world.reapUntil(plus(START, hours(2)));
      for (const id of ids) {
        const own = [OUR_TAG, `onebuck=${id}`];
        expect(aliveOf(id).every(({ tags }) => own.every((tag) => tags.includes(tag)))).toBe(true);
        expect(await world.record(id)).toMatchObject({ phase: 'running', tagLosses: 1 });
      }
      expect(metricOf('TagsLost')).toBe(2);
      expect(kinds().filter((kind) => kind === 'tagLost')).toHaveLength(2);
      await world.reapUntil(plus(START, hours(5)));
      for (const id of ids) {
        const { phase, endReason, spent } = (await world.record(id)) as never;
        expect({ phase, endReason, spent }).toEqual({
          phase: 'deleted',
          endReason: 'budget',
          spent: billOf(id),
        });
        expect(aliveOf(id)).toEqual([]);
      }
      expect(ids.map(billOf)).toEqual([300_000, 30_000]);
      expect(kinds()).not.toContain('takenOver');
    },
  );

  it('does not hide the nodes of a cluster that is destroyed before anybody puts it back', async () => {
    const [ten] = await twoClusters();
    await deleteTag(OUR_TAG);
    await deleteTag(`onebuck=${ten}`);
    await world.destroy(ten);
    await world.reapUntil(plus(START, minutes(70)));
    expect(await world.record(ten)).toMatchObject({ phase: 'deleted', endReason: 'requested' });
    expect(aliveOf(ten)).toEqual([]);
  });
});

describe('a node from which a person takes the ownership tag', () => {
  it('is left alone; record, notice and metric say that it lives on', async () => {
    const [ten, one] = await twoClusters();
    const [first] = instancesOf(ten);
    if (first === undefined) throw new Error('no node is up');
    await changeNode(first.id, { tags: ['mine'] });
    const now = plus(START, minutes(100));
    await world.reapUntil(now);
    const shown = renderCluster(await world.record(ten), now);
    expect(shown.nodes[0]).toMatchObject({
      status: 'takenOver',
      reason: 'taken over: lives on, billed to you',
    });
    expect(shown.status).toBe('running');
    expect(shown.history.at(-1)?.event).toBe('node 0 taken over: lives on, billed to you');
    expect([metricOf('TakenOver'), metricOf('TagsLost')]).toEqual([1, 0]);
    const [notice] = world.notices.filter(({ kind }) => kind === 'takenOver');
    expect(notice).toMatchObject({ clusterId: ten, subject: 'has 1 node taken over' });
    await world.reapUntil(plus(START, hours(6)));
    const ended = renderCluster(await world.record(ten), plus(START, hours(6)));
    expect(ended.history.at(-1)?.event).toBe('gone, but node 0, taken over: lives on');
    expect(world.linode.instances().find(({ id }) => id === first.id)?.deleted).toBeNull();
    expect(aliveOf(ten)).toHaveLength(1);
    expect(aliveOf(one)).toEqual([]);
  });

  it('and its label, where it is the only one, ends the cluster, which was taken over', async () => {
    const [, one] = await twoClusters();
    const [only] = instancesOf(one);
    await changeNode(only?.id ?? 0, { tags: ['mine'], label: 'mine' });
    await world.reapUntil(plus(START, minutes(100)));
    const record = await world.record(one);
    expect(record).toMatchObject({ phase: 'deleted', endReason: 'takenOver' });
    const [gone] = world.notices.filter(
      ({ kind, clusterId }) => kind === 'gone' && clusterId === one,
    );
    expect(gone).toMatchObject({ takenOver: [0] });
    expect(world.linode.instances().find(({ id }) => id === only?.id)?.deleted).toBeNull();
  });
});

describe("a cluster's tag, deleted before its budget is raised,", () => {
  it('does not let the sweeper destroy the nodes at the old time', async () => {
    const [ten, one] = await twoClusters();
    await world.destroy(one);
    await deleteTag(`onebuck=${ten}`);
    await world.change(ten, { budgetUsd: 0.6 });
    const end = plus(START, hours(6));
    while (world.clock.now() < end) {
      await world.reapUntil(plus(world.clock.now(), minutes(5)));
      expect(await world.sweep()).toEqual({ destroyed: 0 });
    }
    expect(aliveOf(ten)).toHaveLength(10);
    expect(aliveOf(ten).every(({ tags }) => tags.includes(`onebuck=${ten}`))).toBe(true);
    await world.reapUntil(plus(START, hours(9)));
    expect([aliveOf(ten).length, billOf(ten)]).toEqual([0, 600_000]);
  });

  it('does not let it destroy nodes that only their recorded ids place', async () => {
    const [, one] = await twoClusters();
    await world.change(one, { budgetUsd: 0.06 });
    const [only] = instancesOf(one);
    const tags = [OUR_TAG, 'reap=20260310T1500Z'];
    await changeNode(only?.id ?? 0, { tags, label: 'db-primary' });
    world.clock.set(plus(START, hours(4)));
    await world.sweep();
    expect(world.linode.instances().find(({ id }) => id === only?.id)?.deleted).toBeNull();
  });
});
