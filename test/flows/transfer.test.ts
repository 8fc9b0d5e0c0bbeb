import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../lib/core/base/names.ts';
import { clusterTag } from '../../lib/core/base/names.ts';
import { between, hours, minutes, plus } from '../../lib/core/base/units.ts';
import { renderCluster } from '../../lib/http/render.ts';
import { overageUntil } from '../../simulation/oracle.ts';
import { sentBetween } from '../../simulators/linode/transfer.ts';
import { at } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

const GB = 1e9;

/** Nodes without an agent, which have no limit. */
const NO_AGENTS = { publicUrl: null };

/** Ten nanodes; each sends so many GB an hour, from so many hours after its creation on. */
async function senders(gbPerHour: number, fromHour = 0): Promise<World> {
  const bytesPerSecond = Math.round((gbPerHour * GB) / 3_600);
  const sends = [{ label: '.', fromSeconds: fromHour * 3_600, untilSeconds: null, bytesPerSecond }];
  return aWorld({ inMemory: true, linode: { sends }, settings: NO_AGENTS });
}

const ten = (overrides: object = {}) => ({ nodes: 10, ...overrides });

/** The bill by the simulator's hours, and by the oracle's dearest reading of transfer. */
function billOf(world: World, id: ClusterId): number {
  const bill = world.linode.bill(clusterTag(id));
  const linodes = world.linode.instances(clusterTag(id));
  const overage = overageUntil(linodes, ({ deleted }) => deleted ?? Number.NaN);
  expect(overage).toBeGreaterThanOrEqual(bill.transferMicroUsd);
  return bill.totalMicroUsd - bill.transferMicroUsd + overage;
}

describe('a cluster that sends more than it brings', () => {
  it('keeps its budget: 300 GB more than its hours would bring, for $1.50', async () => {
    // $1.50 is 20 hours, which bring 263 GB; at this rate, the nodes would send 563 GB by then.
    const world = await senders(2.815);
    const { id } = await world.launch(ten({ budgetUsd: 1.5 }));
    await world.reapUntil(plus(START, hours(21)));
    const record = await world.record(id);
    expect(record).toMatchObject({ phase: 'deleted', endReason: 'budget', overspent: 0 });
    const billed = billOf(world, id);
    expect(billed).toBeLessThanOrEqual(1_500_000);
    expect(billed).toBeGreaterThan(1_400_000);
    // What was recorded is what is billed, and at most a started GB more.
    const spent = 'spent' in record ? record.spent : 0;
    expect(spent - billed).toBeGreaterThanOrEqual(0);
    expect(spent - billed).toBeLessThanOrEqual(5_000);
    expect(world.linodeCount(id)).toBe(0);
    const shown = renderCluster(record, plus(START, hours(21)));
    expect(shown.transfer?.beyondUsd).toBeGreaterThan(0.3);
    expect(world.notices.filter(({ kind }) => kind === 'transfer')).toHaveLength(1);
  });

  it('lives its whole time if its nodes bring what they send', async () => {
    const world = await senders(1.2);
    const { id } = await world.launch(ten());
    await world.reapUntil(plus(START, hours(14)));
    expect(await world.record(id)).toMatchObject({ endReason: 'budget', spent: 975_000 });
    expect(billOf(world, id)).toBe(975_000);
  });

  it('that begins to send late passes its budget by what no measure has seen at most', async () => {
    const world = await senders(20, 3);
    const { id } = await world.launch(ten());
    await world.reapUntil(plus(START, hours(14)));
    const record = await world.record(id);
    const billed = billOf(world, id);
    // 200 GB an hour for the six minutes between two measures at most: $0.10.
    expect(billed).toBeLessThanOrEqual(1_100_000);
    expect(record).toMatchObject({ phase: 'deleted', endReason: 'budget' });
    const overspent = 'overspent' in record ? record.overspent : -1;
    expect(overspent).toBeGreaterThanOrEqual(Math.max(0, billed - 1_000_000));
  });
});

