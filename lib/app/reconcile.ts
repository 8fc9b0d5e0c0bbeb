import { isDeepStrictEqual } from 'node:util';
import { formatUsd, toUsd } from '../core/base/money.ts';
import { type ClusterId, clusterTag } from '../core/base/names.ts';
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
import { type EndedRecord, isLive, type LiveRecord, withTrouble } from '../core/cluster/record.ts';
import { withEndNotice, withNotice } from '../core/notices/notices.ts';
import { apply } from '../core/pass/apply.ts';
import { plan } from '../core/pass/plan.ts';
import type { Step } from '../core/pass/steps.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { ClusterStore, Metrics, Notifier } from '../ports.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import { carryOut, type StepDeps } from './carry-out.ts';
import { createOutbox, type Outbox } from './outbox.ts';

export interface ReconcileDeps extends StepDeps {
  readonly store: ClusterStore;
  readonly caps: Pick<CapsKeeper, 'release'>;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
}

export interface ReconcileLimits {
  /** No call to Linode goes on after this. */
  readonly by: EpochMs;
  /** No pass begins later than this before `by`. */
  readonly reserveMs: DurationMs;
  /** How long notices may take that are still on their way when all else is done. */
  readonly noticesMs: DurationMs;
}

/** How long a pass tries to list before it decides without: most of the margin must remain. */
const LIST_TIME_MAX = seconds(20);
/** Waits up to this long are sat out; after longer ones the reaper calls again. */
const WAIT_MAX = seconds(90);

/**
 * Makes passes over one cluster (observe, plan, save intent, carry out) until there is nothing to
 * do for a while or `by` is near. May run at any time, twice at once, and die anywhere: what it
 * saves is enough for the next pass. If its last pass could not do what was due, it saves when to
 * try again and throws, so that the failure is seen.
 */
export async function reconcile(
  deps: ReconcileDeps,
  id: ClusterId,
  limits: ReconcileLimits,
): Promise<void> {
  const outbox = createOutbox(deps, limits);
  try {
    await makePasses(deps, id, limits, outbox);
  } finally {
    await outbox.flush();
  }
}

async function makePasses(
  deps: ReconcileDeps,
  id: ClusterId,
  limits: ReconcileLimits,
  outbox: Outbox,
): Promise<void> {
  const { clock } = deps;
  const lastStart = minus(limits.by, limits.reserveMs);
  for (;;) {
    const result = await makePass(deps, id, limits.by, outbox);
    if (result === 'over') return;
    const now = clock.now();
    const startsAt = latest(result.nextAt, now);
    if (startsAt > lastStart || startsAt - now > WAIT_MAX) return leaveToReaper(deps, result);
    await clock.sleep(startsAt);
  }
}

/** A pass that leaves the cluster live, and in this function's hands. */
interface Pass {
  /** As it was saved last. */
  readonly record: LiveRecord;
  /** When to make the next pass. */
  readonly nextAt: EpochMs;
  /** Why something that was due could not be done. */
  readonly failures: readonly string[];
}

/** `over`: the cluster has ended, or another pass or a request has changed it meanwhile. */
async function makePass(
  deps: ReconcileDeps,
  id: ClusterId,
  by: EpochMs,
  outbox: Outbox,
): Promise<Pass | 'over'> {
  const { clock, store } = deps;
  // 1. Observe.
  const record = await store.get(id);
  if (record === 'notFound' || !isLive(record)) return 'over';
  const observed = await list(deps, record, by);

  // 2. Plan.
  const now = clock.now();
  const planned = plan(record, observed.linodes, now);
  if (!('life' in planned)) {
    await end(deps, { before: record, ended: planned.next }, by, outbox);
    return 'over';
  }

  // 3. Save the intent: of several passes at once, one can. That one sends the notice.
  const { record: next, notice } = withNotice(planned.next, planned.life, now);
  const [first] = planned.steps;
  const wait = first.kind === 'wait' ? first : null;
  const intent = await save(
    store,
    record,
    wait === null ? next : withTrouble(next, observed.failures, now),
  );
  if (intent === 'conflict') return 'over';
  if (notice !== null) outbox.send(notice);

  // 4. Carry out, and save what came of it.
  const pass =
    wait === null
      ? await act(deps, intent, planned.steps, { by, failures: observed.failures })
      : { record: intent, nextAt: wait.until, failures: observed.failures };
  if (pass !== 'over') logPass(deps, pass, planned.steps);
  return pass;
}

