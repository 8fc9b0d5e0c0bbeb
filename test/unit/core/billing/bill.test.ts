import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd } from '../../../../lib/core/base/money.ts';
import {
  type EpochMs,
  epochMs,
  hours,
  minutes,
  plus,
  toIso,
} from '../../../../lib/core/base/units.ts';
import {
  type BilledNode,
  FAR_FUTURE,
  firstHourCost,
  hoursByMonth,
  isMonthName,
  lastAffordable,
  monthNamed,
  spend,
  spendByMonth,
  teardownTime,
} from '../../../../lib/core/billing/bill.ts';
import type { Price } from '../../../../lib/core/billing/price.ts';
import { combinedPrice, dearer, readAs } from '../../../../lib/core/billing/price.ts';

const HOUR = 3_600_000;
const at = (iso: string): EpochMs => epochMs(Date.parse(iso));
const usd = (dollars: number) => microUsd(Math.round(dollars * 1e6));
const price = (hourly: number, monthly: number | null): Price => ({
  hourly: usd(hourly),
  monthly: monthly === null ? null : usd(monthly),
});
const nanode = price(0.0075, 5);
const LAUNCH = at('2026-11-10T15:04:05Z');
const aNode = (overrides: Partial<BilledNode> = {}): BilledNode => ({
  billedFrom: LAUNCH,
  billedUntil: null,
  price: nanode,
  ...overrides,
});
const nodes = (count: number, overrides: Partial<BilledNode> = {}): BilledNode[] =>
  Array.from({ length: count }, () => aNode(overrides));
const hoursAfter = (from: EpochMs, hoursPast: number, ms = 0): EpochMs =>
  epochMs(from + hoursPast * HOUR + ms);
const budgetOf = (dollars: number) => ({ budget: usd(dollars), maxHours: null });

describe('spend', () => {
  it('bills ten nanodes $0.975 at 13 h, and the 14th hour a millisecond later', () => {
    const cluster = nodes(10);
    expect(spend(cluster, hoursAfter(LAUNCH, 13))).toBe(975_000);
    expect(spend(cluster, hoursAfter(LAUNCH, 13, 1))).toBe(1_050_000);
  });

  it('bills the first hour from the creation on, and even at an instant before it', () => {
    for (const ms of [-10 * HOUR, -1, 0, 1, HOUR]) {
      expect(spend([aNode()], hoursAfter(LAUNCH, 0, ms))).toBe(7_500);
    }
    expect(spend([aNode()], hoursAfter(LAUNCH, 1, 1))).toBe(15_000);
  });

  it('rounds up to hours node by node, from the creation of each', () => {
    const pair = [aNode(), aNode({ billedFrom: hoursAfter(LAUNCH, 0, 90_000) })];
    expect(spend(pair, hoursAfter(LAUNCH, 1))).toBe(2 * 7_500);
    expect(spend(pair, hoursAfter(LAUNCH, 1, 1))).toBe(3 * 7_500);
    expect(spend(pair, hoursAfter(LAUNCH, 1, 90_001))).toBe(4 * 7_500);
  });

  it('bills a deleted node up to its deletion, and never less than an hour', () => {
    const ended = aNode({ billedUntil: hoursAfter(LAUNCH, 2, 1) });
    expect(spend([ended], hoursAfter(LAUNCH, 1))).toBe(7_500);
    expect(spend([ended], hoursAfter(LAUNCH, 500))).toBe(3 * 7_500);
    expect(spend([aNode({ billedUntil: LAUNCH })], hoursAfter(LAUNCH, 9))).toBe(7_500);
    expect(spend([aNode({ billedUntil: hoursAfter(LAUNCH, -1) })], hoursAfter(LAUNCH, 9))).toBe(
      7_500,
    );
  });

  it('stops at the monthly price, which a nanode reaches in its 667th hour', () => {
    const from = at('2026-10-01T00:00:00Z');
    const node = aNode({ billedFrom: from });
    expect(spend([node], hoursAfter(from, 666))).toBe(4_995_000);
    expect(spend([node], hoursAfter(from, 667))).toBe(5_000_000);
    expect(spend([node], hoursAfter(from, 744))).toBe(5_000_000);
  });

  it('starts the monthly price anew with the month', () => {
    const from = at('2026-10-01T00:00:00Z');
    const node = aNode({ billedFrom: from });
    expect(spend([node], at('2026-11-01T00:00:00.001Z'))).toBe(5_007_500);
    expect(spend([node], at('2026-12-01T00:00:00Z'))).toBe(10_000_000);
  });

  it('has no upper limit where the plan has no monthly price', () => {
    const from = at('2026-10-01T00:00:00Z');
    const node = aNode({ billedFrom: from, price: price(0.07, null) });
    expect(spend([node], hoursAfter(from, 744))).toBe(744 * 70_000);
  });

  it('bills an hour across the end of the month in both months, once the month has ended', () => {
    for (const monthly of [5, null]) {
      const node = aNode({
        billedFrom: at('2026-11-30T23:30:00Z'),
        price: price(0.0075, monthly),
      });
      expect(spend([node], at('2026-12-01T00:00:00.000Z'))).toBe(7_500);
      expect(spend([node], at('2026-12-01T00:00:00.001Z'))).toBe(2 * 7_500);
      expect(spend([node], at('2026-12-01T00:30:00.000Z'))).toBe(2 * 7_500);
      expect(spend([node], at('2026-12-01T00:30:00.001Z'))).toBe(3 * 7_500);
    }
  });

  it('bills no hour twice where an hour mark is the end of the month', () => {
    const node = aNode({ billedFrom: at('2026-11-30T22:00:00Z') });
    expect(spend([node], at('2026-12-01T01:00:00Z'))).toBe(3 * 7_500);
    expect(spend([node], at('2026-12-01T01:00:00.001Z'))).toBe(4 * 7_500);
  });

  it('throws a RangeError for a bill beyond the safe integers', () => {
    const node = aNode({ price: { hourly: microUsd(2 ** 52), monthly: null } });
    expect(() => spend([node], hoursAfter(LAUNCH, 2, 1))).toThrow(RangeError);
  });
});

