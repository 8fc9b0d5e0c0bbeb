import type { OfferedType } from '../app/browse-catalogue.ts';
import type { Fit } from '../app/fit-work.ts';
import type { Offer } from '../app/offer.ts';
import type { LogPart, OfferedResults } from '../app/read-job.ts';
import { type MicroUsd, microUsd, toUsd } from '../core/base/money.ts';
import type { ClusterId } from '../core/base/names.ts';
import { type EpochMs, toIso } from '../core/base/units.ts';
import { whyChosen } from '../core/catalogue/choose.ts';
import type { Image, Region } from '../core/catalogue/lists.ts';
import type { Shape } from '../core/catalogue/shapes.ts';
import type { Advice, Alternative } from '../core/cluster/advice.ts';
import { hourlyOf, overspentAt, spentAt } from '../core/cluster/bills.ts';
import { cutTo } from '../core/cluster/bounds.ts';
import { hasJob, jobEndOf, jobNodesOf, type WithJob } from '../core/cluster/job-nodes.ts';
import { lifeOf } from '../core/cluster/life.ts';
import { keepsToLimit } from '../core/cluster/limited.ts';
import { nextOf } from '../core/cluster/next.ts';
import { type Quote, quoteOf } from '../core/cluster/quote.ts';
import {
  type AgentReport,
  NO_REPORTS,
  type Reports,
  readyAtOf,
} from '../core/cluster/readiness.ts';
import {
  type ClusterRecord,
  isLive,
  type NodeRecord,
  reasonOfNode,
  troubleOf,
} from '../core/cluster/record.ts';
import type { Spec } from '../core/cluster/spec.ts';
import { limitOf, transferOf } from '../core/cluster/transfer.ts';
import {
  type JobProgress,
  NO_PROGRESS,
  type RankProgress,
  rankStateOf,
  stateOf,
} from '../core/job/progress.ts';
import { addressOf, cidrOf, type RoomNetwork } from '../core/room/network.ts';
import type { RecordPage } from '../ports.ts';

const HOUR_MS = 3_600_000;
const isoOrNull = (instant: EpochMs | null) => (instant === null ? null : toIso(instant));

/**
 * A cluster as the API shows it at `now`, with what its nodes' agents have said of them, and of its
 * job. `hostKey`: absent: not shown, as in a list.
 */
export function renderCluster(
  record: ClusterRecord,
  now: EpochMs,
  reports: Reports = NO_REPORTS,
  hostKey?: string | null,
  progress: JobProgress = NO_PROGRESS,
) {
  const { bought, nodes } = record;
  const spent = spentAt(record, now);
  return {
    id: record.id,
    name: record.spec.name,
    owner: record.owner,
    scheduleId: record.scheduleId,
    status: record.phase,
    spec: renderSpec(record.spec),
    type: bought.type,
    vcpus: bought.vcpus,
    memoryMb: bought.memoryMb,
    diskMb: bought.diskMb,
    region: bought.region,
    image: bought.image,
    network: renderNetwork(record.network),
    nodes: nodes.map((node) => renderNode(node, record.network, reports.get(node.index))),
    budgetUsd: toUsd(record.budget),
    maxHours: record.maxHours,
    hourlyUsd: toUsd(hourlyOf(record)),
    monthEndHour: bought.price.monthEndHour ?? ('bothMonths' as const),
    spentUsd: toUsd(spent),
    leftUsd: toUsd(microUsd(Math.max(0, record.budget - spent))),
    transfer: renderTransfer(record, now),
    ...renderTimes(record, now),
    createdAt: toIso(record.createdAt),
    agent: record.agent === true,
    readyAt: isoOrNull(readyAtOf(record, reports)),
    ...(hostKey !== undefined && { hostKey }),
    job: hasJob(record) ? renderJobOf(record, reports, progress) : null,
    saved: renderSaved(record),
    history: record.history.map(({ at, event }) => ({ at: toIso(at), event })),
  };
}

function renderTransfer(record: ClusterRecord, now: EpochMs) {
  const totals = transferOf(record, isLive(record) ? now : record.endedAt);
  if (totals === null) return null;
  const { sentGb, broughtGb, cost, measuredAt } = totals;
  const limitGb = isLive(record) ? limitOf(record, lifeOf(record, now)) : record.transferGb;
  return {
    ...{ sentGb, limited: keepsToLimit(record), broughtGb, limitGb: limitGb ?? null },
    beyondUsd: toUsd(cost),
    measuredAt: isoOrNull(measuredAt),
  };
}

