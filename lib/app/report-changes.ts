import { formatUsd, toUsd } from '../core/base/money.ts';
import type { EpochMs } from '../core/base/units.ts';
import { isBilledOn, overspentAt } from '../core/cluster/bills.ts';
import { type ClusterRecord, type LiveRecord, takenOverIn } from '../core/cluster/record.ts';
import type { Log, Metrics } from '../ports.ts';

/**
 * Reports that a live cluster costs more than its budget: the metric in each pass, so that the
 * alarm lasts as long as the overspend grows, and the log once.
 */
export function reportLiveOverspend(
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
  { before, record }: { readonly before: LiveRecord; readonly record: LiveRecord },
  now: EpochMs,
): void {
  const overspent = overspentAt(record, now);
  if (overspent === 0 || !isBilledOn(record)) return;
  metrics.emit(() => ({ Overspend: toUsd(overspent) }));
  if (before.overBudgetAt !== undefined || record.overBudgetAt === undefined) return;
  log.error('cluster is over its budget, and lives', {
    clusterId: record.id,
    overspent: formatUsd(overspent),
    budget: formatUsd(record.budget),
    reason: record.trouble?.reason ?? null,
  });
}

/** Reports the nodes that have lost the ownership tag since `before`. */
export function reportLostTags(
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
  { before, record }: { readonly before: ClusterRecord; readonly record: ClusterRecord },
): void {
  const taken = takenOverIn(record).length - takenOverIn(before).length;
  const losses = (record.tagLosses ?? 0) - (before.tagLosses ?? 0);
  if (taken <= 0 && losses <= 0) return;
  const clusterId = record.id;
  if (taken > 0) log.warn('nodes taken over', { clusterId, nodes: takenOverIn(record) });
  if (losses > 0) log.error('all nodes have lost the ownership tag', { clusterId });
  metrics.emit(() => ({
    ...(taken > 0 && { TakenOver: taken }),
    ...(losses > 0 && { TagsLost: losses }),
  }));
}