describe('a price by which an hour counts in the month in which it begins', () => {
  const once = { price: readAs(nanode, 'startMonth') };

  it('bills the hour across the end of a month once', () => {
    const node = aNode({ ...once, billedFrom: at('2026-11-30T23:30:00Z') });
    expect(spend([node], at('2026-12-01T00:30:00.000Z'))).toBe(7_500);
    expect(spend([node], at('2026-12-01T00:30:00.001Z'))).toBe(2 * 7_500);
    expect(spendByMonth([node], at('2026-12-01T00:30:00Z'))).toEqual({ '2026-11': usd(0.0075) });
    expect(spendByMonth([node], at('2026-12-01T00:30:00.001Z'))).toEqual({
      '2026-11': usd(0.0075),
      '2026-12': usd(0.0075),
    });
    expect(hoursByMonth([node], at('2027-01-01T00:00:00Z'))).toEqual({
      '2026-11': 1,
      '2026-12': 744,
    });
  });

  it('lets a budget last an hour longer', () => {
    const from = at('2026-11-30T12:04:05Z');
    const [twice, longer] = [{}, once].map((reading) =>
      lastAffordable(nodes(10, { ...reading, billedFrom: from }), budgetOf(1)),
    );
    expect([twice, longer]).toEqual([hoursAfter(from, 12), hoursAfter(from, 13)]);
    expect(firstHourCost(once.price, 10, at('2026-11-30T23:00:01Z'))).toBe(75_000);
  });

  it('bills both months where a sum has another reading', () => {
    expect(readAs(once.price)).toEqual(nanode);
    expect(dearer(once.price, price(0.01, 4))).toEqual(price(0.01, 5));
    expect(dearer(once.price, readAs(price(0.01, null), 'startMonth'))).toEqual(
      readAs(price(0.01, null), 'startMonth'),
    );
    expect(combinedPrice(once.price, price(0.003, 2))).toEqual(
      readAs(price(0.0105, 7), 'startMonth'),
    );
  });
});