/** The job of a cluster, all nodes together. */
function renderJobOf(record: WithJob<ClusterRecord>, reports: Reports, progress: JobProgress) {
  const { command, on, onDone, onFailure } = record.spec.job;
  const end = jobEndOf(record, progress, reports);
  return {
    ...{ command, on, onDone, onFailure },
    state: end?.state ?? stateOf(jobNodesOf(record, reports), progress),
    exitCode: end?.exitCode ?? null,
    node: end?.node ?? null,
    reason: end?.reason ?? null,
    startedAt: isoOrNull(progress.startedAt),
    endedAt: isoOrNull(end === null ? null : (progress.endedAt ?? record.jobEnd?.at ?? null)),
    stopAskedAt: isoOrNull(record.jobStopAt ?? null),
  };
}

/** The job of each of these clusters that has one, as a schedule shows the jobs of its runs. */
export const renderJobsOf = (
  records: readonly ClusterRecord[],
  reports: ReadonlyMap<ClusterId, Reports>,
  told: ReadonlyMap<ClusterId, JobProgress>,
): ReadonlyMap<ClusterId, JobOfRun> =>
  new Map(
    records.filter(hasJob).map((record) => {
      const progress = told.get(record.id) ?? NO_PROGRESS;
      const job = renderJobOf(record, reports.get(record.id) ?? NO_REPORTS, progress);
      const { state, exitCode, reason } = job;
      return [record.id, { state, exitCode, reason }];
    }),
  );

export type JobOfRun = Pick<ReturnType<typeof renderJobOf>, 'state' | 'exitCode' | 'reason'>;

export const renderJob = (
  record: WithJob<ClusterRecord>,
  told: {
    readonly reports: Reports;
    readonly progress: JobProgress;
    readonly ranks: ReadonlyMap<number, RankProgress>;
  },
) => ({
  ...renderJobOf(record, told.reports, told.progress),
  nodes: [...told.ranks].map(([index, rank]) => ({
    index,
    state: rankStateOf(rank),
    exitCode: rank.exitCode,
    reason: rank.reason,
    stagedAt: isoOrNull(rank.stagedAt),
    startedAt: isoOrNull(rank.startedAt),
    exitedAt: isoOrNull(rank.exitedAt),
    endedAt: isoOrNull(rank.endedAt),
    heardAt: isoOrNull(rank.heardAt),
    logBytes: rank.logBytes,
  })),
});

export const renderLog = (rank: number, from: number, part: LogPart) => ({
  ...{ rank, from, next: part.next, bytes: part.bytes, isWhole: part.isWhole },
  data: Buffer.from(part.data).toString('base64'),
});

export const renderResults = (results: readonly OfferedResults[]) => ({
  results: results.map(({ index, filename, bytes, unpackedBytes, files, url, expiresAt }) => ({
    ...{ index, name: filename, bytes, unpackedBytes, files, url },
    expiresAt: toIso(expiresAt),
  })),
});

function renderSaved(record: ClusterRecord) {
  if (isLive(record) || record.jobEnd === undefined) return null;
  const least0 = (amount: number) => toUsd(microUsd(Math.max(0, amount)));
  return {
    ofBudgetUsd: least0(record.budget - record.spent),
    untilTeardownUsd: least0(record.jobEnd.billThen - record.spent),
  };
}

function renderTimes(record: ClusterRecord, now: EpochMs) {
  const startedAt = record.phase === 'provisioning' ? null : record.startedAt;
  if (!isLive(record)) {
    return {
      affordableHours: null,
      teardownAt: null,
      spentAtTeardownUsd: null,
      next: null,
      trouble: null,
      startedAt: isoOrNull(startedAt),
      endedAt: toIso(record.endedAt),
      endReason: record.endReason,
      failure: record.failure,
      overspentUsd: toUsd(record.overspent),
    };
  }
  const deleting = record.phase === 'deleting';
  const overspent = overspentAt(record, now);
  const life = lifeOf(record, now);
  const first = Math.min(now, ...life.nodes.map(({ billedFrom }) => billedFrom));
  const next = nextOf(record, life);
  const trouble = troubleOf(record);
  return {
    // A cluster that is being destroyed may have no node left to count hours from.
    affordableHours: deleting ? null : Math.floor((life.lastAffordable - first) / HOUR_MS),
    teardownAt: toIso(deleting ? record.deletingSince : life.teardownAt),
    spentAtTeardownUsd: deleting ? null : toUsd(life.bill),
    next: { at: toIso(next.at), why: next.why },
    trouble: trouble === null ? null : { since: toIso(trouble.since), reason: trouble.reason },
    startedAt: isoOrNull(startedAt),
    endedAt: null,
    endReason: deleting ? record.endReason : null,
    failure: deleting ? record.failure : null,
    ...(overspent > 0 ? { overspentUsd: toUsd(overspent) } : {}),
  };
}

