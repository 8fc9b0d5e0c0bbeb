import type { Outcome } from './run.ts';
import { HOUR } from './time.ts';

/** What many simulated worlds came to, as plain data that processes can send each other. */
export interface Totals {
  seeds: number;
  faultless: number;
  lives: number;
  clusterHours: number;
  faults: Record<string, number>;
  exact: number;
  within: number;
  overspentClusters: number;
  overspentMicroUsd: number;
  recordedMicroUsd: number;
  orphans: number;
  /** Of clusters of 5 afforded hours or more, in worlds without faults, by the default margin. */
  affordedMs: number;
  deliveredMs: number;
  /** In milliseconds for each cluster, of all that lived their full time so. */
  wasted: number[];
  violations: { readonly seed: number; readonly text: string }[];
}

const LONG_HOURS = 5;

export const noTotals = (): Totals => ({
  seeds: 0,
  faultless: 0,
  lives: 0,
  clusterHours: 0,
  faults: {},
  exact: 0,
  within: 0,
  overspentClusters: 0,
  overspentMicroUsd: 0,
  recordedMicroUsd: 0,
  orphans: 0,
  affordedMs: 0,
  deliveredMs: 0,
  wasted: [],
  violations: [],
});

export function add(totals: Totals, outcome: Outcome): void {
  const { seed, lives, faults, accounts, overspent, orphans, delivered, violation } = outcome;
  totals.seeds += 1;
  if (Object.keys(faults).length === 0) totals.faultless += 1;
  totals.lives += lives;
  totals.clusterHours += outcome.clusterHours;
  addCounts(totals.faults, faults);
  totals.exact += accounts.exact;
  totals.within += accounts.within;
  totals.overspentClusters += overspent.clusters;
  totals.overspentMicroUsd += overspent.microUsd;
  totals.recordedMicroUsd += overspent.recordedMicroUsd;
  totals.orphans += orphans;
  for (const { affordedHours, deliveredMs } of delivered) {
    totals.wasted.push(affordedHours * HOUR - deliveredMs);
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
  totals.wasted.push(...other.wasted);
  totals.violations.push(...other.violations);
}

export function tell(totals: Totals, wallMs: number): string {
  const { seeds, lives, clusterHours, exact, within } = totals;
  const perSecond = seeds / (wallMs / 1_000);
  const faults = Object.entries(totals.faults).sort(([, a], [, b]) => b - a);
  return [
    `${seeds} seeds (${totals.faultless} without faults), ${lives} clusters, ` +
      `${Math.round(clusterHours)} Linode hours`,
    'faults injected:',
    ...faults.map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`),
    `recorded spend: ${exact} equal to the bill to the micro-dollar, ${within} whose end could ` +
      'be told to the hour only, within it',
    `overspent: ${totals.overspentClusters} clusters, in outages longer than the margin or where a person had a node made twice; ` +
      `$${usd(totals.overspentMicroUsd)} beyond their budgets by the bill, ` +
      `$${usd(totals.recordedMicroUsd)} as recorded`,
    `left over: ${totals.orphans} Linodes`,
    `delivered without faults, by the default margin: ${percent(totals.deliveredMs, totals.affordedMs)} of the time ` +
      `afforded by clusters of ${LONG_HOURS} hours or more; a median of ` +
      `${Math.round(median(totals.wasted) / 1_000)} s was not used`,
    `${(wallMs / 1_000).toFixed(1)} s: ${perSecond.toFixed(1)} seeds a second, ` +
      `${Math.round((lives / wallMs) * 60_000)} clusters a minute`,
    `${totals.violations.length} violations`,
  ].join('\n');
}

const COUNTS = [
  ...(['seeds', 'faultless', 'lives', 'clusterHours', 'exact', 'within', 'orphans'] as const),
  ...(['overspentClusters', 'overspentMicroUsd', 'recordedMicroUsd'] as const),
  ...(['affordedMs', 'deliveredMs'] as const),
];

function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}

const usd = (microUsd: number): string => (microUsd / 1e6).toFixed(6);

const percent = (part: number, whole: number): string =>
  whole === 0 ? 'nothing' : `${((part / whole) * 100).toFixed(2)} %`;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
