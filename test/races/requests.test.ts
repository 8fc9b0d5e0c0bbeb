import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { destroyCluster } from '../../lib/app/destroy-cluster.ts';
import { keyedClusterId, launch } from '../../lib/app/launch.ts';
import { toUsd } from '../../lib/core/base/money.ts';
import { reapTag } from '../../lib/core/base/names.ts';
import { type DurationMs, minus, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import { type ClusterRecord, type EndedRecord, isLive } from '../../lib/core/cluster/record.ts';
import { AppError } from '../../lib/errors.ts';
import { aLinode, aRunning, ID, LAUNCH, OUR_TAGS, teardownOf, usd } from '../support/builders.ts';
import { drawFaults, type Fault } from './race.ts';
import { type Attempt, fixRandomPauses, launchRequest, World } from './world.ts';

fixRandomPauses();

const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);

describe('launches at once with one idempotency key', () => {
  const KEY = 'a key';
  const KEYED = keyedClusterId('ann', KEY);
  const launches = numbered('POST', 4);
  const bodies = fc.array(fc.constantFrom(1, 2), { minLength: 2, maxLength: launches.length });

  async function afterLaunches(
    scheduler: fc.Scheduler,
    faults: Fault[],
    budgets: readonly number[],
  ) {
    // If the ledger counted the cluster twice, this cap would refuse a launch.
    const world = new World(scheduler, { faults, settings: { openBudgetMax: usd(2) } });
    const attempts = budgets.map((budgetUsd, index) => ({
      budgetUsd,
      attempt: world.startLaunch(launches[index] ?? '', { key: KEY, budgetUsd }),
    }));
    await world.run();
    return { world, attempts };
  }

  it('launch one cluster, counted once, and a body with another budget is a conflict', async () => {
    const anyFaults = drawFaults([...launches, 'pass of POST 1'], ['stalls', 'repeats']);
    const property = fc.asyncProperty(
      fc.scheduler(),
      anyFaults,
      bodies,
      async (scheduler, faults, budgets) => {
        const { world, attempts } = await afterLaunches(scheduler, faults, budgets);
        expect(world.records.map(({ id }) => id)).toEqual([KEYED]);
        const won = toUsd(world.recordOf(KEYED).spec.budget);
        for (const { budgetUsd, attempt } of attempts) {
          expect(idOrErrorCode(attempt)).toBe(budgetUsd === won ? KEYED : 'conflict');
        }
        const isNew = attempts.map(({ attempt }) => answerOf(attempt)?.isNew === true);
        expect(isNew.filter(Boolean).length).toBeLessThanOrEqual(1);
        if (new Set(budgets).size > 1) await world.audit();
        expect(world.openBudgets).toEqual({ [KEYED]: usd(won) });
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('launch one cluster, counted once, whoever dies and whatever is lost', async () => {
    const anyFaults = drawFaults(launches, ['stalls', 'repeats', 'dies', 'fails']);
    const property = fc.asyncProperty(
      fc.scheduler(),
      anyFaults,
      bodies,
      async (scheduler, faults, budgets) => {
        const { world } = await afterLaunches(scheduler, faults, budgets);
        const again = world.startLaunch('POST again', { key: KEY, budgetUsd: 1 });
        await world.run();
        await world.audit();
        const record = world.recordOf(KEYED);
        expect(idOrErrorCode(again)).toBe(record.spec.budget === usd(1) ? KEYED : 'conflict');
        expect(world.openBudgets).toEqual({ [KEYED]: record.spec.budget });
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('count the spend once where the cluster ends before some launches arrive', async () => {
    const anyFaults = drawFaults(['POST 1', 'POST 2', 'pass of POST 1'], ['stalls', 'repeats']);
    const property = fc.asyncProperty(fc.scheduler(), anyFaults, async (scheduler, faults) => {
      const world = new World(scheduler, { faults });
      world.start('POST 1', async (deps) => {
        await launch(deps, launchRequest(deps, { key: KEY }));
        await destroyCluster(deps, 'ann', KEYED);
      });
      world.startLaunch('POST 2', { key: KEY });
      await world.run();
      await world.runReaper(minutes(4));
      const record = world.recordOf(KEYED) as EndedRecord;
      expect([record.phase, world.openBudgets]).toEqual(['deleted', {}]);
      expect(world.ledger.spent.get('owner:ann')?.['2026-11'] ?? 0).toBe(record.spent);
      expect(world.violations).toEqual([]);
    });
    await fc.assert(property, { numRuns: 120 });
  });
});

describe('PATCHes that race with each other, passes, DELETE, the sweeper and the teardown', () => {
  const RUNNING = aRunning({ budget: usd(0.03) });
  const teardownAt = teardownOf(RUNNING, LAUNCH);
  const tags = [...OUR_TAGS, reapTag(teardownAt)];
  type Action = Readonly<Record<string, number>> | 'DELETE' | 'pass' | 'sweeper';
  const budgetChanges = [0.015, 0.045, 0.06].map((budgetUsd) => ({ budgetUsd }));
  const hoursChanges = [3, 4].map((maxHours) => ({ maxHours }));
  const someActions = fc.array(
    fc.constantFrom<Action>(...budgetChanges, ...hoursChanges, 'DELETE', 'pass', 'sweeper'),
    { minLength: 2, maxLength: 5 },
  );
  const lead = fc.constantFrom(minutes(90), seconds(5), seconds(1), seconds(0));
  const requests = numbered('request', 5);
  const actors = [...requests, ...requests.map((request) => `pass of ${request}`)];

  async function aWorld(scheduler: fc.Scheduler, faults: readonly Fault[], lead: DurationMs) {
    const world = new World(scheduler, { faults, now: minus(teardownAt, lead) });
    const record = { ...RUNNING, dueAt: teardownAt, reapTags: [reapTag(teardownAt)] };
    await world.putCluster(record, [aLinode({ tags }), aLinode({ index: 1, tags })]);
    return world;
  }

  function start(world: World, name: string, action: Action) {
    if (action === 'pass') world.startPass(name, ID);
    else if (action === 'sweeper') world.startSweep(`sweeper ${name}`);
    else if (action === 'DELETE') return { action, attempt: world.startDelete(name, ID) };
    else return { action, attempt: world.startChange(name, ID, action) };
    return [];
  }

  /** Starts all at once, and runs the race; returns the attempts of the PATCHes and DELETEs. */
  async function race(world: World, names: readonly string[], actions: readonly Action[]) {
    const sent = actions.flatMap((action, index) => start(world, names[index] ?? '', action));
    await world.run();
    return sent;
  }

  it('lose no answered change, and the ledger counts the budget of the record', async () => {
    const anyFaults = drawFaults(actors, ['stalls', 'repeats']);
    const property = fc.asyncProperty(
      fc.scheduler(),
      anyFaults,
      someActions,
      lead,
      async (scheduler, faults, actions, lead) => {
        const world = await aWorld(scheduler, faults, lead);
        const sent = await race(world, requests, actions);
        const outcomes = sent.map(({ attempt }) => idOrErrorCode(attempt));
        expect([ID, 'conflict', 'refused']).toEqual(expect.arrayContaining(outcomes));
        const answered = sent
          .flatMap(({ action, attempt }) => {
            const answer = answerOf(attempt);
            return answer === null ? [] : [{ action, answer }];
          })
          .toSorted((a, b) => a.answer.revision - b.answer.revision);
        const before = { budgetUsd: toUsd(RUNNING.budget), maxHours: RUNNING.maxHours };
        const asked = answered.map(({ action }) => (action === 'DELETE' ? {} : action));
        const now = world.recordOf(ID);
        const { maxHours } = now;
        expect({ budgetUsd: toUsd(now.budget), maxHours }).toEqual(Object.assign(before, ...asked));
        if (answered.some(({ action }) => action === 'DELETE')) expect(now.phase).toMatch(/^delet/);
        // The ledger keeps a higher budget until an audit, since a raise may be on its way. The
        // end of a cluster frees the budget at once.
        if (isLive(now)) await world.audit();
        expect(world.openBudgets).toEqual(world.liveBudgets);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 250 });
  });

  it('leave every budget covered, whoever dies, and the audit corrects the ledger', async () => {
    const later = numbered('later request', 5);
    const anyFaults = drawFaults([...actors, ...later], ['stalls', 'repeats', 'dies', 'fails']);
    const property = fc.asyncProperty(
      fc.scheduler(),
      anyFaults,
      fc.tuple(someActions, someActions),
      async (scheduler, faults, [first, second]) => {
        const world = await aWorld(scheduler, faults, minutes(90));
        await race(world, requests, first);
        // After 3 minutes the ledger takes no dead request for a request on its way.
        world.race.now = plus(world.race.now, minutes(3));
        await race(world, later, second);
        await world.runReaper(minutes(4));
        await world.audit();
        expect(world.openBudgets).toEqual(world.liveBudgets);
        expect(world.linodesOf(ID)).toHaveLength(isLive(world.recordOf(ID)) ? 2 : 0);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});

const answerOf = <T>({ outcome }: Attempt<T>): T | null =>
  outcome.kind === 'answered' ? outcome.value : null;

/** The id of the cluster in the answer, or the code of the error; the outcome if there is none. */
function idOrErrorCode({ outcome }: Attempt<ClusterRecord | { record: ClusterRecord }>): unknown {
  if (outcome.kind === 'answered') {
    return 'record' in outcome.value ? outcome.value.record.id : outcome.value.id;
  }
  return outcome.kind === 'threw' && outcome.error instanceof AppError
    ? outcome.error.code
    : outcome;
}
