import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import {
  amount,
  isObject,
  must,
  name,
  optional,
  parseFields,
  text,
  wholeNumber,
} from '../base/fields.ts';
import { type MicroUsd, microUsd } from '../base/money.ts';
import type { ClusterId, ScheduleId } from '../base/names.ts';
import { type EpochMs, earliest } from '../base/units.ts';
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
  /** The most that the schedule's clusters may cost in a day, UTC; null: no cap. */
  readonly dailyCap: MicroUsd | null;
  /** The same in a week from Monday on, and in a calendar month. */
  readonly weeklyCap: MicroUsd | null;
  readonly monthlyCap: MicroUsd | null;
  /** When a run that failed for capacity is tried again; null: never. */
  readonly retry: Retry | null;
  readonly enabled: boolean;
}

/**
 * A run that failed because Linode had no capacity, or the account no room, is tried again for
 * `forMinutes` after its occurrence, `everyMinutes` after the last try; never at or after the next
 * occurrence.
 */
export interface Retry {
  readonly forMinutes: number;
  readonly everyMinutes: number;
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
   * When the next pass is due: at `nextAt` or `pending.lookAt`, or later to try again; null if and
   * only if both are null.
   */
  readonly dueAt: EpochMs | null;
  /** The latest run while its result may change; null: the result is final. */
  readonly pending: PendingRun | null;
  /**
   * The latest cluster that the schedule launched, even if `runs` has dropped its run; null: none.
   */
  readonly lastClusterId: ClusterId | null;
  /** The latest runs, newest first. */
  readonly runs: readonly Run[];
}

/** A run whose cluster may yet fail, or that is to be tried again. */
export interface PendingRun {
  /** The occurrence. */
  readonly at: EpochMs;
  /** The cluster of the last try; null: it was refused, or failed, and is to be tried again. */
  readonly clusterId: ClusterId | null;
  /** How many launches were tried; at least 1. */
  readonly tries: number;
  /** When to look at the cluster, or to try again. */
  readonly lookAt: EpochMs;
}

/** The result of the schedule at the occurrence `at`. `tries`: how often it was tried, if twice. */
export type Run = { readonly at: EpochMs; readonly tries?: number } & (
  | { readonly result: 'launched'; readonly clusterId: ClusterId }
  /** The cluster did not come up. */
  | { readonly result: 'failed'; readonly clusterId: ClusterId; readonly reason: string }
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
  const partial = fieldsOf(valid);
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
    name: optional(name),
    cron,
    timezone: z._default(timezone, 'UTC'),
    spec: specSchema(limits),
    overlap: z._default(overlap, 'skip'),
    dailyCapUsd: optional(capOf('a day, UTC')),
    weeklyCapUsd: optional(capOf('a week from Monday on, UTC')),
    monthlyCapUsd: optional(capOf('a calendar month')),
    retry: optional(retry),
    enabled: z._default(enabled, true),
  });

/** The JSON form of a change of a schedule: any of its fields. An absent field stays as it is. */
export const scheduleChangeSchema = (limits: SpecLimits) =>
  z.strictObject({
    name: z.optional(z.nullable(name)),
    cron: z.optional(cron),
    timezone: z.optional(timezone),
    spec: z.optional(specSchema(limits)),
    overlap: z.optional(overlap),
    dailyCapUsd: z.optional(z.nullable(capOf('a day, UTC'))),
    weeklyCapUsd: z.optional(z.nullable(capOf('a week from Monday on, UTC'))),
    monthlyCapUsd: z.optional(z.nullable(capOf('a calendar month'))),
    retry: z.optional(z.nullable(retry)),
    enabled: z.optional(enabled),
  });

/** The fields of a schedule to replace. The spec is replaced as a whole. */
export type ScheduleChange = Partial<ScheduleRequest>;

export type ParsedScheduleChange =
  | { readonly ok: true; readonly change: ScheduleChange }
  | {
      readonly ok: false;
      readonly faults: readonly Fault[];
      /** The valid fields, so that they can be checked further all the same. */
      readonly partial: ScheduleChange;
    };

/** Reads a change of a schedule from anything that JSON can hold, as `parseSchedule` does. */
export function parseScheduleChange(input: unknown, limits: SpecLimits): ParsedScheduleChange {
  const shape = { ...scheduleChangeSchema(limits).shape, spec: z.optional(anObject) };
  const fault = (message: string) =>
    ({ ok: false, faults: [{ path: '', message }], partial: {} }) as const;
  if (!isObject(input)) return fault('a change must be a JSON object');
  const { valid, faults } = parseFields(input, shape, 'a change of a schedule');
  const partial = fieldsOf(valid);
  if (faults.length > 0) return { ok: false, faults, partial };
  if (Object.keys(partial).length > 0) return { ok: true, change: partial };
  return fault(`a change must have at least one of ${Object.keys(shape).join(', ')}`);
}

