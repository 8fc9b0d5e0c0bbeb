import { isObject, parseFields } from '../core/base/fields.ts';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  latest,
  minutes,
  plus,
  seconds,
} from '../core/base/units.ts';
import type { MonthName } from '../core/billing/bill.ts';
import { type AgentCall, agentCallShape, isOfJob } from '../core/cluster/agent-call.ts';
import {
  type Allowance,
  type Asking,
  grantFor,
  type SendableOf,
  toldAllowance,
} from '../core/cluster/allowance.ts';
import { hasJob } from '../core/cluster/job-nodes.ts';
import { lifeOf } from '../core/cluster/life.ts';
import { isLimited } from '../core/cluster/limited.ts';
import { type AgentReport, reasonFrom } from '../core/cluster/readiness.ts';
import { type ClusterRecord, isLive, type LiveRecord, type Phase } from '../core/cluster/record.ts';
import { AppError } from '../errors.ts';
import type { AgentReports, Allowances, Clock, JobFiles, JobReports, Secrets } from '../ports.ts';
import { type AgentClaim, agentToken, expiryFrom } from './agent-token.ts';
import type { ClusterDeps } from './destroy-cluster.ts';
import { type HeardOfJob, hearJob } from './hear-job.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';
import { createSendable } from './sendable.ts';

export interface HearAgentDeps extends ClusterDeps {
  readonly reports: AgentReports;
  readonly allowances: Allowances;
  readonly jobs: JobReports;
  readonly files: JobFiles | null;
  readonly secrets: Pick<Secrets, 'passwordKey'>;
  readonly limits: AgentLimits;
  /** How long records of ended clusters are kept. */
  readonly endedKept: DurationMs;
}

/** What a process lets agents do. Keep one for the whole life of the process. */
export interface AgentLimits {
  readonly calls: RateLimit;
  /** The same of a node with a job. */
  readonly jobCalls: RateLimit;
  readonly nudges: RateLimit;
  readonly uploads: RateLimit;
  /** What it knows of how much clusters may send. */
  readonly sendable: SendableOf;
}

/**
 * A sound agent calls a few times at its node's boot, and from the teardown time on each 30 s. One
 * with a job may ask each second whether to start, and sends a long log at once.
 */
export const createAgentLimits = (clock: Pick<Clock, 'now'>): AgentLimits => ({
  calls: createRateLimit(clock, { burst: 10, every: seconds(10) }),
  jobCalls: createRateLimit(clock, { burst: 100, every: durationMs(500) }),
  nudges: createRateLimit(clock, { burst: 1, every: seconds(10) }),
  uploads: createRateLimit(clock, { burst: 5, every: minutes(1) }),
  sendable: createSendable(),
});

/** The answer to an agent. */
export interface Heard extends Partial<HeardOfJob> {
  /** When the teardown of its cluster begins, or began. */
  readonly teardownAt: EpochMs;
  readonly status: Phase;
  /** A token like that of the call, with a later expiry. */
  readonly token: string;
  /** In answer to `sending`, if the nodes have a limit: what the node may send in which month. */
  readonly allowanceMonth?: MonthName;
  readonly allowanceBytes?: number;
}

/**
 * Hears what a node's agent says of its node, or of the cluster's job, and keeps it. If the cluster's
 * next pass or its teardown is overdue, whatever the agent says, a pass is nudged: so nodes end their
 * cluster at its time although no clock of AWS does. The end of the job ends the cluster, too. A node
 * that has used half of what it may send may get more, as far as the budget pays that. An agent can
 * do nothing else.
 *
 * AppError `tooMany` beyond the limits, or if the cluster is changing too fast to be ended; `invalid` with every fault of the call; `notFound`
 * if there is no such cluster or node; `conflict` if the cluster has ended.
 */
