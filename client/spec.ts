/** A spec as the API takes it; whether it has faults, the API says, all of them at once. */
export type Spec = Readonly<Record<string, unknown>>;

/** The fields of a spec as they are typed. What is blank or missing is left out of the spec. */
export interface SpecTexts {
  readonly name?: string | undefined;
  readonly nodes?: string | undefined;
  readonly type?: string | undefined;
  readonly vcpus?: string | undefined;
  readonly memoryMb?: string | undefined;
  readonly region?: string | undefined;
  readonly image?: string | undefined;
  readonly budget?: string | undefined;
  readonly maxHours?: string | undefined;
  /** Public keys, one a line. */
  readonly keys?: string | undefined;
  readonly userData?: string | undefined;
  readonly onPartial?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

export function specFrom(texts: SpecTexts): Spec {
  const keys = keysIn(texts.keys ?? '');
  const fields = {
    name: texts.name?.trim(),
    nodes: numberIn(texts.nodes),
    type: texts.type,
    vcpus: numberIn(texts.vcpus),
    memoryMb: numberIn(texts.memoryMb),
    region: texts.region,
    image: texts.image,
    budgetUsd: numberIn(texts.budget),
    maxHours: numberIn(texts.maxHours),
    authorizedKeys: keys.length === 0 ? undefined : keys,
    userData: texts.userData?.trim() && texts.userData,
    onPartial: texts.onPartial,
    tags: texts.tags,
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(given);
}

/**
 * A number as people type one: `10`, `$2`, ` 1,50 `. A text that is none stays as it is, for the API
 * to say what is wrong with it; undefined: it is blank.
 */
export function numberIn(text = ''): number | string | undefined {
  const typed = text.trim();
  const number = typed.replace(/^\$/, '').replace(',', '.');
  if (/^\d{1,15}(\.\d{1,6})?$/.test(number)) return Number(number);
  return typed === '' ? undefined : typed;
}

/** The same where nothing but a number is of use; NaN: it is none. */
export const amountIn = (text: string): number => {
  const number = numberIn(text);
  return typeof number === 'number' ? number : Number.NaN;
};

/** What should be shown to nobody, not even to Onebuck. */
export const holdsPrivateKey = (text: string): boolean => text.includes('PRIVATE KEY');

/** The keys of a file such as authorized_keys, without its comments and empty lines. */
const keysIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
