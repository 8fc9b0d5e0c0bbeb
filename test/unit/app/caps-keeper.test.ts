import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { plus, seconds } from '../../../lib/core/base/units.ts';
import type { LedgerStore } from '../../../lib/ports.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aSettings, LAUNCH, usd } from '../../support/builders.ts';
import { aCapsKeeper } from '../../support/deps.ts';
import { aClock } from '../../support/doubles.ts';

const ids: readonly ClusterId[] = ['caaaaaaaaaa', 'cbbbbbbbbbb', 'cccccccccccc', 'cdddddddddd'];
const SOON = plus(LAUNCH, seconds(25));

/** A ledger whose saves are counted, and fail as `failing` says: the first save is 0. */
function aFailingKeeper(failing: (save: number) => 'conflict' | 'error' | null = () => null) {
  const { ledger } = createMemoryTable();
  let saves = 0;
  const counted: LedgerStore = {
    read: () => ledger.read(),
    async save(next) {
      const failure = failing(saves);
      saves += 1;
      if (failure === 'error') throw new Error('the table is away');
      return failure ?? ledger.save(next);
    },
  };
  const settings = aSettings({ openBudgetMax: usd(2) });
  const caps = aCapsKeeper({ clock: aClock(), ledger: counted, settings });
  const reserve = (id: ClusterId, by = SOON) =>
    caps.reserve({ id, owner: 'ann', scheduleId: null, budget: usd(1), scheduleCap: null }, by);
  return { reserve, saves: () => saves, open: async () => [...(await ledger.read()).open.keys()] };
}

const kinds = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.map((one) => (one.status === 'fulfilled' ? 'reserved' : one.reason.message));
const told = (part: string) => expect.stringContaining(part);

describe('claims of one process at once', () => {
  it('are saved one after another, each with its own answer', async () => {
    const keeper = aFailingKeeper();
    const outcomes = await Promise.allSettled(ids.map((id) => keeper.reserve(id)));
    const refusal = told('of which $2.00 is taken');
    expect(kinds(outcomes)).toEqual(['reserved', 'reserved', refusal, refusal]);
    expect(await keeper.open()).toEqual(ids.slice(0, 2));
    expect(keeper.saves()).toBe(2);
  });

  it('are decided anew where somebody else has written, but for one without time', async () => {
    const keeper = aFailingKeeper((save) => (save === 0 ? 'conflict' : null));
    const [first, second] = ids as [ClusterId, ClusterId];
    const outcomes = await Promise.allSettled([
      keeper.reserve(first, LAUNCH),
      keeper.reserve(second),
    ]);
    expect(kinds(outcomes)).toEqual([told('Too many launches'), 'reserved']);
    expect(await keeper.open()).toEqual([second]);
    const again = aFailingKeeper((save) => (save < 3 ? 'conflict' : null));
    await again.reserve(first);
    expect(again.saves()).toBe(4);
  });

  it('fail where the ledger can not be saved, and the next ones do not', async () => {
    const keeper = aFailingKeeper((save) => (save === 0 ? 'error' : null));
    const some = ids.slice(0, 2);
    const outcomes = await Promise.allSettled(some.map((id) => keeper.reserve(id)));
    expect(kinds(outcomes)).toEqual(['the table is away', 'reserved']);
  });
});
