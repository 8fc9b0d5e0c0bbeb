import { type MicroUsd, sum } from '../base/money.ts';
import { between, type DurationMs, type EpochMs, latest, minutes, plus } from '../base/units.ts';
import { lastAffordable } from '../billing/bill.ts';
import { billedNodes } from './bills.ts';
import { lifeOf } from './life.ts';
import { type ClusterRecord, type EndedRecord, isLive, type LiveRecord } from './record.ts';

/**
 * Everything that CloudWatch counts of Onebuck's own. Each is paid for by the hour in which it is
 * sent, a month of hours being $0.30: so those that alarms watch are sent only where there is
 * something to tell, and the others only for those who look at the dashboard.
 */
export const metrics = {
  /** By how much a cluster that ended was over its budget, US dollars. At least once for each. */
  Overspend: { unit: 'None', isAlarming: true },
  /** Linodes that the sweeper destroyed. */
  OrphansDestroyed: { unit: 'Count', isAlarming: true },
  /** Clusters that failed to come up, and runs of schedules that launched none. */
  FailedLaunches: { unit: 'Count', isAlarming: true },
  /** Clusters whose teardown has taken 2 minutes and goes on, each minute. */
  OverdueClusters: { unit: 'Count', isAlarming: true },
  LiveClusters: { unit: 'Count', isAlarming: false },
  /** The budgets of live clusters, US dollars. */
  OpenBudget: { unit: 'None', isAlarming: false },
  /** What Linode bills an hour for the nodes of live clusters, US dollars. */
  SpendRate: { unit: 'None', isAlarming: false },
  /** How long before the budget's last instant a cluster's last deletion was taken. */
  TeardownLead: { unit: 'Seconds', isAlarming: false },
} as const satisfies Record<string, { unit: 'None' | 'Count' | 'Seconds'; isAlarming: boolean }>;

export type MetricName = keyof typeof metrics;
export type MetricValues = Partial<Readonly<Record<MetricName, number>>>;

/** The values to count, of those that `hasDashboard` has paid for. */
export const paidFor = (
  values: MetricValues,
  { hasDashboard }: { readonly hasDashboard: boolean },
): [MetricName, number][] =>
  (Object.entries(values) as [MetricName, number][]).filter(
    ([name]) => hasDashboard || metrics[name].isAlarming,
  );

/** How long a teardown may take before people are told: the margin is at least as much. */
const TEARDOWN_TIME_MAX = minutes(2);

/** Whether a cluster's teardown began, or was to begin, 2 minutes ago, and a node may yet exist. */
export function isOverdue(record: ClusterRecord, now: EpochMs): boolean {
  if (!isLive(record) || !billedNodes(record).some(({ billedUntil }) => billedUntil === null)) {
    return false;
  }
  const since = record.phase === 'deleting' ? record.deletingSince : lifeOf(record, now).teardownAt;
  return now >= plus(since, TEARDOWN_TIME_MAX);
}

/** What lives, all clusters together. */
export interface Living {
  readonly clusters: number;
  readonly openBudget: MicroUsd;
  /** What an hour costs of the nodes that may exist, before any of them has reached its cap. */
  readonly hourly: MicroUsd;
}

export function livingOf(records: readonly ClusterRecord[]): Living {
  const live = records.filter(isLive);
  const nodes = live.flatMap(billedNodes).filter(({ billedUntil }) => billedUntil === null);
  return {
    clusters: live.length,
    openBudget: sum(live.map(({ budget }) => budget)),
    hourly: sum(nodes.map(({ price }) => price.hourly)),
  };
}

/**
 * How long before the last instant that the limits afforded Linode had taken the last deletion;
 * negative where that came too late. null: the limits did not end the cluster, so that nothing was
 * there to be late for. `before` is the record that `ended` was made from.
 */
export function teardownLeadOf(before: LiveRecord, ended: EndedRecord): DurationMs | null {
  if (before.phase !== 'deleting' || !['budget', 'maxHours'].includes(ended.endReason)) return null;
  const bills = billedNodes(ended);
  const isDeletedThen = (until: EpochMs | null) => until !== null && until >= before.deletingSince;
  const [first, ...rest] = bills.flatMap(({ billedUntil }) =>
    billedUntil !== null && isDeletedThen(billedUntil) ? [billedUntil] : [],
  );
  if (first === undefined) return null;
  const asIfAlive = bills.map((node) =>
    isDeletedThen(node.billedUntil) ? { ...node, billedUntil: null } : node,
  );
  const { budget, maxHours } = ended;
  return between(latest(first, ...rest), lastAffordable(asIfAlive, { budget, maxHours }));
}
