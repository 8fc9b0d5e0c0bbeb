import { beforeEach, describe, expect, it } from 'vitest';
import { changeSchedule, deleteSchedule } from '../../lib/app/change-schedule.ts';
import { getSchedule, listSchedules } from '../../lib/app/read-schedules.ts';
import { hours, minutes, plus } from '../../lib/core/base/units.ts';
import { nextRuns } from '../../lib/core/schedule/cron.ts';
import { aBody, aSchedule, at } from '../support/builders.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';
import { id } from '../support/schedule-store-contract.ts';

let world: World;
beforeEach(async () => {
  world = await aWorld();
});

const SPEC = aBody({ budgetUsd: 0.05 });
const NIGHTLY = { cron: '30 2 * * *', timezone: 'Europe/Berlin', spec: SPEC };

const request = (input: unknown, overrides: { owner?: string; key?: string } = {}) => {
  const { owner = 'ann', key = null } = overrides;
  return world.requestSchedule({ owner, input, idempotencyKey: key });
};
const faultsOf = async (input: unknown) => {
  const error = await request(input).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'invalid' });
  return (error as { details: { faults: unknown[] } }).details.faults;
};

describe('a request for a schedule', () => {
  it('stores the schedule, due at its first occurrence, and creates no Linode', async () => {
    const { schedule, isNew } = await request({ ...NIGHTLY, name: 'tests', monthlyCapUsd: 3 });
    const nextAt = at('2026-03-11T01:30:00Z');
    expect(isNew).toBe(true);
    expect(schedule).toMatchObject({
      owner: 'ann',
      name: 'tests',
      spec: SPEC,
      monthlyCap: 3_000_000,
      createdAt: START,
      enabled: true,
      nextAt,
      dueAt: nextAt,
      runs: [],
    });
    expect(await world.schedules.get(schedule.id)).toEqual(schedule);
    expect(world.linode.instances()).toEqual([]);
  });

  it('stores a paused schedule without a next time', async () => {
    const { schedule } = await request({ ...NIGHTLY, enabled: false });
    expect(schedule).toMatchObject({ enabled: false, nextAt: null, dueAt: null });
  });

  it('is refused with all its faults at once, those of its spec too', async () => {
    const spec = { ...SPEC, nodes: 0, region: 'mars-east' };
    const input = { cron: '30 25 * * *', timezone: 'Mars/Base', spec, overlap: 'queue' };
    expect(await faultsOf(input)).toEqual([
      { path: 'overlap', message: 'overlap must be "skip" or "allow"' },
      { path: 'cron', message: 'cron must be a cron expression: Invalid value for hour' },
      {
        path: 'timezone',
        message: 'timezone must be the name of an IANA time zone such as Europe/Berlin or UTC',
      },
      { path: 'spec.nodes', message: 'nodes must be a whole number from 1 to 100' },
      { path: 'spec.region', message: expect.stringContaining('mars-east') },
    ]);
  });

  it.each([
    ['30 2 * * * *', 'five fields'],
    ['@reboot', 'five fields'],
    ['0 0 30 2 *', 'a day that exists'],
  ])('is refused with the expression %s', async (cron, reason) => {
    const fault = { path: 'cron', message: expect.stringContaining(reason) };
    expect(await faultsOf({ ...NIGHTLY, cron })).toEqual([fault]);
  });

  it('is refused, as a launch is, where the budget does not pay the first hour', async () => {
    const input = { ...NIGHTLY, spec: { ...SPEC, budgetUsd: 0.01 } };
    await expect(request(input)).rejects.toMatchObject({
      code: 'refused',
      details: { members: { smallestBudgetUsd: 0.015 } },
    });
    expect(await listSchedules(world, 'admin')).toEqual([]);
  });

  it('needs a budget that pays the first hour of the first run, not of today', async () => {
    const tight = { ...SPEC, budgetUsd: 0.015 };
    world.clock.set(at('2026-03-31T23:30:00Z'));
    await expect(request({ ...NIGHTLY, spec: tight })).resolves.toMatchObject({ isNew: true });
    world.clock.set(at('2026-04-10T12:00:00Z'));
    await expect(request({ cron: '30 23 30 4 *', spec: tight })).rejects.toMatchObject({
      code: 'refused',
    });
  });

  it('is refused where the owner has 50 schedules', async () => {
    for (let index = 0; index < 50; index += 1) {
      await world.schedules.insert(aSchedule({ id: id(index), owner: 'ann' }));
    }
    await expect(request(NIGHTLY)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('50 schedules'),
    });
    await expect(request(NIGHTLY, { owner: 'bob' })).resolves.toMatchObject({ isNew: true });
  });

  it('fails where Linode does not answer', async () => {
    world.linode.setFaults([{ kind: 'status500', path: '^/' }]);
    await expect(request(NIGHTLY)).rejects.toMatchObject({ code: 'linodeUnavailable' });
  });
});

