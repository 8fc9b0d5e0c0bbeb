import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EpochMs,
  epochMs,
  hours,
  latest,
  minutes,
  plus,
} from '../../../../lib/core/base/units.ts';
import { monthName, monthNamed, spend } from '../../../../lib/core/billing/bill.ts';
import { broughtByMonth } from '../../../../lib/core/billing/transfer.ts';
import {
  grantFor,
  leftBytes,
  sendableBytes,
  toldAllowance,
} from '../../../../lib/core/cluster/allowance.ts';
import { changeCluster } from '../../../../lib/core/cluster/change.ts';
import { lifeOf } from '../../../../lib/core/cluster/life.ts';
import { allowanceIn, type Granted, sliceOf } from '../../../../lib/core/cluster/limited.ts';
import type { Running } from '../../../../lib/core/cluster/record.ts';
import { isMonthNew, withSent } from '../../../../lib/core/cluster/sent.ts';
import { measureEvery } from '../../../../lib/core/cluster/transfer.ts';
import {
  aBought,
  aRunning,
  at,
  created,
  gone,
  LAUNCH,
  price,
  usd,
} from '../../../support/builders.ts';

const GB = 1e9;
const terms = { gb: 1_000, gbPrice: usd(0.005) };
const bought = { ...aBought(), transfer: terms };
/** Two nanodes: 66 hours for $0.99. */
const record = aRunning({ bought, limited: true, agent: true, budget: usd(0.99) });
const later = (count: number): EpochMs => plus(LAUNCH, minutes(count));
const inGb = (bytes: number) => Math.round(bytes / GB);

/** What a node gets that asks at `now`, having sent so many GB. */
const asks = (one: Running, granted: Granted | null, gb: number, now = later(30), rank = 0) =>
  grantFor(one, granted, asking(rank, gb), now);

const asking = (rank: number, gb: number, countedSince = 1_792_000_000) => ({
  ...{ rank, sentBytes: gb * GB, countedSince },
});

/** What it hears of then. */
const told = (one: Running, granted: Granted | null, gb: number, now = later(30), rank = 0) =>
  toldAllowance(one, granted, asking(rank, gb), now);

