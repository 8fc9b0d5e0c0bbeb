import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  hours,
  minus,
  minutes,
  plus,
  seconds,
} from '../../../../lib/core/base/units.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import { type Batch, planBatches } from '../../../../lib/core/pass/batches.ts';
import {
  aCluster,
  aDeleting,
  aRunning,
  created,
  deleting,
  LAUNCH,
  planned,
  teardownOf,
  usd,
} from '../../../support/builders.ts';
import { id } from '../../../support/cluster-store-contract.ts';

const NOW = plus(LAUNCH, hours(1));
const MARGIN = minutes(3);
/** Linode takes 1,200 of the reaper's calls in a minute. */
const CALLS_A_SECOND = 20;

/** A running cluster whose teardown time is `after` from NOW. */
function dueIn(index: number, after: DurationMs, nodes = 1): LiveRecord {
  const teardownAt = plus(NOW, after);
  const billedFrom = minus(plus(teardownAt, MARGIN), hours(1));
  const record = aRunning({
    id: id(index),
    budget: usd(0.0075 * nodes),
    maxHours: null,
    marginMs: MARGIN,
    nodes: Array.from({ length: nodes }, (_, node) => ({ ...created(node), billedFrom })),
    dueAt: teardownAt,
  });
  expect(teardownOf(record, NOW)).toBe(teardownAt);
  return record;
}

const idsOf = (batches: readonly Batch[]) =>
  batches.map((batch) => batch.map(({ clusterId }) => clusterId));
const requestsOf = (batches: readonly Batch[]) => batches.flat();

