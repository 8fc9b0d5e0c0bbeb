import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../lib/errors.ts';
import { usd } from '../support/builders.ts';
import { drawFaults } from './race.ts';
import { fixRandomPauses, World } from './world.ts';

fixRandomPauses();

describe('more launches at once than a cap allows', () => {
  const launches = Array.from({ length: 6 }, (_, index) => `POST ${index + 1}`);
  const allowed = fc.integer({ min: 1, max: 4 });

  /** Launches all at once; returns the attempts that launched and those that a cap refused. */
  async function launchAll(world: World) {
    const attempts = launches.map((name) => world.startLaunch(name, { key: name }));
    await world.run();
    return {
      launched: attempts.filter(({ outcome }) => outcome.kind === 'answered'),
      refused: attempts.filter(
        ({ outcome }) =>
          outcome.kind === 'threw' &&
          outcome.error instanceof AppError &&
          outcome.error.code === 'refused',
      ),
    };
  }

  it('launch as many clusters as the cap allows, and are refused beyond it', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawFaults(launches, ['stalls', 'repeats']),
      allowed,
      async (scheduler, faults, clustersMax) => {
        const settings = { openBudgetMax: usd(clustersMax) };
        const world = new World(scheduler, { faults, settings, nudges: false });
        const { launched, refused } = await launchAll(world);
        expect([launched.length, refused.length]).toEqual([
          clustersMax,
          launches.length - clustersMax,
        ]);
        expect(world.openBudgets).toEqual(world.liveBudgets);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('pass no cap where some die, and the audit frees the budgets of the dead', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawFaults(launches, ['stalls', 'dies', 'fails']),
      allowed,
      async (scheduler, faults, clustersMax) => {
        const settings = { openBudgetMax: usd(clustersMax) };
        const world = new World(scheduler, { faults, settings, nudges: false });
        await launchAll(world);
        await world.audit();
        expect(world.openBudgets).toEqual(world.liveBudgets);
        for (const name of launches) world.startLaunch(`later ${name}`, { key: `later ${name}` });
        await world.run();
        expect(Object.keys(world.liveBudgets)).toHaveLength(clustersMax);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('share the cap with raises of budgets at the same time', async () => {
    const changes = ['PATCH 1', 'PATCH 2'];
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawFaults([...launches.slice(0, 3), ...changes], ['stalls', 'repeats', 'dies']),
      async (scheduler, faults) => {
        const settings = { openBudgetMax: usd(4) };
        const world = new World(scheduler, { faults, settings, nudges: false });
        world.startLaunch('before', { key: 'before' });
        await world.run();
        const [first] = world.records;
        if (first === undefined) throw new Error('nothing was launched');
        for (const name of launches.slice(0, 3)) world.startLaunch(name, { key: name });
        world.startChange('PATCH 1', first.id, { budgetUsd: 2 });
        world.startChange('PATCH 2', first.id, { budgetUsd: 3 });
        await world.run();
        await world.audit();
        expect(world.openBudgets).toEqual(world.liveBudgets);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });
});
