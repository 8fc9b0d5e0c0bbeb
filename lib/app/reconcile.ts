import { isDeepStrictEqual } from 'node:util';
import { formatUsd, toUsd } from '../core/base/money.ts';
import {
  type ClusterId,
  clusterTag,
  ownershipTag,
  type Tag,
  withReapTag,
} from '../core/base/names.ts';
import {
  type DurationMs,
  type EpochMs,
  earliest,
  latest,
  minus,
  minutes,
  plus,
  seconds,
} from '../core/base/units.ts';
import type { Linode } from '../core/cluster/linode.ts';
import { teardownLeadOf } from '../core/cluster/metrics.ts';
import { type EndedRecord, isLive, type LiveRecord } from '../core/cluster/record.ts';
import { withNotice } from '../core/notices/notices.ts';
import { apply, type Outcome } from '../core/pass/apply.ts';
import {
  type ActiveStep,
  CREATE_WINDOW,
  type Executors,
  plan,
  type Step,
} from '../core/pass/plan.ts';
import { AppError, reasonOf } from '../errors.ts';
import type {
  Clock,
  ClusterStore,
  CreateRequest,
  LinodeApi,
  Log,
  Metrics,
  Notifier,
  Secrets,
} from '../ports.ts';
import type { CapsKeeper } from './caps-keeper.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { rootPassword } from './root-password.ts';

export interface ReconcileDeps {
  readonly clock: Clock;
  readonly linode: LinodeApi;
  readonly store: ClusterStore;
  readonly caps: Pick<CapsKeeper, 'release'>;
  readonly secrets: Pick<Secrets, 'passwordKey'>;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  readonly log: Log;
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
/** How long one step is tried before the pass saves what it has and looks again. */
const STEP_TIME_MAX = seconds(60);
/** Waits up to this long are sat out; after longer ones the reaper calls again. */
const WAIT_MAX = seconds(90);
const RETRY_AFTER = seconds(10);
/** How long tags are left alone that Linode did not take: it may never take them from this token. */
const RETAG_AFTER = minutes(10);
/** How long one is tried: there is no hurry, as the record ends the cluster in time. */
const RETAG_TIME_MAX = seconds(10);

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
    await outbox.settle();
  }
}

async function makePasses(
  deps: ReconcileDeps,
  id: ClusterId,
  limits: ReconcileLimits,
  outbox: Outbox,
): Promise<void> {
  const { clock, store } = deps;
  const lastStart = minus(limits.by, limits.reserveMs);
  for (;;) {
    const record = await store.get(id);
    if (record === 'notFound' || !isLive(record)) return;

    const observed = await list(deps, record, limits.by);
    const now = clock.now();
    const planned = plan(record, observed.linodes, now);
    const { record: next, notice } = withNotice(planned.next, now);
    // After the save, which one pass alone can make: what a crash in between loses is lost, and
    // nothing is ever told twice.
    const tell = () => {
      if (notice !== null) outbox.send(notice);
    };
    if (!isLive(next)) return end(deps, { before: record, ended: next }, limits.by, tell);

    const intent = isDeepStrictEqual(next, record) ? record : await store.save(next);
    if (intent === 'conflict' || !isLive(intent)) return; // a newer pass or request has taken over
    tell();
    const done = await carryOut(deps, intent, planned.steps, limits.by);
    if (done === 'conflict') return;

    const failures = [...observed.failures, ...done.failures];
    if (done.until <= clock.now() && clock.now() < lastStart) continue;
    if (done.until <= lastStart && done.until - clock.now() <= WAIT_MAX) {
      await clock.sleep(done.until);
      continue;
    }
    if (done.record.dueAt > done.until) await store.save({ ...done.record, dueAt: done.until });
    if (failures.length > 0)
      throw new AppError('linodeUnavailable', `${id}: ${failures.join('; ')}`);
    return;
  }
}

interface Done {
  readonly record: LiveRecord;
  /** When to make the next pass. */
  readonly until: EpochMs;
  readonly failures: readonly string[];
}

/**
 * Of a cluster that has sent no create there is nothing to list, and its first nodes come up the
 * sooner. One that an older record knew, before a restore, still has its label, and is adopted by it.
 */
