import { expect, it } from 'vitest';
import event from '../../../events/nightly.json' with { type: 'json' };
import { aContext, startWorld } from '../../support/handler-world.ts';

async function startNightly() {
  const world = await startWorld({ now: '2026-11-23T02:00:05Z' });
  const { handler } = await import('../../../handlers/nightly.ts');
  const nightly = (sent: unknown, remainingMs = 60_000) => handler(sent, aContext(remainingMs));
  return { ...world, nightly };
}

it('the nightly function launches the spec of its event, and nudges a pass', async () => {
  const { nightly, listClusters, nudged } = await startNightly();
  const { clusterId, isNew } = await nightly(event);
  expect(isNew).toBe(true);
  expect(await listClusters()).toMatchObject([
    {
      id: clusterId,
      owner: 'nightly',
      phase: 'provisioning',
      spec: { name: 'nightly', nodes: 2, maxHours: 2 },
      budget: 50_000,
    },
  ]);
  expect(nudged).toEqual([clusterId]);
});

it('the nightly function launches once for a scheduled time, also if the event repeats', async () => {
  const { nightly, listClusters, nudged } = await startNightly();
  const first = await nightly(event);
  expect(await nightly(event)).toEqual({ clusterId: first.clusterId, isNew: false });
  const withOffset = { ...event, scheduledTime: '2026-11-23T03:00:00+01:00' };
  expect(await nightly(withOffset)).toEqual({ clusterId: first.clusterId, isNew: false });
  expect(await listClusters()).toHaveLength(1);
  expect(nudged).toHaveLength(1);
});

it('the nightly function launches once where its event comes ten times at once', async () => {
  const { nightly, listClusters, nudged } = await startNightly();
  const answers = await Promise.all(Array.from({ length: 10 }, () => nightly(event)));
  expect(new Set(answers.map(({ clusterId }) => clusterId)).size).toBe(1);
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(await listClusters()).toHaveLength(1);
  expect(nudged).toHaveLength(1);
});

it('the nightly function launches another cluster for another scheduled time', async () => {
  const { nightly, listClusters } = await startNightly();
  const first = await nightly(event);
  const second = await nightly({ ...event, scheduledTime: '2026-11-24T02:00:00Z' });
  expect(second.isNew).toBe(true);
  expect(second.clusterId).not.toBe(first.clusterId);
  expect(await listClusters()).toHaveLength(2);
});

it.each([
  ['is missing', { ...event, scheduledTime: undefined }],
  ['was not filled in', { ...event, scheduledTime: '<aws.scheduler.scheduled-time>' }],
  ['has no zone', { ...event, scheduledTime: '2026-11-23T02:00:00' }],
  ['is a date that is not ISO 8601', { ...event, scheduledTime: '23 Nov 2026 02:00' }],
  ['is a number', { ...event, scheduledTime: 1_795_348_800_000 }],
  ['is missing since the event is null', null],
])('the nightly function throws where the scheduled time %s', async (_, sent) => {
  const { nightly, listClusters } = await startNightly();
  await expect(nightly(sent)).rejects.toThrow('scheduledTime');
  expect(await listClusters()).toEqual([]);
});

it.each([
  ['is missing', undefined, 'invalid'],
  ['has faults', { ...event.spec, nodes: 0 }, 'invalid'],
  ['has too small a budget', { ...event.spec, budgetUsd: 0.01 }, 'refused'],
])(
  'the nightly function throws, and launches nothing, where the spec %s',
  async (_, spec, code) => {
    const { nightly, listClusters } = await startNightly();
    await expect(nightly({ ...event, spec })).rejects.toMatchObject({ code });
    expect(await listClusters()).toEqual([]);
  },
);

it('the nightly function throws where Linode is down, so that Lambda tries again', async () => {
  const { nightly, listClusters, simulator } = await startNightly();
  await simulator.close();
  await expect(nightly(event, 5_100)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  expect(await listClusters()).toEqual([]);
});
