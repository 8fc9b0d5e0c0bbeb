import { expect, it } from 'vitest';
import event from '../../../events/reconcile.json' with { type: 'json' };
import { microUsd } from '../../../lib/core/base/money.ts';
import { type ClusterId, nodeLabel } from '../../../lib/core/base/names.ts';
import { hours, minutes, plus } from '../../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../../lib/core/cluster/record.ts';
import { aCluster, aDeleting } from '../../support/builders.ts';
import { aContext, startWorld } from '../../support/handler-world.ts';

const id = event.passes[0]?.clusterId as ClusterId;
const nodes = [0, 1].map((index) => ({
  state: 'planned' as const,
  index,
  label: nodeLabel(id, index),
}));

async function startReconcile(options: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(options);
  const { handler } = await import('../../../handlers/reconcile.ts');
  const now = world.clock.now();
  const newCluster = aCluster({
    id,
    nodes,
    createdAt: now,
    dueAt: now,
    provisionBy: plus(now, minutes(20)),
  });
  const reconcile = (sent: unknown, remainingMs = 300_000) =>
    handler(sent as { passes?: unknown }, aContext(remainingMs));
  return { ...world, newCluster, reconcile };
}

it('reconcile brings up the cluster of its event, and makes the record due again', async () => {
  const { reconcile, store, newCluster, existingLabels, clock } = await startReconcile();
  await store.insert(newCluster);
  await reconcile(event);
  expect(existingLabels()).toEqual(nodes.map(({ label }) => label));
  const record = (await store.get(id)) as Extract<ClusterRecord, { phase: 'running' }>;
  expect(record).toMatchObject({
    phase: 'running',
    nodes: [{ state: 'created' }, { state: 'created' }],
  });
  expect(record.dueAt).toBeGreaterThan(clock.now());
  expect(record.dueAt).toBeLessThan(plus(clock.now(), hours(66)));
});

it('reconcile destroys a cluster in deletion', async () => {
  const { reconcile, store, newCluster, existingLabels, clock } = await startReconcile();
  await store.insert(newCluster);
  await reconcile(event);
  const up = (await store.get(id)) as Extract<ClusterRecord, { phase: 'running' }>;
  const { phase: _, startedAt, ...common } = up;
  const now = clock.now();
  await store.save({ ...aDeleting(), ...common, startedAt, dueAt: now, deletingSince: now });
  await reconcile(event);
  expect(existingLabels()).toEqual([]);
  expect(await store.get(id)).toMatchObject({ phase: 'deleted', spent: 15_000, overspent: 0 });
});

it('reconcile measures what nodes send, unless its event leaves that to others', async () => {
  const { reconcile, store, newCluster, simulator, clock } = await startReconcile();
  const { bought } = newCluster;
  const transfer = { gb: 1_000, gbPrice: microUsd(5_000) };
  await store.insert({ ...newCluster, bought: { ...bought, transfer } });
  await reconcile(event);
  const up = (await store.get(id)) as Extract<ClusterRecord, { phase: 'running' }>;
  clock.set(plus(up.dueAt, minutes(1)));
  const [pass] = event.passes;
  await reconcile({ passes: [{ ...pass, unmeasured: true }] });
  const measures = () => simulator.requests()['GET /linode/instances/{}/transfer']?.total ?? 0;
  expect(measures()).toBe(0);
  clock.set(plus(clock.now(), minutes(30)));
  await reconcile(event);
  expect(measures()).toBe(2);
  expect(await store.get(id)).toMatchObject({ sent: { bytes: [0, 0] } });
});

it.each([
  ['is empty', {}],
  ['has no passes', { clusterId: 'caaaaaaaaaa' }],
  ['has an empty list of passes', { passes: [] }],
  ['has a pass without an id', { passes: [{ clusterId: 'nonsense' }] }],
  ['has a number for an id', { passes: [{ clusterId: 7 }] }],
  ['has a text for a time', { passes: [{ clusterId: 'caaaaaaaaaa', beginAt: 'now' }] }],
  ['has a text for a flag', { passes: [{ clusterId: 'caaaaaaaaaa', unmeasured: 'yes' }] }],
])('reconcile throws where its event %s', async (_, malformed) => {
  const { reconcile } = await startReconcile();
  await expect(reconcile(malformed)).rejects.toThrow(
    'the event must be {"passes": [{"clusterId": "c…"',
  );
});

it('reconcile does nothing for a cluster without a record', async () => {
  const { reconcile, simulator, store } = await startReconcile();
  await reconcile(event);
  expect(simulator.requests()).toEqual({});
  expect(await store.get(id)).toBe('notFound');
});

it('reconcile throws where Linode can not be reached, and makes the record due again', async () => {
  const { reconcile, store, newCluster, simulator, clock } = await startReconcile();
  await store.insert(newCluster);
  await simulator.close();
  await expect(reconcile(event, 5_500)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  const record = await store.get(id);
  expect(record).toMatchObject({ phase: 'provisioning' });
  expect((record as typeof newCluster).dueAt).toBeLessThan(plus(clock.now(), minutes(5)));
});
