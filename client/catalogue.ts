import type { Image, OfferedType, Quote, Region } from './answers.ts';
import type { Api, Request } from './api.ts';

/*
 * The requests about what can be launched and what it costs. Each throws what client/api.ts throws.
 */

/** The types that match the query, the cheapest first, in the object that the API answers with. */
export const listTypes = (
  api: Api,
  query: NonNullable<Request['query']>,
): Promise<{ readonly types: readonly OfferedType[] }> => api.json('/types', { query });

/** The regions; those of a country by its two letters, such as us. */
export const listRegions = async (api: Api, country?: string): Promise<readonly Region[]> =>
  (await api.json<{ readonly regions: Region[] }>('/regions', { query: { country } })).regions;

/** The images that Linode has not deprecated; those with the text in id or label. */
export async function listImages(api: Api, search?: string): Promise<readonly Image[]> {
  const query = { deprecated: 'false', search };
  return (await api.json<{ readonly images: Image[] }>('/images', { query })).images;
}

/** The quote for a spec. Aborting `signal` ends the request. */
export const getQuote = (api: Api, spec: unknown, signal?: AbortSignal): Promise<Quote> =>
  api.json('/quotes', { method: 'POST', body: spec, ...(signal === undefined ? {} : { signal }) });
