import type { Schedule } from '../client/answers.ts';
import { createIdempotencyKey } from '../client/idempotency-key.ts';
import { dollars } from '../client/money.ts';
import {
  type CapsGiven,
  capsWords,
  changeSchedule,
  createSchedule,
  deleteSchedule,
  enableSchedule,
  listSchedules,
  retryWords,
  runWords,
  worstMonthOf,
  worstMonthSentence,
} from '../client/schedules.ts';
import { numberIn, type Spec, toldSpec } from '../client/spec.ts';
import { fullTime } from '../client/times.ts';
import { assertCanAsk, type Context, confirm, serverNow, show } from './context.ts';
import { CliError } from './errors.ts';
import { findSchedule } from './find.ts';
import { amountText, areOfOthers, type Block, entry, facts, printable, table } from './format.ts';
import { titleOf } from './fuse.ts';
import { hasJobOptions, type JobOptions, jobFrom } from './jobs/options.ts';
import { collectUpload, sendWithUpload, uploadSentence } from './jobs/upload.ts';
import { specOf } from './spec.ts';

export async function showSchedules(
  context: Context,
  { owner }: { readonly owner?: string },
): Promise<void> {
  const api = context.api();
  const [all, now] = await Promise.all([listSchedules(api), serverNow(api)]);
  const schedules = all.schedules.filter((one) => owner === undefined || one.owner === owner);
  show(context, { schedules }, () => {
    if (schedules.length === 0) return 'There is no schedule: "onebuck schedule add" makes one.';
    const hasOwners = areOfOthers(schedules);
    const rows = schedules.map((schedule) => [
      ...(hasOwners ? [printable(schedule.owner)] : []),
      schedule.id,
      printable(schedule.name ?? ''),
      schedule.cron,
      schedule.timezone,
      nextRun(schedule, now),
    ]);
    const head = ['ID', 'NAME', 'CRON', 'ZONE', 'NEXT RUN'];
    return table([...(hasOwners ? ['OWNER'] : []), ...head], rows);
  });
}

function nextRun({ enabled, nextRuns: [next] }: Schedule, nowMs: number): string {
  if (!enabled) return 'paused';
  return next === undefined ? 'never' : fullTime(next, nowMs);
}

export async function showSchedule(context: Context, named: string): Promise<void> {
  const api = context.api();
  const [schedule, now] = await Promise.all([findSchedule(api, named), serverNow(api)]);
  show(context, schedule, () => scheduleBlocks(schedule, now));
}

function scheduleBlocks(schedule: Schedule, nowMs: number): Block[] {
  const { cron, timezone, enabled, overlap, nextRuns, runs, spec } = schedule;
  const { nextTryAt } = schedule;
  const tryAt = nextTryAt === null ? '' : `; next ${fullTime(nextTryAt, nowMs)}`;
  return [
    facts([
      ['schedule', `${titleOf(schedule)}${enabled ? '' : ', paused'}`],
      ['cron', `${cron} in ${timezone}`],
      ['overlap', overlap],
      ['caps', capsWords(schedule, dollars) || 'none'],
      ['try again', `${retryWords(schedule)}${tryAt}`],
      ['spec', printable(JSON.stringify(spec))],
      ['next runs', nextRuns.map((at) => fullTime(at, nowMs)).join(', ') || 'none'],
    ]),
    ...runs.map((run) => entry(fullTime(run.at, nowMs), printable(runWords(run)))),
  ];
}

export interface AddOptions extends JobOptions {
  readonly yes: boolean;
  readonly cron: string;
  readonly timezone?: string;
  readonly scheduleName?: string;
  readonly overlap?: string;
  readonly dailyCap?: string;
  readonly weeklyCap?: string;
  readonly monthlyCap?: string;
  readonly retryFor?: string;
  readonly retryEvery?: string;
  readonly idempotencyKey?: string;
}

