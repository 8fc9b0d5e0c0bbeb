import type { Alternative } from '../../client/answers.ts';
import {
  amountIn,
  hasTwoMeanings,
  holdsPrivateKey,
  itemsIn,
  type Spec,
  setups,
  specFrom,
} from '../../client/spec.ts';
import { type JobForm, jobFaults, jobFrom, noJob } from './job-form.ts';

/** What is in the fields, as typed. */
export interface SpecForm {
  readonly nodes: string;
  readonly type: string;
  readonly region: string;
  readonly image: string;
  readonly budget: string;
  readonly name: string;
  readonly maxHours: string;
  /** GB that the nodes are planned to send; empty: what they bring. */
  readonly transfer: string;
  readonly keys: string;
  /** Users of the Linode account, with commas or blanks between them. */
  readonly users: string;
  /** Empty: as fits. */
  readonly network: string;
  /** Names with commas between them. */
  readonly setup: string;
  /** Ports, with commas or blanks between them. */
  readonly open: string;
  readonly userData: string;
  readonly onPartial: 'destroy' | 'keep';
  readonly job: JobForm;
  /** Whether files of the job are on their way. */
  readonly isUploading: boolean;
}

export const emptyForm: SpecForm = {
  nodes: '10',
  type: 'g6-nanode-1',
  region: '',
  image: '',
  budget: '1.00',
  name: '',
  maxHours: '',
  transfer: '',
  keys: '',
  users: '',
  network: '',
  setup: '',
  open: '',
  userData: '',
  onPartial: 'destroy',
  job: noJob,
  isUploading: false,
};

/** The spec of what is in the fields. */
export function specOf(form: SpecForm): Spec {
  const job = jobFrom(form.job);
  return { ...specFrom(form), ...(job === null ? {} : { job }) };
}

/** What is wrong with fields, by the API's path of each; what reads on from the field's label. */
export type Faults = Readonly<Record<string, string>>;

/** What a part of the form takes. */
export interface FieldsProps {
  readonly form: SpecForm;
  readonly faults: Faults;
  readonly onChange: (change: Partial<SpecForm>) => void;
}

/** Onebuck ends every cluster after ten years of 365 days. */
export const HOURS_MAX = 87_600;
const KEYS = 'must be public keys: this is a private key, to be shown to nobody. Give its .pub';

/**
 * What the page itself finds wrong with what is typed, so that nothing is asked and no price is
 * shown for it. The API checks the rest. A private key is never sent.
 */
export function ownFaults(form: SpecForm): Faults {
  const chosen = (['type', 'region', 'image'] as const).filter((field) => form[field] === '');
  const found: Record<string, string | null> = {
    nodes: countFault(form.nodes, Number.MAX_SAFE_INTEGER),
    budgetUsd: amountFault(form.budget),
    maxHours: form.maxHours.trim() === '' ? null : countFault(form.maxHours, HOURS_MAX),
    transferGb: form.transfer.trim() === '' ? null : gbFault(form.transfer),
    authorizedKeys: holdsPrivateKey(form.keys) ? KEYS : null,
    ...jobFaults(form.job),
    ...Object.fromEntries(chosen.map((field) => [field, 'must be chosen'])),
  };
  return givenFaults(found);
}

/**
 * The fault of a field, or of one of its items: the API names one by its place, as `setup[0]`, or by
 * its name, as `job.env.SEED`.
 */
export const faultOf = (faults: Faults, path: string): string | undefined =>
  faults[path] ??
  Object.entries(faults).find(
    ([at]) => at.startsWith(`${path}[`) || at.startsWith(`${path}.`),
  )?.[1];

/** Setups with one more or one less, in the order in which all are listed. */
export function toggled(setup: string, name: string): string {
  const before = itemsIn(setup);
  const isIn = (one: string) => before.includes(one) !== (one === name);
  return setups.filter(isIn).join(',');
}

/** The faults without the fields that have none. */
export const givenFaults = (found: Readonly<Record<string, string | null>>): Faults =>
  Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== null),
  );

/** The fault of an amount in US dollars, above 0; null: it has none. */
export function amountFault(text: string): string | null {
  if (hasTwoMeanings(text)) return `must have no comma: write ${readings(text).join(' or ')}`;
  if (amountIn(text) > 0) return null;
  return 'must be an amount above 0, such as 2.50, with at most 6 decimals';
}

/** The fault of a whole number from 1, or from `least`; null: it has none. */
export function countFault(text: string, most: number, least = 1): string | null {
  if (hasTwoMeanings(text)) return `must have no comma: write ${readings(text)[0]}`;
  const count = amountIn(text);
  if (Number.isInteger(count) && count >= least && count <= most) return null;
  const bound = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  return `must be a whole number ${bound}, such as 10`;
}

/** No account sends so many GB. */
const GB_MAX = 10_000_000;

/** The fault of GB of transfer, whole and from 0 on; null: it has none. */
export const gbFault = (text: string): string | null => countFault(text, GB_MAX, 0);

/** `1,000` as a thousand, and as one. */
const readings = (text: string): string[] => {
  const [whole = '', rest = ''] = text.trim().replace('$', '').split(',');
  return [`${whole}${rest}`, `${whole}.${rest}`];
};

/** Whether what is in the fields can be sent to ask what it costs. */
export const isAskable = (form: SpecForm): boolean => Object.keys(ownFaults(form)).length === 0;

/** The form with an alternative taken. */
export function taking(form: SpecForm, { change }: Alternative): SpecForm {
  return {
    ...form,
    ...(change.region === undefined ? {} : { region: change.region }),
    ...(change.type === undefined ? {} : { type: change.type }),
    ...(change.nodes === undefined ? {} : { nodes: String(change.nodes) }),
  };
}
