import type { Row } from './json.ts';
import type { PrivateImage, SimulatorSettings } from './settings.ts';

/** US dollars. null: the API gives no price; without a monthly price there is no monthly limit. */
export interface Price {
  readonly hourly: number | null;
  readonly monthly: number | null;
}

interface RegionPrice extends Price {
  readonly id: string;
}

/** A type in GET /linode/types. Declared by `type`, not `interface`, to be assignable to Row. */
export type WireType = {
  readonly id: string;
  readonly label: string;
  readonly price: Price;
  readonly region_prices: readonly RegionPrice[];
  readonly addons: {
    readonly backups: { readonly price: Price; readonly region_prices: readonly RegionPrice[] };
  };
  readonly memory: number;
  readonly disk: number;
  readonly transfer: number;
  readonly vcpus: number;
  readonly gpus: number;
  readonly network_out: number;
  readonly class: string;
  readonly successor: null;
  readonly accelerated_devices: number;
};

export type WireRegion = {
  readonly id: string;
  readonly label: string;
  readonly country: string;
  readonly capabilities: readonly string[];
  readonly monitors: { readonly alerts: readonly string[]; readonly metrics: readonly string[] };
  readonly status: string;
  readonly resolvers: { readonly ipv4: string; readonly ipv6: string };
  readonly placement_group_limits: Row;
  readonly site_type: string;
};

export type WireImage = Row & {
  readonly id: string;
  readonly label: string;
  readonly size: number;
  readonly capabilities: readonly string[];
};

/** Id, label, class, GB of memory, MB of disk, CPUs, GB of transfer, Mbit/s out, GPUs if any. */
type TypeRow = readonly [
  id: string,
  label: string,
  class_: string,
  memoryGb: number,
  disk: number,
  vcpus: number,
  transfer: number,
  networkOut: number,
  gpus?: number,
];

/** In the API's order. The last type is of the generation without monthly price and transfer. */
// biome-ignore format: a table is easier to compare with Linode's price list
const TYPE_ROWS: readonly TypeRow[] = [
  ['g6-nanode-1', 'Nanode 1GB', 'nanode', 1, 25600, 1, 1000, 1000],
  ['g6-standard-1', 'Linode 2GB', 'standard', 2, 51200, 1, 2000, 2000],
  ['g6-standard-2', 'Linode 4GB', 'standard', 4, 81920, 2, 4000, 4000],
  ['g6-standard-4', 'Linode 8GB', 'standard', 8, 163840, 4, 5000, 5000],
  ['g6-standard-6', 'Linode 16GB', 'standard', 16, 327680, 6, 8000, 6000],
  ['g6-standard-8', 'Linode 32GB', 'standard', 32, 655360, 8, 16000, 7000],
  ['g7-highmem-1', 'Linode 24GB', 'highmem', 24, 20480, 2, 5000, 5000],
  ['g6-dedicated-2', 'Dedicated 4GB', 'dedicated', 4, 81920, 2, 4000, 4000],
  ['g6-dedicated-4', 'Dedicated 8GB', 'dedicated', 8, 163840, 4, 5000, 5000],
  ['g6-dedicated-8', 'Dedicated 16GB', 'dedicated', 16, 327680, 8, 6000, 6000],
  ['g1-gpu-rtx6000-1', 'Dedicated 32GB + RTX6000 GPU x1', 'gpu', 32, 655360, 8, 16000, 10000, 1],
  ['g7-premium-2', 'Premium 4GB', 'premium', 4, 81920, 2, 4000, 4000],
  ['g7-premium-4', 'Premium 8GB', 'premium', 8, 163840, 4, 5000, 5000],
  ['g8-dedicated-4-2', 'G8 Dedicated 4x2', 'dedicated', 4, 41984, 2, 0, 4000],
];

/** The hourly and the monthly price in US dollars; null: the API gives no price. */
type Pair = readonly [number | null, number | null];

/** The price everywhere, then the prices of Jakarta and of São Paulo if those differ. */
type PriceRow = readonly [everywhere: Pair, idCgk?: Pair, brGru?: Pair];

// biome-ignore format: a table is easier to compare with Linode's price list
const PRICES: Readonly<Record<string, PriceRow>> = {
  'g6-nanode-1': [[0.0075, 5], [0.009, 6], [0.0105, 7]],
  'g6-standard-1': [[0.018, 12], [0.022, 14.4], [0.025, 16.8]],
  'g6-standard-2': [[0.036, 24], [0.043, 28.8], [0.05, 33.6]],
  'g6-standard-4': [[0.072, 48], [0.086, 57.6], [0.101, 67.2]],
  'g6-standard-6': [[0.144, 96], [0.173, 115.2], [0.202, 134.4]],
  'g6-standard-8': [[0.288, 192], [0.346, 230.4], [0.403, 268.8]],
  'g7-highmem-1': [[0.09, 60], [0.108, 72], [0.126, 84]],
  'g6-dedicated-2': [[0.054, 36], [0.065, 43.2], [0.076, 50.4]],
  'g6-dedicated-4': [[0.108, 72], [0.13, 86.4], [0.151, 100.8]],
  'g6-dedicated-8': [[0.216, 144], [0.259, 172.8], [0.302, 201.6]],
  'g1-gpu-rtx6000-1': [[1.5, 1000]],
  'g7-premium-2': [[0.0645, 43], [0.078, 51.84], [0.091, 60.48]],
  'g7-premium-4': [[0.129, 86], [0.156, 103.68], [0.181, 120.96]],
  'g8-dedicated-4-2': [[0.07, null]],
};

