import { expect, it, vi } from 'vitest';
import { type ClusterId, clusterOfTags } from '../../lib/core/base/names.ts';
import { type EpochMs, hours, minutes, plus, toIso } from '../../lib/core/base/units.ts';
import { type Answer, startApi } from '../support/api-world.ts';
import { aBody, at } from '../support/builders.ts';
import { aContext } from '../support/handler-world.ts';

const STUDENTS = Array.from({ length: 20 }, (_, index) => `student-${index + 1}`);
const EACH = 5;
/** Each has adapters and a keeper of the caps of its own, like an environment of Lambda. */
const PROCESSES = 10;
const TUESDAY = at('2026-03-10T12:00:00Z');
const [MONDAY, NEXT_MONDAY] = [at('2026-03-09T00:00:00Z'), at('2026-03-16T00:00:00Z')];
const WEEK = hours(7 * 24);
/** Micro-dollars for a started hour of a nanode. */
const HOURLY = 7_500;
/** Each wait of a process moves the clock of all, so that a request seems to take hours. */
const PATIENCE = hours(4);

type World = Awaited<ReturnType<typeof startClass>>;
type Launched = Pick<{ readonly id: ClusterId; readonly owner: string }, 'id' | 'owner'>;

/** The functions of a deployment, and a class whose students may spend $2 a week each. */
async function startClass() {
  // Time for the waits of many processes, which one clock adds up.
  const env = { PROVISION_MINUTES: '45' };
  const world = await startApi({ now: toIso(TUESDAY), env });
  const { handler: reap } = await import('../../handlers/reap.ts');
  const { handler: reconcile } = await import('../../handlers/reconcile.ts');
  const processes = [world.callOf(world.handler)];
  while (processes.length < PROCESSES) {
    vi.resetModules();
    processes.push(world.callOf((await import('../../handlers/api.ts')).handler));
  }
  const tokens = new Map<string, string>();
  for (const owner of STUDENTS) {
    const { json } = await world.call('POST', '/owners', { body: { owner, weeklyCapUsd: 2 } });
    tokens.set(owner, json.token);
  }
  let calls = 0;
  /** A call by the student to the next process. */
  const callBy = (owner: string, method: string, target: string, body?: object) => {
    calls += 1;
    const headers = { authorization: `Bearer ${tokens.get(owner)}` };
    const call = processes[calls % PROCESSES] ?? world.call;
    return call(method, target, { body, headers, remainingMs: PATIENCE });
  };

  /** The reaper's tick, then all passes at once, as on Lambda. */
  async function tickAndPassAll(): Promise<void> {
    await reap();
    const ids = new Set(world.nudged.splice(0));
    const passes = [...ids].map((clusterId) =>
      reconcile({ passes: [{ clusterId }] }, aContext(300_000)),
    );
    await Promise.allSettled(passes);
  }

  /** Ticks until so many Linodes exist. */
  async function tickUntil(linodes: number): Promise<void> {
    for (let tick = 0; world.existingLabels().length !== linodes; tick += 1) {
      expect(tick).toBeLessThan(20);
      await tickAndPassAll();
      world.clock.set(plus(world.clock.now(), minutes(1)));
    }
  }

  async function endAll(launched: readonly Launched[]): Promise<void> {
    for (const { id, owner } of launched) await callBy(owner, 'DELETE', `/clusters/${id}`);
    await tickUntil(0);
    for (let tick = 0; tick < 3; tick += 1) await tickAndPassAll();
    for (const owner of STUDENTS) {
      const { json } = await callBy(owner, 'GET', '/budget');
      expect(json.periods).toMatchObject([{ openUsd: 0 }, { openUsd: 0 }, { openUsd: 0 }]);
    }
  }
  return { ...world, callBy, tickUntil, endAll };
}

/** 100 launches at once, five of each student, in a fixed disorder. */
async function race({ callBy }: World, budgetUsd: number) {
  const owners = Array.from({ length: STUDENTS.length * EACH }, (_, index) => {
    return STUDENTS[(index * 7) % STUDENTS.length] ?? '';
  });
  const body = aBody({ nodes: 1, budgetUsd });
  const answers = await Promise.all(
    owners.map((owner) => callBy(owner, 'POST', '/clusters', body)),
  );
  const refused = new Map<string, Answer['json'][]>();
  for (const [index, { status, json }] of answers.entries()) {
    expect([202, 422], JSON.stringify(json)).toContain(status);
    const owner = owners[index] ?? '';
    if (status === 422) refused.set(owner, [...(refused.get(owner) ?? []), json]);
  }
  const launched = answers.flatMap(({ status, json }) =>
    status === 202 ? [json as Launched] : [],
  );
  const ofEach = STUDENTS.map(
    (student) => launched.filter(({ owner }) => owner === student).length,
  );
  return { launched, ofEach, refused };
}

/** What Linode bills each student for a week, by the lives of the Linodes alone. */
function billsOf(world: World, owners: ReadonlyMap<ClusterId, string>, monday: EpochMs) {
  const bills = new Map(STUDENTS.map((student) => [student, 0]));
  for (const { created, deleted, tags } of world.simulator.instances()) {
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
  const world = await startClass();
  expect(TUESDAY).toBeGreaterThan(MONDAY);

  // 1. Two budgets of $1 fit, and no third.
  const first = await race(world, 1);
  expect(first.ofEach).toEqual(STUDENTS.map(() => 2));
  for (const student of STUDENTS) {
    const [refusal, ...others] = first.refused.get(student) ?? [];
    expect(others).toHaveLength(2);
    expect(refusal).toMatchObject({
      ...{ cap: 'ownerWeeklySpend', capUsd: 2, committedUsd: 2, largestBudgetUsd: 0 },
      resetsAt: '2026-03-16T00:00:00.000Z',
    });
    expect(refusal.detail).toContain(
      `The clusters of ${student} may cost, in the week from 2026-03-09 on`,
    );
  }
  await world.tickUntil(40);
  await world.endAll(first.launched);

  // 2. Their bills stay counted: one budget of $1 fits, and no further dollar.
  const second = await race(world, 1);
  expect(second.ofEach).toEqual(STUDENTS.map(() => 1));
  for (const [refusal] of second.refused.values()) {
    expect(refusal).toMatchObject({
      ...{ cap: 'ownerWeeklySpend', resetsAt: '2026-03-16T00:00:00.000Z' },
    });
    expect(refusal.committedUsd).toBeGreaterThan(1);
  }
  expect([...second.refused.values()].flat()).toHaveLength(80);
  await world.tickUntil(20);

  // 3. A minute before Monday nothing has changed; from Monday on only what lives counts.
  world.clock.set(plus(NEXT_MONDAY, minutes(-1)));
  const late = await race(world, 1);
  expect(late.ofEach).toEqual(STUDENTS.map(() => 0));
  world.clock.set(NEXT_MONDAY);
  const third = await race(world, 1);
  expect(third.ofEach).toEqual(STUDENTS.map(() => 1));
  await world.tickUntil(40);
  await world.endAll([...second.launched, ...third.launched]);

  const all = [...first.launched, ...second.launched, ...third.launched];
  const owners = new Map(all.map(({ id, owner }) => [id, owner]));
  for (const monday of [MONDAY, NEXT_MONDAY]) {
    const bills = billsOf(world, owners, monday);
    expect(Math.min(...bills)).toBeGreaterThan(0);
    expect(Math.max(...bills)).toBeLessThanOrEqual(2_000_000);
  }
});