describe('what nodes may send together', () => {
  it('is what they bring until the teardown, less what slowed nodes send, and 7 %', () => {
    // 2 × 1.39 GB for 65 whole hours are 180; slowly, 0.36 GB an hour and node are 47; up to 2 % less.
    expect(inGb(sendableBytes(record, null, LAUNCH))).toBe(119);
    expect(inGb(sendableBytes(record, null, later(65 * 60)))).toBe(164);
  });

  it('is also what the budget has left besides the hours', () => {
    const limits = { maxHours: 20 };
    // 54 GB are brought, $0.69 pays 138 more.
    expect(inGb(sendableBytes({ ...record, ...limits }, null, LAUNCH))).toBe(161);
  });

  it('is all that is planned, but for what nodes send slowly until that is seen', () => {
    const planned = { ...record, transferGb: 150, transferReserved: usd(0) };
    expect(inGb(sendableBytes(planned, null, LAUNCH))).toBe(inGb(150 * 0.93 * GB));
    const reserved = { ...record, budget: usd(3), transferGb: 400, transferReserved: usd(1.5) };
    expect(sendableBytes(reserved, null, LAUNCH)).toBeGreaterThan(370 * GB);
  });

  it('is no more than any instant affords where bringing is worth more than the hours', () => {
    const dear = { ...bought, transfer: { gb: 1_000, gbPrice: usd(0.015) } };
    const inJakarta = { ...record, bought: dear };
    // All of it sent at once would cost 66 GB × $0.015, before the nodes have brought anything.
    expect(inGb(sendableBytes(inJakarta, null, LAUNCH))).toBe(59);
  });

  it('is nothing beyond the background where the budget pays only hours, and they bring nothing', () => {
    const poor = { ...bought, transfer: { gb: 0, gbPrice: usd(0.005) } };
    expect(sendableBytes({ ...record, bought: poor }, null, LAUNCH)).toBe(0);
    expect(asks({ ...record, bought: poor }, null, 1)).toBeNull();
  });

  it('is all that is left besides the hours where nodes bring nothing', () => {
    const poor = { ...bought, transfer: { gb: 0, gbPrice: usd(0.005) } };
    // $0.01 is less than an hour, and 2 GB; until they are first measured, in 11 minutes, two slow
    // nodes send 0.136 GB, and 0.037 GB in 3 minutes after that.
    const spare = { ...record, bought: poor, budget: usd(1) };
    expect(sendableBytes(spare, null, LAUNCH) / GB).toBeCloseTo(0.93 * 1.864, 2);
    const nothing = new Map([
      [0, 0],
      [1, 0],
    ]);
    const measured = withSent(spare, nothing, later(6)) as Running;
    expect(sendableBytes(measured, null, later(6)) / GB).toBeCloseTo(0.93 * 1.963, 2);
  });

  it('never costs more than the budget at any hour, sent all at once at any instant', () => {
    const aCase = fc.record({
      gb: fc.constantFrom(0, 1_000, 5_000),
      gbPrice: fc.constantFrom(0.005, 0.007, 0.015),
      hourly: fc.constantFrom(0.0075, 0.0082, 0.036),
      budget: fc.integer({ min: 10, max: 400 }),
      maxHours: fc.option(fc.integer({ min: 1, max: 60 })),
      reserved: fc.integer({ min: 0, max: 50 }),
      begin: fc.constantFrom('2026-11-10T14:00:00Z', '2026-11-30T02:20:00Z'),
      age: fc.integer({ min: 0, max: 3_000 }),
      isOneGone: fc.boolean(),
    });
    fc.assert(
      fc.property(aCase, (one) => {
        const billedFrom = at(one.begin);
        const now = plus(billedFrom, minutes(one.age));
        const until = plus(billedFrom, minutes(Math.min(one.age, 40)));
        const nodes = [
          created(0, { billedFrom }),
          one.isOneGone ? gone(1, { billedFrom, billedUntil: until }) : created(1, { billedFrom }),
        ];
        const transfer = { gb: one.gb, gbPrice: usd(one.gbPrice) };
        const cluster = aRunning({
          ...{ bought: { ...aBought(), price: price(one.hourly, null), transfer }, limited: true },
          ...{ nodes, budget: usd(one.budget / 100), maxHours: one.maxHours },
          transferGb: 20,
          transferReserved: usd(one.reserved / 100),
        });
        const life = lifeOf(cluster, now);
        const sent = Math.ceil(sendableBytes(cluster, null, now) / 0.93 / GB);
        const bringers = nodes.map((node) => ({
          billedFrom,
          billedUntil: 'billedUntil' in node ? (node.billedUntil ?? null) : null,
        }));
        for (let t = now; t <= latest(now, life.lastAffordable); t = plus(t, hours(1))) {
          const brought = broughtByMonth(bringers, transfer, t)[monthName(now)] ?? 0;
          const cost = sent <= 1 ? 0 : Math.max(0, sent - brought) * usd(one.gbPrice);
          const bill = spend(life.nodes, t) + cost;
          // Hours may be beyond it already, where the teardown is overdue.
          if (spend(life.nodes, t) <= cluster.budget)
            expect(bill).toBeLessThanOrEqual(cluster.budget);
          else expect(sent).toBe(0);
        }
      }),
    );
  });
});

describe('a lower budget', () => {
  const granted = { version: 1, month: '2026-11', bytes: [0, 95 * GB], earlier: {} };
  const lower = (budget: number, of: Running = record) =>
    changeCluster(of, { budget: usd(budget) }, { now: later(30), owner: 'ann', granted });

  it('is refused if it does not pay what nodes were granted, sent or not', () => {
    // An hour of two nodes is $0.015, and 103 GB are $0.515.
    expect(lower(0.5)).toMatchObject({
      ...{ kind: 'tooLittle', smallestBudget: usd(0.53), spent: usd(0.015), granted: usd(0.515) },
    });
    expect(lower(0.6)).toMatchObject({ kind: 'changed' });
    expect(lower(0.5, { ...record, limited: undefined as never })).toMatchObject({
      kind: 'changed',
    });
  });

  it('is refused also if these are grants of an earlier month', () => {
    const billedFrom = at('2026-11-30T22:00:00Z');
    const nodes = [created(0, { billedFrom }), created(1, { billedFrom })];
    const of = { ...record, nodes, createdAt: billedFrom };
    const now = at('2026-12-01T00:30:00Z');
    const change = { budget: usd(0.5) };
    const refused = changeCluster(of, change, { now, owner: 'ann', granted });
    expect(refused).toMatchObject({ kind: 'tooLittle' });
    expect(changeCluster(of, change, { now, owner: 'ann' })).toMatchObject({ kind: 'changed' });
  });
});

