import { type MicroUsd, microUsd } from '../lib/core/base/money.ts';
import { type EpochMs, epochMs, hours as hoursOf, plus } from '../lib/core/base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../lib/core/billing/bill.ts';
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
 * more. An hour across a month's end is billed twice, so the change pays for that hour twice. Money
 * left over in the budget is used before the budget is raised. `now` is the server's time in epoch
 * milliseconds. null: the cluster is being destroyed, or gone.
 *
 * The answer about a cluster does not show its whole bill where a node has reached its monthly
 * price, or is gone. Then the budget is raised by the full price of the hours.
 */
export function extensionOf(cluster: Cluster, hours: number, now: number): Extension | null {
  if (cluster.teardownAt === null || cluster.affordableHours === null) return null;
  const teardownAt = epochMs(Date.parse(cluster.teardownAt));
  const budget = micro(cluster.budgetUsd);
  const nodes = billedNodes(cluster, epochMs(Math.round(now)));
  const reckoned = lastAffordable(nodes, { budget, maxHours: cluster.maxHours });
  const isAllShown = nodes.length === billable(cluster).length && isMargin(reckoned - teardownAt);
  const from = isAllShown ? reckoned : teardownAt;
  const target = plus(from, hoursOf(hours));
  const cost = spend(nodes, target) - spend(nodes, from);
  const needed = isAllShown ? Math.max(budget, spend(nodes, target)) : budget + cost;
  const maxHours = maxHoursUntil(target, nodes);
  const isHeldByHours = cluster.maxHours !== null && cluster.maxHours < maxHours;
  return {
    change: {
      ...(needed > budget ? { budgetUsd: needed / 1e6 } : {}),
      ...(isHeldByHours ? { maxHours } : {}),
    },
    costUsd: cost / 1e6,
  };
}

/** A change that raises the budget by an amount in US dollars. */
export const dollarsMore = ({ budgetUsd }: Pick<Cluster, 'budgetUsd'>, usd: number): Change => ({
  budgetUsd: plusUsd(budgetUsd, usd),
});

/** The nodes that exist, or existed, or will. */
const billable = ({ nodes }: Cluster) => nodes.filter(({ status }) => status !== 'neverCreated');

/** The nodes that Linode bills. A node that is yet to be created counts as created now. */
function billedNodes(cluster: Cluster, now: EpochMs): BilledNode[] {
  const hourly: MicroUsd = microUsd(Math.ceil(micro(cluster.hourlyUsd) / cluster.nodes.length));
  return billable(cluster)
    .filter(({ status }) => status !== 'gone' && status !== 'deleting')
    .map(({ createdAt }) => ({
      billedFrom: createdAt === null ? now : epochMs(Date.parse(createdAt)),
      billedUntil: null,
      price: { hourly, monthly: null },
    }));
}

/** Whether a safety margin may be so long: deployments have 2 to 30 minutes. */
const isMargin = (ms: number): boolean => ms > 0 && ms < HOUR;

/** The smallest maxHours with which no node reaches its most hours before `target`. */
const maxHoursUntil = (target: EpochMs, nodes: readonly BilledNode[]): number =>
  Math.max(...nodes.map(({ billedFrom }) => Math.ceil((target - billedFrom) / HOUR)));
