import { formatUsd, toUsd } from '../core/base/money.ts';
import type { EpochMs } from '../core/base/units.ts';
import { isBilledOn, overspentAt } from '../core/cluster/bills.ts';
import type { LiveRecord } from '../core/cluster/record.ts';
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
