import { describe, expect, it } from 'vitest';
import { type DurationMs, type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { renderCluster } from '../../lib/http/render.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const timeOf = (length: DurationMs): EpochMs => plus(START, length);

/** Ten nanodes for a dollar, at $0.075 an hour: 13 hours. */
async function runningCluster() {
  world = await aWorld({ inMemory: true });
  const { id } = await world.launch();
  await world.reapUntil(timeOf(minutes(185)));
  return id;
}

describe('a price that Linode raises while a cluster lives', () => {
  it('moves the teardown, and people hear of it', async () => {
    const id = await runningCluster();
    const before = renderCluster(await world.record(id), timeOf(minutes(185)));
    world.linode.raisePrices(2);
    const now = timeOf(minutes(255));
    await world.reapUntil(now);
    const record = await world.record(id);
    expect(record.priceRises).toMatchObject([{ price: { hourly: 15_000, monthly: 10_000_000 } }]);
    const shown = renderCluster(record, now);
    expect([before.hourlyUsd, shown.hourlyUsd]).toEqual([0.075, 0.15]);
    // The last reading before was in the third hour: two hours count at the old price, and five at
    // the new one.
    expect([before.teardownAt, shown.teardownAt]).toEqual([
      '2026-03-11T00:57:00.000Z',
      '2026-03-10T18:57:00.000Z',
    ]);
    expect(shown.history.at(-1)?.event).toMatch(/^Linode has raised the price of g6-nanode-1/);
    expect(world.notices.at(-1)).toMatchObject({
      ...{ kind: 'repriced', count: 1 },
      detail: expect.stringContaining('Linode has raised the price of g6-nanode-1.'),
    });
    await world.reapUntil(timeOf(hours(14)));
    expect(await world.record(id)).toMatchObject({
      ...{ phase: 'deleted', endReason: 'budget', overspent: 0 },
    });
    expect(world.billed(id)).toBeLessThanOrEqual(1_000_000);
    expect(world.linodeCount(id)).toBe(0);
  });
});

it('an account that Linode comes to manage ends its clusters', async () => {
  const id = await runningCluster();
  world.linode.updateSettings({ managed: true });
  await world.reapUntil(timeOf(minutes(255)));
  expect(await world.record(id)).toMatchObject({
    ...{ phase: 'deleted', endReason: 'unpriced' },
    failure: 'Linode manages the account now, at a price that no list has',
  });
  expect(world.linodeCount(id)).toBe(0);
});
