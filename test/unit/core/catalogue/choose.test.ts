import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { microUsd, priceToMicroUsd } from '../../../../lib/core/base/money.ts';
import type { Price } from '../../../../lib/core/billing/price.ts';
import {
  isOfferedIn,
  listImages,
  listRegions,
  listTypes,
  priceIn,
  resolve,
  warningsOf,
  whyChosen,
} from '../../../../lib/core/catalogue/choose.ts';
import type { Image, LinodeType, Region } from '../../../../lib/core/catalogue/lists.ts';
import type { Spec } from '../../../../lib/core/cluster/spec.ts';
import { hasShared, readShared, skipped } from '../../../support/shared.ts';

const price = (hourly: number, monthly: number | null = null): Price => ({
  hourly: microUsd(hourly),
  monthly: monthly === null ? null : microUsd(monthly),
});
const aType = (overrides: Partial<LinodeType> & { id: string }): LinodeType => ({
  label: overrides.id,
  class: 'standard',
  vcpus: 1,
  memoryMb: 1_024,
  diskMb: 25_600,
  gpus: 0,
  transferGb: 1_000,
  price: { ...price(7_500, 5_000_000), byRegion: {} },
  backupsPrice: { ...price(3_000, 2_000_000), byRegion: {} },
  ...overrides,
});
const aRegion = (overrides: Partial<Region> & { id: string }): Region => ({
  label: overrides.id,
  country: 'us',
  capabilities: ['Linodes', 'Metadata'],
  siteType: 'core',
  ...overrides,
});
const anImage = (overrides: Partial<Image> & { id: string }): Image => ({
  label: overrides.id,
  deprecated: false,
  status: 'available',
  capabilities: ['cloud-init'],
  diskMb: 1_800,
  vendor: null,
  isRecovery: false,
  ...overrides,
});

const nanode = aType({
  id: 'g6-nanode-1',
  label: 'Nanode 1GB',
  class: 'nanode',
  price: {
    ...price(7_500, 5_000_000),
    byRegion: { 'br-gru': price(10_500, 7_000_000), 'id-cgk': price(9_000, 6_000_000) },
  },
  backupsPrice: {
    ...price(3_000, 2_000_000),
    byRegion: { 'br-gru': price(4_000, 2_800_000) },
  },
});
const standard = aType({
  id: 'g6-standard-2',
  label: 'Linode 4GB',
  vcpus: 2,
  memoryMb: 4_096,
  price: { ...price(36_000, 24_000_000), byRegion: {} },
});
const highmem = aType({
  id: 'g7-highmem-1',
  class: 'highmem',
  vcpus: 2,
  memoryMb: 24_576,
  price: { ...price(90_000, 60_000_000), byRegion: {} },
});
const dedicated = aType({
  id: 'g8-dedicated-16-8',
  class: 'dedicated',
  vcpus: 8,
  memoryMb: 16_384,
  price: { ...price(280_000), byRegion: {} },
  backupsPrice: null,
});
const gpu = aType({
  id: 'g1-gpu-rtx6000-1',
  class: 'gpu',
  vcpus: 16,
  memoryMb: 32_768,
  gpus: 1,
  price: { ...price(30_000), byRegion: {} },
});
const unpriced = aType({ id: 'g9-unpriced-1', vcpus: 99, memoryMb: 99_999, price: null });

const types = [gpu, dedicated, standard, unpriced, nanode, highmem];
const regions = [
  aRegion({ id: 'us-east', label: 'Newark, NJ' }),
  aRegion({ id: 'us-lax', capabilities: ['Linodes', 'Metadata', 'GPU Linodes'] }),
  aRegion({ id: 'br-gru', label: 'São Paulo, BR' }),
  aRegion({ id: 'xx-old', capabilities: ['Linodes'] }),
  aRegion({ id: 'xx-storage', capabilities: ['Object Storage'] }),
];
const images = [
  anImage({ id: 'linode/debian12', label: 'Debian 12' }),
  anImage({ id: 'linode/debian13', label: 'Debian 13' }),
  anImage({ id: 'linode/ubuntu24.04', label: 'Ubuntu 24.04 LTS' }),
  anImage({ id: 'linode/slackware15.0', label: 'Slackware 15.0', capabilities: [] }),
  anImage({ id: 'private/1', label: 'golden' }),
  anImage({ id: 'private/2', label: 'golden' }),
  anImage({ id: 'private/3', label: 'fresh', status: 'creating' }),
  anImage({ id: 'private/4', label: 'Solver' }),
];
const catalogue = { types, regions, images, soldOut: new Map() };
const noBackups = { backups: false };