describe('a cluster whose nodes keep to what its budget pays', () => {
  /** Nanodes with agents; each wants to send so many GB an hour from some hour on. */
  async function limited(gbPerHour: number, fromHour = 0): Promise<World> {
    const bytesPerSecond = Math.round((gbPerHour * GB) / 3_600);
    const one = { label: '.', fromSeconds: fromHour * 3_600, untilSeconds: null, bytesPerSecond };
    const settings = { publicUrl: 'https://onebuck.example.com' };
    return aWorld({ inMemory: true, linode: { sends: [one] }, settings });
  }

  it('keeps it through a burst from silence, and lives its whole time', async () => {
    // 200 GB an hour after three silent hours, which would cost $1 an hour.
    const world = await limited(100, 3);
    const { id } = await world.launch(ten({ nodes: 2, budgetUsd: 0.2 }));
    await world.liveUntil(plus(START, hours(14)));
    const record = await world.record(id);
    expect(record).toMatchObject({ endReason: 'budget', overspent: 0 });
    const billed = billOf(world, id);
    expect(billed).toBeLessThanOrEqual(200_000);
    expect(billed).toBeGreaterThanOrEqual(2 * 13 * 7_500);
    const sent = world.linode
      .instances(clusterTag(id))
      .map((linode) => sentBetween(linode, linode.created, linode.deleted ?? linode.created))
      .reduce((total, bytes) => total + bytes, 0);
    // In 13 hours they bring 32 GB.
    expect(sent / GB).toBeGreaterThan(20);
    expect(sent / GB).toBeLessThan(33);
    // Their owner hears once why they are slow, before 80 % of that is sent.
    const told = world.notices.filter(({ kind }) => kind === 'transfer');
    expect(told).toMatchObject([{ subject: expect.stringMatching(/^is slowed: .* of 32 GB$/) }]);
  });
});

describe('the background traffic of nodes', () => {
  /** 50 MB for updates as a node comes up, then 18 MB an hour. */
  const sends = [
    { label: '.', fromSeconds: 0, untilSeconds: 300, bytesPerSecond: 166_667 },
    { label: '.', fromSeconds: 300, untilSeconds: null, bytesPerSecond: 5_000 },
  ];
  const MONTHS_END = at('2026-03-31T22:31:00Z');

  it.each([
    ['1 nanode', { nodes: 1, budgetUsd: 0.0075 }, START, 57],
    ['10 nanodes', { nodes: 10, budgetUsd: 0.075 }, START, 57],
    ['100 nanodes', { nodes: 100, budgetUsd: 0.75 }, START, 57],
    ['10 nodes that bring nothing', { type: 'g8-dedicated-4-2', budgetUsd: 0.7 }, START, 57],
    ['1 nanode over the end of a month', { nodes: 1, budgetUsd: 0.0225 }, MONTHS_END, 117],
  ])('ends no cluster at its smallest budget: %s', async (_of, spec, start, minute) => {
    const world = await aWorld({ inMemory: true, linode: { sends } });
    world.clock.set(start);
    const { id } = await world.launch(ten(spec));
    await world.reapUntil(plus(start, hours(3)));
    const record = await world.record(id);
    expect(record).toMatchObject({ endReason: 'budget', spent: record.budget, overspent: 0 });
    const began = record.history.find(({ event }) => event.startsWith('teardown begun'));
    expect(between(start, began?.at ?? start)).toBeGreaterThanOrEqual(minutes(minute - 1));
    expect(world.notices.map(({ kind }) => kind)).not.toContain('overBudget');
    expect(world.notices.map(({ kind }) => kind)).not.toContain('transfer');
  });
});

describe('transfer that a spec plans', () => {
  it('is held back from the hours, and given back by a change', async () => {
    const world = await aWorld({ inMemory: true });
    const type = 'g6-dedicated-2';
    const { id } = await world.launch(ten({ type, budgetUsd: 6, transferGb: 700 }));
    await world.reapUntil(plus(START, minutes(10)));
    const now = plus(START, minutes(10));
    const shown = renderCluster(await world.record(id), now);
    // 11 hours at $0.54 are paid without, and bring 540 GB; 8 bring 376, and leave $1.68.
    expect(shown.transfer).toMatchObject({ sentGb: 0, limitGb: 700, beyondUsd: 0 });
    expect(shown.affordableHours).toBe(8);
    expect(shown.spentAtTeardownUsd).toBe(8 * 0.54 + (700 - 376) * 0.005);
    await world.change(id, { transferGb: null });
    const free = renderCluster(await world.record(id), now);
    expect(free.affordableHours).toBe(11);
    expect(free.transfer?.limitGb).toBe(537);
  });

  it('is refused if the budget does not pay it, with the smallest that does', async () => {
    const world = await aWorld({ inMemory: true });
    await expect(world.launch(ten({ transferGb: 400 }))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('400 GB of transfer up to $2.00'),
      details: { members: { smallestBudgetUsd: 2.075 } },
    });
  });
});

