import type { CapsKeeper } from './caps.ts';
import { type Catalogue, catalogueFor } from './catalogue.ts';
import { nudgeOrLeaveToReaper } from './clusters.ts';
import { formatUsd, type MicroUsd, toUsd } from './core/base/money.ts';
import { type ClusterId, nodeLabel, type ScheduleId } from './core/base/names.ts';
import { type EpochMs, plus, toIso } from './core/base/units.ts';
import { alternatives } from './core/catalogue/alternatives.ts';
import { resolve, warningsOf } from './core/catalogue/choose.ts';
import type { Advice } from './core/cluster/advice.ts';
import { type Quote, quoteOf } from './core/cluster/quote.ts';
import { type Bought, type ClusterRecord, isLive, withHistory } from './core/cluster/record.ts';
import { parseSpec, type Spec } from './core/cluster/spec.ts';
import { AppError } from './errors.ts';
import { hashOf, idOfKey, newId } from './ids.ts';
import type { Clock, ClusterStore, Log, Nudge, Secrets } from './ports.ts';
import { renderAlternative } from './render.ts';
import type { Settings } from './settings.ts';

export interface LaunchDeps {
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly store: ClusterStore;
  readonly caps: Pick<CapsKeeper, 'reserve' | 'release'>;
  readonly secrets: Secrets;
  readonly nudge: Nudge;
  readonly log: Log;
  readonly settings: Settings;
}

export interface LaunchRequest {
  readonly owner: string;
  /** The spec as it came, not yet checked. */
  readonly input: unknown;
  /** The same key from the same owner gives the same cluster; null: always a new one. */
  readonly idempotencyKey: string | null;
  /** The schedule that launches it; null: a request does. */
  readonly schedule: Schedule | null;
  /** Give up on Linode's catalogue, and on the caps, after this instant. */
  readonly by: EpochMs;
}

export interface Schedule {
  readonly id: ScheduleId;
  /** The most that its clusters may cost in a calendar month, UTC; null: no such cap. */
  readonly monthlyCap: MicroUsd | null;
}

export interface Offer {
  readonly spec: Spec;
  readonly bought: Bought;
  readonly quote: Quote;
  readonly advice: Advice;
}

export interface Launched {
  readonly record: ClusterRecord;
  /** false: an earlier request with this key had launched it. */
  readonly isNew: boolean;
}

/**
 * What a spec comes to at today's prices, or an AppError `invalid` with every fault. Buys nothing
 * and writes nothing. A budget below the first hour's cost is no fault here.
 */
export async function offer(
  deps: Pick<LaunchDeps, 'clock' | 'catalogue' | 'settings'>,
  input: unknown,
  by: EpochMs,
): Promise<Offer> {
  const { catalogue, settings, clock } = deps;
  const parsed = parseSpec(input, settings);
  const partial = parsed.ok ? parsed.spec : parsed.partial;
  const { lists, extras } = await catalogueFor(catalogue, partial, by);
  const resolved = resolve(partial, lists, extras);
  const faults = [...(parsed.ok ? [] : parsed.faults), ...(resolved.ok ? [] : resolved.faults)];
  if (!parsed.ok || !resolved.ok) {
    throw new AppError('invalid', 'The spec has faults; each is listed with what to do.', {
      faults,
    });
  }
  const { spec } = parsed;
  const { type, region, image } = resolved;
  const bought = {
    type: type.id,
    typeLabel: type.label,
    vcpus: type.vcpus,
    memoryMb: type.memoryMb,
    diskMb: type.diskMb,
    region: region.id,
    image: image.id,
    price: resolved.price.base,
    backupsPrice: resolved.price.backups,
    backupsAssumed: extras.backups,
  };
  const { nodesMax, marginMs } = settings;
  const from = clock.now();
  const market = { catalogue: lists, extras, nodesMax, marginMs, from };
  const advice = { warnings: warningsOf(image), alternatives: alternatives(spec, market) };
  return { spec, bought, quote: quoteOf(spec, bought, marginMs, from), advice };
}

/**
 * Checks, prices and refuses before anything is bought; then writes the record, due now, and asks
 * for its first pass. When this returns the cluster will come up or be cleaned up, whatever dies.
 */
