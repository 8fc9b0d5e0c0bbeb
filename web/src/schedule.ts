import type { Image, Schedule } from '../../client/answers.ts';
import type { CapsGiven } from '../../client/schedules.ts';
import { itemsIn, keysIn, numberIn, type Spec } from '../../client/spec.ts';
import { jobFormOf, jobFrom } from './job-form.ts';
import {
  amountFault,
  countFault,
  emptyForm,
  type Faults,
  givenFaults,
  type SpecForm,
} from './spec.ts';

/** When a schedule launches, and its limits, as typed. */
export interface When {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: 'skip' | 'allow';
  readonly dailyCap: string;
  readonly weeklyCap: string;
  readonly monthlyCap: string;
  /** For how many minutes to try a run again that failed for capacity; blank: not at all. */
  readonly retryFor: string;
}

const CAP = 'must be given, as a month may cost more than $1,000';

/** What the page itself finds wrong with what is typed. */
export function whenFaults(
  { dailyCap, weeklyCap, monthlyCap, retryFor, timezone }: When,
  { cronFault, needsCap }: { readonly cronFault: string | null; readonly needsCap: boolean },
): Faults {
  const isBlank = (text: string) => text.trim() === '';
  const capFault = (text: string) => (isBlank(text) ? null : amountFault(text));
  const found: Record<string, string | null> = {
    cron: cronFault,
    timezone: isTimeZone(timezone.trim()) ? null : 'must be a time zone such as Europe/Berlin',
    dailyCapUsd: capFault(dailyCap),
    weeklyCapUsd: capFault(weeklyCap),
    monthlyCapUsd: isBlank(monthlyCap) && needsCap ? CAP : capFault(monthlyCap),
    'retry.forMinutes': isBlank(retryFor) ? null : countFault(retryFor, MINUTES_MAX),
  };
  return givenFaults(found);
}

const MINUTES_MAX = 1_440;

function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** The fields of a schedule, as somebody would have typed them. */
export const whenOf = (schedule: Schedule): When => ({
  name: schedule.name ?? '',
  cron: schedule.cron,
  timezone: schedule.timezone,
  overlap: schedule.overlap,
  dailyCap: orBlank(schedule.dailyCapUsd),
  weeklyCap: orBlank(schedule.weeklyCapUsd),
  monthlyCap: orBlank(schedule.monthlyCapUsd),
  retryFor: orBlank(schedule.retry?.forMinutes ?? null),
});

const orBlank = (number: number | null): string => (number === null ? '' : String(number));

/**
 * The spec of a schedule in the fields of the form. A spec that gives a size has no type there. A
 * spec may name its image by the label; the form has the id.
 */
export function formOf(spec: Spec, images: readonly Image[]): SpecForm {
  const text = (field: string) =>
    spec[field] === undefined || spec[field] === null ? '' : String(spec[field]);
  const image = text('image');
  const list = (field: string, between: string) =>
    Array.isArray(spec[field]) ? spec[field].join(between) : '';
  const found = images.find(({ id, label }) => id === image || label === image);
  return {
    ...emptyForm,
    nodes: text('nodes'),
    type: text('type'),
    region: text('region'),
    image: found?.id ?? image,
    budget: text('budgetUsd'),
    maxHours: text('maxHours'),
    transfer: text('transferGb'),
    keys: list('authorizedKeys', '\n'),
    users: list('authorizedUsers', ' '),
    network: text('network'),
    setup: list('setup', ','),
    open: list('openPorts', ', '),
    userData: text('userData'),
    onPartial: spec.onPartial === 'keep' ? 'keep' : 'destroy',
    job: jobFormOf(spec),
  };
}

