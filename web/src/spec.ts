import type { Alternative } from '../../client/answers.ts';

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

export const amountIn = (text: string): number =>
  text.trim() === '' ? Number.NaN : Number(text.trim().replace(/^\$/, '').replace(',', '.'));

/** Whether there is enough in the fields to ask what it costs. */
export const isAskable = (form: SpecForm): boolean =>
  [form.type, form.region, form.image].every((text) => text !== '') &&
  Number.isFinite(amountIn(form.budget)) &&
  Number.isInteger(amountIn(form.nodes)) &&
  amountIn(form.nodes) > 0;

/** The spec that the API takes. What is wrong with it, the API says best. */
export function specOf(form: SpecForm) {
  const keys = form.keys
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return {
    nodes: amountIn(form.nodes),
    type: form.type,
    region: form.region,
    image: form.image,
    budgetUsd: amountIn(form.budget),
    ...(form.name.trim() === '' ? {} : { name: form.name.trim() }),
    ...(form.maxHours.trim() === '' ? {} : { maxHours: amountIn(form.maxHours) }),
    ...(keys.length === 0 ? {} : { authorizedKeys: keys }),
    ...(form.userData.trim() === '' ? {} : { userData: form.userData }),
    ...(form.onPartial === 'destroy' ? {} : { onPartial: form.onPartial }),
  };
}

/** The form with an alternative taken. */
export function taking(form: SpecForm, { change }: Alternative): SpecForm {
  return {
    ...form,
    ...(change.region === undefined ? {} : { region: change.region }),
    ...(change.type === undefined ? {} : { type: change.type }),
    ...(change.nodes === undefined ? {} : { nodes: String(change.nodes) }),
  };
}