/**
 * Of a cluster that has sent no create there is nothing to list, and its first nodes come up the
 * sooner. One that an older record knew, before a restore, still has its label, and is adopted by it.
 */
async function list(deps: ReconcileDeps, record: LiveRecord, by: EpochMs): Promise<Observed> {
  const isUnsent = record.nodes.every(({ state }) => state === 'planned');
  if (record.phase === 'provisioning' && isUnsent) return { linodes: [], failures: [] };
  const listBy = earliest(by, plus(deps.clock.now(), LIST_TIME_MAX));
  try {
    return { linodes: await deps.linode.listByTag(clusterTag(record.id), listBy), failures: [] };
  } catch (error) {
    const failure = reasonOf(error);
    deps.log.warn('Linodes could not be listed', { clusterId: record.id, reason: failure });
    return { linodes: null, failures: [failure] };
  }
}

interface Observed {
  /** null: they could not be listed. */
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
  const applied = withTrouble(apply(intent, carriedOut.outcomes, now), all, now);
  const record = await save(deps.store, intent, applied);
  if (record === 'conflict') return 'over';
  // Not past when it is due anyway: above all not past the teardown time.
  const nextAt = latest(now, earliest(record.dueAt, carriedOut.lookAgainAt));
  return { record, nextAt, failures: all };
}

/** Writes the record, if that differs from the one that was read. */
async function save(
  store: ClusterStore,
  read: LiveRecord,
  next: LiveRecord,
): Promise<LiveRecord | 'conflict'> {
  if (isDeepStrictEqual(next, read)) return read;
  const saved = await store.save(next);
  return saved === 'conflict' || !isLive(saved) ? 'conflict' : saved;
}

/** One line a pass: what it did, or why it waits, and until when. */
function logPass({ log }: ReconcileDeps, pass: Pass, steps: readonly Step[]): void {
  const { record, nextAt, failures } = pass;
  const kinds = steps.map(({ kind }) => kind);
  const reasons = steps.flatMap((step) => (step.kind === 'wait' ? [step.reason] : []));
  log.info('pass', {
    clusterId: record.id,
    phase: record.phase,
    steps: Object.fromEntries(
      [...new Set(kinds)].map((kind) => [kind, kinds.filter((one) => one === kind).length]),
    ),
    until: toIso(nextAt),
    why: [...new Set([...reasons, ...failures])].join('; ') || 'looks at what came of its steps',
  });
}

/** Saves when to try again, and throws what kept the last pass from its work. */
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
  // Before the record: a pass that dies in between, or loses the answer, would have alarmed nobody.
  if (record.overspent > 0) {
    const overspent = formatUsd(record.overspent);
    deps.log.error('cluster overspent its budget', { clusterId: id, overspent, ...bill });
  }
  countEnd(deps.metrics, before, record);
  const saved = await deps.store.save(record);
  if (saved === 'conflict' && !(await isSaved(deps, record))) return;
  // Two passes may end it at one instant, and both find it saved as theirs; one of them saved it.
  if (saved !== 'conflict' && notice !== null) outbox.send(notice);
  deps.log.info('cluster ended', { clusterId: id, endReason, failure, ...bill });
  // After the record, so that a budget is never free while its cluster may live. What is lost here,
  // the sweeper finds.
  await deps.caps.release(record, by).catch((error: unknown) => {
    deps.log.warn('budget not released', { clusterId: id, reason: reasonOf(error) });
  });
}

/** Twice where two passes end it at one instant: an alarm is better heard twice than never. */
function countEnd(metrics: Metrics, before: LiveRecord, ended: EndedRecord): void {
  metrics.emit(() => {
    const lead = teardownLeadOf(before, ended);
    return {
      ...(ended.overspent > 0 && { Overspend: toUsd(ended.overspent) }),
      ...(ended.phase === 'failed' && { FailedLaunches: 1 }),
      ...(lead !== null && { TeardownLead: lead / 1_000 }),
    };
  });
}

/**
 * AWS's client repeats a save whose answer was lost, and then conflicts with itself. Nobody comes
 * back to an ended cluster: taken for another's, its budget would stay counted until the sweeper's
 * audit.
 */
async function isSaved({ store }: ReconcileDeps, record: EndedRecord): Promise<boolean> {
  const { id, revision, endedAt } = record;
  const found = await store.get(id);
  if (found === 'notFound' || isLive(found)) return false;
  return found.revision === revision + 1 && found.endedAt === endedAt;
}
