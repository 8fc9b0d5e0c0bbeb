export { gigabytes, memory } from '../lib/core/base/memory.ts';

/** Below this, a number without a unit is meant as gigabytes: no Linode has so few megabytes. */
const MB_MIN = 512;

const MB_OF: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ m: 1, mb: 1, mib: 1 },
    ...{ g: 1024, gb: 1024, gib: 1024 },
    ...{ t: 1_048_576, tb: 1_048_576, tib: 1_048_576 },
  }),
);

/** A size of memory. `isGuess`: the text has no unit, and is taken for gigabytes. */
export interface Size {
  readonly mb: number;
  readonly isGuess: boolean;
}

/**
 * The size that people typed, in whole MB, rounded up: `4GB`, `4GiB` and `4` are 4,096 MB, `1.5GB`
 * is 1,536 MB, `4096` is 4,096 MB. null: the text is no size.
 */
export function sizeIn(text: string): Size | null {
  const [, digits, unit = ''] = /^(\d{1,9}(?:[.,]\d{1,3})?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const number = Number(digits.replace(',', '.'));
  const isGuess = unit === '' && number < MB_MIN;
  const factor = unit === '' ? (isGuess ? 1024 : 1) : MB_OF.get(unit.toLowerCase());
  return factor === undefined ? null : { mb: Math.ceil(number * factor), isGuess };
}

/** The size in MB as text, for a spec; a text that is no size stays, so that the API refuses it. */
export const memoryMbIn = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : `${sizeIn(text)?.mb ?? text}`;
