import { notFound } from './api-error.ts';
import type { Call } from './call.ts';
import {
  images,
  imagesOf,
  NEEDED_CAPABILITIES,
  offers,
  regions,
  repriced,
  types,
  type WireRegion,
} from './catalogue.ts';
import { pageOf } from './collection.ts';
import { pythonJson, type Row, rowJson } from './json.ts';

export function listTypes(call: Call): string {
  const fields = ['class', 'disk', 'gpus', 'label', 'memory', 'network_out', 'transfer', 'vcpus'];
  const { priceFactor } = call.settings;
  return pageOf(call, fields, () => [...types.values()].map((type) => repriced(type, priceFactor)));
}

export function listRegions(call: Call): string {
  const rows = () => [...regions.values()].map((region) => regionNow(region, call));
  return pageOf(call, ['country', 'site_type'], rows);
}

export function showRegion(call: Call): string {
  return pythonJson(regionNow(requestedRow(regions, call), call));
}

function regionNow(region: WireRegion, { settings }: Call): WireRegion {
  const lacks = (name: string) => settings.regionsWithout[name]?.includes(region.id) === true;
  if (!region.capabilities.some(lacks)) return region;
  return { ...region, capabilities: region.capabilities.filter((name) => !lacks(name)) };
}

export function listAvailability(call: Call): string {
  const rows = () => [...regions.values()].flatMap((region) => availability(region, call));
  return pageOf(call, ['available', 'plan', 'region'], rows);
}

/** The real API answers here with a list, not with a page. */
export function regionAvailability(call: Call): string {
  const region = regions.get(call.params[0] ?? '');
  if (region === undefined) throw notFound();
  return pythonJson(availability(region, call));
}

/** Only types of classes that some regions lack, and types that are sold out, have rows. */
function availability(region: WireRegion, { settings }: Call): Row[] {
  return [...types.values()].flatMap((type) => {
    const isSoldOut = settings.soldOut.some(
      (pair) => pair.type === type.id && pair.region === region.id,
    );
    if (!isSoldOut && NEEDED_CAPABILITIES[type.class] === undefined) return [];
    const available = !isSoldOut && offers(region, type);
    return [{ region: region.id, plan: type.id, available }];
  });
}

export function listImages(call: Call): string {
  const fields = ['deprecated', 'is_public', 'label', 'size', 'status', 'tags', 'type', 'vendor'];
  return pageOf(call, fields, () => [...imagesOf(call.settings).values()]);
}

export const showType = (call: Call): string =>
  rowJson(repriced(requestedRow(types, call), call.settings.priceFactor));
export const showImage = (call: Call): string => rowJson(requestedRow(images, call));
export const showPublicImage = (call: Call): string =>
  showImage({ ...call, params: [`linode/${call.params[0]}`] });

function requestedRow<R extends Row>(rows: ReadonlyMap<string, R>, { params: [id = ''] }: Call): R {
  const row = rows.get(id);
  if (row === undefined) throw notFound();
  return row;
}