describe('a repeated idempotency key', () => {
  it('returns the same schedule for the same body, whatever the order of its fields', async () => {
    const first = await request(NIGHTLY, { key: 'k' });
    world.clock.set(plus(START, hours(30)));
    const { spec, ...rest } = NIGHTLY;
    const again = await request({ spec, ...rest }, { key: 'k' });
    expect(again).toEqual({ schedule: first.schedule, isNew: false });
  });

  it('is a conflict with another body', async () => {
    await request(NIGHTLY, { key: 'k' });
    await expect(request({ ...NIGHTLY, cron: '0 3 * * *' }, { key: 'k' })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('of another owner creates another schedule, and so does a request without key', async () => {
    const requests = [{ key: 'k' }, { key: 'k', owner: 'bob' }, {}, {}];
    const created = await Promise.all(requests.map((options) => request(NIGHTLY, options)));
    expect(new Set(created.map(({ schedule }) => schedule.id)).size).toBe(4);
  });

  it('in ten requests at once creates one schedule', async () => {
    const created = await Promise.all(
      Array.from({ length: 10 }, () => request(NIGHTLY, { key: 'k' })),
    );
    expect(new Set(created.map(({ schedule }) => schedule.id)).size).toBe(1);
    expect(created.filter(({ isNew }) => isNew)).toHaveLength(1);
  });
});

describe('a request for one schedule', () => {
  it("of another owner's answers notFound, but to the admin", async () => {
    const { schedule } = await request(NIGHTLY);
    const { id } = schedule;
    const notFound = { code: 'notFound', message: expect.stringContaining(id) };
    await expect(getSchedule(world, 'bob', id)).rejects.toMatchObject(notFound);
    const change = changeSchedule(world, 'bob', id, { enabled: false });
    await expect(change).rejects.toMatchObject(notFound);
    await expect(deleteSchedule(world, 'bob', id)).rejects.toMatchObject(notFound);
    expect(await listSchedules(world, 'bob')).toEqual([]);
    for (const owner of ['ann', 'admin']) {
      expect(await getSchedule(world, owner, id)).toEqual(schedule);
      expect(await listSchedules(world, owner)).toEqual([schedule]);
    }
  });

  it.each(['saaaaaaaaaa', 'caaaaaaaaaa', 'nonsense', ''])(
    'of the id "%s" answers notFound',
    async (id) => {
      await expect(getSchedule(world, 'admin', id)).rejects.toMatchObject({ code: 'notFound' });
    },
  );
});

describe('a change of a schedule', () => {
  it('to the state that it already has changes nothing', async () => {
    const { schedule } = await request(NIGHTLY);
    const { id } = schedule;
    expect(await changeSchedule(world, 'ann', id, { enabled: true })).toEqual(schedule);
    const paused = await changeSchedule(world, 'ann', id, { enabled: false });
    expect(await changeSchedule(world, 'ann', id, { enabled: false })).toEqual(paused);
  });

  it('succeeds while a pass writes the record too', async () => {
    const { schedule } = await request({ ...NIGHTLY, cron: '* * * * *', overlap: 'allow' });
    world.clock.set(plus(START, minutes(5)));
    const passing = world.runSchedule(schedule.id);
    const paused = await changeSchedule(world, 'ann', schedule.id, { enabled: false });
    await passing;
    expect(paused.enabled).toBe(false);
    expect(await getSchedule(world, 'ann', schedule.id)).toMatchObject({
      enabled: false,
      dueAt: null,
    });
  });
});

describe('the deletion of a schedule', () => {
  it('removes the schedule for good, and the cluster that it launched lives on', async () => {
    const { schedule } = await request(NIGHTLY);
    world.clock.set(schedule.nextAt ?? START);
    await world.runSchedule(schedule.id);
    await deleteSchedule(world, 'ann', schedule.id);
    expect(await listSchedules(world, 'ann')).toEqual([]);
    const again = deleteSchedule(world, 'ann', schedule.id);
    await expect(again).rejects.toMatchObject({ code: 'notFound' });
    const [launched = 'c'] = [...world.nudged];
    expect(await world.record(launched)).toMatchObject({ phase: 'provisioning' });
  });
});

describe('the next runs', () => {
  it("are computed by the clock of the schedule's time zone, the soonest first", () => {
    const schedule = { ...NIGHTLY, nextAt: at('2026-03-28T01:30:00Z') };
    expect(nextRuns(schedule, 3).map((run) => new Date(run).toISOString())).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('are none while the schedule is paused', () => {
    expect(nextRuns({ ...NIGHTLY, nextAt: null }, 5)).toEqual([]);
  });
});