describe('lastAffordable', () => {
  it('gives ten nanodes 13 hours for a dollar', () => {
    expect(lastAffordable(nodes(10), budgetOf(1))).toBe(hoursAfter(LAUNCH, 13));
    expect(lastAffordable(nodes(10), budgetOf(0.975))).toBe(hoursAfter(LAUNCH, 13));
    expect(lastAffordable(nodes(10), budgetOf(0.974999))).toBe(hoursAfter(LAUNCH, 12));
  });

  it('is the hour mark of the node whose next hour the budget does not pay', () => {
    const pair = [aNode(), aNode({ billedFrom: hoursAfter(LAUNCH, 0, 90_000) })];
    expect(lastAffordable(pair, budgetOf(3 * 0.0075))).toBe(hoursAfter(LAUNCH, 1, 90_000));
    expect(lastAffordable(pair, budgetOf(4 * 0.0075))).toBe(hoursAfter(LAUNCH, 2));
  });

  it('is the oldest creation where the first hours are already over the budget', () => {
    const pair = [aNode({ billedFrom: hoursAfter(LAUNCH, 5) }), aNode()];
    expect(lastAffordable(pair, budgetOf(0.014))).toBe(LAUNCH);
  });

  it('is maxHours after the creation of the oldest node that is still billed', () => {
    const oldest = aNode({ billedUntil: hoursAfter(LAUNCH, 1) });
    const younger = aNode({ billedFrom: hoursAfter(LAUNCH, 2) });
    const youngest = aNode({ billedFrom: hoursAfter(LAUNCH, 3) });
    const limits = { budget: usd(1), maxHours: 4 };
    expect(lastAffordable([youngest, oldest, younger], limits)).toBe(hoursAfter(LAUNCH, 6));
    expect(lastAffordable(nodes(10), { budget: usd(0.2), maxHours: 4 })).toBe(
      hoursAfter(LAUNCH, 2),
    );
  });

  it('takes the bill of deleted nodes off the budget', () => {
    const ended = aNode({ billedUntil: hoursAfter(LAUNCH, 2) });
    const open = aNode({ billedFrom: hoursAfter(LAUNCH, 3) });
    expect(lastAffordable([ended, open], budgetOf(5 * 0.0075))).toBe(hoursAfter(LAUNCH, 6));
  });

  it('adds no hour of the new month for a node that was deleted before the month ended', () => {
    const ended = aNode({
      billedFrom: at('2026-11-30T23:10:00Z'),
      billedUntil: at('2026-11-30T23:40:00Z'),
    });
    const open = aNode({ billedFrom: at('2026-11-30T20:00:00Z') });
    expect(lastAffordable([ended, open], budgetOf(7 * 0.0075))).toBe(at('2026-12-01T02:00:00Z'));
  });

  it('is the end of the month where the budget pays exactly the monthly price', () => {
    const node = aNode({ billedFrom: at('2026-10-01T00:00:00Z') });
    expect(lastAffordable([node], budgetOf(5))).toBe(at('2026-11-01T00:00:00Z'));
  });

  it('is the end of the month inside an hour that the budget pays only once', () => {
    const node = aNode({ billedFrom: at('2026-11-30T23:30:00Z') });
    expect(lastAffordable([node], budgetOf(0.0075))).toBe(at('2026-12-01T00:00:00Z'));
    expect(lastAffordable([node], budgetOf(0.015))).toBe(at('2026-12-01T00:30:00Z'));
  });

  it('is at most ten years after the creation of the youngest node', () => {
    const horizon = hoursAfter(LAUNCH, 3 + 87_600);
    const free = { price: price(0, null) };
    const pair = [aNode(free), aNode({ ...free, billedFrom: hoursAfter(LAUNCH, 3) })];
    expect(lastAffordable(pair, budgetOf(0))).toBe(horizon);
    expect(lastAffordable(pair, { budget: usd(0), maxHours: 5 })).toBe(hoursAfter(LAUNCH, 5));
    const ended = pair.map((node) => ({ ...node, billedUntil: hoursAfter(LAUNCH, 4) }));
    expect(lastAffordable(ended, { budget: usd(0), maxHours: 5 })).toBe(horizon);
    const [open] = nodes(1);
    expect(lastAffordable([open as BilledNode], budgetOf(1e9))).toBe(hoursAfter(LAUNCH, 87_600));
  });

  it('is FAR_FUTURE for no nodes', () => {
    expect(toIso(lastAffordable([], budgetOf(0)))).toBe('9999-12-31T23:59:59.999Z');
    expect(FAR_FUTURE).toBe(at('9999-12-31T23:59:59.999Z'));
  });

  it('takes less than 5 ms for 500 nodes with distinct creations and any budget', () => {
    const many = nodes(500).map((node, i) => ({
      ...node,
      billedFrom: hoursAfter(LAUNCH, 0, i * 977_123),
    }));
    const timeOf = (dollars: number): number => {
      const start = process.cpuUsage();
      lastAffordable(many, budgetOf(dollars));
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1_000;
    };
    // The least processor time of 15 calls, so that a busy machine does not fail the test.
    // Usual times are 0.3 to 1.6 ms.
    const bestOf = (dollars: number) =>
      Math.min(...Array.from({ length: 15 }, () => timeOf(dollars)));
    expect(bestOf(500)).toBeLessThan(5);
    expect(bestOf(1e9)).toBeLessThan(5);
  });
});

