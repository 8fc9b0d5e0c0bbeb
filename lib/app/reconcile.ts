import { isDeepStrictEqual } from 'node:util';
import { formatUsd, toUsd } from '../core/base/money.ts';
import { clusterTag, ownershipTag } from '../core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  latest,
  minus,
  plus,
  seconds,
  toIso,
} from '../core/base/units.ts';
import type { Linode } from '../core/cluster/linode.ts';
import { teardownLeadOf } from '../core/cluster/metrics.ts';
import {
  type ClusterRecord,
  type EndedRecord,
  isLive,
  type LiveRecord,
  withTrouble,
} from '../core/cluster/record.ts';
import { unmeasuredTexts, withSent } from '../core/cluster/sent.ts';
import { areSlowed } from '../core/cluster/slowed.ts';
import type { JobOutcome } from '../core/job/progress.ts';
import { withEventNotices } from '../core/notices/events.ts';
import { withEndNotice, withNotice } from '../core/notices/notices.ts';
import { apply } from '../core/pass/apply.ts';
import {
  ALONE_MAX,
  type Batch,
  type PassRequest,
  TICK,
  undeletedIn,
} from '../core/pass/batches.ts';
import { withJobOver } from '../core/pass/job-over.ts';
import { arePricesDue, withPricesRead } from '../core/pass/kinds.ts';
import { isMeasureDue } from '../core/pass/measure.ts';
import { withEarlyTeardown } from '../core/pass/phase.ts';
import { plan } from '../core/pass/plan.ts';
import type { Step } from '../core/pass/steps.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { Allowances, ClusterStore, Metrics, Notifier } from '../ports.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import { carryOut, type StepDeps } from './carry-out.ts';
import { isSaved } from './is-saved.ts';
import { measure, UNMEASURED } from './measure.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { type PriceDeps, readPrices } from './read-prices.ts';
import { reportLiveOverspend, reportLostTags } from './report-changes.ts';
import { type JobDeps, outcomeTold } from './settle-job.ts';
import { shareCalls } from './shared-calls.ts';

export interface ReconcileDeps extends StepDeps, PriceDeps, JobDeps {
  readonly store: ClusterStore;
  readonly caps: Pick<CapsKeeper, 'release'>;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  readonly allowances: Pick<Allowances, 'read'>;
}

export interface ReconcileLimits {
  /** No call to Linode continues after this instant. */
  readonly by: EpochMs;
  /** No pass starts later than this long before `by`. */
  readonly reserveMs: DurationMs;
  /** How long the function waits at its end for notices that are still on their way. */
  readonly noticesMs: DurationMs;
}

/**
 * How long a pass tries to list before it plans without a list: most of the safety margin must
 * remain.
 */
const LIST_TIME_MAX = seconds(20);
/**
 * The function sleeps through waits up to this long. For longer waits it ends, and the reaper asks
 * for another pass in time.
 */
const WAIT_MAX = TICK;
/** How often a function with few clusters looks whether the nodes of one are gone. */
const LOOKS_FOR_GONE_MAX = 3;

/**
 * Makes passes over each cluster of a batch (observe, plan, save intent, carry out) from when the
 * cluster is due until there is nothing to do for a while or `by` is near. It may be called at any
 * time, may run twice at once, and may die anywhere: the next pass needs only the saved record.
 *
 * The passes share their calls to Linode, and none waits for another. A function with many clusters
 * ends when Linode has accepted the deletions: the reaper asks later whether the nodes are gone.
 *
 * If the last pass over a cluster could not do what was due, it saves when to try again; at the end
 * the function throws, so that alarms see the failure.
 */
