import type { Image, OfferedType, Quote, Region } from './answers.ts';
import type { Api, Request } from './api.ts';

/* The requests about what can be launched and what it costs. Each throws what client/api.ts throws. */

/** The types that match, the cheapest first, with their answer around them, as the API has it. */
export const listTypes = (
  api: Api,
  query: NonNullable<Request['query']>,
): Promise<{ readonly types: readonly OfferedType[] }> => api.json('/types', { query });

export const listRegions = async (api: Api): Promise<readonly Region[]> =>
  (await api.json<{ readonly regions: Region[] }>('/regions')).regions;

/** Those that Linode still maintains. */
export const listImages = async (api: Api): Promise<readonly Image[]> =>
  (await api.json<{ readonly images: Image[] }>('/images?deprecated=false')).images;

/** What a spec comes to. `signal` gives the question up. */
export const getQuote = (api: Api, spec: unknown, signal?: AbortSignal): Promise<Quote> =>
  api.json('/quotes', { method: 'POST', body: spec, ...(signal === undefined ? {} : { signal }) });