describe('the batches of a tick', () => {
  it('have the clusters that are due before the next tick, and no others', () => {
    const records = [
      dueIn(1, seconds(-600)),
      dueIn(2, seconds(60)),
      dueIn(3, seconds(61)),
      aRunning({ id: id(4), dueAt: plus(NOW, seconds(30)) }),
    ];
    const due = requestsOf(planBatches(records, NOW));
    expect(due.map(({ clusterId }) => clusterId)).toEqual([id(1), id(2), id(4)]);
  });

  it('begin no teardown early where there is time for each', () => {
    const records = [dueIn(1, seconds(10), 100), dueIn(2, seconds(20), 100)];
    expect(planBatches(records, NOW)).toEqual([[{ clusterId: id(1) }, { clusterId: id(2) }]]);
  });

  it('keep launches, teardowns and looks apart, so that none waits for another', () => {
    const dueAt = NOW;
    const records = [
      aCluster({ id: id(1), dueAt, nodes: [planned(0)] }),
      aDeleting({ id: id(2), dueAt, nodes: [deleting(0)] }),
      dueIn(3, seconds(0)),
      aRunning({ id: id(4), dueAt }),
    ];
    expect(idsOf(planBatches(records, NOW))).toEqual([[id(3)], [id(1)], [id(2), id(4)]]);
  });

  it('begin teardowns that the margin has no time for before they are due', () => {
    // 3,000 deletions take 150 s. A third of the margin, 60 s, may pass after the teardown time.
    const records = Array.from({ length: 30 }, (_, index) => dueIn(index, seconds(100), 100));
    const [first] = requestsOf(planBatches(records, NOW));
    const begins = first?.beginAt ?? 0;
    expect(begins).toBeLessThanOrEqual(plus(NOW, seconds(100 + 60 - 150)));
    expect(begins).toBeGreaterThan(plus(NOW, seconds(100 + 60 - 150 - 15)));
  });

  it('ask for no more deletions than Linode takes in a minute, the most urgent first', () => {
    const records = Array.from({ length: 30 }, (_, index) => dueIn(index, seconds(-index), 100));
    const asked = requestsOf(planBatches(records, NOW)).map(({ clusterId }) => clusterId);
    expect(asked.toSorted()).toEqual(
      Array.from({ length: 12 }, (_, index) => id(29 - index)).toSorted(),
    );
  });

  it('ask for a teardown that is larger than a minute allows', () => {
    expect(requestsOf(planBatches([dueIn(1, seconds(0), 1_500)], NOW))).toHaveLength(1);
  });

  it('leave room for others beside Linodes that Linode does not delete', () => {
    const nodes = Array.from({ length: 100 }, (_, node) => created(node));
    const stuck = Array.from({ length: 12 }, (_, index) =>
      aDeleting({ id: id(index), dueAt: NOW, deletingSince: minus(NOW, minutes(9)), nodes }),
    );
    const held = stuck.map((record) => ({ ...record, dueAt: plus(NOW, minutes(4)) }));
    const fresh = Array.from({ length: 5 }, (_, index) => dueIn(50 + index, seconds(1), 10));
    const freshIds = fresh.map((record) => record.id);
    for (const others of [stuck, held]) {
      const asked = idsOf(planBatches([...others, ...fresh], NOW)).flat();
      expect(asked.filter((asking) => freshIds.includes(asking)).toSorted()).toEqual(freshIds);
    }
  });

  it('let looks wait while teardowns use up the calls', () => {
    const teardowns = Array.from({ length: 12 }, (_, index) => dueIn(index, seconds(0), 100));
    const look = aDeleting({ id: id(99), dueAt: NOW, nodes: [deleting(0)] });
    expect(idsOf(planBatches([...teardowns, look], NOW)).flat()).not.toContain(id(99));
    expect(idsOf(planBatches([...teardowns.slice(1), look], NOW)).flat()).toContain(id(99));
  });

  it('are few, however many clusters there are', () => {
    const dueAt = NOW;
    const records = Array.from({ length: 600 }, (_, index) => [
      dueIn(3 * index, seconds(0)),
      aCluster({ id: id(3 * index + 1), dueAt }),
      aDeleting({ id: id(3 * index + 2), dueAt, nodes: [deleting(0)] }),
    ]).flat();
    expect(planBatches(records, NOW).length).toBeLessThanOrEqual(8);
  });

  it('have each deletion sent before two thirds of the margin are left, at 20 a second', () => {
    const aStorm = fc.array(
      fc.record({
        after: fc.integer({ min: 0, max: 14 * 60 }),
        nodes: fc.integer({ min: 1, max: 40 }),
      }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(aStorm, (storm) => {
        const records = storm.map(({ after, nodes }, index) => dueIn(index, seconds(after), nodes));
        expect(latestBy(records)).toBeLessThanOrEqual(60);
      }),
      { numRuns: 50 },
    );
  });
});

/**
 * Plays tick after tick, with 20 deletions a second. Returns by how many seconds the last deletion
 * of the latest cluster came after its teardown time.
 */
function latestBy(records: readonly LiveRecord[]): number {
  let left = [...records];
  let free: EpochMs = NOW;
  let latest = Number.NEGATIVE_INFINITY;
  for (let tick = NOW; left.length > 0; tick = plus(tick, seconds(60))) {
    for (const { clusterId, beginAt } of byBegin(planBatches(left, tick), left, tick)) {
      const record = left.find((candidate) => candidate.id === clusterId) as LiveRecord;
      const teardownAt = teardownOf(record, tick);
      const from = Math.max(beginAt ?? teardownAt, tick, free);
      const took = durationMs((record.nodes.length * 1_000) / CALLS_A_SECOND);
      free = plus(from as EpochMs, took);
      latest = Math.max(latest, (free - teardownAt) / 1_000);
      left = left.filter((candidate) => candidate !== record);
    }
  }
  return latest;
}

function byBegin(batches: readonly Batch[], records: readonly LiveRecord[], now: EpochMs) {
  const deadlineOf = (clusterId: string) => {
    const record = records.find((candidate) => candidate.id === clusterId) as LiveRecord;
    return teardownOf(record, now);
  };
  return batches.flat().toSorted((a, b) => deadlineOf(a.clusterId) - deadlineOf(b.clusterId));
}
