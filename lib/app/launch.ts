import type { Fault } from '../core/base/fault.ts';
import { formatUsd, type MicroUsd } from '../core/base/money.ts';
import { type ClusterId, nodeLabel, type ScheduleId } from '../core/base/names.ts';
import { plural } from '../core/base/plural.ts';
import {
  between,
  durationMs,
  type EpochMs,
  latest,
  plus,
  seconds,
  toIso,
} from '../core/base/units.ts';
import { CREATE_TIME } from '../core/caps/ledger.ts';
import type { PeriodCaps } from '../core/caps/owners.ts';
import { noNetwork } from '../core/catalogue/room.ts';
import { forecastOf } from '../core/cluster/forecast.ts';
import { type Quote, quoteOf } from '../core/cluster/quote.ts';
import { type ClusterRecord, isLive, withHistory } from '../core/cluster/record.ts';
import type { Spec } from '../core/cluster/spec.ts';
import { bitsFor, type RoomNetwork, vlanOf } from '../core/room/network.ts';
import { AppError } from '../errors.ts';
import type { Clock, ClusterStore, JobFiles, Log, Nudge, Secrets } from '../ports.ts';
import type { Settings } from '../settings.ts';
import type { CapsKeeper, Reservation } from './caps-keeper.ts';
import type { CatalogueCache } from './catalogue-cache.ts';
import { inputKey } from './hear-job.ts';
import { hashOf, idOfKey, keyUsedOtherwise, newId } from './ids.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';
import {
  invalidSpec,
  type Offer,
  offer,
  refuseWhatCouldNotLogIn,
  refuseWhatWouldOverspend,
} from './offer.ts';

export interface LaunchDeps {
  readonly clock: Clock;
  readonly catalogue: CatalogueCache;
  readonly store: ClusterStore;
  readonly caps: Pick<CapsKeeper, 'reserve' | 'release'>;
  readonly secrets: Secrets;
  readonly nudge: Nudge;
  readonly log: Log;
  readonly settings: Settings;
  readonly files: JobFiles | null;
}

export interface LaunchRequest {
  readonly owner: string;
  /** The spec as the client sent it, not yet checked. */
  readonly input: unknown;
  /** The same key from the same owner gives the same cluster; null: always a new one. */
  readonly idempotencyKey: string | null;
  /** The schedule that launches the cluster; null: a request does. */
  readonly schedule: Schedule | null;
  /** The limit of the request's token for the month of the owner; absent or null: none. */
  readonly tokenCap?: MicroUsd | null;
  /** After this instant, give up on reading Linode's catalogue, and on the caps. */
  readonly by: EpochMs;
}

export interface Schedule {
  readonly id: ScheduleId;
  /** The most that the schedule's clusters may cost in a day, a week and a month, UTC. */
  readonly caps: PeriodCaps;
}

export interface Launched {
  readonly record: ClusterRecord;
  /** false: an earlier request with this idempotency key launched the cluster. */
  readonly isNew: boolean;
  /** Whether the function may go on to wait for the cluster, for up to 20 seconds. */
  readonly mayWait: boolean;
}

/**
 * The most functions that wait for clusters at once: other functions, above all passes, need their
 * places. A repeated request never waits.
 */
const WAITING_MAX = 5;
/** How long a function may wait for the turn of its cluster. */
const SOON = seconds(20);

/**
 * Checks and prices the spec, and refuses it before anything is bought. Then writes the record, due
 * now, and nudges the first pass. Once this returns, the cluster comes up or is cleaned up,
 * whatever fails.
 */
