import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import { amount, isObject, must, NAME, optional, parseFields, text } from '../base/fields.ts';
import { type MicroUsd, microUsd } from '../base/money.ts';
import type { ClusterId, ScheduleId } from '../base/names.ts';
import type { EpochMs } from '../base/units.ts';
import { type SpecLimits, specSchema } from '../cluster/spec.ts';

/** A spec in JSON, as the client sent it: each launch prices it anew. */
export type JsonSpec = Readonly<Record<string, unknown>>;

/** What a schedule launches, and when. cron.ts checks the cron expression and the time zone. */
export interface ScheduleRequest {
  readonly name: string | null;
  readonly cron: string;
  readonly timezone: string;
  readonly spec: JsonSpec;
  readonly overlap: Overlap;
  /** The most that the schedule's clusters may cost in a calendar month; null: no cap. */
  readonly monthlyCap: MicroUsd | null;
  readonly enabled: boolean;
}

/** Whether an occurrence is skipped while the cluster of the run before is live. */
export type Overlap = 'skip' | 'allow';

/** The record of a schedule: one item of the table, always written whole. */
export interface ScheduleRecord extends ScheduleRequest {
  readonly id: ScheduleId;
  readonly owner: string;
  /** The number of writes. A write succeeds only over the revision that was read. */
  readonly revision: number;
  readonly createdAt: EpochMs;
  /**
   * SHA-256 of the request as the client sent it. The same idempotency key with another request is
   * refused.
   */
  readonly requestHash: string;
  /** The next occurrence, which has no run yet; null: the schedule is paused, or has no more. */
  readonly nextAt: EpochMs | null;
  /**
   * When the next pass is due: `nextAt`, or later to try again; null if and only if `nextAt` is
   * null.
   */
  readonly dueAt: EpochMs | null;
  /**
   * The latest cluster that the schedule launched, even if `runs` has dropped its run; null: none.
   */
  readonly lastClusterId: ClusterId | null;
  /** The latest runs, newest first. */
  readonly runs: readonly Run[];
}

/** The result of the schedule at the occurrence `at`. */
export type Run = { readonly at: EpochMs } & (
  | { readonly result: 'launched'; readonly clusterId: ClusterId }
  | { readonly result: 'skipped'; readonly reason: string }
  /** `count` occurrences, from `from` to `at`, could not be launched in time. */
  | { readonly result: 'missed'; readonly from: EpochMs; readonly count: number }
  | { readonly result: 'refused'; readonly reason: string }
);

export type ParsedSchedule =
  | { readonly ok: true; readonly request: ScheduleRequest }
  | {
      readonly ok: false;
      readonly faults: readonly Fault[];
      /** The valid fields, so that they can be checked further all the same. */
      readonly partial: Partial<ScheduleRequest>;
    };

const RUNS_MAX = 20;

/**
 * Reads a schedule from anything that JSON can hold; finds all faults at once, one for each path.
 * Checks only that the spec is an object: `parseSpec` reads its fields.
 */
export function parseSchedule(input: unknown, limits: SpecLimits): ParsedSchedule {
  if (!isObject(input)) {
    const faults = [{ path: '', message: 'a schedule must be a JSON object' }];
    return { ok: false, faults, partial: {} };
  }
  const shape = { ...scheduleSchema(limits).shape, spec: anObject };
  const { valid, faults } = parseFields(input, shape, 'a schedule');
  // `valid` holds, under each field's name, the output of the field's schema.
  const { monthlyCapUsd: monthlyCap, ...others } = valid as Partial<Fields>;
  const partial = { ...others, ...(monthlyCap === undefined ? {} : { monthlyCap }) };
  // Without a fault, no field is missing.
  if (faults.length === 0) return { ok: true, request: partial as ScheduleRequest };
  return { ok: false, faults, partial };
}

/** The faults of a spec with their paths in its schedule, such as `spec.region`. */
export const faultsOfSpec = (faults: readonly Fault[]): Fault[] =>
  faults.map(({ path, message }) => ({ path: path === '' ? 'spec' : `spec.${path}`, message }));