const aSpec = (overrides: Partial<Spec> = {}): Partial<Spec> => ({
  machine: { kind: 'type', type: 'g6-nanode-1' },
  region: 'us-east',
  image: 'linode/debian12',
  ...overrides,
});
const sized = (vcpus: number, memoryMb: number, region = 'us-east') =>
  aSpec({ machine: { kind: 'size', vcpus, memoryMb }, region });

function resolved(partial: Partial<Spec>, extras = noBackups) {
  const result = resolve(partial, catalogue, extras);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result;
}

function faultsOf(partial: Partial<Spec>, extras = noBackups): string[] {
  const result = resolve(partial, catalogue, extras);
  return result.ok ? [] : result.faults.map(({ path, message }) => `${path}: ${message}`);
}

describe('a region for an account that takes only interfaces of a Linode', () => {
  const only = { backups: false, interfaces: 'linode' } as const;
  const having = aRegion({ id: 'xx-new', capabilities: ['Linodes', 'Linode Interfaces'] });
  const lists = { ...catalogue, regions: [...regions, having] };

  it('must have them', () => {
    expect(resolve(aSpec({ region: 'xx-new' }), lists, only)).toMatchObject({ ok: true });
    expect(resolve(aSpec(), lists, noBackups)).toMatchObject({ ok: true });
    expect(resolve(aSpec(), lists, only)).toEqual({
      ok: false,
      faults: [
        {
          path: 'region',
          message:
            'the Linode account takes no network interfaces but Linode Interfaces, which us-east ' +
            'lacks: choose another region (GET /regions?capability=Linode%20Interfaces lists them)',
        },
      ],
    });
  });
});

describe('a type by its id', () => {
  it('is resolved with its price in the region', () => {
    expect(resolved(aSpec())).toMatchObject({ type: nanode, price: price(7_500, 5_000_000) });
    expect(resolved(aSpec({ region: 'br-gru' })).price).toMatchObject(price(10_500, 7_000_000));
  });

  it('costs backups too where the account forces them, and else names their price', () => {
    const forced = resolved(aSpec({ region: 'br-gru' }), { backups: true }).price;
    expect(forced).toEqual({
      ...price(14_500, 9_800_000),
      base: price(10_500, 7_000_000),
      backups: price(4_000, 2_800_000),
    });
    expect(resolved(aSpec()).price.backups).toEqual(price(3_000, 2_000_000));
  });

  it('may have no price for backups, unless the account forces them', () => {
    const partial = aSpec({ machine: { kind: 'type', type: 'g8-dedicated-16-8' } });
    expect(resolved(partial).price.backups).toBeNull();
    expect(faultsOf(partial, { backups: true })).toEqual([
      'type: type g8-dedicated-16-8 has no price for backups, ' +
        'which the account may have on for every Linode',
    ]);
  });

  it.each([
    ['g6-nanode1', 'there is no type g6-nanode1; did you mean g6-nanode-1?'],
    ['nanode', 'there is no type nanode; did you mean g6-nanode-1?'],
    ['NANODE 1gb', 'there is no type NANODE 1gb; did you mean g6-nanode-1?'],
    ['t3.micro', 'there is no type t3.micro (GET /types lists them)'],
    ['constructor', 'there is no type constructor (GET /types lists them)'],
  ])('is refused where no type has the id %s', (type, message) => {
    expect(faultsOf(aSpec({ machine: { kind: 'type', type } }))).toEqual([`type: ${message}`]);
  });

  it('is refused without an hourly price, even if the spec has no region', () => {
    const machine = { kind: 'type', type: 'g9-unpriced-1' } as const;
    const fault = 'type: type g9-unpriced-1 has no hourly price, so that no budget can be kept';
    expect(faultsOf(aSpec({ machine }))).toEqual([fault]);
    expect(faultsOf({ machine })).toEqual([fault]);
  });

  it('is refused in a region without the capability that its class needs', () => {
    const machine = { kind: 'type', type: 'g1-gpu-rtx6000-1' } as const;
    expect(faultsOf(aSpec({ machine }))).toEqual([
      'type: type g1-gpu-rtx6000-1 is not offered in us-east, but in us-lax',
    ]);
    expect(resolved(aSpec({ machine, region: 'us-lax' })).type).toBe(gpu);
  });

  it.each([
    ['gpu', 'GPU Linodes'],
    ['premium', 'Premium Plans'],
    ['accelerated', 'NETINT Quadra T1U'],
  ])('of the class %s needs a region with %s', (className, capability) => {
    const type = aType({ id: 'x', class: className });
    expect(isOfferedIn(type, aRegion({ id: 'a', capabilities: ['Linodes', capability] }))).toBe(
      true,
    );
    expect(isOfferedIn(type, aRegion({ id: 'b' }))).toBe(false);
  });
});