export async function launch(deps: LaunchDeps, request: LaunchRequest): Promise<Launched> {
  const { clock, store, log } = deps;
  const requestHash = hashOf(request.input);
  const keyedId =
    request.idempotencyKey === null ? null : keyedClusterId(request.owner, request.idempotencyKey);
  const before = keyedId === null ? 'notFound' : await store.get(keyedId);
  if (before !== 'notFound') return launchedEarlier(before, request.owner, requestHash);

  const quoted = await offer(deps, request.input, request.by);
  refuseWhatWouldOverspend(quoted);
  await refuseWhatCouldNotLogIn(deps.secrets, quoted.spec);
  const scheduleId = request.schedule?.id ?? null;
  await refuseMissingInputs(deps.files, quoted.spec, { owner: request.owner, scheduleId });

  const id = keyedId ?? newId('c');
  const offered = await withoutEleventhVlan(deps, id, quoted, request.by);
  const { owner, schedule, tokenCap = null } = request;
  const { budget, nodes } = offered.spec;
  const subnetBits = offered.network === null ? null : bitsFor(nodes);
  const { hourly } = offered.quote;
  const claim = { id, owner, scheduleId, budget, nodes, subnetBits, hourly };
  const scheduleCaps = schedule?.caps ?? null;
  const reserved = await deps.caps.reserve({ ...claim, scheduleCaps, tokenCap }, request.by);
  const now = clock.now();
  const record = newRecord(deps.settings, { ...claim, requestHash, reserved, offered, now });
  // If the insert throws, the record may have been written. So the budget stays in the ledger,
  // until the sweeper finds that there is no record.
  if ((await store.insert(record)) === 'exists') {
    const winner = await store.get(id);
    if (winner === 'notFound')
      throw new AppError('conflict', 'Try again: the cluster id was in use.');
    if (!isLive(winner)) await deps.caps.release(winner, request.by);
    return launchedEarlier(winner, owner, requestHash);
  }
  log.info('cluster launched', { clusterId: id, owner, nodes: record.nodes.length });
  // In a crowd, the reaper lets one function bring up all clusters that have their turn.
  const mayWait = reserved.recent < WAITING_MAX;
  if (mayWait && between(now, reserved.createFrom) <= SOON) await nudgeOrLeaveToReaper(deps, id);
  return { record, isNew: true, mayWait };
}

/** AppError `invalid` if an input of the job was not uploaded, or not by this owner. */
async function refuseMissingInputs(
  files: JobFiles | null,
  { job }: Spec,
  whose: Pick<ClusterRecord, 'owner' | 'scheduleId'>,
): Promise<void> {
  if (job === null || files === null) return;
  const sizes = await Promise.all(job.inputs.map((upload) => files.size(inputKey(whose, upload))));
  const faults = job.inputs.flatMap((upload, index) =>
    sizes[index] === null ? [missingInput(upload, index)] : [],
  );
  if (faults.length > 0) throw invalidSpec(faults);
}

/** The fault of a spec whose job has an input that is not there. */
export function missingInput(upload: string, index: number): Fault {
  const path = `job.inputs[${index}]`;
  const what = `there is no upload ${upload} of yours, or no file was put to its URL`;
  return { path, message: `${path}: ${what}; POST /uploads gives a new one` };
}

/** The id of the cluster that a request with this idempotency key launches or has launched. */
export const keyedClusterId = (owner: string, idempotencyKey: string): ClusterId =>
  idOfKey('c', [owner, idempotencyKey]);

/**
 * An id has 50 bits, so that two keys may have the same id by chance, or because somebody has
 * searched for such a key. Nobody learns of another owner's cluster in this way.
 */
function launchedEarlier(record: ClusterRecord, owner: string, requestHash: string): Launched {
  if (record.owner !== owner) {
    throw new AppError('conflict', 'This Idempotency-Key is in use. Use another key.');
  }
  if (record.requestHash === requestHash) return { record, isNew: false, mayWait: false };
  throw keyUsedOtherwise('cluster');
}