describe('more hours', () => {
  it('last no longer than the budget pays all that the nodes were granted', () => {
    const one = { ...record, nodes: [created(0)], budget: usd(0.9), maxHours: 2 };
    const measured = withSent(one, new Map([[0, 0.1 * GB]]), later(20)) as Running;
    const granted = { version: 1, month: '2026-11', bytes: [160 * GB], earlier: {} };
    const change = { maxHours: 100 };
    const context = { now: later(30), owner: 'ann', granted };
    const changed = changeCluster(measured, change, context);
    if (changed.kind !== 'changed') throw new Error(changed.kind);
    const { teardownAt } = lifeOf(changed.next, later(30));
    const seen = withSent(changed.next, new Map([[0, 0.1 * GB]]), later(31), granted);
    expect(teardownAt).toBe(lifeOf(seen, later(31)).teardownAt);
    expect(changed.next.history.at(-1)?.event).toBe(
      'maxHours changed from 2 to 100 by ann: lasts until 2026-11-12T12:57:00.000Z, ' +
        'as its nodes may send what they were granted',
    );
    const unlimited = changeCluster(measured, change, { ...context, granted: null });
    expect(unlimited).toMatchObject({
      next: { history: [{}, { event: expect.stringMatching(/lasts until [-\d]+T[:.\d]+Z$/) }] },
    });
  });

  it('count grants before the first measure, too', () => {
    const one = { ...record, nodes: [created(0)], budget: usd(0.9), maxHours: 2 };
    const granted = { version: 1, month: '2026-11', bytes: [160 * GB], earlier: {} };
    const context = { now: later(2), owner: 'ann', granted };
    const changed = changeCluster(one, { maxHours: 100 }, context);
    if (changed.kind !== 'changed') throw new Error(changed.kind);
    expect(lifeOf(changed.next, later(2)).teardownAt).toBeLessThan(later(48 * 60));
  });

  it('cost a node that sends little no hours, as it is granted little', () => {
    const dear = { ...bought, price: price(0.054, null), transfer: { ...terms, gb: 4_000 } };
    const one = { ...record, bought: dear, nodes: [created(0)], budget: usd(1), maxHours: 2 };
    const measured = withSent(one, new Map([[0, 0.1 * GB]]), later(20)) as Running;
    const granted = asks(measured, null, 0.45, later(22));
    const change = { maxHours: 12 };
    const changed = changeCluster(measured, change, { now: later(24), owner: 'ann', granted });
    if (changed.kind !== 'changed') throw new Error(changed.kind);
    const seen = withSent(changed.next, new Map([[0, 0.5 * GB]]), later(25), granted);
    expect(lifeOf(seen, later(25)).teardownAt).toBe(later(12 * 60 - 3));
  });
});

