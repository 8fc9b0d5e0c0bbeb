import { describe, expect, it } from 'vitest';
import { minutes, plus, toIso } from '../../../lib/core/base/units.ts';
import type { AgentReport } from '../../../lib/core/cluster/readiness.ts';
import { startApi } from '../../support/api-world.ts';
import { aRunning, created, ID, LAUNCH, OTHER_ID } from '../../support/builders.ts';

const ready = (after: number): AgentReport => ({ kind: 'ready', at: plus(LAUNCH, minutes(after)) });
const failed = (reason: string): AgentReport => ({ kind: 'failed', at: LAUNCH, reason });
const twoNodes = { agent: true, nodes: [created(0), created(1)], owner: 'ann' } as const;

describe('a cluster', () => {
  it('is shown with what its nodes have said, and is ready when both are', async () => {
    const { call, store, reports } = await startApi();
    await store.insert(aRunning(twoNodes));
    const show = async () => (await call('GET', `/clusters/${ID}`, { owner: 'ann' })).json;
    await reports.report(ID, 0, ready(2), LAUNCH);
    await reports.report(ID, 1, failed('status: error, exit 1'), LAUNCH);
    const before = await show();
    expect(before).toMatchObject({ agent: true, readyAt: null });
    expect(before.nodes[0]).toMatchObject({ readyAt: toIso(plus(LAUNCH, minutes(2))) });
    expect(before.nodes[0]).not.toHaveProperty('agentReason');
    expect(before.nodes[1]).toMatchObject({ readyAt: null, agentReason: 'status: error, exit 1' });
    await reports.report(ID, 1, ready(3), LAUNCH);
    const after = await show();
    expect(after.readyAt).toBe(toIso(plus(LAUNCH, minutes(3))));
    expect(after.nodes[1]).not.toHaveProperty('agentReason');
  });

  it('is listed with the same, and with the beginning of a long reason', async () => {
    const { call, store, reports } = await startApi();
    await store.insert(aRunning(twoNodes));
    await store.insert(aRunning({ ...twoNodes, id: OTHER_ID }));
    for (const rank of [0, 1]) await reports.report(ID, rank, ready(rank), LAUNCH);
    await reports.report(OTHER_ID, 1, failed('x'.repeat(500)), LAUNCH);
    const { json } = await call('GET', '/clusters', { owner: 'ann' });
    const shown = Object.fromEntries(json.clusters.map((one: { id: string }) => [one.id, one]));
    expect(shown[ID].readyAt).toBe(toIso(plus(LAUNCH, minutes(1))));
    expect(shown[OTHER_ID].nodes[1].agentReason).toBe(`${'x'.repeat(157)}…`);
  });

  it('without an agent is shown as not ready, whatever is in the table', async () => {
    const { call, store, reports } = await startApi();
    const { agent: _, ...without } = twoNodes;
    await store.insert(aRunning(without));
    for (const rank of [0, 1]) await reports.report(ID, rank, ready(rank), LAUNCH);
    const { json } = await call('GET', `/clusters/${ID}`, { owner: 'ann' });
    expect(json).toMatchObject({ agent: false, readyAt: null });
  });
});