/**
 * A node as the API shows it. While its Linode exists, its status is the Linode's, as last seen.
 */
function renderNode(
  node: NodeRecord,
  network: RoomNetwork | undefined,
  report: AgentReport | undefined,
) {
  const { index, label } = node;
  const machine = 'linodeId' in node ? node : null;
  const reason = reasonOfNode(node);
  const trouble = 'trouble' in node ? node.trouble : undefined;
  const kind = machine?.changes?.at(-1);
  const isTakenOver = node.state === 'gone' && node.takenOver === true;
  const statuses = {
    planned: 'planned',
    creating: 'creating',
    created: machine?.status ?? 'unknown',
    deleting: trouble === undefined ? 'deleting' : (machine?.status ?? 'unknown'),
    gone: isTakenOver ? 'takenOver' : 'gone',
    neverCreated: 'neverCreated',
  } as const;
  return {
    index,
    label,
    status: statuses[node.state],
    linodeId: machine?.linodeId ?? null,
    ipv4: machine?.ipv4[0] ?? null,
    ipv6: machine?.ipv6?.split('/')[0] ?? null,
    privateIp: network === undefined ? null : addressOf(network.subnet, index),
    createdAt: isoOrNull(machine?.billedFrom ?? null),
    readyAt: report?.kind === 'ready' ? toIso(report.at) : null,
    ...(report?.kind === 'failed' && { agentReason: report.reason }),
    ...(kind === undefined ? {} : { type: kind.type, region: kind.region }),
    ...(reason === null ? {} : { reason }),
    ...(isTakenOver ? { reason: 'taken over: lives on, billed to you' } : {}),
    ...(trouble === undefined ? {} : { reason: `can not be deleted: ${trouble.reason}` }),
  };
}

const renderNetwork = (network: RoomNetwork | undefined) =>
  network === undefined
    ? null
    : { kind: network.kind, vlan: network.vlan, cidr: cidrOf(network.subnet) };

/** The spec, in the fields of a request. */
function renderSpec(spec: Spec) {
  const { machine, budget, ...rest } = spec;
  const size =
    machine.kind === 'type'
      ? { type: machine.type }
      : { vcpus: machine.vcpus, memoryMb: machine.memoryMb };
  return { ...rest, ...size, budgetUsd: toUsd(budget) };
}

/** The quote of a cluster's launch, at the prices of then. */
export function renderLaunchQuote(record: ClusterRecord) {
  const { spec, bought, advice, marginMs, createdAt } = record;
  const quote = quoteOf(spec, bought, marginMs, createdAt);
  return renderQuote({ spec, bought, advice, quote, network: record.network?.kind ?? null });
}

/** A quote as the API shows it, with warnings and alternatives. */
export const renderQuote = (offer: Omit<Offer, 'canReport'>) => ({
  ...renderOffered(offer),
  ...renderAdvice(offer.advice),
});

/** The quote of the fastest cluster for some work, with all shapes. */
export const renderFit = ({ offer, shapes }: Fit) => ({
  ...renderQuote(offer),
  shapes: shapes.map(renderShape),
});

const renderShape = ({ type, nodes, hours, cost, takes, wasted }: Shape) => ({
  nodes,
  type: type.id,
  typeLabel: type.label,
  vcpus: type.vcpus,
  memoryMb: type.memoryMb,
  gpus: type.gpus,
  hours,
  costUsd: toUsd(cost),
  takesMinutes: Math.ceil(takes / 60_000),
  wastedUsd: toUsd(wasted),
});

