import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours, minutes, plus, seconds } from '../../../../lib/core/base/units.ts';
import {
  billedNodes,
  type Common,
  ENDED_KEPT,
  isLive,
  lastAffordableOf,
  limitOf,
  machineOf,
  machineSeenAgain,
  type NodeRecord,
  priceOf,
  spentAt,
  teardownOf,
  withHistory,
} from '../../../../lib/core/cluster/record.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  aLinode,
  anEnded,
  aRunning,
  at,
  deleted,
  eventsOf,
  gone,
  LAUNCH,
  made,
  never,
  planned,
  price,
  sent,
  usd,
} from '../../../support/builders.ts';

const HALF_PAST = plus(LAUNCH, minutes(30));

describe('isLive', () => {
  it('holds for all that is yet to be destroyed', () => {
    expect([aCluster(), aRunning(), aDeleting()].map(isLive)).toEqual([true, true, true]);
    expect([anEnded(), anEnded({ phase: 'failed' })].map(isLive)).toEqual([false, false]);
  });
});

describe('withHistory', () => {
  it('keeps the first entry and the newest, 50 in all', () => {
    const told = Array.from({ length: 200 }).reduce<Common>(
      (record, _, count) => withHistory(record, LAUNCH, `event ${count}`),
      aCluster(),
    );
    expect(told.history).toHaveLength(50);
    expect(eventsOf(told).slice(0, 2)).toEqual(['launched by ann', 'event 151']);
    expect(eventsOf(told).at(-1)).toBe('event 199');
  });

  it('keeps all of them up to then, and begins with one', () => {
    const first = withHistory(aCluster({ history: [] }), LAUNCH, 'launched');
    expect(withHistory(first, HALF_PAST, 'running').history).toEqual([
      { at: LAUNCH, event: 'launched' },
      { at: HALF_PAST, event: 'running' },
    ]);
  });
});

it('the record of an ended cluster is kept for the reports of a whole year, leap or not', () => {
  expect(ENDED_KEPT).toBeGreaterThan(hours(366 * 24));
});

describe('machineOf', () => {
  it('is billed from when Linode says, or from when it was seen if that is earlier', () => {
    expect(machineOf(aLinode(), HALF_PAST).billedFrom).toBe(LAUNCH);
    expect(machineOf(aLinode({ created: HALF_PAST }), LAUNCH).billedFrom).toBe(LAUNCH);
  });

  it('seen again is never billed later or cheaper than it was', () => {
    const known = machineOf(aLinode({ backupsEnabled: true }), LAUNCH);
    const again = aLinode({ created: HALF_PAST, status: 'offline', backupsEnabled: false });
    expect(machineSeenAgain(known, again, HALF_PAST)).toEqual({ ...known, status: 'offline' });
  });
});

describe('priceOf', () => {
  it('adds what backups cost, where they do', () => {
    expect(priceOf(aBought(), false)).toEqual(price(0.0075, 5));
    expect(priceOf(aBought(), true)).toEqual(price(0.0105, 7));
    expect(priceOf(aBought({ backupsPrice: null }), true)).toEqual(price(0.0075, 5));
  });
});

describe('billedNodes', () => {
  it('counts what may exist, from when it may', () => {
    const nodes = [
      planned(0),
      never(1),
      sent(2, { sentAt: LAUNCH, triedAt: HALF_PAST }),
      made(3, { backups: true }),
      deleted(4, { billedUntil: HALF_PAST }),
      gone(5, { billedUntil: HALF_PAST }),
    ];
    const nanode = price(0.0075, 5);
    expect(billedNodes(aRunning({ nodes }))).toEqual([
      { billedFrom: LAUNCH, billedUntil: null, price: nanode },
      { billedFrom: LAUNCH, billedUntil: null, price: price(0.0105, 7) },
      { billedFrom: LAUNCH, billedUntil: HALF_PAST, price: nanode },
      { billedFrom: LAUNCH, billedUntil: HALF_PAST, price: nanode },
    ]);
  });

  it('counts backups for what was sent where the account forces them', () => {
    const bought = aBought({ backupsAssumed: true });
    expect(billedNodes(aCluster({ nodes: [sent(0)], bought }))).toMatchObject([
      { price: price(0.0105, 7) },
    ]);
  });
});

