import type { Image, OfferedType, Region } from '../../client/answers.ts';
import type { Api } from '../../client/api.ts';
import { listImages, listRegions, listTypes } from '../../client/catalogue.ts';

const KEPT_MS = 10 * 60_000;

const kept = new Map<string, { readonly until: number; readonly answer: Promise<unknown> }>();

/** The same question is asked once in ten minutes; a failure is not kept. */
function once<T>(question: string, ask: () => Promise<T>): Promise<T> {
  const found = kept.get(question);
  if (found !== undefined && found.until > Date.now()) return found.answer as Promise<T>;
  const answer = ask();
  kept.set(question, { until: Date.now() + KEPT_MS, answer });
  answer.catch(() => kept.delete(question));
  return answer;
}

export const regionsFrom = async (api: Api): Promise<readonly Region[]> => {
  const regions = await once('regions', () => listRegions(api));
  return regions.toSorted((one, other) => one.label.localeCompare(other.label));
};

export const imagesFrom = (api: Api): Promise<readonly Image[]> =>
  once('images', () => listImages(api));

export const typesFrom = async (api: Api, region: string): Promise<readonly OfferedType[]> =>
  (await once(`types in ${region}`, () => listTypes(api, { region }))).types;

/** The newest Ubuntu with a long life, or whatever there is. */
export function usualImage(images: readonly Image[]): string {
  const lasting = images.filter(({ label }) => /ubuntu .* lts/i.test(label));
  const newest = lasting.toSorted((one, other) => (one.label < other.label ? 1 : -1))[0];
  return (newest ?? images[0])?.id ?? '';
}