describe('teardownTime', () => {
  it('is the safety margin before the last affordable instant', () => {
    const limits = { ...budgetOf(1), marginMs: minutes(3) };
    expect(teardownTime(nodes(10), limits)).toBe(plus(hoursAfter(LAUNCH, 12), minutes(57)));
  });
});

describe('firstHourCost', () => {
  it('is an hour of each node, or two hours across the end of a month', () => {
    expect(firstHourCost(nanode, 10, LAUNCH)).toBe(75_000);
    expect(firstHourCost(nanode, 10, at('2026-11-30T23:00:00Z'))).toBe(75_000);
    expect(firstHourCost(nanode, 10, at('2026-11-30T23:00:01Z'))).toBe(150_000);
  });
});

describe('combinedPrice', () => {
  it('is the sum of plan and addon, without a monthly price where either has none', () => {
    expect(combinedPrice(nanode, null)).toEqual(nanode);
    expect(combinedPrice(nanode, price(0.003, 2))).toEqual(price(0.0105, 7));
    expect(combinedPrice(nanode, price(0.003, null))).toEqual(price(0.0105, null));
    expect(combinedPrice(price(0.07, null), price(0.003, 2))).toEqual(price(0.073, null));
  });
});

describe('spendByMonth', () => {
  it('splits the bill by month, with an hour across the end in both months', () => {
    const node = aNode({ billedFrom: at('2026-10-31T22:30:00Z') });
    expect(spendByMonth([node], at('2026-11-01T01:30:00Z'))).toEqual({
      '2026-10': usd(0.015),
      '2026-11': usd(0.015),
    });
  });

  it('has the first hour in the month in which the node was created', () => {
    const node = aNode({ billedFrom: at('2026-10-31T23:30:00Z') });
    expect(spendByMonth([node], at('2026-10-31T23:30:00Z'))).toEqual({ '2026-10': usd(0.0075) });
  });

  it('applies the monthly price to each month', () => {
    const node = aNode({ billedFrom: at('2026-09-01T00:00:00Z') });
    expect(spendByMonth([node], at('2026-11-01T10:00:00Z'))).toEqual({
      '2026-09': usd(5),
      '2026-10': usd(5),
      '2026-11': usd(0.075),
    });
  });
});

describe('hoursByMonth', () => {
  it('includes the hours that the monthly price makes free', () => {
    const node = aNode({ billedFrom: at('2026-10-31T22:30:00Z') });
    const ended = aNode({ billedUntil: plus(LAUNCH, minutes(61)) });
    expect(hoursByMonth([node, node, ended], at('2026-12-01T00:00:00Z'))).toEqual({
      '2026-10': 2 * 2,
      '2026-11': 2 * 721 + 2,
    });
  });
});

describe('a month by its name', () => {
  it('lasts from its first instant to the first instant of the next month', () => {
    expect(monthNamed('2026-11')).toEqual({
      name: '2026-11',
      start: at('2026-11-01T00:00:00Z'),
      end: at('2026-12-01T00:00:00Z'),
    });
    expect(monthNamed('2028-12').end).toBe(at('2029-01-01T00:00:00Z'));
  });

  it('has its instants, whichever month was asked for before', () => {
    const instants = [
      ...['2026-11-30T23:59:59.999Z', '2026-12-01T00:00:00Z', '2026-11-01T00:00:00Z'],
      ...['2026-10-31T23:59:59.999Z', '2027-11-15T00:00:00Z', '2026-11-15T00:00:00Z'],
    ];
    expect(instants.map((instant) => monthName(at(instant)))).toEqual(
      instants.map((instant) => instant.slice(0, 7)),
    );
  });

  it.each(['1970-01', '1979-12', '1999-09', '2000-02', '9999-12'])('can be %s', (name) => {
    expect(monthName(monthNamed(name).start)).toBe(name);
  });

  it.each(['2026-13', '2026-00', '2026-1', '26-11', '2026-11-01', ' 2026-11', '1969-12', ''])(
    'can not be %j',
    (name) => {
      expect(isMonthName(name)).toBe(false);
      expect(() => monthNamed(name)).toThrow(new RangeError(`${name} is no month`));
    },
  );
});

