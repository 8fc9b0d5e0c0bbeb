import type { MicroUsd } from '../core/base/money.ts';
import type { EpochMs } from '../core/base/units.ts';
import type { Price } from '../core/billing/price.ts';
import {
  type ImageFilter,
  isLaunchable,
  isOfferedIn,
  isSoldOut,
  listImages,
  listRegions,
  listTypes,
  type RegionFilter,
  type TypeFilter,
  termsFor,
} from '../core/catalogue/choose.ts';
import type { Image, LinodeType, Region } from '../core/catalogue/lists.ts';
import { hoursAfforded } from '../core/cluster/quote.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports.ts';
import type { Settings } from '../settings.ts';
import { allEnded, type CatalogueCache, soldOutIn } from './catalogue-cache.ts';

export interface TypesQuery extends Omit<TypeFilter, 'backups' | 'monthEndHour'> {
  /** The budget for `affordableHours`; absent: no hours are computed. */
  readonly budget?: MicroUsd | undefined;
  /** The nodes that the budget pays for; 1 by default. */
  readonly nodes?: number | undefined;
  /** What they are planned to send, all together; absent: what they bring. */
  readonly transferGb?: number | undefined;
}

export interface OfferedType {
  readonly type: LinodeType;
  readonly price: Price;
  /** Whether the region has machines left, as far as Linode says; null: no region was given. */
  readonly available: boolean | null;
  /** How many hours from now the budget affords; null: no budget was given. */
  readonly affordableHours: number | null;
}

export interface TypesDeps {
  readonly catalogue: CatalogueCache;
  readonly clock: Pick<Clock, 'now'>;
  readonly settings: Pick<Settings, 'marginMs' | 'monthEndHour'>;
}

/**
 * The types that match, cheapest first, at the prices of the region, including what the account
 * adds to them. AppError `invalid` if Onebuck launches no Linodes in the region.
 */
export async function typesOffered(
  { catalogue, clock, settings }: TypesDeps,
  { budget, nodes = 1, transferGb, ...filter }: TypesQuery,
  by: EpochMs,
): Promise<OfferedType[]> {
  const [types, regions, backups, soldOut, prices] = await allEnded([
    catalogue.types(by),
    catalogue.regions(by),
    catalogue.backups(by),
    soldOutIn(catalogue, filter.region === undefined ? [] : [filter.region], by),
    transferGb === undefined ? null : catalogue.transferPrices(by),
  ]);
  const region = filter.region === undefined ? null : regionOf(filter.region, regions);
  const offered = region === null ? types : types.filter((type) => isOfferedIn(type, region));
  const from = clock.now();
  const limits = { maxHours: null, transferGb: transferGb ?? null };
  const plan = { ...limits, nodes, marginMs: settings.marginMs, from };
  const { monthEndHour } = settings;
  return listTypes(offered, { ...filter, backups, monthEndHour }).map(({ type, price }) => {
    const terms = termsFor(type, region?.id ?? null, prices);
    return {
      type,
      price,
      available: region && !isSoldOut(type.id, region.id, soldOut),
      affordableHours:
        budget === undefined ? null : hoursAfforded({ ...plan, price, budget, terms }),
    };
  });
}

function regionOf(id: string, regions: readonly Region[]): Region {
  const launchable = regions.filter(isLaunchable);
  const region = launchable.find((candidate) => candidate.id === id);
  if (region !== undefined) return region;
  const known = launchable.map((candidate) => candidate.id).join(', ');
  const fault = { path: 'region', message: `region must be one of ${known}` };
  throw new AppError('invalid', `There is no region ${id}.`, { faults: [fault] });
}

/** The regions that match and that a spec can name. */
export const regionsOffered = async (
  { catalogue }: { readonly catalogue: CatalogueCache },
  filter: RegionFilter,
  by: EpochMs,
): Promise<Region[]> => listRegions(await catalogue.regions(by), filter);

/** The images that match and that a spec can name, the deprecated ones last. */
export const imagesOffered = async (
  { catalogue }: { readonly catalogue: CatalogueCache },
  { isRecovery, ...filter }: ImageFilter & { readonly isRecovery: boolean },
  by: EpochMs,
): Promise<Image[]> =>
  listImages(await (isRecovery ? catalogue.recoveryImages(by) : catalogue.images(by)), filter);
