import type { Fault } from '../base/fault.ts';
import type { MicroUsd } from '../base/money.ts';
import { suggestion } from '../base/suggest.ts';
import type { Price, RegionalPrice } from '../billing/price.ts';
import { combinedPrice } from '../billing/price.ts';
import type { Machine, Spec } from '../cluster/spec.ts';
import type { Image, LinodeType, Region } from './lists.ts';

export interface CatalogueLists {
  readonly types: readonly LinodeType[];
  readonly regions: readonly Region[];
  readonly images: readonly Image[];
  readonly soldOut: SoldOut;
}

/** By region, the ids of the types that it has none left of; other regions were not asked. */
export type SoldOut = ReadonlyMap<string, ReadonlySet<string>>;

/** What one node costs with all that it must have, and what that is made of. */
export interface NodePrice extends Price {
  readonly base: Price;
  /** What backups add where a node has them, counted above or not; null: no price is known. */
  readonly backups: Price | null;
}

/** `backups`: each node has them, or that must be assumed; so they are part of its price. */
export interface AccountExtras {
  readonly backups: boolean;
}

export type Resolved =
  | {
      readonly ok: true;
      readonly type: LinodeType;
      readonly region: Region;
      readonly image: Image;
      readonly price: NodePrice;
    }
  /** No faults: something is missing, which is the spec's to say. */
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * Finds in Linode's catalogue what a spec names, or the cheapest type of the size that it asks
 * for. Checks all that is there, so that these faults can be told together with the spec's own.
 */
export function resolve(
  partial: Partial<Spec>,
  catalogue: CatalogueLists,
  extras: AccountExtras,
): Resolved {
  const region = ifGiven(partial.region, (id) => findRegion(id, catalogue.regions));
  const image = ifGiven(partial.image, (name) => findImage(name, catalogue.images));
  const type = ifGiven(partial.machine, (machine) =>
    machine.kind === 'type'
      ? findType(machine.type, region.value, catalogue)
      : cheapestType(machine, region.value, catalogue, extras),
  );
  const price = ifGiven(type.value, (found) => nodePrice(found, region.value, extras));
  const faults = [
    ...region.faults,
    ...type.faults,
    ...price.faults,
    ...image.faults,
    ...(typeof partial.userData === 'string' ? userDataFaults(image.value, region.value) : []),
  ];
  const isWhole = region.value && image.value && type.value && price.value;
  if (faults.length > 0 || !isWhole) return { ok: false, faults };
  return {
    ok: true,
    type: type.value,
    region: region.value,
    image: image.value,
    price: price.value,
  };
}

/** Why the type was taken, to be read after its name. As true later, of what was found then. */
export const whyChosen = (machine: Machine, region: string): string =>
  machine.kind === 'type'
    ? 'asked for by its id'
    : `the cheapest type to be had in ${region} with ${sizeText(machine)}`;

/** What is allowed, and yet worth saying. */
export const warningsOf = ({ id, deprecated }: Image): string[] =>
  deprecated ? [`image ${id} is deprecated: Linode may take it away, so choose a newer one`] : [];

/** A least memory of 1 MB is what a spec has that gives none. */
const sizeText = ({ vcpus, memoryMb }: Size): string =>
  `at least ${vcpus} vCPU${vcpus === 1 ? '' : 's'}${memoryMb === 1 ? '' : ` and ${memoryMb} MB`}`;

export interface TypeFilter {
  /** At least so many. */
  readonly vcpus?: number | undefined;
  /** At least so much. */
  readonly memoryMb?: number | undefined;
  /** At least so many. */
  readonly gpus?: number | undefined;
  /** Exactly this. */
  readonly class?: string | undefined;
  /** Prices are this region's; without it, those that hold in most regions. */
  readonly region?: string | undefined;
  /** At most so much for an hour of one node. */
  readonly maxHourly?: MicroUsd | undefined;
  /** Whether prices are with backups. */
  readonly backups?: boolean | undefined;
}

/**
 * The types that match and can be priced, the cheapest by the hour first, ties in the order of
 * their ids. Whether a region has them is for `isOfferedIn` to say.
 */
