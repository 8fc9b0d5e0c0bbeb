import { isObject, parseFields } from '../core/base/fields.ts';
import { type DurationMs, type EpochMs, latest, plus, seconds } from '../core/base/units.ts';
import { type AgentCall, agentCallShape } from '../core/cluster/agent-call.ts';
import { lifeOf } from '../core/cluster/life.ts';
import { type AgentReport, reasonFrom } from '../core/cluster/readiness.ts';
import { type ClusterRecord, isLive, type LiveRecord, type Phase } from '../core/cluster/record.ts';
import { AppError } from '../errors.ts';
import type { AgentReports, Clock, ClusterStore, Log, Nudge, Secrets } from '../ports.ts';
import { type AgentClaim, agentToken, expiryFrom } from './agent-token.ts';
import { nudgeOrLeaveToReaper } from './nudge.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';

export interface HearAgentDeps {
  readonly clock: Clock;
  readonly store: Pick<ClusterStore, 'get'>;
  readonly reports: Pick<AgentReports, 'report'>;
  readonly secrets: Pick<Secrets, 'passwordKey'>;
  readonly nudge: Nudge;
  readonly log: Log;
  readonly limits: AgentLimits;
  /** How long records of ended clusters are kept. */
  readonly endedKept: DurationMs;
}

/** What a process lets agents do. Keep one for the whole life of the process. */
export interface AgentLimits {
  readonly calls: RateLimit;
  readonly nudges: RateLimit;
}

/** A sound agent calls a few times at its node's boot, and from the teardown time on each 30 s. */
export const createAgentLimits = (clock: Pick<Clock, 'now'>): AgentLimits => ({
  calls: createRateLimit(clock, { burst: 10, every: seconds(10) }),
  nudges: createRateLimit(clock, { burst: 1, every: seconds(10) }),
});

/** The answer to an agent. */
export interface Heard {
  /** When the teardown of its cluster begins, or began. */
  readonly teardownAt: EpochMs;
  readonly status: Phase;
  /** A token like that of the call, with a later expiry. */
  readonly token: string;
}

/**
 * Hears what a node's agent says of its node, and keeps it. If the cluster's next pass or its
 * teardown is overdue, whatever the agent says, a pass is nudged: so nodes end their cluster at its
 * time although no clock of AWS does. An agent can do nothing else, and never changes the record.
 *
 * AppError `tooMany` beyond the limits; `invalid` with every fault of the call; `notFound`
 * if there is no such cluster or node; `conflict` if the cluster has ended.
 */
export async function hearAgent(
  deps: HearAgentDeps,
  { clusterId, rank }: AgentClaim,
  input: unknown,
): Promise<Heard> {
  const { clock, store, reports, log, limits, endedKept } = deps;
  if (!limits.calls.take(`${clusterId}/${rank}`)) {
    throw new AppError('tooMany', 'The node calls too often. Call again in half a minute.');
  }
  const call = parseCall(input);
  const record = await store.get(clusterId);
  if (record === 'notFound' || rank >= record.nodes.length) {
    throw new AppError('notFound', `There is no node ${rank} of a cluster ${clusterId}.`);
  }
  if (!isLive(record)) {
    throw new AppError('conflict', `The cluster ${clusterId} has ended: its nodes are destroyed.`);
  }
  const now = clock.now();
  const teardownAt = teardownOf(record, now);
  // Before the report is kept, since the end must not wait for it.
  if (isOverdue(record, teardownAt, now) && limits.nudges.take(clusterId)) {
    log.info('an agent nudges a pass', { clusterId, rank });
    await nudgeOrLeaveToReaper(deps, clusterId);
  }
  const report = reportIn(call, record, now);
  if (report !== null) {
    await reports.report(clusterId, rank, report, plus(latest(teardownAt, now), endedKept));
  }
  const key = await deps.secrets.passwordKey();
  // Without the key, the token of this call could not have been read.
  if (key === null) throw new Error('the passwordKey is gone');
  const token = agentToken(key, { clusterId, rank, expiresAt: expiryFrom(now) });
  return { teardownAt, status: record.phase, token };
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
