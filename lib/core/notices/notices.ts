import { type MicroUsd, microUsd } from '../base/money.ts';
import type { ClusterId } from '../base/names.ts';
import { type DurationMs, durationMs, type EpochMs, minus, minutes, plus } from '../base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../billing/bill.ts';
import { billedNodes, spentAt } from '../cluster/bills.ts';
import type { Life, Limit } from '../cluster/life.ts';
import {
  type ClusterRecord,
  type EndedRecord,
  type EndReason,
  type EventKind,
  type JobEnd,
  type LiveRecord,
  type NoticeKey,
  type NoticeKind,
  type Running,
  takenOverIn,
  type WarningKind,
} from '../cluster/record.ts';

/**
 * A message to people about a cluster, sent at most once for each key; a warning at most once for
 * each kind and teardown time.
 */
export type Notice = LiveNotice | EndNotice | EventNotice;

interface NoticeBase {
  readonly clusterId: ClusterId;
  readonly owner: string;
  readonly stage: string;
  /** null: the spec has no name. */
  readonly name: string | null;
  /** The number of nodes in the spec. */
  readonly nodes: number;
  readonly type: string;
  readonly at: EpochMs;
  readonly budget: MicroUsd;
  /** The spend up to `at`. */
  readonly spent: MicroUsd;
}

export interface LiveNotice extends NoticeBase {
  readonly kind: 'launched' | WarningKind;
  readonly teardownAt: EpochMs;
  /** The limit that sets `teardownAt`. */
  readonly limit: Limit;
  /** The spend at `teardownAt`. */
  readonly bill: MicroUsd;
  readonly nodesUp: number;
  readonly addresses: number;
}

export interface EndNotice extends NoticeBase {
  readonly kind: Extract<NoticeKind, 'gone' | 'failed'>;
  readonly endReason: EndReason;
  readonly failure: string | null;
  readonly overspent: MicroUsd;
  /** How the job ended that ended the cluster; null: none did. */
  readonly job: JobEnd | null;
  /** The indexes of the nodes that live on, since people have taken them over. */
  readonly takenOver: readonly number[];
}

/** A notice about what nobody planned. */
export interface EventNotice extends NoticeBase {
  readonly kind: EventKind;
  readonly key: NoticeKey;
  /** For a line such as the subject of a mail; reads on from the cluster. */
  readonly subject: string;
  /** A sentence or more; reads on from the cluster. */
  readonly detail: string;
  readonly overspent: MicroUsd;
}

/** The key of a notice: no two notices of a cluster have the same. */
export const keyOf = (notice: Notice): NoticeKey => ('key' in notice ? notice.key : notice.kind);

/** How long before the teardown time the notice `teardownSoon` is due. */
const SOON = minutes(10);
/**
 * The shortest time from start to teardown with a notice `teardownSoon`. In a shorter life, the
 * notice `launched` has just given the teardown time.
 */
const LIFE_MIN = minutes(20);
/**
 * How long after the start the notice `launched` may be sent. A cluster that started before its
 * deployment could send notices gets none.
 */
const LAUNCHED_NOTICE_AGE_MAX = minutes(10);
const A_MOMENT: DurationMs = durationMs(1);

/** The notice that is due, if any, and the record that notes it as sent. Save the record first. */
export interface DueNotice<R extends ClusterRecord> {
  /** The same record if there is nothing to note. */
  readonly record: R;
  readonly notice: Notice | null;
}

/**
 * The notice that is due about a live cluster. If several are due since the last pass, only the
 * last kind is sent, and all are noted as sent. `life` must be the life of `record` at `now`.
 */
export function withNotice(record: LiveRecord, life: Life, now: EpochMs): DueNotice<LiveRecord> {
  // A cluster that is coming up or being destroyed sends none: the notice of its end follows, with
  // the final bill.
  if (record.phase !== 'running') return { record, notice: null };
  const current = withWarningsAhead(record, life, now);
  const { notified = [] } = current;
  const due = milestones(current, life)
    .filter(({ kind, at }) => at <= now && !notified.includes(kind))
    .map(({ kind }) => kind);
  const kind = due.at(-1);
  if (kind === undefined) return { record: current, notice: null };
  const warnings = due.flatMap((each) => (each === 'launched' ? [] : [[each, life.teardownAt]]));
  const warnedOf = { ...current.warnedOf, ...Object.fromEntries(warnings) };
  return {
    record: { ...current, notified: [...notified, ...due], warnedOf },
    notice: liveNotice(current, kind, life, now),
  };
}

/**
 * The record with the warnings that are to come as its limits now require. A warning that was sent
 * is to come again if the teardown time has moved beyond each of which it was sent, and if its own
 * instant lies ahead. A warning that was to come again is not, if the teardown time has moved back.
 */
