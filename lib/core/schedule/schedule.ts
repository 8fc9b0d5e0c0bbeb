import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import { amount, isObject, must, NAME, optional, parseFields, text } from '../base/fields.ts';
import { type MicroUsd, microUsd } from '../base/money.ts';
import type { ClusterId, ScheduleId } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';
import { type SpecLimits, specSchema } from '../cluster/spec.ts';

/** A spec in JSON, as it came: it is priced anew at each launch. */
export type JsonSpec = Readonly<Record<string, unknown>>;

/** What a schedule is to launch, and when. lib/core/schedule/cron.ts says whether cron and time zone are any. */
export interface ScheduleRequest {
  readonly name: string | null;
  readonly cron: string;
  readonly timezone: string;
  readonly spec: JsonSpec;
  readonly overlap: Overlap;
  /** The most that its clusters may cost in a calendar month; null: no such limit. */
  readonly monthlyCap: MicroUsd | null;
  readonly enabled: boolean;
}

/** What becomes of an occurrence while the cluster of the one before is live. */
export type Overlap = 'skip' | 'allow';

/** The record of a schedule: one item, written whole. */
export interface ScheduleRecord extends ScheduleRequest {
  readonly id: ScheduleId;
  readonly owner: string;
  /** Counts the writes; a write is made only over the revision that was read. */
  readonly revision: number;
  readonly createdAt: EpochMs;
  /** SHA-256 of the request that made it: the same idempotency key with another is refused. */
  readonly requestHash: string;
  /** The next occurrence, whose run is not told yet; null: paused, or it never comes again. */
  readonly nextAt: EpochMs | null;
  /** When a pass is next wanted: at `nextAt`, or later to try it again; null exactly if that is. */
  readonly dueAt: EpochMs | null;
  /** The latest cluster that it launched, whether or not `runs` still tells of it. */
  readonly lastClusterId: ClusterId | null;
  /** What became of the latest occurrences, newest first. */
  readonly runs: readonly Run[];
}

/** What became of the occurrence at `at`. */
export type Run = { readonly at: EpochMs } & (
  | { readonly result: 'launched'; readonly clusterId: ClusterId }
  | { readonly result: 'skipped'; readonly reason: string }
  /** Too late to make up for: this one and those before it, so many from `from` on. */
  | { readonly result: 'missed'; readonly from: EpochMs; readonly count: number }
  | { readonly result: 'refused'; readonly reason: string }
);

export type ParsedSchedule =
  | { readonly ok: true; readonly request: ScheduleRequest }
  | {
      readonly ok: false;
      readonly faults: readonly Fault[];
      /** The fields that are fine, so that they can be checked further. */
      readonly partial: Partial<ScheduleRequest>;
    };

const RUNS_MAX = 20;

/**
 * Reads a schedule from anything that JSON can hold; finds all faults at once, one for each path.
 * Of the spec it says no more than that it is an object.
 */
export function parseSchedule(input: unknown, limits: SpecLimits): ParsedSchedule {
  if (!isObject(input)) {
    const faults = [{ path: '', message: 'a schedule must be a JSON object' }];
    return { ok: false, faults, partial: {} };
  }
  const shape = { ...scheduleSchema(limits).shape, spec: anObject };
  const { fine, faults } = parseFields(input, shape, 'a schedule');
  // Each value in `fine` is what the schema of its name gave.
  const { monthlyCapUsd: monthlyCap, ...others } = fine as Partial<Fields>;
  const partial = { ...others, ...(monthlyCap === undefined ? {} : { monthlyCap }) };
  // Without a fault, no field is missing.
  if (faults.length === 0) return { ok: true, request: partial as ScheduleRequest };
  return { ok: false, faults, partial };
}

/** Where faults of the spec are in the schedule. */
export const faultsOfSpec = (faults: readonly Fault[]): Fault[] =>
  faults.map(({ path, message }) => ({ path: path === '' ? 'spec' : `spec.${path}`, message }));

