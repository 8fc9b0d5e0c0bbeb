import { describe, expect, it } from 'vitest';
import { createTransport } from '../../../lib/adapters/linode/axios-transport.ts';
import { createLinodeApi } from '../../../lib/adapters/linode/client.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import {
  between,
  type DurationMs,
  minutes,
  plus,
  seconds,
  toIso,
} from '../../../lib/core/base/units.ts';
import { isLive } from '../../../lib/core/cluster/record.ts';
import type { ClusterStore, Nudge } from '../../../lib/ports.ts';
import { drain, parseDrain, undoDrain } from '../../../ops/drain-command.ts';
import { aBody, OUR_TAG, usd } from '../../support/builders.ts';
import { aCapsKeeper } from '../../support/deps.ts';
import { LINODE_TOKEN, silentLog } from '../../support/doubles.ts';
import { aWorld, createStranger, START, type World } from '../../support/flow-world.ts';

let world: World;

const HOURLY = { cron: '0 * * * *', spec: aBody() };

/** Runs the drain; each of its sleeps runs `meanwhile` and the passes that were nudged. */
async function runDrain({
  nudge = world.nudge,
  meanwhile,
  waitMax = minutes(15),
  undoes = false,
}: {
  nudge?: Nudge;
  meanwhile?: () => unknown;
  waitMax?: DurationMs;
  undoes?: boolean;
} = {}) {
  const printed: string[] = [];
  const clock = {
    now: () => world.clock.now(),
    async sleep(until: Parameters<World['clock']['sleep']>[0]) {
      await meanwhile?.();
      for (const id of world.nudged) await world.reconcile(id);
      await world.clock.sleep(until);
    },
  };
  const linode = createLinodeApi({
    transport: createTransport(world.linode.url),
    clock,
    token: async () => LINODE_TOKEN,
    log: silentLog,
  });
  const print = (line: string) => void printed.push(line);
  const caps = aCapsKeeper({ ...world, clock });
  const deps = { ...world, caps, clock, linode, log: silentLog, print, nudge };
  const error = await (undoes ? undoDrain(deps) : drain(deps, waitMax)).then(
    () => null,
    (thrown: Error) => thrown.message,
  );
  return { printed, error };
}

const bringUp = async (...ids: ClusterId[]) => {
  for (const id of ids) await world.reconcile(id);
  world.clock.set(plus(world.clock.now(), seconds(60)));
  for (const id of ids) await world.reconcile(id);
};

function aGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** A store that lacks the record of the cluster that `lostId` returns. */
const storeWithout = (lostId: () => ClusterId | null) => ({
  replaceStore: (store: ClusterStore): Partial<ClusterStore> => ({
    async *due(until) {
      for await (const due of store.due(until)) if (due.id !== lostId()) yield due;
    },
    getMany: async (ids) => store.getMany(ids.filter((id) => id !== lostId())),
  }),
});

