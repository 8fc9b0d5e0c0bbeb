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
import { type How, type Trouble, troubles } from './race.ts';
import { drawEvenPauses, World } from './world.ts';

const ANY: readonly How[] = ['stalls', 'dies', 'repeats', 'fails'];
const NEW = aCluster({ nodes: [planned(0), planned(1), planned(2)], spec: aSpec({ nodes: 3 }) });

drawEvenPauses();

/** After a race over a new cluster of three between what `start` starts. */
const afterRace = (
  drawn: fc.Arbitrary<Trouble[]>,
  start: (world: World) => void,
  check: (world: World) => Promise<void>,
  options: { readonly createMax?: DurationMs } = {},
) =>
  fc.asyncProperty(fc.scheduler(), drawn, async (scheduler, troubles) => {
    const world = new World(scheduler, { troubles, ...options });
    await world.put(NEW);
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
    await world.live(minutes(5));
    const record = world.recordOf(ID);
    expect([record.phase, ...statesOf(record)]).toEqual([
      'running',
      'created',
      'created',
      'created',
    ]);
    expect(world.aliveOf(ID)).toHaveLength(3);
    expect(world.account.deleted).toEqual([]);
  };

  it('ask Linode once for each node, and leave it running', async () => {
    const check = async (world: World) => {
      expect([...world.account.asked.values()]).toEqual([1, 1, 1]);
      expect(world.thrown).toEqual([]);
      await checkRunning(world);
    };
    await fc.assert(afterRace(troubles(passes, ['stalls']), start, check), { numRuns: 150 });
  });

  it('leave one Linode a node, whoever dies and whatever is lost', async () => {
    await fc.assert(afterRace(troubles(passes, ANY), start, checkRunning), { numRuns: 150 });
  });

  it('leave one, where a create is sent again before Linode has come to the first', async () => {
    const winner = { calls: { min: 4, max: 9 }, turns: { min: 50, max: 400 } };
    const drawn = troubles(passes, ['stalls'], winner);
    const property = afterRace(drawn, start, checkRunning, { createMax: minutes(1) });
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
    await world.live(minutes(6));
    const end = { phase: 'deleted', endReason: 'requested' };
    expect(world.recordOf(ID)).toMatchObject(end);
    expect(world.aliveOf(ID)).toEqual([]);
  };

  it('end it with nothing left, and its budget free', async () => {
    const check = async (world: World) => {
      expect(world.thrown).toEqual([]);
      await checkGone(world);
      expect(world.openBudgets).toEqual({});
    };
    await fc.assert(afterRace(troubles(actors, ['stalls']), start, check), { numRuns: 150 });
  });

  it('end it all the same, whoever dies and whatever is lost', async () => {
    const check = async (world: World) => {
      // Neither may have got as far as to write it down.
      world.startDelete('a later DELETE', ID);
      await checkGone(world);
      await world.audit();
      expect(world.openBudgets).toEqual({});
    };
    const property = afterRace(troubles(actors, ANY), start, check, { createMax: minutes(1) });
    await fc.assert(property, { numRuns: 150 });
  });
});

it('an end whose save was repeated by the client is told, and frees its budget', async () => {
  const repeated: Trouble = { actor: 'pass', call: 3, how: 'repeats', leg: 'back', turns: 1 };
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const world = new World(scheduler, { troubles: [repeated] });
    const budget = usd(0.001);
    await world.put(aDeleting({ nodes: [gone(0), gone(1)], tagsRemoved: true, budget }));
    world.startPass('pass', ID);
    await world.run();
    expect(world.recordOf(ID)).toMatchObject({ phase: 'deleted', overspent: usd(0.014) });
    expect(world.errors).toEqual(['cluster overspent its budget']);
    expect(world.openBudgets).toEqual({});
  });
  // A pass alone makes its calls in one order.
  await fc.assert(property, { numRuns: 1 });
});