describe('transferGb where no transfer counts', () => {
  it('is warned of at the launch, and refused in a change', async () => {
    const world = await aWorld({ inMemory: true, linode: { transferKnown: false } });
    const { id } = await world.launch(ten({ transferGb: 400 }));
    const before = await world.record(id);
    expect(before.advice.warnings).toContainEqual(
      expect.stringContaining('transferGb has no effect'),
    );
    expect(before.transferGb).toBeUndefined();
    await expect(world.change(id, { transferGb: 100 })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('leave transferGb out'),
    });
    expect((await world.record(id)).history).toEqual(before.history);
    await expect(world.change(id, { transferGb: null })).resolves.toBeDefined();
  });
});

describe('measures', () => {
  it('that fail keep no pass from its work', async () => {
    const world = await senders(1);
    world.linode.setFaults([{ kind: 'missingScope', path: '/transfer$' }]);
    const { id } = await world.launch(ten());
    await world.reapUntil(plus(START, minutes(55)));
    const troubleAt = async (count: number) =>
      renderCluster(await world.record(id), plus(START, minutes(count))).trouble;
    const unmeasured = () => world.notices.filter(({ kind }) => kind === 'unmeasured');
    expect(await troubleAt(55)).toBeNull();
    expect(unmeasured()).toEqual([]);
    await world.reapUntil(plus(START, minutes(70)));
    expect(await troubleAt(70)).toMatchObject({
      reason: expect.stringMatching(/^what its nodes send can not be measured since .* nothing$/),
    });
    await world.reapUntil(plus(START, hours(14)));
    expect(unmeasured()).toHaveLength(1);
    expect(await world.record(id)).toMatchObject({ endReason: 'budget', spent: 975_000 });
    expect((await world.record(id)).sent).toBeUndefined();
  });

  it('that work again end the trouble', async () => {
    const world = await senders(1);
    world.linode.setFaults([{ kind: 'missingScope', path: '/transfer$' }]);
    const { id } = await world.launch(ten());
    await world.reapUntil(plus(START, minutes(70)));
    expect(await world.record(id)).toHaveProperty('trouble');
    world.linode.setFaults([]);
    await world.reapUntil(plus(START, minutes(80)));
    expect(await world.record(id)).not.toHaveProperty('trouble');
    expect((await world.record(id)).sent?.bytes[0]).toBeGreaterThan(1e9);
  });

  it('of nine nodes tell what the tenth sends, which is never measured', async () => {
    const world = await senders(1.2);
    const { id } = await world.launch(ten({ budgetUsd: 2 }));
    await world.reapUntil(plus(START, minutes(3)));
    const [node] = world.linode.instances(clusterTag(id));
    const path = `/instances/${node?.id}/transfer$`;
    world.linode.setFaults([{ kind: 'missingScope', path }]);
    await world.reapUntil(plus(START, hours(25)));
    const shown = renderCluster(await world.record(id), plus(START, hours(25)));
    // 12 GB an hour, of the 333 GB that its nodes bring.
    expect(shown.transfer?.sentGb).toBeGreaterThan(285);
    expect(shown.transfer?.sentGb).toBeLessThan(301);
    await world.reapUntil(plus(START, hours(27)));
    expect(await world.record(id)).toMatchObject({ endReason: 'budget', spent: 1_950_000 });
  });

  it('are not made where the server knows no transfer', async () => {
    const world = await aWorld({ inMemory: true, linode: { transferKnown: false } });
    const { id } = await world.launch(ten());
    await world.reapUntil(plus(START, hours(14)));
    expect(await world.record(id)).toMatchObject({ endReason: 'budget', spent: 975_000 });
    expect(world.linode.requests()).not.toHaveProperty('GET /linode/instances/{}/transfer');
  });
});
