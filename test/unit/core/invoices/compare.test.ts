import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterId } from '../../../../lib/core/base/names.ts';
import { type EpochMs, epochMs, hours, plus } from '../../../../lib/core/base/units.ts';
import type { MonthName } from '../../../../lib/core/billing/bill.ts';
import { readAs } from '../../../../lib/core/billing/price.ts';
import { totalsOf } from '../../../../lib/core/cluster/month-totals.ts';
import type { ClusterRecord } from '../../../../lib/core/cluster/record.ts';
import { amount } from '../../../../lib/core/invoices/amount.ts';
import { compareMonth, knownOf, recordedIn } from '../../../../lib/core/invoices/compare.ts';
import {
  type Difference,
  differenceKinds,
  isAlarming,
  wordsOf,
} from '../../../../lib/core/invoices/differences.ts';
import { type InvoiceItem, monthOfItem } from '../../../../lib/core/invoices/invoice.ts';
import {
  aBought,
  anEnded,
  at,
  gone,
  ID,
  LAUNCH,
  OTHER_ID,
  usd,
} from '../../../support/builders.ts';

const NOVEMBER: MonthName = '2026-11';
const DECEMBER: MonthName = '2026-12';

/** An ended cluster of nodes with these lives; the Linodes have ids from 101 on. */
function aCluster(
  lives: readonly (readonly [EpochMs, EpochMs])[],
  over: Partial<ClusterRecord> = {},
): ClusterRecord {
  const nodes = lives.map(([billedFrom, billedUntil], index) =>
    gone(index, { linodeId: 101 + index, billedFrom, billedUntil }),
  );
  const endedAt = epochMs(Math.max(...lives.map(([, end]) => end)));
  return anEnded({ createdAt: lives[0]?.[0] ?? LAUNCH, endedAt, nodes, ...(over as object) });
}

const forHours = (count: number, from = LAUNCH): readonly [EpochMs, EpochMs] => [
  from,
  plus(from, hours(count)),
];

interface Raw {
  readonly label?: string;
  readonly quantity?: number | null;
  readonly unit?: number | null;
  readonly usd?: number;
  readonly tax?: number;
  readonly isExact?: boolean;
}

/** An item of the Linode `id`: hours at the price of a nanode, unless it says otherwise. */
const item = (id: number, quantity: number, raw: Raw = {}): InvoiceItem => ({
  label: raw.label ?? `Nanode 1GB - a-name (${id})`,
  quantity: raw.quantity === undefined ? quantity : raw.quantity,
  unitPrice: raw.unit === null ? null : amount(Math.round((raw.unit ?? 0.0075) * 1e6)),
  amount: amount(Math.round((raw.usd ?? quantity * (raw.unit ?? 0.0075)) * 1e6)),
  isExact: raw.isExact ?? true,
  tax: amount(Math.round((raw.tax ?? 0) * 1e6)),
  from: LAUNCH,
});

function compare(
  records: readonly ClusterRecord[],
  items: readonly InvoiceItem[],
  month = NOVEMBER,
  unreadable: readonly ClusterId[] = [],
  nearby: readonly InvoiceItem[] = [],
) {
  const recorded = records.map((record) => recordedIn(record, month, at('2027-01-05T00:00:00Z')));
  const sizes = new Map(records.map(({ id, nodes }) => [id, nodes.length]));
  const known = knownOf(recorded, sizes, new Set(unreadable));
  const billed = items.map((one) => ({ invoiceId: 7, item: one }));
  return compareMonth(recorded, billed, known, nearby);
}

/** The differences of the only cluster, in dollars. */
function found(records: readonly ClusterRecord[], items: readonly InvoiceItem[], month = NOVEMBER) {
  const { clusters } = compare(records, items, month);
  return (clusters.get(ID)?.differences ?? []).map(({ kind, amount: more, count }) => [
    kind,
    more / 1e6,
    count,
  ]);
}

