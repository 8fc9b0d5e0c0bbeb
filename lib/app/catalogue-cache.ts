import { microUsd } from '../core/base/money.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  earliest,
  minutes,
  plus,
  seconds,
} from '../core/base/units.ts';
import { regionsToAsk } from '../core/catalogue/alternatives.ts';
import {
  type AccountExtras,
  type CatalogueLists,
  isLaunchable,
  type SoldOut,
} from '../core/catalogue/choose.ts';
import type {
  Image,
  InterfaceGeneration,
  LinodeType,
  Region,
  TransferPrices,
} from '../core/catalogue/lists.ts';
import { PRICES_AGE_MAX } from '../core/cluster/kinds.ts';
import type { Spec } from '../core/cluster/spec.ts';
import { reasonOf } from '../errors.ts';
import type { AccountSettings, Cacheable, Clock, LinodeApi, Log } from '../ports.ts';
import type { Settings } from '../settings.ts';

/** Linode's catalogue and the account's settings, remembered for a while. */
export interface CatalogueCache {
  types(by: EpochMs): Promise<readonly LinodeType[]>;
  regions(by: EpochMs): Promise<readonly Region[]>;
  /**
   * What a GB beyond the account's pool costs; null: the server does not know transfer. Never fails,
   * and takes at most a few seconds.
   */
  transferPrices(by: EpochMs): Promise<TransferPrices | null>;
  /** Without recovery images. */
  images(by: EpochMs): Promise<readonly Image[]>;
  recoveryImages(by: EpochMs): Promise<readonly Image[]>;
  /**
   * Whether every price must include backups, because the account forces them or may force them.
   */
  backups(by: EpochMs): Promise<boolean>;
  /** The account's settings as Linode gives them; `unreadable`: the token lacks a scope. */
  account(by: EpochMs): Promise<AccountSettings | 'unreadable'>;
  /**
   * The firewall that the account attaches to a new Linode of the generation; null: none, as far as
   * Linode says. Never fails, and takes at most a few seconds.
   */
  defaultFirewall(interfaces: InterfaceGeneration, by: EpochMs): Promise<number | null>;
  /**
   * The ids of the types that a region is sold out of, as far as Linode says. Never fails, and
   * takes at most a few seconds.
   */
  soldOut(region: string, by: EpochMs): Promise<ReadonlySet<string>>;
  /**
   * The labels of the region's VLANs, at most some seconds old; if `fresh`, of now. null: Linode does
   * not say. Never fails, and takes at most a few seconds.
   */
  vlans(
    region: string,
    options: { readonly fresh: boolean; readonly by: EpochMs },
  ): Promise<readonly string[] | null>;
}

type Source = Pick<
  LinodeApi,
  | 'types'
  | 'regions'
  | 'images'
  | 'recoveryImages'
  | 'availability'
  | 'accountSettings'
  | 'transferPrices'
  | 'defaultFirewalls'
  | 'vlans'
>;

/** How long a list is remembered: Linode's own max-age, but within these bounds. */
interface Bounds {
  readonly least: DurationMs;
  readonly most: DurationMs;
}

/** Prices are never kept if Linode says not to store them. */
const PRICES: Bounds = { least: seconds(0), most: PRICES_AGE_MAX };
const REGIONS: Bounds = { least: seconds(0), most: minutes(15) };
const FIREWALLS: Bounds = { least: seconds(0), most: minutes(1) };
/**
 * Images are kept for at least a minute. Linode marks them both as not to be stored and as valid
 * for a minute, and answers at most 20 lists of them a minute. They change about monthly.
 */
const IMAGES: Bounds = { least: seconds(60), most: minutes(15) };