/** `valid` holds, under each field's name, the output of the field's schema. */
function fieldsOf(valid: Readonly<Record<string, unknown>>): Partial<ScheduleRequest> {
  const given = Object.entries(valid).filter(([, value]) => value !== undefined);
  const { dailyCapUsd, weeklyCapUsd, monthlyCapUsd, ...others } = Object.fromEntries(
    given,
  ) as Partial<Fields>;
  return {
    ...others,
    ...(dailyCapUsd !== undefined && { dailyCap: dailyCapUsd }),
    ...(weeklyCapUsd !== undefined && { weeklyCap: weeklyCapUsd }),
    ...(monthlyCapUsd !== undefined && { monthlyCap: monthlyCapUsd }),
  };
}

/**
 * The schedule with the changed fields. If the change moves its occurrences, pauses or resumes it,
 * the schedule goes on with `occurrence` of the new fields.
 */
export function withChange(
  schedule: ScheduleRecord,
  change: ScheduleChange,
  occurrence: (cron: string, timezone: string) => EpochMs | null,
): ScheduleRecord {
  const changed = { ...schedule, ...change };
  const { cron, timezone, enabled } = changed;
  const isMoved = cron !== schedule.cron || timezone !== schedule.timezone;
  if (!isMoved && enabled === schedule.enabled) return changed;
  return withNext(changed, enabled ? occurrence(cron, timezone) : null);
}

/** The output of the schema, except that the spec stays as the client sent it. */
type Fields = Omit<z.infer<ReturnType<typeof scheduleSchema>>, 'spec'> & { spec: JsonSpec };

const CRON = 'a cron expression of five fields, as in "30 2 * * 1-5"';
/** An expression field that lists every minute has 169. */
const CRON_CHARACTERS_MAX = 256;
/** A day. */
const RETRY_MINUTES_MAX = 1_440;
/** The largest amount that `parseUsd` takes. */
const CAP_MAX = microUsd(1_000_000_000_000_000);

const anObject = z.custom<JsonSpec>(isObject, {
  error: must('a spec, as POST /clusters takes it'),
});

const cron = z
  .string({ error: must(CRON) })
  .check(
    z.trim(),
    z.minLength(1),
    z.maxLength(CRON_CHARACTERS_MAX),
    z.describe('When to launch: minute, hour, day of the month, month and day of the week.'),
  );

const timezone = text(
  /^.{1,64}$/,
  'the name of an IANA time zone such as Europe/Berlin',
  'The IANA time zone of the cron expression.',
);

const overlap = z
  .enum(['skip', 'allow'], { error: must('"skip" or "allow"') })
  .check(z.describe('What to do at an occurrence while the cluster of the run before is live.'));

const capOf = (period: string) =>
  amount(CAP_MAX, `The most that its clusters may cost in ${period}, in US dollars.`);

const RETRY = 'an object such as {"forMinutes": 120, "everyMinutes": 15}';

const retry = z
  .strictObject(
    {
      forMinutes: wholeNumber(
        5,
        RETRY_MINUTES_MAX,
        'For how many minutes after the occurrence; at most until the next occurrence.',
      ),
      everyMinutes: z._default(
        wholeNumber(5, RETRY_MINUTES_MAX, 'How many minutes after the last try.'),
        15,
      ),
    },
    { error: must(RETRY) },
  )
  .check(z.describe('When to try a run again that failed for capacity; null or absent: never.'));

const enabled = z
  .boolean({ error: must('true or false') })
  .check(z.describe('false pauses the schedule, true resumes it.'));

/** The schedule with the next occurrence `nextAt`; null: the schedule is paused, or has no more. */
export const withNext = (schedule: ScheduleRecord, nextAt: EpochMs | null): ScheduleRecord => ({
  ...schedule,
  nextAt,
  dueAt: dueOf(nextAt, schedule.pending),
});

/** The schedule with another pending run; null: the latest run is final. */
export const withPending = (
  schedule: ScheduleRecord,
  pending: PendingRun | null,
): ScheduleRecord => ({ ...schedule, pending, dueAt: dueOf(schedule.nextAt, pending) });

function dueOf(nextAt: EpochMs | null, pending: PendingRun | null): EpochMs | null {
  if (pending === null) return nextAt;
  return nextAt === null ? pending.lookAt : earliest(nextAt, pending.lookAt);
}

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
    (noted) => 'clusterId' in noted && noted.clusterId === run.clusterId,
  );
  return isNoted ? schedule : withRunNoted(schedule, run);
}

/** The schedule with a run, in place of the run of the same occurrence. */
export function withRunNoted(schedule: ScheduleRecord, run: Run): ScheduleRecord {
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