describe('a type by its size', () => {
  it('is the cheapest type of at least that size', () => {
    expect(resolved(sized(1, 1)).type).toBe(nanode);
    expect(resolved(sized(1, 1_025)).type).toBe(standard);
    expect(resolved(sized(2, 4_097)).type).toBe(highmem);
    expect(resolved(sized(3, 1)).type).toBe(dedicated);
  });

  it('is a type that the region offers', () => {
    expect(resolved(sized(3, 1, 'us-lax')).type).toBe(gpu);
  });

  it('is a type with a price for backups, where the account forces them', () => {
    expect(faultsOf(sized(8, 1), { backups: true })).toEqual([
      'vcpus: no type in us-east has 8 vcpus: ' +
        'the biggest is g6-standard-2 with 2 vcpus and 4 GB',
    ]);
  });

  it('is the first by id of types that cost the same', () => {
    const twins = ['b', 'c', 'a'].map((id) => aType({ id }));
    const result = resolve(sized(1, 1), { ...catalogue, types: twins }, noBackups);
    expect(result).toMatchObject({ ok: true, type: { id: 'a' } });
  });

  it('is the cheapest by the prices of the region', () => {
    const dearHere = aType({
      id: 'a',
      price: { ...price(1), byRegion: { 'br-gru': price(100_000) } },
    });
    const twoTypes = { ...catalogue, types: [dearHere, aType({ id: 'b' })] };
    expect(resolve(sized(1, 1), twoTypes, noBackups)).toMatchObject({ type: { id: 'a' } });
    expect(resolve(sized(1, 1, 'br-gru'), twoTypes, noBackups)).toMatchObject({
      type: { id: 'b' },
    });
  });

  it('is refused if too big, with the biggest types by vcpus, by memory or by both', () => {
    expect(faultsOf(sized(9, 1))).toEqual([
      'vcpus: no type in us-east has 9 vcpus: ' +
        'the biggest is g8-dedicated-16-8 with 8 vcpus and 16 GB',
    ]);
    expect(faultsOf(sized(99, 99_999))).toEqual([
      'vcpus: no type in us-east has 99 vcpus: ' +
        'the biggest is g8-dedicated-16-8 with 8 vcpus and 16 GB',
      'memoryMb: no type in us-east has 97.7 GB: ' +
        'the biggest is g7-highmem-1 with 2 vcpus and 24 GB',
    ]);
    expect(faultsOf(sized(8, 20_000))).toEqual([
      'memoryMb: no type in us-east has both 8 vcpus and 19.5 GB: the biggest are ' +
        'g8-dedicated-16-8 with 8 vcpus and 16 GB and ' +
        'g7-highmem-1 with 2 vcpus and 24 GB',
    ]);
  });

  it('is refused for its region only, where the region is unknown or has no priced type', () => {
    expect(faultsOf(sized(999, 1, 'us-eats'))).toEqual([
      'region: there is no region us-eats; did you mean us-east?',
    ]);
    const unpricedOnly = { ...catalogue, types: [unpriced] };
    expect(resolve(sized(1, 1), unpricedOnly, noBackups)).toMatchObject({
      faults: [{ path: 'region', message: 'no type in us-east has a price' }],
    });
  });
});