/** The JSON form of a schedule. The message of a fault reads on from its path: "must be …". */
export const scheduleSchema = (limits: SpecLimits) =>
  z.strictObject({
    name: optional(
      text(NAME, '1 to 64 printable characters', 'A name of your choice; it need not be unique.'),
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
        'The IANA time zone of the cron expression.',
      ),
      'UTC',
    ),
    spec: specSchema(limits),
    overlap: z._default(overlap, 'skip'),
    monthlyCapUsd: optional(
      amount(CAP_MAX, 'The most that its clusters may cost in a calendar month, in US dollars.'),
    ),
    enabled: z._default(
      z.boolean({ error: must('true or false') }).check(z.describe('false pauses the schedule.')),
      true,
    ),
  });

/** The changes that a schedule takes. */
export const scheduleChangeSchema = z.strictObject({
  enabled: z
    .boolean({ error: must('true or false') })
    .check(z.describe('false pauses the schedule, true resumes it.')),
});

export type ParsedScheduleChange =
  | { readonly ok: true; readonly change: z.infer<typeof scheduleChangeSchema> }
  | { readonly ok: false; readonly faults: readonly Fault[] };

export function parseScheduleChange(input: unknown): ParsedScheduleChange {
  if (!isObject(input)) {
    return { ok: false, faults: [{ path: '', message: 'a change must be a JSON object' }] };
  }
  const { valid, faults } = parseFields(
    input,
    scheduleChangeSchema.shape,
    'a change of a schedule',
  );
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, change: valid as z.infer<typeof scheduleChangeSchema> };
}

/** The output of the schema, except that the spec stays as the client sent it. */
type Fields = Omit<z.infer<ReturnType<typeof scheduleSchema>>, 'spec'> & { spec: JsonSpec };

const CRON = 'a cron expression of five fields, as in "30 2 * * 1-5"';
/** An expression field that lists every minute has 169. */
const CRON_CHARACTERS_MAX = 256;
/** The largest amount that `parseUsd` takes. */
const CAP_MAX = microUsd(1_000_000_000_000_000);

const anObject = z.custom<JsonSpec>(isObject, {
  error: must('a spec, as POST /clusters takes it'),
});

const overlap = z
  .enum(['skip', 'allow'], { error: must('"skip" or "allow"') })
  .check(z.describe('What to do at an occurrence while the cluster of the run before is live.'));

/** The schedule with the next occurrence `nextAt`; null: the schedule is paused, or has no more. */
export const withNext = (schedule: ScheduleRecord, nextAt: EpochMs | null): ScheduleRecord => ({
  ...schedule,
  nextAt,
  dueAt: nextAt,
});

/**
 * Records the run of the next occurrence and moves on to `nextAt`. If another pass has recorded a
 * run of that occurrence at the same time:
 * 1. its run stays, and the same record is returned;
 * 2. but a launched cluster is always recorded, because it exists, whatever the other pass saw.
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
    (noted) => noted.result === 'launched' && noted.clusterId === run.clusterId,
  );
  return isNoted ? schedule : withRunNoted(schedule, run);
}

function withRunNoted(schedule: ScheduleRecord, run: Run): ScheduleRecord {
  const [newest, ...older] = schedule.runs;
  if (newest?.result === 'missed' && run.result === 'missed') {
    const { from, count } = newest;
    return { ...schedule, runs: [{ ...run, from, count: count + run.count }, ...older] };
  }
  const otherRuns = schedule.runs.filter(({ at, result }) => at !== run.at || result === 'missed');
  const runs = [run, ...otherRuns].sort((a, b) => b.at - a.at).slice(0, RUNS_MAX);
  const launched = runs.find((candidate) => candidate.result === 'launched');
  return { ...schedule, runs, lastClusterId: launched?.clusterId ?? schedule.lastClusterId };
}
