import type { Alternative } from '../../client/answers.ts';
import { amountIn, holdsPrivateKey } from '../../client/spec.ts';

/** What is in the fields, as typed. */
export interface SpecForm {
  readonly nodes: string;
  readonly type: string;
  readonly region: string;
  readonly image: string;
  readonly budget: string;
  readonly name: string;
  readonly maxHours: string;
  readonly keys: string;
  readonly userData: string;
  readonly onPartial: 'destroy' | 'keep';
}

export const emptyForm: SpecForm = {
  nodes: '10',
  type: 'g6-nanode-1',
  region: '',
  image: '',
  budget: '1.00',
  name: '',
  maxHours: '',
  keys: '',
  userData: '',
  onPartial: 'destroy',
};

/** Whether there is enough in the fields to ask what it costs. */
export const isAskable = (form: SpecForm): boolean =>
  [form.type, form.region, form.image].every((text) => text !== '') &&
  !holdsPrivateKey(form.keys) &&
  Number.isFinite(amountIn(form.budget)) &&
  Number.isInteger(amountIn(form.nodes)) &&
  amountIn(form.nodes) > 0;

/** What the page itself finds wrong, by the path of the field: a private key is never sent. */
export const ownFaults = ({ keys }: SpecForm): Readonly<Record<string, string>> =>
  holdsPrivateKey(keys)
    ? { authorizedKeys: 'This is a private key, to be shown to nobody: give its .pub.' }
    : {};

/** The form with an alternative taken. */
export function taking(form: SpecForm, { change }: Alternative): SpecForm {
  return {
    ...form,
    ...(change.region === undefined ? {} : { region: change.region }),
    ...(change.type === undefined ? {} : { type: change.type }),
    ...(change.nodes === undefined ? {} : { nodes: String(change.nodes) }),
  };
}
