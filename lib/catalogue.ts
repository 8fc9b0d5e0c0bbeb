import type { Image, LinodeType, Price, Region } from './core/catalogue.ts';
import { isOfferedIn, listTypes, type TypeFilter } from './core/choose.ts';
import { type DurationMs, type EpochMs, minutes, plus, seconds } from './core/units.ts';
import { AppError } from './errors.ts';
import type { Clock, LinodeApi } from './ports.ts';

/** What can be launched, and what the account adds to its price. */
export interface Catalogue {
  types(by: EpochMs): Promise<readonly LinodeType[]>;
  regions(by: EpochMs): Promise<readonly Region[]>;
  images(by: EpochMs): Promise<readonly Image[]>;
  /** Whether backups must be counted into every price: forced, or not known not to be. */
  backups(by: EpochMs): Promise<boolean>;
}

/** Linode sends types and regions as valid for a minute: no older price launches anything. */
const PRICE_AGE_MAX = seconds(60);
/** Linode answers 20 image lists a minute, and its images change about monthly. */
const NAME_AGE_MAX = minutes(15);

/** Remembers the lists for as long as they may be used; callers at the same time share one call. */
export function createCatalogue(linode: LinodeApi, clock: Clock): Catalogue {
  return {
    types: remembered(clock, PRICE_AGE_MAX, (by) => linode.types(by)),
    regions: remembered(clock, NAME_AGE_MAX, (by) => linode.regions(by)),
    images: remembered(clock, NAME_AGE_MAX, (by) => linode.images(by)),
    backups: remembered(
      clock,
      PRICE_AGE_MAX,
      async (by) => (await linode.backupsForced(by)) !== false,
    ),
  };
}

/**
 * The types that match, cheapest first, at the prices of the region and with what the account adds.
 * AppError `invalid` for a region that Linode does not have.
 */
export async function typesOffered(
  catalogue: Catalogue,
  filter: Omit<TypeFilter, 'backups'>,
  by: EpochMs,
): Promise<{ type: LinodeType; price: Price }[]> {
  const [types, regions, backups] = await allEnded([
    catalogue.types(by),
    catalogue.regions(by),
    catalogue.backups(by),
  ]);
  const region = regions.find(({ id }) => id === filter.region);
  if (filter.region !== undefined && region === undefined) {
    const known = regions.map(({ id }) => id).join(', ');
    const fault = { path: 'region', message: `region must be one of ${known}` };
    throw new AppError('invalid', `There is no region ${filter.region}.`, { faults: [fault] });
  }
  const offered = region === undefined ? types : types.filter((type) => isOfferedIn(type, region));
  return listTypes(offered, { ...filter, backups });
}

/**
 * As Promise.all, but an error comes out once every call has ended: one left under way would be
 * shared with the next invocation, and fail that when the time given to this one is over.
 */
export async function allEnded<T extends readonly unknown[] | []>(calls: T) {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

function remembered<T>(clock: Clock, ageMax: DurationMs, read: (by: EpochMs) => Promise<T>) {
  let last: { readonly until: EpochMs; readonly value: Promise<T> } | null = null;
  return async (by: EpochMs): Promise<T> => {
    const now = clock.now();
    // A clock that was set back must not keep an entry for longer.
    const usable = last !== null && now < last.until && plus(now, ageMax) >= last.until;
    if (last === null || !usable) {
      const entry = { until: plus(now, ageMax), value: read(by) };
      last = entry;
      entry.value.catch(() => {
        if (last === entry) last = null;
      });
    }
    return last.value;
  };
}
