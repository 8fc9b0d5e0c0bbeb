import { describe, expect, it } from 'vitest';
import { type DurationMs, type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { renderCluster } from '../../lib/http/render.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const timeOf = (length: DurationMs): EpochMs => plus(START, length);

/** Ten nanodes for a dollar, of which after 61 minutes somebody makes something else. */
async function changedCluster(kind: { readonly type?: string; readonly region?: string }) {
  world = await aWorld({ inMemory: true });
  const { id } = await world.launch();
  await world.reapUntil(timeOf(minutes(61)));
  const [first] = world.linode.instances(`onebuck=${id}`);
  world.linode.become(first?.id ?? 0, kind);
  return id;
}

describe('a node that somebody resizes', () => {
  it('is priced as it is now: the teardown moves, and people hear of it', async () => {
    // $0.108 an hour, where the cluster affords $0.975 in all.
    const id = await changedCluster({ type: 'g6-dedicated-4' });
    const now = timeOf(minutes(100));
    await world.reapUntil(now);
    const record = await world.record(id);
    const shown = renderCluster(record, now);
    expect(shown.nodes[0]).toMatchObject({ type: 'g6-dedicated-4', region: 'us-east' });
    expect(shown.history.at(-1)?.event).toMatch(
      /^node 0 became g6-dedicated-4 in us-east, at \$0\.108 an hour: lasts until 2026-03-10T/,
    );
    expect(world.notices.at(-1)).toMatchObject({ kind: 'repriced', count: 1 });
    await world.reapUntil(timeOf(hours(14)));
    const ended = await world.record(id);
    expect(ended).toMatchObject({ phase: 'deleted', endReason: 'budget', overspent: 0 });
    const billed = world.billed(id);
    expect(billed).toBeLessThanOrEqual(1_000_000);
    expect((ended as { spent: number }).spent).toBeGreaterThanOrEqual(billed);
    expect(world.linodeCount(id)).toBe(0);
  });

  it('or migrates to a dearer region counts at the dearer price', async () => {
    const id = await changedCluster({ region: 'br-gru' });
    await world.reapUntil(timeOf(minutes(100)));
    const { kindPrices } = await world.record(id);
    expect(kindPrices).toMatchObject([{ region: 'br-gru', price: { hourly: 10_500 } }]);
    await world.reapUntil(timeOf(hours(14)));
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', overspent: 0 });
    expect(world.billed(id)).toBeLessThanOrEqual(1_000_000);
  });

  it('into a type without a known price ends the cluster', async () => {
    const id = await changedCluster({ type: 'g6-standard-2' });
    world.linode.setFaults([{ kind: 'truncatedList', items: 500, path: '^/linode/types$' }]);
    await world.reapUntil(timeOf(minutes(100)));
    expect(await world.record(id)).toMatchObject({
      phase: 'deleted',
      endReason: 'unpriced',
      failure: 'g6-standard-2 in us-east has no known price',
    });
    expect(world.linodeCount(id)).toBe(0);
  });
});
