import { describe, expect, it } from 'vitest';
import type { CatalogueCache } from '../../lib/app/catalogue-cache.ts';
import type { ClusterId, ScheduleId } from '../../lib/core/base/names.ts';
import { hours, minus, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import type { ScheduleRecord } from '../../lib/core/schedule/schedule.ts';
import type { ClusterStore, ScheduleStore } from '../../lib/ports.ts';
import type { FaultRule } from '../../simulators/linode/simulator.ts';
import { aBody, at, EVERY } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const SPEC = aBody({ budgetUsd: 0.05, maxHours: 2 });
/** Every hour, from 13:00 of the day on. */
const HOURLY = { cron: '0 * * * *', spec: SPEC, overlap: 'allow' };
const FIRST = at('2026-03-10T13:00:00Z');

async function current(id: ScheduleId): Promise<ScheduleRecord> {
  const schedule = await world.schedules.get(id);
  if (schedule === 'notFound') throw new Error(`there is no record of ${id}`);
  return schedule;
}

async function clusters() {
  const records = [];
  for (let cursor: string | null = null; ; ) {
    const page = await world.store.list({ ...EVERY, cursor });
    records.push(...page.records);
    if (page.nextCursor === null) return records.reverse();
    cursor = page.nextCursor;
  }
}

const resultsOf = ({ runs }: ScheduleRecord) => runs.map(({ result }) => result).reverse();

/** Has no cluster due, since their lives are not what the test is about. */
const launchingOnly = (real: ClusterStore): Partial<ClusterStore> => ({
  insert: (record) =>
    real.insert({ ...record, dueAt: plus(START, hours(100_000)) } as typeof record),
});

/** A year of price lists would take most of the test's time. */
function askedOnce({ types, regions, images, backups, soldOut }: CatalogueCache): CatalogueCache {
  const once = <Asked extends unknown[], T>(read: (...asked: Asked) => Promise<T>) => {
    let first: Promise<T> | null = null;
    return (...asked: Asked) => {
      first ??= read(...asked);
      return first;
    };
  };
  return {
    types: once(types),
    regions: once(regions),
    images: once(images),
    backups: once(backups),
    // Of the one region that it is about.
    soldOut: once(soldOut),
  };
}

/** Dies instead of its first save, as a pass does that is killed just before. */
function dyingOnce(real: ScheduleStore): Partial<ScheduleStore> {
  let isDead = false;
  return {
    async save(record) {
      if (isDead) return real.save(record);
      isDead = true;
      throw new Error('killed');
    },
  };
}

describe('a nightly schedule at 2:30 in Berlin', () => {
  it('runs 365 times in a year, none doubled and none missed', async () => {
    const options = { around: launchingOnly, aroundCatalogue: askedOnce };
    world = await aWorld({ inMemory: true, ...options });
    const { id } = await world.schedule({
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      spec: { ...SPEC, nodes: 1 },
      overlap: 'allow',
    });
    const end = plus(START, hours(365 * 24));
    for (let { dueAt } = await current(id); dueAt !== null && dueAt < end; ) {
      // The tick before; and one more after, as a tick comes each minute.
      world.clock.set(minus(dueAt, seconds(40)));
      await world.tick();
      expect(world.clock.now()).toBeGreaterThanOrEqual(dueAt);
      world.clock.set(plus(dueAt, seconds(20)));
      await world.tick();
      ({ dueAt } = await current(id));
    }
    const launchedAt = (await clusters()).map(({ createdAt }) => new Date(createdAt));
    // Summer time: 29 March to 25 October 2026.
    const isSummer = (date: string) => date >= '2026-03-29' && date < '2026-10-25';
    const expected = Array.from({ length: 365 }, (_, day) => {
      const date = new Date(at('2026-03-11T00:00:00Z') + hours(24 * day)).toISOString();
      const [night] = date.split('T');
      if (night === '2026-03-29') return '2026-03-29T01:00';
      return `${night}T${isSummer(night ?? '') || night === '2026-10-25' ? '00' : '01'}:30`;
    });
    expect(launchedAt.map((time) => time.toISOString().slice(0, 16))).toEqual(expected);
    expect(world.log.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});

describe('a schedule whose passes die or meet', () => {
  it('finds the cluster again that a pass launched and could not tell of', async () => {
    world = await aWorld({ aroundSchedules: dyingOnce });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    expect(await world.runSchedule(id)).toMatchObject({ message: 'killed' });
    const [launched] = await clusters();
    expect(await current(id)).toMatchObject({ nextAt: FIRST, runs: [] });
    world.clock.set(plus(FIRST, minutes(5)));
    await world.runSchedule(id);
    expect(await clusters()).toHaveLength(1);
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(1)),
      lastClusterId: launched?.id,
      runs: [{ at: FIRST, result: 'launched', clusterId: launched?.id }],
    });
  });

  it('finds it also when nobody came by for hours', async () => {
    world = await aWorld({ aroundSchedules: dyingOnce });
    const { id } = await world.schedule({ ...HOURLY, cron: '0 13 * * *' });
    world.clock.set(FIRST);
    await world.runSchedule(id);
    const [launched] = await clusters();
    world.clock.set(plus(FIRST, hours(3)));
    await world.runSchedule(id);
    expect(await clusters()).toHaveLength(1);
    expect((await current(id)).runs).toEqual([
      { at: FIRST, result: 'launched', clusterId: launched?.id },
    ]);
  });

  it('launches one cluster where ten passes run at once, again and again', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    for (let hour = 0; hour < 3; hour += 1) {
      world.clock.set(plus(FIRST, hours(hour)));
      const passes = Array.from({ length: 10 }, () => world.runSchedule(id));
      expect(await Promise.all(passes)).toEqual(Array(10).fill(undefined));
    }
    expect(await clusters()).toHaveLength(3);
    expect(resultsOf(await current(id))).toEqual(['launched', 'launched', 'launched']);
  });

  it('does not run twice what it ran before the clock was set back', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    await world.runSchedule(id);
    world.clock.set(minus(FIRST, minutes(30)));
    await world.runSchedule(id);
    await world.pause(id);
    expect(await world.resume(id)).toMatchObject({ nextAt: plus(FIRST, hours(1)) });
    world.clock.set(FIRST);
    await world.runSchedule(id);
    expect(await clusters()).toHaveLength(1);
  });

  it('tells of a cluster that was launched just when it was paused', async () => {
    let whileLaunching = async () => {};
    world = await aWorld({
      around: (real) => ({
        async insert(record) {
          const inserted = await real.insert(record);
          await whileLaunching();
          return inserted;
        },
      }),
    });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    whileLaunching = async () => {
      whileLaunching = async () => {};
      await world.pause(id);
    };
    await world.runSchedule(id);
    const [launched] = await clusters();
    expect(await current(id)).toMatchObject({
      enabled: false,
      nextAt: null,
      dueAt: null,
      lastClusterId: launched?.id,
      runs: [{ result: 'launched' }],
    });
  });

  it('is not brought back by a pass when it was deleted meanwhile', async () => {
    let saves = 0;
    world = await aWorld({
      aroundSchedules: (real) => ({
        async save(record) {
          saves += 1;
          await real.delete(record.id);
          return real.save(record);
        },
      }),
    });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    expect(await world.runSchedule(id)).toBeUndefined();
    expect(saves).toBe(1);
    expect(await world.schedules.get(id)).toBe('notFound');
    expect(await clusters()).toHaveLength(1);
    expect(await world.runSchedule(id)).toBeUndefined();
  });
});