export async function hearAgent(
  deps: HearAgentDeps,
  { clusterId, rank }: AgentClaim,
  input: unknown,
): Promise<Heard> {
  const { clock, store, reports, log, limits, endedKept } = deps;
  const call = parseCall(input);
  const { calls, jobCalls } = limits;
  if (!(isOfJob(call) ? jobCalls : calls).take(`${clusterId}/${rank}`)) {
    throw new AppError('tooMany', 'The node calls too often. Call again in half a minute.');
  }
  const record = await store.get(clusterId);
  if (record === 'notFound' || rank >= record.nodes.length) {
    throw new AppError('notFound', `There is no node ${rank} of a cluster ${clusterId}.`);
  }
  if (!isLive(record)) {
    throw ended(record);
  }
  const now = clock.now();
  const teardownAt = teardownOf(record, now);
  // Before the report is kept, since the end must not wait for it.
  if (isOverdue(record, teardownAt, now) && limits.nudges.take(clusterId)) {
    log.info('an agent nudges a pass', { clusterId, rank });
    await nudgeOrLeaveToReaper(deps, clusterId);
  }
  const keptUntil = plus(latest(teardownAt, now), endedKept);
  const report = reportIn(call, record, now);
  if (report !== null) await reports.report(clusterId, rank, report, keptUntil);
  const ofJob = hasJob(record)
    ? await hearJob({ ...deps, ...limits }, record, { ...call, rank }, { now, keptUntil })
    : {};
  const allowance =
    call.event === 'sending' && isLimited(record)
      ? await allowanceFor(deps, record, { rank, ...countedIn(call) }, keptUntil)
      : null;
  const key = await deps.secrets.passwordKey();
  // Without the key, the token of this call could not have been read.
  if (key === null) throw new Error('the passwordKey is gone');
  const token = agentToken(key, { clusterId, rank, expiresAt: expiryFrom(now) });
  const toSend = allowance === null ? {} : answerOf(allowance);
  return { teardownAt, status: record.phase, token, ...toSend, ...ofJob };
}

const countedIn = ({ sentBytes, countedSince }: AgentCall): Omit<Asking, 'rank'> => ({
  sentBytes: sentBytes ?? 0,
  countedSince: countedSince ?? 0,
});

const ended = ({ id }: ClusterRecord): AppError =>
  new AppError('conflict', `The cluster ${id} has ended: its nodes are destroyed.`);

const answerOf = ({
  month,
  bytes,
}: Allowance): Pick<Heard, 'allowanceMonth' | 'allowanceBytes'> => ({
  allowanceMonth: month,
  allowanceBytes: bytes,
});

/** Nodes may ask all at once, and of two grants only one is kept. */
const GRANT_TRIES_MAX = 3;

/**
 * The allowance of the node, larger if it may send more. The node learns of a grant only if the record,
 * read after the grant was kept, is such that the budget pays it. A change of the budget that read the
 * grants before that and was saved after it sees neither: then the next measure counts the grant.
 */
async function allowanceFor(
  { clock, store, allowances, limits: { sendable } }: HearAgentDeps,
  asked: LiveRecord,
  asking: Asking,
  keptUntil: EpochMs,
): Promise<Allowance> {
  let record = asked;
  for (let attempt = 0; attempt < GRANT_TRIES_MAX; attempt += 1) {
    const granted = await allowances.read(record.id);
    const now = clock.now();
    const next = grantFor(record, granted, asking, now, sendable);
    if (next === null) return toldAllowance(record, granted, asking, now, sendable);
    const answer = await allowances.grant(record.id, next, keptUntil);
    const again = await store.get(record.id);
    if (again === 'notFound' || !isLive(again)) throw ended(record);
    record = again;
    if (answer === 'conflict') continue;
    // It may be more than a lower budget pays: it counts as granted, but the node does not hear of it.
    return toldAllowance(record, next, asking, now, sendable);
  }
  // Otherwise the node would take it that nothing is left, and ask again much later.
  throw new AppError('tooMany', 'Many nodes of the cluster ask at once. Ask again soon.');
}

function parseCall(input: unknown): AgentCall {
  const { valid, faults } = parseFields(
    isObject(input) ? input : {},
    agentCallShape,
    "an agent's call",
  );
  if (isObject(input) && faults.length === 0) return valid as AgentCall;
  throw new AppError('invalid', "The agent's call has faults; each is listed.", { faults });
}

const teardownOf = (record: LiveRecord, now: EpochMs): EpochMs =>
  record.phase === 'deleting' ? record.deletingSince : lifeOf(record, now).teardownAt;

/** Once the teardown has begun, only the time of its next pass counts. */
const isOverdue = (record: LiveRecord, teardownAt: EpochMs, now: EpochMs): boolean =>
  record.dueAt <= now || (record.phase !== 'deleting' && teardownAt <= now);

function reportIn(
  { event, detail }: AgentCall,
  { nodes }: ClusterRecord,
  at: EpochMs,
): AgentReport | null {
  if (event === 'ready') return { kind: 'ready', at };
  if (event !== 'failed') return null;
  const reason = reasonFrom(detail ?? '', nodes.length) || 'it gave no reason';
  return { kind: 'failed', at, reason };
}