/** Remembers the lists for as long as they may be used. Simultaneous callers share one call. */
export function createCatalogueCache(linode: Source, clock: Clock, log: Log): CatalogueCache {
  const account = remembered(clock, PRICES, async (by) => ({
    value: await linode.accountSettings(by),
    maxAge: null,
  }));
  const firewalls = remembered(clock, FIREWALLS, async (by) => ({
    value: await readFirewalls(linode, clock, log, by),
    maxAge: null,
  }));
  return {
    types: remembered(clock, PRICES, (by) => linode.types(by)),
    regions: remembered(clock, REGIONS, (by) => linode.regions(by)),
    images: remembered(clock, IMAGES, (by) => linode.images(by)),
    transferPrices: remembered(clock, PRICES, (by) => readTransfer(linode, clock, log, by)),
    recoveryImages: remembered(clock, IMAGES, (by) => linode.recoveryImages(by)),
    account,
    async backups(by) {
      const settings = await account(by);
      return settings === 'unreadable' || settings.backupsForced;
    },
    async defaultFirewall(interfaces, by) {
      const ids = await firewalls(by);
      return ids === 'unreadable' ? null : ids[interfaces];
    },
    soldOut: rememberedSoldOut(linode, clock, log),
    vlans: rememberedVlans(linode, clock, log),
  };
}

/** A failure is remembered as well, so that not every launch waits for the same server. */
async function readFirewalls(linode: Source, clock: Clock, log: Log, by: EpochMs) {
  try {
    return await linode.defaultFirewalls(earliest(by, plus(clock.now(), OPTIONAL_WAIT_MAX)));
  } catch (error) {
    log.warn('default firewalls are unknown', { reason: reasonOf(error) });
    return 'unreadable' as const;
  }
}

/** As recorded: docs/linode.md#transfer. They count if Linode does not say, and are read again. */
const TRANSFER_PRICES: TransferPrices = {
  gb: microUsd(5_000),
  byRegion: { 'id-cgk': microUsd(15_000), 'br-gru': microUsd(7_000) },
};

async function readTransfer(
  linode: Source,
  clock: Clock,
  log: Log,
  by: EpochMs,
): Promise<Cacheable<TransferPrices | null>> {
  try {
    return await linode.transferPrices(earliest(by, plus(clock.now(), OPTIONAL_WAIT_MAX)));
  } catch (error) {
    log.warn('prices of transfer are unknown', { reason: reasonOf(error) });
    return { value: TRANSFER_PRICES, maxAge: null };
  }
}

interface CatalogueDeps {
  readonly catalogue: CatalogueCache;
  readonly settings: Pick<Settings, 'monthEndHour'>;
}

/**
 * The catalogue by which a spec is resolved and compared, at prices as the settings read them, with
 * the sold-out types of the spec's region and of those regions that an alternative may name.
 */
export async function catalogueFor(
  { catalogue, settings }: CatalogueDeps,
  wanted: Partial<Spec>,
  by: EpochMs,
): Promise<{ lists: CatalogueLists; extras: AccountExtras; transfer: TransferPrices | null }> {
  const { region } = wanted;
  const [types, regions, images, backups, account, here, transfer] = await allEnded([
    catalogue.types(by),
    catalogue.regions(by),
    imagesFor(catalogue, wanted, by),
    catalogue.backups(by),
    catalogue.account(by),
    soldOutIn(catalogue, region === undefined ? [] : [region], by),
    catalogue.transferPrices(by),
  ]);
  const isNew = account !== 'unreadable' && account.interfaces === 'linode';
  const { monthEndHour } = settings;
  const extras: AccountExtras = { backups, monthEndHour, ...(isNew && { interfaces: 'linode' }) };
  const lists = { types, regions, images, soldOut: here };
  const there = await soldOutIn(catalogue, regionsToAsk(wanted, lists, extras), by);
  return { lists: { ...lists, soldOut: new Map([...here, ...there]) }, extras, transfer };
}

/** Also the recovery images if the spec may name one: its id is that of a private image. */
async function imagesFor(
  catalogue: CatalogueCache,
  { image }: Partial<Spec>,
  by: EpochMs,
): Promise<readonly Image[]> {
  const images = await catalogue.images(by);
  const isKnown = images.some(({ id }) => id === image);
  if (isKnown || image === undefined || !/^private\/\d+$/.test(image)) return images;
  return [...images, ...(await catalogue.recoveryImages(by))];
}

/** The sold-out types of each region in `ids` that Linode has. */
export async function soldOutIn(
  catalogue: CatalogueCache,
  ids: readonly string[],
  by: EpochMs,
): Promise<SoldOut> {
  const regions = await catalogue.regions(by);
  const known = regions.filter(isLaunchable).map(({ id }) => id);
  const entries = ids
    .filter((id) => known.includes(id))
    .map(async (id) => [id, await catalogue.soldOut(id, by)] as const);
  return new Map(await Promise.all(entries));
}