/** The started hours of a node; the node's deletion or `instant` cuts the last hour short. */
function startedHours(node: BilledNode, instant: EpochMs): { from: number; to: number }[] {
  const end = Math.min(instant, node.billedUntil ?? instant);
  const started = [];
  for (let from: number = node.billedFrom; from < end; from += HOUR) {
    started.push({ from, to: Math.min(from + HOUR, end) });
  }
  // Linode bills one hour even for a node that existed for no time, in the month it starts in.
  return started.length > 0 ? started : [{ from: node.billedFrom, to: node.billedFrom + 1 }];
}

const monthName = (instant: number): string => new Date(instant).toISOString().slice(0, 7);

/** A reading of Linode's documentation: the months in which Linode bills a started hour. */
type Reading = (hour: { from: number; to: number }) => readonly string[];

/** Linode's bill if Linode bills each started hour in the months that the reading names. */
function billRead(node: BilledNode, instant: EpochMs, reading: Reading): number {
  const hoursIn = new Map<string, number>();
  for (const month of startedHours(node, instant).flatMap(reading)) {
    hoursIn.set(month, (hoursIn.get(month) ?? 0) + 1);
  }
  return billOfHours(node, [...hoursIn.values()]);
}

/** Linode's bill if Linode cuts hours at the end of the month, and rounds up month by month. */
function billCut(node: BilledNode, instant: EpochMs): number {
  const used = new Map<string, number>();
  const use = (from: number, to: number) =>
    used.set(monthName(from), (used.get(monthName(from)) ?? 0) + (to - from));
  for (const { from, to } of startedHours(node, instant)) {
    const monthStart = `${monthName(to - 1)}-01T00:00:00Z`;
    const cut = Math.max(from, Math.min(to, Date.parse(monthStart)));
    if (cut > from) use(from, cut);
    if (to > cut) use(cut, to);
  }
  return billOfHours(
    node,
    [...used.values()].map((ms) => Math.ceil(ms / HOUR)),
  );
}

/** The bill of the hours of each month, limited by the monthly price. */
const billOfHours = (node: BilledNode, hoursOfMonths: readonly number[]): number =>
  hoursOfMonths
    .map((hoursBilled) => Math.min(hoursBilled * node.price.hourly, node.price.monthly ?? Infinity))
    .reduce((total, bill) => total + bill, 0);

const inBoth: Reading = ({ from, to }) => [...new Set([monthName(from), monthName(to - 1)])];
const whereItStarts: Reading = ({ from }) => [monthName(from)];
const whereItEnds: Reading = ({ to }) => [monthName(to - 1)];

/** An instant of 2026 to 2028, two times in three near the end of a month. */
const anInstant = fc.oneof(
  fc.integer({ min: at('2026-01-15T00:00:00Z'), max: at('2028-04-01T00:00:00Z') }),
  fc
    .tuple(fc.integer({ min: 0, max: 26 }), fc.integer({ min: -3 * HOUR, max: 3 * HOUR }))
    .map(([month, ms]) => Date.UTC(2026, 1 + month) + ms),
  fc
    .tuple(fc.integer({ min: 0, max: 26 }), fc.integer({ min: -40, max: 40 }))
    .map(([month, quarters]) => Date.UTC(2026, 1 + month) + quarters * (HOUR / 4)),
);
const aLength = fc.oneof(
  fc.integer({ min: -2 * HOUR, max: 45 * 24 * HOUR }),
  fc.integer({ min: -2, max: 1_000 }).map((wholeHours) => wholeHours * HOUR),
);
const aPrice: fc.Arbitrary<Price> = fc
  .tuple(
    fc.integer({ min: 0, max: 5_000_000 }),
    fc.option(fc.integer({ min: 1, max: 760 }), { nil: null }),
    fc.constantFrom('bothMonths' as const, 'startMonth' as const),
  )
  .map(([hourly, paidHours, reading]) => {
    const monthly =
      paidHours === null ? null : microUsd(hourly * paidHours - Math.floor(hourly / 3));
    return readAs({ hourly: microUsd(hourly), monthly }, reading);
  });
const aBilledNode: fc.Arbitrary<BilledNode> = fc
  .tuple(anInstant, fc.option(aLength, { nil: null, freq: 3 }), aPrice)
  .map(([from, length, nodePrice]) => ({
    billedFrom: epochMs(from),
    billedUntil: length === null ? null : epochMs(from + length),
    price: nodePrice,
  }));
