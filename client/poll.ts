import type { Cluster } from './answers.ts';
import { isComing, READY_MS_MAX } from './clusters.ts';

const BUSY_MS = 2_000;
const QUIET_MS = 10_000;
const QUIET_MS_MAX = 60_000;
const LOST_MS = 3_000;
const SOONEST_MS = 800;
const NEAR_TEARDOWN_MS = 120_000;
const SPEED_UP_MAX = 10;

/** The state of somebody who looks at clusters again and again. */
export interface Poll {
  /** How many looks in a row brought nothing new. */
  readonly unchanged: number;
  /** How many looks in a row were not answered. */
  readonly failed: number;
  /** Whether a cluster is about to change. */
  readonly busy: boolean;
  /** How many times as fast as this machine's clock the server's runs. */
  readonly rate: number;
}

/** The state while a cluster comes up or is destroyed. */
export const whileBusy: Poll = { unchanged: 0, failed: 0, busy: true, rate: 1 };

/**
 * Milliseconds to wait before the next look, since each look is a call of a function: 2 s while a
 * cluster is about to change, else 10 to 60 s, and 3 to 60 s after looks that failed.
 */
export function pauseMs({ unchanged, failed, busy, rate }: Poll): number {
  if (failed > 0) return Math.min(QUIET_MS_MAX, LOST_MS * 2 ** (failed - 1));
  const pause = busy ? BUSY_MS : Math.min(QUIET_MS_MAX, QUIET_MS * 1.5 ** unchanged);
  return Math.max(SOONEST_MS, pause / Math.min(SPEED_UP_MAX, Math.max(1, rate)));
}

/**
 * Whether one of the clusters is about to change, or its nodes may soon be ready. `now` is the
 * server's time, epoch milliseconds.
 */
export const isBusy = (clusters: readonly Cluster[], now: number): boolean =>
  clusters.some((cluster) => {
    const { status, startedAt, teardownAt, job } = cluster;
    if (status === 'provisioning' || status === 'deleting') return true;
    if (job?.state === 'collecting') return true;
    if (status !== 'running') return false;
    const isNear = teardownAt !== null && Date.parse(teardownAt) - now < NEAR_TEARDOWN_MS;
    const isNew = startedAt !== null && now - Date.parse(startedAt) < READY_MS_MAX;
    return isNear || (isNew && isComing(cluster));
  });

/**
 * A text that changes with the clusters, but not with time: hours and spend are not in the text.
 */
export const fingerprint = (clusters: readonly Cluster[]): string =>
  JSON.stringify(
    clusters.map(({ id, status, teardownAt, budgetUsd, trouble, nodes, job }) => [
      ...[id, status, teardownAt, budgetUsd, trouble?.reason, job?.state],
      nodes.map(({ status, ipv4, readyAt, agentReason }) => [status, ipv4, readyAt, agentReason]),
    ]),
  );