describe('an occurrence that is late', () => {
  it('is made up for within an hour, each in its turn', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ ...HOURLY, cron: '*/20 13 * * *' });
    world.clock.set(plus(FIRST, minutes(59)));
    await world.runSchedule(id);
    expect(resultsOf(await current(id))).toEqual(['launched', 'launched', 'launched']);
    expect(await clusters()).toHaveLength(3);
  });

  it('is missed after that, and the record says how many were', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(plus(FIRST, minutes(48 * 60 + 10)));
    await world.runSchedule(id);
    const { runs, nextAt } = await current(id);
    const last = plus(FIRST, hours(47));
    expect(runs).toMatchObject([
      { at: plus(FIRST, hours(48)), result: 'launched' },
      { at: last, result: 'missed', from: FIRST, count: 48 },
    ]);
    expect(nextAt).toBe(plus(FIRST, hours(49)));
    expect(await clusters()).toHaveLength(1);
    expect(world.log).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'schedule ran' }),
    );
    expect(world.emitted).toEqual([{ FailedLaunches: 48 }]);
  });

  it('is missed by the thousand without a pass that has no end', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ ...HOURLY, cron: '* * * * *', overlap: 'skip' });
    world.clock.set(plus(START, hours(48)));
    await world.runSchedule(id);
    const told = world.log.filter(({ message }) => message === 'schedule ran');
    const counts = told.flatMap(({ details }) => details.count ?? []);
    expect(counts).toEqual([1_000, 1_000, 47 * 60 - 1 - 2_000]);
    // The rest came within the hour, or a minute later: one is launched, those after it skipped.
    expect(told.filter(({ details }) => details.result === 'skipped')).toHaveLength(61);
    expect(await clusters()).toHaveLength(1);
  });
});

