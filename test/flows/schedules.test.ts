import { describe, expect, it } from 'vitest';
import type { CatalogueCache } from '../../lib/app/catalogue-cache.ts';
import type { ClusterId, ScheduleId } from '../../lib/core/base/names.ts';
import { hours, minus, minutes, plus, seconds } from '../../lib/core/base/units.ts';
import type { ScheduleRecord } from '../../lib/core/schedule/schedule.ts';
import type { ClusterStore, ScheduleStore } from '../../lib/ports.ts';
import type { FaultRule } from '../../simulators/linode/simulator.ts';
import { ALL_CLUSTERS, aBody, at } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

let world: World;

const SPEC = aBody({ budgetUsd: 0.05, maxHours: 2 });
/** Comes every full hour; FIRST is the first occurrence after START. */
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
    const page = await world.store.list({ ...ALL_CLUSTERS, cursor });
    records.push(...page.records);
    if (page.nextCursor === null) return records.reverse();
    cursor = page.nextCursor;
  }
}

const resultsOf = ({ runs }: ScheduleRecord) => runs.map(({ result }) => result).reverse();

/** Makes no cluster due in the time of the test, so that the test runs no passes over clusters. */
const withoutDueClusters = (real: ClusterStore): Partial<ClusterStore> => ({
  insert: (record) =>
    real.insert({ ...record, dueAt: plus(START, hours(100_000)) } as typeof record),
});

/**
 * Runs the first occurrence of a new schedule, while somebody makes a change, just after the record
 * of the cluster was written. Returns the id of the schedule.
 */
