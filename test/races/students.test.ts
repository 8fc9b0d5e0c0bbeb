import { expect, it } from 'vitest';
import { destroyCluster } from '../../lib/app/destroy-cluster.ts';
import { launch } from '../../lib/app/launch.ts';
import { addOwner } from '../../lib/app/manage-owners.ts';
import { type ClusterId, clusterOfTags } from '../../lib/core/base/names.ts';
import { type EpochMs, hours, minutes, plus } from '../../lib/core/base/units.ts';
import type { ClusterRecord } from '../../lib/core/cluster/record.ts';
import { AppError } from '../../lib/errors.ts';
import { aBody, at } from '../support/builders.ts';
import { aCapsKeeper } from '../support/deps.ts';
import { silentLog } from '../support/doubles.ts';
import { aWorld, START, type World } from '../support/flow-world.ts';

const STUDENTS = Array.from({ length: 20 }, (_, index) => `student-${index + 1}`);
const EACH = 5;
const [MONDAY, NEXT_MONDAY] = [at('2026-03-09T00:00:00Z'), at('2026-03-16T00:00:00Z')];
const WEEK = hours(7 * 24);
/** Micro-dollars for a started hour of a nanode. */
const HOURLY = 7_500;

/** 100 launches at once, five of each student, in 25 processes; in a fixed disorder. */
async function race(world: World, budgetUsd: number) {
  // Each wait of a process moves the clock of all.
  const by = plus(world.clock.now(), hours(4));
  const owners = Array.from({ length: STUDENTS.length * EACH }, (_, index) => {
    const student = STUDENTS[(index * 7) % STUDENTS.length];
    return student ?? '';
  });
  const processes = Array.from({ length: 25 }, () => aCapsKeeper(world));
  const outcomes = await Promise.allSettled(
    owners.map((owner, index) =>
      launch(
        { ...world, log: silentLog, caps: processes[index % 25] ?? world.caps },
        {
          ...{ owner, input: aBody({ nodes: 1, budgetUsd }), idempotencyKey: null },
          ...{ schedule: null, by },
        },
      ),
    ),
  );
  const records: ClusterRecord[] = [];
  const refused = new Map<string, AppError[]>();
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') records.push(outcome.value.record);
    else {
      const owner = owners[index] ?? '';
      expect(outcome.reason).toBeInstanceOf(AppError);
      refused.set(owner, [...(refused.get(owner) ?? []), outcome.reason]);
    }
  }
  const ofEach = STUDENTS.map((student) => records.filter(({ owner }) => owner === student).length);
  return { records, ofEach, refused };
}

/** The reaper's tick, then all passes at once, as on Lambda. */
async function tickAndPassAll(world: World): Promise<void> {
  await world.reaperTick();
  await Promise.all([...world.nudged].map(world.reconcile));
}

/** Ticks until so many Linodes exist. */
async function tickUntil(world: World, linodes: number): Promise<void> {
  for (let tick = 0; world.existingLinodes().length !== linodes; tick += 1) {
    expect(tick).toBeLessThan(20);
    await tickAndPassAll(world);
    world.clock.set(plus(world.clock.now(), minutes(1)));
  }
}

async function endAll(world: World, records: readonly ClusterRecord[]): Promise<void> {
  const deps = { ...world, log: silentLog };
  for (const { id, owner } of records) await destroyCluster(deps, owner, id);
  await tickUntil(world, 0);
  for (let tick = 0; tick < 3; tick += 1) await tickAndPassAll(world);
  expect((await world.ledger.read()).open.size).toBe(0);
}

/** What Linode bills each student for a week, by the lives of the Linodes alone. */
function billsOf(world: World, owners: ReadonlyMap<ClusterId, string>, monday: EpochMs) {
  const bills = new Map(STUDENTS.map((student) => [student, 0]));
  for (const { created, deleted, tags } of world.linode.instances()) {
    const end = deleted ?? world.clock.now();
    const owner = owners.get(clusterOfTags(tags) ?? 'c') ?? '';
    for (let hour: number = created; hour < end; hour += hours(1)) {
      const touches = hour < monday + WEEK && Math.min(hour + hours(1), end) > monday;
      if (touches) bills.set(owner, (bills.get(owner) ?? 0) + HOURLY);
    }
  }
  return [...bills.values()];
}

it('20 students with $2 a week pass it in no race of 100 launches, and go on after Monday', async () => {
  // Time for the waits of many processes, which one clock adds up.
  const world = await aWorld({ settings: { provisionMs: hours(12) } });
  expect(START).toBeGreaterThan(MONDAY);
  const managing = { ...world, log: silentLog };
  for (const owner of STUDENTS) await addOwner(managing, { owner, weeklyCapUsd: 2 });

  // 1. Two budgets of $1 fit, and no third.
  const first = await race(world, 1);
  expect(first.ofEach).toEqual(STUDENTS.map(() => 2));
  for (const student of STUDENTS) {
    const [refusal, ...others] = first.refused.get(student) ?? [];
    expect(others).toHaveLength(2);
    expect(refusal?.details.members).toEqual({
      ...{ cap: 'ownerWeeklySpend', capUsd: 2, committedUsd: 2, largestBudgetUsd: 0 },
      resetsAt: '2026-03-16T00:00:00.000Z',
    });
    expect(refusal?.message).toContain(
      `The clusters of ${student} may cost, in the week from 2026-03-09 on`,
    );
  }
  await tickUntil(world, 40);
  await endAll(world, first.records);

  // 2. Their bills stay counted: one budget of $1 fits, and no further dollar.
  const second = await race(world, 1);
  expect(second.ofEach).toEqual(STUDENTS.map(() => 1));
  for (const [refusal] of second.refused.values()) {
    const members = { cap: 'ownerWeeklySpend', resetsAt: '2026-03-16T00:00:00.000Z' };
    expect(refusal?.details.members).toMatchObject(members);
    expect(refusal?.details.members?.committedUsd).toBeGreaterThan(1);
  }
  expect([...second.refused.values()].flat()).toHaveLength(80);
  await tickUntil(world, 20);

  // 3. A minute before Monday nothing has changed; from Monday on only what lives counts.
  world.clock.set(plus(NEXT_MONDAY, minutes(-1)));
  const late = await race(world, 1);
  expect(late.ofEach).toEqual(STUDENTS.map(() => 0));
  world.clock.set(NEXT_MONDAY);
  const third = await race(world, 1);
  expect(third.ofEach).toEqual(STUDENTS.map(() => 1));
  await tickUntil(world, 40);
  await endAll(world, [...second.records, ...third.records]);

  const all = [...first.records, ...second.records, ...third.records];
  const owners = new Map(all.map(({ id, owner }) => [id, owner]));
  for (const monday of [MONDAY, NEXT_MONDAY]) {
    const bills = billsOf(world, owners, monday);
    expect(Math.min(...bills)).toBeGreaterThan(0);
    expect(Math.max(...bills)).toBeLessThanOrEqual(2_000_000);
  }
});