describe('a cluster and its invoice', () => {
  it('are equal to the micro-dollar if each node has its hours at its price', () => {
    const record = aCluster([forHours(3), forHours(5)]);
    const { clusters } = compare([record], [item(101, 3), item(102, 5, { tax: 0.01 })]);
    expect(clusters.get(ID)).toEqual({
      recorded: 60_000,
      invoiced: 60_000,
      tax: 10_000,
      differences: [],
      invoiceIds: [7],
    });
  });

  it('are equal if several invoices bill parts of the hours', () => {
    expect(found([aCluster([forHours(5)])], [item(101, 2), item(101, 3)])).toEqual([]);
  });

  it.each<[string, InvoiceItem[], unknown[]]>([
    ['has no item', [item(102, 5)], ['notInvoiced', -0.0225, 1]],
    ['is billed for longer', [item(101, 7), item(102, 5)], ['hours', 0.03, 1]],
    ['is billed for less', [item(101, 1), item(102, 5)], ['hours', -0.015, 1]],
    ['is dearer', [item(101, 3, { unit: 0.01 }), item(102, 5)], ['price', 0.0075, 1]],
    [
      'is dearer, without hours',
      [item(101, 3, { quantity: null, usd: 0.035, unit: null }), item(102, 5)],
      ['price', 0.0125, 1],
    ],
    ['is rounded to cents', [item(101, 3, { usd: 0.02 }), item(102, 5)], ['rounding', -0.0025, 1]],
    ['is rounded up', [item(101, 3, { usd: 0.03 }), item(102, 5)], ['rounding', 0.0075, 1]],
    [
      'is in whole cents at another price',
      [item(101, 3, { usd: 0.03, unit: 0.01 }), item(102, 5)],
      ['price', 0.0075, 1],
    ],
    [
      'is in whole cents far from the bill',
      [item(101, 3, { usd: 0.05 }), item(102, 5)],
      ['price', 0.0275, 1],
    ],
    [
      'has finer decimals',
      [item(101, 3, { usd: 0.022501, isExact: false }), item(102, 5)],
      ['rounding', 0.000001, 1],
    ],
    [
      'has backups',
      [
        item(101, 3),
        item(101, 3, { label: 'Backup Service - Nanode 1GB - x (101)', unit: 0.003 }),
        item(102, 5),
      ],
      ['backups', 0.009, 1],
    ],
    [
      'is managed',
      [item(101, 3), item(101, 3, { label: 'Linode Managed - x (101)', unit: 0.15 }), item(102, 5)],
      ['price', 0.45, 1],
    ],
  ])('differ if a node %s', (_, items, expected) => {
    expect(found([aCluster([forHours(3), forHours(5)])], items)).toEqual([expected]);
  });

  it('differ in several ways at once, each with its own share', () => {
    const items = [item(101, 5, { unit: 0.01 })];
    expect(found([aCluster([forHours(3), forHours(5)])], items)).toEqual([
      ['price', 0.0125, 1],
      ['notInvoiced', -0.0375, 1],
      ['hours', 0.015, 1],
    ]);
  });

  it('are equal at the monthly price, whatever hours the invoice gives', () => {
    const month = [at('2026-11-01T00:00:00Z'), at('2026-12-01T00:00:00Z')] as const;
    for (const quantity of [720, 667, 700]) {
      expect(found([aCluster([month])], [item(101, quantity, { usd: 5 })])).toEqual([]);
    }
    expect(found([aCluster([month])], [item(101, 720, { usd: 5.4 })])).toEqual([['price', 0.4, 1]]);
  });

  it('are equal with backups that the record has, and differ without their item', () => {
    const record = aCluster([forHours(3)]);
    const nodes = record.nodes.map((node) => ({ ...node, backups: true }));
    const saved = { ...record, nodes } as ClusterRecord;
    const backups = item(101, 3, { label: 'Backup Service - Nanode 1GB - x (101)', unit: 0.003 });
    expect(found([saved], [item(101, 3), backups])).toEqual([]);
    expect(found([saved], [item(101, 3)])).toEqual([['backups', -0.009, 1]]);
    const longer = item(101, 5, { label: 'Backup Service - Nanode 1GB - x (101)', unit: 0.003 });
    expect(found([saved], [item(101, 5), longer])).toEqual([['hours', 0.021, 2]]);
  });

  it('share items that name only the cluster among its nodes', () => {
    const items = [item(0, 3, { label: `onebuck-${ID}` }), item(0, 5, { label: `onebuck-${ID}` })];
    expect(found([aCluster([forHours(3), forHours(5)])], items)).toEqual([]);
    expect(found([aCluster([forHours(3)])], items)).toEqual([['hours', 0.0375, 1]]);
  });

  it('are not compared in a month that neither of them bills', () => {
    expect(compare([aCluster([forHours(3)])], [], DECEMBER).clusters.size).toBe(0);
  });
});