describe('a type that is sold out', () => {
  const withSoldOut = (soldOut: Readonly<Record<string, readonly string[]>>) => ({
    ...catalogue,
    soldOut: new Map(Object.entries(soldOut).map(([region, ids]) => [region, new Set(ids)])),
  });
  const faultsWith = (partial: Partial<Spec>, soldOut: Record<string, readonly string[]>) => {
    const result = resolve(partial, withSoldOut(soldOut), noBackups);
    return result.ok ? [] : result.faults.map(({ path, message }) => `${path}: ${message}`);
  };

  it('is refused by its id, with the asked regions where it is available', () => {
    const here = { 'us-east': ['g6-nanode-1'] };
    const fault = 'type: type g6-nanode-1 is sold out in us-east at the moment';
    expect(faultsWith(aSpec(), here)).toEqual([
      `${fault}: choose another type or region (GET /types?region=us-east shows what is available)`,
    ]);
    const asked = { ...here, 'us-lax': ['g6-nanode-1'], 'br-gru': [], 'xx-old': ['other'] };
    expect(faultsWith(aSpec(), asked)).toEqual([`${fault}, but available in br-gru, xx-old`]);
    expect(faultsWith(aSpec({ region: 'br-gru' }), asked)).toEqual([]);
  });

  it('is passed over for the next cheapest type of the size', () => {
    const soldOut = withSoldOut({ 'us-east': ['g6-nanode-1'] });
    expect(resolve(sized(1, 1), soldOut, noBackups)).toMatchObject({
      ok: true,
      type: { id: 'g6-standard-2' },
    });
  });

  it('is a fault of the region where every type of the size is sold out', () => {
    const soldOut = { 'us-east': ['g7-highmem-1', 'g6-standard-2'], 'us-lax': ['g7-highmem-1'] };
    const fault =
      'region: every type with at least 2 vCPUs and 19.5 GB is sold out in us-east at the moment';
    expect(faultsWith(sized(2, 20_000), soldOut)).toEqual([`${fault}, but available in us-lax`]);
    const nowhere = { ...soldOut, 'us-lax': ['g7-highmem-1', 'g1-gpu-rtx6000-1'] };
    expect(faultsWith(sized(2, 20_000), nowhere)).toEqual([
      `${fault}: choose another type or region (GET /types?region=us-east shows what is available)`,
    ]);
  });

  it('is no fault where the availability of the region was not asked for', () => {
    expect(faultsWith(aSpec(), { 'us-lax': ['g6-nanode-1'] })).toEqual([]);
  });
});

describe('whyChosen', () => {
  it.each([
    [{ kind: 'type', type: 'x' } as const, 'asked for by its id'],
    [
      { kind: 'size', vcpus: 1, memoryMb: 1_024 } as const,
      'the cheapest type available in us-east with at least 1 vCPU and 1 GB',
    ],
    [
      { kind: 'size', vcpus: 4, memoryMb: 1 } as const,
      'the cheapest type available in us-east with at least 4 vCPUs',
    ],
  ])('of %j is: %s', (machine, why) => {
    expect(whyChosen(machine, 'us-east')).toBe(why);
  });
});

describe('a region', () => {
  it('that is a distributed site is refused, and is never suggested', () => {
    const site = aRegion({ id: 'us-den-1', siteType: 'distributed' });
    const world = { ...catalogue, regions: [...regions, site] };
    const messagesOf = (region: string) => {
      const result = resolve(aSpec({ region }), world, noBackups);
      return result.ok ? [] : result.faults.map(({ message }) => message);
    };
    expect(messagesOf('us-den-1')).toEqual([
      'us-den-1 is a distributed region, whose prices are not known for sure: ' +
        'choose another region (GET /regions lists them)',
    ]);
    expect(messagesOf('us-den')).toEqual(['there is no region us-den (GET /regions lists them)']);
  });

  it.each([
    ['us-eest', 'there is no region us-eest; did you mean us-east?'],
    ['Newark', 'there is no region Newark; did you mean us-east?'],
    ['eu-west-1', 'there is no region eu-west-1 (GET /regions lists them)'],
    ['x'.repeat(64), `there is no region ${'x'.repeat(64)} (GET /regions lists them)`],
    ['xx-storage', 'xx-storage has no Linodes: choose another region (GET /regions lists them)'],
  ])('is refused by the name %s', (region, message) => {
    expect(faultsOf(aSpec({ region }))).toEqual([`region: ${message}`]);
  });
});

describe('an image', () => {
  it.each([
    ['linode/debian12', 'linode/debian12'],
    ['Debian 12', 'linode/debian12'],
    ['debian 12', 'linode/debian12'],
    ['LINODE/Debian13', 'linode/debian13'],
    ['Ubuntu 24.04 LTS', 'linode/ubuntu24.04'],
    ['private/2', 'private/2'],
    ['solver', 'private/4'],
  ])('is found by the name %s', (image, id) => {
    expect(resolved(aSpec({ image })).image.id).toBe(id);
  });

  it.each([
    ['Ubuntu 24.04', 'there is no image Ubuntu 24.04; did you mean linode/ubuntu24.04?'],
    ['Debian 14', 'there is no image Debian 14; did you mean linode/debian12 or linode/debian13?'],
    ['windows', 'there is no image windows (GET /images lists them)'],
    ['fresh', 'image private/3 is creating: it must be available'],
    ['private/3', 'image private/3 is creating: it must be available'],
    ['golden', 'several images are called golden: give an id (private/1, private/2)'],
    ['Golden', 'several images are called Golden: give an id (private/1, private/2)'],
  ])('is refused by the name %s', (image, message) => {
    expect(faultsOf(aSpec({ image }))).toEqual([`image: ${message}`]);
  });

  it('is the available image of those with the same label', () => {
    const both = [
      anImage({ id: 'private/8', label: 'same', status: 'pending_upload' }),
      anImage({ id: 'private/9', label: 'same' }),
    ];
    const result = resolve(aSpec({ image: 'same' }), { ...catalogue, images: both }, noBackups);
    expect(result).toMatchObject({ ok: true, image: { id: 'private/9' } });
  });
});