describe('a drain', () => {
  it("pauses all schedules and ends all clusters, but touches no stranger's Linode", async () => {
    world = await aWorld();
    const ann = await world.launch();
    const bob = await world.launch({ nodes: 2 }, null, { owner: 'bob' });
    const schedule = await world.schedule(HOURLY);
    const stranger = await createStranger(world, 'web-1', ['onebuck-other']);
    await bringUp(ann.id, bob.id);

    const { printed, error } = await runDrain();
    expect(error).toBeNull();
    expect([world.linodeCount(ann.id), world.linodeCount(bob.id)]).toEqual([0, 0]);
    for (const { id } of [ann, bob]) {
      expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'requested' });
    }
    expect(await world.schedules.get(schedule.id)).toMatchObject({ enabled: false });
    expect(world.existingLinodes().map(({ id }) => id)).toEqual([stranger]);

    expect(printed.slice(0, 2)).toEqual([
      'Nothing can be launched in test from now on. To undo that: ' +
        'npm run drain -- --stage test --undo',
      '1 schedule paused.',
    ]);
    expect(printed).toContain(`${bob.id} is running with 2 nodes. Requesting its deletion.`);
    expect(printed).toContain(`Linodes with the tag ${OUR_TAG}: 12`);
    expect(printed).toContain(`${bob.id} has ended.`);
    expect(printed.at(-1)).toBe(
      `test is empty: 2 clusters ended, 1 schedule paused, and Linode lists no Linode with the tag ${OUR_TAG}. ` +
        'To launch there again: npm run drain -- --stage test --undo',
    );
  });

  it('changes nothing in an empty stage', async () => {
    world = await aWorld();
    const { printed, error } = await runDrain();
    expect(error).toBeNull();
    expect(printed).toEqual([
      expect.stringMatching(/^Nothing can be launched/),
      'No schedule was enabled.',
      `Linodes with the tag ${OUR_TAG}: 0`,
      expect.stringMatching(/^test is empty: 0 clusters ended, 0 schedules paused/),
    ]);
  });

  it('continues an earlier drain', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await bringUp(id);
    await world.destroy(id);
    world.nudged.clear();
    const { printed, error } = await runDrain();
    expect(error).toBeNull();
    expect(printed).toContain(`${id} is being deleted already.`);
    expect(world.linodeCount(id)).toBe(0);
  });

  it('keeps out launches and higher budgets, and says who may lift that', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 1 });
    await bringUp(id);
    const refusal = {
      code: 'refused',
      message:
        `The operator has drained test since ${toIso(world.clock.now())}: nothing can be launched, ` +
        'no budget raised, and no schedule created or resumed. Only the operator can lift that, by ' +
        'npm run drain -- --stage test --undo.',
    };
    const nudge = { reconcile: async () => {}, runSchedule: async () => {} };
    await runDrain({
      nudge,
      waitMax: seconds(5),
      async meanwhile() {
        await expect(world.launch()).rejects.toMatchObject(refusal);
      },
    }).then(({ error }) => expect(error).toContain('is not empty'));
    await expect(world.launch()).rejects.toMatchObject(refusal);
    await expect(
      aCapsKeeper(world).raise({ id, owner: 'ann', budget: usd(9) }, world.clock.now()),
    ).rejects.toMatchObject(refusal);
    expect((await world.ledger.read()).open.size).toBe(1);
  });

  it('refuses the runs of schedules, whose owners get a notice', async () => {
    world = await aWorld();
    const schedule = await world.schedule(HOURLY);
    await aCapsKeeper(world).beginDrain(world.clock.now());
    world.clock.set(plus(world.clock.now(), minutes(61)));
    await world.runSchedule(schedule.id);
    expect(world.runNotices).toMatchObject([
      {
        kind: 'runRefused',
        reason: expect.stringContaining('npm run drain -- --stage test --undo'),
      },
    ]);
  });

  it('keeps out new schedules and resumed ones, until it is undone; not paused ones', async () => {
    world = await aWorld();
    const paused = await world.schedule(HOURLY);
    await runDrain();
    const refusal = {
      code: 'refused',
      message: expect.stringContaining('The operator has drained'),
    };
    const resume = () => world.changeSchedule(paused.id, { enabled: true });
    await expect(world.schedule(HOURLY)).rejects.toMatchObject(refusal);
    await expect(resume()).rejects.toMatchObject(refusal);
    await expect(world.schedule({ ...HOURLY, enabled: false })).resolves.toBeDefined();
    await expect(world.changeSchedule(paused.id, { name: 'x' })).resolves.toBeDefined();
    await runDrain({ undoes: true });
    await expect(world.schedule(HOURLY)).resolves.toBeDefined();
    await expect(resume()).resolves.toMatchObject({ enabled: true });
  });

  it('is undone by --undo, which resumes no schedule', async () => {
    world = await aWorld();
    const schedule = await world.schedule(HOURLY);
    await runDrain();
    expect((await runDrain({ undoes: true })).printed).toEqual([
      expect.stringMatching(/^test lets launches in again, which the drain kept out since 2026-/),
    ]);
    expect((await runDrain({ undoes: true })).printed).toEqual([
      'test was not drained: launches are let in.',
    ]);
    await expect(world.launch()).resolves.toBeDefined();
    expect(await world.schedules.get(schedule.id)).toMatchObject({ enabled: false });
  });

  it('waits for a launch that was let in before, and ends its cluster', async () => {
    const gate = aGate();
    const reached = aGate();
    world = await aWorld({
      replaceStore: (store) => ({
        async insert(record) {
          reached.open();
          await gate.opened;
          return store.insert(record);
        },
      }),
    });
    const launching = world.launch({ nodes: 1 });
    await reached.opened;
    let looks = 0;
    const { error, printed } = await runDrain({
      async meanwhile() {
        looks += 1;
        if (looks < 5) return;
        gate.open();
        const { id } = await launching;
        if (looks === 5) await bringUp(id);
      },
    });
    expect(looks).toBeGreaterThan(5);
    expect(error).toBeNull();
    const { id } = await launching;
    expect(await world.record(id)).toMatchObject({ phase: 'deleted', endReason: 'requested' });
    expect(world.linodeCount(id)).toBe(0);
    expect(printed.at(-1)).toMatch(/^test is empty: 1 cluster ended/);
  });

  it('takes a launch for dead that has no record after 2 minutes', async () => {
    world = await aWorld();
    const claim = { owner: 'ann', scheduleId: null, budget: usd(1), nodes: 1 };
    const others = { subnetBits: null, scheduleCaps: null };
    await aCapsKeeper(world).reserve({ ...claim, ...others, id: 'c0123456789' }, START);
    const early = await runDrain({ waitMax: minutes(1) });
    expect(early.error).toContain('perhaps cluster c0123456789, whose launch may be under way');
    const { error } = await runDrain();
    expect(error).toBeNull();
    expect(between(START, world.clock.now())).toBeGreaterThan(minutes(2));
    expect(between(START, world.clock.now())).toBeLessThan(minutes(3));
  });

  it('keeps launches out again if functions of an earlier version let them in', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 1 });
    await bringUp(id);
    const { error } = await runDrain({
      async meanwhile() {
        const ledger = await world.ledger.read();
        await world.ledger.save({ ...ledger, drainedSince: null });
      },
    });
    expect(error).toBeNull();
    expect((await world.ledger.read()).drainedSince).not.toBeNull();
  });

  it('pauses a schedule whose creation was let in before, and which appears later', async () => {
    world = await aWorld();
    const { id, nextAt } = await world.schedule(HOURLY);
    let looks = 0;
    const { printed } = await runDrain({
      async meanwhile() {
        looks += 1;
        const schedule = await world.schedules.get(id);
        if (looks > 1 || schedule === 'notFound') return;
        await world.schedules.save({ ...schedule, enabled: true, nextAt, dueAt: nextAt });
      },
    });
    expect(printed.at(-1)).toMatch(/0 clusters ended, 2 schedules paused/);
    expect(await world.schedules.get(id)).toMatchObject({ enabled: false });
  });

  it('nudges each cluster again every minute, as the reaper may be dead', async () => {
    world = await aWorld();
    const { id } = await world.launch();
    await bringUp(id);
    const nudgedMs: number[] = [];
    const { error } = await runDrain({
      nudge: {
        async reconcile(batch) {
          nudgedMs.push(between(START, world.clock.now()));
          if (nudgedMs.length === 1) throw new Error('throttled');
          for (const { clusterId } of batch) world.nudged.add(clusterId);
        },
        runSchedule: async () => {},
      },
    });
    expect(error).toBeNull();
    const [first = 0, second = 0] = nudgedMs;
    expect(second - first).toBeGreaterThanOrEqual(60_000);
    expect(second - first).toBeLessThan(70_000);
    expect(world.linodeCount(id)).toBe(0);
  });

  it('throws after its time limit, and names what is left', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 1 });
    await bringUp(id);
    const began = world.clock.now();
    const nudge = { reconcile: async () => {}, runSchedule: async () => {} };
    const { error } = await runDrain({ nudge, waitMax: minutes(2) });
    expect(error).toContain('test is not empty after 2 minutes');
    expect(error).toContain(`cluster ${id} (deleting)`);
    expect(error).toMatch(new RegExp(`Linode \\d+ \\(onebuck-${id}-0\\)`));
    expect(between(began, world.clock.now())).toBe(minutes(2));
    expect(world.linodeCount(id)).toBe(1);
  });

  it('is never done while a record can not be read, and names the cluster', async () => {
    let damagedId: ClusterId | null = null;
    world = await aWorld({
      replaceStore: (store) => ({
        async getMany(ids) {
          const { records, unreadable } = await store.getMany(ids.filter((id) => id !== damagedId));
          const damaged =
            damagedId === null ? [] : [{ id: damagedId, owner: null, unreadable: 'x' }];
          return { records, unreadable: [...unreadable, ...damaged] };
        },
      }),
    });
    const { id } = await world.launch({ nodes: 1 });
    damagedId = id;
    const { error } = await runDrain({ waitMax: minutes(1) });
    expect(error).toContain(`cluster ${id}  its record is unreadable: x (see UnreadableRecords`);
  });

  it('waits for the sweeper to destroy Linodes without a record, and says so', async () => {
    let lostId: ClusterId | null = null;
    world = await aWorld(storeWithout(() => lostId));
    const { id } = await world.launch({ nodes: 1, maxHours: 1 });
    await bringUp(id);
    lostId = id;
    world.clock.set(plus(START, minutes(50)));
    const { printed, error } = await runDrain({ meanwhile: () => world.sweep() });
    expect(error).toBeNull();
    expect(printed.join('\n')).toMatch(
      new RegExp(`\\(onebuck-${id}-0\\) has no live cluster: the sweeper .*2026-03-10T12:5`),
    );
    expect(world.linodeCount(id)).toBe(0);
  });

  it('begins deletions while Linode does not answer, and waits for its list', async () => {
    world = await aWorld();
    const { id } = await world.launch({ nodes: 1 });
    await bringUp(id);
    world.linode.setFaults([{ kind: 'maintenance503' }]);
    let looks = 0;
    const { printed, error } = await runDrain({
      async meanwhile() {
        looks += 1;
        if (looks === 1) expect(await world.record(id)).toMatchObject({ phase: 'deleting' });
        if (looks === 3) world.linode.setFaults([]);
      },
    });
    expect(error).toBeNull();
    expect(printed.filter((line) => line.includes("can't be read")).length).toBeGreaterThan(0);
    expect(isLive(await world.record(id))).toBe(false);
    expect(world.linodeCount(id)).toBe(0);
  });

  it('ends at once where Linode refuses the token', async () => {
    world = await aWorld();
    world.linode.setFaults([{ kind: 'invalidToken' }]);
    const { error } = await runDrain();
    expect(error).toMatch(/token/i);
    expect(world.clock.now()).toBe(START);
  });
});

describe('the command line of drain', () => {
  it('must name the stage', async () => {
    expect(parseDrain(['--stage', 'prod'])).toEqual({
      stage: 'prod',
      region: null,
      waitMax: minutes(15),
      undoes: false,
    });
    const given = parseDrain(['--stage', 'prod', '--region', 'eu-west-1', '--minutes', '2']);
    expect(given).toMatchObject({ region: 'eu-west-1', waitMax: minutes(2) });
    expect(parseDrain(['--stage', 'prod', '--undo']).undoes).toBe(true);
    for (const [args, fault] of [
      [[], "'--stage <stage>' not specified"],
      [['--stage', 'Prod_1'], "'Prod_1' is invalid. Use up to 20 of a-z"],
      [['--stage', 'local'], 'npm start'],
      [['--stage', 'prod', '--minutes', '0'], "'0' is invalid. Use a whole number"],
      [['--stage', 'prod', '--force'], '--force'],
      [['--stage', 'prod', 'prod'], 'too many arguments'],
    ] as const) {
      expect(() => parseDrain(args)).toThrow(fault);
      expect(() => parseDrain(args)).toThrow('Usage:');
    }
  });
});