describe("an hour across the month's end", () => {
  const [from, until] = [at('2026-11-30T22:30:00Z'), at('2026-12-01T01:10:00Z')];
  const record = aCluster([[from, until]]);

  it.each<[string, MonthName, number, unknown[], object]>([
    ['both months', NOVEMBER, 2, [], {}],
    ['both months', DECEMBER, 2, [], { bothMonths: 1 }],
    ['the month of its start', DECEMBER, 1, ['monthEnd', -0.0075, 1], { startMonth: 1 }],
    ['the month of its end', NOVEMBER, 1, ['monthEnd', -0.0075, 1], { endMonth: 1 }],
  ])(
    'is learnt to be billed in %s from the invoice of %s',
    (_, month, quantity, expected, seen) => {
      const { clusters, evidence } = compare([record], [item(101, quantity)], month);
      const { differences } = clusters.get(ID) ?? { differences: [] };
      expect(differences.map(({ kind, amount: more, count }) => [kind, more / 1e6, count])).toEqual(
        expected.length === 0 ? [] : [expected],
      );
      expect(evidence).toEqual({ startMonth: 0, endMonth: 0, bothMonths: 0, ...seen });
    },
  );

  it('leaves a month without an item, if it is all of the life there, and billed in the other', () => {
    const brief = aCluster([[at('2026-11-30T23:40:00Z'), at('2026-12-01T00:20:00Z')]]);
    const lacking = (month: MonthName, nearby: readonly InvoiceItem[]) => {
      const { clusters, evidence } = compare([brief], [], month, [], nearby);
      return [clusters.get(ID)?.differences.map(({ kind }) => kind), evidence];
    };
    const none = { startMonth: 0, endMonth: 0, bothMonths: 0 };
    expect(lacking(DECEMBER, [item(101, 1)])).toEqual([['monthEnd'], { ...none, startMonth: 1 }]);
    expect(lacking(NOVEMBER, [item(101, 1)])).toEqual([['monthEnd'], { ...none, endMonth: 1 }]);
    expect(lacking(DECEMBER, [item(102, 1)])).toEqual([['notInvoiced'], none]);
  });

  describe('that the record counts in the month of its start alone', () => {
    const bought = aBought({ price: readAs(aBought().price, 'startMonth') });
    const once = aCluster([[from, until]], { bought });

    it.each<[string, MonthName, number, unknown[], object]>([
      ['the month of its start', NOVEMBER, 2, [], {}],
      ['the month of its start', DECEMBER, 1, [], { startMonth: 1 }],
      ['both months', DECEMBER, 2, ['monthEnd', 0.0075, 1], { bothMonths: 1 }],
      ['the month of its end', NOVEMBER, 1, ['monthEnd', -0.0075, 1], { endMonth: 1 }],
    ])(
      'is learnt to be billed in %s from the invoice of %s',
      (_, month, quantity, expected, seen) => {
        const { evidence } = compare([once], [item(101, quantity)], month);
        expect(found([once], [item(101, quantity)], month)).toEqual(
          expected.length === 0 ? [] : [expected],
        );
        expect(evidence).toEqual({ startMonth: 0, endMonth: 0, bothMonths: 0, ...seen });
      },
    );

    it('is told of if Linode bills it in a month in which the record has no hour', () => {
      const brief = aCluster([[from, plus(from, hours(2))]], { bought });
      expect(compare([brief], [], DECEMBER).clusters.size).toBe(0);
      expect(found([brief], [item(101, 1)], DECEMBER)).toEqual([['monthEnd', 0.0075, 1]]);
      expect(found([brief], [item(101, 2)], DECEMBER)).toEqual([['hours', 0.015, 1]]);
      const more: Difference = { kind: 'monthEnd', amount: amount(7_500), count: 1 };
      expect(isAlarming(more)).toBe(true);
      expect(wordsOf(more).advice).toContain('Set MONTH_END_HOUR to bothMonths');
      expect(wordsOf({ ...more, amount: amount(-7_500) }).advice).toContain('Nothing to do');
    });
  });

  it('is no reason for more than an hour', () => {
    expect(found([record], [item(101, 4)])).toEqual([['hours', 0.015, 1]]);
    expect(found([aCluster([[from, plus(until, hours(5))]])], [item(101, 5)], DECEMBER)).toEqual([
      ['hours', -0.015, 1],
    ]);
  });
});