function withWarningsAhead(record: Running, life: Life, now: EpochMs): Running {
  const { notified = [], warnedOf = {} } = record;
  const warnings = milestones(record, life).flatMap(({ kind, at }) =>
    kind === 'launched' ? [] : [{ kind, isAhead: at > now }],
  );
  const isOfLater = (kind: WarningKind) => life.teardownAt > (warnedOf[kind] ?? 0);
  const again = warnings
    .filter(({ kind, isAhead }) => isAhead && notified.includes(kind) && isOfLater(kind))
    .map(({ kind }): NoticeKey => kind);
  const back = warnings
    .filter(({ kind }) => !notified.includes(kind) && !isOfLater(kind))
    .map(({ kind }) => kind);
  if (again.length === 0 && back.length === 0) return record;
  return { ...record, notified: [...notified.filter((kind) => !again.includes(kind)), ...back] };
}

/**
 * A record whose limits somebody has just changed; `life` is its new life. A warning that was sent
 * before, and whose instant has passed by the new limits, is not sent again: whoever changes the
 * limits learns the new teardown time from the answer.
 */
export function withWarningsPassed<R extends LiveRecord>(record: R, life: Life, now: EpochMs): R {
  if (record.phase !== 'running') return record;
  const { notified = [], warnedOf = {} } = record;
  const passed = milestones(record, life)
    .filter(({ kind, at }) => at <= now && !notified.includes(kind) && kind in warnedOf)
    .map(({ kind }) => kind);
  return passed.length === 0 ? record : { ...record, notified: [...notified, ...passed] };
}

/** The notice of a cluster's end, if it has not been sent. */
export function withEndNotice(record: EndedRecord, now: EpochMs): DueNotice<EndedRecord> {
  const { notified = [] } = record;
  const kind = record.phase === 'failed' ? 'failed' : 'gone';
  if (notified.includes(kind)) return { record, notice: null };
  const { endReason, failure, overspent } = record;
  return {
    record: { ...record, notified: [...notified, kind] },
    notice: {
      ...baseOf(record, now),
      kind,
      endReason,
      failure,
      overspent,
      job: endReason === 'done' ? (record.jobEnd ?? null) : null,
      takenOver: takenOverIn(record),
    },
  };
}

/** When the next notice about a running cluster is due; null: none is before its teardown. */
export function nextNoticeAt(record: Running, life: Life, now: EpochMs): EpochMs | null {
  const { notified = [] } = withWarningsAhead(record, life, now);
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
 * The notices of a running cluster and when they are due, by its present limits. A notice that was
 * due already when the cluster had come up is left out, because the notice `launched` gives the
 * final bill and the teardown time (of two hours, the first is half). A later change of the limits
 * may bring the notice back.
 */
function milestones(record: Running, { teardownAt, bill }: Life): Milestone[] {
  const { startedAt } = record;
  const nodes = billedNodes(record);
  // What transfer takes of the bill takes it from the hours at which the notices come.
  const beside = microUsd(Math.max(0, bill - spend(nodes, teardownAt)));
  const whenReached = (amount: MicroUsd) =>
    whenBillReaches(nodes, microUsd(Math.max(1, amount - beside)));
  const isLongLife = teardownAt - startedAt >= LIFE_MIN;
  const later: Milestone[] = [
    { kind: 'half', at: whenReached(share(bill, 50)) },
    { kind: 'mostly', at: whenReached(share(bill, 80)) },
    ...(isLongLife ? [{ kind: 'teardownSoon', at: minus(teardownAt, SOON) } as const] : []),
  ];
  const launched: Milestone = { kind: 'launched', at: startedAt };
  return [launched, ...later.filter(({ at }) => at > startedAt && at < teardownAt)];
}

/**
 * A percentage of the bill, rounded up; at least 1 micro-dollar, so that a free cluster never
 * reaches it.
 */
const share = (bill: MicroUsd, percent: number): MicroUsd =>
  microUsd(Math.max(1, Math.ceil((bill * percent) / 100)));

/** The first instant at which the bill is at least `amount`. */
function whenBillReaches(nodes: readonly BilledNode[], amount: MicroUsd): EpochMs {
  const limitsBelow = { budget: microUsd(amount - 1), maxHours: null };
  const last = lastAffordable(nodes, limitsBelow);
  // If even the first hours cost `amount` or more, `last` is the creation of the oldest node.
  return spend(nodes, last) >= amount ? last : plus(last, A_MOMENT);
}

function liveNotice(
  record: Running,
  kind: LiveNotice['kind'],
  { teardownAt, limit, bill }: Life,
  now: EpochMs,
): LiveNotice | null {
  if (kind === 'launched' && now - record.startedAt > LAUNCHED_NOTICE_AGE_MAX) return null;
  const up = record.nodes.filter((node) => node.state === 'created');
  return {
    ...baseOf(record, now),
    kind,
    teardownAt,
    limit,
    bill,
    nodesUp: up.length,
    addresses: up.reduce((total, { ipv4 }) => total + ipv4.length, 0),
  };
}

/** The fields that a notice about the cluster has, whatever its kind. */
export const baseOf = (record: ClusterRecord, at: EpochMs) => ({
  clusterId: record.id,
  owner: record.owner,
  stage: record.stage,
  name: record.spec.name,
  nodes: record.nodes.length,
  type: record.bought.type,
  at,
  budget: record.budget,
  spent: spentAt(record, at),
});
