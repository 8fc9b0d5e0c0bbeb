import { type MicroUsd, microUsd } from '../lib/core/base/money.ts';
import { type EpochMs, epochMs, hours as hoursOf, plus } from '../lib/core/base/units.ts';
import { type BilledNode, lastAffordable, spend } from '../lib/core/billing/bill.ts';
import type { Cluster } from './answers.ts';
import type { Change } from './clusters.ts';
import { micro, plusUsd } from './money.ts';

/** What has a cluster live longer. */
export interface Extension {
  readonly change: Change;
  /** What Linode bills for the additional hours, in US dollars. */
  readonly costUsd: number;
}

const HOUR = hoursOf(1);

/**
 * The smallest change of limits that moves the teardown time by at least so many whole hours, 1 or
 * more. An hour across a month's end is billed twice, and so it is paid for twice. Money that the
 * budget has left over is used before the budget is raised. `now` is the server's, in epoch
 * milliseconds. null: the cluster is on its way out, or gone.
 *
 * Where the cluster's answer does not show all that Linode bills for it (a monthly price that was
 * reached, a node that is gone), the budget is raised by what the hours cost and nothing left over
 * is counted on.
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

/** The budget with so many US dollars more. */
export const dollarsMore = ({ budgetUsd }: Pick<Cluster, 'budgetUsd'>, usd: number): Change => ({
  budgetUsd: plusUsd(budgetUsd, usd),
});

const billable = ({ nodes }: Cluster) => nodes.filter(({ status }) => status !== 'neverCreated');

/** The nodes that are billed on. Those not created yet count as created now, as the API has it. */
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

/** The safety margin is a setting of the deployment, 2 to 30 minutes. */
const isMargin = (ms: number): boolean => ms > 0 && ms < HOUR;

/** The fewest hours for each node with which none ends before `target`. */
const maxHoursUntil = (target: EpochMs, nodes: readonly BilledNode[]): number =>
  Math.max(...nodes.map(({ billedFrom }) => Math.ceil((target - billedFrom) / HOUR)));