// biome-ignore format: a table is easier to compare with Linode's price list
const BACKUPS_PRICES: Readonly<Record<string, PriceRow>> = {
  'g6-nanode-1': [[0.003, 2], [0.0036, 2.4], [0.004, 2.8]],
  'g6-standard-1': [[0.004, 2.5], [0.0045, 3], [0.005, 3.5]],
  'g6-standard-2': [[0.008, 5], [0.009, 6], [0.01, 7]],
  'g6-standard-4': [[0.015, 10], [0.018, 12], [0.021, 14]],
  'g6-standard-6': [[0.03, 20], [0.036, 24], [0.042, 28]],
  'g6-standard-8': [[0.06, 40], [0.072, 48], [0.084, 56]],
  'g7-highmem-1': [[0.0075, 5], [0.009, 6], [0.0105, 7]],
  'g6-dedicated-2': [[0.008, 5], [0.009, 6], [0.01, 7]],
  'g6-dedicated-4': [[0.015, 10], [0.018, 12], [0.021, 14]],
  'g6-dedicated-8': [[0.03, 20], [0.036, 24], [0.042, 28]],
  'g1-gpu-rtx6000-1': [[0.06, 40]],
  'g7-premium-2': [[0.008, 5], [0.009, 6], [0.01, 7]],
  'g7-premium-4': [[0.015, 10], [0.018, 12], [0.021, 14]],
};

/** For types whose price of backups is not known. */
const NO_PRICE: PriceRow = [[null, null]];

const BASE_CAPABILITIES = [
  'Linodes',
  'Block Storage Encryption',
  'Disk Encryption',
  'Backups',
  'NodeBalancers',
  'Block Storage',
  'Kubernetes',
  'Cloud Firewall',
  'Vlans',
  'Metadata',
  'Placement Group',
  'StackScripts',
  'Maintenance Policy',
  'Linode Interfaces',
];

/**
 * Id, label, country, and the capabilities beside `BASE_CAPABILITIES`. The two regions at the end
 * have neither VPCs nor premium plans.
 */
const REGION_ROWS: readonly (readonly [string, string, string, string[]])[] = [
  ['gb-lon', 'London 2, UK', 'gb', ['GPU Linodes', 'VPCs', 'Premium Plans', 'NETINT Quadra T1U']],
  ['id-cgk', 'Jakarta, ID', 'id', ['GPU Linodes', 'VPCs', 'Premium Plans']],
  ['de-fra-2', 'Frankfurt 2, DE', 'de', ['GPU Linodes', 'VPCs', 'Premium Plans']],
  ['us-ord', 'Chicago, IL', 'us', ['GPU Linodes', 'VPCs', 'Premium Plans']],
  ['us-sea', 'Seattle, WA', 'us', ['GPU Linodes', 'VPCs', 'Premium Plans']],
  ['br-gru', 'Sao Paulo, BR', 'br', ['VPCs', 'Premium Plans']],
  ['nl-ams', 'Amsterdam, NL', 'nl', ['GPU Linodes', 'VPCs', 'Premium Plans']],
  ['jp-osa', 'Osaka, JP', 'jp', ['GPU Linodes', 'VPCs', 'Premium Plans']],
  ['eu-central', 'Frankfurt, DE', 'de', ['GPU Linodes']],
  ['us-east', 'Newark, NJ', 'us', ['GPU Linodes']],
];

const ANYWHERE = ['cloud-init', 'distributed-sites'];
const CORE_ONLY = ['cloud-init'];

/** Id, label, vendor, MB of disk needed, capabilities, and `true` for a deprecated image. */
const IMAGE_ROWS: readonly (readonly [string, string, string, number, string[], boolean?])[] = [
  ['linode/almalinux9', 'AlmaLinux 9', 'AlmaLinux', 2500, ANYWHERE],
  ['linode/arch', 'Arch Linux', 'Arch', 2500, CORE_ONLY],
  ['linode/debian12', 'Debian 12', 'Debian', 1800, ANYWHERE],
  ['linode/debian13', 'Debian 13', 'Debian', 1800, ANYWHERE],
  ['linode/fedora43', 'Fedora 43', 'Fedora', 3000, CORE_ONLY],
  ['linode/rocky9', 'Rocky Linux 9', 'Rocky', 2500, ANYWHERE],
  ['linode/slackware15.0', 'Slackware 15.0', 'Slackware', 11600, []],
  ['linode/ubuntu22.04', 'Ubuntu 22.04 LTS', 'Ubuntu', 3500, ANYWHERE],
  ['linode/ubuntu24.04', 'Ubuntu 24.04 LTS', 'Ubuntu', 3500, ANYWHERE],
  ['linode/ubuntu20.04', 'Ubuntu 20.04 LTS', 'Ubuntu', 3500, ANYWHERE, true],
];