async function runWhile(change: (id: ScheduleId) => Promise<unknown>): Promise<ScheduleId> {
  let whileLaunching: () => Promise<unknown> = async () => {};
  world = await aWorld({
    replaceStore: (real) => ({
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
    await change(id);
  };
  await world.runSchedule(id);
  return id;
}

/** Reads each list once: a year of price lists would take most of the test's time. */
function readOnce(catalogue: CatalogueCache): CatalogueCache {
  const { types, regions, images, recoveryImages } = catalogue;
  const { backups, account, defaultFirewall, soldOut, vlans, transferPrices } = catalogue;
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
    recoveryImages: once(recoveryImages),
    backups: once(backups),
    account: once(account),
    defaultFirewall: once(defaultFirewall),
    // The test asks about one region only.
    soldOut: once(soldOut),
    vlans: once(vlans),
    transferPrices: once(transferPrices),
  };
}

/** Throws at the first save, as if the pass were killed just before the save. */
function dyingAtFirstSave(real: ScheduleStore): Partial<ScheduleStore> {
  let hasDied = false;
  return {
    async save(record) {
      if (hasDied) return real.save(record);
      hasDied = true;
      throw new Error('killed');
    },
  };
}

describe('a nightly schedule at 2:30 in Berlin', () => {
  it('runs 365 times in a year, no occurrence twice and none missed', async () => {
    const options = { replaceStore: withoutDueClusters, replaceCatalogue: readOnce };
    world = await aWorld({ inMemory: true, ...options });
    const { id } = await world.schedule({
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      spec: { ...SPEC, nodes: 1 },
      overlap: 'allow',
    });
    const end = plus(START, hours(365 * 24));
    for (let { nextAt } = await current(id); nextAt !== null && nextAt < end; ) {
      // A tick comes each minute: 40 s before the occurrence, and 20 s after it.
      world.clock.set(minus(nextAt, seconds(40)));
      await world.reaperTick();
      expect(world.clock.now()).toBeGreaterThanOrEqual(nextAt);
      world.clock.set(plus(nextAt, seconds(20)));
      await world.reaperTick();
      ({ nextAt } = await current(id));
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
  it('records the cluster that an earlier pass launched and could not record', async () => {
    world = await aWorld({ replaceSchedules: dyingAtFirstSave });
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

  it('records that cluster also when the next pass comes after hours', async () => {
    world = await aWorld({ replaceSchedules: dyingAtFirstSave });
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

  it('launches one cluster an occurrence where ten passes run at once', async () => {
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

  it('does not repeat an occurrence that it ran before the clock was set back', async () => {
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

  it('records a cluster that was launched just while somebody paused the schedule', async () => {
    const id = await runWhile((id) => world.pause(id));
    const [launched] = await clusters();
    expect(await current(id)).toMatchObject({
      enabled: false,
      nextAt: null,
      // A last look at the cluster.
      dueAt: plus(FIRST, minutes(2)),
      lastClusterId: launched?.id,
      runs: [{ result: 'launched' }],
    });
  });

  it('keeps an expression that somebody changed while the cluster was launched', async () => {
    const change = { cron: '45 * * * *', spec: { ...SPEC, nodes: 1 } };
    const id = await runWhile((id) => world.changeSchedule(id, change));
    const next = plus(FIRST, minutes(45));
    expect(await current(id)).toMatchObject({
      nextAt: next,
      runs: [{ at: FIRST, result: 'launched' }],
    });
    expect(await clusters()).toHaveLength(1);
  });

  it('records the cluster of a pass that died, though somebody changed the spec', async () => {
    world = await aWorld({ replaceSchedules: dyingAtFirstSave });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    expect(await world.runSchedule(id)).toMatchObject({ message: 'killed' });
    await world.changeSchedule(id, { spec: { ...SPEC, nodes: 1 } });
    world.clock.set(plus(FIRST, minutes(5)));
    await world.runSchedule(id);
    const [launched] = await clusters();
    expect(await clusters()).toHaveLength(1);
    expect((await current(id)).runs).toEqual([
      { at: FIRST, result: 'launched', clusterId: launched?.id },
    ]);
  });

  it('stays deleted when somebody deletes the schedule during a pass', async () => {
    let saves = 0;
    world = await aWorld({
      replaceSchedules: (real) => ({
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
  it('is made up for within an hour, and so are several, in order', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ ...HOURLY, cron: '*/20 13 * * *' });
    world.clock.set(plus(FIRST, minutes(59)));
    await world.runSchedule(id);
    expect(resultsOf(await current(id))).toEqual(['launched', 'launched', 'launched']);
    expect(await clusters()).toHaveLength(3);
  });

  it('is missed after an hour, and the record says how many were missed', async () => {
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

  it('is missed in blocks of a thousand, so that no pass takes too long', async () => {
    world = await aWorld();
    const { id } = await world.schedule({
      ...{ ...HOURLY, cron: '* * * * *', overlap: 'skip', monthlyCapUsd: 100 },
    });
    world.clock.set(plus(START, hours(48)));
    await world.runSchedule(id);
    const runs = world.log.filter(({ message }) => message === 'schedule ran');
    const counts = runs.flatMap(({ details }) => details.count ?? []);
    expect(counts).toEqual([1_000, 1_000, 47 * 60 - 1 - 2_000]);
    // The other occurrences are at most an hour late: one is launched, and the later ones skipped.
    expect(runs.filter(({ details }) => details.result === 'skipped')).toHaveLength(61);
    expect(await clusters()).toHaveLength(1);
  });
});

describe('a paused schedule', () => {
  it('launches nothing, and continues with the next occurrence after it is resumed', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    expect(await world.pause(id)).toMatchObject({ enabled: false, nextAt: null, dueAt: null });
    world.clock.set(plus(FIRST, hours(5)));
    await world.reaperTick();
    await world.runSchedule(id);
    expect(await clusters()).toEqual([]);
    const resumed = await world.resume(id);
    expect(resumed).toMatchObject({ enabled: true, nextAt: plus(FIRST, hours(6)), runs: [] });
    expect(await world.resume(id)).toEqual(resumed);
    world.clock.set(plus(FIRST, hours(6)));
    await world.reaperTick();
    expect(await clusters()).toHaveLength(1);
  });

  it('launches nothing even where a pass was waiting for the occurrence by then', async () => {
    let beforeReading = async () => {};
    world = await aWorld({
      replaceSchedules: (real) => ({
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

describe('an occurrence', () => {
  it('is skipped while the cluster of an earlier occurrence is live', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ cron: '*/30 * * * *', spec: SPEC });
    world.clock.set(minus(plus(START, minutes(30)), seconds(50)));
    await world.reapUntil(plus(START, hours(4)));
    const { runs } = await current(id);
    const results = runs.map((run) => [new Date(run.at).toISOString().slice(11, 16), run.result]);
    // The cluster of 12:30 lives two hours less the safety margin: it has ended by 14:30.
    expect(results.reverse().slice(0, 6)).toEqual([
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

describe('an occurrence whose launch fails', () => {
  const DOWN: FaultRule[] = [{ kind: 'status500', path: '^/' }];

  it('is tried again each minute while Linode is down, and then launched', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    world.linode.setFaults(DOWN);
    expect(await world.runSchedule(id)).toMatchObject({ code: 'linodeUnavailable' });
    const { nextAt, dueAt, runs } = await current(id);
    expect({ nextAt, runs }).toEqual({ nextAt: FIRST, runs: [] });
    expect(dueAt).toBe(plus(world.clock.now(), minutes(1)));
    world.linode.setFaults([]);
    await world.reaperTick();
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(1)),
      runs: [{ at: FIRST, result: 'launched' }],
    });
  });

  it('is missed where Linode is down for over an hour', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ ...HOURLY, cron: '0 13 * * *' });
    world.clock.set(FIRST);
    world.linode.setFaults(DOWN);
    while (world.clock.now() < plus(FIRST, minutes(62))) {
      await world.reaperTick();
      world.clock.set(plus(world.clock.now(), minutes(1)));
    }
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(24)),
      runs: [{ at: FIRST, result: 'missed', from: FIRST, count: 1 }],
    });
    expect(await clusters()).toEqual([]);
  });

  it('is tried again where other launches keep writing the ledger', async () => {
    let isBusy = true;
    world = await aWorld({
      replaceLedger: (ledger) => ({
        save: async (next) => (isBusy ? 'conflict' : ledger.save(next)),
      }),
    });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    expect(await world.runSchedule(id)).toMatchObject({ code: 'conflict' });
    expect(await current(id)).toMatchObject({ nextAt: FIRST, runs: [] });
    isBusy = false;
    await world.reaperTick();
    expect((await current(id)).runs).toMatchObject([{ at: FIRST, result: 'launched' }]);
  });

  it('has the cluster that it has already launched, though of another spec', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    const schedule = await current(id);
    world.clock.set(FIRST);
    await world.runSchedule(id);
    const [launched] = await clusters();
    // This happens to a schedule that was deleted and created anew with the same Idempotency-Key.
    const { revision } = await current(id);
    await world.schedules.save({ ...schedule, revision, spec: { ...SPEC, nodes: 1 } });
    expect(await world.runSchedule(id)).toBeUndefined();
    expect(await current(id)).toMatchObject({
      nextAt: plus(FIRST, hours(1)),
      runs: [{ at: FIRST, result: 'launched', clusterId: launched?.id }],
    });
    expect(await clusters()).toHaveLength(1);
  });

  it('is recorded as refused with the reason, and the next occurrence is launched', async () => {
    world = await aWorld();
    // The budget pays one hour. The first hour of 31 March 23:30 runs into April and counts twice.
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

  it('is refused with the faults of its spec where the spec has become invalid', async () => {
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

describe('the owner of a schedule has a notice', () => {
  const kinds = () => world.runNotices.map(({ kind }) => kind);

  it('of a run that was refused, once, with the reason and the next run', async () => {
    world = await aWorld();
    const { id } = await world.schedule({ ...HOURLY, name: 'tests' });
    const schedule = await current(id);
    await world.schedules.save({ ...schedule, spec: { ...SPEC, region: 'mars-east' } });
    world.clock.set(FIRST);
    await Promise.all([world.runSchedule(id), world.runSchedule(id)]);
    expect(world.runNotices).toEqual([
      {
        ...{ kind: 'runRefused', scheduleId: id, owner: 'ann', stage: 'test', name: 'tests' },
        ...{ at: world.clock.now(), occurrence: FIRST, from: FIRST, count: 1, tries: 1 },
        ...{ clusterId: null, reason: expect.stringContaining('mars-east') },
        nextAt: plus(FIRST, hours(1)),
      },
    ]);
  });

  it('of runs that were missed', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(plus(FIRST, minutes(48 * 60 + 10)));
    await world.runSchedule(id);
    const last = plus(FIRST, hours(47));
    expect(world.runNotices).toMatchObject([
      { kind: 'runMissed', occurrence: last, from: FIRST, count: 48, reason: null },
    ]);
  });

  it('of a run whose cluster failed, once, and the run says so', async () => {
    world = await aWorld({ linode: { accountLimit: 1 } });
    const { id } = await world.schedule({ ...HOURLY, cron: '0 13 * * *' });
    world.clock.set(minus(FIRST, minutes(1)));
    await world.reapUntil(plus(FIRST, minutes(30)));
    const [launched] = await clusters();
    expect(launched?.phase).toBe('failed');
    const reason = expect.stringContaining('reached a limit');
    expect((await current(id)).runs).toEqual([
      { at: FIRST, result: 'failed', clusterId: launched?.id, reason },
    ]);
    expect(world.runNotices).toMatchObject([
      { kind: 'runFailed', occurrence: FIRST, clusterId: launched?.id, reason, tries: 1 },
    ]);
    expect(await current(id)).toMatchObject({ pending: null, dueAt: plus(FIRST, hours(24)) });
    // The pass that ended the cluster has counted the failed launch.
    expect(world.emitted.filter((values) => 'FailedLaunches' in values)).toHaveLength(1);
  });

  it('of a run whose cluster fails after the next run, too', async () => {
    world = await aWorld({ linode: { accountLimit: 1 } });
    const { id } = await world.schedule({ ...HOURLY, cron: '*/2 13 * * *' });
    world.clock.set(minus(FIRST, minutes(1)));
    await world.reapUntil(plus(FIRST, minutes(5)));
    const [first] = world.runNotices;
    expect(first).toMatchObject({ kind: 'runFailed', occurrence: FIRST });
    expect((await current(id)).runs.at(-1)).toMatchObject({ at: FIRST, result: 'failed' });
  });

  it('of no run that launches a cluster which comes up, or is skipped', async () => {
    world = await aWorld();
    await world.schedule({ cron: '*/30 * * * *', spec: SPEC });
    world.clock.set(plus(START, minutes(29)));
    await world.reapUntil(plus(START, hours(2)));
    expect(kinds()).toEqual([]);
  });

  it('that cannot be sent changes nothing but the log', async () => {
    world = await aWorld({
      notifier: {
        send: async () => {
          throw new Error('the topic is gone');
        },
      },
    });
    const { id } = await world.schedule(HOURLY);
    world.clock.set(plus(FIRST, hours(3)));
    expect(await world.runSchedule(id)).toBeUndefined();
    expect(world.logDetails('notice not sent')).toEqual([
      { scheduleId: id, kind: 'runMissed', reason: 'the topic is gone' },
    ]);
  });
});

describe('a run that failed for capacity', () => {
  const retry = { forMinutes: 60, everyMinutes: 10 };
  const NIGHTLY = { ...HOURLY, cron: '0 13 * * *', retry };
  const CREATES = { method: 'POST', path: '^/linode/instances$' };
  const begin = async (input: Readonly<Record<string, unknown>> = NIGHTLY) => {
    world = await aWorld();
    const { id } = await world.schedule(input);
    world.clock.set(minus(FIRST, minutes(1)));
    return id;
  };
  const phases = async () => (await clusters()).map(({ phase }) => phase);

  it('is tried again until Linode has capacity, and then launched', async () => {
    const id = await begin();
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    await world.reapUntil(plus(FIRST, minutes(9)));
    expect(await current(id)).toMatchObject({
      runs: [{ at: FIRST, result: 'failed' }],
      pending: { at: FIRST, clusterId: null, tries: 1 },
    });
    const [tryAt = FIRST] = [(await current(id)).dueAt ?? FIRST];
    expect(tryAt - FIRST).toBeGreaterThan(minutes(10));
    expect(tryAt - FIRST).toBeLessThan(minutes(15));
    await world.reapUntil(plus(tryAt, minutes(2)));
    world.linode.setFaults([]);
    await world.reapUntil(plus(FIRST, minutes(55)));
    expect(await phases()).toEqual(['failed', 'failed', 'running']);
    const [, , last] = await clusters();
    expect(await current(id)).toMatchObject({
      runs: [{ at: FIRST, result: 'launched', clusterId: last?.id, tries: 3 }],
      ...{ lastClusterId: last?.id, pending: null, nextAt: plus(FIRST, hours(24)) },
    });
    expect(world.runNotices).toEqual([]);
    expect(last).toMatchObject({ scheduleId: id, budget: 50_000 });
  });

  it('is given up at the end of its window, with one notice', async () => {
    const id = await begin({ ...NIGHTLY, retry: { forMinutes: 30, everyMinutes: 10 } });
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    await world.reapUntil(plus(FIRST, hours(2)));
    const tried = await clusters();
    expect(tried.length).toBeGreaterThanOrEqual(2);
    expect(tried.length).toBeLessThanOrEqual(3);
    for (const { createdAt } of tried) expect(createdAt).toBeLessThan(plus(FIRST, minutes(30)));
    const tries = tried.length;
    expect((await current(id)).runs).toMatchObject([{ at: FIRST, result: 'failed', tries }]);
    expect(world.runNotices).toMatchObject([{ kind: 'runFailed', occurrence: FIRST, tries }]);
    expect(world.existingLinodes()).toEqual([]);
  });

  it('is not tried again once the next occurrence is due', async () => {
    const id = await begin({ ...NIGHTLY, cron: '0,15 13 * * *' });
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    const second = plus(FIRST, minutes(15));
    await world.reapUntil(minus(second, minutes(1)));
    world.linode.setFaults([]);
    await world.reapUntil(plus(second, minutes(5)));
    const { runs } = await current(id);
    expect(runs).toMatchObject([
      { at: second, result: 'launched' },
      { at: FIRST, result: 'failed' },
    ]);
    expect(world.runNotices).toMatchObject([{ kind: 'runFailed', occurrence: FIRST }]);
  });

  it('is not tried again where the schedule was paused, and its owner has a notice', async () => {
    const id = await begin();
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    await world.reapUntil(plus(FIRST, minutes(9)));
    expect(world.runNotices).toEqual([]);
    await world.pause(id);
    world.linode.setFaults([]);
    await world.reapUntil(plus(FIRST, hours(2)));
    expect(await phases()).toEqual(['failed']);
    expect(world.runNotices).toMatchObject([{ kind: 'runFailed', nextAt: null }]);
    expect(await current(id)).toMatchObject({ dueAt: null, pending: null });
  });

  it('is tried again where its type was sold out before the launch', async () => {
    let soldOut = false;
    world = await aWorld({
      replaceCatalogue: (real) => ({
        soldOut: async (region, by) =>
          soldOut ? new Set(['g6-nanode-1']) : real.soldOut(region, by),
      }),
    });
    const { id } = await world.schedule(NIGHTLY);
    world.clock.set(FIRST);
    soldOut = true;
    await world.runSchedule(id);
    expect(await current(id)).toMatchObject({
      runs: [{ result: 'refused', reason: expect.stringContaining('sold out') }],
      pending: { clusterId: null, tries: 1, lookAt: plus(FIRST, minutes(10)) },
    });
    expect(world.runNotices).toEqual([]);
    soldOut = false;
    await world.reapUntil(plus(FIRST, minutes(20)));
    expect((await current(id)).runs).toMatchObject([{ result: 'launched', tries: 2 }]);
    expect(world.runNotices).toEqual([]);
  });

  it('keeps no function waiting for a look at its cluster', async () => {
    const id = await begin();
    world.clock.set(FIRST);
    await world.runSchedule(id);
    world.clock.set(plus(FIRST, minutes(1)));
    await world.runSchedule(id);
    expect(world.clock.now()).toBe(plus(FIRST, minutes(1)));
  });

  it('is not tried again without retry, or for another reason', async () => {
    await begin({ ...NIGHTLY, retry: null });
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    await world.reapUntil(plus(FIRST, hours(1)));
    expect(await phases()).toEqual(['failed']);
    await begin();
    world.linode.setFaults([{ ...CREATES, kind: 'missingScope' }]);
    await world.reapUntil(plus(FIRST, hours(1)));
    expect(await phases()).toEqual(['failed']);
  });

  it('is launched once where a pass dies before it records the try', async () => {
    let dies = false;
    world = await aWorld({
      replaceSchedules: (real) => ({
        async save(record) {
          if (dies) throw new Error('killed');
          return real.save(record);
        },
      }),
    });
    const { id } = await world.schedule(NIGHTLY);
    world.clock.set(minus(FIRST, minutes(1)));
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    await world.reapUntil(plus(FIRST, minutes(9)));
    world.linode.setFaults([]);
    world.clock.set((await current(id)).dueAt ?? FIRST);
    dies = true;
    expect(await world.runSchedule(id)).toMatchObject({ message: 'killed' });
    dies = false;
    await world.changeSchedule(id, { spec: { ...SPEC, nodes: 1 } });
    await world.runSchedule(id);
    const [, second] = await clusters();
    expect(await phases()).toEqual(['failed', 'provisioning']);
    expect((await current(id)).runs).toMatchObject([
      { at: FIRST, result: 'launched', clusterId: second?.id, tries: 2 },
    ]);
  });

  it('is launched once where ten passes try at once', async () => {
    const id = await begin();
    world.linode.setFaults([{ ...CREATES, kind: 'capacity' }]);
    await world.reapUntil(plus(FIRST, minutes(9)));
    world.linode.setFaults([]);
    world.clock.set((await current(id)).dueAt ?? FIRST);
    await Promise.all(Array.from({ length: 10 }, () => world.runSchedule(id)));
    expect(await phases()).toEqual(['failed', 'provisioning']);
    expect((await current(id)).runs).toMatchObject([{ at: FIRST, result: 'launched', tries: 2 }]);
  });
});

describe('a pass over a schedule', () => {
  it('waits for an occurrence that comes before the next tick, and for no later', async () => {
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

  it('that does not exist does nothing', async () => {
    world = await aWorld();
    expect(await world.runSchedule('saaaaaaaaaa')).toBeUndefined();
    expect(world.log).toEqual([]);
  });

  it('asks for a pass over the cluster that it launched', async () => {
    world = await aWorld();
    const { id } = await world.schedule(HOURLY);
    world.clock.set(FIRST);
    await world.runSchedule(id);
    const [launched] = await clusters();
    expect([...world.nudged]).toEqual<ClusterId[]>([launched?.id ?? 'c']);
    expect(launched).toMatchObject({ owner: 'ann', phase: 'provisioning', budget: 50_000 });
  });
});
