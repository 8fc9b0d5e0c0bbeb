import { describe, expect, it } from 'vitest';
import { reap } from '../../../lib/app/reap.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { durationMs, hours, minus, minutes, plus, seconds } from '../../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../../lib/core/cluster/record.ts';
import type { Batch } from '../../../lib/core/pass/batches.ts';
import { createMemoryTable } from '../../../simulators/aws/memory-table.ts';
import { aDeleting, aRunning, created, ID, LAUNCH, OTHER_ID, usd } from '../../support/builders.ts';
import { id } from '../../support/cluster-store-contract.ts';
import { depsWith } from '../../support/deps.ts';
import { aClock, aRecordingLog, recordingMetrics } from '../../support/doubles.ts';

/** The reaper over the records, 5 minutes after LAUNCH. */
async function aWorld(...records: ClusterRecord[]) {
  const [metrics, log] = [recordingMetrics(), aRecordingLog()];
  const { clusters: store, poison } = createMemoryTable();
  const deps = depsWith({ clock: aClock(plus(LAUNCH, minutes(5))), metrics, log, store });
  for (const record of records) await store.insert(record);
  const world = {
    emitted: metrics.emitted,
    logged: log.entries,
    poison,
    reads: 0,
    getMany: store.getMany,
    nudge: async (_batch: Batch): Promise<void> => {},
    run() {
      const getMany: typeof store.getMany = (ids) => {
        world.reads += 1;
        return world.getMany(ids);
      };
      const nudge = { reconcile: world.nudge, runSchedule: () => world.nudge([]) };
      return reap({ ...deps, store: { ...store, getMany }, nudge });
    },
  };
  return world;
}

const late = aDeleting({ deletingSince: plus(LAUNCH, minutes(3)) });
/** An overdue cluster whose pass has died a moment ago: its record is due again in 30 seconds. */
const retried = aDeleting({ id: OTHER_ID, dueAt: plus(LAUNCH, minutes(5.5)) });

describe('the reaper', () => {
  it('emits the number of overdue clusters, also of those that are due later', async () => {
    const world = await aWorld(late, retried);
    expect(await world.run()).toEqual({ nudged: 2 });
    expect(world.emitted).toEqual([{ OverdueClusters: 2 }]);
    const details = { clusterId: ID };
    expect(world.logged).toContainEqual({ level: 'error', message: 'cluster is overdue', details });
  });

  it('emits the number at each tick, also where Lambda starts no pass', async () => {
    const world = await aWorld(late);
    world.nudge = () => Promise.reject(new Error('TooManyRequestsException'));
    await expect(world.run()).rejects.toThrow('TooManyRequestsException');
    await expect(world.run()).rejects.toThrow('TooManyRequestsException');
    expect(world.emitted).toEqual([{ OverdueClusters: 1 }, { OverdueClusters: 1 }]);
  });

  it('emits nothing for clusters that are due and not overdue', async () => {
    const world = await aWorld(aRunning());
    expect(await world.run()).toEqual({ nudged: 1 });
    expect([world.reads, world.emitted]).toEqual([1, []]);
  });

  it('counts overdue clusters beside a record that can not be read, and reports that', async () => {
    const world = await aWorld(late, retried);
    world.poison(ID);
    expect(await world.run()).toEqual({ nudged: 1 });
    expect(world.emitted).toEqual([{ OverdueClusters: 1 }, { UnreadableRecords: 1 }]);
    expect(world.logged).toContainEqual({
      level: 'error',
      message: 'record is unreadable',
      details: { clusterId: ID, reason: 'its version 99 is not known' },
    });
  });

  it('reads no record where no cluster is due', async () => {
    const world = await aWorld(aRunning({ dueAt: plus(LAUNCH, minutes(30)) }));
    expect(await world.run()).toEqual({ nudged: 0 });
    expect(world.reads).toBe(0);
  });

  it('starts passes though it can not read their records, and then throws', async () => {
    const world = await aWorld(late);
    const nudged: ClusterId[] = [];
    world.nudge = async () => void nudged.push(ID);
    world.getMany = () => Promise.reject(new Error('no table there'));
    await expect(world.run()).rejects.toThrow('no table there');
    expect(nudged).toHaveLength(1);
  });
});

describe('the reaper in a crowd', () => {
  /** 30 clusters of 100 nodes that are due in 100 seconds. Their 3,000 deletions take 150 seconds. */
  const crowd = Array.from({ length: 30 }, (_, index): ClusterRecord => {
    const billedFrom = minus(plus(LAUNCH, durationMs(minutes(8) + seconds(100))), hours(1));
    const nodes = Array.from({ length: 100 }, (_node, node) => ({ ...created(node), billedFrom }));
    const dueAt = plus(LAUNCH, durationMs(minutes(5) + seconds(100)));
    return aRunning({ id: id(index), nodes, budget: usd(0.75), maxHours: null, dueAt });
  });

  it('begins teardowns early that could not all be done in time', async () => {
    const world = await aWorld(...crowd);
    const batches: Batch[] = [];
    world.nudge = async (batch) => void batches.push(batch);
    await world.run();
    const [first] = batches.flat();
    expect(first?.beginAt).toBeLessThanOrEqual(plus(LAUNCH, durationMs(minutes(5) + seconds(10))));
  });

  it('starts the passes that are due though no record can be read, and throws', async () => {
    const world = await aWorld(late, retried, ...crowd);
    world.getMany = () => Promise.reject(new Error('throttled'));
    const batches: Batch[] = [];
    world.nudge = async (batch) => void batches.push(batch);
    await expect(world.run()).rejects.toThrow('throttled');
    expect(batches).toEqual([[{ clusterId: ID }, { clusterId: OTHER_ID }]]);
  });
});
