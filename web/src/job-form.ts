import { numberIn, type Spec } from '../../client/spec.ts';

/** An upload that is there, for a job to have. */
export interface Uploaded {
  readonly id: string;
  /** What its reader calls it. */
  readonly name: string;
  /** null: not known, as of a schedule. */
  readonly bytes: number | null;
}

/** What is in the fields of a job, as typed. */
export interface JobForm {
  /** Blank: there is no job. */
  readonly command: string;
  readonly on: 'head' | 'all';
  readonly tasks: string;
  /** Paths and globs, one a line. */
  readonly results: string;
  /** `NAME=value`, one a line. */
  readonly env: string;
  readonly uploads: readonly Uploaded[];
  readonly onDone: 'destroy' | 'keep';
  readonly onFailure: 'keepPaidHour' | 'destroy' | 'keep';
  /** In seconds; blank: as usual. */
  readonly grace: string;
}

export const noJob: JobForm = {
  ...{ command: '', on: 'head', tasks: '', results: '', env: '', uploads: [] },
  ...{ onDone: 'destroy', onFailure: 'keepPaidHour', grace: '' },
};

const linesIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** The job of a spec as the API takes it; null: there is none. */
export function jobFrom(form: JobForm): Spec | null {
  if (form.command.trim() === '') return null;
  const env = variablesIn(form.env);
  const results = linesIn(form.results);
  return {
    ...{ command: form.command, on: form.on, onDone: form.onDone, onFailure: form.onFailure },
    ...(form.tasks.trim() === '' ? {} : { tasks: form.tasks.replaceAll(/\s/g, '') }),
    ...(results.length === 0 ? {} : { results }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(form.uploads.length === 0 ? {} : { inputs: form.uploads.map(({ id }) => id) }),
    ...(form.grace.trim() === '' ? {} : { gracePeriodSeconds: numberIn(form.grace) }),
  };
}

/** Lines without `=` count as variables without a value. */
function variablesIn(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1)];
    }),
  );
}

/** What the page itself finds wrong with the fields of a job, by the API's path of each. */
export function jobFaults(form: JobForm): Readonly<Record<string, string | null>> {
  const { command, results, env, uploads, tasks } = form;
  const hasMore = `${results}${env}${tasks}`.trim() !== '' || uploads.length > 0;
  const lines = linesIn(env);
  return {
    'job.command':
      hasMore && command.trim() === ''
        ? 'must be given, since there is more of a job: uploads, results, variables or tasks'
        : null,
    'job.env': lines.every((line) => /^[^=\s]+=/.test(line))
      ? null
      : 'must be lines such as SEED=7, each with a name, = and a value',
  };
}

/** The fields of a job in a schedule's spec, as somebody would have typed them. */
export function jobFormOf(spec: Spec): JobForm {
  const job = (spec.job ?? {}) as Readonly<Record<string, unknown>>;
  const text = (field: string) => (job[field] == null ? '' : String(job[field]));
  const list = (field: string) => (Array.isArray(job[field]) ? job[field].map(String) : []);
  const env = Object.entries((job.env ?? {}) as Record<string, unknown>);
  return {
    command: text('command'),
    on: job.on === 'all' ? 'all' : 'head',
    tasks: text('tasks'),
    results: list('results').join('\n'),
    env: env.map(([name, value]) => `${name}=${value}`).join('\n'),
    uploads: list('inputs').map((id) => ({ id, name: `Upload ${id}`, bytes: null })),
    onDone: job.onDone === 'keep' ? 'keep' : 'destroy',
    onFailure:
      job.onFailure === 'keep' || job.onFailure === 'destroy' ? job.onFailure : 'keepPaidHour',
    grace: text('gracePeriodSeconds'),
  };
}