describe('a deprecated image', () => {
  const old = anImage({ id: 'linode/debian10', label: 'Debian 10', deprecated: true });
  const world = { ...catalogue, images: [old, ...images] };

  it('is accepted with a warning, since Linode still deploys it', () => {
    const result = resolve(aSpec({ image: 'Debian 10' }), world, noBackups);
    expect(result).toMatchObject({ ok: true, image: { id: 'linode/debian10' } });
    expect(warningsOf(old)).toEqual([
      'image linode/debian10 is deprecated: Linode may take it away, so choose a newer one',
    ]);
    expect(warningsOf(anImage({ id: 'linode/debian12' }))).toEqual([]);
  });

  it('is never suggested', () => {
    const result = resolve(aSpec({ image: 'Debian 14' }), world, noBackups);
    const [fault] = result.ok ? [] : result.faults;
    expect(fault?.message).toBe(
      'there is no image Debian 14; did you mean linode/debian12 or linode/debian13?',
    );
  });
});

describe('user data', () => {
  it('needs cloud-init in the image and Metadata in the region', () => {
    const userData = '#cloud-config';
    expect(faultsOf(aSpec({ userData }))).toEqual([]);
    expect(faultsOf(aSpec({ userData, image: 'Slackware 15.0', region: 'xx-old' }))).toEqual([
      'userData: userData needs an image with cloud-init, which linode/slackware15.0 lacks',
      'userData: userData needs a region with Metadata, which xx-old lacks',
    ]);
    const bytes = { userDataBase64: 'H4sI', image: 'Slackware 15.0', region: 'us-east' };
    expect(faultsOf(aSpec(bytes))).toEqual([
      'userDataBase64: userDataBase64 needs an image with cloud-init, which ' +
        'linode/slackware15.0 lacks',
    ]);
    const withoutData = aSpec({ userData: null, image: 'Slackware 15.0', region: 'xx-old' });
    expect(faultsOf(withoutData)).toEqual([]);
  });
});

describe('a part of a spec', () => {
  it('is checked in the fields that it has, and is never ok', () => {
    expect(resolve({}, catalogue, noBackups)).toEqual({ ok: false, faults: [] });
    expect(resolve({ region: 'us-east' }, catalogue, noBackups)).toEqual({ ok: false, faults: [] });
    expect(faultsOf({ region: 'nowhere', image: 'nothing', userData: 'x' })).toHaveLength(2);
    expect(faultsOf({ machine: { kind: 'size', vcpus: 1, memoryMb: 1 } })).toEqual([]);
  });
});

describe('listTypes', () => {
  const idsOf = (filter: Parameters<typeof listTypes>[1]) =>
    listTypes(types, filter).map(({ type }) => type.id);

  it('lists the types with an hourly price, cheapest first', () => {
    expect(idsOf({})).toEqual([
      'g6-nanode-1',
      'g1-gpu-rtx6000-1',
      'g6-standard-2',
      'g7-highmem-1',
      'g8-dedicated-16-8',
    ]);
  });

  it('filters by size and by price, bounds included', () => {
    expect(idsOf({ vcpus: 2, memoryMb: 4_096, maxHourly: microUsd(36_000) })).toEqual([
      'g1-gpu-rtx6000-1',
      'g6-standard-2',
    ]);
    expect(idsOf({ maxHourly: microUsd(7_499) })).toEqual([]);
  });

  it('filters by class and by GPUs', () => {
    expect(idsOf({ class: 'dedicated' })).toEqual(['g8-dedicated-16-8']);
    expect(idsOf({ gpus: 1 })).toEqual(['g1-gpu-rtx6000-1']);
    expect(idsOf({ class: 'nothing' })).toEqual([]);
  });

  it('has the prices of the region, with backups if asked for', () => {
    const [first] = listTypes([nanode], { region: 'br-gru' });
    expect(first?.price).toEqual(price(10_500, 7_000_000));
    expect(listTypes([nanode], { region: 'br-gru', maxHourly: microUsd(7_500) })).toEqual([]);
    const [withBackups] = listTypes([nanode, dedicated], { backups: true });
    expect(withBackups).toEqual({ type: nanode, price: price(10_500, 7_000_000) });
  });
});