export async function reconcile(
  deps: ReconcileDeps,
  batch: Batch,
  limits: ReconcileLimits,
): Promise<void> {
  const outbox = createOutbox(deps, limits);
  const sharesLists = batch.length > 1;
  const linode = sharesLists ? shareCalls(deps.linode) : deps.linode;
  const looksMax = batch.length > ALONE_MAX ? 1 : LOOKS_FOR_GONE_MAX;
  const context: Context = { deps: { ...deps, linode }, limits, outbox, sharesLists, looksMax };
  const passes = batch.map((request) => makePasses(context, request));
  const results = await Promise.allSettled(passes).finally(() => outbox.flush());
  const errors = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  const reasons = [...new Set(errors.map(reasonOf))].slice(0, REASONS_MAX).join('; ');
  throw new AppError('linodeUnavailable', `passes that failed: ${errors.length}; ${reasons}`);
}

const REASONS_MAX = 5;

/** What the passes of one function share. */
interface Context {
  readonly deps: ReconcileDeps;
  readonly limits: ReconcileLimits;
  readonly outbox: Outbox;
  /** Whether the function has more than one cluster. */
  readonly sharesLists: boolean;
  /** How many passes the function makes over a cluster of which Linode deletes all nodes. */
  readonly looksMax: number;
}

async function makePasses(context: Context, request: PassRequest): Promise<void> {
  const { deps, limits, looksMax } = context;
  const { clock, store } = deps;
  const { clusterId, beginAt } = request;
  const lastStart = minus(limits.by, limits.reserveMs);
  let read = await store.get(clusterId);
  if (read === 'notFound' || !isLive(read)) return;
  // Another function holds the cluster, or has made its passes.
  const isBegun = read.phase === 'deleting' || beginAt === undefined;
  if (isBegun && read.dueAt - clock.now() > TICK) return;
  if (beginAt !== undefined && beginAt > clock.now()) {
    await clock.sleep(beginAt);
    read = await store.get(clusterId);
  }
  for (let looks = 0; ; ) {
    const pass: Pass | 'over' = await makePass(context, read, {
      early: beginAt !== undefined,
      measures: request.unmeasured !== true,
    });
    if (pass === 'over') return;
    const now = clock.now();
    const startsAt = latest(now, pass.nextAt);
    if (isBeingDeleted(pass.record)) looks += 1;
    const isWorthWaiting = startsAt <= lastStart && startsAt - now <= WAIT_MAX;
    if (!isWorthWaiting || looks >= looksMax) return leaveToReaper(deps, pass);
    await clock.sleep(startsAt);
    read = await store.get(clusterId);
  }
}

/** Whether Linode has accepted the deletion of every node of the cluster. */
const isBeingDeleted = (record: LiveRecord): boolean =>
  record.phase === 'deleting' && undeletedIn(record) === 0;

/** A pass after which the cluster is live and this function may make the next pass. */
interface Pass {
  /** The record as the pass last saved it. */
  readonly record: LiveRecord;
  /** When to make the next pass. */
  readonly nextAt: EpochMs;
  /** The reasons why Onebuck could not do what was due. */
  readonly failures: readonly string[];
}