export function listTypes(
  types: readonly LinodeType[],
  filter: TypeFilter,
): { readonly type: LinodeType; readonly price: Price }[] {
  const { vcpus = 0, memoryMb = 0, gpus = 0, region = null, maxHourly, backups = false } = filter;
  return types
    .filter((type) => type.vcpus >= vcpus && type.memoryMb >= memoryMb && type.gpus >= gpus)
    .filter((type) => filter.class === undefined || type.class === filter.class)
    .flatMap((type) => {
      const price = priceIn(type, region, { backups });
      return price === null ? [] : { type, price };
    })
    .filter(({ price }) => maxHourly === undefined || price.hourly <= maxHourly)
    .sort((a, b) => a.price.hourly - b.price.hourly || (a.type.id < b.type.id ? -1 : 1));
}

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
    .filter(({ capabilities }) => capability === undefined || hasOne(capabilities, capability));

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
    .filter(({ capabilities }) => capability === undefined || hasOne(capabilities, capability))
    .filter(({ id, label }) => [id, label].some((name) => name.toLowerCase().includes(part)))
    .sort((a, b) => Number(a.deprecated) - Number(b.deprecated));
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const hasOne = (names: readonly string[], wanted: string): boolean =>
  names.some((name) => isSame(name, wanted));

/**
 * What a node of the type costs in a region, with backups where they are forced; null: a price is
 * missing. The region null: what it costs where no region's own price holds.
 */
export function priceIn(
  type: LinodeType,
  region: string | null,
  extras: AccountExtras,
): Price | null {
  const base = regionalPrice(type.price, region);
  if (base === null || !extras.backups) return base;
  const backups = regionalPrice(type.backupsPrice, region);
  return backups && combinedPrice(base, backups);
}

/** What a region must have for a class of types; the others are had in every region. */
const CAPABILITY_OF_CLASS: ReadonlyMap<string, string> = new Map([
  ['gpu', 'GPU Linodes'],
  ['premium', 'Premium Plans'],
  ['accelerated', 'NETINT Quadra T1U'],
]);

/**
 * Whether Linodes can be launched there. Distributed sites are not: they have plans of their own,
 * of which Linode's lists do not tell the price for sure, and a budget needs that.
 */
export const isLaunchable = ({ capabilities, siteType }: Region): boolean =>
  capabilities.includes('Linodes') && siteType !== 'distributed';

/** By the region's capabilities alone: whether it has machines left is for `isSoldOut` to say. */
export function isOfferedIn(type: LinodeType, region: Region): boolean {
  const needed = CAPABILITY_OF_CLASS.get(type.class);
  return needed === undefined || region.capabilities.includes(needed);
}

/** As far as it was asked for. */
export const isSoldOut = (type: string, region: string, soldOut: SoldOut): boolean =>
  soldOut.get(region)?.has(type) === true;

type Size = Omit<Extract<Machine, { kind: 'size' }>, 'kind'>;

/** What was looked for, or the faults that it has; neither, where it can't be looked for. */
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

function findRegion(id: string, regions: readonly Region[]): Found<Region> {
  const region = regions.find((candidate) => candidate.id === id);
  if (region === undefined) {
    const hint = suggestion(id, regions.filter(isLaunchable)) || ' (GET /regions lists them)';
    return faulty('region', `there is no region ${id}${hint}`);
  }
  if (isLaunchable(region)) return found(region);
  const what = region.capabilities.includes('Linodes')
    ? `${id} is a distributed region, whose prices are not known for sure`
    : `${id} has no Linodes`;
  return faulty('region', `${what}: choose another region (GET /regions lists them)`);
}

function findType(id: string, region: Region | null, catalogue: CatalogueLists): Found<LinodeType> {
  const type = catalogue.types.find((candidate) => candidate.id === id);
  if (type === undefined) {
    const hint = suggestion(id, catalogue.types) || ' (GET /types lists them)';
    return faulty('type', `there is no type ${id}${hint}`);
  }
  if (region === null) return found(type);
  if (!isOfferedIn(type, region)) {
    const elsewhere = regionsWith(type, catalogue).slice(0, 3);
    const hint = elsewhere.length === 0 ? '' : `, but in ${elsewhere.join(', ')}`;
    return faulty('type', `type ${id} is not offered in ${region.id}${hint}`);
  }
  if (!isSoldOut(id, region.id, catalogue.soldOut)) return found(type);
  const having = regionsWith(type, catalogue);
  const asked = [...catalogue.soldOut.keys()].filter((other) => having.includes(other));
  return faulty('type', soldOutMessage(`type ${id}`, region, asked));
}

/** `regions`: those that were asked and have it, in the order in which they were. */
const soldOutMessage = (what: string, { id }: Region, regions: readonly string[]): string =>
  `${what} is sold out in ${id} at the moment` +
  (regions.length === 0
    ? `: choose another type or region (GET /types?region=${id} tells what is available)`
    : `, but to be had in ${regions.join(', ')}`);