describe('a node that asks', () => {
  it('gets at most twice what it has sent, and its share of what is left', () => {
    const slice = sliceOf(record);
    expect(asks(record, null, 5)?.bytes[0]).toBe(slice + 10 * GB);
    const share = leftBytes(record, null, later(30)) / 2;
    expect(asks(record, null, 100)?.bytes[0]).toBe(slice + Math.floor(share));
  });

  it('gets 0.1 GB at least, so that many nodes with small slices need not ask often', () => {
    const nodes = Array.from({ length: 20 }, (_, index) => created(index));
    const many = { ...record, nodes, budget: usd(10) };
    expect(asks(many, null, 0.04)?.bytes[0]).toBe(sliceOf(many) + GB / 10);
  });

  it('gets more once it has used half of its slice', () => {
    const slice = sliceOf(record);
    expect(asks(record, null, slice / GB / 2 - 0.001)).toBeNull();
    const granted = asks(record, null, slice / GB / 2);
    expect(granted).toMatchObject({ version: 1, month: '2026-11', earlier: {} });
    expect(granted?.bytes[0]).toBe(slice + slice);
    expect(granted?.bytes[1]).toBe(0);
    expect(told(record, granted, 0, later(30), 1)).toEqual({ month: '2026-11', bytes: slice });
  });

  it('gets the same answer again until it has used half of that', () => {
    const granted = asks(record, null, 0.5);
    const { bytes } = told(record, granted, 0.5);
    expect(asks(record, granted, bytes / GB / 2 - 0.01)).toBeNull();
    expect(asks(record, granted, bytes / GB / 2)?.bytes[0]).toBeGreaterThan(bytes);
  });

  it('gets nothing when nothing is left, when it is gone, or when the teardown has begun', () => {
    const all = { version: 3, month: '2026-11', bytes: [200 * GB, 0], earlier: {} };
    expect(asks(record, all, 190)).toBeNull();
    expect(asks(record, all, 190, later(30), 1)).toBeNull();
    expect(
      asks({ ...record, nodes: [gone(0, { billedUntil: LAUNCH }), created(1)] }, null, 1),
    ).toBeNull();
    expect(asks(record, null, 1, later(30), 7)).toBeNull();
  });

  it('gets more than what was measured of it, though it has sent that slowly', () => {
    const measured = withSent(
      record,
      new Map([
        [0, 10 * GB],
        [1, 0],
      ]),
      later(30),
    );
    // The slow rate could not have sent so much: these nodes do not keep to their limit.
    expect(asks(measured as Running, null, 10)).toBeNull();
    const slowly = withSent(
      record,
      new Map([
        [0, 3 * GB],
        [1, 0],
      ]),
      later(8 * 60),
    );
    const granted = asks(slowly as Running, null, 3, later(8 * 60));
    // 7 % less than was measured, and twice what it says.
    expect(granted?.bytes[0]).toBe(0.93 * 3 * GB + 6 * GB);
  });

  it('begins each month with its slice, and what was granted before counts as sent', () => {
    const longer = { ...record, budget: usd(9) };
    const granted = asks(longer, null, 0.5);
    const turn = at('2026-12-01T00:05:00Z');
    expect(told(longer, granted, 0, turn)).toEqual({
      ...{ month: '2026-12', bytes: sliceOf(record) },
    });
    const next = grantFor(longer, granted, asking(1, 1), turn);
    expect(next).toMatchObject({ version: 2, month: '2026-12' });
    expect(next?.bytes[0]).toBe(0);
    expect(next?.earlier['2026-11']).toBeGreaterThan((granted?.bytes[0] ?? 0) / 0.93);
  });

  it('gets nothing of a month that another function has left, as its clock is behind', () => {
    const next = { version: 2, month: '2026-12', bytes: [5 * GB, 0], earlier: {} };
    const before = at('2026-11-30T23:59:59Z');
    const longer = { ...record, budget: usd(9) };
    expect(grantFor(longer, next, asking(0, 100), before)).toBeNull();
    expect(told(longer, next, 5, before)).toEqual({ month: '2026-12', bytes: 5 * GB });
  });
});

