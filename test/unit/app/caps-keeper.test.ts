import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { plus, seconds } from '../../../lib/core/base/units.ts';
import type { LedgerStore } from '../../../lib/ports.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { anEnded, aSettings, LAUNCH, usd } from '../../support/builders.ts';
import { aCapsKeeper } from '../../support/deps.ts';
import { aClock } from '../../support/doubles.ts';

const ids: readonly ClusterId[] = ['caaaaaaaaaa', 'cbbbbbbbbbb', 'cccccccccccc', 'cdddddddddd'];
const SOON = plus(LAUNCH, seconds(25));
const CLAIM = { owner: 'ann', scheduleId: null, budget: usd(1), scheduleCaps: null };

/** A keeper over a ledger whose save n, from 0, fails as `failureOf(n)` says; null: succeeds. */
function aFailingKeeper(failureOf: (save: number) => 'conflict' | 'error' | null = () => null) {
  const { ledger } = createMemoryTable();
  let saves = 0;
  const failingLedger: LedgerStore = {
    read: () => ledger.read(),
    async save(next) {
      const failure = failureOf(saves);
      saves += 1;
      if (failure === 'error') throw new Error('the table is away');
      return failure ?? ledger.save(next);
    },
  };
  const settings = aSettings({ openBudgetMax: usd(2) });
  const caps = aCapsKeeper({ clock: aClock(), ledger: failingLedger, settings });
  const reserve = (id: ClusterId, by = SOON, nodes = 1) =>
    caps.reserve({ ...CLAIM, id, nodes, subnetBits: 24 }, by);
  return {
    reserve,
    release: (id: ClusterId) => caps.release(anEnded({ id }), SOON),
    saves: () => saves,
    open: async () => [...(await ledger.read()).open.keys()],
  };
}

const resultsOf = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'reserved' : outcome.reason.message));
const containing = (part: string) => expect.stringContaining(part);

describe('reservations of one process at once', () => {
  it('are decided together in order, each with its own answer', async () => {
    const keeper = aFailingKeeper();
    const outcomes = await Promise.allSettled(ids.map((id) => keeper.reserve(id)));
    const refusal = containing('of which $2.00 is taken');
    expect(resultsOf(outcomes)).toEqual(['reserved', 'reserved', refusal, refusal]);
    expect(await keeper.open()).toEqual(ids.slice(0, 2));
    expect(keeper.saves()).toBe(2);
  });

  it('are decided anew after a conflict, except the one whose time is over', async () => {
    const keeper = aFailingKeeper((save) => (save === 0 ? 'conflict' : null));
    const [first, second] = ids as [ClusterId, ClusterId];
    const outcomes = await Promise.allSettled([
      keeper.reserve(first, LAUNCH),
      keeper.reserve(second),
    ]);
    expect(resultsOf(outcomes)).toEqual([containing('Too many launches'), 'reserved']);
    expect(await keeper.open()).toEqual([second]);
    const again = aFailingKeeper((save) => (save < 3 ? 'conflict' : null));
    await again.reserve(first);
    expect(again.saves()).toBe(4);
  });

  it('fail where a save of the ledger fails; the reservation behind them succeeds', async () => {
    const keeper = aFailingKeeper((save) => (save === 0 ? 'error' : null));
    const firstTwo = ids.slice(0, 2);
    const outcomes = await Promise.allSettled(firstTwo.map((id) => keeper.reserve(id)));
    expect(resultsOf(outcomes)).toEqual(['the table is away', 'reserved']);
  });
});

describe('releases of one process at once', () => {
  it('are written together, as the clusters of a function may end at once', async () => {
    const keeper = aFailingKeeper();
    await Promise.all(ids.slice(0, 2).map((id) => keeper.reserve(id)));
    await Promise.all(ids.slice(0, 2).map((id) => keeper.release(id)));
    expect(await keeper.open()).toEqual([]);
    expect(keeper.saves()).toBe(3);
  });

  it('are written by the next release if the ledger could not be saved', async () => {
    const keeper = aFailingKeeper((save) => (save === 2 ? 'error' : null));
    await Promise.all(ids.slice(0, 2).map((id) => keeper.reserve(id)));
    const [first, second] = ids as [ClusterId, ClusterId];
    await expect(keeper.release(first)).rejects.toThrow('the table is away');
    await keeper.release(second);
    expect(await keeper.open()).toEqual([]);
  });
});
