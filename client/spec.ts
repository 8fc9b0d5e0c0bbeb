import { memory } from './memory.ts';
import { plural } from './plural.ts';

export { setups } from '../lib/core/room/setups.ts';

/** A spec as the API takes one. The API checks a spec, and names all its faults at once. */
export type Spec = Readonly<Record<string, unknown>>;

/** The fields of a spec, as people type them. */
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
  /** GB of outbound transfer. */
  readonly transfer?: string | undefined;
  /** Public keys, one a line. */
  readonly keys?: string | undefined;
  /** Users of the Linode account whose keys may log in, with commas or blanks between them. */
  readonly users?: string | undefined;
  readonly userData?: string | undefined;
  /** The bytes of a file, in base64. */
  readonly userDataBase64?: string | undefined;
  readonly onPartial?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly network?: string | undefined;
  /** Names with commas or blanks between them, such as `mpi,nfs`. */
  readonly setup?: string | undefined;
  /** Ports with commas or blanks between them, such as `80 8000-8100`. */
  readonly open?: string | undefined;
}

/** A spec of the fields that are not blank. */
export function specFrom(texts: SpecTexts): Spec {
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
    transferGb: numberIn(texts.transfer),
    authorizedKeys: ifAny(keysIn(texts.keys ?? '')),
    authorizedUsers: ifAny(itemsIn(texts.users ?? '')),
    userData: texts.userData?.trim() && texts.userData,
    userDataBase64: texts.userDataBase64,
    onPartial: texts.onPartial,
    tags: texts.tags,
    network: texts.network,
    setup: ifAny(itemsIn(texts.setup ?? '')),
    openPorts: ifAny(itemsIn(texts.open ?? '')),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(given);
}

const ifAny = (items: readonly string[]): readonly string[] | undefined =>
  items.length === 0 ? undefined : items;

/** The items of a list with commas or blanks between them. */
export const itemsIn = (text: string): string[] =>
  text.split(/[\s,]+/).filter((item) => item !== '');

/**
 * A number that people typed: `10`, `$2`, ` 1,50 `. A text that is no number stays text, so that
 * the API refuses the text and says why; undefined: the text is blank.
 */
export function numberIn(text = ''): number | string | undefined {
  const typed = text.trim();
  const number = typed.replace(/^\$/, '').replace(',', '.');
  if (/^\d{1,15}(\.\d{1,6})?$/.test(number) && !hasTwoMeanings(typed)) return Number(number);
  return typed === '' ? undefined : typed;
}

/** Whether some readers take a text for thousands, and others for a fraction, such as `1,000`. */
export const hasTwoMeanings = (text: string): boolean =>
  /^\$?[1-9]\d{0,2},\d{3}$/.test(text.trim());

/** A number that people typed; NaN: the text is no number. */
export const amountIn = (text: string): number => {
  const number = numberIn(text);
  return typeof number === 'number' ? number : Number.NaN;
};

/** Whether a text has a private key in it, which must be sent to nobody. */
export const holdsPrivateKey = (text: string): boolean => text.includes('PRIVATE KEY');

/** The lines of a file such as authorized_keys, but for comments and empty lines. */
export const keysIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** The parts of a spec that people are told, as far as the spec has them. */
export interface ToldSpec {
  readonly nodes: number | null;
  readonly type: string | null;
  readonly vcpus: number | null;
  readonly memoryMb: number | null;
  readonly region: string | null;
  readonly image: string | null;
  readonly budgetUsd: number | null;
}

/** What a schedule's spec says, which the API shows as it was sent. */
export function toldSpec(spec: Spec): ToldSpec {
  const number = (field: string) => {
    const value = spec[field];
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const text = (field: string) => (typeof spec[field] === 'string' ? spec[field] : null);
  const budget = typeof spec.budgetUsd === 'string' ? amountIn(spec.budgetUsd) : spec.budgetUsd;
  return {
    ...{ nodes: number('nodes'), vcpus: number('vcpus'), memoryMb: number('memoryMb') },
    ...{ type: text('type'), region: text('region'), image: text('image') },
    budgetUsd: typeof budget === 'number' && Number.isFinite(budget) ? budget : null,
  };
}

/** `3 × g6-nanode-1`, `3 × at least 4 vCPUs`, `1 × at least 2 vCPUs and 4 GB`. */
export function machinesWords({ nodes, type, vcpus, memoryMb }: ToldSpec): string {
  const size = [
    ...(vcpus === null ? [] : [plural(vcpus, 'vCPU')]),
    ...(memoryMb === null ? [] : [memory(memoryMb)]),
  ];
  return `${nodes ?? 1} × ${type ?? `at least ${size.join(' and ')}`}`;
}
