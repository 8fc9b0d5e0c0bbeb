import fc from 'fast-check';
import { expect, it } from 'vitest';
import { minutes } from '../../lib/core/base/units.ts';
import { isLive } from '../../lib/core/cluster/record.ts';
import { drain } from '../../ops/drain-command.ts';
import { drawFaults } from './race.ts';
import { fixRandomPauses, World } from './world.ts';

fixRandomPauses();

const startDrain = (world: World, name = 'drain') =>
  world.start(name, (deps) => drain({ ...deps, print() {} }, minutes(15)));

const three = ['POST 1', 'POST 2', 'POST 3'];
// Beside others, which take longer to end, a launch would come late to its record for no drain.
const one = ['POST 1'];
const heldUp = { calls: { min: 3, max: 5 }, turns: { min: 50, max: 400 } };

it.each([
  ['any fault', three, drawFaults([...three, 'drain'], ['stalls', 'repeats', 'dies', 'fails'])],
  ['a stall between ledger and record', one, drawFaults(one, ['stalls'], heldUp)],
])('a launch at the time of a drain is refused or ended, with %s', async (_, launches, faults) => {
  const property = fc.asyncProperty(fc.scheduler(), faults, async (scheduler, drawn) => {
    const world = new World(scheduler, { faults: drawn });
    for (const name of launches) world.startLaunch(name, { key: name, nodes: 1 });
    const first = startDrain(world);
    await world.run();
    if (first.outcome.kind !== 'answered') {
      // A person runs it again.
      startDrain(world, 'second drain');
      await world.run();
    }
    world.startLaunch('later', { key: 'later' });
    world.startLaunch('repeated', { key: launches[0] ?? '', nodes: 1 });
    await world.run();
    expect(world.records.filter(isLive)).toEqual([]);
    expect(world.account.existing).toEqual([]);
    expect(world.thrown.filter((text) => text.startsWith('later'))).toEqual([
      expect.stringContaining('The operator has drained test'),
    ]);
    expect(world.violations).toEqual([]);
  });
  await fc.assert(property, { numRuns: 200 });
});