/** `command`: what each cluster runs as a job; empty: none, unless the spec's file has one. */
export async function addSchedule(
  context: Context,
  options: AddOptions,
  command: readonly string[],
): Promise<void> {
  const { cron, overlap, scheduleName } = options;
  const zone = options.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { job: before, ...machines } = specOf(context, options);
  const hasJob = command.length > 0 || before !== undefined || hasJobOptions(options);
  const job = hasJob ? jobFrom(options, command, { env: context.env, before }) : undefined;
  const collected = await collectUpload(context, options.upload);
  const spec: Spec = job === undefined ? machines : { ...machines, job };
  const body = {
    cron,
    timezone: zone,
    spec,
    ...(scheduleName === undefined ? {} : { name: scheduleName }),
    ...(overlap === undefined ? {} : { overlap }),
    ...capsOf(options),
    ...retryOf(options, null),
  };
  const sends = collected === null ? '' : `${uploadSentence(collected)}\n`;
  const question = `${await addWords(body)}${sends}Add it?`;
  await confirm(context, { yes: options.yes, what: 'add a schedule', question });
  const api = context.api();
  const key = options.idempotencyKey ?? createIdempotencyKey();
  const schedule = await sendWithUpload(context, api, { spec, key, collected }, (sent) =>
    createSchedule(api, { ...body, spec: sent }, key),
  );
  const now = await serverNow(api);
  show(context, schedule, () => scheduleBlocks(schedule, now));
}

/** The lines about a schedule that is to be added: what each run, and a month, may cost. */
export async function addWords({
  cron,
  timezone,
  spec,
  ...caps
}: CapsGiven<number | string> & {
  readonly cron: string;
  readonly timezone: string;
  readonly spec: Spec;
}): Promise<string> {
  const most = capsWords(caps, amountText);
  const limit = most === '' ? '' : `, at most ${most}`;
  return (
    `Launches a cluster for up to ${amountText(spec.budgetUsd)} at each occurrence of ` +
    `${cron} in ${timezone}${limit}.\n${await monthLine({ cron, spec, ...caps })}`
  );
}

/** What a month of the schedule may cost at worst, as a line; empty: the API finds a fault. */
async function monthLine({
  cron,
  spec,
  ...caps
}: CapsGiven<unknown> & {
  readonly cron: string;
  readonly spec: Parameters<typeof toldSpec>[0];
}): Promise<string> {
  const worst = await worstMonthOf(cron, toldSpec(spec).budgetUsd, Date.now());
  return worst === null ? '' : `${worstMonthSentence(worst, caps)}\n`;
}

export interface EditOptions extends Omit<AddOptions, 'cron' | 'idempotencyKey'> {
  readonly cron?: string;
}

/** `command`: what each cluster runs from now on; empty: what it has run before. */
export async function editSchedule(
  context: Context,
  named: string,
  options: EditOptions,
  command: readonly string[],
): Promise<void> {
  if (!options.yes) assertCanAsk(context.terminal, 'change');
  const api = context.api();
  const before = await findSchedule(api, named);
  const { spec, ...change } = changeOf(context, before, options, command);
  if (spec === undefined && Object.keys(change).length === 0) {
    throw new CliError('usage', 'Give at least one option that says what to change.');
  }
  const collected = await collectUpload(context, options.upload);
  const sends = collected === null ? '' : `${uploadSentence(collected)}\n`;
  const question = await changeQuestion(before, spec === undefined ? change : { ...change, spec });
  await confirm(context, { yes: options.yes, what: 'change', question: `${sends}${question}` });
  const schedule =
    spec === undefined
      ? await changeSchedule(api, before.id, change)
      : await sendWithUpload(
          context,
          api,
          { spec, key: createIdempotencyKey(), collected },
          (sent) => changeSchedule(api, before.id, { ...change, spec: sent }),
        );
  const now = await serverNow(api);
  show(context, schedule, () => scheduleBlocks(schedule, now));
}

/** The question before a change, which says what a month may cost with the change. */
export async function changeQuestion(
  before: Pick<Schedule, 'id' | 'name' | 'cron' | 'spec' | keyof CapsGiven<unknown>>,
  change: Readonly<Record<string, unknown>>,
): Promise<string> {
  const fields = Object.entries(change).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const month = await monthLine({ ...before, ...change });
  return `${titleOf(before)} will have ${printable(fields.join(', '))}.\n${month}Change it?`;
}

