import { createCaps } from '../../lib/app/caps-keeper.ts';
import type { ClusterStore, LedgerStore, OwnerStore } from '../../lib/ports.ts';
import type { Settings } from '../../lib/settings.ts';
import type { Deps } from '../../simulation/functions.ts';
import { createMemoryFiles } from '../../simulators/aws/memory-files.ts';
import { createMemoryTable } from '../../simulators/aws/memory-table.ts';
import { aSettings } from './builders.ts';
import { aCatalogue, aClock, aSecret, noLinode, silentLog } from './doubles.ts';

type Overrides = Partial<Deps & { readonly ledger: LedgerStore; readonly owners: OwnerStore }>;

/** The dependencies of all use cases: `own`, completed by doubles and a table in memory. */
export function depsWith<Own extends Overrides>(own: Own) {
  const table = createMemoryTable();
  const {
    clock = aClock(),
    ledger = table.ledger,
    owners = table.owners,
    settings = aSettings(),
    store = table.clusters,
  }: Overrides = own;
  const ignore = async () => {};
  return {
    caps: aCapsKeeper({ clock, ledger, owners, store, settings }),
    catalogue: aCatalogue(),
    clock,
    files: createMemoryFiles(),
    digests: table.digests,
    jobs: table.jobs,
    ledger,
    owners,
    linode: noLinode,
    log: silentLog,
    metrics: { emit() {} },
    notifier: { send: ignore },
    nudge: { reconcile: ignore, runSchedule: ignore },
    publicUrl: () => settings.publicUrl,
    reports: table.reports,
    allowances: table.allowances,
    schedules: table.schedules,
    secrets: aSecret(),
    settings,
    stage: settings.stage,
    store: table.clusters,
    ...own,
  };
}

/** The keeper of the caps, as one process of a function has it. */
export const aCapsKeeper = (
  deps: Pick<Deps, 'clock'> & {
    ledger: LedgerStore;
    owners?: Pick<OwnerStore, 'get'>;
    store?: Pick<ClusterStore, 'get'>;
    settings: Settings;
  },
) =>
  createCaps({
    owners: createMemoryTable().owners,
    store: createMemoryTable().clusters,
    ...deps,
    settings: () => deps.settings,
    random: Math.random,
  });