describe('transfer, which Linode bills for the whole account', () => {
  const overage = (dollars: number, tax = 0) =>
    item(0, 300, { label: 'Outbound Transfer Overage', usd: dollars, tax });

  /** Two clusters of $0.0225 and $0.0375 for hours, whose records count this for transfer. */
  function compareTransfer(counted: readonly number[], items: readonly InvoiceItem[]) {
    const lives = [forHours(3), forHours(5)];
    const recorded = counted.map((transfer, index) => {
      const record = aCluster([lives[index] ?? forHours(1)], { id: index === 0 ? ID : OTHER_ID });
      const nodes = record.nodes.map((node) => ({ ...node, linodeId: 101 + index }));
      const plain = recordedIn({ ...record, nodes } as ClusterRecord, NOVEMBER, LAUNCH);
      return { ...plain, transfer: usd(transfer) };
    });
    const sizes = new Map(recorded.map(({ id }) => [id, 1]));
    const known = knownOf(recorded, sizes, new Set());
    const hours = [item(101, 3), item(102, 5)].slice(0, counted.length);
    const billed = [...hours, ...items].map((one, index) => ({ invoiceId: 7 + index, item: one }));
    const { clusters, differences } = compareMonth(recorded, billed, known, []);
    const rows = [...clusters.values()];
    const all: Difference[] = [...differences, ...rows.flatMap((row) => row.differences)];
    const total = (amounts: readonly number[]) => amounts.reduce((sum, one) => sum + one, 0);
    const beyond =
      total([...hours, ...items].map((one) => one.amount)) - total(rows.map((row) => row.recorded));
    expect(total(all.map((one) => one.amount))).toBe(beyond);
    return { rows, differences, alarming: all.filter(isAlarming) };
  }

  it('is the clusters’ as far as their records count it, and nothing differs', () => {
    const { rows, differences, alarming } = compareTransfer([0.04, 0.74], [overage(0.78, 0.1)]);
    expect(rows).toEqual([
      {
        ...{ recorded: 62_500, invoiced: 62_500, tax: 5_128 },
        ...{ differences: [], invoiceIds: [7, 9] },
      },
      {
        ...{ recorded: 777_500, invoiced: 777_500, tax: 94_872 },
        ...{ differences: [], invoiceIds: [8, 9] },
      },
    ]);
    expect([differences, alarming]).toEqual([[], []]);
  });

  it('is told of beyond what all records count', () => {
    const { rows, differences } = compareTransfer([0.04, 0], [overage(1), overage(0.5)]);
    expect(rows.map((row) => [row.differences, row.invoiceIds])).toEqual([
      [[], [7, 9, 10]],
      [[], [8]],
    ]);
    expect(differences).toMatchObject([{ kind: 'transfer', amount: 1_460_000, count: 2 }]);
  });

  it('is shared by the clusters where the pool of the account bears some of it', () => {
    const { rows, differences, alarming } = compareTransfer([0.04, 0.02], [overage(0.02)]);
    expect(rows.map((row) => [row.invoiced, row.differences])).toEqual([
      [22_500 + 13_333, [{ kind: 'transfer', amount: -26_667, count: 1 }]],
      [37_500 + 6_667, [{ kind: 'transfer', amount: -13_333, count: 1 }]],
    ]);
    expect([differences, alarming]).toEqual([[], []]);
    expect(compareTransfer([0.04], []).rows).toMatchObject([
      { invoiced: 22_500, differences: [{ kind: 'transfer', amount: -40_000 }], invoiceIds: [7] },
    ]);
  });

  it('is no news where the invoice has it in whole cents, nor is a credit', () => {
    const rounded = compareTransfer([0.035], [overage(0.04)]);
    expect(rounded.differences).toMatchObject([{ kind: 'rounding', amount: 5_000 }]);
    expect(compareTransfer([0.04], [overage(-0.015)]).differences).toMatchObject([
      { kind: 'transfer', amount: -15_000 },
    ]);
    expect(rounded.alarming).toEqual([]);
  });

  it('sums up exactly, and is never alarmed up to what the records count', () => {
    const micro = fc.nat(2_000_000_000).map((value) => value / 1e6);
    fc.assert(
      fc.property(micro, micro, micro, (one, other, billed) => {
        const { rows, alarming } = compareTransfer([one, other], [overage(billed)]);
        const counted = Math.round(one * 1e6) + Math.round(other * 1e6);
        if (Math.round(billed * 1e6) <= counted) expect(alarming).toEqual([]);
        for (const row of rows) expect(row.invoiced).toBeLessThanOrEqual(row.recorded);
      }),
    );
  });
});