function renderOffered({
  spec,
  bought,
  quote,
  network,
}: Pick<Offer, 'spec' | 'bought' | 'quote' | 'network'>) {
  return {
    nodes: spec.nodes,
    type: bought.type,
    typeLabel: bought.typeLabel,
    why: whyChosen(spec.machine, bought.region, bought.imageMb),
    vcpus: bought.vcpus,
    memoryMb: bought.memoryMb,
    diskMb: bought.diskMb,
    region: bought.region,
    image: bought.image,
    network: network ?? ('none' as const),
    budgetUsd: toUsd(spec.budget),
    maxHours: spec.maxHours,
    transfer: quote.transfer && {
      ...{ broughtGb: quote.transfer.broughtGb, limitGb: quote.transfer.limitGb },
      reservedUsd: toUsd(quote.transfer.reserved),
    },
    backupsCounted: bought.backupsAssumed,
    ...renderTerms(quote),
  };
}

function renderTerms(quote: Quote) {
  return {
    hourlyUsd: toUsd(quote.hourly),
    firstHourUsd: toUsd(quote.firstHour),
    smallestBudgetUsd: toUsd(quote.smallestBudget),
    affordableHours: quote.affordableHours,
    startsAt: toIso(quote.startsAt),
    teardownAt: quote.affordableHours === 0 ? null : toIso(quote.teardownAt),
    spentAtTeardownUsd: toUsd(quote.spentAtTeardown),
    unspentUsd: toUsd(quote.unspent),
  };
}

const renderAdvice = ({ warnings, alternatives }: Advice) => ({
  warnings: [...warnings],
  alternatives: alternatives.map(renderAlternative),
});

export const renderAlternative = (alternative: Alternative) => ({
  kind: alternative.kind,
  change: alternative.change,
  hourlyUsd: toUsd(alternative.hourly),
  affordableHours: alternative.affordableHours,
  spentAtTeardownUsd: toUsd(alternative.spentAtTeardown),
  sentence: alternative.sentence,
});

export function renderType({ type, price, available, affordableHours }: OfferedType) {
  const usd = (money: MicroUsd | null) => (money === null ? null : toUsd(money));
  return {
    id: type.id,
    label: type.label,
    class: type.class,
    vcpus: type.vcpus,
    memoryMb: type.memoryMb,
    diskMb: type.diskMb,
    gpus: type.gpus,
    hourlyUsd: usd(price.hourly),
    monthlyUsd: usd(price.monthly),
    ...(available === null ? {} : { available }),
    ...(affordableHours === null ? {} : { affordableHours }),
  };
}

export const renderRegion = ({ id, label, country, siteType, capabilities }: Region) => ({
  id,
  label,
  country,
  siteType,
  capabilities,
});

export const renderImage = (image: Image) => ({
  id: image.id,
  label: image.label,
  deprecated: image.deprecated,
  recovery: image.isRecovery,
  diskMb: image.diskMb,
  capabilities: image.capabilities,
});

export const renderUnreadable = (ids: readonly string[]) =>
  ids.length === 0 ? {} : { unreadable: [...ids] };

export const renderCursor = (nextCursor: string | null) =>
  nextCursor === null ? {} : { nextCursor };

/**
 * A page of clusters as the API shows it at `now`. Of a long reason it shows the beginning, since
 * an answer of Lambda has at most 6 MB.
 */
export function renderClusters(
  { records, nextCursor, unreadable }: RecordPage,
  now: EpochMs,
  reports: ReadonlyMap<ClusterId, Reports>,
  jobs: ReadonlyMap<ClusterId, JobProgress>,
) {
  return {
    clusters: records.map((record) =>
      renderCluster(
        record,
        now,
        withReasonsCut(reports.get(record.id) ?? NO_REPORTS),
        undefined,
        jobs.get(record.id),
      ),
    ),
    ...renderCursor(nextCursor),
    ...renderUnreadable(unreadable.map(({ id }) => id)),
  };
}

/** A page may have 15,000 nodes. */
const LISTED_REASON_BYTES_MAX = 80;

const withReasonsCut = (reports: Reports): Reports =>
  new Map(
    [...reports].map(([rank, report]) => [
      rank,
      report.kind === 'failed'
        ? { ...report, reason: cutTo(report.reason, LISTED_REASON_BYTES_MAX) }
        : report,
    ]),
  );