/** The nodes of a cluster, created within five hours of each other. */
const aCluster = fc
  .tuple(
    anInstant,
    fc.array(fc.tuple(aBilledNode, fc.integer({ min: 0, max: 5 * HOUR })), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([from, members]) =>
    members.map(([node, offset]) => ({
      ...node,
      billedFrom: epochMs(from + offset),
      billedUntil:
        node.billedUntil === null
          ? null
          : epochMs(from + offset + (node.billedUntil - node.billedFrom)),
    })),
  );
const aLimit = fc.record({
  budget: fc.oneof(
    fc.integer({ min: 0, max: 1_000_000_000 }).map(microUsd),
    fc.integer({ min: 0, max: 1_000_000_000_000_000 }).map(microUsd),
  ),
  maxHours: fc.option(fc.integer({ min: 1, max: 87_600 }), { nil: null }),
});
const oldestOf = (cluster: readonly BilledNode[]): number =>
  Math.min(...cluster.map((node) => node.billedFrom));

describe('always', () => {
  it('the bill is the sum of the bills of the months', () => {
    fc.assert(
      fc.property(fc.array(aBilledNode, { maxLength: 5 }), anInstant, (cluster, instant) => {
        const months = spendByMonth(cluster, epochMs(instant));
        const total = Object.values(months).reduce((sum, bill) => sum + bill, 0);
        expect(total).toBe(spend(cluster, epochMs(instant)));
      }),
    );
  });

  it('hoursByMonth is the bill of each month where an hour costs one micro-dollar', () => {
    const perHour = { hourly: microUsd(1), monthly: null };
    fc.assert(
      fc.property(fc.array(aBilledNode, { maxLength: 5 }), anInstant, (cluster, instant) => {
        const repriced = cluster.map((node) => ({
          ...node,
          price: readAs(perHour, node.price.monthEndHour),
        }));
        const months = spendByMonth(repriced, epochMs(instant));
        expect(hoursByMonth(cluster, epochMs(instant))).toEqual(months);
      }),
    );
  });

  it('the bill never falls as time passes', () => {
    fc.assert(
      fc.property(aCluster, aLength, fc.nat(100 * HOUR), (cluster, length, more) => {
        const early = epochMs(oldestOf(cluster) + length);
        expect(spend(cluster, early)).toBeLessThanOrEqual(spend(cluster, epochMs(early + more)));
      }),
    );
  });

  it('the bill is the sum of all started hours, counted one by one', () => {
    fc.assert(
      fc.property(aBilledNode, aLength, (node, length) => {
        const instant = epochMs(node.billedFrom + length);
        const reading = node.price.monthEndHour === 'startMonth' ? whereItStarts : inBoth;
        expect(spend([node], instant)).toBe(billRead(node, instant, reading));
      }),
    );
  });

  it('the bill is at most what it is with hours that count in both months', () => {
    fc.assert(
      fc.property(aBilledNode, aLength, (node, length) => {
        const instant = epochMs(node.billedFrom + length);
        const twice = { ...node, price: readAs(node.price) };
        const bill = spend([node], instant);
        expect(bill).toBeLessThanOrEqual(spend([twice], instant));
        // Rounded down to the hour, no hour touches two months.
        const whole = { ...node, billedFrom: epochMs(Math.floor(node.billedFrom / HOUR) * HOUR) };
        const wholeTwice = { ...whole, price: twice.price };
        expect(spend([whole], instant)).toBe(spend([wholeTwice], instant));
      }),
    );
  });

  it("the bill is at least as large as by any reading of how Linode bills the month's end", () => {
    fc.assert(
      fc.property(aBilledNode, aLength, (asPriced, length) => {
        const node = { ...asPriced, price: readAs(asPriced.price) };
        const instant = epochMs(node.billedFrom + length);
        const bill = spend([node], instant);
        expect(bill).toBeGreaterThanOrEqual(billRead(node, instant, whereItStarts));
        expect(bill).toBeGreaterThanOrEqual(billRead(node, instant, whereItEnds));
        expect(bill).toBeGreaterThanOrEqual(billCut(node, instant));
      }),
    );
  });

  it('the bill without a monthly price is at least the started hours at the hourly price', () => {
    fc.assert(
      fc.property(aBilledNode, aLength, (node, length) => {
        const unlimited = { ...node, price: { ...node.price, monthly: null } };
        const instant = epochMs(node.billedFrom + length);
        const started = startedHours(node, instant).length;
        expect(spend([unlimited], instant)).toBeGreaterThanOrEqual(started * node.price.hourly);
      }),
    );
  });

  it('the bill of a cluster is the sum of the bills of its nodes, in any order', () => {
    fc.assert(
      fc.property(aCluster, aLength, aLimit, (cluster, length, limits) => {
        const instant = epochMs(oldestOf(cluster) + length);
        const total = cluster.reduce((bill, node) => bill + spend([node], instant), 0);
        expect(spend(cluster, instant)).toBe(total);
        const backwards = [...cluster].reverse();
        expect(spend(backwards, instant)).toBe(total);
        expect(lastAffordable(backwards, limits)).toBe(lastAffordable(cluster, limits));
      }),
    );
  });

  it('the bill is within the budget when the safety margin after the teardown time is over', () => {
    fc.assert(
      fc.property(aCluster, aLimit, fc.nat(60), (cluster, limits, marginMinutes) => {
        fc.pre(spend(cluster, epochMs(oldestOf(cluster))) <= limits.budget);
        const marginMs = minutes(marginMinutes);
        const end = plus(teardownTime(cluster, { ...limits, marginMs }), marginMs);
        expect(spend(cluster, end)).toBeLessThanOrEqual(limits.budget);
      }),
    );
  });

  it('a millisecond after the last affordable instant some limit is exceeded', () => {
    fc.assert(
      fc.property(aCluster, aLimit, (cluster, limits) => {
        const next = epochMs(lastAffordable(cluster, limits) + 1);
        const isTooDear = spend(cluster, next) > limits.budget;
        const maxHours = limits.maxHours ?? Infinity;
        const isTooLong = cluster.some(
          (node) => node.billedUntil === null && next - node.billedFrom > maxHours * HOUR,
        );
        const youngest = Math.max(...cluster.map((node) => node.billedFrom));
        const isTooFar = next > youngest + 87_600 * HOUR;
        expect({ isTooDear, isTooLong, isTooFar }).not.toEqual({
          isTooDear: false,
          isTooLong: false,
          isTooFar: false,
        });
      }),
    );
  });

  it('at the last affordable instant no node that is still billed is older than maxHours', () => {
    fc.assert(
      fc.property(aCluster, aLimit, (cluster, limits) => {
        const end = lastAffordable(cluster, limits);
        for (const node of cluster.filter(({ billedUntil }) => billedUntil === null)) {
          const maxHours = limits.maxHours ?? Infinity;
          expect(end - node.billedFrom).toBeLessThanOrEqual(maxHours * HOUR);
        }
      }),
    );
  });

  it('a bigger budget lasts at least as long', () => {
    fc.assert(
      fc.property(aCluster, aLimit, fc.nat(1e9), (cluster, limits, more) => {
        const bigger = { ...limits, budget: microUsd(limits.budget + more) };
        expect(lastAffordable(cluster, bigger)).toBeGreaterThanOrEqual(
          lastAffordable(cluster, limits),
        );
      }),
    );
  });

  it('firstHourCost agrees with spend and lastAffordable', () => {
    fc.assert(
      fc.property(
        aPrice,
        fc.integer({ min: 1, max: 20 }),
        anInstant,
        aLimit,
        (nodePrice, count, ms, limits) => {
          const from = epochMs(ms);
          const cluster = nodes(count, { billedFrom: from, price: nodePrice });
          const firstHour = firstHourCost(nodePrice, count, from);
          expect(firstHour).toBe(spend(cluster, plus(from, hours(1))));
          const isAfforded = lastAffordable(cluster, limits) >= plus(from, hours(1));
          expect(isAfforded).toBe(firstHour <= limits.budget);
        },
      ),
    );
  });

  it('a combined price never bills less than the prices of plan and addon apart', () => {
    fc.assert(
      fc.property(aBilledNode, aPrice, aLength, (node, addon, length) => {
        const instant = epochMs(node.billedFrom + length);
        const price = readAs(addon, node.price.monthEndHour);
        const apart = spend([node], instant) + spend([{ ...node, price }], instant);
        const both = { ...node, price: combinedPrice(node.price, addon) };
        expect(spend([both], instant)).toBeGreaterThanOrEqual(apart);
      }),
    );
  });
});
