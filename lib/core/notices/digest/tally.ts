import { type MicroUsd, microUsd, sum } from '../../base/money.ts';
import type { ClusterId } from '../../base/names.ts';
import { durationMs, type EpochMs, earliest, minus, toIso } from '../../base/units.ts';
import { FAR_FUTURE } from '../../billing/bill.ts';
import { newNodePrice } from '../../cluster/kinds.ts';
import { added, type MonthTotals, NOTHING, totalsOf } from '../../cluster/month-totals.ts';
import { type ClusterRecord, type EndedRecord, isLive } from '../../cluster/record.ts';
import { fairShare } from './fair-share.ts';
import { capMonthOf, type Period } from './period.ts';
import { billedBy, totalsIn } from './totals.ts';

/**
 * What has been read so far of the clusters of a period. JSON keeps all of it, so that a digest goes
 * on where a function ended. Everything in it is bounded, except that each owner has an entry.
 */
export interface Tally {
  readonly owners: Readonly<Record<string, OwnerTally>>;
  /** The clusters that were billed in the period, in the order in which they were read. */
  readonly rows: readonly Row[];
  /** The clusters whose records can't be read; the first of them. */
  readonly unreadable: readonly ClusterId[];
}

export interface OwnerTally {
  readonly totals: MonthTotals;
  /** The number of clusters that ended in the period. */
  readonly ended: number;
  /** What these clusters have left of their budgets. */
  readonly unspent: MicroUsd;
  /** What would have been billed beyond their bills, had those whose jobs ended them lived on. */
  readonly early: MicroUsd;
  readonly failures: Failures;
  /** The clusters that lived on at the period's end, and what they had been billed by then. */
  readonly running: { readonly clusters: number; readonly billed: MicroUsd };
  /** What the owner's monthly cap counts at the period's end: bills of the month, open budgets. */
  readonly ofCap: MicroUsd;
  /** The rows of the owner that were left out, since there are too many. */
  readonly rowsLeftOut: number;
}

/** By what failed and why, such as `cluster: no capacity`. */
export type Failures = Readonly<Record<string, Failure>>;

export interface Failure {
  readonly count: number;
  /** The first clusters or schedules that failed for this reason. */
  readonly ids: readonly string[];
}

/** A cluster's share of the period, as the CSV shows it. */
export interface Row {
  /** The last day (UTC) of the period on which the cluster lived: `2026-11-30`. */
  readonly date: string;
  readonly owner: string;
  readonly id: ClusterId;
  readonly name: string | null;
  readonly type: string;
  readonly region: string;
  readonly nodes: number;
  readonly nodeHours: number;
  /** The price of an hour of one node. */
  readonly hourly: MicroUsd;
  readonly billed: MicroUsd;
}

export const EMPTY_TALLY: Tally = { owners: {}, rows: [], unreadable: [] };

/** An item of the table holds the rows of all owners: see lib/adapters/dynamodb/digests.ts. */
export const ROWS_MAX = 1_000;
const REASONS_MAX = 20;
const REASON_CHARACTERS_MAX = 200;
const IDS_MAX = 3;
const UNREADABLE_MAX = 20;

const NONE: OwnerTally = {
  totals: NOTHING,
  ended: 0,
  unspent: microUsd(0),
  early: microUsd(0),
  failures: {},
  running: { clusters: 0, billed: microUsd(0) },
  ofCap: microUsd(0),
  rowsLeftOut: 0,
};

/**
 * The tally with further records, as known at `now`, each of which was launched before the period's
 * end, or soon after.
 */
export function withRecords(
  tally: Tally,
  { records, unreadable }: PageRead,
  period: Period,
  now: EpochMs,
): Tally {
  const owners = new Map(Object.entries(tally.owners));
  const rows = [...tally.rows];
  for (const record of records) {
    if (record.createdAt >= period.end) continue;
    const totals = totalsIn(record, period, now);
    if (totals.clusters > 0) rows.push(rowOf(record, totals, period));
    const own = { ...NONE, totals, ...sharesOf(record, period, now) };
    owners.set(record.owner, plusTally(owners.get(record.owner) ?? NONE, own));
  }
  const { kept, leftOut } = fairShare(rows, ROWS_MAX, () => 1);
  for (const { owner } of leftOut) {
    owners.set(owner, plusTally(owners.get(owner) ?? NONE, { ...NONE, rowsLeftOut: 1 }));
  }
  const ids = [...tally.unreadable, ...unreadable.map(({ id }) => id)];
  return {
    owners: Object.fromEntries(owners),
    rows: kept,
    unreadable: ids.slice(0, UNREADABLE_MAX),
  };
}