function newRecord(
  settings: Settings,
  launched: {
    id: ClusterId;
    owner: string;
    scheduleId: ScheduleId | null;
    requestHash: string;
    reserved: Reservation;
    offered: Offer;
    now: EpochMs;
  },
): ClusterRecord {
  const { id, owner, scheduleId, requestHash, reserved, offered, now } = launched;
  const { spec, bought, advice } = offered;
  const startsAt = latest(now, reserved.createFrom);
  const createdBy = plus(startsAt, durationMs(spec.nodes * CREATE_TIME));
  const quote = quoteOf(spec, bought, settings.marginMs, startsAt);
  const record: ClusterRecord = {
    phase: 'provisioning',
    id,
    owner,
    revision: 1,
    createdAt: now,
    reservedAt: reserved.openedAt,
    dueAt: startsAt,
    ...(startsAt > now && { createFrom: startsAt }),
    stage: settings.stage,
    scheduleId,
    spec,
    requestHash,
    bought,
    advice,
    forecast: forecastOf(spec, bought, quote),
    budget: spec.budget,
    maxHours: spec.maxHours,
    ...networkOf(settings.stage, id, offered, reserved),
    marginMs: settings.marginMs,
    ...(offered.canReport && { agent: true }),
    ...(offered.canReport && bought.transfer !== undefined && { limited: true }),
    ...transferOf(spec, quote),
    provisionBy: plus(createdBy, settings.provisionMs),
    nodes: Array.from({ length: spec.nodes }, (_, index) => ({
      state: 'planned',
      index,
      label: nodeLabel(id, index),
    })),
    reapTags: [],
    history: [],
  };
  const { affordableHours, teardownAt } = quote;
  const until = toIso(teardownAt);
  const terms = `${formatUsd(spec.budget)} lasts ${plural(affordableHours, 'hour')}, until ${until}`;
  return withHistory(record, now, `launched by ${owner}: ${terms}`);
}

/** What the spec plans to send, and what the quote holds back for it. */
function transferOf(
  { transferGb }: Spec,
  { transfer }: Quote,
): { transferGb?: number; transferReserved?: MicroUsd } {
  if (transferGb === null || transfer === null) return {};
  return { transferGb, transferReserved: transfer.reserved };
}

function networkOf(
  stage: string,
  id: ClusterId,
  { network: kind }: Offer,
  { subnet }: Reservation,
): { network?: RoomNetwork } {
  if (kind === null || subnet === null) return {};
  return { network: { kind, vlan: vlanOf(kind, stage, id), subnet } };
}

/** Linode's limit: docs/linode.md#networks. */
const VLANS_IN_REGION_MAX = 10;

/**
 * The offer without a private network if the nodes' VLAN would be the region's eleventh; AppError
 * `refused` if the spec asks for the network or needs it. If Linode does not say, or if others make
 * the tenth meanwhile, Linode refuses the creates, and the launch fails for that reason.
 */
async function withoutEleventhVlan(
  { catalogue, settings }: LaunchDeps,
  id: ClusterId,
  offered: Offer,
  by: EpochMs,
): Promise<Offer> {
  const { network, spec, bought, advice } = offered;
  if (network === null) return offered;
  const vlan = vlanOf(network, settings.stage, id);
  const labels = await catalogue.vlans(bought.region, { fresh: network === 'isolated', by });
  if (labels === null || labels.includes(vlan) || labels.length < VLANS_IN_REGION_MAX) {
    return offered;
  }
  const full =
    `${bought.region} has ${labels.length} VLANs, and Linode allows ${VLANS_IN_REGION_MAX} in a ` +
    `region: ${vlan} would be one more`;
  if (spec.network === null && spec.setup.length === 0) {
    const warnings = [...advice.warnings, noNetwork(full)];
    return { ...offered, network: null, advice: { ...advice, warnings } };
  }
  const others = network === 'isolated' ? 'ask for network private' : 'ask for network none';
  throw new AppError(
    'refused',
    `${full}. Wait for an isolated cluster to end, delete a VLAN in Linode's console, choose another ` +
      `region, or ${others}.`,
  );
}
