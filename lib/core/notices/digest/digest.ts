import type { MicroUsd } from '../../base/money.ts';
import type { ClusterId, ScheduleId } from '../../base/names.ts';
import type { EpochMs } from '../../base/units.ts';
import type { MonthName } from '../../billing/bill.ts';
import type { MonthTotals } from '../../cluster/month-totals.ts';
import type { ScheduleRecord } from '../../schedule/schedule.ts';
import { capMonthOf, type Period } from './period.ts';
import {
  type Failure,
  type Failures,
  failureOf,
  type OwnerTally,
  plusFailures,
  type Row,
  sumOf,
  type Tally,
} from './tally.ts';

/**
 * What a period has come to, for an owner or, over all owners, for the admin. A message to people as
 * notices are, sent once for each period and channel.
 */
export interface Digest {
  readonly kind: 'digest';
  /** Whom the digest is for. */
  readonly owner: string;
  readonly stage: string;
  readonly period: Period;
  readonly tally: OwnerTally;
  /** What failed and why, the most frequent first. */
  readonly failures: readonly (Failure & { readonly reason: string })[];
  /** The next runs of schedules, the earliest first. */
  readonly nextRuns: readonly NextRun[];
  /** How many further schedules have a next run. */
  readonly nextRunsLeftOut: number;
  /** null: the owner has no cap, or the digest is of all owners. */
  readonly cap: CapUse | null;
  /** The share of each owner, the highest bill first; null: the digest is of one owner. */
  readonly byOwner: readonly OwnerShare[] | null;
  /** Without those that `tally` counts as left out. */
  readonly rows: readonly Row[];
  /** Clusters that the totals may lack, because their records can't be read. */
  readonly unreadable: readonly ClusterId[];
}

export interface NextRun {
  readonly at: EpochMs;
  readonly scheduleId: ScheduleId;
  readonly name: string | null;
  readonly owner: string;
}

/** How much of an owner's monthly cap is used at the period's end. */
export interface CapUse {
  readonly month: MonthName;
  readonly used: MicroUsd;
  readonly limit: MicroUsd;
}

export interface OwnerShare extends MonthTotals {
  readonly owner: string;
  readonly cap: CapUse | null;
}

interface Around {
  readonly stage: string;
  readonly period: Period;
  readonly schedules: readonly ScheduleRecord[];
  /** The monthly cap of an owner; null: none. */
  readonly capOf: (owner: string) => MicroUsd | null;
  /** The name of the owner who sees the clusters of all. */
  readonly admin: string;
}

const NEXT_RUNS_MAX = 5;

/**
 * The digests of a period: the admin's first, then that of each other owner for whom there is
 * something to tell, by name. The admin has one even if nothing happened, so that its absence tells.
 */
export function digestsOf(tally: Tally, around: Around): Digest[] {
  const { schedules, admin, period } = around;
  const runs = failedRuns(schedules, period);
  const names = new Set([...Object.keys(tally.owners), ...runs.keys()]);
  const own = [...names]
    .toSorted()
    .filter((owner) => owner !== admin)
    .map((owner) => digestOf(owner, tally, { ...around, runs }));
  return [adminsDigest(tally, { ...around, runs }), ...own.filter(hasNews)];
}

const hasNews = ({ tally, failures }: Digest): boolean =>
  tally.totals.clusters + tally.ended + tally.running.clusters + failures.length > 0;

interface AroundOne extends Around {
  readonly runs: ReadonlyMap<string, Failures>;
}

function digestOf(owner: string, tally: Tally, around: AroundOne): Digest {
  const { schedules, runs } = around;
  const whole = tallyOf(owner, tally);
  return {
    ...baseOf(owner, around),
    tally: whole,
    failures: listed(plusFailures(whole.failures, runs.get(owner) ?? {})),
    ...nextRunsOf(schedules.filter((schedule) => schedule.owner === owner)),
    cap: capUseOf(owner, whole, around),
    byOwner: null,
    rows: tally.rows.filter((row) => row.owner === owner),
    unreadable: [],
  };
}

/** An owner may have the name of something that every object has, such as `constructor`. */
const tallyOf = (owner: string, { owners }: Tally): OwnerTally =>
  (Object.hasOwn(owners, owner) ? owners[owner] : undefined) ?? sumOf([]);

function adminsDigest(tally: Tally, around: AroundOne): Digest {
  const { schedules, runs, admin } = around;
  const owners = Object.entries(tally.owners);
  const whole = sumOf(Object.values(tally.owners));
  const all = [...runs.values()].reduce(plusFailures, whole.failures);
  return {
    ...baseOf(admin, around),
    tally: whole,
    failures: listed(all),
    ...nextRunsOf(schedules),
    cap: null,
    byOwner: owners
      .map(([owner, own]) => ({ owner, ...own.totals, cap: capUseOf(owner, own, around) }))
      .filter(({ clusters }) => clusters > 0)
      .toSorted((a, b) => b.billed - a.billed || (a.owner < b.owner ? -1 : 1)),
    rows: tally.rows,
    unreadable: tally.unreadable,
  };
}

function capUseOf(owner: string, { ofCap }: OwnerTally, { capOf, period }: Around): CapUse | null {
  const limit = capOf(owner);
  return limit === null ? null : { month: capMonthOf(period), used: ofCap, limit };
}

const baseOf = (owner: string, { stage, period }: Around) =>
  ({ kind: 'digest', owner, stage, period }) as const;

const listed = (failures: Failures): Digest['failures'] =>
  Object.entries(failures)
    .map(([reason, failure]) => ({ reason, ...failure }))
    .toSorted((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));

/** The runs of schedules in the period that launched nothing, by owner. */
function failedRuns(
  schedules: readonly ScheduleRecord[],
  { start, end }: Period,
): ReadonlyMap<string, Failures> {
  const byOwner = new Map<string, Failures>();
  for (const { id, owner, runs } of schedules) {
    for (const run of runs) {
      if (run.at < start || run.at >= end) continue;
      if (run.result !== 'refused' && run.result !== 'missed') continue;
      const why = run.result === 'refused' ? run.reason : 'Onebuck could not launch within an hour';
      const failure = failureOf('run', why, id);
      byOwner.set(owner, plusFailures(byOwner.get(owner) ?? {}, failure));
    }
  }
  return byOwner;
}

function nextRunsOf(
  schedules: readonly ScheduleRecord[],
): Pick<Digest, 'nextRuns' | 'nextRunsLeftOut'> {
  const all = schedules
    .flatMap(({ id, name, owner, nextAt }) =>
      nextAt === null ? [] : [{ at: nextAt, scheduleId: id, name, owner }],
    )
    .toSorted((a, b) => a.at - b.at);
  const nextRuns = all.slice(0, NEXT_RUNS_MAX);
  return { nextRuns, nextRunsLeftOut: all.length - nextRuns.length };
}
