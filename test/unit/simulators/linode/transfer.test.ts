import { describe, expect, it } from 'vitest';
import { at, aWorld } from '../../../support/simulated-linode.ts';

const GB = 1e9;
const HOUR_SECONDS = 3_600;

/** A node of 1,000 GB a month, which brings 1.389 GB an hour in November. */
async function aSender(
  sends: readonly object[],
  { region = 'us-east', created = '2026-11-10T00:00:00Z' } = {},
) {
  const settings = { sends: sends.map((one) => ({ label: '.', ...one })) as never };
  const world = await aWorld({ settings });
  world.clock.now = at(created);
  const { json } = await world.create({ region });
  const transfer = async () =>
    (await world.call('GET', `/linode/instances/${json.id}/transfer`)).json;
  return { ...world, id: json.id as number, transfer };
}

const STEADY = { fromSeconds: 0, untilSeconds: null, bytesPerSecond: 250_000 };

describe('transfer', () => {
  it('counts what a Linode sends, from the start of each calendar month', async () => {
    const world = await aSender([STEADY], { created: '2026-11-30T20:00:00Z' });
    world.advanceSeconds(2 * HOUR_SECONDS);
    expect(await world.transfer()).toEqual({ used: 1.8 * GB, quota: 2, billable: 0 });
    world.advanceSeconds(3 * HOUR_SECONDS);
    expect(await world.transfer()).toEqual({ used: 0.9 * GB, quota: 1, billable: 0 });
  });

  it('counts late starts, bursts and single sends, until the deletion', async () => {
    const burst = { fromSeconds: 3_600, untilSeconds: 3_660, bytesPerSecond: GB };
    const world = await aSender([burst]);
    world.advanceSeconds(3_600);
    expect(await world.transfer()).toMatchObject({ used: 0 });
    world.advanceSeconds(30);
    world.simulator.send(world.id, 5);
    world.advanceSeconds(1);
    expect(await world.transfer()).toMatchObject({ used: 31 * GB + 5, billable: 31 });
    await world.call('DELETE', `/linode/instances/${world.id}`);
    world.advanceSeconds(20);
    expect(world.simulator.bill().transferMicroUsd).toBe(30 * 5_000);
  });

  it('bills the GB beyond the pool at the price of its region, and the bill has them', async () => {
    for (const [region, gbMicroUsd] of [
      ['us-east', 5_000],
      ['id-cgk', 15_000],
      ['br-gru', 7_000],
    ] as const) {
      const world = await aSender([], { region });
      world.advanceSeconds(10 * HOUR_SECONDS);
      world.simulator.send(world.id, 113.5 * GB);
      world.advanceSeconds(1);
      const bill = world.simulator.bill();
      // 10 hours bring 13.89 GB.
      expect(bill.transferMicroUsd).toBe(100 * gbMicroUsd);
      const hours = bill.instances[0]?.microUsd ?? 0;
      expect(bill.totalMicroUsd).toBe(hours + bill.transferMicroUsd);
      const account = (await world.call('GET', '/account/transfer')).json;
      const pool = { used: 114, quota: 13, billable: 101 };
      expect(account.region_transfers).toContainEqual({
        id: 'br-gru',
        ...(region === 'br-gru' ? pool : { used: 0, quota: 0, billable: 0 }),
      });
      expect(account).toMatchObject(region === 'us-east' ? pool : { used: 0 });
    }
  });

  it('is shared by the Linodes of a pool, in each month by itself', async () => {
    const world = await aSender([], { created: '2026-11-30T23:00:00Z' });
    await world.create({ label: 'silent' });
    world.simulator.send(world.id, 2.5 * GB);
    world.advanceSeconds(11 * HOUR_SECONDS);
    expect(world.simulator.bill().transferMicroUsd).toBe(0);
    world.simulator.send(world.id, 27 * GB);
    world.advanceSeconds(1);
    // Two Linodes for 10 hours of December bring 26.88 GB; November's rest does not help.
    expect(world.simulator.bill().transferMicroUsd).toBe(5_000);
  });

  it('has the prices without a token, and nothing where the server knows no transfer', async () => {
    const world = await aSender([STEADY]);
    const prices = (await world.call('GET', '/network-transfer/prices', { token: null })).json;
    expect(prices.data).toMatchObject([{ price: { hourly: 0.01 } }, { price: { hourly: 0.005 } }]);
    world.simulator.updateSettings({ transferKnown: false });
    for (const path of [
      '/network-transfer/prices',
      `/linode/instances/${world.id}/transfer`,
      '/account/transfer',
    ]) {
      expect((await world.call('GET', path)).status).toBe(404);
    }
  });

  it('takes a send from a person, and refuses what is none', async () => {
    const world = await aSender([]);
    const post = async (body: object) =>
      (
        await fetch(`${world.simulator.adminUrl}/sent`, {
          method: 'POST',
          body: JSON.stringify(body),
        })
      ).status;
    expect(await post({ id: world.id, bytes: 7 })).toBe(200);
    expect(await post({ id: world.id, bytes: -7 })).toBe(400);
    world.advanceSeconds(1);
    expect(await world.transfer()).toMatchObject({ used: 7 });
  });
});
