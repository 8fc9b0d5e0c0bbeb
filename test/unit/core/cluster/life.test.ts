import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import { spentAt } from '../../../../lib/core/cluster/bills.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import type { NodeRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aCluster,
  aRunning,
  at,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
  teardownOf,
  usd,
} from '../../../support/builders.ts';

const HALF_PAST = plus(LAUNCH, minutes(30));

describe('the teardown time', () => {
  it('is the safety margin before the last hour mark that the budget affords', () => {
    const record = aRunning({ budget: usd(0.05) });
    expect(lifeOf(record, HALF_PAST).lastAffordable).toBe(at('2026-11-10T18:00:00Z'));
    expect(teardownOf(record, HALF_PAST)).toBe(at('2026-11-10T17:57:00Z'));
  });

  it('counts the planned nodes too', () => {
    const record = aCluster({ nodes: [created(0), planned(1)], budget: usd(0.03) });
    // Two hours of the first node, and an hour and a half of the second, billed as two hours.
    expect(lifeOf(record, HALF_PAST).lastAffordable).toBe(at('2026-11-10T17:00:00Z'));
    const oneNode = aCluster({ nodes: [created(0), neverCreated(1)], budget: usd(0.03) });
    expect(lifeOf(oneNode, HALF_PAST).lastAffordable).toBe(at('2026-11-10T19:00:00Z'));
  });

  it('is earlier where a node has backups', () => {
    const record = aRunning({ budget: usd(0.05) });
    const backed = aRunning({
      budget: usd(0.05),
      nodes: [created(0, { backups: true }), created(1)],
    });
    expect(teardownOf(backed, LAUNCH)).toBeLessThan(teardownOf(record, LAUNCH));
  });
});

describe('the limit', () => {
  it('is the limit that ends the cluster first, and the budget if both do', () => {
    const twoHours = { budget: usd(0.03) };
    expect(lifeOf(aRunning(twoHours), LAUNCH).limit).toBe('budget');
    expect(lifeOf(aRunning({ ...twoHours, maxHours: 1 }), LAUNCH).limit).toBe('maxHours');
    expect(lifeOf(aRunning({ ...twoHours, maxHours: 2 }), LAUNCH).limit).toBe('budget');
    expect(lifeOf(aRunning({ ...twoHours, maxHours: 3 }), LAUNCH).limit).toBe('budget');
  });
});

describe('the end of the job', () => {
  const end = at('2026-11-10T15:30:00Z');

  it('is the teardown time if it comes before that of the other limits', () => {
    const record = aRunning({ budget: usd(0.05), endBy: end });
    expect(lifeOf(record, LAUNCH)).toMatchObject({
      teardownAt: end,
      limit: 'done',
      lastAffordable: plus(end, record.marginMs),
      bill: usd(0.015),
    });
  });

  it('never makes a cluster live longer', () => {
    const limits = { budget: usd(0.015) };
    const far = aRunning({ ...limits, endBy: at('2026-11-12T00:00:00Z') });
    expect(lifeOf(far, LAUNCH)).toEqual(lifeOf(aRunning(limits), LAUNCH));
  });
});

describe('the bill', () => {
  it('is what Linode will have billed by the teardown time', () => {
    expect(lifeOf(aRunning({ budget: usd(0.05) }), HALF_PAST).bill).toBe(usd(0.045));
    expect(lifeOf(aRunning({ maxHours: 1 }), HALF_PAST).bill).toBe(usd(0.015));
  });
});

const NODES = [planned, creating, created, deleting, gone, neverCreated];
const arbitraryNodes = fc
  .array(fc.constantFrom(...NODES), { minLength: 1, maxLength: 5 })
  .map((kinds) => kinds.map((kind, index): NodeRecord => kind(index)));

describe('always', () => {
  it('creates sent now for the planned nodes would keep the bill within the budget', () => {
    fc.assert(
      fc.property(arbitraryNodes, fc.integer({ min: 5, max: 100 }), (nodes, hoursWorth) => {
        const record = aCluster({ nodes, budget: usd(0.0075 * hoursWorth) });
        const now = plus(LAUNCH, seconds(10));
        const teardownAt = teardownOf(record, now);
        fc.pre(now < teardownAt);
        const sent = nodes.map((node) =>
          node.state === 'planned' ? creating(node.index, { sentAt: now }) : node,
        );
        const end = plus(teardownAt, record.marginMs);
        expect(spentAt({ ...record, nodes: sent }, end)).toBeLessThanOrEqual(record.budget);
      }),
    );
  });
});