describe('a node whose counter begins anew', () => {
  const one = { ...record, budget: usd(9), maxHours: 24 };
  const slice = sliceOf(one);
  /** It has counted 10 GB, and may send 30 GB and its slice. */
  const before = asks(one, asks(one, null, 5), 10);
  const rebuilt = (gb: number) => asking(0, gb, 1_792_007_200);
  const asksAnew = (granted: Granted | null, gb: number, now = later(30)) =>
    grantFor(one, granted, rebuilt(gb), now);
  const toldAnew = (granted: Granted | null, gb: number, known = one) =>
    toldAllowance(known, granted, rebuilt(gb), later(30)).bytes;

  it('is not granted a second time what it may have sent', () => {
    expect(before).toMatchObject({ countedSince: [1_792_000_000, 0], uncounted: [0, 0] });
    const lost = before?.bytes[0] ?? 0;
    const after = asksAnew(before, 0.5);
    expect(after?.countedSince).toEqual([1_792_007_200, 0]);
    expect(after?.uncounted?.[0]).toBe(lost);
    expect(after?.bytes[0]).toBe(lost + slice + GB);
    expect(toldAnew(after, 0.5)).toBe(slice + GB);
  });

  it('is told so, too, if nothing could be kept', () => {
    expect(toldAnew(before, 0.5)).toBe(slice);
  });

  it('goes on from there', () => {
    const after = asksAnew(before, 0.5);
    const more = asksAnew(after, 1);
    expect((more?.bytes[0] ?? 0) - (after?.bytes[0] ?? 0)).toBe(2 * GB);
    expect(more?.uncounted).toEqual(after?.uncounted);
  });

  it('is granted nothing if nothing is left, and its slice is counted as far as something is', () => {
    const all = { ...{ version: 3, month: '2026-11' as const, earlier: {} } };
    const granted = { ...all, bytes: [3_000 * GB, 0], countedSince: [1_792_000_000, 0] };
    const after = asksAnew(granted, 0.5);
    expect(after?.bytes[0]).toBe(3_000 * GB);
    expect(toldAnew(after, 0.5)).toBe(slice);
    expect(asksAnew(after, 0.5)).toBeNull();
  });

  it('ends no cluster, however often it says that its counter began anew', () => {
    let granted: Granted | null = null;
    for (let since = 1; since <= 400; since += 1) {
      granted = grantFor(record, granted, asking(0, 0.42, since), later(30)) ?? granted;
    }
    expect(granted?.version).toBeGreaterThan(300);
    expect(leftBytes(record, granted, later(30))).toBeGreaterThan(-1_000);
    const known = withSent(record, new Map(), later(31), granted);
    expect(lifeOf(known, later(31)).teardownAt).toBe(lifeOf(record, later(31)).teardownAt);
  });

  it('is not taken from a call of before that comes late', () => {
    expect(asks(one, before, 5)).toBeNull();
    const after = asksAnew(before, 0.5);
    expect(asks(one, after, 20)).toBeNull();
    expect(asksAnew(after, 2)?.uncounted).toEqual(after?.uncounted);
  });

  it('is that of a disk that was restored, if it has fallen', () => {
    const restored = asks(one, before, 1);
    expect(restored).toBeNull();
    expect(told(one, before, 1).bytes).toBe((before?.bytes[0] ?? 0) - 9 * GB);
    const after = asks(one, before, 9.9);
    expect(after?.uncounted?.[0] ?? 0.1 * GB).toBe(0.1 * GB);
  });

  it('does not count what was measured beyond its counter, whatever it was granted', () => {
    const measured = new Map([
      [0, 12 * GB],
      [1, 0],
    ]);
    const known = withSent(one, measured, later(30), before) as Running;
    expect(told(known, before, 10).bytes).toBe((before?.bytes[0] ?? 0) - 1.16 * GB);
  });

  it('counts no figure against a node that may be of the month before', () => {
    const [early, late] = [at('2026-12-01T00:11:00Z'), at('2026-12-01T01:11:00Z')];
    const granted = { version: 1, month: '2026-12', bytes: [20 * GB, 0], earlier: {} };
    const toldAt = (now: EpochMs) => {
      const measured = new Map([
        [0, 12 * GB],
        [1, 0],
      ]);
      const longer = { ...one, budget: usd(19), maxHours: null };
      const known = withSent(longer, measured, now, granted) as Running;
      return told(known, granted, 5, now).bytes;
    };
    expect(toldAt(early)).toBe(20 * GB);
    expect(toldAt(late)).toBe(20 * GB - 6.16 * GB);
  });

  it('may have sent its slice before that in a new month', () => {
    const turn = at('2026-12-01T00:20:00Z');
    expect(asks(one, before, 0.5, turn)).toMatchObject({ uncounted: [0, 0] });
    expect(asksAnew(before, 0.5, turn)).toMatchObject({ uncounted: [slice, 0] });
  });
});