interface PageRead {
  readonly records: readonly ClusterRecord[];
  readonly unreadable: readonly { readonly id: ClusterId }[];
}

function sharesOf(record: ClusterRecord, period: Period, now: EpochMs): Partial<OwnerTally> {
  const { start, end } = period;
  const inCapMonth = () => totalsOf(record, capMonthOf(period), now).billed;
  if (isLive(record) || record.endedAt >= end) {
    const running = { clusters: 1, billed: billedBy(record, end) };
    // The budget of a cluster that lives is open, and counts in full.
    return {
      running,
      ofCap: isMonthOver(period) ? inCapMonth() : record.budget,
    };
  }
  const ofCap = inCapMonth();
  if (record.endedAt < start) return { ofCap };
  const { budget, spent, jobEnd, endReason } = record;
  const early = endReason === 'done' && jobEnd !== undefined ? jobEnd.billThen - spent : 0;
  return {
    ofCap,
    ended: 1,
    unspent: microUsd(Math.max(0, budget - spent)),
    early: microUsd(Math.max(0, early)),
    failures: failuresOf(record),
  };
}

const isMonthOver = (period: Period): boolean =>
  period.kind === 'month' || new Date(period.end).getUTCDate() === 1;

function failuresOf(record: EndedRecord): Failures {
  const { id, phase, failure, jobEnd } = record;
  if (phase === 'failed') return failureOf('cluster', failure ?? 'no node came up', id);
  if (jobEnd?.state !== 'failed') return {};
  const code = jobEnd.exitCode === null ? null : `exit code ${jobEnd.exitCode}`;
  const why = [code, jobEnd.reason].filter((part) => part !== null).join(', ');
  return failureOf('job', why === '' ? 'no reason is known' : why, id);
}

/** One failure of a cluster, a job or a schedule's run. */
export const failureOf = (what: 'cluster' | 'job' | 'run', why: string, id: string): Failures => ({
  [`${what}: ${why.replaceAll(/\s+/g, ' ').slice(0, REASON_CHARACTERS_MAX)}`]: {
    count: 1,
    ids: [id],
  },
});

export const OTHER_REASONS = 'other reasons';

/** Both, of which the first reasons are kept apart, and all others counted together. */
export function plusFailures(one: Failures, other: Failures): Failures {
  const all = new Map(Object.entries(one));
  for (const [reason, { count, ids }] of Object.entries(other)) {
    const isKept = all.has(reason) || all.size < REASONS_MAX;
    const key = isKept ? reason : OTHER_REASONS;
    const known = all.get(key) ?? { count: 0, ids: [] };
    const named = [...known.ids, ...ids].slice(0, IDS_MAX);
    all.set(key, { count: known.count + count, ids: named });
  }
  return Object.fromEntries(all);
}

export const plusTally = (a: OwnerTally, b: OwnerTally): OwnerTally => ({
  totals: added(a.totals, b.totals),
  ended: a.ended + b.ended,
  unspent: sum([a.unspent, b.unspent]),
  early: sum([a.early, b.early]),
  failures: plusFailures(a.failures, b.failures),
  running: {
    clusters: a.running.clusters + b.running.clusters,
    billed: sum([a.running.billed, b.running.billed]),
  },
  ofCap: sum([a.ofCap, b.ofCap]),
  rowsLeftOut: a.rowsLeftOut + b.rowsLeftOut,
});

/** The tally of all owners together. */
export const sumOf = (tallies: readonly OwnerTally[]): OwnerTally =>
  tallies.reduce(plusTally, NONE);

function rowOf(record: ClusterRecord, totals: MonthTotals, { end }: Period): Row {
  const { id, owner, spec, bought, nodes } = record;
  const lastMoment: EpochMs = minus(end, durationMs(1));
  const until = earliest(isLive(record) ? FAR_FUTURE : record.endedAt, lastMoment);
  return {
    date: toIso(until).slice(0, 10),
    owner,
    id,
    name: spec.name,
    type: bought.type,
    region: bought.region,
    nodes: nodes.length,
    nodeHours: totals.nodeHours,
    hourly: newNodePrice(record).hourly,
    billed: totals.billed,
  };
}
