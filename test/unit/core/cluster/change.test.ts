import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { microUsd } from '../../../../lib/core/base/money.ts';
import { type EpochMs, epochMs, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { spend } from '../../../../lib/core/billing/bill.ts';
import { billedNodes } from '../../../../lib/core/cluster/bills.ts';
import {
  type Change,
  type Changed,
  changeCluster,
  changeSchema,
  parseChange,
} from '../../../../lib/core/cluster/change.ts';
import type { LiveRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  at,
  created,
  creating,
  eventsOf,
  gone,
  LAUNCH,
  planned,
  price,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const limits = { nodesMax: 100, budgetMax: usd(50) };
/** Half an hour after the launch, in the first hour of both nodes. */
const NOW = plus(LAUNCH, minutes(30));

const faultsOf = (input: unknown): string[] => {
  const parsed = parseChange(input, limits);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
};

const changeAt = (record: Parameters<typeof changeCluster>[0], change: object, now = NOW) =>
  changeCluster(record, change, { now, owner: 'ann' });

function nextOf(changed: Changed): LiveRecord {
  if (changed.kind !== 'changed') throw new Error(`the change is ${changed.kind}`);
  return changed.next;
}

describe('a change in JSON', () => {
  it.each([
    [{ budgetUsd: 2 }, { budget: usd(2) }],
    [{ budgetUsd: 2.5 }, { budget: usd(2.5) }],
    [{ maxHours: 5 }, { maxHours: 5 }],
    [{ maxHours: null }, { maxHours: null }],
    [
      { budgetUsd: 50, maxHours: 87_600 },
      { budget: usd(50), maxHours: 87_600 },
    ],
  ])('%j has only the limits that it names', (input, change) => {
    expect(parseChange(input, limits)).toStrictEqual({ ok: true, change });
  });

  it('is refused with all its faults at once', () => {
    expect(faultsOf({ budgetUsd: 50.000001, maxHours: 0.5, nodes: 3, budgetUSD: 1 })).toEqual([
      'budgetUsd: budgetUsd must be at most $50.00',
      'maxHours: maxHours must be a whole number from 1 to 87600',
      'nodes: "nodes" is no field of a change: leave it out',
      'budgetUSD: "budgetUSD" is no field of a change; did you mean budgetUsd?',
    ]);
  });

  it.each([[null], [[]], [[{ budgetUsd: 2 }]], ['2'], [undefined]])('can not be %j', (input) => {
    expect(faultsOf(input)).toEqual([': a change must be a JSON object']);
  });

  it.each([[{}], [{ budgetUsd: undefined }]])('can not be %j, which changes nothing', (input) => {
    expect(faultsOf(input)).toEqual([': a change must have budgetUsd, maxHours or transferGb']);
  });

  it.each([0, -1, '1e3', null, '', true, 1.0000001])('can not have the budget %j', (budgetUsd) => {
    expect(faultsOf({ budgetUsd })).toEqual([expect.stringMatching(/^budgetUsd: budgetUsd must /)]);
  });
});

it('the schema of a change in JSON describes each field', () => {
  const { properties = {} } = z.toJSONSchema(changeSchema(limits), { io: 'input' });
  expect(Object.keys(properties)).toEqual(['budgetUsd', 'maxHours', 'transferGb']);
  for (const property of Object.values(properties)) {
    expect(JSON.stringify(property)).toMatch(/"description":"\w/);
  }
});

describe('a live cluster', () => {
  it('with a higher budget lasts longer, is due now, and records who raised it', () => {
    const record = aRunning({ budget: usd(0.03), dueAt: plus(NOW, minutes(20)) });
    expect(teardownOf(record, NOW)).toBe(plus(LAUNCH, minutes(117)));
    const next = nextOf(changeAt(record, { budget: usd(0.06) }));
    expect(next).toMatchObject({ budget: usd(0.06), maxHours: null, dueAt: NOW });
    expect(teardownOf(next, NOW)).toBe(plus(LAUNCH, minutes(237)));
    expect(eventsOf(next).at(-1)).toBe(
      'budget raised from $0.03 to $0.06 by ann: lasts until 2026-11-10T18:57:00.000Z',
    );
  });

  it('may get a new maxHours, with or without a new budget', () => {
    const record = aRunning({ budget: usd(1) });
    const three = nextOf(changeAt(record, { maxHours: 3 }));
    expect(teardownOf(three, NOW)).toBe(plus(LAUNCH, minutes(177)));
    expect(eventsOf(three).at(-1)).toBe(
      'maxHours changed from no limit to 3 by ann: lasts until 2026-11-10T17:57:00.000Z',
    );
    const both = nextOf(changeAt(three, { maxHours: null, budget: usd(0.5) }));
    expect(both).toMatchObject({ maxHours: null, budget: usd(0.5) });
    expect(eventsOf(both).at(-1)).toMatch(
      /^budget lowered from \$1\.00 to \$0\.50, maxHours changed from 3 to no limit by ann/,
    );
  });

  it('that has these limits already is the same record', () => {
    const record = aRunning({ budget: usd(1), maxHours: 4 });
    expect(nextOf(changeAt(record, { budget: usd(1) }))).toBe(record);
    expect(nextOf(changeAt(record, { maxHours: 4, budget: usd(1) }))).toBe(record);
  });

  it('may get a budget that pays the started hours, and no smaller one', () => {
    const record = aRunning({ budget: usd(1) });
    const next = nextOf(changeAt(record, { budget: usd(0.015) }));
    expect(teardownOf(next, NOW)).toBe(plus(LAUNCH, minutes(57)));
    expect(changeAt(record, { budget: microUsd(14_999) })).toEqual({
      kind: 'tooLittle',
      smallestBudget: usd(0.015),
      spent: usd(0.015),
      granted: 0,
    });
  });

  it('needs a budget that pays the next hour too, from the safety margin on', () => {
    const record = aRunning({ budget: usd(1) });
    const near = plus(LAUNCH, minutes(57));
    expect(changeAt(record, { budget: usd(0.015) }, plus(near, seconds(-1)))).toMatchObject({
      kind: 'changed',
    });
    expect(changeAt(record, { budget: usd(0.015) }, near)).toEqual({
      kind: 'tooLittle',
      smallestBudget: usd(0.03),
      spent: usd(0.015),
      granted: 0,
    });
  });

  it('may get maxHours for the started hours, and no fewer', () => {
    const record = aRunning({ budget: usd(1) });
    const later = plus(LAUNCH, minutes(130));
    expect(changeAt(record, { maxHours: 3 }, later)).toMatchObject({ kind: 'changed' });
    const refused = { kind: 'tooFewHours', smallestMaxHours: 3 };
    expect(changeAt(record, { maxHours: 2 }, later)).toEqual(refused);
  });

  it('needs maxHours for the next hour too, from the safety margin on', () => {
    const record = aRunning({ budget: usd(1) });
    const near = plus(LAUNCH, minutes(57));
    expect(changeAt(record, { maxHours: 1 }, plus(near, seconds(-1)))).toMatchObject({
      kind: 'changed',
    });
    expect(changeAt(record, { maxHours: 1 }, near)).toEqual({
      kind: 'tooFewHours',
      smallestMaxHours: 2,
    });
  });

  it('has its maxHours counted without nodes that are gone', () => {
    const old = gone(0, { billedFrom: plus(LAUNCH, minutes(-600)) });
    const record = aRunning({ nodes: [old, created(1)], budget: usd(1) });
    expect(changeAt(record, { maxHours: 1 })).toMatchObject({ kind: 'changed' });
  });

  it('needs a budget that pays its planned nodes too', () => {
    const record = aCluster({ nodes: [created(0), planned(1), creating(2)], budget: usd(1) });
    expect(changeAt(record, { budget: usd(0.0224) })).toMatchObject({
      kind: 'tooLittle',
      smallestBudget: usd(0.0225),
    });
    expect(changeAt(record, { budget: usd(0.0225) })).toMatchObject({ kind: 'changed' });
  });

  it('needs a budget that pays an hour across the end of a month twice', () => {
    const launched = at('2026-11-30T23:30:00Z');
    const nodes = [created(0, { billedFrom: launched })];
    const now = plus(launched, minutes(40));
    expect(changeAt(aRunning({ nodes }), { budget: usd(0.0075) }, now)).toMatchObject({
      smallestBudget: usd(0.015),
    });
  });
});

describe('a cluster past its teardown time or its end', () => {
  const due = aRunning({ budget: usd(0.015) });
  it.each([
    ['ended', anEnded(), NOW],
    ['failed', anEnded({ phase: 'failed' }), NOW],
    ['in deletion', aDeleting(), NOW],
    ['due for its teardown', due, teardownOf(due, NOW)],
  ])('can not be changed since it is %s', (_, record, now) => {
    expect(changeAt(record, { budget: usd(9) }, now)).toEqual({ kind: 'begun' });
  });

  it('could be changed until a millisecond before its teardown time', () => {
    const before = epochMs(teardownOf(due, NOW) - 1);
    expect(changeAt(due, { budget: usd(9) }, before)).toMatchObject({ kind: 'changed' });
  });
});

const aNode = (index: number) =>
  fc
    .tuple(fc.constantFrom('created', 'creating', 'planned', 'gone'), fc.nat(72 * 3_600))
    .map(([state, age]) => {
      const since = plus(LAUNCH, seconds(-age));
      if (state === 'planned') return planned(index);
      if (state === 'creating') return creating(index, { sentAt: since });
      return state === 'created'
        ? created(index, { billedFrom: since, backups: age % 2 === 0 })
        : gone(index, { billedFrom: since, billedUntil: LAUNCH });
    });
const aLive = fc
  .tuple(
    fc.tuple(aNode(0), aNode(1), aNode(2)),
    fc.integer({ min: 1, max: 8_000_000 }),
    fc.option(fc.integer({ min: 1, max: 200 })),
    fc.record({ margin: fc.nat(59), cap: fc.option(fc.nat(5)), backupsAssumed: fc.boolean() }),
    fc.boolean(),
  )
  .map(([nodes, budget, maxHours, { margin, cap, backupsAssumed }, isRunning]): LiveRecord => {
    const bought = aBought({ price: price(0.0075, cap), backupsAssumed });
    const limited = {
      ...{ nodes, bought, maxHours },
      ...{ budget: microUsd(budget), marginMs: minutes(margin) },
    };
    return isRunning ? aRunning(limited) : aCluster(limited);
  });
const aChange: fc.Arbitrary<Change> = fc.record(
  {
    budget: fc.integer({ min: 1, max: 8_000_000 }).map(microUsd),
    maxHours: fc.option(fc.integer({ min: 1, max: 200 })),
  },
  { requiredKeys: [] },
);
// An instant up to 100 hours after the launch, or around the end of November.
const anInstant = fc
  .oneof(fc.nat(100 * 3_600), fc.integer({ min: 480 * 3_600, max: 500 * 3_600 }))
  .map((after) => plus(LAUNCH, seconds(after)));

describe('any change at any time', () => {
  const always = (check: (record: LiveRecord, change: Change, now: EpochMs) => void): void =>
    fc.assert(fc.property(aLive, aChange, anInstant, check), { numRuns: 1_000 });

  it('ends the cluster in the future, and within its budget, if it is accepted', () => {
    always((record, change, now) => {
      const changed = changeAt(record, change, now);
      if (changed.kind !== 'changed') return;
      const { next } = changed;
      const teardownAt = teardownOf(next, now);
      expect(teardownAt).toBeGreaterThan(now);
      const unsent = next.nodes.map((node) =>
        node.state === 'planned' ? creating(node.index, { sentAt: now }) : node,
      );
      const billed = billedNodes({ ...next, nodes: unsent });
      expect(spend(billed, plus(teardownAt, next.marginMs))).toBeLessThanOrEqual(next.budget);
    });
  });

  it('to a higher budget never ends the cluster sooner, to a lower never later', () => {
    always((record, change, now) => {
      if (change.budget === undefined) return;
      const changed = changeAt(record, { budget: change.budget }, now);
      if (changed.kind !== 'changed') return;
      const [before, after] = [teardownOf(record, now), teardownOf(changed.next, now)];
      if (change.budget >= record.budget) expect(after).toBeGreaterThanOrEqual(before);
      else expect(after).toBeLessThanOrEqual(before);
    });
  });

  it('that is refused would be accepted with the smallest value in the refusal', () => {
    always((record, change, now) => {
      const refused = changeAt(record, change, now);
      if (refused.kind === 'tooLittle') {
        const enough = { ...change, budget: refused.smallestBudget };
        expect(changeAt(record, enough, now).kind).not.toBe('tooLittle');
        const less = { ...change, budget: microUsd(refused.smallestBudget - 1) };
        expect(changeAt(record, less, now).kind).toBe('tooLittle');
      }
      if (refused.kind === 'tooFewHours') {
        const enough = { ...change, maxHours: refused.smallestMaxHours };
        expect(changeAt(record, enough, now).kind).toBe('changed');
        const fewer = { ...change, maxHours: refused.smallestMaxHours - 1 };
        expect(changeAt(record, fewer, now).kind).toBe('tooFewHours');
      }
    });
  });

  it('to more hours, or to no maxHours, never ends the cluster sooner', () => {
    always((record, { maxHours }, now) => {
      if (maxHours === undefined) return;
      const changed = changeAt(record, { maxHours }, now);
      if (changed.kind !== 'changed') return;
      const [before, after] = [teardownOf(record, now), teardownOf(changed.next, now)];
      const [from, to] = [record.maxHours ?? Infinity, maxHours ?? Infinity];
      if (to >= from) expect(after).toBeGreaterThanOrEqual(before);
      else expect(after).toBeLessThanOrEqual(before);
    });
  });
});
