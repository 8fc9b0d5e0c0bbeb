import { describe, expect, it } from 'vitest';
import { createAgentLimits, type Heard, hearAgent } from '../../../lib/app/hear-agent.ts';
import { hours, minutes, plus } from '../../../lib/core/base/units.ts';
import { sendableBytes } from '../../../lib/core/cluster/allowance.ts';
import { allowancesIn, type Granted, sliceOf } from '../../../lib/core/cluster/limited.ts';
import { ENDED_KEPT, type Running } from '../../../lib/core/cluster/record.ts';
import type { Allowances } from '../../../lib/ports.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aBought, aRunning, created, ID, LAUNCH, usd } from '../../support/builders.ts';
import { depsWith } from '../../support/deps.ts';
import { aClock } from '../../support/doubles.ts';

const GB = 1e9;
const NOW = plus(LAUNCH, minutes(20));
const bought = aBought({ transfer: { gb: 1_000, gbPrice: usd(0.005) } });

/** A cluster of so many nodes with a budget of $3, 20 minutes after its launch. */
async function aWorld({
  count = 2,
  record: overrides = {},
  replace = (real) => real,
}: {
  count?: number;
  record?: Partial<Running>;
  replace?: (real: Allowances, world: ReturnType<typeof createMemoryTable>) => Allowances;
} = {}) {
  const clock = aClock(NOW);
  const table = createMemoryTable();
  const allowances = replace(table.allowances, table);
  const deps = {
    ...depsWith({ clock, store: table.clusters, reports: table.reports, jobs: table.jobs }),
    ...{ allowances, limits: createAgentLimits(clock), endedKept: ENDED_KEPT },
  };
  const nodes = Array.from({ length: count }, (_, index) => created(index));
  const limits = { limited: true, agent: true, budget: usd(3) } as const;
  const record = aRunning({ bought, nodes, dueAt: plus(NOW, hours(9)), ...limits, ...overrides });
  await table.clusters.insert(record);
  const say = (rank: number, call: object) =>
    hearAgent(deps, { clusterId: ID, rank, expiresAt: plus(NOW, hours(9)) }, call);
  const ask = (gb: number, rank = 0) => say(rank, { event: 'sending', sentBytes: gb * GB });
  return { ...{ clock, table, record, say, ask }, granted: () => table.allowances.read(ID) };
}

describe('the agent of a node that sends much', () => {
  it('hears the month and a larger allowance, and the same again until half of it is used', async () => {
    const { ask, record, granted } = await aWorld();
    const first = await ask(1);
    expect(first).toMatchObject({ status: 'running', allowanceMonth: '2026-11' });
    const bytes = first.allowanceBytes ?? 0;
    expect(bytes).toBe(sliceOf(record) + 2 * GB);
    expect(await ask(1)).toMatchObject({ allowanceBytes: bytes });
    expect((await granted())?.version).toBe(1);
    expect((await ask(bytes / GB)).allowanceBytes).toBeGreaterThan(bytes);
  });

  it('hears its slice while it has used less than half of it', async () => {
    const { ask, record, granted } = await aWorld();
    expect(await ask(0.1)).toMatchObject({ allowanceBytes: sliceOf(record) });
    expect(await granted()).toBeNull();
  });

  it('hears nothing of it with other events, or where nodes have no limit', async () => {
    const { say } = await aWorld();
    expect(await say(0, { event: 'alive', sentBytes: GB })).not.toHaveProperty('allowanceBytes');
    const old = await aWorld({ record: { limited: undefined as never } });
    const answer = await old.ask(1);
    expect(answer).not.toHaveProperty('allowanceBytes');
    expect(answer).not.toHaveProperty('allowanceMonth');
  });

  it.each([-1, 0.5, 1e18, 'much', [1]])(
    'is refused if it says that it sent %j bytes',
    async (sentBytes) => {
      const { say } = await aWorld();
      await expect(say(0, { event: 'sending', sentBytes })).rejects.toMatchObject({
        code: 'invalid',
      });
    },
  );

  it('hears of no more once nodes were seen that do not keep to their limit', async () => {
    const sent = {
      ...{ at: NOW, month: '2026-11', bytes: [90 * GB, 0], measuredAt: [NOW, NOW] },
      ...{ expected: [0, 0], before: {}, rate: 0, unlimited: true as const },
    };
    const { ask, record } = await aWorld({ record: { sent } });
    expect(await ask(90)).toMatchObject({ allowanceBytes: sliceOf(record) });
  });
});