/** `over`: the cluster has ended, or another pass or a request has changed it meanwhile. */
async function makePass(
  { deps, limits: { by }, outbox, sharesLists }: Context,
  record: ClusterRecord | 'notFound',
  { early, measures }: { readonly early: boolean; readonly measures: boolean },
): Promise<Pass | 'over'> {
  const { clock, store } = deps;
  // 1. Observe.
  if (record === 'notFound' || !isLive(record)) return 'over';
  const [observed, prices, { measured, granted }, outcome] = await Promise.all([
    list(deps, record, by, sharesLists),
    !early && arePricesDue(record, clock.now()) ? readPrices(deps, record, by) : null,
    measures && isMeasureDue(record, clock.now()) ? measure(deps, record, by) : UNMEASURED,
    outcomeOfJob(deps, record),
  ]);

  // 2. Plan.
  const now = clock.now();
  const priced = prices === null ? record : withPricesRead(record, prices, now);
  const known = withSent(priced, measured, now, granted);
  const settled = outcome === null ? known : withJobOver(known, outcome, now);
  const planned = plan(early ? withEarlyTeardown(settled, now) : settled, observed.linodes, now);
  if (!('life' in planned)) {
    await end(deps, { before: record, ended: planned.next }, by, outbox);
    return 'over';
  }

  // 3. Save the intent. Of simultaneous passes only one succeeds, and sends the notice.
  const { record: noted, notice } = withNotice(planned.next, planned.life, now);
  const slowed = areSlowed(noted, { measured, granted }, now);
  const { record: next, notices } = withEventNotices(noted, now, { slowed });
  const [first] = planned.steps;
  const wait = first.kind === 'wait' ? first : null;
  const intent = await save(
    store,
    record,
    wait === null ? next : withReasons(next, observed.failures, now),
  );
  if (intent === 'conflict') return 'over';
  if (notice !== null) outbox.send(notice);
  for (const event of notices) outbox.send(event);
  reportLiveOverspend(deps, { before: record, record: intent }, now);
  reportLostTags(deps, { before: record, record: intent });

  // 4. Carry out the steps, and save their outcomes.
  const pass =
    wait === null
      ? await act(deps, intent, planned.steps, { by, failures: observed.failures })
      : { record: intent, nextAt: wait.until, failures: observed.failures };
  if (pass !== 'over') logPass(deps, pass, planned.steps);
  return pass;
}

/** The record with the reasons why a pass could not do its work, or does not know what nodes send. */
const withReasons = (record: LiveRecord, failures: readonly string[], now: EpochMs): LiveRecord =>
  withTrouble(record, [...failures, ...unmeasuredTexts(record, now)], now);

/**
 * The Linodes of the cluster. A cluster that has sent no create needs no list, so its first nodes
 * come up sooner. If a restored record has forgotten a create, the label of its Linode is in use,
 * and the next create adopts the Linode by this label.
 */
async function list(
  deps: ReconcileDeps,
  record: LiveRecord,
  by: EpochMs,
  sharesLists: boolean,
): Promise<Observed> {
  const isUnsent = record.nodes.every(({ state }) => state === 'planned');
  if (record.phase === 'provisioning' && isUnsent) return { linodes: [], failures: [] };
  const listBy = earliest(by, plus(deps.clock.now(), LIST_TIME_MAX));
  try {
    const tag = sharesLists ? ownershipTag(record.stage) : clusterTag(record.id);
    // The pass takes the Linodes of its cluster from the list that it shares.
    return { linodes: await deps.linode.listByTag(tag, listBy), failures: [] };
  } catch (error) {
    const failure = reasonOf(error);
    deps.log.warn('Linodes could not be listed', { clusterId: record.id, reason: failure });
    return { linodes: null, failures: [failure] };
  }
}

/**
 * How the job has ended, in case the agent that told the last of it was not heard to the end, or will
 * never tell it. A pass goes on without it: the cluster then lives to its other limits.
 */
async function outcomeOfJob(deps: ReconcileDeps, record: LiveRecord): Promise<JobOutcome | null> {
  const options = { now: deps.clock.now(), countsSilent: true };
  return outcomeTold(deps, record, options).catch((error: unknown) => {
    deps.log.warn('news of the job not read', { clusterId: record.id, reason: reasonOf(error) });
    return null;
  });
}

interface Observed {
  /** null: the Linodes could not be listed. */
  readonly linodes: readonly Linode[] | null;
  readonly failures: readonly string[];
}

async function act(
  deps: ReconcileDeps,
  intent: LiveRecord,
  steps: readonly Step[],
  { by, failures }: { readonly by: EpochMs; readonly failures: readonly string[] },
): Promise<Pass | 'over'> {
  const { clock } = deps;
  const carriedOut = await carryOut(deps, intent, steps, by);
  const now = clock.now();
  const all = [...failures, ...carriedOut.failures];
  const applied = withReasons(apply(intent, carriedOut.outcomes, now), all, now);
  const record = await save(deps.store, intent, applied);
  if (record === 'conflict') return 'over';
  reportLostTags(deps, { before: intent, record });
  // Never later than the record is due: above all, not later than the teardown time.
  const nextAt = latest(now, earliest(record.dueAt, carriedOut.lookAgainAt));
  return { record, nextAt, failures: all };
}

