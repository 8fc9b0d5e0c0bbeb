import { endReasons } from '../lib/core/cluster/end-reasons.ts';
import type { Cluster } from './answers.ts';
import { lifespanOf, nextMark } from './fuse.ts';
import { dollars } from './money.ts';

/** The reason of a cluster's end, as a clause; empty while the cluster has no end reason. */
export const endWords = ({ endReason }: Pick<Cluster, 'endReason'>): string =>
  endReason === null ? '' : endReasons[endReason];

/**
 * Milliseconds until the teardown; negative: the teardown is late; null: the teardown has begun.
 */
export const untilTeardown = (
  { status, teardownAt }: Pick<Cluster, 'status' | 'teardownAt'>,
  now: number,
): number | null =>
  status === 'deleting' || teardownAt === null ? null : Date.parse(teardownAt) - now;

/**
 * What Onebuck does next about a cluster, and why: `At 04:12 Onebuck destroys its nodes, when the
 * budget is used up.` null: the cluster has ended. `when` writes an instant in ISO 8601.
 */
export const nextSentence = (
  { next }: Pick<Cluster, 'next'>,
  when: (at: string) => string,
): string | null =>
  next === null ? null : `At ${when(next.at)} Onebuck ${next.why.replace(/\.$/, '')}.`;

/**
 * Why Onebuck can't do now what is due, and since when: `Since 04:12 Onebuck waits for Linode:
 * Linode refused the token.` null: nothing is in its way. `when` writes an instant in ISO 8601.
 */
export const troubleSentence = (
  { trouble }: Pick<Cluster, 'trouble'>,
  when: (since: string) => string,
): string | null =>
  trouble === null
    ? null
    : `Since ${when(trouble.since)} Onebuck waits for Linode: ${trouble.reason.replace(/\.$/, '')}.`;

/**
 * The cost of destroying a cluster now. Linode bills every started hour in full, so that waiting
 * until the next hour mark costs nothing. `when` writes an instant, given in epoch milliseconds.
 */
export function destroySentence(
  cluster: Cluster,
  now: number,
  when: (at: number) => string,
): string {
  if (cluster.spentUsd === 0) return 'Nothing has been billed for it yet.';
  const [spent, left] = [dollars(cluster.spentUsd), dollars(cluster.leftUsd)];
  const billed = `Linode will bill ${spent} for it; ${left} of its budget stays unspent.`;
  const lifespan = lifespanOf(cluster);
  const mark = lifespan === null ? null : nextMark(lifespan, now);
  if (mark === null || mark <= now) return billed;
  return `${billed} The started hour is paid anyway: until ${when(mark)} it would cost no more.`;
}