describe('listRegions', () => {
  const listed = [...regions, aRegion({ id: 'us-den-1', siteType: 'distributed' })];
  const idsOf = (filter: Parameters<typeof listRegions>[1]) =>
    listRegions(listed, filter).map(({ id }) => id);

  it('lists regions that a spec can name, by country and capability in any case', () => {
    expect(idsOf({})).toEqual(['us-east', 'us-lax', 'br-gru', 'xx-old']);
    expect(idsOf({ capability: 'gpu linodes' })).toEqual(['us-lax']);
    expect(idsOf({ country: 'US', capability: 'Metadata' })).toEqual([
      'us-east',
      'us-lax',
      'br-gru',
    ]);
    expect(idsOf({ country: 'de' })).toEqual([]);
  });
});

describe('listImages', () => {
  const old = anImage({ id: 'linode/debian10', label: 'Debian 10', deprecated: true });
  const idsOf = (filter: Parameters<typeof listImages>[1]) =>
    listImages([old, ...images], filter).map(({ id }) => id);

  it('lists the available images, deprecated images last', () => {
    expect(idsOf({})).toEqual([
      'linode/debian12',
      'linode/debian13',
      'linode/ubuntu24.04',
      'linode/slackware15.0',
      'private/1',
      'private/2',
      'private/4',
      'linode/debian10',
    ]);
  });

  it('filters by a part of the name, by capability, and by deprecation', () => {
    expect(idsOf({ search: 'DEBIAN' })).toEqual([
      'linode/debian12',
      'linode/debian13',
      'linode/debian10',
    ]);
    expect(idsOf({ search: ' lts ' })).toEqual(['linode/ubuntu24.04']);
    expect(idsOf({ search: 'ware', capability: 'Cloud-Init' })).toEqual([]);
    expect(idsOf({ deprecated: true })).toEqual(['linode/debian10']);
    expect(idsOf({ deprecated: false, search: 'debian' })).toEqual([
      'linode/debian12',
      'linode/debian13',
    ]);
  });
});

describe('priceIn', () => {
  it('is the price of the region, or else the price of most regions', () => {
    expect(priceIn(nanode, 'br-gru', noBackups)).toEqual(price(10_500, 7_000_000));
    expect(priceIn(nanode, 'us-east', noBackups)).toEqual(price(7_500, 5_000_000));
    expect(priceIn(nanode, null, noBackups)).toEqual(price(7_500, 5_000_000));
    expect(priceIn(nanode, 'constructor', noBackups)).toEqual(price(7_500, 5_000_000));
  });

  it('includes backups at their price in the region, or else in most regions', () => {
    expect(priceIn(nanode, 'br-gru', { backups: true })).toEqual(price(14_500, 9_800_000));
    expect(priceIn(nanode, 'id-cgk', { backups: true })).toEqual(price(12_000, 8_000_000));
  });

  it('says how hours across a month’s end are billed', () => {
    const monthEndHour = 'startMonth';
    const nano = { ...price(7_500, 5_000_000), monthEndHour };
    expect(priceIn(nanode, null, { backups: false, monthEndHour })).toEqual(nano);
    const extras = { backups: true, monthEndHour } as const;
    const withBackups = { ...price(14_500, 9_800_000), monthEndHour };
    expect(priceIn(nanode, 'br-gru', extras)).toEqual(withBackups);
    const spec = aSpec({ region: 'br-gru' });
    const base = { ...price(10_500, 7_000_000), monthEndHour };
    expect(resolve(spec, catalogue, extras)).toMatchObject({ price: { ...withBackups, base } });
  });

  it('is null where a price is missing', () => {
    expect(priceIn(unpriced, 'us-east', noBackups)).toBeNull();
    expect(priceIn(dedicated, 'us-east', noBackups)).toEqual(price(280_000));
    expect(priceIn(dedicated, 'us-east', { backups: true })).toBeNull();
  });
});

const anHourly = fc.integer({ min: 0, max: 5 }).map((thousands) => price(thousands * 1_000));
const anyType: fc.Arbitrary<LinodeType> = fc
  .record({
    id: fc.string({ minLength: 1, maxLength: 3 }),
    class: fc.constantFrom('standard', 'gpu', 'premium', 'accelerated', 'new'),
    vcpus: fc.integer({ min: 1, max: 4 }),
    memoryMb: fc.integer({ min: 1, max: 4 }),
    base: fc.option(anHourly, { nil: null }),
    here: fc.option(anHourly, { nil: null }),
    backups: fc.option(anHourly, { nil: null }),
  })
  .map(({ base, here, backups, ...type }) =>
    aType({
      ...type,
      price: base && { ...base, byRegion: here === null ? {} : { 'us-east': here } },
      backupsPrice: backups && { ...backups, byRegion: {} },
    }),
  );
