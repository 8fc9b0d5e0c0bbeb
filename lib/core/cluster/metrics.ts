import { type MicroUsd, microUsd, sum } from '../base/money.ts';
import { between, type DurationMs, type EpochMs, latest, minutes, plus } from '../base/units.ts';
import { lastAffordable } from '../billing/bill.ts';
import { billedNodes, isBilledOn } from './bills.ts';
import { lifeOf } from './life.ts';
import { type ClusterRecord, type EndedRecord, isLive, type LiveRecord } from './record.ts';
import { transferOf } from './transfer.ts';

/**
 * Onebuck's own metrics in CloudWatch. AWS charges each metric for every hour in which it is sent,
 * $0.30 for a month of hours. So the metrics that alarms watch are sent only when there is
 * something to report, and the others only with the dashboard.
 */
export const metrics = {
  /**
   * By how much a cluster is over its budget, in US dollars: in each pass while it lives, and at its
   * end.
   */
  Overspend: { unit: 'None', isAlarming: true },
  /** Linodes that the sweeper has destroyed. */
  OrphansDestroyed: { unit: 'Count', isAlarming: true },
  /** Clusters that failed to come up, and occurrences of schedules that were refused or missed. */
  FailedLaunches: { unit: 'Count', isAlarming: true },
  /** Clusters whose teardown has taken 2 minutes and is not over, once a minute. */
  OverdueClusters: { unit: 'Count', isAlarming: true },
  /** Records that can't be read: of clusters each minute while due, of schedules at each run. */
  UnreadableRecords: { unit: 'Count', isAlarming: true },
  /** Which field of the deployment's secret is malformed: its place in SECRET_FAULTS, from 1. */
  MalformedSecret: { unit: 'None', isAlarming: true },
  /** Nodes that people have taken over: they live on, and no cluster counts them any more. */
  TakenOver: { unit: 'Count', isAlarming: true },
  /** Clusters whose nodes have all lost the ownership tag at once. */
  TagsLost: { unit: 'Count', isAlarming: true },
  /** Notices that an invoice differs from the records: one for each owner, month and kind. */
  InvoiceDifferences: { unit: 'Count', isAlarming: true },
  LiveClusters: { unit: 'Count', isAlarming: false },
  /** The budgets of all live clusters, in US dollars. */
  OpenBudget: { unit: 'None', isAlarming: false },
  /** The price of an hour of all nodes of live clusters, in US dollars. */
  SpendRate: { unit: 'None', isAlarming: false },
  /** How long before the last affordable instant Linode accepted a cluster's last deletion. */
  TeardownLead: { unit: 'Seconds', isAlarming: false },
} as const satisfies Record<string, { unit: 'None' | 'Count' | 'Seconds'; isAlarming: boolean }>;

export type MetricName = keyof typeof metrics;
export type MetricValues = Partial<Readonly<Record<MetricName, number>>>;

/** The metrics to send: without the dashboard, only those that an alarm watches. */
export const paidFor = (
  values: MetricValues,
  { hasDashboard }: { readonly hasDashboard: boolean },
): [MetricName, number][] =>
  (Object.entries(values) as [MetricName, number][]).filter(
    ([name]) => hasDashboard || metrics[name].isAlarming,
  );

/** How long a teardown may take before an alarm. The safety margin is at least as long. */
const TEARDOWN_TIME_MAX = minutes(2);

/** Whether 2 minutes ago the teardown had begun or was due, and a node may still exist. */
export function isOverdue(record: ClusterRecord, now: EpochMs): boolean {
  if (!isLive(record) || !isBilledOn(record)) return false;
  const since = record.phase === 'deleting' ? record.deletingSince : lifeOf(record, now).teardownAt;
  return now >= plus(since, TEARDOWN_TIME_MAX);
}

/** Totals over all live clusters. */
export interface Living {
  readonly clusters: number;
  readonly openBudget: MicroUsd;
  /** The price of an hour of all nodes that may exist, as if none had reached its monthly price. */
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
 * How long before the last affordable instant Linode accepted the last deletion; negative: too
 * late. null: no limit ended the cluster, so no deletion could be late, or the teardown had no node
 * to delete. `before` is the live record that became `ended`.
 */
export function teardownLeadOf(before: LiveRecord, ended: EndedRecord): DurationMs | null {
  if (before.phase !== 'deleting' || !['budget', 'maxHours'].includes(ended.endReason)) return null;
  const billed = billedNodes(ended);
  const isDeletedInTeardown = (until: EpochMs | null) =>
    until !== null && until >= before.deletingSince;
  const [first, ...rest] = billed.flatMap(({ billedUntil }) =>
    billedUntil !== null && isDeletedInTeardown(billedUntil) ? [billedUntil] : [],
  );
  if (first === undefined) return null;
  const asIfAlive = billed.map((node) =>
    isDeletedInTeardown(node.billedUntil) ? { ...node, billedUntil: null } : node,
  );
  const { maxHours } = ended;
  const transfer = transferOf(ended, ended.endedAt);
  const budget = microUsd(Math.max(0, ended.budget - (transfer?.cost ?? 0)));
  return between(latest(first, ...rest), lastAffordable(asIfAlive, { budget, maxHours }));
}
