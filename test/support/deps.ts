import { createCaps } from '../../lib/app/caps-keeper.ts';
import type { LedgerStore } from '../../lib/ports.ts';
import type { Settings } from '../../lib/settings.ts';
import type { Deps } from '../../simulation/functions.ts';
import { createMemoryTable } from '../../simulators/aws/memory-table.ts';
import { aSettings } from './builders.ts';
import { aCatalogue, aClock, noLinode, quiet, someSecrets } from './doubles.ts';

type Given = Partial<Deps & { readonly ledger: LedgerStore }>;

/** The dependencies of all use cases: the test's own, and doubles over a memory table else. */
export function someDeps<Own extends Given>(own: Own) {
  const table = createMemoryTable();
  const { clock = aClock(), ledger = table.ledger, settings = aSettings() }: Given = own;
  const nothing = async () => {};
  return {
    caps: aKeeper({ clock, ledger, settings }),
    catalogue: aCatalogue(),
    clock,
    ledger,
    linode: noLinode,
    log: quiet,
    metrics: { emit() {} },
    notifier: { send: nothing },
    nudge: { reconcile: nothing, runSchedule: nothing },
    schedules: table.schedules,
    secrets: someSecrets(),
    settings,
    stage: settings.stage,
    store: table.clusters,
    ...own,
  };
}

/** The keeper of the caps in one process. */
export const aKeeper = (deps: Pick<Deps, 'clock'> & { ledger: LedgerStore; settings: Settings }) =>
  createCaps({ ...deps, settings: () => deps.settings, random: Math.random });
