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
import type { Image, LinodeType, Region } from '../core/catalogue/lists.ts';
import type { Spec } from '../core/cluster/spec.ts';
import { reasonOf } from '../errors.ts';
import type { Cacheable, Clock, LinodeApi, Log } from '../ports.ts';

/** What can be launched, and what the account adds to its price. */
export interface CatalogueCache {
  types(by: EpochMs): Promise<readonly LinodeType[]>;
  regions(by: EpochMs): Promise<readonly Region[]>;
  images(by: EpochMs): Promise<readonly Image[]>;
  /** Whether backups must be counted into every price: forced, or not known not to be. */
  backups(by: EpochMs): Promise<boolean>;
  /**
   * The ids of the types that one of Linode's regions has none left of, as far as that is known:
   * never fails, and takes seconds at the most.
   */
  soldOut(region: string, by: EpochMs): Promise<ReadonlySet<string>>;
}

type Source = Pick<LinodeApi, 'types' | 'regions' | 'images' | 'availability' | 'backupsForced'>;

/** How long a list is remembered, whatever Linode says of it. */
interface Bounds {
  readonly least: DurationMs;
  readonly most: DurationMs;
}

/** No older price launches anything, and none that Linode said is not to be kept. */
const PRICES: Bounds = { least: seconds(0), most: seconds(60) };
const REGIONS: Bounds = { least: seconds(0), most: minutes(15) };
/**
 * Linode sends its images both as not to be kept and as valid for a minute, and answers no more
 * than 20 lists of them in one. They change about monthly.
 */
const IMAGES: Bounds = { least: seconds(60), most: minutes(15) };

/** Remembers the lists for as long as they may be used; callers at the same time share one call. */
export function createCatalogueCache(linode: Source, clock: Clock, log: Log): CatalogueCache {
  return {
    types: remembered(clock, PRICES, (by) => linode.types(by)),
    regions: remembered(clock, REGIONS, (by) => linode.regions(by)),
    images: remembered(clock, IMAGES, (by) => linode.images(by)),
    backups: remembered(clock, PRICES, async (by) => ({
      value: (await linode.backupsForced(by)) !== false,
      maxAge: null,
    })),
    soldOut: rememberedSoldOut(linode, clock, log),
  };
}

/**
 * What a spec is resolved and compared by: the lists, with what is sold out in its region and in
 * those that may be named in its place.
 */
export async function catalogueFor(
  catalogue: CatalogueCache,
  wanted: Partial<Spec>,
  by: EpochMs,
): Promise<{ lists: CatalogueLists; extras: AccountExtras }> {
  const { region } = wanted;
  const [types, regions, images, backups, here] = await allEnded([
    catalogue.types(by),
    catalogue.regions(by),
    catalogue.images(by),
    catalogue.backups(by),
    soldOutIn(catalogue, region === undefined ? [] : [region], by),
  ]);
  const extras = { backups };
  const lists = { types, regions, images, soldOut: here };
  const there = await soldOutIn(catalogue, regionsToAsk(wanted, lists, extras), by);
  return { lists: { ...lists, soldOut: new Map([...here, ...there]) }, extras };
}

/** Of regions that Linode does not have, nothing. */
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
 * As Promise.all, but an error comes out once every call has ended: one left under way would be
 * shared with the next invocation, and fail that when the time given to this one is over.
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
    // A clock that was set back must not keep an entry for longer.
    if (last === null || now < last.from || now >= last.until) {
      // Until it is answered, the answer is for all who ask, however short its life will be.
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
/** Retries end by then. */
const AVAILABILITY_WAIT_MAX = seconds(2);
/** More than Linode has. */
const REGIONS_MAX = 64;

/**
 * Linode answers this for one region at a time. A server may lack it, or be slow to answer: then
 * nothing is known of any region for a minute, and nobody waits for it again until then.
 */
function rememberedSoldOut(linode: Source, clock: Clock, log: Log): CatalogueCache['soldOut'] {
  const byRegion = new Map<string, (by: EpochMs) => Promise<ReadonlySet<string>>>();
  let failedAt: EpochMs | null = null;

  async function read(region: string, by: EpochMs): Promise<ReadonlySet<string>> {
    const now = clock.now();
    const lately = failedAt !== null && now >= failedAt && now - failedAt < AVAILABILITY_AGE_MAX;
    if (lately) return new Set();
    try {
      const rows = await linode.availability(
        region,
        earliest(by, plus(now, AVAILABILITY_WAIT_MAX)),
      );
      failedAt = null;
      return new Set(rows.filter(({ available }) => !available).map(({ type }) => type));
    } catch (error) {
      if (failedAt === null) log.warn('availability is unknown', { reason: reasonOf(error) });
      failedAt = now;
      return new Set();
    }
  }

  return (region, by) => {
    const known = byRegion.get(region);
    if (known !== undefined) return known(by);
    const bounds = { least: seconds(0), most: AVAILABILITY_AGE_MAX };
    const asked = remembered(clock, bounds, async (until) => ({
      value: await read(region, until),
      maxAge: null,
    }));
    const [oldest] = byRegion.keys();
    if (oldest !== undefined && byRegion.size >= REGIONS_MAX) byRegion.delete(oldest);
    byRegion.set(region, asked);
    return asked(by);
  };
}