/** The spec with the fields of the form that somebody has changed; all others stay as they are. */
export function editedSpec(spec: Spec, before: SpecForm, form: SpecForm): Spec {
  const isChanged = (field: keyof SpecForm) => form[field] !== before[field];
  const { type, vcpus, memoryMb, ...others } = spec;
  const size = {
    ...(type === undefined ? {} : { type }),
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(memoryMb === undefined ? {} : { memoryMb }),
  };
  return {
    ...others,
    ...(isChanged('type') ? { type: form.type } : size),
    ...(isChanged('nodes') ? { nodes: numberIn(form.nodes) } : {}),
    ...(isChanged('region') ? { region: form.region } : {}),
    ...(isChanged('image') ? { image: form.image } : {}),
    ...(isChanged('budget') ? { budgetUsd: numberIn(form.budget) } : {}),
    ...(isChanged('maxHours') ? { maxHours: numberIn(form.maxHours) ?? null } : {}),
    ...(isChanged('transfer') ? { transferGb: numberIn(form.transfer) ?? null } : {}),
    ...(isChanged('keys') ? { authorizedKeys: keysIn(form.keys) } : {}),
    ...(isChanged('users') ? { authorizedUsers: itemsIn(form.users) } : {}),
    ...(isChanged('network') ? { network: form.network || null } : {}),
    ...(isChanged('setup') ? { setup: itemsIn(form.setup) } : {}),
    ...(isChanged('open') ? { openPorts: itemsIn(form.open) } : {}),
    ...(isChanged('userData') ? { userData: form.userData.trim() ? form.userData : null } : {}),
    // The form's text takes the place of bytes, which the form does not show.
    ...(isChanged('userData') && 'userDataBase64' in spec ? { userDataBase64: null } : {}),
    ...(isChanged('onPartial') ? { onPartial: form.onPartial } : {}),
    ...(isChanged('job') ? { job: jobFrom(form.job) } : {}),
  };
}

/**
 * The body of the PATCH that changes a schedule to what is typed: only the fields that differ.
 * `retry` is the schedule's of before.
 */
export function changeOf(
  before: When,
  when: When,
  retry: Schedule['retry'],
): Readonly<Record<string, unknown>> {
  const isChanged = (field: keyof When) => when[field].trim() !== before[field];
  return {
    ...(isChanged('name') ? { name: when.name.trim() || null } : {}),
    ...(isChanged('cron') ? { cron: when.cron.trim() } : {}),
    ...(isChanged('timezone') ? { timezone: when.timezone.trim() } : {}),
    ...(isChanged('overlap') ? { overlap: when.overlap } : {}),
    ...(isChanged('dailyCap') ? { dailyCapUsd: numberIn(when.dailyCap) ?? null } : {}),
    ...(isChanged('weeklyCap') ? { weeklyCapUsd: numberIn(when.weeklyCap) ?? null } : {}),
    ...(isChanged('monthlyCap') ? { monthlyCapUsd: numberIn(when.monthlyCap) ?? null } : {}),
    ...(isChanged('retryFor') ? { retry: retryOf(when, retry) } : {}),
  };
}

/** The field `retry` of what is typed; how often is as before. */
export function retryOf({ retryFor }: When, before: Schedule['retry']) {
  const forMinutes = numberIn(retryFor);
  return forMinutes === undefined ? null : { ...before, forMinutes };
}

/** The body of the POST that makes a schedule. `retry`: how often a copied one is tried again. */
export const newSchedule = (when: When, spec: Spec, retry: Schedule['retry']) => ({
  ...(when.name.trim() === '' ? {} : { name: when.name.trim() }),
  ...{ cron: when.cron.trim(), timezone: when.timezone.trim(), overlap: when.overlap },
  ...capsOf(when),
  ...{ retry: retryOf(when, retry), spec },
});

/** The caps that are typed. */
export function capsOf({ dailyCap, weeklyCap, monthlyCap }: When): CapsGiven<number | string> {
  const typed = Object.entries({
    dailyCapUsd: numberIn(dailyCap),
    weeklyCapUsd: numberIn(weeklyCap),
    monthlyCapUsd: numberIn(monthlyCap),
  });
  return Object.fromEntries(typed.filter(([, amount]) => amount !== undefined));
}
