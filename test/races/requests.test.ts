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
import { type Trouble, troubles } from './race.ts';
import { type Attempt, drawEvenPauses, launchRequest, World } from './world.ts';

drawEvenPauses();

const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);

describe('launches at once with one key', () => {
  const KEY = 'a key';
  const KEYED = keyedClusterId('ann', KEY);
  const launches = numbered('POST', 4);
  const bodies = fc.array(fc.constantFrom(1, 2), { minLength: 2, maxLength: launches.length });

  async function afterLaunches(s: fc.Scheduler, troubles: Trouble[], budgets: readonly number[]) {
    // Were it counted once for each, the cap would refuse some.
    const world = new World(s, { troubles, settings: { openBudgetMax: usd(2) } });
    const attempts = budgets.map((budgetUsd, index) => ({
      budgetUsd,
      attempt: world.startLaunch(launches[index] ?? '', { key: KEY, budgetUsd }),
    }));
    await world.run();
    return { world, attempts };
  }

  it('are one cluster, counted once, and a conflict for those of another body', async () => {
    const drawn = troubles([...launches, 'pass of POST 1'], ['stalls', 'repeats']);
    const property = fc.asyncProperty(fc.scheduler(), drawn, bodies, async (s, drawn, budgets) => {
      const { world, attempts } = await afterLaunches(s, drawn, budgets);
      expect(world.records.map(({ id }) => id)).toEqual([KEYED]);
      const won = toUsd(world.recordOf(KEYED).spec.budget);
      for (const { budgetUsd, attempt } of attempts) {
        expect(told(attempt)).toBe(budgetUsd === won ? KEYED : 'conflict');
      }
      const isNew = attempts.map(({ attempt }) => answerOf(attempt)?.isNew === true);
      expect(isNew.filter(Boolean).length).toBeLessThanOrEqual(1);
      if (new Set(budgets).size > 1) await world.audit();
      expect(world.openBudgets).toEqual({ [KEYED]: usd(won) });
      expect(world.violations).toEqual([]);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('are one cluster, counted once, whoever dies and whatever is lost', async () => {
    const drawn = troubles(launches, ['stalls', 'repeats', 'dies', 'fails']);
    const property = fc.asyncProperty(fc.scheduler(), drawn, bodies, async (s, drawn, budgets) => {
      const { world } = await afterLaunches(s, drawn, budgets);
      const again = world.startLaunch('POST again', { key: KEY, budgetUsd: 1 });
      await world.run();
      await world.audit();
      const record = world.recordOf(KEYED);
      expect(told(again)).toBe(record.spec.budget === usd(1) ? KEYED : 'conflict');
      expect(world.openBudgets).toEqual({ [KEYED]: record.spec.budget });
      expect(world.violations).toEqual([]);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('are spent once, where the cluster has ended before some come through', async () => {
    const drawn = troubles(['POST 1', 'POST 2', 'pass of POST 1'], ['stalls', 'repeats']);
    const property = fc.asyncProperty(fc.scheduler(), drawn, async (s, drawn) => {
      const world = new World(s, { troubles: drawn });
      world.start('POST 1', async (deps) => {
        await launch(deps, launchRequest(deps, { key: KEY }));
        await destroyCluster(deps, 'ann', KEYED);
      });
      world.startLaunch('POST 2', { key: KEY });
      await world.run();
      await world.live(minutes(4));
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
  type Wanted = Readonly<Record<string, number>> | 'DELETE' | 'pass' | 'sweeper';
  const changes = [0.015, 0.045, 0.06].map((budgetUsd) => ({ budgetUsd }));
  const limits = [3, 4].map((maxHours) => ({ maxHours }));
  const wanted = fc.array(
    fc.constantFrom<Wanted>(...changes, ...limits, 'DELETE', 'pass', 'sweeper'),
    { minLength: 2, maxLength: 5 },
  );
  const lead = fc.constantFrom(minutes(90), seconds(5), seconds(1), seconds(0));
  const requests = numbered('request', 5);
  const actors = [...requests, ...requests.map((request) => `pass of ${request}`)];

  async function aWorld(s: fc.Scheduler, troubles: readonly Trouble[], lead: DurationMs) {
    const world = new World(s, { troubles, now: minus(teardownAt, lead) });
    const record = { ...RUNNING, dueAt: teardownAt, reapTags: [reapTag(teardownAt)] };
    await world.put(record, [aLinode({ tags }), aLinode({ index: 1, tags })]);
    return world;
  }

  function start(world: World, name: string, what: Wanted) {
    if (what === 'pass') world.startPass(name, ID);
    else if (what === 'sweeper') world.startSweep(`sweeper ${name}`);
    else if (what === 'DELETE') return { what, attempt: world.startDelete(name, ID) };
    else return { what, attempt: world.startChange(name, ID, what) };
    return [];
  }

  /** All at once; returns the PATCHes and DELETEs. */
  async function race(world: World, names: readonly string[], wanted: readonly Wanted[]) {
    const sent = wanted.flatMap((what, index) => start(world, names[index] ?? '', what));
    await world.run();
    return sent;
  }

  it('lose none that was answered, and the budget is counted as it is', async () => {
    const drawn = troubles(actors, ['stalls', 'repeats']);
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawn,
      wanted,
      lead,
      async (s, t, all, lead) => {
        const world = await aWorld(s, t, lead);
        const sent = await race(world, requests, all);
        const outcomes = sent.map(({ attempt }) => told(attempt));
        expect([ID, 'conflict', 'refused']).toEqual(expect.arrayContaining(outcomes));
        const answered = sent
          .flatMap(({ what, attempt }) => {
            const answer = answerOf(attempt);
            return answer === null ? [] : [{ what, answer }];
          })
          .toSorted((a, b) => a.answer.revision - b.answer.revision);
        const before = { budgetUsd: toUsd(RUNNING.budget), maxHours: RUNNING.maxHours };
        const asked = answered.map(({ what }) => (what === 'DELETE' ? {} : what));
        const now = world.recordOf(ID);
        const { maxHours } = now;
        expect({ budgetUsd: toUsd(now.budget), maxHours }).toEqual(Object.assign(before, ...asked));
        if (answered.some(({ what }) => what === 'DELETE')) expect(now.phase).toMatch(/^delet/);
        // A lower budget waits, as a higher one may be on its way; an end waits for nothing.
        if (isLive(now)) await world.audit();
        expect(world.openBudgets).toEqual(world.budgets);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 250 });
  });

  it('have every budget covered, whoever dies, until the audit counts it as it is', async () => {
    const later = numbered('later request', 5);
    const drawn = troubles([...actors, ...later], ['stalls', 'repeats', 'dies', 'fails']);
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawn,
      fc.tuple(wanted, wanted),
      async (s, drawn, [first, second]) => {
        const world = await aWorld(s, drawn, minutes(90));
        await race(world, requests, first);
        // What died is no longer taken for a request on its way.
        world.race.now = plus(world.race.now, minutes(3));
        await race(world, later, second);
        await world.live(minutes(4));
        await world.audit();
        expect(world.openBudgets).toEqual(world.budgets);
        expect(world.aliveOf(ID)).toHaveLength(isLive(world.recordOf(ID)) ? 2 : 0);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});

const answerOf = <T>({ outcome }: Attempt<T>): T | null =>
  outcome.kind === 'answered' ? outcome.value : null;

/** The id of the cluster that was answered, or the code of the error. */
function told({ outcome }: Attempt<ClusterRecord | { record: ClusterRecord }>): unknown {
  if (outcome.kind === 'answered') {
    return 'record' in outcome.value ? outcome.value.record.id : outcome.value.id;
  }
  return outcome.kind === 'threw' && outcome.error instanceof AppError
    ? outcome.error.code
    : outcome;
}
