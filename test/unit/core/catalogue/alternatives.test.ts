import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd, toUsd } from '../../../../lib/core/base/money.ts';
import { minutes } from '../../../../lib/core/base/units.ts';
import {
  alternatives,
  type Market,
  regionsToAsk,
} from '../../../../lib/core/catalogue/alternatives.ts';
import {
  type CatalogueLists,
  isLaunchable,
  resolve,
} from '../../../../lib/core/catalogue/choose.ts';
import type { Image, LinodeType, Region } from '../../../../lib/core/catalogue/lists.ts';
import type { Alternative } from '../../../../lib/core/cluster/advice.ts';
import { quote } from '../../../../lib/core/cluster/quote.ts';
import { parseSpec, type Spec } from '../../../../lib/core/cluster/spec.ts';
import { LAUNCH, price, usd } from '../../../support/builders.ts';

/** Id, class, vCPUs, MB, and the hourly dollars in most regions, Jakarta and São Paulo. */
const ROWS = [
  ['g6-nanode-1', 'nanode', 1, 1_024, 0.0075, 0.009, 0.0105],
  ['g6-standard-1', 'standard', 1, 2_048, 0.018, 0.022, 0.025],
  ['g6-standard-2', 'standard', 2, 4_096, 0.036, 0.043, 0.05],
  ['g6-standard-4', 'standard', 4, 8_192, 0.072, 0.086, 0.101],
  ['g6-dedicated-2', 'dedicated', 2, 4_096, 0.054, 0.065, 0.076],
  ['g8-dedicated-4-2', 'dedicated', 2, 4_096, 0.07, 0.07, 0.07],
  ['g6-dedicated-4', 'dedicated', 4, 8_192, 0.108, 0.13, 0.151],
  ['g7-premium-2', 'premium', 2, 4_096, 0.0645, 0.078, 0.091],
  ['g7-premium-4', 'premium', 4, 8_192, 0.129, 0.156, 0.181],
] as const;

const types = ROWS.map(
  ([id, className, vcpus, memoryMb, hourly, idCgk, brGru]): LinodeType => ({
    id,
    label: id,
    class: className,
    vcpus,
    memoryMb,
    diskMb: 25_600,
    gpus: 0,
    transferGb: 1_000,
    price: {
      ...price(hourly, Math.round(hourly * 667)),
      byRegion: {
        'id-cgk': price(idCgk, Math.round(idCgk * 667)),
        'br-gru': price(brGru, Math.round(brGru * 667)),
      },
    },
    backupsPrice: { ...price(0.003, 2), byRegion: {} },
  }),
);

const aRegion = (id: string, country: string, overrides: Partial<Region> = {}): Region => ({
  id,
  label: `Town of ${id}`,
  country,
  capabilities: ['Linodes', 'Metadata'],
  siteType: 'core',
  ...overrides,
});
const regions = [
  aRegion('us-ord', 'us', { capabilities: ['Linodes', 'Metadata', 'Premium Plans'] }),
  aRegion('id-cgk', 'id', { capabilities: ['Linodes', 'Metadata', 'Premium Plans'] }),
  aRegion('eu-old', 'de', { capabilities: ['Linodes'] }),
  aRegion('br-gru', 'br', { capabilities: ['Linodes', 'Metadata', 'Premium Plans'] }),
  aRegion('us-east', 'us'),
  aRegion('us-den-1', 'us', { siteType: 'distributed' }),
  aRegion('br-disk', 'br', { capabilities: ['Object Storage'] }),
];
const images: Image[] = [
  {
    id: 'linode/debian12',
    label: 'Debian 12',
    deprecated: false,
    status: 'available',
    capabilities: ['cloud-init'],
    diskMb: 1_800,
    vendor: 'Debian',
    isRecovery: false,
  },
];

/** The types sold out, by region; the regions of `unasked` are absent, as if never asked. */
function soldOutWith(
  soldOut: Readonly<Record<string, readonly string[]>> = {},
  unasked: readonly string[] = [],
) {
  const asked = regions.map(({ id }) => id).filter((id) => !unasked.includes(id));
  return new Map(asked.map((id) => [id, new Set(soldOut[id] ?? [])]));
}

const LIMITS = { nodesMax: 100, budgetMax: usd(10_000) };
const aMarket = (soldOut: CatalogueLists['soldOut'] = soldOutWith()): Market => ({
  catalogue: { types, regions, images, soldOut },
  extras: { backups: false },
  transfer: null,
  nodesMax: LIMITS.nodesMax,
  marginMs: minutes(3),
  from: LAUNCH,
});

