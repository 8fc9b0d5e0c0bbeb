import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../lib/errors.ts';
import { usd } from '../support/builders.ts';
import { troubles } from './race.ts';
import { drawEvenPauses, World } from './world.ts';

drawEvenPauses();

describe('more launches at once than a cap has room for', () => {
  const launches = Array.from({ length: 6 }, (_, index) => `POST ${index + 1}`);
  const room = fc.integer({ min: 1, max: 4 });

  /** All at once; returns what was launched and what was refused. */
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

  it('are as many clusters as fit, and refusals', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      troubles(launches, ['stalls', 'repeats']),
      room,
      async (s, drawn, fit) => {
        const settings = { openBudgetMax: usd(fit) };
        const world = new World(s, { troubles: drawn, settings, nudges: false });
        const { launched, refused } = await launchAll(world);
        expect([launched.length, refused.length]).toEqual([fit, launches.length - fit]);
        expect(world.openBudgets).toEqual(world.budgets);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('take no more than fits when some die, and nothing of it after the audit', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      troubles(launches, ['stalls', 'dies', 'fails']),
      room,
      async (s, drawn, fit) => {
        const settings = { openBudgetMax: usd(fit) };
        const world = new World(s, { troubles: drawn, settings, nudges: false });
        await launchAll(world);
        await world.audit();
        expect(world.openBudgets).toEqual(world.budgets);
        for (const name of launches) world.startLaunch(`later ${name}`, { key: `later ${name}` });
        await world.run();
        expect(Object.keys(world.budgets)).toHaveLength(fit);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('and raises of budgets share it', async () => {
    const raised = ['PATCH 1', 'PATCH 2'];
    const property = fc.asyncProperty(
      fc.scheduler(),
      troubles([...launches.slice(0, 3), ...raised], ['stalls', 'repeats', 'dies']),
      async (s, drawn) => {
        const settings = { openBudgetMax: usd(4) };
        const world = new World(s, { troubles: drawn, settings, nudges: false });
        world.startLaunch('before', { key: 'before' });
        await world.run();
        const [first] = world.records;
        if (first === undefined) throw new Error('nothing was launched');
        for (const name of launches.slice(0, 3)) world.startLaunch(name, { key: name });
        world.startChange('PATCH 1', first.id, { budgetUsd: 2 });
        world.startChange('PATCH 2', first.id, { budgetUsd: 3 });
        await world.run();
        await world.audit();
        expect(world.openBudgets).toEqual(world.budgets);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });
});