export async function launch(deps: LaunchDeps, request: LaunchRequest): Promise<Launched> {
  const { clock, store, log } = deps;
  const requestHash = hashOf(request.input);
  const keyedId =
    request.idempotencyKey === null ? null : keyedClusterId(request.owner, request.idempotencyKey);
  const before = keyedId === null ? 'notFound' : await store.get(keyedId);
  if (before !== 'notFound') return launchedEarlier(before, requestHash);

  const offered = await offer(deps, request.input, request.by);
  refuseWhatWouldOverspend(offered);
  await refuseWhatCouldNotLogIn(deps.secrets, offered.spec);

  const id = keyedId ?? newId('c');
  const { owner, schedule } = request;
  const claim = { id, owner, scheduleId: schedule?.id ?? null, budget: offered.spec.budget };
  const scheduleCap = schedule?.monthlyCap ?? null;
  const reservedAt = await deps.caps.reserve({ ...claim, scheduleCap }, request.by);
  const now = clock.now();
  const record = newRecord(deps.settings, { ...claim, requestHash, reservedAt, offered, now });
  // If this throws, the record may have been written: its budget stays counted, until the sweeper
  // finds that it was not.
  if ((await store.insert(record)) === 'exists') {
    const winner = await store.get(id);
    if (winner === 'notFound')
      throw new AppError('conflict', 'Try again: the cluster id was in use.');
    if (!isLive(winner)) await deps.caps.release(winner, request.by);
    return launchedEarlier(winner, requestHash);
  }
  log.info('cluster launched', { clusterId: id, owner, nodes: record.nodes.length });
  await nudgeOrLeaveToReaper(deps, id);
  return { record, isNew: true };
}

/** The id of the cluster that a request with this key has launched, or would. */
export const keyedClusterId = (owner: string, idempotencyKey: string): ClusterId =>
  idOfKey('c', [owner, idempotencyKey]);

export function refuseWhatWouldOverspend({
  spec,
  bought,
  quote: { smallestBudget, hourly },
  advice,
}: Offer): void {
  if (spec.budget >= smallestBudget) return;
  const cluster = `${spec.nodes} × ${bought.type} in ${bought.region}`;
  const twice =
    smallestBudget > hourly
      ? ', and the hour now starting runs into the next month, where it may be billed again'
      : '';
  throw new AppError(
    'refused',
    `${cluster} cost ${formatUsd(hourly)} a started hour${twice}. The smallest budget that would do is ` +
      `${formatUsd(smallestBudget)}; you gave ${formatUsd(spec.budget)}.`,
    {
      members: {
        smallestBudgetUsd: toUsd(smallestBudget),
        alternatives: advice.alternatives.map(renderAlternative),
      },
    },
  );
}

export async function refuseWhatCouldNotLogIn(secrets: Secrets, spec: Spec): Promise<void> {
  if (spec.authorizedKeys.length > 0 || (await secrets.passwordKey()) !== null) return;
  throw new AppError(
    'misconfigured',
    'Give authorizedKeys, or have passwordKey added to the secret: without either nobody could log in.',
  );
}

function launchedEarlier(record: ClusterRecord, requestHash: string): Launched {
  if (record.requestHash === requestHash) return { record, isNew: false };
  throw new AppError(
    'conflict',
    'This Idempotency-Key was used with another body. Use a new key for a new cluster.',
  );
}

function newRecord(
  settings: Settings,
  launched: {
    id: ClusterId;
    owner: string;
    scheduleId: ScheduleId | null;
    requestHash: string;
    reservedAt: EpochMs;
    offered: Offer;
    now: EpochMs;
  },
): ClusterRecord {
  const { id, owner, scheduleId, requestHash, reservedAt, offered, now } = launched;
  const { spec, bought, advice, quote: quoted } = offered;
  const record: ClusterRecord = {
    phase: 'provisioning',
    id,
    owner,
    revision: 1,
    createdAt: now,
    reservedAt,
    dueAt: now,
    stage: settings.stage,
    scheduleId,
    spec,
    requestHash,
    bought,
    advice,
    budget: spec.budget,
    maxHours: spec.maxHours,
    marginMs: settings.marginMs,
    provisionBy: plus(now, settings.provisionMs),
    nodes: Array.from({ length: spec.nodes }, (_, index) => ({
      state: 'planned',
      index,
      label: nodeLabel(id, index),
    })),
    reapTags: [],
    history: [],
  };
  const terms = `${formatUsd(spec.budget)} lasts ${quoted.affordableHours} h, until ${toIso(quoted.teardownAt)}`;
  return withHistory(record, now, `launched by ${owner}: ${terms}`);
}