type Input = Readonly<Record<string, unknown>>;
const TEN: Input = {
  nodes: 10,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 1,
};

function specOf(input: Input): Spec {
  const parsed = parseSpec(input, LIMITS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.spec;
}

const offeredFor = (over: Input, market = aMarket(), base: Input = TEN): Alternative[] =>
  alternatives(specOf({ ...base, ...over }), market);
const changesFor = (over: Input, market = aMarket()) =>
  offeredFor(over, market).map(({ kind, change }) => [kind, change]);
const kindsFor = (over: Input, market = aMarket()) =>
  offeredFor(over, market).map(({ kind }) => kind);

describe('alternatives', () => {
  it('of ten nanodes for a dollar are a bigger type and more nodes', () => {
    expect(offeredFor({})).toEqual([
      {
        kind: 'biggerType',
        change: { type: 'g6-standard-1' },
        hourly: usd(0.18),
        affordableHours: 5,
        spentAtTeardown: usd(0.9),
        sentence:
          '10 × g6-standard-1 (1 vCPU, 2 GB) cost $0.18 an hour: $1.00 buys 5 hours instead of 13.',
      },
      {
        kind: 'moreNodes',
        change: { nodes: 20 },
        hourly: usd(0.15),
        affordableHours: 6,
        spentAtTeardown: usd(0.9),
        sentence: '20 × g6-nanode-1 cost $0.15 an hour: $1.00 buys 6 hours instead of 13.',
      },
    ]);
  });

  it('are no types whose disk is too small for the image', () => {
    const large = images.map((image) => ({ ...image, diskMb: 30_000 }));
    const smallest = ['g6-standard-2', 'g6-standard-4', 'g6-dedicated-2'];
    const roomy = types.map((type) =>
      smallest.includes(type.id) ? { ...type, diskMb: 81_920 } : type,
    );
    const market = aMarket();
    const lists = { ...market.catalogue, images: large, types: roomy };
    const changes = changesFor({ type: 'g6-standard-2' }, { ...market, catalogue: lists });
    expect(changes).toContainEqual(['biggerType', { type: 'g6-standard-4' }]);
    expect(changes.map(([kind]) => kind)).not.toContain('smallerType');
    expect(changesFor({ type: 'g6-standard-2' })).toContainEqual([
      'smallerType',
      { type: 'g6-standard-1' },
    ]);
  });

  it('of a spec with a size are sizes, so that a client can replace the fields of the spec', () => {
    const { type: _, ...rest } = TEN;
    const changes = offeredFor({ vcpus: 2, memoryMb: 3_000 }, aMarket(), rest);
    expect(changes.map(({ kind, change }) => [kind, change])).toEqual([
      ['smallerType', { vcpus: 1, memoryMb: 2_048 }],
      ['biggerType', { vcpus: 4, memoryMb: 8_192 }],
      ['moreNodes', { nodes: 13 }],
    ]);
  });

  it('are empty for a spec that can’t be launched', () => {
    expect(offeredFor({ region: 'us-mars' })).toEqual([]);
    expect(offeredFor({}, aMarket(soldOutWith({ 'us-east': ['g6-nanode-1'] })))).toEqual([]);
  });
});

describe('a cheaper region', () => {
  const inBrazil = { region: 'br-gru' };

  it('is the cheapest region, and its sentence has the name of the region', () => {
    const [first] = offeredFor(inBrazil);
    expect(first).toMatchObject({
      kind: 'cheaperRegion',
      change: { region: 'eu-old' },
      sentence:
        '10 × g6-nanode-1 in eu-old (Town of eu-old) cost $0.075 an hour: ' +
        '$1.00 buys 13 hours instead of 9.',
    });
  });

  it('has the capabilities that the spec needs', () => {
    const userData = '#cloud-config\n';
    expect(changesFor({ ...inBrazil, userData })[0]).toEqual([
      'cheaperRegion',
      { region: 'us-east' },
    ]);
    expect(changesFor({ ...inBrazil, type: 'g7-premium-2' })[0]).toEqual([
      'cheaperRegion',
      { region: 'us-ord' },
    ]);
  });

  it('is in the same country where several cost the same', () => {
    const twin = aRegion('br-zzz', 'br');
    const { catalogue, ...rest } = aMarket();
    const soldOut = new Map([...catalogue.soldOut, ['br-zzz', new Set<string>()]]);
    const market = {
      ...rest,
      catalogue: { ...catalogue, soldOut, regions: [...regions, twin] },
    };
    expect(changesFor(inBrazil, market)[0]).toEqual(['cheaperRegion', { region: 'br-zzz' }]);
  });

  it('is available: it was asked, and is not sold out', () => {
    const market = aMarket(soldOutWith({ 'eu-old': ['g6-nanode-1'] }, ['us-east']));
    expect(changesFor(inBrazil, market)[0]).toEqual(['cheaperRegion', { region: 'us-ord' }]);
  });

  it('is not offered where the type costs the same everywhere', () => {
    expect(kindsFor({ ...inBrazil, type: 'g8-dedicated-4-2' })).not.toContain('cheaperRegion');
  });
});

describe('another type', () => {
  it('is the next smaller and the next bigger type of the family', () => {
    expect(changesFor({ type: 'g6-standard-2', budgetUsd: 5 })).toEqual([
      ['smallerType', { type: 'g6-standard-1' }],
      ['biggerType', { type: 'g6-standard-4' }],
      ['moreNodes', { nodes: 20 }],
    ]);
  });

  it('can be the Nanode, which belongs to the standard family', () => {
    expect(changesFor({ type: 'g6-standard-1', budgetUsd: 5 })[0]).toEqual([
      'smallerType',
      { type: 'g6-nanode-1' },
    ]);
  });

  it('is bigger only if it costs more, and smaller only if it costs less', () => {
    // g8-dedicated-4-2 costs more than g6-dedicated-2, and has the same size.
    const changes = changesFor({ type: 'g6-dedicated-2', budgetUsd: 5 });
    expect(changes).toContainEqual(['biggerType', { type: 'g6-dedicated-4' }]);
    expect(kindsFor({ type: 'g6-dedicated-2', budgetUsd: 5 })).not.toContain('smallerType');
  });

  /** A dedicated or a GPU type, by vCPUs, GB, hourly dollars and GPUs. */
  const aType = (id: string, [vcpus, gb, hourly, gpus = 0]: readonly number[]): LinodeType => ({
    ...{ id, label: id, class: gpus > 0 ? 'gpu' : 'dedicated' },
    ...{ vcpus: vcpus ?? 0, memoryMb: 1_024 * (gb ?? 0), diskMb: 25_600, gpus, transferGb: 1_000 },
    price: { ...price(hourly ?? 0), byRegion: {} },
    backupsPrice: null,
  });
  const marketOf = (types: readonly LinodeType[]) => {
    const market = aMarket();
    const capabilities = ['Linodes', 'GPU Linodes'];
    const regions = [aRegion('us-east', 'us', { capabilities })];
    return { ...market, catalogue: { ...market.catalogue, regions, types } };
  };
  const typesFor = (types: readonly LinodeType[], type: string) =>
    changesFor({ type, nodes: 1, budgetUsd: 100 }, marketOf(types)).filter(
      ([kind]) => kind !== 'moreNodes',
    );

  it('is neither bigger nor smaller with more vCPUs and less memory', () => {
    const types = [aType('wide', [4, 4, 0.06]), aType('tall', [2, 8, 0.05])];
    expect([typesFor(types, 'wide'), typesFor(types, 'tall')]).toEqual([[], []]);
  });

  it('is bigger with more GPUs, vCPUs or memory only, and smaller with less', () => {
    for (const [less, more] of [
      [
        [2, 4, 0.5, 1],
        [2, 4, 0.9, 2],
      ],
      [
        [2, 4, 0.5],
        [4, 4, 0.9],
      ],
      [
        [2, 4, 0.5],
        [2, 8, 0.9],
      ],
    ] as const) {
      const types = [aType('less', less), aType('more', more)];
      expect(typesFor(types, 'less')).toEqual([['biggerType', { type: 'more' }]]);
      expect(typesFor(types, 'more')).toEqual([['smallerType', { type: 'less' }]]);
    }
  });

  it('is neither bigger nor smaller with more vCPUs and memory but fewer GPUs', () => {
    const types = [aType('wide', [8, 16, 0.9, 1]), aType('deep', [2, 4, 0.8, 2])];
    expect([typesFor(types, 'wide'), typesFor(types, 'deep')]).toEqual([[], []]);
  });

  it('is neither bigger nor smaller if the bigger type costs less or the same', () => {
    for (const [small, big] of [
      [0.2, 0.1],
      [0.1, 0.1],
    ]) {
      const types = [aType('small', [1, 2, small ?? 0]), aType('big', [2, 4, big ?? 0])];
      expect([typesFor(types, 'small'), typesFor(types, 'big')]).toEqual([[], []]);
    }
  });

  it('has a sentence with its size, in singular or plural', () => {
    const [bigger] = offeredFor({ type: 'g6-standard-1', nodes: 1, budgetUsd: 0.04 }).slice(1);
    expect(bigger?.sentence).toBe(
      '1 × g6-standard-2 (2 vCPUs, 4 GB) costs $0.036 an hour: $0.04 buys 1 hour instead of 2.',
    );
  });

  it('is the type after the next where the next is sold out', () => {
    const market = aMarket(soldOutWith({ 'us-east': ['g6-standard-1'] }));
    expect(changesFor({ type: 'g6-standard-2', budgetUsd: 5 }, market)[0]).toEqual([
      'smallerType',
      { type: 'g6-nanode-1' },
    ]);
  });

  it('is bigger only if the budget pays its first hour', () => {
    expect(kindsFor({ budgetUsd: 0.17 })).not.toContain('biggerType');
    expect(kindsFor({ budgetUsd: 0.18 })).toContain('biggerType');
  });
});

describe('more nodes', () => {
  it('are the most nodes that last as long', () => {
    const [, more] = offeredFor({ budgetUsd: 1, maxHours: 2 });
    expect(more).toMatchObject({
      change: { nodes: 66 },
      affordableHours: 2,
      sentence: '66 × g6-nanode-1 cost $0.495 an hour: $1.00 buys 2 hours as well.',
    });
  });

  it('also pay for the transfer that is planned', () => {
    const market = { ...aMarket(), transfer: { gb: usd(0.005), byRegion: {} } };
    const asked = { budgetUsd: 1.65, transferGb: 300 };
    // For 14 hours the budget pays 15 nodes, but not what these bring less than 300 GB.
    expect(offeredFor(asked, market).at(-1)).toMatchObject({ change: { nodes: 20 } });
  });

  it('are at most as many as a cluster may have', () => {
    expect(changesFor({ nodes: 60, budgetUsd: 10 }).at(-1)).toEqual(['moreNodes', { nodes: 100 }]);
    expect(kindsFor({ nodes: 100, budgetUsd: 100 })).not.toContain('moreNodes');
  });

  it('are not offered where the budget does not pay an hour of twice as many', () => {
    expect(kindsFor({ budgetUsd: 0.075 })).toEqual([]);
  });
});

describe('where the budget does not pay the first hour', () => {
  it('fewer nodes, a smaller type and a cheaper region are offered', () => {
    const spec = { type: 'g6-standard-2', region: 'br-gru', budgetUsd: 0.4 };
    expect(offeredFor(spec)).toMatchObject([
      { kind: 'fewerNodes', change: { nodes: 8 }, affordableHours: 1 },
      { kind: 'smallerType', change: { type: 'g6-standard-1' }, affordableHours: 1 },
      {
        kind: 'cheaperRegion',
        change: { region: 'eu-old' },
        sentence:
          '10 × g6-standard-2 in eu-old (Town of eu-old) cost $0.36 an hour: $0.40 buys 1 hour.',
      },
    ]);
  });

  it('a type several sizes smaller is offered, if only its first hour is paid', () => {
    expect(changesFor({ type: 'g6-standard-4', budgetUsd: 0.1 })).toEqual([
      ['fewerNodes', { nodes: 1 }],
      ['smallerType', { type: 'g6-nanode-1' }],
    ]);
  });

  it('nothing is offered, if the budget pays no hour of any change', () => {
    expect(offeredFor({ budgetUsd: 0.007 })).toEqual([]);
  });
});

describe('the regions to ask', () => {
  const asked = (over: Input, market = aMarket()) =>
    regionsToAsk(specOf({ ...TEN, ...over }), market.catalogue, market.extras);

  it('are the three cheapest of the cheaper regions', () => {
    expect(asked({ region: 'br-gru' })).toEqual(['eu-old', 'us-east', 'us-ord']);
    expect(asked({ region: 'us-east' })).toEqual([]);
  });

  it('are the three cheapest other regions where the type is sold out', () => {
    const market = aMarket(soldOutWith({ 'us-east': ['g6-nanode-1'] }));
    expect(asked({}, market)).toEqual(['us-ord', 'eu-old', 'id-cgk']);
  });

  it('are none where the spec has another fault', () => {
    expect(asked({ type: 'g6-nanode-9' })).toEqual([]);
    expect(asked({ region: 'us-mars' })).toEqual([]);
    expect(regionsToAsk({}, aMarket().catalogue, aMarket().extras)).toEqual([]);
  });
});

const anInput: fc.Arbitrary<Input> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 100 }),
    machine: fc.oneof(
      fc.constantFrom(...ROWS.map(([id]) => ({ type: id }))),
      fc.record({
        vcpus: fc.integer({ min: 1, max: 4 }),
        memoryMb: fc.constantFrom(1, 1_024, 2_000, 4_096, 8_192),
      }),
    ),
    region: fc.constantFrom('us-east', 'us-ord', 'id-cgk', 'br-gru', 'eu-old'),
    budget: fc.integer({ min: 1_000, max: 30_000_000 }),
    maxHours: fc.option(fc.integer({ min: 1, max: 40 })),
    userData: fc.option(fc.constant('#cloud-config\n')),
  })
  .map(({ machine, budget, ...rest }) => ({
    ...rest,
    ...machine,
    image: 'Debian 12',
    budgetUsd: toUsd(microUsd(budget)),
  }));
