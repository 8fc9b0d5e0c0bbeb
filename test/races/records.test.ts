import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pauseSchedule } from '../../lib/app/change-schedule.ts';
import { runSchedule } from '../../lib/app/run-schedule.ts';
import { plus, seconds } from '../../lib/core/base/units.ts';
import { aRunning, aSchedule, at, eventsOf, ID, LAUNCH, SCHEDULE_ID } from '../support/builders.ts';
import { drawFaults } from './race.ts';
import { type Deps, fixRandomPauses, World } from './world.ts';

fixRandomPauses();

describe('three writers at once that retry after conflicts', () => {
  const writers = ['writer 1', 'writer 2', 'writer 3'];
  const WRITES = 3;

  const afterRace = (
    write: (deps: Deps, name: string) => Promise<unknown>,
    check: (world: World) => Promise<void>,
  ) =>
    fc.asyncProperty(fc.scheduler(), drawFaults(writers, ['stalls']), async (scheduler, faults) => {
      const world = new World(scheduler, { faults });
      await world.putCluster(aRunning({ history: [] }));
      await world.table.schedules.insert(aSchedule());
      for (const name of writers) {
        world.start(name, async (deps) => {
          for (let written = 0; written < WRITES; ) {
            if ((await write(deps, name)) !== 'conflict') written += 1;
          }
        });
      }
      await world.run();
      expect(world.thrown).toEqual([]);
      await check(world);
    });
  const all = writers.flatMap((name) => Array.from({ length: WRITES }, () => name));

  it("lose no change of a cluster's record", async () => {
    const write = async ({ store, clock }: Deps, event: string) => {
      const record = await store.get(ID);
      if (record === 'notFound') throw new Error('there is no record');
      return store.save({ ...record, history: [...record.history, { at: clock.now(), event }] });
    };
    const check = async (world: World) =>
      expect(eventsOf(world.recordOf(ID)).toSorted()).toEqual(all);
    await fc.assert(afterRace(write, check), { numRuns: 100 });
  });

  it("lose no change of a schedule's record", async () => {
    const write = async ({ schedules }: Deps, name: string) => {
      const record = await schedules.get(SCHEDULE_ID);
      if (record === 'notFound') throw new Error('there is no record');
      return schedules.save({ ...record, name: `${record.name ?? ''}${name},` });
    };
    const check = async (world: World) => {
      const record = await world.table.schedules.get(SCHEDULE_ID);
      const { name } = record === 'notFound' ? { name: null } : record;
      expect((name ?? '').split(',').filter(Boolean).toSorted()).toEqual(all);
    };
    await fc.assert(afterRace(write, check), { numRuns: 100 });
  });

  it('lose no change of the ledger', async () => {
    const write = async ({ ledger }: Deps, name: string) => {
      const before = await ledger.read();
      const months = before.spent.get(`owner:${name}`) ?? {};
      const spent = new Map(before.spent);
      spent.set(`owner:${name}`, { ...months, [`${Object.keys(months).length}`]: 1 } as never);
      return ledger.save({ ...before, spent });
    };
    const check = async (world: World) => {
      const monthsOfWriters = writers.map((n) =>
        Object.keys(world.ledger.spent.get(`owner:${n}`) ?? {}),
      );
      expect(monthsOfWriters.map(({ length }) => length)).toEqual(writers.map(() => WRITES));
    };
    await fc.assert(afterRace(write, check), { numRuns: 100 });
  });
});

describe('passes at once over a schedule that is due', () => {
  const passes = ['run 1', 'run 2', 'run 3'];
  const spec = { ...aSchedule().spec, nodes: 1 };
  const DUE = aSchedule({ spec, nextAt: LAUNCH, dueAt: LAUNCH });

  it('launch and record one cluster, and a pause at the same time is kept', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      drawFaults([...passes, 'PATCH'], ['stalls', 'repeats']),
      fc.boolean(),
      async (scheduler, faults, isPaused) => {
        const world = new World(scheduler, { faults, nudges: false });
        await world.table.schedules.insert(DUE);
        const limits = { by: plus(LAUNCH, seconds(55)), noticesMs: seconds(5) };
        for (const name of passes) {
          world.start(name, (deps) => runSchedule(deps, SCHEDULE_ID, limits));
        }
        if (isPaused) {
          world.start('PATCH', (deps) => pauseSchedule(deps, 'ann', SCHEDULE_ID));
        }
        await world.run();
        expect(world.thrown).toEqual([]);
        const after = await world.table.schedules.get(SCHEDULE_ID);
        if (after === 'notFound') throw new Error('there is no record');
        const launched = world.records.map(({ id }) => ({
          at: LAUNCH,
          result: 'launched',
          clusterId: id,
        }));
        expect(launched.length).toBeLessThanOrEqual(1);
        expect(after.runs).toEqual(launched);
        expect(after.enabled).toBe(!isPaused);
        expect(after.nextAt).toBe(isPaused ? null : at('2026-11-11T02:30:00Z'));
        if (!isPaused) expect(launched).toHaveLength(1);
        expect(world.violations).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });
});
