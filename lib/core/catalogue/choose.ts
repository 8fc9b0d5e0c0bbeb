import type { Fault } from '../base/fault.ts';
import { memory } from '../base/memory.ts';
import type { MicroUsd } from '../base/money.ts';
import { plural } from '../base/plural.ts';
import { suggestion } from '../base/suggest.ts';
import {
  combinedPrice,
  type MonthEndHour,
  type Price,
  type RegionalPrice,
  readAs,
} from '../billing/price.ts';
import type { TransferTerms } from '../billing/transfer.ts';
import type { MachineChoice, Spec } from '../cluster/spec.ts';
import type { Image, LinodeType, Region, TransferPrices } from './lists.ts';
import { roomFaults } from './room.ts';

export interface CatalogueLists {
  readonly types: readonly LinodeType[];
  readonly regions: readonly Region[];
  readonly images: readonly Image[];
  readonly soldOut: SoldOut;
}

/** For each region whose availability was asked for, the ids of its sold-out types. */
export type SoldOut = ReadonlyMap<string, ReadonlySet<string>>;

/** The price of one node including what the account adds to it, and its parts. */
export interface NodePrice extends Price {
  readonly base: Price;
  /** The price of backups, whether or not the sum includes them; null: no price is known. */
  readonly backups: Price | null;
}

/** What the account decides about each new Linode, and how it is billed. */
export interface AccountExtras {
  /** Every node has backups, or must be assumed to have them, so prices include them. */
  readonly backups: boolean;
  /** Every node has network interfaces of its own; absent: those of a configuration profile. */
  readonly interfaces?: 'linode';
  /** How hours across a month's end are billed; absent: in both months. */
  readonly monthEndHour?: MonthEndHour;
}

export type Resolved =
  | {
      readonly ok: true;
      readonly type: LinodeType;
      readonly region: Region;
      readonly image: Image;
      readonly price: NodePrice;
      /**
       * The disk that the image needs, if a cheaper type of the size was passed over because its
       * disk is smaller; null: none was.
       */
      readonly imageMb: number | null;
    }
  /** Without faults: the spec lacks a field, which is for the parser of the spec to report. */
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * Finds the type, region and image of a spec in Linode's catalogue; for a size, the cheapest type
 * that has it. Checks every field that `partial` has, so that the API can report these faults
 * together with those of the spec itself.
 */
export function resolve(
  partial: Partial<Spec>,
  catalogue: CatalogueLists,
  extras: AccountExtras,
): Resolved {
  const region = ifGiven(partial.region, (id) => findRegion(id, catalogue.regions, extras));
  const image = ifGiven(partial.image, (name) => findImage(name, catalogue.images));
  const find = (machine: MachineChoice, held: Image | null) =>
    machine.kind === 'type'
      ? findType(machine.type, region.value, held, catalogue, extras)
      : cheapestType(machine, region.value, held, catalogue, extras);
  const type = ifGiven(partial.machine, (machine) => find(machine, image.value));
  const price = ifGiven(type.value, (found) => nodePrice(found, region.value, extras));
  const faults = [
    ...region.faults,
    ...type.faults,
    ...price.faults,
    ...image.faults,
    ...userDataFaults(partial, image.value, region.value),
    ...roomFaults(partial, image.value, region.value),
  ];
  const isWhole = region.value && image.value && type.value && price.value;
  if (faults.length > 0 || !isWhole) return { ok: false, faults };
  const ofAnyDisk = ifGiven(partial.machine, (machine) => find(machine, null));
  return {
    ok: true,
    imageMb: ofAnyDisk.value?.id === type.value.id ? null : image.value.diskMb,
    type: type.value,
    region: region.value,
    image: image.value,
    price: price.value,
  };
}

/**
 * Why the spec got its type, in words that read on from the type's name. `imageMb` as in Resolved.
 * The words stay the same when prices or availability change.
 */
