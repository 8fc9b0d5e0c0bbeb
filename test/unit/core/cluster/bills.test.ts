import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hours, minutes, plus } from '../../../../lib/core/base/units.ts';
import { billedNodes, hourlyOf, spentAt } from '../../../../lib/core/cluster/bills.ts';
import type { NodeRecord } from '../../../../lib/core/cluster/record.ts';
import {
  aBought,
  aCluster,
  aDeleting,
  anEnded,
  aRunning,
  created,
  creating,
  deleting,
  gone,
  LAUNCH,
  neverCreated,
  planned,
  price,
  usd,
} from '../../../support/builders.ts';

const HALF_PAST = plus(LAUNCH, minutes(30));

describe('billedNodes', () => {
  it('has the nodes that may exist, from the instant at which they may', () => {
    const nodes = [
      planned(0),
      neverCreated(1),
      creating(2, { sentAt: LAUNCH, triedAt: HALF_PAST }),
      created(3, { backups: true }),
      deleting(4, { billedUntil: HALF_PAST }),
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

  it('has the price of backups for unanswered creates where the account forces them', () => {
    const bought = aBought({ backupsAssumed: true });
    expect(billedNodes(aCluster({ nodes: [creating(0)], bought }))).toMatchObject([
      { price: price(0.0105, 7) },
    ]);
  });
});

describe('hourlyOf', () => {
  const three = [created(0), created(1), created(2)];
  const seven = <T>(of: (index: number) => T) => Array.from({ length: 7 }, (_, i) => of(i + 3));

  it('counts the nodes that bill, not those that never came or are gone', () => {
    expect(hourlyOf(aRunning({ nodes: [...three, ...seven(neverCreated)] }))).toBe(usd(0.0225));
    expect(hourlyOf(aRunning({ nodes: [...three, ...seven(gone)] }))).toBe(usd(0.0225));
    expect(hourlyOf(aDeleting({ nodes: [...three, ...seven(deleting)] }))).toBe(usd(0.0225));
    expect(hourlyOf(aDeleting({ nodes: [...three, ...seven(planned)] }))).toBe(usd(0.0225));
  });

  it('counts the nodes that are coming', () => {
    const coming = [created(0), creating(1), planned(2)];
    expect(hourlyOf(aCluster({ nodes: coming }))).toBe(usd(0.0225));
    const bought = aBought({ backupsAssumed: true });
    expect(hourlyOf(aCluster({ nodes: [planned(0), planned(1)], bought }))).toBe(usd(0.021));
  });

  it('of an ended cluster counts the nodes that it had', () => {
    expect(hourlyOf(anEnded({ nodes: [gone(0), gone(1), neverCreated(2)] }))).toBe(usd(0.015));
    expect(hourlyOf(anEnded({ nodes: [neverCreated(0)] }))).toBe(0);
  });
});

describe('spentAt', () => {
  it('is nothing before a create was sent, and at least an hour afterwards', () => {
    expect(spentAt(aCluster(), HALF_PAST)).toBe(0);
    expect(spentAt(aCluster({ nodes: [creating(0), planned(1)] }), HALF_PAST)).toBe(usd(0.0075));
  });

  it('of an ended cluster is the spend in its record', () => {
    expect(spentAt(anEnded({ spent: usd(0.3) }), plus(LAUNCH, hours(99)))).toBe(usd(0.3));
  });
});

const NODES = [planned, creating, created, deleting, gone, neverCreated];
const arbitraryNodes = fc
  .array(fc.constantFrom(...NODES), { minLength: 1, maxLength: 5 })
  .map((kinds) => kinds.map((kind, index): NodeRecord => kind(index)));

describe('always', () => {
  it('the spend never falls as time passes', () => {
    fc.assert(
      fc.property(arbitraryNodes, fc.nat(200), fc.nat(200), (nodes, quarters, more) => {
        const record = aRunning({ nodes });
        const early = plus(LAUNCH, minutes(15 * quarters));
        const late = plus(early, minutes(15 * more));
        expect(spentAt(record, early)).toBeLessThanOrEqual(spentAt(record, late));
      }),
    );
  });
});