const aSoldOut = fc
  .dictionary(
    fc.constantFrom(...regions.map(({ id }) => id)),
    fc.subarray(ROWS.map(([id]) => id as string)),
  )
  .map((soldOut) => soldOutWith(soldOut));
const anyMarket = fc
  .record({ soldOut: aSoldOut, backups: fc.boolean(), monthsEnd: fc.boolean() })
  .map(({ soldOut, backups, monthsEnd }): Market => {
    // Half an hour before December, so that Onebuck counts the first hour in two months.
    const from = monthsEnd ? (Date.parse('2026-11-30T23:30:00Z') as Market['from']) : LAUNCH;
    return { ...aMarket(soldOut), extras: { backups }, from };
  });

describe('always', () => {
  /** What a client gets that sends the changed spec: type, region, price and quote. */
  function resend(input: Input, change: Alternative['change'], market: Market) {
    const spec = specOf({ ...input, ...change });
    const resolved = resolve(spec, market.catalogue, market.extras);
    if (!resolved.ok) throw new Error(JSON.stringify(resolved.faults));
    const { nodes, budget, maxHours } = spec;
    const { marginMs, from } = market;
    const { price } = resolved;
    const limits = { nodes, budget, maxHours, transferGb: null, terms: null, marginMs, from };
    return { ...resolved, quote: quote({ price, ...limits }) };
  }

  it('a spec changed by an alternative is launchable, and its quote has the same figures', () => {
    fc.assert(
      fc.property(anInput, anyMarket, (input, market) => {
        const offered = alternatives(specOf(input), market);
        expect(new Set(offered.map(({ kind }) => kind)).size).toBe(offered.length);
        for (const { kind, change, sentence: _, ...figures } of offered) {
          const { quote: quoted, type, region } = resend(input, change, market);
          expect(quoted, kind).toMatchObject(figures);
          expect(quoted.affordableHours, kind).toBeGreaterThanOrEqual(1);
          expect(market.catalogue.soldOut.get(region.id)?.has(type.id), kind).toBe(false);
          expect(isLaunchable(region), kind).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('each alternative is what its kind says', () => {
    fc.assert(
      fc.property(anInput, anyMarket, (input, market) => {
        const offered = alternatives(specOf(input), market);
        fc.pre(offered.length > 0);
        const asked = resend(input, {} as Alternative['change'], market);
        for (const { kind, change } of offered) {
          const changed = resend(input, change, market);
          const addedPrice = changed.price.hourly - asked.price.hourly;
          const addedMb = changed.type.memoryMb - asked.type.memoryMb;
          if (kind === 'cheaperRegion') expect(addedPrice).toBeLessThan(0);
          if (kind === 'smallerType') expect([addedPrice < 0, addedMb < 0]).toEqual([true, true]);
          if (kind === 'biggerType') expect([addedPrice > 0, addedMb > 0]).toEqual([true, true]);
          if ('nodes' in change) {
            const isMore = change.nodes > Number(input.nodes);
            expect(isMore).toBe(kind === 'moreNodes');
            expect(change.nodes).toBeLessThanOrEqual(100);
          }
        }
        const isPaid = asked.quote.affordableHours > 0;
        const kinds = offered.map(({ kind }) => kind);
        for (const kind of kinds) {
          expect(isPaid ? kind !== 'fewerNodes' : !/^(bigger|more)/.test(kind)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('no region is cheaper than the cheaper region that is offered', () => {
    fc.assert(
      fc.property(anInput, anyMarket, (input, market) => {
        const offered = alternatives(specOf(input), market);
        const cheaper = offered.find(({ kind }) => kind === 'cheaperRegion');
        fc.pre(cheaper !== undefined);
        for (const { id } of regions) {
          const spec = specOf({ ...input, region: id });
          const there = resolve(spec, market.catalogue, market.extras);
          if (!there.ok) continue;
          expect(there.price.hourly * spec.nodes).toBeGreaterThanOrEqual(cheaper?.hourly ?? 0);
        }
      }),
    );
  });
});