describe('spentAt', () => {
  it('is nothing before anything was sent, and an hour from then on', () => {
    expect(spentAt(aCluster(), HALF_PAST)).toBe(0);
    expect(spentAt(aCluster({ nodes: [sent(0), planned(1)] }), HALF_PAST)).toBe(usd(0.0075));
  });

  it('of an ended cluster is what was found at its end', () => {
    expect(spentAt(anEnded({ spent: usd(0.3) }), plus(LAUNCH, hours(99)))).toBe(usd(0.3));
  });
});

describe('teardownOf', () => {
  it('is the margin before the last hour mark that the budget affords', () => {
    const record = aRunning({ budget: usd(0.05) });
    expect(lastAffordableOf(record, HALF_PAST)).toBe(at('2026-11-10T18:00:00Z'));
    expect(teardownOf(record, HALF_PAST)).toBe(at('2026-11-10T17:57:00Z'));
  });

  it('allows for nodes that are yet to be created', () => {
    const record = aCluster({ nodes: [made(0), planned(1)], budget: usd(0.03) });
    // 2 h of the first and an hour and a half of the second, which is billed as two.
    expect(lastAffordableOf(record, HALF_PAST)).toBe(at('2026-11-10T17:00:00Z'));
    const alone = aCluster({ nodes: [made(0), never(1)], budget: usd(0.03) });
    expect(lastAffordableOf(alone, HALF_PAST)).toBe(at('2026-11-10T19:00:00Z'));
  });

  it('moves earlier where backups are learned of', () => {
    const record = aRunning({ budget: usd(0.05) });
    const backed = aRunning({ budget: usd(0.05), nodes: [made(0, { backups: true }), made(1)] });
    expect(teardownOf(backed, LAUNCH)).toBeLessThan(teardownOf(record, LAUNCH));
  });
});

describe('limitOf', () => {
  it('is the limit that comes first, and the budget for both at once', () => {
    const twoHours = { budget: usd(0.03) };
    expect(limitOf(aRunning(twoHours), LAUNCH)).toBe('budget');
    expect(limitOf(aRunning({ ...twoHours, maxHours: 1 }), LAUNCH)).toBe('maxHours');
    expect(limitOf(aRunning({ ...twoHours, maxHours: 2 }), LAUNCH)).toBe('budget');
    expect(limitOf(aRunning({ ...twoHours, maxHours: 3 }), LAUNCH)).toBe('budget');
  });
});

const NODES = [planned, sent, made, deleted, gone, never];
const someNodes = fc
  .array(fc.constantFrom(...NODES), { minLength: 1, maxLength: 5 })
  .map((kinds) => kinds.map((kind, index): NodeRecord => kind(index)));

describe('always', () => {
  it('what is spent never falls as time passes', () => {
    fc.assert(
      fc.property(someNodes, fc.nat(200), fc.nat(200), (nodes, quarters, more) => {
        const record = aRunning({ nodes });
        const early = plus(LAUNCH, minutes(15 * quarters));
        const late = plus(early, minutes(15 * more));
        expect(spentAt(record, early)).toBeLessThanOrEqual(spentAt(record, late));
      }),
    );
  });

  it('sending what is planned at the teardown time would still be within the budget', () => {
    fc.assert(
      fc.property(someNodes, fc.integer({ min: 5, max: 100 }), (nodes, hoursWorth) => {
        const record = aCluster({ nodes, budget: usd(0.0075 * hoursWorth) });
        const now = plus(LAUNCH, seconds(10));
        const teardownAt = teardownOf(record, now);
        fc.pre(now < teardownAt);
        const all = nodes.map((node) =>
          node.state === 'planned' ? sent(node.index, { sentAt: now }) : node,
        );
        const end = plus(teardownAt, record.marginMs);
        expect(spentAt({ ...record, nodes: all }, end)).toBeLessThanOrEqual(record.budget);
      }),
    );
  });
});