const someTypes = fc.uniqueArray(anyType, { selector: ({ id }) => id, maxLength: 12 });
const aHomeRegion = fc
  .subarray(['GPU Linodes', 'Premium Plans', 'NETINT Quadra T1U'])
  .map((capabilities) => aRegion({ id: 'us-east', capabilities: ['Linodes', ...capabilities] }));

describe('always', () => {
  it('the type chosen for a size is the cheapest that is big enough and offered', () => {
    const size = fc.record({
      vcpus: fc.integer({ min: 1, max: 5 }),
      memoryMb: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(someTypes, aHomeRegion, size, fc.boolean(), (drawn, region, wanted, backups) => {
        const world = { ...catalogue, types: drawn, regions: [region] };
        const result = resolve(sized(wanted.vcpus, wanted.memoryMb), world, { backups });
        const suitable = drawn.filter(
          (type) =>
            type.vcpus >= wanted.vcpus &&
            type.memoryMb >= wanted.memoryMb &&
            isOfferedIn(type, region) &&
            priceIn(type, region.id, { backups }) !== null,
        );
        expect(result.ok).toBe(suitable.length > 0);
        if (!result.ok) {
          expect(result.faults.length).toBeGreaterThan(0);
          return;
        }
        expect(suitable).toContain(result.type);
        for (const type of suitable.filter((candidate) => candidate !== result.type)) {
          const hourly = priceIn(type, region.id, { backups })?.hourly ?? 0;
          const isBetter = hourly < result.price.hourly;
          const isTieBefore = hourly === result.price.hourly && type.id < result.type.id;
          expect(isBetter || isTieBefore).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a type asked for by id has the same price as a type chosen by size', () => {
    fc.assert(
      fc.property(someTypes, aHomeRegion, fc.boolean(), (drawn, region, backups) => {
        const world = { ...catalogue, types: drawn, regions: [region] };
        const bySize = resolve(sized(1, 1), world, { backups });
        if (!bySize.ok) return;
        const machine = { kind: 'type', type: bySize.type.id } as const;
        expect(resolve(aSpec({ machine }), world, { backups })).toEqual(bySize);
      }),
    );
  });

  it('the order of the catalogue changes nothing', () => {
    fc.assert(
      fc.property(someTypes, aHomeRegion, (drawn, region) => {
        const world = { ...catalogue, types: drawn, regions: [region] };
        const reversed = { ...world, types: [...drawn].reverse() };
        const expected = resolve(sized(1, 1), world, noBackups);
        expect(resolve(sized(1, 1), reversed, noBackups)).toEqual(expected);
        expect(listTypes(reversed.types, {})).toEqual(listTypes(drawn, {}));
      }),
    );
  });

  it('any names are found or have a fault at the path of their field', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (type, region, image) => {
        const result = resolve(
          { machine: { kind: 'type', type }, region, image },
          catalogue,
          noBackups,
        );
        const paths = result.ok ? [] : result.faults.map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);
        expect(['type', 'region', 'image']).toEqual(expect.arrayContaining(paths));
        expect(paths.length > 0).toBe(!result.ok);
      }),
    );
  });
});

interface RawPrice {
  hourly: number;
  monthly: number | null;
}
interface RawType {
  id: string;
  label: string;
  class: string;
  vcpus: number;
  memory: number;
  disk: number;
  gpus: number;
  price: RawPrice;
  region_prices: (RawPrice & { id: string })[];
}

describe('the types that Linode listed in 2024', () => {
  const fromRaw = ({ hourly, monthly }: RawPrice): Price => ({
    hourly: priceToMicroUsd(hourly),
    monthly: monthly === null ? null : priceToMicroUsd(monthly),
  });
  const real = (): LinodeType[] =>
    (readShared('linode/types.json') as RawType[]).map((raw) =>
      aType({
        id: raw.id,
        label: raw.label,
        class: raw.class,
        vcpus: raw.vcpus,
        memoryMb: raw.memory,
        diskMb: raw.disk,
        gpus: raw.gpus,
        transferGb: 1_000,
        price: {
          ...fromRaw(raw.price),
          byRegion: Object.fromEntries(raw.region_prices.map((row) => [row.id, fromRaw(row)])),
        },
      }),
    );

  it.skipIf(!hasShared)(`are chosen by size at the prices of each region${skipped}`, () => {
    const world = { ...catalogue, types: real() };
    const chosen = (vcpus: number, memoryMb: number, region: string) => {
      const result = resolve(sized(vcpus, memoryMb, region), world, noBackups);
      return result.ok ? [result.type.id, result.price.hourly] : result.faults;
    };
    expect(chosen(1, 1, 'us-east')).toEqual(['g6-nanode-1', 7_500]);
    expect(chosen(1, 1, 'br-gru')).toEqual(['g6-nanode-1', 10_500]);
    expect(chosen(4, 8_192, 'us-east')).toEqual(['g6-standard-4', 72_000]);
    expect(chosen(2, 20_000, 'us-east')).toEqual(['g7-highmem-1', 90_000]);
    expect(chosen(48, 1, 'us-east')).toEqual(['g6-dedicated-48', 1_296_000]);
    expect(chosen(57, 1, 'us-east')).toEqual([
      {
        path: 'vcpus',
        message:
          'no type in us-east has 57 vcpus: ' +
          'the biggest is g6-dedicated-56 with 56 vcpus and 256 GB',
      },
    ]);
  });
});

describe('an image that needs more disk than a type has', () => {
  const large = anImage({ id: 'private/9', label: 'large', diskMb: 30_000 });
  const huge = anImage({ id: 'private/8', label: 'huge', diskMb: 900_000 });
  const roomy = { ...standard, diskMb: 81_920 };
  const world = {
    ...catalogue,
    images: [...images, large, huge],
    types: [gpu, { ...dedicated, diskMb: 200_000 }, roomy, unpriced, nanode, highmem],
  };
  const sized = (vcpus: number, image: string) =>
    aSpec({ machine: { kind: 'size', vcpus, memoryMb: 1 }, image });
  const faultsIn = (partial: Partial<Spec>, lists = world) => {
    const result = resolve(partial, lists, noBackups);
    return result.ok ? [] : result.faults.map(({ path, message }) => `${path}: ${message}`);
  };

  it('is put on the cheapest type that holds it, with the reason', () => {
    const result = resolve(sized(1, 'large'), world, noBackups);
    expect(result).toMatchObject({ ok: true, type: roomy, imageMb: 30_000 });
    const machine = { kind: 'size', vcpus: 1, memoryMb: 1 } as const;
    expect(whyChosen(machine, 'us-east', 30_000)).toBe(
      'the cheapest type available in us-east with at least 1 vCPU, ' +
        'and the 30000 MB of disk that the image needs',
    );
    expect(resolve(sized(1, 'Debian 12'), world, noBackups)).toMatchObject({
      type: nanode,
      imageMb: null,
    });
    expect(resolve(sized(2, 'large'), world, noBackups)).toMatchObject({ type: roomy });
  });

  it('is a fault of the type, which names the cheapest type that holds it', () => {
    expect(faultsIn(aSpec({ image: 'large' }))).toEqual([
      'type: type g6-nanode-1 has a disk of 25600 MB, and image private/9 needs 30000 MB: ' +
        'the cheapest type that holds it is g6-standard-2',
    ]);
    const soldOut = new Map([['us-east', new Set(['g6-standard-2'])]]);
    expect(faultsIn(aSpec({ image: 'large' }), { ...world, soldOut })).toEqual([
      expect.stringContaining('is g8-dedicated-16-8'),
    ]);
    expect(faultsIn(aSpec({ image: 'huge' }))).toEqual([
      'type: type g6-nanode-1 has a disk of 25600 MB, and image private/8 needs 900000 MB, ' +
        'which no type has',
    ]);
  });

  it('may need all of the disk', () => {
    const fit = anImage({ id: 'private/7', diskMb: 25_600 });
    expect(faultsIn(aSpec({ image: 'private/7' }), { ...world, images: [fit] })).toEqual([]);
  });

  it('is a fault of the image where no type of the size holds it', () => {
    expect(faultsIn(sized(1, 'huge'))).toEqual([
      'image: image private/8 needs 900000 MB of disk, which no type in us-east with at least ' +
        '1 vCPU has',
    ]);
    expect(faultsIn(sized(99, 'huge'))).toEqual([expect.stringMatching(/^vcpus: no type/)]);
  });

  it('has the disk named where every type that holds it is sold out', () => {
    const soldOut = new Map([['us-east', new Set(['g6-standard-2', 'g8-dedicated-16-8'])]]);
    expect(faultsIn(sized(1, 'large'), { ...world, soldOut })).toEqual([
      'region: every type with at least 1 vCPU, and disk for image private/9, is sold out in ' +
        'us-east at the moment: choose another type or region (GET /types?region=us-east shows ' +
        'what is available)',
    ]);
  });

  it('is warned of if it is a recovery image', () => {
    expect(warningsOf({ ...large, isRecovery: true })).toEqual([
      'image private/9 is a recovery image, which Linode soon deletes: make an image of your own ' +
        'of it',
    ]);
  });
});
