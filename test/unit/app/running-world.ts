import { minutes, plus } from '../../../lib/core/base/units.ts';
import type { ClusterRecord, Running } from '../../../lib/core/cluster/record.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aRunning, aSettings, ID, LAUNCH, usd } from '../../support/builders.ts';
import { depsWith } from '../../support/deps.ts';
import { aClock } from '../../support/doubles.ts';

/**
 * A running cluster of ann's with a budget of $1, half an hour after its launch: the record, with the
 * fields of `overrides`, is in the table, and the budget in the ledger, where a cap allows $5.
 */
export async function aRunningWorld({
  isNudgeLost = false,
  overrides = {},
}: {
  readonly isNudgeLost?: boolean;
  readonly overrides?: Partial<Running>;
} = {}) {
  const { clusters, ledger, allowances } = createMemoryTable();
  const nudged: string[] = [];
  const world = {
    ledger,
    nudged,
    /** Runs just before each save of the use case. */
    beforeSave: async () => {},
    /** Runs between a save whose answer is lost and its repetition. */
    afterSave: async () => {},
    /** Whether AWS's client loses the answer of each save, and repeats the save. */
    repeatsSaves: false,
    /** Has a pass save the record just before the first save of the use case, which conflicts. */
    letPassSaveInBetween() {
      world.beforeSave = async () => {
        world.beforeSave = async () => {};
        await clusters.save({ ...(await world.record()), reapTags: ['reap=x'] });
      };
    },
    record: async () => (await clusters.get(ID)) as ClusterRecord,
    /** The budget that the ledger counts for the cluster. */
    openBudget: async () => (await ledger.read()).open.get(ID)?.budget,
    deps: depsWith({
      clock: aClock(plus(LAUNCH, minutes(30))),
      ledger,
      allowances,
      nudge: {
        async reconcile(batch) {
          if (isNudgeLost) throw new Error('no function there');
          nudged.push(...batch.map(({ clusterId }) => clusterId));
        },
        runSchedule: async () => {},
      },
      settings: aSettings({ openBudgetMax: usd(5) }),
      store: {
        ...clusters,
        async save(record) {
          await world.beforeSave();
          const saved = await clusters.save(record);
          if (!world.repeatsSaves) return saved;
          await world.afterSave();
          return clusters.save(record);
        },
      },
    }),
  };
  const { deps } = world;
  const { id, owner, scheduleId, budget } = aRunning();
  const claim = { id, owner, scheduleId, budget, nodes: 1, subnetBits: null, scheduleCaps: null };
  await clusters.insert(aRunning(overrides));
  await deps.caps.reserve(claim, plus(deps.clock.now(), minutes(1)));
  return world;
}