/** The type with all prices times `factor`, rounded to four decimals as Linode's prices are. */
export function repriced(type: WireType, factor: number): WireType {
  if (factor === 1) return type;
  const scaled = ({ price, region_prices }: Pick<WireType, 'price' | 'region_prices'>) => ({
    price: timesFactor(price, factor),
    region_prices: region_prices.map((there) => ({ ...there, ...timesFactor(there, factor) })),
  });
  return { ...type, ...scaled(type), addons: { backups: scaled(type.addons.backups) } };
}

export function timesFactor({ hourly, monthly }: Price, factor: number): Price {
  const scaled = (dollars: number | null) =>
    dollars === null ? null : Math.round(dollars * factor * 1e4) / 1e4;
  return factor === 1 ? { hourly, monthly } : { hourly: scaled(hourly), monthly: scaled(monthly) };
}

export const types: ReadonlyMap<string, WireType> = byId(TYPE_ROWS.map(wireType));
export const regions: ReadonlyMap<string, WireRegion> = byId(REGION_ROWS.map(wireRegion));
export const images: ReadonlyMap<string, WireImage> = byId(IMAGE_ROWS.map(wireImage));

/** Private images first, as Linode lists them. */
export const imagesOf = ({ privateImages }: Pick<SimulatorSettings, 'privateImages'>) =>
  new Map([...byId(privateImages.map(wirePrivateImage)), ...images]);

/** Whether the region has types of this class at all; it may have sold out this type. */
export function offers(region: WireRegion, type: WireType): boolean {
  const needed = NEEDED_CAPABILITIES[type.class];
  return needed === undefined || region.capabilities.includes(needed);
}

/** The classes of types that only some regions have, with the capability of those regions. */
export const NEEDED_CAPABILITIES: Readonly<Record<string, string>> = {
  premium: 'Premium Plans',
  gpu: 'GPU Linodes',
};

function byId<T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function wireType(row: TypeRow): WireType {
  const [id, label, class_, memoryGb, disk, vcpus, transfer, networkOut, gpus = 0] = row;
  return {
    id,
    label,
    ...wirePrices(PRICES[id] ?? NO_PRICE),
    addons: { backups: wirePrices(BACKUPS_PRICES[id] ?? NO_PRICE) },
    memory: memoryGb * 1024,
    disk,
    transfer,
    vcpus,
    gpus,
    network_out: networkOut,
    class: class_,
    successor: null,
    accelerated_devices: 0,
  };
}

function wirePrices([[hourly, monthly], idCgk, brGru]: PriceRow) {
  return {
    price: { hourly, monthly },
    region_prices: [...regionPrice('id-cgk', idCgk), ...regionPrice('br-gru', brGru)],
  };
}

function regionPrice(id: string, pair: Pair | undefined): RegionPrice[] {
  return pair === undefined ? [] : [{ id, hourly: pair[0], monthly: pair[1] }];
}

function wireRegion([id, label, country, added]: (typeof REGION_ROWS)[number]): WireRegion {
  return {
    id,
    label,
    country,
    capabilities: [...BASE_CAPABILITIES, ...added],
    monitors: { alerts: [], metrics: [] },
    status: 'ok',
    resolvers: { ipv4: '192.0.2.53', ipv6: '2001:db8::53' },
    placement_group_limits: {
      maximum_pgs_per_customer: null,
      maximum_linodes_per_pg: 5,
      maximum_linodes_per_flexible_pg: 250,
    },
    site_type: 'core',
  };
}

function wireImage(row: (typeof IMAGE_ROWS)[number]): WireImage {
  const [id, label, vendor, size, capabilities, deprecated = false] = row;
  return {
    id,
    label,
    deprecated,
    size,
    // The dates here and below are invented; nothing depends on them.
    created: '2018-01-02T03:04:05',
    updated: '2018-01-02T03:04:05',
    description: '',
    created_by: 'linode',
    type: 'manual',
    tags: [],
    is_public: true,
    is_shared: false,
    vendor,
    expiry: null,
    eol: '2018-01-02T03:04:05',
    regions: null,
    status: 'available',
    capabilities,
    image_sharing: null,
  };
}

function wirePrivateImage({ id, label, size, type }: PrivateImage): WireImage {
  return {
    ...wireImage([id, label, '', size, CORE_ONLY]),
    type,
    is_public: false,
    vendor: null,
    created_by: 'onebuck',
    // Invented; nothing depends on it.
    expiry: type === 'automatic' ? '2038-01-02T03:04:05' : null,
    total_size: size,
    eol: null,
  };
}