/** What the nodes of a cluster really do: the bytes of each month, by node. */
function aTruth(cluster: Running) {
  const sent = cluster.nodes.map(() => new Map<string, number>());
  const slowFrom = cluster.nodes.map(() => cluster.startedAt);
  let one = cluster;
  let granted: Granted | null = null;
  const of = (rank: number, month: string) => sent[rank]?.get(month) ?? 0;
  const add = (rank: number, month: string, bytes: number) =>
    sent[rank]?.set(month, of(rank, month) + bytes);
  return {
    record: () => one,
    set: (next: Running) => {
      one = next;
    },
    /** The node uses all of its allowance at once. */
    burst(rank: number, now: EpochMs) {
      const month = monthName(now);
      const counted = allowanceIn(one, granted, rank, month) / 0.93;
      add(rank, month, Math.max(0, counted - of(rank, month)));
    },
    /** The node has sent slowly since it last did, whatever it is allowed. */
    slowly(rank: number, now: EpochMs) {
      for (let from = slowFrom[rank] ?? now; from < now; ) {
        const month = monthName(from);
        const to = Math.min(now, monthNamed(month).end);
        add(rank, month, (((to - from) / 1_000) * 96_000) / 0.93);
        from = epochMs(to);
      }
      slowFrom[rank] = now;
    },
    /** It has sent nothing since. */
    quiet(rank: number, now: EpochMs) {
      slowFrom[rank] = now;
    },
    ask(rank: number, sentBytes: number, now: EpochMs) {
      granted = grantFor(one, granted, asking(rank, sentBytes / GB), now) ?? granted;
    },
    measure(now: EpochMs) {
      if (isMonthNew(now)) return;
      const found = one.nodes.map(
        ({ index }) => [index, Math.ceil(of(index, monthName(now)))] as const,
      );
      one = withSent(one, new Map(found), now, granted) as Running;
    },
    bill(until: EpochMs): number {
      const nodes = one.nodes.map(() => ({
        ...{ billedFrom: cluster.startedAt, billedUntil: null, price: cluster.bought.price },
      }));
      const terms = cluster.bought.transfer ?? { gb: 0, gbPrice: usd(0) };
      const brought = broughtByMonth(nodes, terms, until);
      const months = new Set(sent.flatMap((each) => [...each.keys()]));
      const cost = [...months].reduce((sum, month) => {
        const bytes = one.nodes.reduce((total, { index }) => total + of(index, month), 0);
        const gb = bytes <= GB ? 0 : Math.max(0, Math.ceil(bytes / GB) - (brought[month] ?? 0));
        return sum + gb * terms.gbPrice;
      }, 0);
      return spend(nodes, until) + cost;
    },
  };
}

describe('the bill of a cluster whose nodes send all that they may', () => {
  const anAction = fc.record({
    kind: fc.constantFrom('burst', 'slowly', 'ask', 'lie', 'greedy'),
    rank: fc.nat(2),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const aLife = fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    gb: fc.constantFrom(0, 1_000, 5_000),
    gbPrice: fc.constantFrom(0.005, 0.015),
    hourly: fc.constantFrom(0.0075, 0.036),
    hours: fc.integer({ min: 1, max: 6 }),
    spare: fc.constantFrom(0, 0, 1, 20),
    begin: fc.constantFrom('2026-11-10T14:00:00Z', '2026-11-30T21:20:00Z'),
    rounds: fc.array(fc.array(anAction, { maxLength: 6 }), { maxLength: 30 }),
  });

  it('stays within the budget at every instant, and the hours are those that it pays', () => {
    fc.assert(
      fc.property(aLife, (life) => {
        const billedFrom = at(life.begin);
        const nodes = Array.from({ length: life.count }, (_, index) =>
          created(index, { billedFrom }),
        );
        const ofHours = life.hours * life.count * life.hourly;
        const transfer = { gb: life.gb, gbPrice: usd(life.gbPrice) };
        const truth = aTruth(
          aRunning({
            ...{ nodes, startedAt: billedFrom, limited: true, createdAt: billedFrom },
            bought: { ...aBought(), price: price(life.hourly, null), transfer },
            budget: usd(Number((ofHours + life.spare / 100).toFixed(4))),
          }),
        );
        let now = billedFrom;
        for (let round = 0; ; round += 1) {
          const { teardownAt, lastAffordable } = lifeOf(truth.record(), now);
          const isEnd = now >= teardownAt;
          const next = isEnd
            ? latest(now, lastAffordable)
            : epochMs(Math.min(teardownAt, now + measureEvery(truth.record(), now) + 60_000));
          for (const { kind, rank, part } of life.rounds[round] ?? []) {
            const when = epochMs(now + Math.floor((next - now) * part));
            const node = rank % life.count;
            if (kind === 'burst' || kind === 'greedy') truth.burst(node, when);
            if (kind === 'ask' || kind === 'greedy') truth.ask(node, 1e12, when);
            if (kind === 'lie') truth.ask(node, 9e15, when);
            if (kind === 'greedy') truth.burst(node, when);
            if (kind === 'slowly') truth.slowly(node, next);
          }
          expect(truth.bill(next)).toBeLessThanOrEqual(truth.record().budget);
          if (isEnd) break;
          for (const { index } of nodes) truth.quiet(index, next);
          truth.measure(next);
          expect(truth.record().sent?.unlimited).toBeUndefined();
          now = next;
        }
      }),
      { numRuns: 100 },
    );
  });
});
