import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DurationMs, minutes } from '../../lib/core/base/units.ts';
import {
  aCluster,
  aDeleting,
  aSpec,
  gone,
  ID,
  planned,
  statesOf,
  usd,
} from '../support/builders.ts';
import { drawFaults, type Fault, type FaultKind } from './race.ts';
import { fixRandomPauses, World } from './world.ts';

const ANY_KIND: readonly FaultKind[] = ['stalls', 'dies', 'repeats', 'fails'];
const NEW = aCluster({ nodes: [planned(0), planned(1), planned(2)], spec: aSpec({ nodes: 3 }) });

fixRandomPauses();

/** The property that `check` passes after a race over a new cluster between `start`'s actors. */
const afterRace = (
  faults: fc.Arbitrary<Fault[]>,
  start: (world: World) => void,
  check: (world: World) => Promise<void>,
  options: { readonly createMax?: DurationMs } = {},
) =>
  fc.asyncProperty(fc.scheduler(), faults, async (scheduler, faults) => {
    const world = new World(scheduler, { faults, ...options });
    await world.putCluster(NEW);
    start(world);
    await world.run();
    await check(world);
    expect(world.violations).toEqual([]);
  });

describe('passes at once over a new cluster of three', () => {
  const passes = ['pass 1', 'pass 2', 'pass 3'];
  const start = (world: World) => {
    for (const pass of passes) world.startPass(pass, ID);
  };
  const checkRunning = async (world: World) => {
    await world.runReaper(minutes(5));
    const record = world.recordOf(ID);
    expect([record.phase, ...statesOf(record)]).toEqual([
      'running',
      'created',
      'created',
      'created',
    ]);
    expect(world.linodesOf(ID)).toHaveLength(3);
    expect(world.account.deleted).toEqual([]);
  };

  it('send one create for each node, and leave the cluster running', async () => {
    const check = async (world: World) => {
      expect([...world.account.createCounts.values()]).toEqual([1, 1, 1]);
      expect(world.thrown).toEqual([]);
      await checkRunning(world);
    };
    await fc.assert(afterRace(drawFaults(passes, ['stalls']), start, check), { numRuns: 150 });
  });

  it('leave one Linode for each node, whoever dies and whatever is lost', async () => {
    await fc.assert(afterRace(drawFaults(passes, ANY_KIND), start, checkRunning), { numRuns: 150 });
  });

  it('leave one Linode for each node though a create is repeated before it arrives', async () => {
    const firstPass = { calls: { min: 4, max: 9 }, turns: { min: 50, max: 400 } };
    const faults = drawFaults(passes, ['stalls'], firstPass);
    const property = afterRace(faults, start, checkRunning, { createMax: minutes(1) });
    await fc.assert(property, { numRuns: 150 });
  });
});

describe('DELETEs that race with the passes that provision', () => {
  const actors = ['pass 1', 'pass 2', 'DELETE 1', 'DELETE 2', 'pass of DELETE 1'];
  const start = (world: World) => {
    for (const pass of ['pass 1', 'pass 2']) world.startPass(pass, ID);
    for (const request of ['DELETE 1', 'DELETE 2']) world.startDelete(request, ID);
  };
  const checkGone = async (world: World) => {
    await world.runReaper(minutes(6));
    const end = { phase: 'deleted', endReason: 'requested' };
    expect(world.recordOf(ID)).toMatchObject(end);
    expect(world.linodesOf(ID)).toEqual([]);
  };

  it('end the cluster with no Linode left and its budget freed', async () => {
    const check = async (world: World) => {
      expect(world.thrown).toEqual([]);
      await checkGone(world);
      expect(world.openBudgets).toEqual({});
    };
    await fc.assert(afterRace(drawFaults(actors, ['stalls']), start, check), { numRuns: 150 });
  });

  it('end the cluster, whoever dies and whatever is lost', async () => {
    const check = async (world: World) => {
      // Both DELETEs may have died before they wrote the record.
      world.startDelete('a later DELETE', ID);
      await checkGone(world);
      await world.audit();
      expect(world.openBudgets).toEqual({});
    };
    const property = afterRace(drawFaults(actors, ANY_KIND), start, check, {
      createMax: minutes(1),
    });
    await fc.assert(property, { numRuns: 150 });
  });
});

it('the end of a cluster is logged and frees the budget though its save is repeated', async () => {
  const repeated: Fault = { actor: 'pass', call: 3, kind: 'repeats', leg: 'back', turns: 1 };
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const world = new World(scheduler, { faults: [repeated] });
    const budget = usd(0.001);
    await world.putCluster(aDeleting({ nodes: [gone(0), gone(1)], tagsRemoved: true, budget }));
    world.startPass('pass', ID);
    await world.run();
    expect(world.recordOf(ID)).toMatchObject({ phase: 'deleted', overspent: usd(0.014) });
    expect(world.errors).toEqual(['cluster overspent its budget']);
    expect(world.openBudgets).toEqual({});
  });
  // One pass by itself makes its calls in only one order, so one run is enough.
  await fc.assert(property, { numRuns: 1 });
});