describe('items of no cluster', () => {
  it('are told with their labels, or ignored if they are of strangers', () => {
    const items = [
      item(101, 3),
      item(900_009, 4, { label: `onebuck-${ID}-0 (900009)` }),
      item(900_008, 4, { label: 'onebuck-cunknown222-0 (900008)' }),
      item(900_007, 9),
      item(0, 300, { label: 'Outbound Transfer Overage', usd: 1.5, unit: 0.005 }),
    ];
    const { clusters, differences } = compare([aCluster([forHours(3)])], items);
    expect(clusters.get(ID)?.differences).toEqual([]);
    expect(differences).toEqual([
      { kind: 'transfer', amount: 1_500_000, count: 1, labels: ['Outbound Transfer Overage'] },
      {
        kind: 'unknownLinode',
        amount: 60_000,
        count: 2,
        labels: [`onebuck-${ID}-0 (900009)`, 'onebuck-cunknown222-0 (900008)'],
      },
    ]);
  });

  it('are those of nodes whose clusters had ended before the month', () => {
    const earlier = recordedIn(aCluster([forHours(3)]), DECEMBER, at('2027-01-05T00:00:00Z'));
    const known = knownOf([earlier], new Map([[ID, 1]]), new Set());
    const labels = [`Nanode 1GB - onebuck-${ID}-0 (101)`, `onebuck-${ID}-0`, 'Linode 101'];
    const billed = [...labels, `onebuck-${ID}-7`].map((label) => ({
      invoiceId: 7,
      item: item(0, 1, { label }),
    }));
    const { clusters, differences } = compareMonth([], billed, known, []);
    expect(clusters.size).toBe(0);
    expect(differences).toEqual([
      { kind: 'unknownLinode', amount: 7_500, count: 1, labels: [`onebuck-${ID}-7`] },
      { kind: 'billedOn', amount: 22_500, count: 3, labels },
    ]);
  });

  it('are those of a node that by its record never had a Linode', () => {
    const record = aCluster([forHours(3)]);
    const never = { state: 'neverCreated', index: 1, label: `onebuck-${ID}-1`, reason: 'sold out' };
    const partial = { ...record, nodes: [...record.nodes, never] } as ClusterRecord;
    const items = [item(101, 3), item(0, 1, { label: `onebuck-${ID}-1` })];
    const { clusters, differences } = compare([partial], items);
    expect(clusters.get(ID)?.differences).toEqual([]);
    expect(differences).toMatchObject([{ kind: 'unknownLinode', amount: 7_500, count: 1 }]);
  });

  it('are counted if their record can not be read', () => {
    const items = [item(900_009, 4, { label: `onebuck-${OTHER_ID}-0 (900009)` })];
    expect(compare([], items, NOVEMBER, [OTHER_ID])).toMatchObject({
      unreadable: 1,
      differences: [],
    });
  });
});

