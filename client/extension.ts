import { microUsd } from '../lib/core/base/money.ts';
import { type EpochMs, epochMs, hours as hoursOf, plus } from '../lib/core/base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../lib/core/billing/bill.ts';
import { readAs } from '../lib/core/billing/price.ts';
import type { Cluster } from './answers.ts';
import type { Change } from './clusters.ts';
import { micro, plusUsd } from './money.ts';

/** A change that makes a cluster live longer, and its cost. */
export interface Extension {
  readonly change: Change;
  /** Linode's bill for the additional hours, in US dollars. */
  readonly costUsd: number;
}

const HOUR = hoursOf(1);

/**
 * The smallest change of limits that moves the teardown time by at least so many whole hours, 1 or
 * more. Where an hour across a month's end is billed twice, the change pays for that hour twice. Money
 * left over in the budget is used before the budget is raised, so that the budget stays as it is
 * where only maxHours ends the cluster. `now` is the server's time in epoch milliseconds. null: the
 * cluster is being destroyed, or gone, or has no node left.
 *
 * The answer about a cluster does not show since when a node is at its monthly price. After the
 * present teardown time, such a node counts at its full price.
 */
export function extensionOf(cluster: Cluster, hours: number, now: number): Extension | null {
  const course = courseOf(cluster, now);
  if (course === null) return null;
  const { nodes, teardownAt, besides, last } = course;
  const { maxHours } = cluster;
  const budget = micro(cluster.budgetUsd);
  const from = isMargin(last - teardownAt) ? last : teardownAt;
  const target = plus(from, hoursOf(hours));
  const cost = spend(nodes, target) - spend(nodes, from);
  const needed = from === last ? besides + spend(nodes, target) : budget + cost;
  const mostHours = maxHoursUntil(target, nodes);
  return {
    change: {
      ...(needed > budget ? { budgetUsd: needed / 1e6 } : {}),
      ...(maxHours !== null && maxHours < mostHours ? { maxHours: mostHours } : {}),
    },
    costUsd: cost / 1e6,
  };
}

/** The limits of a cluster. */
export type Limits = Pick<Cluster, 'budgetUsd' | 'maxHours'>;

/** What a cluster comes to with other limits. */
export interface Outlook {
  /** Epoch milliseconds; not after `now` where the limits can't be kept any more. */
  readonly teardownAt: number;
  /** Linode's bill at that teardown, in US dollars. */
  readonly spentUsd: number;
}

/**
 * The outlook of a cluster with other limits, as the server would find it, but for monthly prices
 * (see `extensionOf`). null: the cluster is being destroyed, or gone, or has no node left, or its
 * present teardown time is an earlier one than its limits give.
 */
export function outlookOf(cluster: Cluster, limits: Limits, now: number): Outlook | null {
  const course = courseOf(cluster, now);
  if (course === null || !isMargin(course.last - course.teardownAt)) return null;
  const { nodes, besides, last } = course;
  const marginMs = last - course.teardownAt;
  const left = micro(limits.budgetUsd) - besides;
  const { maxHours } = limits;
  const end = left <= 0 ? now : lastAffordable(nodes, { budget: microUsd(left), maxHours });
  const teardownAt = end - marginMs;
  const spent = besides + spend(nodes, epochMs(Math.round(Math.max(teardownAt, now))));
  return { teardownAt, spentUsd: Math.max(0, spent) / 1e6 };
}

interface Course {
  /** At least one. */
  readonly nodes: readonly BilledNode[];
  readonly teardownAt: EpochMs;
  /**
   * The bill besides the hours of these nodes, in micro-dollars: the bill of nodes that are gone,
   * less what monthly prices save.
   */
  readonly besides: number;
  /** The last instant that the limits afford. */
  readonly last: EpochMs;
}

/** null: the cluster is being destroyed, or gone, or has no node left. */
function courseOf(cluster: Cluster, now: number): Course | null {
  const { affordableHours, spentAtTeardownUsd, maxHours } = cluster;
  if (cluster.teardownAt === null || affordableHours === null || spentAtTeardownUsd === null) {
    return null;
  }
  const teardownAt = epochMs(Date.parse(cluster.teardownAt));
  const nodes = billedNodes(cluster, epochMs(Math.round(now)));
  if (nodes.length === 0) return null;
  const besides = micro(spentAtTeardownUsd) - spend(nodes, teardownAt);
  const budget = microUsd(micro(cluster.budgetUsd) - besides);
  return { nodes, teardownAt, besides, last: lastAffordable(nodes, { budget, maxHours }) };
}

/** A change that raises the budget by an amount in US dollars. */
export const dollarsMore = ({ budgetUsd }: Pick<Cluster, 'budgetUsd'>, usd: number): Change => ({
  budgetUsd: plusUsd(budgetUsd, usd),
});

const ENDED = ['deleting', 'gone', 'neverCreated'];

/** The nodes that Linode bills or will bill. A node that is yet to be created counts as created now. */
function billedNodes(cluster: Cluster, now: EpochMs): BilledNode[] {
  const billed = cluster.nodes.filter(({ status }) => !ENDED.includes(status));
  const hourly = microUsd(Math.ceil(micro(cluster.hourlyUsd) / Math.max(1, billed.length)));
  const price = readAs({ hourly, monthly: null }, cluster.monthEndHour);
  return billed.map(({ createdAt }) => ({
    billedFrom: createdAt === null ? now : epochMs(Date.parse(createdAt)),
    billedUntil: null,
    price,
  }));
}

/** Whether a safety margin may be so long: deployments have 2 to 30 minutes. */
const isMargin = (ms: number): boolean => ms > 0 && ms < HOUR;

/** The smallest maxHours with which no node reaches its most hours before `target`. */
const maxHoursUntil = (target: EpochMs, nodes: readonly BilledNode[]): number =>
  Math.max(...nodes.map(({ billedFrom }) => Math.ceil((target - billedFrom) / HOUR)));