describe('many agents that ask at once', () => {
  it('never get more together than the budget pays, whatever they say', async () => {
    const { ask, record, granted } = await aWorld({
      count: 20,
      record: { budget: usd(6), maxHours: 2 },
    });
    const answers: PromiseSettledResult<Heard>[] = [];
    for (let round = 0; round < 50; round += 1) {
      const asked = Array.from({ length: 20 }, (_, rank) => ask(9e6 - round, rank));
      answers.push(...(await Promise.allSettled(asked)));
    }
    // Of those that ask at once three get an answer, and at most 10 asks of each node are heard.
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    const all = allowancesIn(record, await granted(), '2026-11');
    expect(all).toBeLessThanOrEqual(sendableBytes(record, await granted(), NOW));
    const heard = new Map<number, number>();
    answers.forEach((answer, index) => {
      if (answer.status !== 'fulfilled') return;
      const bytes = answer.value.allowanceBytes ?? 0;
      heard.set(index % 20, Math.max(heard.get(index % 20) ?? 0, bytes));
    });
    expect([...heard.values()].reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(all);
  });

  it('tells the node to ask again if others are always sooner, as more may be left', async () => {
    const replace = (real: Allowances): Allowances => ({
      ...real,
      grant: async () => 'conflict',
    });
    const { ask } = await aWorld({ replace });
    await expect(ask(1)).rejects.toMatchObject({ code: 'tooMany' });
  });

  it('has its grant though the answer of the store was lost', async () => {
    const replace = (real: Allowances): Allowances => ({
      ...real,
      grant: async (...grant) => {
        await real.grant(...grant);
        return 'conflict';
      },
    });
    const { ask, record, granted } = await aWorld({ replace });
    const { allowanceBytes } = await ask(1);
    expect(allowanceBytes).toBe(sliceOf(record) + 2 * GB);
    expect((await granted())?.bytes[0]).toBe(allowanceBytes);
  });
});

describe('a grant while the cluster changes', () => {
  const changedBy =
    (changes: Partial<Running>) =>
    (real: Allowances, { clusters }: ReturnType<typeof createMemoryTable>): Allowances => ({
      ...real,
      grant: async (id, next, keptUntil) => {
        const answer = await real.grant(id, next, keptUntil);
        const record = await clusters.get(id);
        if (record !== 'notFound') await clusters.save({ ...record, ...changes } as Running);
        return answer;
      },
    });

  it('is not told if the budget was lowered so far meanwhile that it does not pay the grant', async () => {
    const replace = changedBy({ budget: usd(0.03) });
    const { ask, record, granted } = await aWorld({ replace });
    expect(await ask(1)).toMatchObject({ allowanceBytes: sliceOf(record) });
    expect((await granted())?.bytes[0]).toBeGreaterThan(sliceOf(record));
  });

  it('is not told at the next ask either, until a budget pays it', async () => {
    const { ask, record, table, clock } = await aWorld({
      replace: changedBy({ budget: usd(0.03) }),
    });
    await ask(30);
    clock.set(plus(NOW, minutes(5)));
    expect(await ask(30)).toMatchObject({ allowanceBytes: sliceOf(record) });
    const lowered = (await table.clusters.get(ID)) as Running;
    await table.clusters.save({ ...lowered, budget: usd(3) });
    expect((await ask(30)).allowanceBytes).toBeGreaterThan(50 * GB);
  });

  it('is told, of a grant that nothing pays, as far as it was measured', async () => {
    const replace = changedBy({ budget: usd(0.03) });
    const sent = {
      ...{ at: NOW, month: '2026-11', bytes: [2 * GB, 0], measuredAt: [NOW, NOW] },
      ...{ expected: [0, 0], before: {}, rate: 0 },
    };
    const { ask } = await aWorld({ replace, record: { sent } });
    expect(await ask(2)).toMatchObject({ allowanceBytes: 0.93 * 2 * GB });
  });

  it('is told if the change has nothing to do with it', async () => {
    const { ask, record } = await aWorld({ replace: changedBy({ retaggedAt: NOW }) });
    expect((await ask(1)).allowanceBytes).toBe(sliceOf(record) + 2 * GB);
  });

  it('begins anew in a new month, and counts what was granted before', async () => {
    const { ask, clock, record, granted } = await aWorld({ record: { budget: usd(30) } });
    const before = await ask(1);
    clock.set(plus(NOW, hours(24 * 25)));
    const after = await ask(1, 1);
    expect(before.allowanceMonth).toBe('2026-11');
    expect(after.allowanceMonth).toBe('2026-12');
    const next = (await granted()) as Granted;
    expect(next.bytes[0]).toBe(0);
    expect(next.earlier['2026-11']).toBeGreaterThan(before.allowanceBytes ?? 0);
    expect(sliceOf(record)).toBeLessThan(after.allowanceBytes ?? 0);
  });
});