it('all differences together are the invoice less the record, whatever the items say', () => {
  const start = fc
    .integer({ min: -3_000, max: 3_000 })
    .map((minutes) => epochMs(at('2026-12-01T00:00:00Z') + minutes * 60_000));
  const life = fc
    .tuple(start, fc.integer({ min: 0, max: 900 * 60 }))
    .map(([from, minutes]) => [from, epochMs(from + minutes * 60_000)] as const);
  const anItem = fc.record({
    id: fc.integer({ min: 99, max: 105 }),
    quantity: fc.option(fc.nat(50), { nil: null }),
    usd: fc.integer({ min: -1_000, max: 1_000 }).map((cents) => cents / 100),
    unit: fc.constantFrom(null, 0.0075, 0.003, 5),
    label: fc.constantFrom(
      'Linode',
      'Backup Service - Linode',
      'Linode Managed',
      'Outbound Transfer Overage',
      'onebuck-cunknown222-0',
    ),
    isExact: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(life, { minLength: 1, maxLength: 4 }),
      fc.array(anItem, { maxLength: 8 }),
      fc.boolean(),
      fc.constantFrom(NOVEMBER, DECEMBER),
      (lives, raws, backups, month) => {
        const record = aCluster(lives, {
          bought: aBought({
            backupsPrice: backups ? { hourly: usd(0.003), monthly: usd(2) } : null,
          }),
        });
        const nodes = record.nodes.map((node) => ({ ...node, backups }));
        const items = raws.map(({ id, label, quantity, ...raw }) =>
          item(id, quantity ?? 0, { ...raw, quantity, label: `${label} (${id})` }),
        );
        const known = new Set(lives.map((_, index) => `(${101 + index})`));
        const counted = items.filter(
          ({ label }) =>
            /onebuck|Overage/.test(label) || [...known].some((id) => label.endsWith(id)),
        );
        const { clusters, differences } = compare(
          [{ ...record, nodes } as ClusterRecord],
          items,
          month,
        );
        const all: Difference[] = [
          ...differences,
          ...[...clusters.values()].flatMap((cluster) => cluster.differences),
        ];
        const recorded = [...clusters.values()].reduce((sum, one) => sum + one.recorded, 0);
        const invoiced = counted.reduce((sum, one) => sum + one.amount, 0);
        expect(all.reduce((sum, one) => sum + one.amount, 0)).toBe(invoiced - recorded);
        const billed = totalsOf(
          { ...record, nodes } as ClusterRecord,
          month,
          epochMs(record.createdAt),
        );
        expect(recorded).toBe(clusters.size === 0 ? 0 : billed.billed);
      },
    ),
  );
});

it('each kind of difference has words, which say how much, and what to do', () => {
  for (const kind of differenceKinds) {
    const { text, advice } = wordsOf({ kind, amount: amount(7_500), count: 3 });
    expect(text).toMatch(/\+\$0\.0075/);
    expect(text).toMatch(/3 (nodes|items|amounts)/);
    expect(advice).toMatch(/\.$/);
  }
});

it.each<[Difference['kind'], number, boolean]>([
  ['rounding', 5_000, false],
  ['monthEnd', -7_500, false],
  ['monthEnd', 7_500, true],
  ['transfer', -7_500, false],
  ['transfer', 7_500, true],
  ['notInvoiced', -7_500, true],
  ['hours', 7_500, true],
  ['unknownLinode', 7_500, true],
  ['billedOn', 7_500, true],
])('of %s by %i a person is told: %s', (kind, more, isTold) => {
  expect(isAlarming({ kind, amount: amount(more), count: 1 })).toBe(isTold);
});

it('an item is of the month in which it begins, or else of the month before its invoice', () => {
  const invoice = { date: at('2026-12-01T00:00:00Z') };
  expect(monthOfItem({ ...item(1, 1), from: at('2026-11-30T23:59:59Z') }, invoice)).toBe(NOVEMBER);
  expect(monthOfItem({ ...item(1, 1), from: at('2026-12-01T00:00:00Z') }, invoice)).toBe(DECEMBER);
  expect(monthOfItem({ ...item(1, 1), from: null }, invoice)).toBe(NOVEMBER);
});