/**
 * As Promise.all, but an error is thrown only once every call has ended. A call left under way
 * would be shared with the next invocation, and fail it when the time given to this invocation is
 * over.
 */
export async function allEnded<T extends readonly unknown[] | []>(calls: T) {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

function remembered<T>(
  clock: Clock,
  { least, most }: Bounds,
  read: (by: EpochMs) => Promise<Cacheable<T>>,
): (by: EpochMs) => Promise<T> {
  let last: { from: EpochMs; until: EpochMs; answer: Promise<Cacheable<T>> } | null = null;
  return async (by) => {
    const now = clock.now();
    // After the clock was set back, an entry must not be kept for longer.
    if (last === null || now < last.from || now >= last.until) {
      // Until Linode answers, all callers share this call, however short the answer may be kept.
      const entry = { from: now, until: plus(now, most), answer: read(by) };
      last = entry;
      entry.answer.then(
        ({ maxAge }) => {
          const age = Math.max(least, Math.min(maxAge ?? most, most));
          entry.until = plus(entry.from, durationMs(age));
        },
        () => {
          if (last === entry) last = null;
        },
      );
    }
    return (await last.answer).value;
  };
}

const AVAILABILITY_AGE_MAX = seconds(60);
const VLANS_AGE_MAX = seconds(15);
/** How long a call may be retried whose answer launches can do without. */
const OPTIONAL_WAIT_MAX = seconds(2);
/** The most regions whose availability is remembered: more than Linode has. */
const REGIONS_MAX = 64;

/**
 * Remembers the availability of each region by itself, as Linode answers it. A server may lack the
 * route or be slow: after a failure, all regions count as not sold out for a minute, and nobody
 * waits for the call again until then.
 */
function rememberedSoldOut(linode: Source, clock: Clock, log: Log): CatalogueCache['soldOut'] {
  let failedAt: EpochMs | null = null;

  async function read(region: string, by: EpochMs): Promise<ReadonlySet<string>> {
    const now = clock.now();
    const lately = failedAt !== null && now >= failedAt && now - failedAt < AVAILABILITY_AGE_MAX;
    if (lately) return new Set();
    try {
      const rows = await linode.availability(region, earliest(by, plus(now, OPTIONAL_WAIT_MAX)));
      failedAt = null;
      return new Set(rows.filter(({ available }) => !available).map(({ type }) => type));
    } catch (error) {
      if (failedAt === null) log.warn('availability is unknown', { reason: reasonOf(error) });
      failedAt = now;
      return new Set();
    }
  }

  return rememberedByRegion(clock, AVAILABILITY_AGE_MAX, read);
}

/**
 * Linode takes 200 lists a minute, so that not each of many launches may read the VLANs; and a
 * server may lack them.
 */
function rememberedVlans(linode: Source, clock: Clock, log: Log): CatalogueCache['vlans'] {
  async function read(region: string, by: EpochMs): Promise<readonly string[] | null> {
    try {
      const vlans = await linode.vlans(region, earliest(by, plus(clock.now(), OPTIONAL_WAIT_MAX)));
      return vlans.map(({ label }) => label);
    } catch (error) {
      log.warn('VLANs are unknown', { reason: reasonOf(error) });
      return null;
    }
  }
  const lately = rememberedByRegion(clock, VLANS_AGE_MAX, read);
  return (region, { fresh, by }) => (fresh ? read(region, by) : lately(region, by));
}

function rememberedByRegion<T>(
  clock: Clock,
  most: DurationMs,
  read: (region: string, by: EpochMs) => Promise<T>,
): (region: string, by: EpochMs) => Promise<T> {
  const byRegion = new Map<string, (by: EpochMs) => Promise<T>>();
  return (region, by) => {
    const known = byRegion.get(region);
    if (known !== undefined) return known(by);
    const asked = remembered(clock, { least: seconds(0), most }, async (until) => ({
      value: await read(region, until),
      maxAge: null,
    }));
    const [oldest] = byRegion.keys();
    if (oldest !== undefined && byRegion.size >= REGIONS_MAX) byRegion.delete(oldest);
    byRegion.set(region, asked);
    return asked(by);
  };
}
