import type { Outcome } from './run.ts';
import { HOUR } from './time.ts';

/** The sums of many worlds' outcomes, as plain data that processes can send each other. */
export interface Totals {
  seeds: number;
  /** How many worlds had no fault. */
  faultless: number;
  clusters: number;
  clusterHours: number;
  /** How often each fault struck. */
  faults: Record<string, number>;
  /** How many clusters recorded exactly the bill as their spend. */
  exact: number;
  /** How many bills of clusters equalled invoice and record, and forecast, record and invoice. */
  invoiced: number;
  forecast: number;
  /** How many worlds had each planned difference, which was found and named. */
  plans: Record<string, number>;
  /** How many clusters recorded a spend within the possible bills, as faults hid their ends. */
  within: number;
  overspentClusters: number;
  /** Micro-dollars beyond the budgets by the bill. */
  overspentMicroUsd: number;
  /** Micro-dollars beyond the budgets as Onebuck recorded them. */
  recordedMicroUsd: number;
  orphans: number;
  /** The afforded and the delivered time of the clusters in `Outcome.delivered` of 5 h or more. */
  affordedMs: number;
  deliveredMs: number;
  /** Afforded less delivered time of each cluster in `Outcome.delivered`, in milliseconds. */
  unusedMs: number[];
  violations: { readonly seed: number; readonly text: string }[];
}

const LONG_HOURS = 5;

export const noTotals = (): Totals => ({
  seeds: 0,
  faultless: 0,
  clusters: 0,
  clusterHours: 0,
  faults: {},
  exact: 0,
  within: 0,
  invoiced: 0,
  forecast: 0,
  plans: {},
  overspentClusters: 0,
  overspentMicroUsd: 0,
  recordedMicroUsd: 0,
  orphans: 0,
  affordedMs: 0,
  deliveredMs: 0,
  unusedMs: [],
  violations: [],
});

export function add(totals: Totals, outcome: Outcome): void {
  const { seed, clusters, faults, accounts, overspent, orphans, delivered, violation } = outcome;
  const { invoices } = outcome;
  totals.seeds += 1;
  if (Object.keys(faults).length === 0) totals.faultless += 1;
  totals.clusters += clusters;
  totals.clusterHours += outcome.clusterHours;
  addCounts(totals.faults, faults);
  totals.exact += accounts.exact;
  totals.within += accounts.within;
  totals.invoiced += invoices.equal;
  totals.forecast += invoices.forecast;
  if (invoices.named !== null) addCounts(totals.plans, { [invoices.named]: 1 });
  totals.overspentClusters += overspent.clusters;
  totals.overspentMicroUsd += overspent.microUsd;
  totals.recordedMicroUsd += overspent.recordedMicroUsd;
  totals.orphans += orphans;
  for (const { affordedHours, deliveredMs } of delivered) {
    totals.unusedMs.push(affordedHours * HOUR - deliveredMs);
    if (affordedHours < LONG_HOURS) continue;
    totals.affordedMs += affordedHours * HOUR;
    totals.deliveredMs += deliveredMs;
  }
  if (violation === null) return;
  const text = `violation: ${violation.promise} at ${violation.at}: ${violation.detail}`;
  totals.violations.push({ seed, text });
}

export function merge(totals: Totals, other: Totals): void {
  for (const name of COUNTS) totals[name] += other[name];
  addCounts(totals.faults, other.faults);
  addCounts(totals.plans, other.plans);
  totals.unusedMs.push(...other.unusedMs);
  totals.violations.push(...other.violations);
}

export function summaryOf(totals: Totals, wallMs: number): string {
  const { seeds, clusters, clusterHours, exact, within } = totals;
  const perSecond = seeds / (wallMs / 1_000);
  const faults = Object.entries(totals.faults).sort(([, a], [, b]) => b - a);
  return [
    `${seeds} seeds (${totals.faultless} without faults), ${clusters} clusters, ` +
      `${Math.round(clusterHours)} Linode hours`,
    'faults injected:',
    ...faults.map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`),
    `recorded spend: exactly the bill for ${exact} clusters; within the possible bills for ` +
      `${within} clusters whose ends faults hid`,
    `invoices: equal to the record to the micro-dollar for ${totals.invoiced} clusters, for ` +
      `${totals.forecast} of them also to the forecast; planned differences found and named: ` +
      (Object.entries(totals.plans)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ') || 'none'),
    `overspent: ${totals.overspentClusters} clusters, in outages longer than the safety margin, ` +
      "where a person's change made Onebuck create a node twice, or by transfer that no measure had " +
      'seen; ' +
      `$${usd(totals.overspentMicroUsd)} beyond their budgets by the bill, ` +
      `$${usd(totals.recordedMicroUsd)} as Onebuck recorded it`,
    `left over: ${totals.orphans} Linodes`,
    `delivered: ${deliveredText(totals)}`,
    `${(wallMs / 1_000).toFixed(1)} s: ${perSecond.toFixed(1)} seeds a second, ` +
      `${Math.round((clusters / wallMs) * 60_000)} clusters a minute`,
    `${totals.violations.length} violations`,
  ].join('\n');
}

const COUNTS = [
  ...(['seeds', 'faultless', 'clusters', 'clusterHours', 'exact', 'within', 'orphans'] as const),
  ...(['invoiced', 'forecast'] as const),
  ...(['overspentClusters', 'overspentMicroUsd', 'recordedMicroUsd'] as const),
  ...(['affordedMs', 'deliveredMs'] as const),
];

function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}

function deliveredText({ unusedMs, affordedMs, deliveredMs }: Totals): string {
  if (unusedMs.length === 0) {
    return 'not measured: no cluster lived its full time without faults, by the default margin';
  }
  const unusedSeconds = Math.round(median(unusedMs) / 1_000);
  const share = ((deliveredMs / affordedMs) * 100).toFixed(2);
  return (
    'without faults and with the default margin, clusters left a median of ' +
    `${unusedSeconds} s of the afforded time unused` +
    (affordedMs === 0 ? '' : `; clusters of ${LONG_HOURS} hours or more lived ${share} % of it`)
  );
}

const usd = (microUsd: number): string => (microUsd / 1e6).toFixed(6);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