export function whyChosen(
  machine: MachineChoice,
  region: string,
  imageMb: number | null = null,
): string {
  if (machine.kind === 'type') return 'asked for by its id';
  const disk = imageMb === null ? '' : `, and the ${imageMb} MB of disk that the image needs`;
  return `the cheapest type available in ${region} with ${sizeText(machine)}${disk}`;
}

/** Warnings about an image that a launch accepts all the same. */
export const warningsOf = ({ id, deprecated, isRecovery }: Image): string[] => [
  ...(deprecated
    ? [`image ${id} is deprecated: Linode may take it away, so choose a newer one`]
    : []),
  ...(isRecovery
    ? [
        `image ${id} is a recovery image, which Linode soon deletes: make an image of your own of it`,
      ]
    : []),
];

/** Omits a memory of 1 MB, which a spec has if it gives none. */
const sizeText = ({ vcpus, memoryMb }: Size): string =>
  `at least ${plural(vcpus, 'vCPU')}${memoryMb === 1 ? '' : ` and ${memory(memoryMb)}`}`;

export interface TypeFilter {
  /** The fewest vCPUs. */
  readonly vcpus?: number | undefined;
  /** The least memory. */
  readonly memoryMb?: number | undefined;
  /** The fewest GPUs. */
  readonly gpus?: number | undefined;
  /** The least disk. */
  readonly diskMb?: number | undefined;
  /** The exact class. */
  readonly class?: string | undefined;
  /** The region whose prices count; absent: the prices of most regions. */
  readonly region?: string | undefined;
  /** The most for an hour of one node. */
  readonly maxHourly?: MicroUsd | undefined;
  /** Whether prices include backups. */
  readonly backups?: boolean | undefined;
  /** How hours across a month's end are billed; absent: in both months. */
  readonly monthEndHour?: MonthEndHour | undefined;
}

/**
 * The types that match and have a price, by hourly price, then by id. Does not check that the
 * region offers them: see `isOfferedIn`.
 */
export function listTypes(
  types: readonly LinodeType[],
  filter: TypeFilter,
): { readonly type: LinodeType; readonly price: Price }[] {
  const { vcpus = 0, memoryMb = 0, gpus = 0, diskMb = 0, backups = false } = filter;
  const { region = null, maxHourly, monthEndHour } = filter;
  return types
    .filter((type) => type.vcpus >= vcpus && type.memoryMb >= memoryMb)
    .filter((type) => type.gpus >= gpus && type.diskMb >= diskMb)
    .filter((type) => filter.class === undefined || type.class === filter.class)
    .flatMap((type) => {
      const price = priceIn(type, region, { backups, ...(monthEndHour && { monthEndHour }) });
      return price === null ? [] : { type, price };
    })
    .filter(({ price }) => maxHourly === undefined || price.hourly <= maxHourly)
    .sort((a, b) => a.price.hourly - b.price.hourly || (a.type.id < b.type.id ? -1 : 1));
}

/**
 * The types that do for a machine in a region, with an image: offered, not sold out, and with enough
 * disk. The cheapest first; of a type asked for by its id, only that type.
 */
export const candidates = (
  machine: MachineChoice,
  region: Region,
  image: Image,
  { types, soldOut }: CatalogueLists,
  { backups, monthEndHour }: AccountExtras,
): { readonly type: LinodeType; readonly price: Price }[] =>
  listTypes(types, {
    ...(machine.kind === 'size' && machine),
    diskMb: image.diskMb,
    region: region.id,
    backups,
    monthEndHour,
  })
    .filter(({ type }) => machine.kind === 'size' || type.id === machine.type)
    .filter(({ type }) => isOfferedIn(type, region) && !isSoldOut(type.id, region.id, soldOut));

export interface RegionFilter {
  /** Two letters, in any case. */
  readonly country?: string | undefined;
  /** As Linode spells it, in any case, such as `VPCs`. */
  readonly capability?: string | undefined;
}