describe('a schedule while it is paused', () => {
  it('launches nothing, and goes on from when it is resumed', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    expect(await world.pause(id)).toMatchObject({ enabled: false, nextAt: null, dueAt: null });
    world.clock.set(plus(FIRST, hours(5)));
    await world.tick();
    await world.runSchedule(id);
    expect(await clusters()).toEqual([]);
    const resumed = await world.resume(id);
    expect(resumed).toMatchObject({ enabled: true, nextAt: plus(FIRST, hours(6)), runs: [] });
    expect(await world.resume(id)).toEqual(resumed);
    world.clock.set(plus(FIRST, hours(6)));
    await world.tick();
    expect(await clusters()).toHaveLength(1);
  });

  it('launches nothing even where a pass was waiting for its time', async () => {
    let beforeReading = async () => {};
    world = await aWorld({
      aroundSchedules: (real) => ({
        async get(id) {
          await beforeReading();
          return real.get(id);
        },
      }),
    });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(minus(FIRST, seconds(40)));
    beforeReading = async () => {
      if (world.clock.now() < FIRST) return;
      beforeReading = async () => {};
      await world.pause(id);
    };
    expect(await world.runSchedule(id)).toBeUndefined();
    expect(world.clock.now()).toBe(FIRST);
    expect(await clusters()).toEqual([]);
  });
});

describe('an occurrence while the cluster of the one before is live', () => {
  it('is skipped, until that has ended', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ cron: '*/30 * * * *', spec: SPEC });
    world.clock.set(minus(plus(START, minutes(30)), seconds(50)));
    await world.reapUntil(plus(START, hours(4)));
    const { runs } = await current(id);
    const told = runs.map((run) => [new Date(run.at).toISOString().slice(11, 16), run.result]);
    // Two hours from 12:30, less the margin: by 14:30 it has gone.
    expect(told.reverse().slice(0, 6)).toEqual([
      ['12:30', 'launched'],
      ['13:00', 'skipped'],
      ['13:30', 'skipped'],
      ['14:00', 'skipped'],
      ['14:30', 'launched'],
      ['15:00', 'skipped'],
    ]);
    const [first] = await clusters();
    const skipped = runs.find(({ result }) => result === 'skipped');
    expect(first?.phase).toBe('deleted');
    expect(skipped).toMatchObject({ reason: expect.stringMatching(/^cluster c\w+ of the run/) });
  });
});