/** The JSON form of a schedule. Its messages follow the path of what they are about. */
export const scheduleSchema = (limits: SpecLimits) =>
  z.strictObject({
    name: optional(
      text(NAME, '1 to 64 printable characters', 'Yours to choose; need not be unique.'),
    ),
    cron: z
      .string({ error: must(CRON) })
      .check(
        z.trim(),
        z.minLength(1),
        z.maxLength(CRON_CHARACTERS_MAX),
        z.describe('When to launch: minute, hour, day of the month, month and day of the week.'),
      ),
    timezone: z._default(
      text(
        /^.{1,64}$/,
        'the name of an IANA time zone such as Europe/Berlin',
        'The IANA time zone whose clock the cron expression is about.',
      ),
      'UTC',
    ),
    spec: specSchema(limits),
    overlap: z._default(overlap, 'skip'),
    monthlyCapUsd: optional(
      amount(CAP_MAX, 'The most that its clusters may cost in a calendar month, in US dollars.'),
    ),
    enabled: z._default(
      z
        .boolean({ error: must('true or false') })
        .check(z.describe('Whether it launches anything: false pauses it.')),
      true,
    ),
  });

/** What can be changed of a schedule. */
export const scheduleChangeSchema = z.strictObject({
  enabled: z.boolean({ error: must('true or false') }).check(z.describe('false pauses it.')),
});

export type ParsedScheduleChange =
  | { readonly ok: true; readonly change: z.infer<typeof scheduleChangeSchema> }
  | { readonly ok: false; readonly faults: readonly Fault[] };

export function parseScheduleChange(input: unknown): ParsedScheduleChange {
  if (!isObject(input)) {
    return { ok: false, faults: [{ path: '', message: 'a change must be a JSON object' }] };
  }
  const { fine, faults } = parseFields(
    input,
    scheduleChangeSchema.shape,
    'a schedule that can be changed',
  );
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, change: fine as z.infer<typeof scheduleChangeSchema> };
}

/** What the schema gives, but for the spec, which is left as it came. */
type Fields = Omit<z.infer<ReturnType<typeof scheduleSchema>>, 'spec'> & { spec: JsonSpec };

const CRON = 'a cron expression of five fields, as in "30 2 * * 1-5"';
/** A field that lists every minute has 169. */
const CRON_CHARACTERS_MAX = 256;
/** As much as an amount can be. */
const CAP_MAX = microUsd(1_000_000_000_000_000);

const anObject = z.custom<JsonSpec>(isObject, {
  error: must('a spec, as POST /clusters takes it'),
});

const overlap = z
  .enum(['skip', 'allow'], { error: must('"skip" or "allow"') })
  .check(z.describe('What to do while the cluster of the run before is live.'));

/** Goes on to the occurrence `nextAt`; null: it never comes again, or is paused. */
export const withNext = (schedule: ScheduleRecord, nextAt: EpochMs | null): ScheduleRecord => ({
  ...schedule,
  nextAt,
  dueAt: nextAt,
});

/**
 * Tells what became of the occurrence that was next, and goes on to `nextAt`. Where it is told
 * already, by a pass at the same time:
 * 1. what is told stays, and the same record comes back;
 * 2. but that a cluster was launched is always told: it is there, whatever the other pass saw.
 */
export function withRun(
  schedule: ScheduleRecord,
  run: Run,
  nextAt: EpochMs | null,
): ScheduleRecord {
  const first = run.result === 'missed' ? run.from : run.at;
  if (schedule.nextAt === first) return withNext(withRunNoted(schedule, run), nextAt);
  if (run.result !== 'launched') return schedule;
  const isNoted = schedule.runs.some(
    (other) => other.result === 'launched' && other.clusterId === run.clusterId,
  );
  return isNoted ? schedule : withRunNoted(schedule, run);
}

function withRunNoted(schedule: ScheduleRecord, run: Run): ScheduleRecord {
  const [newest, ...older] = schedule.runs;
  if (newest?.result === 'missed' && run.result === 'missed') {
    const { from, count } = newest;
    return { ...schedule, runs: [{ ...run, from, count: count + run.count }, ...older] };
  }
  const others = schedule.runs.filter(({ at, result }) => at !== run.at || result === 'missed');
  const runs = [run, ...others].sort((a, b) => b.at - a.at).slice(0, RUNS_MAX);
  const launched = runs.find((one) => one.result === 'launched');
  return { ...schedule, runs, lastClusterId: launched?.clusterId ?? schedule.lastClusterId };
}
