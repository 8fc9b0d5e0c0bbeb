import { type MicroUsd, microUsd } from '../base/money.ts';
import type { ClusterId } from '../base/names.ts';
import { type DurationMs, durationMs, type EpochMs, minus, minutes, plus } from '../base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../billing/bill.ts';
import { billedNodes } from '../cluster/bills.ts';
import type { Life } from '../cluster/life.ts';
import type {
  ClusterRecord,
  EndedRecord,
  EndReason,
  LiveRecord,
  NoticeKind,
  Running,
} from '../cluster/record.ts';

/** One thing that people are told of a cluster, once. */
export type Notice = LiveNotice | EndNotice;

interface About {
  readonly clusterId: ClusterId;
  readonly owner: string;
  readonly stage: string;
  /** What the spec calls it; null: nothing. */
  readonly name: string | null;
  /** As many as were asked for. */
  readonly nodes: number;
  readonly type: string;
  readonly at: EpochMs;
  readonly budget: MicroUsd;
  /** What Linode bills up to `at`. */
  readonly spent: MicroUsd;
}

export interface LiveNotice extends About {
  readonly kind: Extract<NoticeKind, 'launched' | 'half' | 'mostly' | 'teardownSoon'>;
  readonly teardownAt: EpochMs;
  /** What ends it then. */
  readonly limit: 'budget' | 'maxHours';
  /** What Linode will have billed by then. */
  readonly bill: MicroUsd;
  readonly nodesUp: number;
  readonly addresses: number;
}

export interface EndNotice extends About {
  readonly kind: Extract<NoticeKind, 'gone' | 'failed'>;
  readonly endReason: EndReason;
  readonly failure: string | null;
  readonly overspent: MicroUsd;
}

/** How long before the teardown time that is told. */
const SOON = minutes(10);
/** Who was told of a launch this short before the teardown need not be told of it again. */
const LIFE_MIN = minutes(20);
/** A cluster that was launched before notices were sent is no news. */
const LAUNCH_IS_NEWS_FOR = minutes(10);
const A_MOMENT: DurationMs = durationMs(1);

/** A notice that is due, if any, and the record which says that it is sent: save that first. */
export interface Noted<R extends ClusterRecord> {
  /** The same record, where there is nothing to note. */
  readonly record: R;
  readonly notice: Notice | null;
}

/**
 * The notice that is due of a live cluster. Where several have come to be due since the last pass,
 * the latest speaks for all. `life` is the record's at `now`.
 */
export function withNotice(record: LiveRecord, life: Life, now: EpochMs): Noted<LiveRecord> {
  // The notice of its end will come with its bill.
  if (record.phase !== 'running') return { record, notice: null };
  const { notified = [] } = record;
  const due = milestones(record, life)
    .filter(({ kind, at }) => at <= now && !notified.includes(kind))
    .map(({ kind }) => kind);
  const kind = due.at(-1);
  if (kind === undefined) return { record, notice: null };
  return {
    record: { ...record, notified: [...notified, ...due] },
    notice: liveNotice(record, kind, life, now),
  };
}

/** The notice of a cluster's end. */
export function withEndNotice(record: EndedRecord, now: EpochMs): Noted<EndedRecord> {
  const { notified = [] } = record;
  const kind = record.phase === 'failed' ? 'failed' : 'gone';
  if (notified.includes(kind)) return { record, notice: null };
  const { spent, endReason, failure, overspent } = record;
  return {
    record: { ...record, notified: [...notified, kind] },
    notice: { ...about(record, now), kind, spent, endReason, failure, overspent },
  };
}

/** When there will next be something to tell of a running cluster before its teardown. */
export function nextNoticeAt(record: Running, life: Life, now: EpochMs): EpochMs | null {
  const { notified = [] } = record;
  const later = milestones(record, life)
    .filter(({ kind, at }) => at > now && !notified.includes(kind))
    .map(({ at }) => at);
  return later.length === 0 ? null : (Math.min(...later) as EpochMs);
}

interface Milestone {
  readonly kind: LiveNotice['kind'];
  readonly at: EpochMs;
}

/**
 * What there is to tell in a running cluster's life, and when, in order, as its limits are now. What
 * was so when it had come up is left out: its launch was told with what it will cost and when it
 * ends. (Of two hours, the first is half.) A later change of its limits may bring it back.
 */
function milestones(record: Running, { teardownAt, bill }: Life): Milestone[] {
  const { startedAt } = record;
  const nodes = billedNodes(record);
  const livesLong = teardownAt - startedAt >= LIFE_MIN;
  const later: Milestone[] = [
    { kind: 'half', at: billedFrom(nodes, share(bill, 50)) },
    { kind: 'mostly', at: billedFrom(nodes, share(bill, 80)) },
    ...(livesLong ? [{ kind: 'teardownSoon', at: minus(teardownAt, SOON) } as const] : []),
  ];
  const launched: Milestone = { kind: 'launched', at: startedAt };
  return [launched, ...later.filter(({ at }) => at > startedAt && at < teardownAt)];
}

/** Rounded up; at least the smallest amount, which what costs nothing never reaches. */
const share = (bill: MicroUsd, percent: number): MicroUsd =>
  microUsd(Math.max(1, Math.ceil((bill * percent) / 100)));

/** The first instant at which the bill comes to `amount`. */
function billedFrom(nodes: readonly BilledNode[], amount: MicroUsd): EpochMs {
  const less = { budget: microUsd(amount - 1), maxHours: null };
  const last = lastAffordable(nodes, less);
  // Where even the first hours come to more, that is when the oldest was created.
  return spend(nodes, last) >= amount ? last : plus(last, A_MOMENT);
}

function liveNotice(
  record: Running,
  kind: LiveNotice['kind'],
  { teardownAt, limit, bill }: Life,
  now: EpochMs,
): LiveNotice | null {
  if (kind === 'launched' && now - record.startedAt > LAUNCH_IS_NEWS_FOR) return null;
  const up = record.nodes.filter((node) => node.state === 'created');
  return {
    ...about(record, now),
    kind,
    spent: spend(billedNodes(record), now),
    teardownAt,
    limit,
    bill,
    nodesUp: up.length,
    addresses: up.reduce((total, { ipv4 }) => total + ipv4.length, 0),
  };
}

const about = (record: ClusterRecord, at: EpochMs) => ({
  clusterId: record.id,
  owner: record.owner,
  stage: record.stage,
  name: record.spec.name,
  nodes: record.nodes.length,
  type: record.bought.type,
  at,
  budget: record.budget,
});