async function list(deps: ReconcileDeps, record: LiveRecord, by: EpochMs) {
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

async function end(
  deps: ReconcileDeps,
  { before, ended: record }: { before: LiveRecord; ended: EndedRecord },
  by: EpochMs,
  tell: () => void,
): Promise<void> {
  const { id, endReason, failure } = record;
  const bill = { spent: formatUsd(record.spent), budget: formatUsd(record.budget) };
  // Before the record: a pass that dies in between, or loses the answer, would have told nobody.
  if (record.overspent > 0) {
    const overspent = formatUsd(record.overspent);
    deps.log.error('cluster overspent its budget', { clusterId: id, overspent, ...bill });
  }
  count(deps.metrics, before, record);
  const saved = await deps.store.save(record);
  if (saved === 'conflict' && !(await isSaved(deps, record))) return;
  // Two passes may end it at one instant, and both find it saved as theirs; one alone saved it.
  if (saved !== 'conflict') tell();
  deps.log.info('cluster ended', { clusterId: id, endReason, failure, ...bill });
  // After the record, so that a budget is never free while its cluster may live. What is lost here,
  // the sweeper finds.
  await deps.caps.release(record, by).catch((error: unknown) => {
    deps.log.warn('budget not released', { clusterId: id, reason: reasonOf(error) });
  });
}

/** Twice where two passes end it at one instant: an alarm is better heard twice than never. */
function count(metrics: Metrics, before: LiveRecord, ended: EndedRecord): void {
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

async function carryOut(
  deps: ReconcileDeps,
  intent: LiveRecord,
  steps: readonly Step[],
  passBy: EpochMs,
): Promise<Done | 'conflict'> {
  const { clock, store, log } = deps;
  const [first] = steps;
  if (first?.kind === 'wait') return { record: intent, until: first.until, failures: [] };

  const by = earliest(passBy, plus(clock.now(), STEP_TIME_MAX));
  const execute = executors(deps, intent, by);
  const active = steps.filter((step) => step.kind !== 'wait');
  const outcomes = await Promise.all(
    active.map((step) =>
      executeOne(execute, step).catch((error: unknown): Outcome => {
        const reason = reasonOf(error);
        log.warn('step failed', { clusterId: intent.id, step: step.kind, reason });
        return outcomeOfError(error, step, plus(clock.now(), RETRY_AFTER));
      }),
    ),
  );
  const applied = apply(intent, outcomes, clock.now());
  const saved = isDeepStrictEqual(applied, intent) ? intent : await store.save(applied);
  if (saved === 'conflict' || !isLive(saved)) return 'conflict';
  return {
    record: saved,
    // Not past when it is due anyway: above all not past the teardown time.
    until: latest(
      clock.now(),
      earliest(
        saved.dueAt,
        latest(clock.now(), ...outcomes.map((one) => retryAt(one, clock.now()))),
      ),
    ),
    failures: outcomes.flatMap((outcome) =>
      outcome.kind === 'failed' || outcome.kind === 'notSent' ? [outcome.reason] : [],
    ),
  };
}

/** A refused token proves that the create took no effect; no other error proves a thing. */
function outcomeOfError(error: unknown, step: ActiveStep, retryAt: EpochMs): Outcome {
  const reason = reasonOf(error);
  const denied = error instanceof AppError && error.code === 'linodeDenied';
  return denied && step.kind === 'createNode'
    ? { kind: 'notSent', index: step.index, reason, retryAt }
    : { kind: 'failed', reason };
}

/** What the list will not show differently at once is looked at again after a while. */
function retryAt(outcome: Outcome, now: EpochMs): EpochMs {
  if (outcome.kind === 'notSent') return outcome.retryAt;
  const listLags = outcome.kind === 'deleted' && !outcome.existed;
  const isUnsettled = ['failed', 'present', 'retagged'].includes(outcome.kind) || listLags;
  return isUnsettled ? plus(now, RETRY_AFTER) : now;
}

function executeOne(execute: Executors<Outcome>, step: ActiveStep): Promise<Outcome> {
  switch (step.kind) {
    case 'createNode':
      return execute.createNode(step);
    case 'deleteNode':
      return execute.deleteNode(step);
    case 'checkNode':
      return execute.checkNode(step);
    case 'retagNode':
      return execute.retagNode(step);
    case 'removeTags':
      return execute.removeTags(step);
  }
}

function executors(deps: ReconcileDeps, record: LiveRecord, by: EpochMs): Executors<Outcome> {
  const { clock, linode, log } = deps;
  const isOurs = (found: Linode) => found.tags.includes(ownershipTag(record.stage));
  // On the way out nothing is more urgent; before, the teardown may be near.
  const tagsBy = () =>
    record.phase === 'deleting' ? by : earliest(by, plus(clock.now(), RETAG_TIME_MAX));
  const removeTag = (tag: Tag) =>
    linode.deleteTag(tag, tagsBy()).catch((error: unknown) => {
      // A tag left over costs nothing; a token without account:read_write can't remove it.
      log.warn('tag left behind', { clusterId: record.id, tag, reason: reasonOf(error) });
    });

  return {
    async createNode(step) {
      const notAfter = plus(step.sentAt, CREATE_WINDOW);
      const request = await createRequest(deps, record, step);
      const outcome = await linode.create(request, { notAfter, by });
      switch (outcome.kind) {
        case 'made':
          return { kind: 'made', index: step.index, linode: outcome.linode };
        case 'refused':
          return { kind: 'refused', index: step.index, reason: outcome.reason };
        case 'notSent':
          return { ...outcome, index: step.index };
        case 'unknown':
          return { kind: 'failed', reason: outcome.reason };
      }
    },
    async deleteNode({ index, linodeId, seen }) {
      if (!seen && index !== null) {
        // If even this can't be read, it is deleted as what it was when last seen: ours.
        const found = await linode.get(linodeId, by).catch(() => 'unreadable' as const);
        if (found === 'notFound') return { kind: 'deleted', index, existed: false };
        if (found !== 'unreadable' && !isOurs(found)) return { kind: 'released', index };
      }
      const existed = (await linode.delete(linodeId, by)) === 'deleted';
      log.info('node destroyed', { clusterId: record.id, index, linodeId, existed });
      return { kind: 'deleted', index, existed };
    },
    async checkNode({ index, linodeId }) {
      const found = await linode.get(linodeId, by);
      if (found === 'notFound') return { kind: 'vanished', index };
      return isOurs(found)
        ? { kind: 'present', index, linode: found }
        : { kind: 'released', index };
    },
    async retagNode({ index, linodeId, reap }) {
      const retagBy = earliest(by, plus(clock.now(), RETAG_TIME_MAX));
      const found = await linode.get(linodeId, retagBy);
      // The next pass finds out what became of it.
      if (found === 'notFound') return { kind: 'retagged' };
      if (!isOurs(found)) return { kind: 'released', index };
      try {
        const tagged = await linode.setTags(linodeId, withReapTag(found.tags, reap), retagBy);
        // A server that does not know the call, or drops the tag, would be asked for ever.
        if (tagged !== 'notFound' && tagged.tags.includes(reap)) return { kind: 'retagged' };
        throw new Error(tagged === 'notFound' ? 'not found' : 'answered without the tag');
      } catch (error) {
        const details = { clusterId: record.id, linodeId, reap, reason: reasonOf(error) };
        log.warn('reap tag not moved', details);
        return { kind: 'tagsRefused', until: plus(clock.now(), RETAG_AFTER) };
      }
    },
    async removeTags({ own, shared }) {
      await Promise.all(own.map(removeTag));
      for (const tag of shared) {
        const bearers = await linode.listByTag(tag, tagsBy()).catch(() => null);
        if (bearers?.length === 0) await removeTag(tag);
      }
      return { kind: 'tagsRemoved', shared };
    },
  };
}

async function createRequest(
  { secrets }: ReconcileDeps,
  record: LiveRecord,
  step: Extract<Step, { kind: 'createNode' }>,
): Promise<CreateRequest> {
  const { bought, spec } = record;
  const withKeys = spec.authorizedKeys.length > 0;
  const key = withKeys ? null : await secrets.passwordKey();
  return {
    label: step.label,
    type: bought.type,
    region: bought.region,
    image: bought.image,
    tags: step.tags,
    rootPassword: key === null ? null : rootPassword(key, step.label),
    authorizedKeys: spec.authorizedKeys,
    userData: spec.userData === null ? null : Buffer.from(spec.userData).toString('base64'),
  };
}