/** The ids of the regions that offer it and are not known to be sold out. */
const regionsWith = (type: LinodeType, { regions, soldOut }: CatalogueLists): string[] =>
  regions
    .filter((region) => isLaunchable(region) && isOfferedIn(type, region))
    .map(({ id }) => id)
    .filter((id) => !isSoldOut(type.id, id, soldOut));

/** Without a region, nothing can be chosen. */
function cheapestType(
  size: Size,
  region: Region | null,
  catalogue: CatalogueLists,
  { backups }: AccountExtras,
): Found<LinodeType> {
  if (region === null) return { value: null, faults: [] };
  const offered = (there: Region) => catalogue.types.filter((type) => isOfferedIn(type, there));
  const fitting = (there: Region) =>
    listTypes(offered(there), { ...size, region: there.id, backups }).map(({ type }) => type);
  const left = (there: Region) =>
    fitting(there).find((type) => !isSoldOut(type.id, there.id, catalogue.soldOut));

  const cheapest = left(region);
  if (cheapest !== undefined) return found(cheapest);
  if (fitting(region).length > 0) {
    const having = [...catalogue.soldOut.keys()].filter((id) => {
      const there = catalogue.regions.find((other) => other.id === id);
      return there !== undefined && isLaunchable(there) && left(there) !== undefined;
    });
    return faulty('region', soldOutMessage(`every type with ${sizeText(size)}`, region, having));
  }
  const priced = listTypes(offered(region), { region: region.id, backups });
  const all = priced.map(({ type }) => type);
  return { value: null, faults: tooBig(size, region, all) };
}

/** Says what is too much, and how much there is. `types` are all of the region, cheapest first. */
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
    const message = `${none} ${memoryMb} MB: the biggest is ${sizeOf(mostMemory)}`;
    faults.push({ path: 'memoryMb', message });
  }
  if (faults.length > 0) return faults;
  const both = `${none} both ${vcpus} vcpus and ${memoryMb} MB`;
  const message = `${both}: the biggest are ${sizeOf(mostVcpus)} and ${sizeOf(mostMemory)}`;
  return [{ path: 'memoryMb', message }];
}

/** The first with the most; null for no types. */
const biggest = (
  types: readonly LinodeType[],
  measure: (type: LinodeType) => number,
): LinodeType | null =>
  types.reduce<LinodeType | null>(
    (most, type) => (most === null || measure(type) > measure(most) ? type : most),
    null,
  );

const sizeOf = ({ id, vcpus, memoryMb }: LinodeType): string =>
  `${id} with ${vcpus} vcpus and ${memoryMb} MB`;

/** Without a region, only what is missing in every region can be told. */
function nodePrice(
  type: LinodeType,
  region: Region | null,
  extras: AccountExtras,
): Found<NodePrice> {
  const base = regionalPrice(type.price, region?.id ?? null);
  if (base === null) {
    return faulty('type', `type ${type.id} has no hourly price, so that no budget can be kept`);
  }
  const backups = regionalPrice(type.backupsPrice, region?.id ?? null);
  if (!extras.backups) return found({ ...base, base, backups });
  if (backups !== null) return found({ ...combinedPrice(base, backups), base, backups });
  return faulty(
    'type',
    `type ${type.id} has no price for backups, which the account may have on for every Linode`,
  );
}

/**
 * By id, by label, and last by either in any case. Labels of private images need not be unique,
 * and images that are still made or uploaded can't be deployed.
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

/** Linode hands user data to cloud-init, through its Metadata service. */
function userDataFaults(image: Image | null, region: Region | null): Fault[] {
  const faults: Fault[] = [];
  if (image !== null && !image.capabilities.includes('cloud-init')) {
    const message = `userData needs an image with cloud-init, which ${image.id} has not`;
    faults.push({ path: 'userData', message });
  }
  if (region !== null && !region.capabilities.includes('Metadata')) {
    const message = `userData needs a region with Metadata, which ${region.id} has not`;
    faults.push({ path: 'userData', message });
  }
  return faults;
}

function regionalPrice(price: RegionalPrice | null, region: string | null): Price | null {
  if (price === null) return null;
  const { hourly, monthly, byRegion } = price;
  const own = region !== null && Object.hasOwn(byRegion, region) ? byRegion[region] : undefined;
  return own ?? { hourly, monthly };
}