/**
 * The fields to change, as the API takes them; the options of the spec, and the command, go over the
 * old spec. Uploads, which follow later, replace the inputs of before.
 */
export function changeOf(
  context: Pick<Context, 'terminal' | 'env'>,
  before: Pick<Schedule, 'spec' | 'retry'>,
  options: EditOptions,
  command: readonly string[] = [],
): Readonly<Record<string, unknown>> & { readonly spec?: Spec } {
  const { yes: _, cron, timezone, scheduleName, overlap, ...more } = options;
  const { dailyCap: _1, weeklyCap: _2, monthlyCap: _3, ...others } = more;
  const { retryFor: __, retryEvery: ___, ...specOptions } = others;
  const isSet = (value: unknown) => value !== undefined;
  const changesSpec = Object.values(specOptions).some(isSet) || command.length > 0;
  return {
    ...(scheduleName === undefined ? {} : { name: orNone(scheduleName) }),
    ...(cron === undefined ? {} : { cron }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(overlap === undefined ? {} : { overlap }),
    ...capsOf(options),
    ...retryOf(options, before.retry),
    ...(changesSpec ? { spec: changedSpec(context, before.spec, specOptions, command) } : {}),
  };
}

function changedSpec(
  { terminal, env }: Pick<Context, 'terminal' | 'env'>,
  before: Schedule['spec'],
  options: JobOptions,
  command: readonly string[],
): Spec {
  const { job, ...machines } = specOf({ terminal }, options, before);
  if (command.length === 0 && !hasJobOptions(options)) {
    return job === undefined ? machines : { ...machines, job };
  }
  const { inputs, ...rest } = { inputs: undefined, ...(job as object) };
  const kept = inputs === undefined || options.upload !== undefined ? rest : { ...rest, inputs };
  return { ...machines, job: jobFrom(options, command, { env, before: kept }) };
}

/** The field `retry` by its options, which go over the retry of before; `none` takes it away. */
function retryOf(
  { retryFor, retryEvery }: Pick<AddOptions, 'retryFor' | 'retryEvery'>,
  before: Schedule['retry'],
): { readonly retry?: unknown } {
  if (retryFor === undefined && retryEvery === undefined) return {};
  if (retryFor === 'none') return { retry: null };
  return {
    retry: {
      ...before,
      ...(retryFor === undefined ? {} : { forMinutes: numberIn(retryFor) }),
      ...(retryEvery === undefined ? {} : { everyMinutes: numberIn(retryEvery) }),
    },
  };
}

/** The caps that the options name; `none` takes one away. */
function capsOf(
  caps: Pick<AddOptions, 'dailyCap' | 'weeklyCap' | 'monthlyCap'>,
): CapsGiven<number | string> {
  const given = (name: keyof CapsGiven<unknown>, text: string | undefined) =>
    text === undefined ? {} : { [name]: numberIn(orNone(text) ?? '') ?? null };
  return {
    ...given('dailyCapUsd', caps.dailyCap),
    ...given('weeklyCapUsd', caps.weeklyCap),
    ...given('monthlyCapUsd', caps.monthlyCap),
  };
}

const orNone = (text: string): string | null => (text === 'none' ? null : text);

export async function pauseOrResume(
  context: Context,
  named: string,
  enabled: boolean,
): Promise<void> {
  const api = context.api();
  const { id } = await findSchedule(api, named);
  const schedule = await enableSchedule(api, id, enabled);
  const now = await serverNow(api);
  show(context, schedule, () =>
    enabled
      ? `${titleOf(schedule)} goes on: next run ${nextRun(schedule, now)}.`
      : `${titleOf(schedule)} is paused. What it has launched lives on.`,
  );
}

export async function removeSchedule(
  context: Context,
  named: string,
  { yes }: { readonly yes: boolean },
): Promise<void> {
  const api = context.api();
  const schedule = await findSchedule(api, named, { exact: yes });
  const question = `Delete schedule ${titleOf(schedule)}? What it has launched lives on.`;
  await confirm(context, { yes, what: 'delete', question });
  await deleteSchedule(api, schedule.id);
  show(context, schedule, () => `${titleOf(schedule)} is gone.`);
}