describe('a launch that can not be made', () => {
  const DOWN: FaultRule[] = [{ kind: 'status500', path: '^/' }];

  it('is tried again each minute while Linode is down, and then made', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    world.linode.setFaults(DOWN);
    expect(await world.runSchedule(id)).toMatchObject({ code: 'linodeUnavailable' });
    const { nextAt, dueAt, runs } = await current(id);
    expect({ nextAt, runs }).toEqual({ nextAt: FIRST, runs: [] });
    expect(dueAt).toBe(plus(world.clock.now(), minutes(1)));
    world.linode.setFaults([]);
    await world.tick();
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(1)),
      dueAt: plus(FIRST, hours(1)),
      runs: [{ at: FIRST, result: 'launched' }],
    });
  });

  it('is missed where Linode stays down', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ ...HOURLY, cron: '0 13 * * *' });
    world.clock.set(FIRST);
    world.linode.setFaults(DOWN);
    while (world.clock.now() < plus(FIRST, minutes(62))) {
      await world.tick();
      world.clock.set(plus(world.clock.now(), minutes(1)));
    }
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(24)),
      runs: [{ at: FIRST, result: 'missed', from: FIRST, count: 1 }],
    });
    expect(await clusters()).toEqual([]);
  });

  it('is tried again, too, where too many others were launched at that time', async () => {
    let isBusy = true;
    world = await aWorld({
      aroundLedger: (ledger) => ({
        save: async (next) => (isBusy ? 'conflict' : ledger.save(next)),
      }),
    });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    expect(await world.runSchedule(id)).toMatchObject({ code: 'conflict' });
    expect(await current(id)).toMatchObject({ nextAt: FIRST, runs: [] });
    isBusy = false;
    await world.tick();
    expect((await current(id)).runs).toMatchObject([{ at: FIRST, result: 'launched' }]);
  });

  it('is refused where the same occurrence had launched something else', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    const schedule = await current(id);
    world.clock.set(FIRST);
    await world.runSchedule(id);
    // As of a schedule that was deleted and made anew with the same Idempotency-Key.
    const { revision } = await current(id);
    await world.schedules.save({ ...schedule, revision, spec: { ...SPEC, nodes: 1 } });
    expect(await world.runSchedule(id)).toBeUndefined();
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(1)),
      runs: [{ at: FIRST, result: 'refused', reason: expect.stringContaining('another body') }],
    });
  });

  it('is refused with its reason, and the next is tried', async () => {
    world = await aWorld();
    // Enough on an ordinary day, and too little where an hour runs into the next month.
    const spec = { ...SPEC, budgetUsd: 0.015 };
    const { id } = await world.schedule({ cron: '30 23 30,31 3 *', spec, overlap: 'allow' });
    world.clock.set(at('2026-03-30T23:30:00Z'));
    await world.runSchedule(id);
    world.clock.set(at('2026-03-31T23:30:00Z'));
    expect(await world.runSchedule(id)).toBeUndefined();
    const { runs, nextAt } = await current(id);
    expect(runs).toMatchObject([
      { result: 'refused', reason: expect.stringContaining('smallest budget that would do') },
      { result: 'launched' },
    ]);
    expect(nextAt).toBe(at('2027-03-30T23:30:00Z'));
    expect(world.emitted).toEqual([{ FailedLaunches: 1 }]);
  });

  it('is refused with the faults that the spec has come to have', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    const schedule = await current(id);
    await world.schedules.save({ ...schedule, spec: { ...SPEC, region: 'mars-east', nodes: 0 } });
    world.clock.set(FIRST);
    await world.runSchedule(id);
    const [run] = (await current(id)).runs;
    expect(run).toMatchObject({ result: 'refused', reason: expect.stringContaining('nodes must') });
    expect(run).toMatchObject({ reason: expect.stringContaining('mars-east') });
  });
});

describe('a pass', () => {
  it('waits for an occurrence that comes before the next tick, and for no later one', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(minus(FIRST, minutes(2)));
    await world.runSchedule(id);
    expect(world.clock.now()).toBe(minus(FIRST, minutes(2)));
    world.clock.set(minus(FIRST, seconds(59)));
    await world.runSchedule(id);
    const [launched] = await clusters();
    expect(launched?.createdAt).toBe(FIRST);
  });

  it('over a schedule that is not there does nothing', async () => {
    world = await aWorld();
    expect(await world.runSchedule('saaaaaaaaaa')).toBeUndefined();
    expect(world.log).toEqual([]);
  });

  it('asks for a pass over what it launched', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    await world.runSchedule(id);
    const [launched] = await clusters();
    expect([...world.nudged]).toEqual<ClusterId[]>([launched?.id ?? 'c']);
    expect(launched).toMatchObject({ owner: 'ann', phase: 'provisioning', budget: 50_000 });
  });
});