/** The regions that match and that a spec can name, in Linode's order. */
export const listRegions = (
  regions: readonly Region[],
  { country, capability }: RegionFilter,
): Region[] =>
  regions
    .filter(isLaunchable)
    .filter((region) => country === undefined || isSame(region.country, country))
    .filter(({ capabilities }) => capability === undefined || hasName(capabilities, capability));

export interface ImageFilter {
  /** In any case, such as `cloud-init`. */
  readonly capability?: string | undefined;
  readonly deprecated?: boolean | undefined;
  /** A part of the id or of the label, in any case. */
  readonly search?: string | undefined;
}

/** The images that match and that a spec can name, in Linode's order, the deprecated ones last. */
export function listImages(
  images: readonly Image[],
  { capability, deprecated, search = '' }: ImageFilter,
): Image[] {
  const part = search.trim().toLowerCase();
  return images
    .filter(isAvailable)
    .filter((image) => deprecated === undefined || image.deprecated === deprecated)
    .filter(({ capabilities }) => capability === undefined || hasName(capabilities, capability))
    .filter(({ id, label }) => [id, label].some((name) => name.toLowerCase().includes(part)))
    .sort((a, b) => Number(a.deprecated) - Number(b.deprecated));
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const hasName = (names: readonly string[], wanted: string): boolean =>
  names.some((name) => isSame(name, wanted));

/**
 * The price of a node of the type in a region, with backups if `extras` has them; null: a price is
 * missing. For the region null, the price in regions without one of their own.
 */
export function priceIn(
  type: LinodeType,
  region: string | null,
  extras: AccountExtras,
): Price | null {
  const listed = regionalPrice(type.price, region);
  const base = listed && readAs(listed, extras.monthEndHour);
  if (base === null || !extras.backups) return base;
  const backups = regionalPrice(type.backupsPrice, region);
  return backups && combinedPrice(base, backups);
}

/**
 * What a GB beyond the pool costs in a region, or, for the region null, in regions without a price of
 * their own; null: the server does not know transfer.
 */
export const gbPriceIn = (prices: TransferPrices | null, region: string | null): MicroUsd | null =>
  prices === null ? null : (prices.byRegion[region ?? ''] ?? prices.gb);

/** What nodes of a type may send, and what a GB beyond costs; null: transfer does not count. */
export function termsFor(
  { transferGb }: LinodeType,
  region: string | null,
  prices: TransferPrices | null,
): TransferTerms | null {
  const gbPrice = gbPriceIn(prices, region);
  return gbPrice === null ? null : { gb: transferGb, gbPrice };
}

/**
 * The capability that a region needs to offer a class of types. Every region offers other classes.
 */
const CAPABILITY_OF_CLASS: ReadonlyMap<string, string> = new Map([
  ['gpu', 'GPU Linodes'],
  ['premium', 'Premium Plans'],
  ['accelerated', 'NETINT Quadra T1U'],
]);

const LINODE_INTERFACES = 'Linode Interfaces';

/**
 * Whether Onebuck can launch Linodes in the region. It can't in a distributed region: those have
 * plans of their own, Linode's lists do not give the price for certain, and a budget needs it.
 */
export const isLaunchable = ({ capabilities, siteType }: Region): boolean =>
  capabilities.includes('Linodes') && siteType !== 'distributed';

/**
 * Whether the region's capabilities cover the type. Whether machines are left is for `isSoldOut`.
 */
export function isOfferedIn(type: LinodeType, region: Region): boolean {
  const needed = CAPABILITY_OF_CLASS.get(type.class);
  return needed === undefined || region.capabilities.includes(needed);
}

/** false also for a region whose availability was not asked for. */
export const isSoldOut = (type: string, region: string, soldOut: SoldOut): boolean =>
  soldOut.get(region)?.has(type) === true;

type Size = Omit<Extract<MachineChoice, { kind: 'size' }>, 'kind'>;

/**
 * The result of a search: a value, or the faults of the field. It has neither if the search needs a
 * field that is missing or at fault.
 */
interface Found<T> {
  readonly value: T | null;
  readonly faults: readonly Fault[];
}

const found = <T>(value: T): Found<T> => ({ value, faults: [] });
const faulty = (path: string, message: string): Found<never> => ({
  value: null,
  faults: [{ path, message }],
});

const ifGiven = <Given, T>(
  given: Given | null | undefined,
  find: (given: Given) => Found<T>,
): Found<T> => (given === null || given === undefined ? { value: null, faults: [] } : find(given));

function findRegion(id: string, regions: readonly Region[], extras: AccountExtras): Found<Region> {
  const region = regions.find((candidate) => candidate.id === id);
  if (region === undefined) {
    const hint = suggestion(id, regions.filter(isLaunchable)) || ' (GET /regions lists them)';
    return faulty('region', `there is no region ${id}${hint}`);
  }
  if (isLaunchable(region)) {
    if (extras.interfaces === undefined || region.capabilities.includes(LINODE_INTERFACES)) {
      return found(region);
    }
    return faulty(
      'region',
      `the Linode account takes no network interfaces but ${LINODE_INTERFACES}, which ${id} lacks: ` +
        `choose another region (GET /regions?capability=${encodeURIComponent(LINODE_INTERFACES)} ` +
        'lists them)',
    );
  }
  const reason = region.capabilities.includes('Linodes')
    ? `${id} is a distributed region, whose prices are not known for sure`
    : `${id} has no Linodes`;
  return faulty('region', `${reason}: choose another region (GET /regions lists them)`);
}

/** `image`: null: the type may have any disk. */
function findType(
  id: string,
  region: Region | null,
  image: Image | null,
  catalogue: CatalogueLists,
  extras: AccountExtras,
): Found<LinodeType> {
  const type = catalogue.types.find((candidate) => candidate.id === id);
  if (type === undefined) {
    const hint = suggestion(id, catalogue.types) || ' (GET /types lists them)';
    return faulty('type', `there is no type ${id}${hint}`);
  }
  if (image !== null && type.diskMb < image.diskMb) {
    const message = `type ${id} has a disk of ${type.diskMb} MB, and image ${image.id} needs`;
    const larger = typeHolding(image, region, catalogue, extras);
    return faulty('type', `${message} ${image.diskMb} MB${larger}`);
  }
  if (region === null) return found(type);
  if (!isOfferedIn(type, region)) {
    const elsewhere = regionsWith(type, catalogue).slice(0, 3);
    const hint = elsewhere.length === 0 ? '' : `, but in ${elsewhere.join(', ')}`;
    return faulty('type', `type ${id} is not offered in ${region.id}${hint}`);
  }
  if (!isSoldOut(id, region.id, catalogue.soldOut)) return found(type);
  const withType = regionsWith(type, catalogue);
  const askedWithType = [...catalogue.soldOut.keys()].filter((asked) => withType.includes(asked));
  return faulty('type', soldOutMessage(`type ${id}`, region, askedWithType));
}

/** Names the cheapest type that holds the image and is left in the region. */
function typeHolding(
  { diskMb }: Image,
  region: Region | null,
  { types, soldOut }: CatalogueLists,
  { backups }: AccountExtras,
): string {
  const filter = { diskMb, region: region?.id, backups };
  const [cheapest] = listTypes(types, filter).filter(
    ({ type }) =>
      region === null || (isOfferedIn(type, region) && !isSoldOut(type.id, region.id, soldOut)),
  );
  return cheapest === undefined
    ? ', which no type has'
    : `: the cheapest type that holds it is ${cheapest.type.id}`;
}

/**
 * `types` names the type or types that are sold out. `regions`: the regions that still have them,
 * in the order in which they were asked.
 */
const soldOutMessage = (types: string, { id }: Region, regions: readonly string[]): string =>
  `${types} is sold out in ${id} at the moment` +
  (regions.length === 0
    ? `: choose another type or region (GET /types?region=${id} shows what is available)`
    : `, but available in ${regions.join(', ')}`);

/** The ids of the regions that offer the type and are not known to be sold out of it. */
const regionsWith = (type: LinodeType, { regions, soldOut }: CatalogueLists): string[] =>
  regions
    .filter((region) => isLaunchable(region) && isOfferedIn(type, region))
    .map(({ id }) => id)
    .filter((id) => !isSoldOut(type.id, id, soldOut));

/**
 * Finds nothing without a region, since prices depend on it. `image`: null: the type may have any
 * disk.
 */
function cheapestType(
  size: Size,
  region: Region | null,
  image: Image | null,
  catalogue: CatalogueLists,
  { backups }: AccountExtras,
): Found<LinodeType> {
  if (region === null) return { value: null, faults: [] };
  const offered = (there: Region) => catalogue.types.filter((type) => isOfferedIn(type, there));
  const sized = (there: Region) =>
    listTypes(offered(there), { ...size, region: there.id, backups }).map(({ type }) => type);
  const holds = ({ diskMb }: LinodeType) => image === null || diskMb >= image.diskMb;
  const fitting = (there: Region) => sized(there).filter(holds);
  const cheapestLeft = (there: Region) =>
    fitting(there).find((type) => !isSoldOut(type.id, there.id, catalogue.soldOut));

  const cheapest = cheapestLeft(region);
  if (cheapest !== undefined) return found(cheapest);
  if (fitting(region).length > 0) {
    const askedWithType = [...catalogue.soldOut.keys()].filter((id) => {
      const there = catalogue.regions.find((candidate) => candidate.id === id);
      return there !== undefined && isLaunchable(there) && cheapestLeft(there) !== undefined;
    });
    const disk = sized(region).every(holds) ? '' : `, and disk for image ${image?.id},`;
    const types = `every type with ${sizeText(size)}${disk}`;
    return faulty('region', soldOutMessage(types, region, askedWithType));
  }
  if (image !== null && sized(region).length > 0) {
    const message =
      `image ${image.id} needs ${image.diskMb} MB of disk, which no type in ${region.id} with ` +
      `${sizeText(size)} has`;
    return faulty('image', message);
  }
  const priced = listTypes(offered(region), { region: region.id, backups });
  const types = priced.map(({ type }) => type);
  return { value: null, faults: tooBig(size, region, types) };
}

/**
 * The faults of a size that no type has, with the biggest there is. `types`: all types of the
 * region, cheapest first.
 */
function tooBig({ vcpus, memoryMb }: Size, region: Region, types: readonly LinodeType[]): Fault[] {
  const mostVcpus = biggest(types, (type) => type.vcpus);
  const mostMemory = biggest(types, (type) => type.memoryMb);
  if (mostVcpus === null || mostMemory === null) {
    return [{ path: 'region', message: `no type in ${region.id} has a price` }];
  }
  const none = `no type in ${region.id} has`;
  const faults: Fault[] = [];
  if (mostVcpus.vcpus < vcpus) {
    const message = `${none} ${vcpus} vcpus: the biggest is ${sizeOf(mostVcpus)}`;
    faults.push({ path: 'vcpus', message });
  }
  if (mostMemory.memoryMb < memoryMb) {
    const message = `${none} ${memory(memoryMb)}: the biggest is ${sizeOf(mostMemory)}`;
    faults.push({ path: 'memoryMb', message });
  }
  if (faults.length > 0) return faults;
  const both = `${none} both ${vcpus} vcpus and ${memory(memoryMb)}`;
  const message = `${both}: the biggest are ${sizeOf(mostVcpus)} and ${sizeOf(mostMemory)}`;
  return [{ path: 'memoryMb', message }];
}

/** The first type with the largest measure; null: there are no types. */
const biggest = (
  types: readonly LinodeType[],
  measure: (type: LinodeType) => number,
): LinodeType | null =>
  types.reduce<LinodeType | null>(
    (most, type) => (most === null || measure(type) > measure(most) ? type : most),
    null,
  );

const sizeOf = ({ id, vcpus, memoryMb }: LinodeType): string =>
  `${id} with ${vcpus} vcpus and ${memory(memoryMb)}`;

/** Without a region, reports a missing price only if it is missing in every region. */
function nodePrice(
  type: LinodeType,
  region: Region | null,
  extras: AccountExtras,
): Found<NodePrice> {
  const listed = regionalPrice(type.price, region?.id ?? null);
  if (listed === null) {
    return faulty('type', `type ${type.id} has no hourly price, so that no budget can be kept`);
  }
  const base = readAs(listed, extras.monthEndHour);
  const backups = regionalPrice(type.backupsPrice, region?.id ?? null);
  if (!extras.backups) return found({ ...base, base, backups });
  if (backups !== null) return found({ ...combinedPrice(base, backups), base, backups });
  return faulty(
    'type',
    `type ${type.id} has no price for backups, which the account may have on for every Linode`,
  );
}

/**
 * Finds an image by id, else by label, else by either in any case. Labels of private images need
 * not be unique. An image that is still being created or uploaded can't be deployed.
 */
function findImage(name: string, images: readonly Image[]): Found<Image> {
  const lower = name.toLowerCase();
  const byId = images.filter(({ id }) => id === name);
  const byLabel = images.filter(({ label }) => label === name);
  const inAnyCase = images.filter(
    ({ id, label }) => id.toLowerCase() === lower || label.toLowerCase() === lower,
  );
  const matches = [byId, byLabel, inAnyCase].find(({ length }) => length > 0) ?? [];
  const usable = matches.filter(isAvailable);
  const [first = null, second] = usable;
  if (first !== null && second === undefined) return found(first);
  if (first !== null) {
    const ids = usable.slice(0, 10).map(({ id }) => id);
    return faulty('image', `several images are called ${name}: give an id (${ids.join(', ')})`);
  }
  const [match] = matches;
  if (match !== undefined) {
    return faulty('image', `image ${match.id} is ${match.status}: it must be available`);
  }
  const current = images.filter((image) => isAvailable(image) && !image.deprecated);
  const hint = suggestion(name, current) || ' (GET /images lists them)';
  return faulty('image', `there is no image ${name}${hint}`);
}

const isAvailable = ({ status }: Image): boolean => status === 'available';

/** Whether a node can have user data: a program of the image must read it from a service there. */
export const takesUserData = (image: Image, region: Region): boolean =>
  image.capabilities.includes('cloud-init') && region.capabilities.includes('Metadata');

/** Linode hands user data to cloud-init through its Metadata service (docs/linode.md#user-data). */
function userDataFaults(
  partial: Partial<Spec>,
  image: Image | null,
  region: Region | null,
): Fault[] {
  const path = (['userData', 'userDataBase64'] as const).find(
    (field) => typeof partial[field] === 'string',
  );
  if (path === undefined) return [];
  const faults: Fault[] = [];
  if (image !== null && !image.capabilities.includes('cloud-init')) {
    const message = `${path} needs an image with cloud-init, which ${image.id} lacks`;
    faults.push({ path, message });
  }
  if (region !== null && !region.capabilities.includes('Metadata')) {
    const message = `${path} needs a region with Metadata, which ${region.id} lacks`;
    faults.push({ path, message });
  }
  return faults;
}

export function regionalPrice(price: RegionalPrice | null, region: string | null): Price | null {
  if (price === null) return null;
  const { hourly, monthly, byRegion } = price;
  const own = region !== null && Object.hasOwn(byRegion, region) ? byRegion[region] : undefined;
  return own ?? { hourly, monthly };
}
