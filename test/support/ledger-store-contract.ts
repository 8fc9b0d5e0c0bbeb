import { beforeEach, describe, expect, it } from 'vitest';
import { idOfKey } from '../../lib/app/ids.ts';
import type { ClusterId } from '../../lib/core/base/names.ts';
import { durationMs, type EpochMs, plus, seconds } from '../../lib/core/base/units.ts';
import { EMPTY_LEDGER, type Entry, type Ledger } from '../../lib/core/caps/ledger.ts';
import type { LedgerStore } from '../../lib/ports.ts';
import { ID, LAUNCH, OTHER_ID, usd } from './builders.ts';

const anEntry = (overrides: Partial<Entry> = {}): Entry => ({
  owner: 'ann',
  scheduleId: null,
  budget: usd(1),
  openedAt: LAUNCH,
  changedAt: LAUNCH,
  createFrom: LAUNCH,
  ...overrides,
});
export const aLedger: Ledger = {
  revision: 0,
  open: new Map([
    [ID, anEntry()],
    [
      OTHER_ID,
      anEntry({
        scheduleId: 'sabcdefg234',
        changedAt: plus(LAUNCH, seconds(7)),
        createFrom: plus(LAUNCH, seconds(90)),
        subnet: { block: 32_764, bits: 22 },
        hourly: usd(0.15),
      }),
    ],
    ['cthirdone22', anEntry({ subnet: { block: 0, bits: 24 } })],
  ]),
  spent: new Map([
    ['owner:ann', { '2026-10': usd(0.015), '2026-11': usd(99.999999) }],
    ['schedule:sabcdefg234', { '2026-11': usd(1e9) }],
  ]),
  recent: new Map([['owner:ann', { '2026-11-22': usd(0.015), 'w2026-11-16': usd(2) }]]),
  recentSince: LAUNCH,
  createsUntil: plus(LAUNCH, seconds(98)),
  drainedSince: plus(LAUNCH, seconds(99)),
};

const aRecent = (openedAt: EpochMs, block: number) =>
  anEntry({
    subnet: { block, bits: 24 },
    owner: 'ann.smith',
    budget: usd(2.5),
    openedAt,
    changedAt: openedAt,
    createFrom: openedAt,
  });

/** A ledger with `clusters` open budgets; its ids and owners' names are of real length or longer. */
export const ledgerOf = (clusters: number): Ledger => ({
  ...aLedger,
  open: new Map(
    Array.from({ length: clusters }, (_, index): [ClusterId, Entry] => [
      // Ids and times are in no order, as in a real ledger: an order would compress better.
      idOfKey('c', [`${index}`]),
      aRecent(plus(LAUNCH, durationMs((index * 7_919_317) % 86_400_000)), (index * 7_919) % 32_768),
    ]),
  ),
});

/** Tests what lib/ports.ts promises of a LedgerStore. `anEmptyStore` returns an unwritten store. */
export function ledgerStoreContract(name: string, anEmptyStore: () => Promise<LedgerStore>): void {
  describe(name, () => {
    let store: LedgerStore;
    beforeEach(async () => {
      store = await anEmptyStore();
    });

    it('reads an empty ledger of revision 0 before the first save', async () => {
      expect(await store.read()).toEqual(EMPTY_LEDGER);
    });

    it('reads the ledger as it was saved, with its revision raised by one', async () => {
      expect(await store.save(aLedger)).toBe('saved');
      expect(await store.read()).toEqual({ ...aLedger, revision: 1 });
      expect(await store.save({ ...EMPTY_LEDGER, revision: 1 })).toBe('saved');
      expect(await store.read()).toEqual({ ...EMPTY_LEDGER, revision: 2 });
    });

    it.each([0, 1])(
      'accepts exactly one of 50 saves over revision %i at once',
      async (revision) => {
        if (revision === 1) await store.save(EMPTY_LEDGER);
        const ledgers = Array.from({ length: 50 }, (_, index) => ({
          ...ledgerOf(index),
          revision,
        }));
        const answers = await Promise.all(ledgers.map((ledger) => store.save(ledger)));
        expect(answers.filter((answer) => answer === 'saved')).toHaveLength(1);
        const { open } = ledgers[answers.indexOf('saved')] as Ledger;
        expect(await store.read()).toMatchObject({ revision: revision + 1, open });
      },
    );

    it('save answers conflict for a revision that was never written', async () => {
      expect(await store.save({ ...aLedger, revision: 3 })).toBe('conflict');
      expect(await store.read()).toEqual(EMPTY_LEDGER);
    });
  });
}
