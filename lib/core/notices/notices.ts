import { type MicroUsd, microUsd } from '../base/money.ts';
import type { ClusterId } from '../base/names.ts';
import { type DurationMs, durationMs, type EpochMs, minus, minutes, plus } from '../base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../billing/bill.ts';
import {
  billedNodes,
  type ClusterRecord,
  type EndedRecord,
  type EndReason,
  isLive,
  limitOf,
  type NoticeKind,
  type Running,
  teardownOf,
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

/**
 * What is to be told of the cluster at `now`, at most one thing, and the record which says that it
 * has been: save that first, and then tell. Where several have come to be due since the last pass,
 * the latest speaks for all. The same record, where there is nothing to note.
 */
export function withNotice<R extends ClusterRecord>(
  record: R,
  now: EpochMs,
): { readonly record: R; readonly notice: Notice | null } {
  const { notified = [] } = record;
  const due = dueKinds(record, now).filter((kind) => !notified.includes(kind));
  const kind = due.at(-1);
  if (kind === undefined) return { record, notice: null };
  return {
    record: { ...record, notified: [...notified, ...due] },
    notice: noticeOf(record, kind, now),
  };
}

/** When there will next be something to tell of a running cluster before its teardown. */
export function nextNoticeAt(record: Running, now: EpochMs): EpochMs | null {
  const { notified = [] } = record;
  const later = milestones(record, now)
    .filter(({ kind, at }) => at > now && !notified.includes(kind))
    .map(({ at }) => at);
  return later.length === 0 ? null : (Math.min(...later) as EpochMs);
}

function dueKinds(record: ClusterRecord, now: EpochMs): NoticeKind[] {
  switch (record.phase) {
    case 'provisioning':
    case 'deleting': // its end is told, with its bill
      return [];
    case 'running':
      return milestones(record, now)
        .filter(({ at }) => at <= now)
        .map(({ kind }) => kind);
    case 'deleted':
      return ['gone'];
    case 'failed':
      return ['failed'];
  }
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
function milestones(record: Running, now: EpochMs): Milestone[] {
  const { startedAt } = record;
  const nodes = billedNodes(record);
  const teardownAt = teardownOf(record, now);
  const bill = spend(nodes, teardownAt);
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

function noticeOf(record: ClusterRecord, kind: NoticeKind, now: EpochMs): Notice | null {
  if (!isLive(record)) return endNotice(record, now);
  if (record.phase !== 'running' || kind === 'gone' || kind === 'failed') return null;
  if (kind === 'launched' && now - record.startedAt > LAUNCH_IS_NEWS_FOR) return null;
  const nodes = billedNodes(record);
  const teardownAt = teardownOf(record, now);
  const up = record.nodes.filter((node) => node.state === 'made');
  return {
    ...about(record, now),
    kind,
    spent: spend(nodes, now),
    teardownAt,
    limit: limitOf(record, now),
    bill: spend(nodes, teardownAt),
    nodesUp: up.length,
    addresses: up.reduce((total, { ipv4 }) => total + ipv4.length, 0),
  };
}

function endNotice(record: EndedRecord, now: EpochMs): EndNotice {
  const { phase, spent, endReason, failure, overspent } = record;
  const kind = phase === 'failed' ? 'failed' : 'gone';
  return { ...about(record, now), kind, spent, endReason, failure, overspent };
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
