import { beforeEach, describe, expect, it } from 'vitest';
import { deleteSchedule } from '../../lib/app/change-schedule.ts';
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

/** Wrong in five fields, for a new schedule and for a change. */
const WRONG = {
  cron: '30 25 * * *',
  timezone: 'Mars/Base',
  spec: { ...SPEC, nodes: 0, region: 'mars-east' },
  overlap: 'queue',
};
const FAULTS_OF_WRONG = [
  { path: 'overlap', message: 'overlap must be "skip" or "allow"' },
  { path: 'cron', message: 'cron must be a cron expression: Invalid value for hour' },
  {
    path: 'timezone',
    message: 'timezone must be the name of an IANA time zone such as Europe/Berlin or UTC',
  },
  { path: 'spec.nodes', message: 'nodes must be a whole number from 1 to 100' },
  { path: 'spec.region', message: expect.stringContaining('mars-east') },
];

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
    expect(await faultsOf(WRONG)).toEqual(FAULTS_OF_WRONG);
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

  it('is refused where a month may cost more than $1,000, unless it has a monthly cap', async () => {
    const often = { ...NIGHTLY, cron: '* * * * *' };
    await expect(request(often)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^44640 runs a month .+ must have a monthly cap/),
    });
    const { schedule } = await request({ ...often, monthlyCapUsd: 20 });
    // Nor can the cap be taken away, or an uncapped schedule be made to run as often.
    await expect(world.changeSchedule(schedule.id, { monthlyCapUsd: null })).rejects.toMatchObject({
      code: 'refused',
    });
    const { schedule: nightly } = await request(NIGHTLY);
    await expect(world.changeSchedule(nightly.id, { cron: '* * * * *' })).rejects.toMatchObject({
      code: 'refused',
    });
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
    const change = world.changeSchedule(id, { enabled: false }, 'bob');
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
  const changeOf = async (input: unknown, body: Readonly<Record<string, unknown>> = NIGHTLY) => {
    const { schedule } = await request(body);
    const changed = await world.changeSchedule(schedule.id, input);
    expect(await getSchedule(world, 'ann', schedule.id)).toEqual(changed);
    return { before: schedule, changed };
  };
  const faultsOfChange = async (input: unknown) => {
    const { schedule } = await request(NIGHTLY);
    const error = await world.changeSchedule(schedule.id, input).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid' });
    expect(await getSchedule(world, 'ann', schedule.id)).toEqual(schedule);
    return (error as { details: { faults: unknown[] } }).details.faults;
  };

  it('replaces spec, cron, time zone, overlap and cap, and moves the next occurrence', async () => {
    const spec = { ...SPEC, nodes: 1 };
    const input = { spec, cron: '0 4 * * *', timezone: 'UTC', overlap: 'allow', monthlyCapUsd: 9 };
    const { before, changed } = await changeOf(input);
    const nextAt = at('2026-03-11T04:00:00Z');
    const { monthlyCapUsd: _, ...fields } = input;
    const { revision } = before;
    expect(changed).toEqual({
      ...{ ...before, ...fields, monthlyCap: 9_000_000, nextAt, dueAt: nextAt },
      revision: revision + 1,
    });
  });

  it.each([
    ['cap', { monthlyCapUsd: 9 }, { monthlyCap: 9_000_000 }],
    ['no cap', { monthlyCapUsd: null }, { monthlyCap: null }],
    ['overlap', { overlap: 'allow' }, { overlap: 'allow' }],
    ['name', { name: 'tests' }, { name: 'tests' }],
    ['spec', { spec: { ...SPEC, nodes: 1 } }, { spec: { ...SPEC, nodes: 1 } }],
  ])('replaces only the %s where it has nothing else', async (_, input, fields) => {
    const { before, changed } = await changeOf(input, { ...NIGHTLY, monthlyCapUsd: 3 });
    expect(changed).toEqual({ ...before, ...fields, revision: before.revision + 1 });
  });

  it('changes nothing the second time', async () => {
    const spec = { ...SPEC, nodes: 1 };
    const { changed } = await changeOf({ spec, cron: '0 4 * * *' });
    const again = { cron: '0 4 * * *', spec: Object.fromEntries(Object.entries(spec).reverse()) };
    world.linode.setFaults([{ kind: 'status500', path: '^/' }]);
    expect(await world.changeSchedule(changed.id, again)).toEqual(changed);
  });

  it('is refused with all its faults at once, those of its spec too', async () => {
    expect(await faultsOfChange(WRONG)).toEqual(FAULTS_OF_WRONG);
    expect(await faultsOfChange({ cron: '0 0 30 2 *' })).toMatchObject([{ path: 'cron' }]);
    expect(await faultsOfChange({ timezone: 'Mars/Base' })).toMatchObject([{ path: 'timezone' }]);
    expect(await faultsOfChange({})).toMatchObject([{ path: '' }]);
  });

  it('is refused where the budget does not pay the first hour', async () => {
    await expect(changeOf({ spec: { ...SPEC, budgetUsd: 0.01 } })).rejects.toMatchObject({
      code: 'refused',
      details: { members: { smallestBudgetUsd: 0.015 } },
    });
    // At the end of a month, the first hour may be billed twice.
    const tight = { ...NIGHTLY, spec: { ...SPEC, budgetUsd: 0.015 } };
    await expect(changeOf({ cron: '30 23 31 3 *', timezone: 'UTC' }, tight)).rejects.toMatchObject({
      code: 'refused',
    });
  });

  it('of cap, overlap or name needs no answer from Linode', async () => {
    const { schedule } = await request(NIGHTLY);
    world.clock.set(plus(START, hours(2)));
    world.linode.setFaults([{ kind: 'status500', path: '^/' }]);
    const input = { overlap: 'allow', monthlyCapUsd: 9, name: 'tests' };
    expect(await world.changeSchedule(schedule.id, input)).toMatchObject({ name: 'tests' });
    await expect(world.changeSchedule(schedule.id, { cron: '0 4 * * *' })).rejects.toMatchObject({
      code: 'linodeUnavailable',
    });
  });

  it('launches the new spec at the new occurrence, and nothing at the old one', async () => {
    const { schedule } = await request(NIGHTLY);
    const spec = { ...SPEC, nodes: 1 };
    await world.changeSchedule(schedule.id, { spec, cron: '0 4 * * *', timezone: 'UTC' });
    world.clock.set(at('2026-03-11T01:30:00Z'));
    await world.runSchedule(schedule.id);
    expect(world.nudged.size).toBe(0);
    world.clock.set(at('2026-03-11T04:00:00Z'));
    await world.runSchedule(schedule.id);
    const [launched = 'c'] = [...world.nudged];
    expect((await world.record(launched)).nodes).toHaveLength(1);
  });

  it('to the state that it already has changes nothing', async () => {
    const { schedule } = await request(NIGHTLY);
    const { id } = schedule;
    expect(await world.changeSchedule(id, { enabled: true })).toEqual(schedule);
    const paused = await world.changeSchedule(id, { enabled: false });
    expect(await world.changeSchedule(id, { enabled: false })).toEqual(paused);
  });

  it('succeeds while a pass writes the record too', async () => {
    const { schedule } = await request({
      ...{ ...NIGHTLY, cron: '* * * * *', overlap: 'allow', monthlyCapUsd: 20 },
    });
    world.clock.set(plus(START, minutes(5)));
    const passing = world.runSchedule(schedule.id);
    const paused = await world.changeSchedule(schedule.id, { enabled: false });
    await passing;
    expect(paused.enabled).toBe(false);
    expect(await getSchedule(world, 'ann', schedule.id)).toMatchObject({
      enabled: false,
      nextAt: null,
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