/** Saves the record if it differs from the record that was read. */
async function save(
  store: ClusterStore,
  read: LiveRecord,
  next: LiveRecord,
): Promise<LiveRecord | 'conflict'> {
  if (isDeepStrictEqual(next, read)) return read;
  const saved = await store.save(next);
  return saved === 'conflict' || !isLive(saved) ? 'conflict' : saved;
}

/** Logs one line for each pass: what it did, or why it waits, and until when. */
function logPass({ log }: ReconcileDeps, pass: Pass, steps: readonly Step[]): void {
  const { record, nextAt, failures } = pass;
  const kinds = steps.map(({ kind }) => kind);
  const reasons = steps.flatMap((step) => (step.kind === 'wait' ? [step.reason] : []));
  log.info('pass', {
    clusterId: record.id,
    phase: record.phase,
    steps: Object.fromEntries(
      [...new Set(kinds)].map((kind) => [
        kind,
        kinds.filter((stepKind) => stepKind === kind).length,
      ]),
    ),
    until: toIso(nextAt),
    why: [...new Set([...reasons, ...failures])].join('; ') || 'looks at what came of its steps',
  });
}

/** Saves when to try again, and throws the reasons why the last pass could not do its work. */
async function leaveToReaper(
  { store }: ReconcileDeps,
  { record, nextAt, failures }: Pass,
): Promise<void> {
  if (record.dueAt > nextAt) await store.save({ ...record, dueAt: nextAt });
  if (failures.length > 0) {
    throw new AppError('linodeUnavailable', `${record.id}: ${failures.join('; ')}`);
  }
}

async function end(
  deps: ReconcileDeps,
  { before, ended }: { before: LiveRecord; ended: EndedRecord },
  by: EpochMs,
  outbox: Outbox,
): Promise<void> {
  const { record, notice } = withEndNotice(ended, ended.endedAt);
  const { id, endReason, failure } = record;
  const bill = { spent: formatUsd(record.spent), budget: formatUsd(record.budget) };
  // Report before the record is saved: a pass that dies in between, or loses the answer to the
  // save, would have raised no alarm.
  if (record.overspent > 0) {
    const overspent = formatUsd(record.overspent);
    deps.log.error('cluster overspent its budget', { clusterId: id, overspent, ...bill });
  }
  emitEndMetrics(deps.metrics, before, record);
  const saved = await deps.store.save(record);
  // No pass comes back to an ended cluster. Without this look, its budget could stay in the ledger
  // until the sweeper's audit.
  if (saved === 'conflict' && !(await isSaved(deps.store, record))) return;
  // Two passes may end the cluster at the same instant, and both find the record as they wrote it.
  // Only one of them saved it, and sends the notice.
  if (saved !== 'conflict' && notice !== null) outbox.send(notice);
  deps.log.info('cluster ended', { clusterId: id, endReason, failure, ...bill });
  // Release after the record is saved, so that a budget is never free while its cluster may live.
  // If the release is lost, the sweeper makes up for it.
  await deps.caps.release(record, by).catch((error: unknown) => {
    deps.log.warn('budget not released', { clusterId: id, reason: reasonOf(error) });
  });
}

/**
 * Emits the metrics of a cluster's end. They are emitted twice if two passes end it at the same
 * instant: an alarm is better heard twice than never.
 */
function emitEndMetrics(metrics: Metrics, before: LiveRecord, ended: EndedRecord): void {
  metrics.emit(() => {
    const lead = teardownLeadOf(before, ended);
    return {
      ...(ended.overspent > 0 && { Overspend: toUsd(ended.overspent) }),
      ...(ended.phase === 'failed' && { FailedLaunches: 1 }),
      ...(lead !== null && { TeardownLead: lead / 1_000 }),
    };
  });
}
