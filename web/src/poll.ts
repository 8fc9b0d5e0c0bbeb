import type { Cluster } from '../../client/answers.ts';

const BUSY_MS = 2_000;
const QUIET_MS = 10_000;
const QUIET_MS_MAX = 60_000;
const LOST_MS = 3_000;
const SOONEST_MS = 800;
const NEAR_TEARDOWN_MS = 120_000;
const SPEED_UP_MAX = 10;

export interface Poll {
  /** How many polls in a row brought nothing new. */
  readonly unchanged: number;
  /** How many in a row were not answered. */
  readonly failed: number;
  readonly busy: boolean;
  /** How fast the API's clock runs. */
  readonly rate: number;
}

/** How long to wait before the next look. */
export function pauseMs({ unchanged, failed, busy, rate }: Poll): number {
  if (failed > 0) return Math.min(QUIET_MS_MAX, LOST_MS * 2 ** (failed - 1));
  const pause = busy ? BUSY_MS : Math.min(QUIET_MS_MAX, QUIET_MS * 1.5 ** unchanged);
  return Math.max(SOONEST_MS, pause / Math.min(SPEED_UP_MAX, Math.max(1, rate)));
}

/** Whether something is about to happen to one of them. */
export const isBusy = (clusters: readonly Cluster[], now: number): boolean =>
  clusters.some(
    ({ status, teardownAt }) =>
      status === 'provisioning' ||
      status === 'deleting' ||
      (status === 'running' &&
        teardownAt !== null &&
        Date.parse(teardownAt) - now < NEAR_TEARDOWN_MS),
  );

/** All but what changes by itself as time passes. */
export const fingerprint = (clusters: readonly Cluster[]): string =>
  JSON.stringify(
    clusters.map(({ id, status, teardownAt, budgetUsd, nodes }) => [
      ...[id, status, teardownAt, budgetUsd],
      nodes.map(({ status, ipv4 }) => [status, ipv4]),
    ]),
  );
